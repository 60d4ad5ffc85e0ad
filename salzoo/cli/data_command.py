"""``salzoo data``: making, checking and preparing data sets."""

import json
from pathlib import Path

import click

from salzoo.cli.data_get import get_data
from salzoo.cli.data_import import import_data
from salzoo.cli.types import SEED


@click.group("data")
def data_command() -> None:
    """Get, import, make and check data sets.

    \b
    Data sets of your own are folders, named with --dataset PATH. One is made of recordings of gaze by
      salzoo data import gaze.csv --videos DIR --to SET
    or laid out by hand, with density maps, fixation maps or both, numbered as the frames are:
      SPLIT/VIDEO/images/0001.png      or a video file: SPLIT/VIDEO.mp4 (SPLIT is train, val or test)
      SPLIT/VIDEO/maps/0001.png        density, grey
      SPLIT/VIDEO/fixation/0001.png    lit where somebody looked
    """


data_command.add_command(get_data)
data_command.add_command(import_data)


@data_command.group("make")
def make() -> None:
    """Make a data set."""


@make.command("synthetic")
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, help="Folder to make; new or empty.")
@click.option(
    "--videos", type=click.IntRange(3, 1000), default=80, show_default=True, help="Videos, all splits together."
)
@click.option("--seed", type=SEED, default=0, show_default=True, help="Another seed gives other videos.")
def make_synthetic_data(out: Path, videos: int, seed: int) -> None:
    """Make synthetic videos with the gaze of simulated observers, in DHF1K's layout.

    Scores on them say nothing about human gaze. The same videos, seed and version give the same data.
    """
    from salzoo.datasets.synthetic import make_synthetic

    make_synthetic(out, videos, seed)
    click.echo(f"{videos} synthetic videos in {out}; use them with --dataset synthetic --root {out}")


@data_command.command("check")
@click.argument("name")
@click.option(
    "--root", type=click.Path(path_type=Path), help="Its folder; by default $SALZOO_DATA/<name> or the setting."
)
@click.option("--json", "as_json", is_flag=True, help="Print what was found in each video as JSON.")
@click.option(
    "--draw",
    type=click.Path(path_type=Path),
    metavar="PICTURE",
    help="Write ten frames with gaze on them (PNG, JPEG).",
)
def check(name: str, root: Path | None, as_json: bool, draw: Path | None) -> None:
    """Read all of data set NAME, and list what is missing, unreadable, or of the wrong size or count.

    Exits with status 1 if anything is wrong. Videos that are not there at all are counted, but not wrong.
    """
    from salzoo.data import open_dataset
    from salzoo.datasets.checking import check_dataset, check_json, format_check

    dataset = open_dataset(name, root)
    if draw is not None:
        from salzoo.datasets.contact_sheet import draw_gaze
        from salzoo.runtime.files import check_output

        check_output(draw)
        click.echo(f"gaze on {draw_gaze(dataset.videos, draw)} frames in {draw}", err=as_json)
    found = check_dataset(dataset)
    click.echo(json.dumps(check_json(found), indent=1) if as_json else format_check(found))
    if found.wrong:
        raise click.exceptions.Exit(1)
