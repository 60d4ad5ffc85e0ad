"""Options of ``salzoo predict`` that say how maps are shown and written."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

# Spelt out: importing what they are read from would load OpenCV.
_VIEWS = ["heat", "side-by-side", "contours", "alpha", "map"]
_COLORMAPS = ["inferno", "magma", "plasma", "viridis", "cividis", "turbo", "jet", "hot"]
_OPTIONS = [
    click.option(
        "--view",
        type=click.Choice(_VIEWS),
        help="heat over the frame (the default), the frame beside its map, contours, the frame lit where it is salient "
        "(alpha), or the map alone (the default in a folder and in .mkv).",
    ),
    click.option("--colormap", type=click.Choice(_COLORMAPS), help="Colours of heat; inferno by default."),
    click.option(
        "--opacity",
        type=click.FloatRange(0, 1),
        default=0.75,
        help="How much of the frame the hottest colour hides; 0.75.",
    ),
    click.option(
        "--scale",
        type=click.Choice(["none", "frame", "video"]),
        default="frame",
        show_default=True,
        help="What full heat, or white, is: 1 (none), the frame's largest value, or the largest so far in the video, "
        "fading by 1 % a frame. Every file says its own.",
    ),
    click.option("--bits", type=click.Choice(["8", "16"]), default="8", help="Of grey maps in .png and .mkv."),
    click.option(
        "--overwrite", is_flag=True, help="Replace files that are there; a folder with maps is never replaced."
    ),
    click.option(
        "--boxes",
        type=click.Path(path_type=Path),
        help="CSV file of areas (name, x, y, width, height in pixels), whose shares .csv and .json hold.",
    ),
]


def output_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add these options to a command, in the order of ``--help``."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def read_output_options(named: dict[str, Any]) -> Any:
    """Take these options out of all that a command was given."""
    from salzoo.prediction.outputs import OutputOptions

    bits = int(named.pop("bits"))
    return OutputOptions(
        bits=bits, **{key: named.pop(key) for key in ("view", "colormap", "opacity", "scale", "boxes", "overwrite")}
    )
