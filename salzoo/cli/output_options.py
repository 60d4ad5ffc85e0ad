"""Options of ``salzoo predict`` that say how maps are shown and written."""

from pathlib import Path
from typing import Any

import click

from salzoo.cli.types import NumberRange, grouped

# Spelt out: importing what they are read from would load OpenCV.
_VIEWS = ["heat", "side-by-side", "contours", "alpha", "map"]
_KINDS = ["mkv", "npz", "csv", "mp4", "png", "webm", "gif", "json", "npy"]
_COLORMAPS = ["inferno", "magma", "plasma", "viridis", "cividis", "turbo", "jet", "hot"]
output_options = grouped(
    click.option(
        "--view",
        type=click.Choice([*_VIEWS, "crop"]),
        help="heat over the frame (the default), the frame beside its map, contours, the frame lit where it is salient "
        "(alpha), the map alone (the default in a folder and in .mkv), or the part of the frame that keeps most "
        "attention, which moves smoothly (crop).",
    ),
    click.option("--aspect", default="9:16", show_default=True, metavar="W:H", help="Shape of the view crop."),
    click.option("--colormap", type=click.Choice(_COLORMAPS), help="Colours of heat; inferno by default."),
    click.option(
        "--opacity",
        type=NumberRange(0, 1),
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
        "--values",
        type=click.Choice(["map", "log-density", "log2-density"]),
        default="map",
        show_default=True,
        help="Of .npy and .npz: the map in [0, 1], or the natural logarithm (nats), or that to base 2 (bits), of a "
        "density that sums to one over the frame's pixels.",
    ),
    click.option(
        "--per",
        type=click.Choice(["frame", "second"]),
        default="frame",
        show_default=True,
        help="Of .csv and .json: a line a frame, or the means over the frames of each second.",
    ),
    click.option(
        "--overwrite", is_flag=True, help="Replace files that are there; a folder with maps is never replaced."
    ),
)
"""Adds the options of an output to a command."""


selection_options = grouped(
    click.option("--from", "start", type=NumberRange(0), default=0.0, help="Seconds of a video at which to begin."),
    click.option("--to", "stop", type=NumberRange(0), help="Seconds at which to end."),
    click.option("--every", type=click.IntRange(1), default=1, help="Take one frame in so many."),
    click.option(
        "--sequence", is_flag=True, help="Take the images of a folder for the frames of one video, by their numbers."
    ),
)
"""Adds the options that say which frames are taken to a command."""

corpus_options = grouped(
    click.option(
        "--as",
        "kind",
        type=click.Choice(_KINDS),
        help="Write for each input, into the folder --out: grey maps without loss (mkv), values (npz), measures (csv), "
        "an overlay (mp4) or a folder of maps (png, the default, for benchmarks). A picture becomes a picture where a "
        "video becomes one. Bytes a frame, measured with "
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
)
"""Adds the options for many inputs to a command."""


def read_output_options(named: dict[str, Any]) -> Any:
    """Take these options out of all that a command was given."""
    from salzoo.prediction.outputs import OutputOptions

    names = ("view", "aspect", "colormap", "opacity", "scale", "values", "per", "overwrite")
    return OutputOptions(bits=int(named.pop("bits")), **{name: named.pop(name) for name in names})


def read_selection(named: dict[str, Any]) -> Any:
    """Take the options that say which frames are taken out of all that a command was given."""
    from salzoo.prediction.inputs import Selection

    return Selection(named.pop("start"), named.pop("stop"), named.pop("every"))
