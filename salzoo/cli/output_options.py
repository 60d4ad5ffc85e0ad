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


_CORPUS = [
    click.option(
        "--as",
        "kind",
        type=click.Choice(["mkv", "npz", "csv", "mp4", "png"]),
        help="Write for each input, into the folder --out: grey maps without loss (mkv), values (npz), measures (csv), "
        "an overlay (mp4) or a folder of maps (png, the default, for benchmarks). Bytes a frame, measured with "
        "gaze-lite on a film of 1280x720: mkv 37 k, npz 3.7 M, csv 62, mp4 15 k, png 63 k.",
    ),
    click.option(
        "--inputs",
        "listed",
        metavar="LIST",
        help="A file with an input a line, - for standard input; a CSV with the columns id,path names the outputs.",
    ),
    click.option("--retry-failed", is_flag=True, help="Run over the inputs in DIR/failed.csv alone."),
    click.option(
        "--log-json",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Add a line of JSON to this file every five seconds: how far all processes have come.",
    ),
]


def corpus_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options for many inputs to a command."""
    return _added(command, _CORPUS)


def output_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of an output to a command."""
    return _added(command, _OPTIONS)


def _added(command: Callable[..., None], options: list[Any]) -> Callable[..., None]:
    for option in reversed(options):  # the order of ``--help``
        command = option(command)
    return command


def read_output_options(named: dict[str, Any]) -> Any:
    """Take these options out of all that a command was given."""
    from salzoo.prediction.outputs import OutputOptions

    bits = int(named.pop("bits"))
    return OutputOptions(
        bits=bits, **{key: named.pop(key) for key in ("view", "colormap", "opacity", "scale", "boxes", "overwrite")}
    )
