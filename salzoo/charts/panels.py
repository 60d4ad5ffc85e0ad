"""Panels: series of values over an axis, as of steps, frames or layers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from salzoo.charts.axes import Axis
from salzoo.charts.drawing import Drawing, Label, Line, Shape, below_each_other, draw_legend, series_mark

POINTS = 400
"""Points of a line; of more, every so-manieth."""

MARKED = 30
"""Points up to which each has a mark."""

WIDTH, HEIGHT = 640, 200


@dataclass(frozen=True)
class Series:
    """Values over an axis.

    Attributes:
        name: for the legend; "" where the panel's title says all.
        across, values: (points,) each, the first rising; NaN values are left out.
        bounds: (2, points), the interval of each value; None for none.
        faint: whether it stands behind the others, as what they smooth.
    """

    name: str
    across: NDArray[np.float64]
    values: NDArray[np.float64]
    bounds: NDArray[np.float64] | None = None
    faint: bool = False


@dataclass(frozen=True)
class Panel:
    """Series that share both axes; ``across`` says what the lower one is."""

    title: str
    series: Sequence[Series]
    across: str = ""


def draw_panels(panels: Sequence[Panel], title: str = "") -> Drawing:
    """Panels below each other, with one legend above where series have names: the same in all of them."""
    names = list(dict.fromkeys(each.name for panel in panels for each in panel.series if each.name and not each.faint))
    legend = [draw_legend(names)] if len(names) > 1 else []
    return below_each_other([*legend, *(draw_panel(panel, names) for panel in panels)], title)


def draw_panel(panel: Panel, names: Sequence[str] = (), size: tuple[float, float] = (WIDTH, HEIGHT)) -> Drawing:
    """One panel: its title, the numbers of both axes, and a line a series.

    Args:
        panel: it may have no value that is a number: the drawing then says so.
        names: of series, in the order of their colours.
        size: width and height in units.
    """
    width, height = size
    shapes: list[Shape] = [Label((0, 14), panel.title, "title")]
    values = np.concatenate([np.ravel(each.values) for each in panel.series])
    bounds = [np.ravel(each.bounds) for each in panel.series if each.bounds is not None]
    finite = np.concatenate([values, *bounds])[np.isfinite(np.concatenate([values, *bounds]))]
    if not finite.size:
        return Drawing(width, 40, [*shapes, Label((0, 32), "undefined everywhere", "number")], panel.title)
    places = np.concatenate([each.across for each in panel.series])
    left, top, bottom = 58, 28, height - (38 if panel.across else 22)
    up = Axis(float(finite.min()), float(finite.max()), bottom, top)
    across = Axis(float(places.min()), float(places.max()), left, width - 14)
    for y, text in up.ticks():
        shapes += [Line([(left, y), (width, y)], "grid"), Label((left - 8, y + 4), text, "number", "end")]
    for x, text in across.ticks():
        shapes += [Line([(x, bottom), (x, bottom + 4)], "tick"), Label((x, bottom + 17), text, "number", "middle")]
    if panel.across:
        shapes.append(Label((width - 14, height - 4), panel.across, "number", "end"))
    for each in sorted(panel.series, key=lambda each: not each.faint):
        shapes += _draw_series(each, names.index(each.name) if each.name in names else 0, across, up)
    return Drawing(width, height, shapes, f"{panel.title}{', ' * bool(panel.across)}{panel.across}")


def _draw_series(series: Series, number: int, across: Axis, up: Axis) -> list[Shape]:
    role = "faint" if series.faint else f"series{number % 6}"
    chosen = np.flatnonzero(np.isfinite(series.values))
    if len(chosen) > POINTS:
        chosen = chosen[np.linspace(0, len(chosen) - 1, POINTS).round().astype(int)]
    points = [(across.place(float(series.across[i])), up.place(float(series.values[i]))) for i in chosen]
    shapes: list[Shape] = [Line(points, role)] if len(points) > 1 else []
    for i, (x, _) in zip(chosen, points, strict=True) if series.bounds is not None else ():
        low, high = series.bounds[:, i].tolist()  # type: ignore[index]
        shapes += [Line([(x, up.place(low)), (x, up.place(high))], role)] if np.isfinite(low + high) else []
    if len(points) <= MARKED and not series.faint:
        shapes += [series_mark(number, point) for point in points]
    return shapes
