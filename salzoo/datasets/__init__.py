"""The built-in data sets."""

from salzoo.hookspecs import Register, hookimpl


@hookimpl
def register_datasets(register: Register) -> None:
    register(
        "dhf1k",
        "salzoo.datasets.dhf1k:open_dhf1k",
        summary="1000 videos, 17 observers in free viewing (Wang et al., 2018)",
        aliases=["DHF1K"],
    )
    register(
        "eyecrowd",
        "salzoo.datasets.gaze_images:open_eyecrowd",
        summary="500 photographs of crowds, 16 observers (Jiang et al., 2014)",
    )
    register(
        "fiwi",
        "salzoo.datasets.fiwi:open_fiwi",
        summary="149 web pages, 11 observers (Shen and Zhao, 2014)",
    )
    register(
        "folder",
        "salzoo.datasets.folder:open_folder",
        summary="A folder of your own (salzoo data --help); named by its path",
    )
    register(
        "hevc33",
        "salzoo.datasets.hevc33:open_hevc33",
        summary="33 videos, 32 observers (Xu et al., 2017); hevc33:fold=2 holds out another fifth",
    )
    register(
        "hollywood2",
        "salzoo.datasets.hollywood2:open_hollywood2",
        summary="6257 movie shots, 19 observers (Mathe and Sminchisescu, 2015); splits train and test",
        aliases=["hollywood-2", "Hollywood-2"],
    )
    register(
        "interiors",
        "salzoo.datasets.interiors:open_interiors",
        summary="134 grey rooms, 57 observers who search (Sclar et al., 2020)",
    )
    register(
        "mit1003",
        "salzoo.datasets.mit1003:open_mit1003",
        summary="1003 photographs, 15 observers (Judd et al., 2009)",
        aliases=["MIT1003"],
    )
    register(
        "osie",
        "salzoo.datasets.gaze_images:open_osie",
        summary="700 photographs, 15 observers (Xu et al., 2014)",
    )
    register(
        "pascals",
        "salzoo.datasets.pascals:open_pascals",
        summary="850 photographs, most without people, 8 observers (Li et al., 2014)",
        aliases=["pascal-s", "PASCAL-S"],
    )
    register(
        "salicon",
        "salzoo.datasets.salicon:open_salicon",
        summary="20000 still images, mouse-tracked fixations (Jiang et al., 2015)",
        aliases=["SALICON"],
    )
    register(
        "sun500",
        "salzoo.datasets.gaze_images:open_sun500",
        summary="500 photographs of scenes, 10 to 12 observers (Liang et al., 2015)",
    )
    register(
        "synthetic",
        "salzoo.datasets.synthetic:open_synthetic",
        summary="Moving objects and simulated observers, made by salzoo on first use; not human gaze",
    )
    register(
        "traffic100",
        "salzoo.datasets.traffic100:open_traffic100",
        summary="100 pictures of roads, 40 people (Deng et al., 2016); traffic100:task=drive as if driving",
    )
    register(
        "ucfsports",
        "salzoo.datasets.ucfsports:open_ucfsports",
        summary="150 sports videos, 19 observers (Mathe and Sminchisescu, 2015); splits train and test",
        aliases=["ucf-sports", "UCF-Sports"],
    )
