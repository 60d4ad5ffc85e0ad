"""``salzoo data``: making data sets."""

from pathlib import Path

import click


@click.group("data")
def data_command() -> None:
    """Make and inspect data sets."""


@data_command.group("make")
def make() -> None:
    """Make a data set."""


@make.command("synthetic")
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, help="Folder to make; new or empty.")
@click.option("--videos", type=click.IntRange(3, 1000), default=80, show_default=True, help="Videos, all splits together.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Another seed gives other videos.")
def make_synthetic_data(out: Path, videos: int, seed: int) -> None:
    """Make synthetic videos with the gaze of simulated observers, in DHF1K's layout.

    Scores on them say nothing about human gaze. The same videos, seed and version give the same data.
    """
    from salzoo.datasets.synthetic import make_synthetic

    make_synthetic(out, videos, seed)
    click.echo(f"{videos} synthetic videos in {out}; use them with --dataset synthetic --root {out}")
