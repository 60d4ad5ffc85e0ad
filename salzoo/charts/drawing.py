"""A drawing: lines, marks, boxes and labels at places, each with a role that says how it looks.

Places are in units from the upper left corner; a label's letters have 12 of them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

NARROW = "fijlrtI.,:;'|!()[] -"
"""Letters that need half of others' width; capitals, m and w need more."""

MARGIN = 12
"""Units around a drawing in a file of its own."""

GAP = 18
"""Between drawings below each other."""

SERIES = 6
"""Colours of series; beyond, they are told apart by other marks."""


@dataclass(frozen=True)
class Style:
    """How a role looks: colours as #rrggbb ("none" for none), width of the stroke, opacity of the fill, dashes."""

    stroke: str = "none"
    fill: str = "none"
    width: float = 1
    opacity: float = 1
    dashes: str = ""


TEXT, QUIET, PALE, BLUE = "#1b1f24", "#57606a", "#d0d7de", "#0072b2"

STYLES = {
    "grid": Style(PALE),
    "tick": Style(QUIET),
    "zero": Style(QUIET, dashes="3 2"),
    "faint": Style("#b4bdc6"),
    "mark": Style(BLUE, BLUE, 2.5),
    "better": Style("#116329", "#116329", 2.5),
    "worse": Style("#a40e26", "#a40e26", 2.5),
    "unclear": Style(QUIET, "#ffffff", 2.5),
    "box": Style(BLUE, BLUE, opacity=0.2),
    "dot": Style("none", BLUE, opacity=0.35),
    # told apart with any colour vision (Okabe and Ito, 2008)
    **{
        f"series{number}": Style(colour, colour, 1.75)
        for number, colour in enumerate((BLUE, "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#3c3c3c"))
    },
    "title": Style(fill=TEXT),
    "name": Style(fill=TEXT),
    "number": Style(fill=QUIET),
}


@dataclass(frozen=True)
class Line:
    """A line through points (x, y)."""

    points: Sequence[tuple[float, float]]
    role: str


@dataclass(frozen=True)
class Mark:
    """A disc, cross or square at a point; a disc may have a name, which a page shows who points at it."""

    at: tuple[float, float]
    role: str
    radius: float = 3.5
    kind: Literal["disc", "cross", "square"] = "disc"
    name: str = ""


@dataclass(frozen=True)
class Box:
    """A rectangle by its upper left corner, width and height."""

    at: tuple[float, float]
    size: tuple[float, float]
    role: str


@dataclass(frozen=True)
class Label:
    """A text; ``at`` is on its base line, at its start, middle or end."""

    at: tuple[float, float]
    text: str
    role: str
    anchor: Literal["start", "middle", "end"] = "start"


Shape = Line | Mark | Box | Label


@dataclass(frozen=True)
class Drawing:
    """Shapes on a white ground, and what they show, for those who do not see it."""

    width: float
    height: float
    shapes: Sequence[Shape]
    title: str = ""


def moved(shapes: Iterable[Shape], right: float, down: float) -> list[Shape]:
    """Shapes at another place."""
    found: list[Shape] = []
    for shape in shapes:
        if isinstance(shape, Line):
            found.append(replace(shape, points=[(x + right, y + down) for x, y in shape.points]))
        else:
            found.append(replace(shape, at=(shape.at[0] + right, shape.at[1] + down)))
    return found


def below_each_other(drawings: Sequence[Drawing], title: str = "") -> Drawing:
    """Several drawings as one, left edges aligned."""
    shapes: list[Shape] = []
    top = 0.0
    for drawing in drawings:
        shapes += moved(drawing.shapes, 0, top)
        top += drawing.height + GAP
    return Drawing(max(each.width for each in drawings), top - GAP, shapes, title)


def width_of(text: str) -> float:
    """Units across that a text needs in the widest of common fonts, so that nothing is cut or overlaps."""
    return sum(
        4.2 if c in NARROW else 13 if ord(c) > 0x2E7F else 9.5 if c.isupper() or c in "mw@%" else 7.4 for c in text
    )


def series_mark(number: int, at: tuple[float, float]) -> Mark:
    """The mark of a series: six colours, then the same as crosses, then as squares."""
    kinds: tuple[Literal["disc", "cross", "square"], ...] = ("disc", "cross", "square")
    return Mark(at, f"series{number % SERIES}", kind=kinds[number // SERIES % 3])


def draw_legend(names: Sequence[str]) -> Drawing:
    """The names of series beside their marks, a line each."""
    shapes: list[Shape] = []
    for number, name in enumerate(names):
        shapes += [series_mark(number, (8, 12 + 20 * number)), Label((20, 16 + 20 * number), name, "name")]
    return Drawing(20 + max(map(width_of, names)), 20 * len(names), shapes)
