"""Options that say how a model runs, the same for every command that runs one."""

from typing import TYPE_CHECKING, Any

import click

from salzoo.cli.types import grouped, parse_size
from salzoo.prediction.engines.names import ENGINES, PRECISIONS

if TYPE_CHECKING:
    from salzoo.prediction.engines.engine import RunOptions

_NAMES = ("device", "engine", "precision", "size", "run_every")

_SIZE = click.option("--size", type=parse_size, metavar="HxW", help="Size that the model runs at; by default its own.")
_EVERY = click.option(
    "--run-every",
    type=click.IntRange(1, 100),
    default=1,
    show_default=True,
    metavar="N",
    help="The network sees one frame of a video in N, and the first after a cut; maps of the others lie between. "
    "Beyond 3 scores suffer: the card of gaze-lite says how much.",
)
_DEVICE = click.option("--device", help="cpu, cuda, cuda:1, mps; by default the best one here.")
_AUTO = [
    click.option(
        "--engine",
        type=click.Choice(["auto", *ENGINES]),
        default="auto",
        show_default=True,
        help="What runs the model: auto takes the fastest that is installed and keeps the maps.",
    ),
    click.option(
        "--precision",
        type=click.Choice(["auto", *PRECISIONS]),
        default="auto",
        show_default=True,
        help="Of the layers.",
    ),
]
_EXACT = [
    click.option(
        "--engine", type=click.Choice(ENGINES), default="torch", show_default=True, help="What runs the models."
    ),
    click.option(
        "--precision",
        type=click.Choice(PRECISIONS),
        default="float32",
        show_default=True,
        help="Of the layers. The default gives every machine's scores; others tell what they cost.",
    ),
]


run_options = grouped(_SIZE, _DEVICE, *_AUTO, _EVERY)
"""Adds the options to a command that makes maps: by default as is fastest here."""

live_run_options = grouped(_SIZE, _DEVICE, *_AUTO)
"""Adds those of a command that runs on what comes."""

scoring_run_options = grouped(_DEVICE, *_EXACT)
"""Adds the options to a command that makes scores: by default as every machine can, at the model's own size."""


def read_run_options(named: dict[str, Any]) -> "RunOptions":
    """Take these options out of all that a command was given."""
    from salzoo.prediction.engines.engine import RunOptions

    return RunOptions(**{name: named.pop(name) for name in _NAMES if name in named})
