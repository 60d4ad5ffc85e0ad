"""Rows over one axis: a name, a drawing, and the same in numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from salzoo.charts.axes import Axis
from salzoo.charts.drawing import (
    Box,
    Drawing,
    Label,
    Line,
    Mark,
    Shape,
    below_each_other,
    draw_legend,
    moved,
    series_mark,
    width_of,
)

WIDTH, HEIGHT, AXIS = 300, 24, 20
"""Units across a row's drawing, of its height, and of that of the axis below."""

MARGIN = 16
"""Units left of an axis's lowest number and right of its highest: half of what is written there."""


@dataclass(frozen=True)
class Row:
    """What stands beside a name, all of it in the axis's values.

    Attributes:
        name, text: what it is called, and what it says in numbers.
        at: a disc there, or with a box a bar.
        bounds: a thin line, such as an interval.
        box: a box, such as quartiles.
        dots: faint ones, such as single videos.
        dot_names: what they are called; none by default.
        marks: by number of a series, its mark.
        role: of disc and line.
        verdict: what the role means, after the numbers.
    """

    name: str
    text: str = ""
    at: float | None = None
    bounds: tuple[float, float] | None = None
    box: tuple[float, float] | None = None
    dots: tuple[float, ...] = ()
    dot_names: tuple[str, ...] = ()
    marks: dict[int, float] = field(default_factory=dict)
    role: Literal["mark", "better", "worse", "unclear"] = "mark"
    verdict: str = ""

    def words(self) -> str:
        """Numbers and verdict."""
        return f"{self.text}  {self.verdict}".strip()

    def values(self) -> list[float]:
        """All that its axis must hold."""
        at = [] if self.at is None else [self.at]
        return [*at, *(self.bounds or ()), *(self.box or ()), *self.dots, *self.marks.values()]


@dataclass(frozen=True)
class RowChart:
    """Rows, at least one, over one axis, which holds zero where differences are shown; series have names."""

    title: str
    rows: Sequence[Row]
    zero: bool = False
    series: Sequence[str] = ()

    def axis(self) -> Axis:
        """The axis of all rows."""
        values = [value for row in self.rows for value in row.values()] + [0.0] * self.zero
        return Axis(min(values), max(values), MARGIN, WIDTH - MARGIN)


def draw_row(row: Row, chart: RowChart, height: float = HEIGHT) -> Drawing:
    """A row's drawing alone, over the grid of the chart's axis."""
    axis, middle = chart.axis(), height / 2
    shapes: list[Shape] = [Line([(x, 0), (x, height)], "grid") for x, _ in axis.ticks(5)]
    shapes += [Line([(axis.place(0), 0), (axis.place(0), height)], "zero")] if chart.zero else []
    names: dict[float, list[str]] = {}
    for value, name in zip(row.dots, row.dot_names or [""] * len(row.dots), strict=True):
        names.setdefault(axis.place(value), []).append(name)
    shapes += [Mark((x, middle), "dot", 3, name=", ".join(filter(None, each))) for x, each in names.items()]
    if row.box:
        low, high = map(axis.place, row.box)
        shapes.append(Box((low, middle - 7), (high - low, 14), "box"))
    if row.bounds:
        shapes.append(Line([(axis.place(end), middle) for end in row.bounds], row.role))
    if row.at is not None:
        at = axis.place(row.at)
        shapes.append(
            Line([(at, middle - 9), (at, middle + 9)], row.role) if row.box else Mark((at, middle), row.role, 5)
        )
    shapes += [series_mark(number, (axis.place(value), middle)) for number, value in row.marks.items()]
    return Drawing(WIDTH, height, shapes)


def draw_axis(chart: RowChart) -> Drawing:
    """The numbers of a chart's axis, to stand below its rows."""
    shapes: list[Shape] = []
    for x, text in chart.axis().ticks(5):
        shapes += [Line([(x, 0), (x, 4)], "tick"), Label((x, 17), text, "number", "middle")]
    return Drawing(WIDTH, AXIS, shapes)


def draw_rows(chart: RowChart, height: float = HEIGHT) -> Drawing:
    """A chart by itself: names at the left, whole; drawings over the axis; numbers at the right; series named above."""
    left = max(width_of(row.name) for row in chart.rows) + 8
    right = left + WIDTH + 10
    shapes: list[Shape] = [Label((0, 14), chart.title, "title")]
    top = 24.0
    if chart.series:
        legend = draw_legend(chart.series)
        shapes += moved(legend.shapes, 0, top)
        top += legend.height + 6
    for row in chart.rows:
        shapes += [
            Label((0, top + height / 2 + 4), row.name, "name"),
            *moved(draw_row(row, chart, height).shapes, left, top),
        ]
        shapes += [Label((right, top + height / 2 + 4), row.words(), "number")] if row.words() else []
        top += height
    shapes += moved(draw_axis(chart).shapes, left, top)
    width = max(right + max(width_of(row.words()) for row in chart.rows), width_of(chart.title))
    return Drawing(width, top + AXIS, shapes, chart.title)


def draw_row_charts(charts: Sequence[RowChart], title: str = "", height: float = HEIGHT) -> Drawing:
    """Charts by themselves below each other."""
    return below_each_other([draw_rows(chart, height) for chart in charts], title)
