"""The built-in data sets."""

from salzoo.hookspecs import Register, hookimpl

_SETS = {
    "dhf1k": ("dhf1k", "1000 videos, 17 observers in free viewing (Wang et al., 2018)"),
    "eyecrowd": ("gaze_images", "500 photographs of crowds, 16 observers (Jiang et al., 2014)"),
    "fiwi": ("fiwi", "149 web pages, 11 observers (Shen and Zhao, 2014)"),
    "folder": ("folder", "A folder of your own (salzoo data --help); named by its path"),
    "hevc33": ("hevc33", "33 videos, 32 observers (Xu et al., 2017); hevc33:fold=2 holds out another fifth"),
    "hollywood2": (
        "hollywood2",
        "6257 movie shots, 19 observers (Mathe and Sminchisescu, 2015); splits train and test",
    ),
    "interiors": ("interiors", "134 grey rooms, 57 observers who search (Sclar et al., 2020)"),
    "mit1003": ("mit1003", "1003 photographs, 15 observers (Judd et al., 2009)"),
    "osie": ("gaze_images", "700 photographs, 15 observers (Xu et al., 2014)"),
    "pascals": ("pascals", "850 photographs, most without people, 8 observers (Li et al., 2014)"),
    "salicon": ("salicon", "20000 still images, mouse-tracked fixations (Jiang et al., 2015)"),
    "sun500": ("gaze_images", "500 photographs of scenes, 10 to 12 observers (Liang et al., 2015)"),
    "synthetic": ("synthetic", "Moving objects and simulated observers, made by salzoo on first use; not human gaze"),
    "traffic100": (
        "traffic100",
        "100 pictures of roads, 40 people (Deng et al., 2016); traffic100:task=drive as if driving",
    ),
    "ucfsports": ("ucfsports", "150 sports videos, 19 observers (Mathe and Sminchisescu, 2015); splits train and test"),
}
"""Module and summary of each."""

_ALIASES = {
    "dhf1k": ("DHF1K",),
    "hollywood2": ("hollywood-2", "Hollywood-2"),
    "mit1003": ("MIT1003",),
    "pascals": ("pascal-s", "PASCAL-S"),
    "salicon": ("SALICON",),
    "ucfsports": ("ucf-sports", "UCF-Sports"),
}
"""Other names."""


@hookimpl
def register_datasets(register: Register) -> None:
    for name, (module, summary) in _SETS.items():
        aliases = _ALIASES.get(name, ())
        register(name, f"salzoo.datasets.{module}:open_{name}", summary=summary, aliases=aliases)
