"""Two or more results beside each other: their means, and paired differences with intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from salzoo.evaluation.bootstrap import draw_resamples, interval
from salzoo.evaluation.results import Result, format_notices, heading, read_results
from salzoo.interfaces import SalzooError


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
    """Compare the results in files that ``salzoo eval`` wrote, in order; one file may hold several."""
    labelled = [(path, result) for path in paths for result in read_results(path)]
    models = [result.model for _, result in labelled]
    labels = [f"{path.stem}: {r.model}" if models.count(r.model) > 1 else r.model for path, r in labelled]
    labels = [f"{label} ({n})" if labels.count(label) > 1 else label for n, label in enumerate(labels, start=1)]
    return compare([result for _, result in labelled], labels)


def compare(results: Sequence[Result], labels: Sequence[str] | None = None) -> Comparison:
    """Compare results of one data set, split, protocol and seed.

    Raises:
        SalzooError: fewer than two results, results that cannot be compared, or no video in common.
    """
    labels = [result.model for result in results] if labels is None else labels
    if len(results) < 2:
        raise SalzooError("a comparison needs at least two results")
    first = results[0]
    for label, result in zip(labels, results, strict=True):
        for what in ("dataset", "split", "protocol", "seed"):
            mine, other = getattr(first, what), getattr(result, what)
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
    """The comparison as text: means and their intervals, then differences from the first result and theirs."""
    first = found.results[0]
    width = max(map(len, [*found.labels, "model"]))
    lines = [f"{first.dataset} {first.split}, {len(found.videos)} videos, protocol {first.protocol}"]
    if first.note:
        lines.append(first.note)
    dropped = {
        label: len(r.per_video) - len(found.videos) for label, r in zip(found.labels, found.results, strict=True)
    }
    lines += [f"{label}: {count} videos left out that not all have" for label, count in dropped.items() if count]
    lines.append(f"{'model':{width}}" + "".join(f"{heading(metric):>25}" for metric in found.metrics))
    for label, means, bounds in zip(found.labels, found.means, found.intervals, strict=True):
        lines.append(f"{label:{width}}" + _cells(means, bounds, ""))
    lines.append(f"difference from {found.labels[0]}, paired by video (* where the 95 % interval leaves out 0)")
    for label, means, bounds in zip(
        found.labels[1:], found.differences[1:], found.difference_intervals[1:], strict=True
    ):
        lines.append(f"{label:{width}}" + _cells(means, bounds, "+"))
    return "\n".join([*lines, *format_notices(found.results)])


def _cells(means: NDArray[np.float64], bounds: NDArray[np.float64], sign: str) -> str:
    cells = []
    for mean, low, high in zip(means, *bounds, strict=True):
        mark = "*" if sign and (low > 0 or high < 0) else " " if sign else ""
        cells.append(f"{f'{mean:{sign}.3f}{mark} [{low:{sign}.3f}, {high:{sign}.3f}]':>25}")
    return "".join(cells)
