"""The built-in data sets."""

from salzoo.hookspecs import Register, hookimpl


@hookimpl
def register_datasets(register: Register) -> None:
    register(
        "dhf1k",
        "salzoo.datasets.dhf1k:open_dhf1k",
        summary="1000 videos, 17 observers in free viewing (Wang et al., 2018)",
    )
    register(
        "synthetic",
        "salzoo.datasets.synthetic:open_synthetic",
        summary="Moving objects and simulated observers, made by salzoo on first use; not human gaze",
    )
