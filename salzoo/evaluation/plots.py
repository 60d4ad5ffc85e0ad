"""Charts of results: of their scores, their differences, and how both are spread over videos."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from salzoo.charts.drawing import Drawing
from salzoo.charts.rows import Row, RowChart, draw_row_charts
from salzoo.evaluation.comparison import Comparison, compare_each
from salzoo.evaluation.results import GOLD, UNITS, Result, heading, interval_text, number
from salzoo.evaluation.significance import ALPHA, p_text
from salzoo.evaluation.tables import higher_is_better

DOTS = 150
"""Videos drawn as dots in a row; of more, every so-manieth in the order of their scores."""


def title_of(metric: str) -> str:
    """A metric's heading with its unit and the direction that is better, in words."""
    better = {True: "higher is better", False: "lower is better", None: ""}[higher_is_better(metric)]
    unit = f" ({UNITS[metric]})" if metric in UNITS else ""
    return f"{heading(metric)}{unit}{', ' * bool(better)}{better}"


def draw_per_video(found: Comparison) -> Drawing:
    """The mean scores of each video, a chart a metric, a row a video with a mark for each result.

    The videos are sorted by the first result's score.
    """
    first = found.results[0]
    charts = []
    for column, metric in enumerate(found.metrics):
        rows = []
        for video in np.argsort(-found.per_video[0, :, column], kind="stable"):  # NaN last
            scores = found.per_video[:, video, column].tolist()
            marks = {n: score for n, score in enumerate(scores) if math.isfinite(score)}
            rows += [Row(found.videos[video], marks=marks)] if marks else []
        if rows:
            charts.append(RowChart(title_of(metric), rows, series=found.labels))
    return draw_row_charts(charts, f"{first.dataset} {first.split}: score of each video", height=16)


def difference_charts(results: Sequence[Result], labels: Sequence[str]) -> list[RowChart]:
    """For each metric of the first result, its difference from each other one, paired by video, with the 95 % interval
    and the p-value of a permutation test, corrected for their number.

    The density map itself has no row: no model comes near it.
    """
    shown = [n for n, result in enumerate(results) if n == 0 or result.model != GOLD]
    pairs = compare_each([results[n] for n in shown], [labels[n] for n in shown])
    charts = []
    for metric in results[0].metrics:
        rows = [_difference(pair, pair.metrics.index(metric)) for pair in pairs if metric in pair.metrics]
        if rows := [row for row in rows if np.isfinite(row.values()).all()]:
            charts.append(RowChart(title_of(metric), rows, zero=True))
    return charts


def _difference(pair: Comparison, column: int) -> Row:
    """One other result against the first: the difference with its interval, where there is one, and what p says."""
    p = float(pair.p[1, column])
    difference, bounds = float(pair.differences[1, column]), pair.difference_intervals[1, :, column].tolist()
    text = f"{difference:+.3f} {interval_text(bounds, '+')} {p_text(p)}"
    row = Row(pair.labels[0], text, at=difference, bounds=None if math.isnan(bounds[0]) else tuple(bounds))
    higher = higher_is_better(pair.metrics[column])
    if not p < ALPHA:
        return replace(row, role="unclear", verdict="not clear")
    if higher is None:
        return replace(row, verdict="differs")
    better = (difference > 0) == higher
    return replace(row, role="better" if better else "worse", verdict="better" if better else "worse")


def spread_charts(results: Sequence[Result], labels: Sequence[str], metrics: Sequence[str]) -> list[RowChart]:
    """For each metric, how the videos' scores of each result are spread: dots, quartiles, and the median."""
    charts = []
    for metric in metrics:
        rows = [
            _spread(label, scores)
            for label, result in zip(labels, results, strict=True)
            if result.model != GOLD and metric in result.metrics and len(scores := _of_videos(result, metric))
        ]
        if rows:
            charts.append(RowChart(title_of(metric), rows))
    return charts


def _of_videos(result: Result, metric: str) -> NDArray[np.float64]:
    scores = np.array([each[metric] for each in result.per_video.values()], np.float64)
    return np.asarray(np.sort(scores[np.isfinite(scores)]))


def _spread(label: str, scores: NDArray[np.float64]) -> Row:
    lower, median, upper = np.quantile(scores, (0.25, 0.5, 0.75)).tolist()
    drawn = scores if len(scores) <= DOTS else scores[np.linspace(0, len(scores) - 1, DOTS).round().astype(int)]
    text = f"median {number(median, 3)}, half of them {number(lower, 3)} to {number(upper, 3)}"
    return Row(label, text, at=median, box=(lower, upper), dots=tuple(drawn.tolist()))
