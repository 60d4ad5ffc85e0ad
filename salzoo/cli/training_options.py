"""Options that ``salzoo train`` and ``salzoo sweep`` share."""

from pathlib import Path
from typing import Any

import click

from salzoo.cli.types import SEED, NumberRange, grouped, parse_size

training_options = grouped(
    click.option(
        "--dataset",
        help="Data set, or several with commas. By default dhf1k where its folder is known, else synthetic.",
    ),
    click.option("--root", type=click.Path(path_type=Path), help="Its folder; by default $SALZOO_DATA/<name>."),
    click.option("--recipe", help="Name (salzoo recipes) or TOML file; by default chosen from spec, data and --init."),
    click.option("--init", metavar="random|imagenet|MODEL", help="Initial weights; MODEL gives its backbone."),
    click.option("--epochs", type=click.IntRange(1), help="Passes over the training videos."),
    click.option("--minutes", type=NumberRange(0), help="Stop training after so many; 0 for no limit."),
    click.option("--clip-length", type=click.IntRange(1), help="Frames of a clip."),
    click.option("--batch", type=click.IntRange(1), help="Videos side by side, on each rank."),
    click.option("--accumulate", type=click.IntRange(1), help="Batches whose gradients make one step."),
    click.option("--size", type=parse_size, metavar="HxW", help="Input size."),
    click.option("--lr", type=NumberRange(0), help="Learning rate."),
    click.option("--alpha-lr", type=NumberRange(0), help="That of learned EMA weights."),
    click.option("--precision", type=click.Choice(["auto", "float32", "bfloat16"]), help="Of the layers."),
    click.option("--checkpoint-activations", is_flag=True, default=None, help="Less memory for more time."),
    click.option("--seed", type=SEED, help="Seed of weights, dropout, order and augmentation."),
    click.option("--score-frames", type=click.IntRange(0), help="Frames of each validation video to score; 0 for all."),
    click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Any other value of the recipe."),
    click.option("--device", help="cpu, cuda, mps; the best one here by default."),
)
"""Adds the options to a command."""


def read_changes(named: dict[str, Any]) -> dict[str, Any]:
    """What was named of a run: by options of its own, and values of its recipe by ``--set``."""
    from salzoo.training.recipe import check_key, parse_change

    changes = dict(map(parse_change, named.pop("changes")))
    for key in changes:
        check_key(key, "--set")
    return {key: value for key, value in named.items() if value is not None} | changes
