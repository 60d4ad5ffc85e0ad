"""Two or more results beside each other: their means, and paired differences with intervals."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from salzoo.evaluation.bootstrap import draw_resamples, interval
from salzoo.evaluation.results import Result, format_notices, heading, read_results
from salzoo.interfaces import SalzooError
from salzoo.interfaces.errors import shown
from salzoo.plugins import registry

FEWEST = 10
"""Videos from which on differences are marked: intervals that resample fewer are far too narrow."""

WIDTH, NAME = 80, 25
"""Columns of the text, and of a model's name in its rows."""


@dataclass(frozen=True)
class Comparison:
    """Results on the videos that they share, against the first of them.

    Attributes:
        labels: what the results are called, all different.
        results: as they were read.
        metrics: those that all of them have.
        videos: those that all of them have, in the first one's order.
        means: (results, metrics) over these videos.
        intervals: (results, 2, metrics) bootstrap intervals of the means, 95 %.
        differences: (results, metrics) mean minus that of the first result.
        difference_intervals: (results, 2, metrics) of the differences, both drawn over the same videos.
        per_video: (results, videos, metrics) mean within each video.
    """

    labels: list[str]
    results: list[Result]
    metrics: tuple[str, ...]
    videos: list[str]
    means: NDArray[np.float64]
    intervals: NDArray[np.float64]
    differences: NDArray[np.float64]
    difference_intervals: NDArray[np.float64]
    per_video: NDArray[np.float64]


def compare_files(paths: Sequence[Path]) -> Comparison:
    """Compare the results in files that ``salzoo eval`` wrote, in order; one file may hold several.

    A result that stands in several files, as baselines do, counts once.
    """
    found = read_distinct(paths)
    return compare([result for _, result in found], distinct_labels(found))


def read_distinct(paths: Sequence[Path]) -> list[tuple[Path, Result]]:
    """The results in files, in order, each with its file; one that stands in several of them once."""
    found: list[tuple[Path, Result]] = []
    for path in paths:
        for result in read_results(path):
            if not any(_same_scores(result, other) for _, other in found):
                found.append((path, result))
    return found


def distinct_labels(found: Sequence[tuple[Path, Result]]) -> list[str]:
    """What to call each result: its model, and of several of one model also its file, or its run folder."""
    models = [result.model for _, result in found]
    files = [path.absolute().parent.name if path.name == "results.json" else path.stem for path, _ in found]
    labels = [f"{file}: {m}" if models.count(m) > 1 else m for file, m in zip(files, models, strict=True)]
    return [f"{label} ({n})" if labels.count(label) > 1 else label for n, label in enumerate(labels, start=1)]


def _same_scores(result: Result, other: Result) -> bool:
    keys = ("model", "dataset", "split", "protocol", "seed", "metrics", "defined")
    if any(getattr(result, key) != getattr(other, key) for key in keys):
        return False
    ours, theirs = result.video_scores().totals, other.video_scores().totals
    return bool(np.array_equal(ours, theirs))


def compare(results: Sequence[Result], labels: Sequence[str] | None = None) -> Comparison:
    """Compare results of one data set, split, protocol and seed.

    Raises:
        SalzooError: fewer than two results, results that cannot be compared, or no video in common.
    """
    labels = [shown(label) for label in ([result.model for result in results] if labels is None else labels)]
    if len(results) < 2:
        raise SalzooError("a comparison needs at least two results")
    first = results[0]
    for label, result in zip(labels, results, strict=True):
        for what in ("dataset", "split", "protocol", "seed"):
            mine, other = shown(str(getattr(first, what))), shown(str(getattr(result, what)))
            if mine != other:
                raise SalzooError(f"{labels[0]} and {label} cannot be compared: {what} {mine} and {other}")
    videos = [video for video in first.per_video if all(video in result.per_video for result in results)]
    if not videos:
        raise SalzooError(f"the results of {', '.join(labels)} have no video in common")
    metrics = tuple(metric for metric in first.metrics if all(metric in result.metrics for result in results))
    times = draw_resamples(len(videos), first.seed)
    scores = [result.video_scores(videos) for result in results]
    columns = [[result.metrics.index(metric) for metric in metrics] for result in results]
    means = np.array([each.mean()[chosen] for each, chosen in zip(scores, columns, strict=True)])
    resampled = [each.resampled_means(times)[:, chosen] for each, chosen in zip(scores, columns, strict=True)]
    return Comparison(
        labels=list(labels),
        results=list(results),
        metrics=metrics,
        videos=videos,
        means=means,
        intervals=np.array([interval(each) for each in resampled]),
        differences=means - means[0],
        difference_intervals=np.array([interval(each - resampled[0]) for each in resampled]),
        per_video=np.array([each.per_video[:, chosen] for each, chosen in zip(scores, columns, strict=True)]),
    )


def format_comparison(found: Comparison) -> str:
    """The comparison as text of 80 columns: the models, numbered; then for each metric the means and their intervals,
    and the differences from the first result with theirs."""
    first = found.results[0]
    lines = textwrap.wrap(
        f"{first.dataset} {first.split}, {len(found.videos)} videos, protocol {first.protocol}", WIDTH
    )
    lines += textwrap.wrap(first.note, WIDTH)
    for number, (label, result) in enumerate(zip(found.labels, found.results, strict=True), start=1):
        dropped = len(result.per_video) - len(found.videos)
        left_out = f": {dropped} videos left out that not all have" if dropped else ""
        lines += textwrap.wrap(f"{number}  {label}{left_out}", WIDTH, subsequent_indent="   ")
    few = len(found.videos) < FEWEST
    lines += textwrap.wrap(
        "Mean [95 % interval, resampling videos]; difference from 1, paired by video"
        + (
            f". With fewer than {FEWEST} videos intervals mean little: no difference is marked."
            if few
            else " (* where its interval leaves out 0)."
        ),
        WIDTH,
    )
    for column, metric in enumerate(found.metrics):
        lines.append(f"{heading(metric)}{_direction(metric)}")
        for row, label in enumerate(found.labels):
            mean = _cell(found.means[row, column], found.intervals[row, :, column], "")
            cells = f"{row + 1:>2} {_cut(label):{NAME}} {mean:>22}"
            if row:
                low, high = found.difference_intervals[row, :, column]
                mark = " *" if not few and (low > 0 or high < 0) else ""
                cells += f" {_cell(found.differences[row, column], (low, high), '+'):>25}{mark}"
            lines.append(cells)
    return shown("\n".join([*lines, *format_notices(found.results)]), keep="\n")


def _cell(mean: float, bounds: Sequence[float] | NDArray[np.float64], sign: str) -> str:
    low, high = bounds
    return f"{mean:{sign}.3f} [{low:{sign}.3f}, {high:{sign}.3f}]"


def _direction(metric: str) -> str:
    """Which way a metric is better, where it is known here."""
    if not registry().knows("metrics", metric.partition(":")[0]):
        return ""
    known = registry().find("metrics", metric.partition(":")[0]).load()
    return " (higher is better)" if known.higher_is_better else " (lower is better)"


def _cut(label: str) -> str:
    return label if len(label) <= NAME else f"{label[: NAME - 9]}…{label[-8:]}"
