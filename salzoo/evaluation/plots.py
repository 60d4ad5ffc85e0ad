"""Charts of results: of their scores, their differences, and how both are spread over videos, frames and layers."""

import functools
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salzoo.charts.drawing import Drawing
from salzoo.charts.panels import Panel, Series, draw_panels
from salzoo.charts.rows import Row, RowChart, draw_row_charts
from salzoo.evaluation.comparison import Comparison, compare_each
from salzoo.evaluation.results import GOLD, UNITS, Result, heading, interval_text, number
from salzoo.evaluation.significance import ALPHA, p_text
from salzoo.evaluation.tables import higher_is_better
from salzoo.interfaces import SalzooError
from salzoo.registry import did_you_mean
from salzoo.spec import parse_spec

PLOTS = ("scores", "videos", "frames", "layers")

DOTS = 150
"""Videos drawn as dots in a row; of more, every so-manieth in the order of their scores."""


def title_of(metric: str) -> str:
    """A metric's heading with its unit and the direction that is better, in words."""
    better = {True: "higher is better", False: "lower is better", None: ""}[higher_is_better(metric)]
    unit = f" ({UNITS[metric]})" if metric in UNITS else ""
    return f"{heading(metric)}{unit}{', ' * bool(better)}{better}"


def draw_comparison(found: Comparison, plot: str = "scores", video: str | None = None) -> Drawing:
    """One of ``PLOTS`` of a comparison.

    Args:
        found: results on the videos that they share.
        plot: "scores" by model, paired differences by video ("videos"), over the "frames" of one video, or over the
            "layers" that temporal modules stand at.
        video: of "frames".
    """
    first = found.results[0]
    title = f"{first.dataset} {first.split}, {len(found.videos)} videos, protocol {first.protocol}"
    if plot == "videos":
        return draw_row_charts(video_charts(found), f"{title}: differences by video", height=16)
    if plot == "frames":
        panels = frame_panels(found.results, found.labels, found.metrics, video or found.videos[0])
        return draw_panels(panels, f"{title}: {video or found.videos[0]}")
    if plot == "layers":
        return draw_panels(layer_panels(found), f"{title}: scores over layers")
    return draw_row_charts(score_charts(found.results, found.labels, found.metrics), f"{title}: scores")


def score_charts(results: Sequence[Result], labels: Sequence[str], metrics: Sequence[str]) -> list[RowChart]:
    """For each metric, the mean of each result that has it, with its 95 % interval."""
    charts = []
    for metric in metrics:
        rows = []
        for label, result in zip(labels, results, strict=True):
            mean, bounds = result.mean.get(metric, math.nan), result.interval_95.get(metric, (math.nan, math.nan))
            if not math.isnan(mean):
                interval = None if math.isnan(bounds[0]) else bounds
                rows.append(Row(label, f"{number(mean, 3)} {interval_text(bounds)}", at=mean, bounds=interval))
        if rows:
            charts.append(RowChart(title_of(metric), rows))
    return charts


def video_charts(found: Comparison) -> list[RowChart]:
    """For each metric, how far each video's score is from that of the first result: a row a video, a mark a result.

    The videos are sorted by the second result's difference.
    """
    charts = []
    for column, metric in enumerate(found.metrics):
        differences = found.per_video[1:, :, column] - found.per_video[0, :, column]
        rows = []
        for video in np.argsort(-differences[0], kind="stable"):  # NaN last
            scores = differences[:, video].tolist()
            marks = {n: score for n, score in enumerate(scores) if math.isfinite(score)}
            rows += [Row(found.videos[video], marks=marks)] if marks else []
        if rows:
            title = f"{title_of(metric)}: difference from {found.labels[0]}"
            charts.append(RowChart(title, rows, zero=True, series=found.labels[1:]))
    return charts


def frame_panels(results: Sequence[Result], labels: Sequence[str], metrics: Sequence[str], video: str) -> list[Panel]:
    """For each metric, the scores of a video's frames.

    Raises:
        SalzooError: a result has no scores of frames, or not of this video.
    """
    panels = []
    for metric in metrics:
        series = []
        for label, result in zip(labels, results, strict=True):
            if metric in result.metrics:
                frames, values = _of_frames(result, label, video)
                series.append(Series(label, frames, values[:, result.metrics.index(metric)]))
        panels.append(Panel(f"{title_of(metric)}: {video}", series, "frame"))
    return panels


def _of_frames(result: Result, label: str, video: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The numbers of a video's scored frames, and their scores (frames, metrics)."""
    if result.per_frame is None:
        raise SalzooError(f"{label} has no scores of single frames: make it again with salzoo eval --per-frame")
    if video not in result.per_frame:
        raise SalzooError(f"{label} has no video {video!r}{did_you_mean(video, result.per_frame)}")
    scores = result.per_frame[video]
    numbered = all(name.isascii() and name.isdigit() and len(name) < 16 for name in scores)
    frames = [float(name) if numbered else n for n, name in enumerate(scores, start=1)]
    return np.array(frames, np.float64), np.array([*scores.values()], np.float64)


def layer_panels(found: Comparison) -> list[Panel]:
    """For each metric, the means of models with one temporal module over the layer that it stands at, with their 95 %
    intervals: a series a module, and one for each model without any.

    Raises:
        SalzooError: fewer than two of the results have one module at layers of one network.
    """
    layers: dict[str, list[tuple[int, int]]] = {}
    flat: dict[str, int] = {}
    for row, result in enumerate(found.results):
        spec = parse_spec(result.spec) if result.spec else None
        if spec is not None and len(spec.temporal) == 1:
            (placed,) = spec.temporal
            name = f"{spec.backbone}+{placed.component}"
            layers.setdefault(name, []).append((_layer(str(spec.backbone), placed.position), row))
        elif spec is not None and not spec.temporal:
            flat[found.labels[row]] = row
    if max(map(len, layers.values()), default=0) < 2:
        raise SalzooError("there are no two results of one temporal module at different layers")
    ends = [function(layer for each in layers.values() for layer, _ in each) for function in (min, max)]
    panels = []
    for column, metric in enumerate(found.metrics):
        series = []
        for name, each in layers.items():
            places, rows = zip(*sorted(each), strict=True)
            means, bounds = found.means[list(rows), column], found.intervals[list(rows), :, column].T
            series.append(Series(name, np.array(places, np.float64), means, bounds))
        for name, row in flat.items():
            series.append(Series(name, np.array(ends, np.float64), np.full(2, found.means[row, column])))
        panels.append(Panel(title_of(metric), series, "layer"))
    return panels


@functools.cache
def _layer(backbone: str, position: int | str) -> int:
    if isinstance(position, int) and position >= 0:
        return position
    from salzoo.model import describe_shapes, resolve_position  # torch, which saved results do not need

    return resolve_position(describe_shapes(backbone)[0].backbone, position)


def standing_charts(results: Sequence[Result], labels: Sequence[str], metrics: Sequence[str]) -> list[RowChart]:
    """For each metric, a row a result: its mean with the 95 % interval, its videos as named dots, and how it stands
    against the first result: their difference, paired by video, with its interval, and the p-value of a permutation
    test, corrected for their number.

    The density map itself has no row: no model comes near it.
    """
    shown = [n for n, result in enumerate(results) if result.model != GOLD]
    against: dict[str, Comparison] = {}
    if 0 in shown:
        pairs = compare_each([results[n] for n in shown], [labels[n] for n in shown])
        against = {pair.labels[0]: pair for pair in pairs}
    charts = []
    for metric in metrics:
        rows = [
            _standing(results[n], labels[n], metric, against.get(labels[n]) if n else None)
            for n in shown
            if not math.isnan(results[n].mean.get(metric, math.nan))
        ]
        if rows:
            charts.append(RowChart(title_of(metric), rows))
    return charts


def _standing(result: Result, label: str, metric: str, pair: Comparison | None) -> Row:
    bounds, mean = result.interval_95[metric], result.mean[metric]
    scores = sorted((each[metric], video) for video, each in result.per_video.items() if math.isfinite(each[metric]))
    if len(scores) > DOTS:
        scores = [scores[n] for n in np.linspace(0, len(scores) - 1, DOTS).round().astype(int)]
    row = Row(
        label,
        f"{number(mean, 3)} {interval_text(bounds)}",
        at=mean,
        bounds=None if math.isnan(bounds[0]) else bounds,
        dots=tuple(score for score, _ in scores),
        dot_names=tuple(f"{video}: {number(score, 3)}" for score, video in scores),
    )
    if pair is None or metric not in pair.metrics:
        return row
    return replace(row, **_against_first(pair, pair.metrics.index(metric)))


def _against_first(pair: Comparison, column: int) -> dict[str, Any]:
    """How the other result of a pair stands against the first one: role and verdict of its row."""
    difference, p = 0.0 - float(pair.differences[1, column]), float(pair.p[1, column])
    if not math.isfinite(difference):
        return {}
    low, high = pair.difference_intervals[1, :, column].tolist()
    text = f"{difference:+.3f} {interval_text((-high, -low), '+')}, {p_text(p)}"
    higher = higher_is_better(pair.metrics[column])
    if not p < ALPHA:
        return {"role": "unclear", "verdict": f"not clear: {text}"}
    if higher is None:
        return {"verdict": f"differs: {text}"}
    better = (difference > 0) == higher
    return {"role": "better" if better else "worse", "verdict": f"{'better' if better else 'worse'}: {text}"}
