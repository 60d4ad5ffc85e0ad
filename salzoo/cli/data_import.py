"""``salzoo data import``."""

import re
from pathlib import Path
from typing import Any

import click


def parse_screen(text: str) -> tuple[int, int]:
    """A screen's size as people name it, WIDTHxHEIGHT: (height, width).

    >>> parse_screen("1920x1080")
    (1080, 1920)
    """
    match = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", text, re.ASCII)
    if not match:
        raise click.BadParameter(f"{text!r} is not a screen: write WIDTHxHEIGHT in pixels, such as 1920x1080")
    return int(match[2]), int(match[1])


def parse_placement(text: str) -> str | tuple[float, ...]:
    """Where stimuli were on a screen: a word, or X,Y,WIDTH,HEIGHT."""
    if text in ("fit", "center", "stretch"):
        return text
    match = re.fullmatch(r"(-?[\d.]+),(-?[\d.]+),([\d.]+),([\d.]+)", text, re.ASCII)
    try:
        numbers = tuple(map(float, match.groups())) if match else ()
    except ValueError:
        numbers = ()
    if not numbers or min(numbers[2:]) <= 0:
        raise click.BadParameter(f"{text!r} is not a placement: write fit, center, stretch, or X,Y,WIDTH,HEIGHT")
    return numbers


def parse_column(text: str) -> tuple[str, str]:
    """ROLE=NAME of a column."""
    role, equals, name = text.partition("=")
    if not (role and equals and name):
        raise click.BadParameter(f"{text!r} names no column: write ROLE=NAME, such as x='Gaze X'")
    return role, name


@click.command("import")
@click.argument("tables", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="TABLE...")
@click.option("--videos", required=True, type=click.Path(path_type=Path), help="Folder of the videos or images.")
@click.option("--to", "out", required=True, type=click.Path(path_type=Path), metavar="SET", help="Folder to make.")
@click.option(
    "--column",
    "columns",
    multiple=True,
    type=parse_column,
    metavar="ROLE=NAME",
    help="Which column is stimulus, observer, time, duration, x, y, event or index, where its name does not tell.",
)
@click.option(
    "--rows",
    type=click.Choice(["samples", "labelled", "fixations"]),
    help="What the rows are; by default fixations if they have a duration, labelled samples if they have an event.",
)
@click.option("--units", type=click.Choice(["pixels", "fraction"]), help="Of x and y; fraction is 0 to 1.")
@click.option("--origin", type=click.Choice(["upper-left", "lower-left"]), help="Of x and y; y grows from there.")
@click.option(
    "--screen", type=parse_screen, metavar="WIDTHxHEIGHT", help="x and y are measured on a screen of this size."
)
@click.option(
    "--placement",
    type=parse_placement,
    default="fit",
    show_default=True,
    metavar="fit|center|stretch|X,Y,W,H",
    help="Where each stimulus was on the screen: as large as fits, its own size, all of it, or there.",
)
@click.option("--time-unit", type=click.Choice(["s", "ms", "us", "ns"]), help="Of time, where nothing tells it.")
@click.option(
    "--clock",
    type=click.Choice(["onset", "recording"]),
    help="Time counts from the start of the stimulus, or an observer's first row on a stimulus is its start.",
)
@click.option("--rate", type=click.FloatRange(1, 20000), metavar="HZ", help="Samples per second.")
@click.option(
    "--detect",
    "method",
    type=click.Choice(["ivt", "idt"]),
    default="ivt",
    show_default=True,
    help="How samples become fixations: by velocity or by dispersion.",
)
@click.option(
    "--threshold", type=click.FloatRange(0, min_open=True), help="Degrees a second (ivt, 30) or degrees (idt, 1)."
)
@click.option(
    "--pixels-per-degree",
    type=click.FloatRange(0, min_open=True),
    help="Of visual angle, on the screen or stimulus; by default 1/32 of its width.",
)
@click.option("--leave-out-first", is_flag=True, help="Leave out each observer's first fixation on each stimulus.")
@click.option("--drop-outside", is_flag=True, help="Leave out what does not fit rather than refuse.")
@click.option("--copy", is_flag=True, help="Copy the videos rather than link them.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the splits.")
def import_data(
    tables: tuple[Path, ...],
    videos: Path,
    out: Path,
    columns: tuple[tuple[str, str], ...],
    rows: Any,
    drop_outside: bool,
    copy: bool,
    seed: int,
    leave_out_first: bool,
    **setup: Any,
) -> None:
    """Make a data set of gaze in TABLEs (CSV, TSV) and the videos or images that were watched.

    A table has a row a sample, or a row a fixation, and columns for stimulus (the name of a file in --videos),
    observer, time, x and y; fixations have a duration. The exports of Tobii Pro Lab, EyeLink Data Viewer, SMI BeGaze,
    Pupil Player and Pupil Cloud are known by their columns. A table without a column of observers is one observer's.

    Samples become fixations by a threshold on velocity or dispersion (Salvucci and Goldberg, ETRA 2000). A fifth of
    the videos each becomes the test and the validation split; set.toml in SET holds that, and how all was made.
    Use it with --dataset SET.
    """
    from salzoo.datasets.importing import Import, import_gaze
    from salzoo.gaze.setup import Setup
    from salzoo.interfaces.errors import shown

    named: dict[str, Any] = {key: value for key, value in setup.items() if value is not None}
    plan = Import(
        tables=tables,
        videos=videos,
        out=out,
        setup=Setup(**named, first=not leave_out_first),
        columns=dict(columns),
        rows=rows,
        drop_outside=drop_outside,
        copy=copy,
        seed=seed,
    )
    import_gaze(plan, lambda line: click.echo(shown(line)))
