"""``salzoo describe``: the layers of a model."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from salzoo.cli.types import parse_size

if TYPE_CHECKING:
    from salzoo.description import Description, Row
    from salzoo.interfaces import Link


@click.command("describe")
@click.argument("model")
@click.option("--size", type=parse_size, metavar="HxW", help="Size of the frames; by default the model's own.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def describe_command(model: str, size: tuple[int, int] | None, as_json: bool) -> None:
    """Show the numbered layers of MODEL, a spec, a card's name or a checkpoint folder: the shape C×H×W that leaves
    each, its parameters, the positions it links to, landmarks (@), and temporal modules (+) where they stand.

    A position is one of these numbers or a landmark; -1 is the last layer, and the end stands after it. Behind a name,
    +ema:tau=0.2@output puts a module there in the place of any other, and +none@output takes it off.

    A size that the strides do not divide is padded first, so the shapes are those of the padded frame.
    """
    from salzoo.description import describe
    from salzoo.hub.sources import outline_source

    spec, preprocessing = outline_source(model)
    description = describe(spec, size, preprocessing=preprocessing)
    if as_json:
        click.echo(json.dumps({"model": model, **asdict(description)}, indent=2))
        return
    if model != description.spec:
        click.echo(f"{model} is")
    click.echo(_table(description))


def _table(description: "Description") -> str:
    from salzoo.runtime.texts import in_columns

    heads = ("", "layer", "output", "parameters", "links", "")
    height, width = description.size
    table = [f"{description.spec}: {description.parameters:,} parameters; shapes for a frame of {height}×{width}", ""]
    table += [*in_columns([heads, *map(_cells, description.rows)], left=(1, 2, 4, 5)), ""]
    if description.output != "map":
        table.append(f"it gives a {description.output.replace('-', ' ')}; maps are the density over its maximum")
    if description.ends_with_sigmoid:
        table.append("a sigmoid follows: the temporal modules may leave [0, 1]")
    if description.training_free:
        table.append("works without trained weights")
    pre = description.preprocessing
    size = f"frames resized to {pre.size[0]}×{pre.size[1]} ({pre.interpolation}, {pre.fit})"
    if pre.fixed_size:
        size += f", the network runs at {pre.fixed_size[0]}×{pre.fixed_size[1]} only"
    mean, std = (", ".join(f"{value:g}" for value in values) for values in (pre.mean, pre.std))
    table.append(f"input: {size}; {pre.channel_order.upper()}, (value − [{mean}]) / [{std}] with values 0–255")
    return "\n".join(table)


def _cells(row: "Row") -> tuple[str, str, str, str, str, str]:
    marks = [f"@{landmark}" for landmark in row.landmarks]
    if row.temporal:
        marks.append(f"+{row.temporal} ({row.temporal_parameters:,})")
    return (
        str(row.position),
        row.name,
        "×".join(map(str, row.shape)),
        f"{row.parameters:,}" if row.parameters else "",
        ", ".join(map(_format_link, row.links)),
        "  ".join(marks),
    )


def _format_link(link: "Link") -> str:
    return str(link) if isinstance(link, int) else f"{link[0]} (side {link[1]})"
