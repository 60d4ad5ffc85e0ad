"""The built-in data sets."""

from salzoo.hookspecs import Register, hookimpl

_SETS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    (
        "dhf1k",
        "dhf1k:open_dhf1k",
        "1000 videos, 17 observers in free viewing (Wang et al., 2018)",
        ("DHF1K",),
    ),
    (
        "eyecrowd",
        "gaze_images:open_eyecrowd",
        "500 photographs of crowds, 16 observers (Jiang et al., 2014)",
        (),
    ),
    (
        "fiwi",
        "fiwi:open_fiwi",
        "149 web pages, 11 observers (Shen and Zhao, 2014)",
        (),
    ),
    (
        "folder",
        "folder:open_folder",
        "A folder of your own (salzoo data --help); named by its path",
        (),
    ),
    (
        "hevc33",
        "hevc33:open_hevc33",
        "33 videos, 32 observers (Xu et al., 2017); hevc33:fold=2 holds out another fifth",
        (),
    ),
    (
        "hollywood2",
        "hollywood2:open_hollywood2",
        "6257 movie shots, 19 observers (Mathe and Sminchisescu, 2015); splits train and test",
        ("hollywood-2", "Hollywood-2"),
    ),
    (
        "interiors",
        "interiors:open_interiors",
        "134 grey rooms, 57 observers who search (Sclar et al., 2020)",
        (),
    ),
    (
        "mit1003",
        "mit1003:open_mit1003",
        "1003 photographs, 15 observers (Judd et al., 2009)",
        ("MIT1003",),
    ),
    (
        "osie",
        "gaze_images:open_osie",
        "700 photographs, 15 observers (Xu et al., 2014)",
        (),
    ),
    (
        "pascals",
        "pascals:open_pascals",
        "850 photographs, most without people, 8 observers (Li et al., 2014)",
        ("pascal-s", "PASCAL-S"),
    ),
    (
        "salicon",
        "salicon:open_salicon",
        "20000 still images, mouse-tracked fixations (Jiang et al., 2015)",
        ("SALICON",),
    ),
    (
        "sun500",
        "gaze_images:open_sun500",
        "500 photographs of scenes, 10 to 12 observers (Liang et al., 2015)",
        (),
    ),
    (
        "synthetic",
        "synthetic:open_synthetic",
        "Moving objects and simulated observers, made by salzoo on first use; not human gaze",
        (),
    ),
    (
        "traffic100",
        "traffic100:open_traffic100",
        "100 pictures of roads, 40 people (Deng et al., 2016); traffic100:task=drive as if driving",
        (),
    ),
    (
        "ucfsports",
        "ucfsports:open_ucfsports",
        "150 sports videos, 19 observers (Mathe and Sminchisescu, 2015); splits train and test",
        ("ucf-sports", "UCF-Sports"),
    ),
)
"""Name, module and function, summary and other names of each."""


@hookimpl
def register_datasets(register: Register) -> None:
    for name, target, summary, aliases in _SETS:
        register(name, f"salzoo.datasets.{target}", summary=summary, aliases=aliases)
