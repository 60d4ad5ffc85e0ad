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
        "hollywood2",
        "salzoo.datasets.hollywood2:open_hollywood2",
        summary="6257 movie shots, 19 observers (Mathe and Sminchisescu, 2015); splits train and test",
        aliases=["hollywood-2", "Hollywood-2"],
    )
    register(
        "salicon",
        "salzoo.datasets.salicon:open_salicon",
        summary="20000 still images, mouse-tracked fixations (Jiang et al., 2015)",
        aliases=["SALICON"],
    )
    register(
        "synthetic",
        "salzoo.datasets.synthetic:open_synthetic",
        summary="Moving objects and simulated observers, made by salzoo on first use; not human gaze",
    )
    register(
        "ucfsports",
        "salzoo.datasets.ucfsports:open_ucfsports",
        summary="150 sports videos, 19 observers (Mathe and Sminchisescu, 2015); splits train and test",
        aliases=["ucf-sports", "UCF-Sports"],
    )
