"""``salzoo data import``."""

import math
import re
from pathlib import Path
from typing import Any

import click

from salzoo.cli.types import NumberRange, grouped


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


def parse_mark(text: str) -> tuple[float, float]:
    """X,Y of a place that means something."""
    try:
        x, y = map(float, text.split(","))
    except ValueError:
        x = y = math.nan
    if not (math.isfinite(x) and math.isfinite(y)):
        raise click.BadParameter(f"{text!r} is no place: write X,Y as the table has them, such as 0,1080")
    return x, y


def parse_share(text: str) -> float:
    """A share from 0 to 1, or in percent.

    >>> parse_share("2%"), parse_share("0.5")
    (0.02, 0.5)
    """
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise click.BadParameter(f"{text!r} is no share: write 0.02 or 2%")
    return share


reading_options = grouped(
    click.option(
        "--column",
        "columns",
        multiple=True,
        type=parse_column,
        metavar="ROLE=NAME",
        help="Which column is stimulus, observer, viewing, time, duration, end, x, y, event, index or eye, where its "
        "name does not tell.",
    ),
    click.option(
        "--columns", "header", metavar="A,B,...", help="What the columns of a table without a header are, in order."
    ),
    click.option(
        "--encoding", default="", help="Of tables, such as cp1252; by default UTF-8, or UTF-16 with its mark."
    ),
    click.option(
        "--rows",
        type=click.Choice(["samples", "labelled", "fixations"]),
        help="What the rows are; by default fixations if they have a duration, labelled samples if they have an event.",
    ),
    click.option(
        "--eye",
        type=click.Choice(["both", "left", "right"]),
        default="both",
        show_default=True,
        help="Of two eyes: the mean, or one.",
    ),
    click.option("--stimulus", default="", metavar="FILE", help="What was watched, where tables do not name it."),
    click.option(
        "--map",
        "names",
        type=click.Path(path_type=Path),
        metavar="TABLE",
        help="Table (CSV) of what the tables call a stimulus, and its file.",
    ),
)
"""Adds the options of what is in the tables."""

place_options = grouped(
    click.option("--units", type=click.Choice(["pixels", "fraction"]), help="Of x and y; fraction is 0 to 1."),
    click.option("--origin", type=click.Choice(["upper-left", "lower-left"]), help="Of x and y; y grows from there."),
    click.option(
        "--screen", type=parse_screen, metavar="WIDTHxHEIGHT", help="x and y are measured on a screen of this size."
    ),
    click.option(
        "--placement",
        type=parse_placement,
        metavar="fit|center|stretch|X,Y,W,H",
        help="Where each stimulus was on the screen: as large as fits (the default, where the table does not say it), "
        "its own size, all of it, or there.",
    ),
    click.option(
        "--lost", multiple=True, type=parse_mark, metavar="X,Y", help="A place that means that the eye was not seen."
    ),
    click.option(
        "--pixels-per-degree",
        type=NumberRange(0, min_open=True),
        help="Of visual angle, on the screen or stimulus; by default 1/32 of its width.",
    ),
)
"""Adds the options of where gaze was."""

time_options = grouped(
    click.option("--time-unit", type=click.Choice(["s", "ms", "us", "ns"]), help="Of time, where nothing tells it."),
    click.option(
        "--clock",
        type=click.Choice(["onset", "recording"]),
        help="Time counts from the start of the stimulus, or an observer's first row on a stimulus is its start.",
    ),
    click.option(
        "--start", type=NumberRange(), metavar="SECONDS", help="When the stimulus began, by the table's clock."
    ),
    click.option("--rate", type=NumberRange(1, 20000), metavar="HZ", help="Samples per second."),
    click.option(
        "--detect",
        "method",
        type=click.Choice(["ivt", "idt"]),
        default="ivt",
        show_default=True,
        help="How samples become fixations: by velocity or by dispersion.",
    ),
    click.option(
        "--threshold", type=NumberRange(0, min_open=True), help="Degrees a second (ivt, 30) or degrees (idt, 1)."
    ),
    click.option(
        "--gap",
        type=NumberRange(0),
        default=75.0,
        show_default=True,
        metavar="MS",
        help="Without the eye, that do not end a fixation.",
    ),
    click.option("--leave-out-first", is_flag=True, help="Leave out the first fixation of each viewing."),
)
"""Adds the options of when gaze was, and how it becomes fixations."""


@click.command("import")
@click.argument("tables", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="TABLE...")
@click.option("--videos", required=True, type=click.Path(path_type=Path), help="Folder of the videos or images.")
@click.option("--to", "out", required=True, type=click.Path(path_type=Path), metavar="SET", help="Folder to make.")
@reading_options
@place_options
@time_options
@click.option(
    "--drop-outside",
    "drop",
    is_flag=False,
    flag_value="100%",
    default="0",
    type=parse_share,
    metavar="[SHARE]",
    help="Leave out what does not fit rather than refuse: all, or no more than a share such as 2%.",
)
@click.option("--copy", is_flag=True, help="Copy the videos rather than link them.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the splits.")
def import_data(
    tables: tuple[Path, ...],
    videos: Path,
    out: Path,
    columns: tuple[tuple[str, str], ...],
    header: str | None,
    **options: Any,
) -> None:
    """Make a data set of gaze in TABLEs and the videos or images that were watched.

    A table (CSV, TSV, also packed with gzip) has a row a sample, or a row a fixation, and columns for stimulus (the
    name of a file in --videos), observer, time, x and y; fixations have a duration. The exports of Tobii Pro Lab and
    Studio, EyeLink Data Viewer, SMI BeGaze, Gazepoint, Pupil Player and Pupil Cloud are known by their columns,
    EyeLink's .asc and BIDS' physio.tsv.gz as they are. A table without a column of observers is one observer's.

    Rows that are no gaze are left out, and counted. Samples become fixations by a threshold on velocity or dispersion
    (Salvucci and Goldberg, ETRA 2000). A fifth of the videos each becomes the test and the validation split; set.toml
    in SET holds that, how all was made, and a summary. Use it with --dataset SET.
    """
    from salzoo.datasets.importing import Import, import_gaze
    from salzoo.gaze.setup import Setup
    from salzoo.gaze.tables import Layout
    from salzoo.interfaces.errors import shown

    given = {key: options.pop(key) for key in ("encoding", "rows", "eye")}
    layout = Layout(
        named=dict(columns), columns=[name.strip() for name in header.split(",")] if header else (), **given
    )
    rest = {key: options.pop(key) for key in ("stimulus", "names", "drop", "copy", "seed")}
    options |= {"gap": options["gap"] / 1000, "first": not options.pop("leave_out_first")}
    setup = Setup(**{key: value for key, value in options.items() if value is not None})
    plan = Import(tables=tables, videos=videos, out=out, setup=setup, layout=layout, **rest)
    import_gaze(plan, lambda line: click.echo(shown(line)))
