"""The geometry of a report's charts; its template draws them as SVG, each line beside its name and its numbers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from salzoo.evaluation.comparison import FEWEST, compare
from salzoo.evaluation.plots import ticks_between
from salzoo.evaluation.results import GOLD, UNITS, Result, heading, number
from salzoo.evaluation.tables import arrow, higher_is_better
from salzoo.training.curves import Curve

WIDTH = 300
"""Units across a chart; the page scales it."""

MARGIN = 8

DOTS = 150
"""Videos drawn as dots in a line; of more, every so-manieth in the order of their scores."""

POINTS = 400
"""Points of a curve; of more, every so-manieth."""


@dataclass(frozen=True)
class Line:
    """A line of a chart: a mark at ``at``, a thin line from ``low`` to ``high``, a box, dots, all in units across."""

    name: str
    text: str
    verdict: str = ""
    at: float | None = None
    low: float | None = None
    high: float | None = None
    box: tuple[float, float] | None = None
    dots: tuple[float, ...] = ()


@dataclass(frozen=True)
class Chart:
    """Lines over one axis: where its numbers stand, and where zero does, if it is there."""

    title: str
    lines: list[Line]
    ticks: list[tuple[float, str]]
    zero: float | None = None


@dataclass(frozen=True)
class Panel:
    """Curves over steps in a box of 300 by 150: points of each as SVG writes them, and the numbers at both axes."""

    title: str
    curves: list[tuple[str, str]]
    across: list[tuple[float, str]]
    up: list[tuple[float, str]]


class Axis:
    """A scale from values to units across, whose ends are round numbers."""

    def __init__(self, low: float, high: float, width: float = WIDTH) -> None:
        self.numbers = ticks_between(low, high)
        self.low, self.high, self.width = self.numbers[0], self.numbers[-1], width

    def place(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(MARGIN + share * (self.width - 2 * MARGIN), 1)

    def ticks(self, most: int = 5) -> list[tuple[float, str]]:
        """Places and texts of every number, or of every second or third where there are too many."""
        step = self.numbers[1] - self.numbers[0]
        decimals = max(0, -math.floor(math.log10(step) + 1e-9))
        every = math.ceil(len(self.numbers) / most)
        first = min(range(len(self.numbers)), key=lambda n: abs(self.numbers[n])) % every  # zero is among them
        return [(self.place(value), number(value, min(decimals, 9))) for value in self.numbers[first::every]]


def title_of(metric: str) -> str:
    """A metric's heading with its unit and the arrow of the better direction."""
    unit = f" ({UNITS[metric]})" if metric in UNITS else ""
    return f"{heading(metric)} {arrow(metric)}".strip() + unit


def draw_differences(results: Sequence[Result], labels: Sequence[str]) -> list[Chart]:
    """For each metric of the first result, its difference from each other one, paired by video, with the 95 % interval.

    The density map itself has no line: no model comes near it.
    """
    first = results[0]
    pairs = [
        (label, compare([other, first], [label, labels[0]]))
        for label, other in zip(labels[1:], results[1:], strict=True)
        if other.model != GOLD and not other.per_video.keys().isdisjoint(first.per_video)
    ]
    charts = []
    for metric in first.metrics:
        found = []
        for label, pair in pairs:
            if metric in pair.metrics:
                column = pair.metrics.index(metric)
                low, high = pair.difference_intervals[1, :, column]
                values = float(pair.differences[1, column]), float(low), float(high)
                if np.isfinite(values).all():
                    found.append((label, len(pair.videos), values))
        if not found:
            continue
        ends = [0.0, *(value for _, _, values in found for value in values)]
        axis = Axis(min(ends), max(ends))
        lines = [_difference(label, videos, values, metric, axis) for label, videos, values in found]
        charts.append(Chart(title_of(metric), lines, axis.ticks(), axis.place(0)))
    return charts


def _difference(label: str, videos: int, values: tuple[float, float, float], metric: str, axis: Axis) -> Line:
    difference, low, high = values
    higher = higher_is_better(metric)
    if videos < FEWEST:
        verdict = "few videos"
    elif low <= 0 <= high:
        verdict = "not clear"
    else:
        verdict = "differs" if higher is None else "better" if (difference > 0) == higher else "worse"
    return Line(
        name=label,
        text=f"{difference:+.3f} [{low:+.3f}, {high:+.3f}]",
        verdict=verdict,
        at=axis.place(difference),
        low=axis.place(low),
        high=axis.place(high),
    )


def draw_spreads(results: Sequence[Result], labels: Sequence[str], metrics: Sequence[str]) -> list[Chart]:
    """For each metric, how the videos' scores of each result are spread: dots, quartiles, and the median."""
    charts = []
    for metric in metrics:
        found = [
            (label, scores)
            for label, result in zip(labels, results, strict=True)
            if result.model != GOLD and metric in result.metrics and len(scores := _of_videos(result, metric))
        ]
        if found:
            axis = Axis(float(min(s[0] for _, s in found)), float(max(s[-1] for _, s in found)))
            lines = [_spread(label, scores, axis) for label, scores in found]
            charts.append(Chart(title_of(metric), lines, axis.ticks()))
    return charts


def _of_videos(result: Result, metric: str) -> NDArray[np.float64]:
    scores = np.array([each[metric] for each in result.per_video.values()], np.float64)
    return np.asarray(np.sort(scores[np.isfinite(scores)]))


def _spread(label: str, scores: NDArray[np.float64], axis: Axis) -> Line:
    lower, median, upper = np.quantile(scores, (0.25, 0.5, 0.75)).tolist()
    drawn = scores if len(scores) <= DOTS else scores[np.linspace(0, len(scores) - 1, DOTS).round().astype(int)]
    return Line(
        name=label,
        text=f"median {number(median, 3)}, half of them {number(lower, 3)} to {number(upper, 3)}",
        at=axis.place(median),
        box=(axis.place(lower), axis.place(upper)),
        dots=tuple(dict.fromkeys(axis.place(value) for value in drawn.tolist())),
    )


def draw_panel(title: str, curves: Sequence[Curve]) -> Panel | None:
    """Curves as a panel; None where no value is a number."""
    finite = [curve.values[np.isfinite(curve.values)] for curve in curves]
    values = np.concatenate(finite)
    if not values.size:
        return None
    steps = Axis(0, max(float(curve.steps[-1]) for curve in curves))
    scale = Axis(float(values.min()), float(values.max()), width=150)
    drawn = []
    for curve in curves:
        chosen = np.flatnonzero(np.isfinite(curve.values))
        if len(chosen) > POINTS:
            chosen = chosen[np.linspace(0, len(chosen) - 1, POINTS).round().astype(int)]
        points = [(steps.place(float(curve.steps[i])), 150 - scale.place(float(curve.values[i]))) for i in chosen]
        drawn.append((curve.name, " ".join(f"{x:g},{y:g}" for x, y in points)))
    up = [(round(150 - y, 1), text) for y, text in scale.ticks()]
    return Panel(title, drawn, steps.ticks(), up)
