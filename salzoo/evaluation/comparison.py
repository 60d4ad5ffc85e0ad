"""Two or more results beside each other: their means, and paired differences with intervals."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from salzoo.evaluation.bootstrap import FEWEST, TOO_FEW, draw_resamples, interval
from salzoo.evaluation.results import (
    BOUNDS,
    CENTER_BIAS,
    GOLD,
    Result,
    format_notices,
    heading,
    interval_text,
    read_results,
)
from salzoo.evaluation.significance import ALPHA, EXACT, holm, p_text, paired_p, smallest_p
from salzoo.evaluation.tables import higher_is_better
from salzoo.interfaces import SalzooError
from salzoo.interfaces.errors import shown
from salzoo.registry import did_you_mean
from salzoo.runtime.texts import count_of

WIDTH = 80
"""Columns of the text."""

SAME = 0.002
"""By which a mean may differ between machines."""


@dataclass(frozen=True)
class Comparison:
    """Results on the videos that they share, against the first of them.

    Attributes:
        labels: what the results are called, all different.
        results: as they were read.
        metrics: those that the first of them and all models have; people lack some, whose scores are NaN.
        videos: those that all of them have, in the first one's order.
        means: (results, metrics) over these videos.
        intervals: (results, 2, metrics) bootstrap intervals of the means, 95 %.
        differences: (results, metrics) mean minus that of the first result.
        difference_intervals: (results, 2, metrics) of the differences, both drawn over the same videos.
        p: (results, metrics) of a permutation test paired by video, corrected for the number of results that are
            compared with the first (Holm); NaN for the first.
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
    p: NDArray[np.float64]
    per_video: NDArray[np.float64]

    @property
    def size(self) -> str:
        """What the means are of, as ``Result.size`` says it."""
        first = self.results[0]
        return first.size if len(self.videos) == len(first.per_video) else f"{len(self.videos)} videos that all have"

    @property
    def compared(self) -> list[int]:
        """How many results are compared with the first, by metric."""
        others = [result.metrics for result in self.results[1:] if result.model != GOLD]
        return [sum(metric in has for has in others) for metric in self.metrics]

    @property
    def test(self) -> str:
        """What the p-values are of, in words."""
        counts = sorted({count for count in self.compared if count > 1})
        corrected = f", corrected for {' or '.join(map(str, counts))} comparisons (Holm)" if counts else ""
        return f"permutation test paired over {self.size.partition(',')[0]}{corrected}"

    @property
    def too_few(self) -> str:
        """That no difference could be told apart, where there are too few videos for it; else nothing."""
        compared = min(filter(None, self.compared), default=0)
        least = smallest_p(len(self.videos), compared)
        if not compared or least < ALPHA:
            return ""
        enough = next((n for n in range(EXACT + 2) if smallest_p(n, compared) < ALPHA), None)
        what = f"{count_of(compared, 'comparison')} over {self.size.partition(',')[0]}"
        needed = f"; it takes {enough}" if enough else ""
        return f"no p can be below {ALPHA:g} here: the smallest of {what} is {least:.3f}{needed}"


def compare_files(paths: Sequence[Path], metrics: Sequence[str] = ()) -> Comparison:
    """Compare the results in files that ``salzoo eval`` wrote, in order; one file may hold several.

    A result that stands in several files, as baselines do, counts once.
    """
    found = read_distinct(paths)
    return compare([result for _, result in found], distinct_labels(found), metrics)


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


def compare(results: Sequence[Result], labels: Sequence[str] | None = None, chosen: Sequence[str] = ()) -> Comparison:
    """Compare results of one data set, split, protocol and seed, and of the same frames.

    Args:
        results: two or more; differences are from the first.
        labels: what to call them; by default their models.
        chosen: metrics; by default all that the first and all models have.

    Raises:
        SalzooError: fewer than two results, results that cannot be compared, no video in common, a metric that one of
            them lacks.
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
        if first.frames_expected != result.frames_expected:
            frames = f"{first.frames_expected} and {result.frames_expected}"
            raise SalzooError(f"{labels[0]} and {label} cannot be compared: scored on {frames} frames")
    _check_same_data(results, labels)
    videos = [video for video in first.per_video if all(video in result.per_video for result in results)]
    if not videos:
        raise SalzooError(f"the results of {', '.join(labels)} have no video in common")
    models = [result for result in results if result.model not in BOUNDS]
    metrics = tuple(metric for metric in first.metrics if all(metric in result.metrics for result in models))
    lacking = [metric for metric in chosen if metric not in metrics]
    if lacking:
        raise SalzooError(f"not all of these results have {lacking[0]!r}{did_you_mean(lacking[0], metrics)}")
    metrics = tuple(chosen) or metrics
    times = draw_resamples(len(videos), first.seed)
    scores = [result.video_scores(videos, metrics) for result in results]
    means = np.array([each.mean() for each in scores])
    resampled = [each.resampled_means(times) for each in scores]
    both = [((each.counts > 0) & (scores[0].counts > 0)).sum(0) for each in scores]
    p = np.array([paired_p(each, scores[0], first.seed) for each in scores[1:]])
    p[[result.model == GOLD for result in results[1:]]] = np.nan  # no model: nobody asks whether it differs
    return Comparison(
        labels=list(labels),
        results=list(results),
        metrics=metrics,
        videos=videos,
        means=means,
        intervals=np.array([interval(drawn, each.units) for drawn, each in zip(resampled, scores, strict=True)]),
        differences=means - means[0],
        difference_intervals=np.array(
            [interval(drawn - resampled[0], units) for drawn, units in zip(resampled, both, strict=True)]
        ),
        p=np.concatenate([np.full((1, len(metrics)), np.nan), holm(p)]),
        per_video=np.array([each.per_video for each in scores]),
    )


def _check_same_data(results: Sequence[Result], labels: Sequence[str]) -> None:
    """Raise SalzooError where what a data set alone decides, the center bias and people, was scored twice with other
    scores: a set that was imported anew, or another of that name."""
    first: dict[str, tuple[str, Result]] = {}
    for label, result in zip(labels, results, strict=True):
        if result.model not in (CENTER_BIAS, *BOUNDS):
            continue
        known, other = first.setdefault(result.model, (label, result))
        if (result.frames, result.per_video.keys()) != (other.frames, other.per_video.keys()):
            continue  # partial results
        for metric in (metric for metric in result.metrics if metric in other.metrics):
            ours, theirs = other.mean[metric], result.mean[metric]
            if abs(ours - theirs) > SAME:  # and not where one is NaN
                raise SalzooError(
                    f"{known} and {label} cannot be compared: their {heading(metric)} is {ours:.3f} and {theirs:.3f}, "
                    "so that the data, or the salzoo that scored them, were not the same"
                )


def compare_each(results: Sequence[Result], labels: Sequence[str] | None = None) -> list[Comparison]:
    """The first result against each other one, on the videos and metrics that these two have: the other one comes first
    in each, so that differences are the first's from it. p-values are corrected for the number of others that have the
    metric. Those that share no video are left out."""
    names = [result.model for result in results] if labels is None else labels
    pairs = [
        compare([other, results[0]], [label, names[0]])
        for label, other in zip(names[1:], results[1:], strict=True)
        if not other.per_video.keys().isdisjoint(results[0].per_video)
    ]
    raised = [pair.p.copy() for pair in pairs]
    for metric in results[0].metrics:
        places = [(n, pair.metrics.index(metric)) for n, pair in enumerate(pairs) if metric in pair.metrics]
        corrected = holm(np.array([pairs[n].p[1, column] for n, column in places]))
        for (n, column), p in zip(places, corrected.tolist(), strict=True):
            raised[n][1, column] = p
    return [replace(pair, p=p) for pair, p in zip(pairs, raised, strict=True)]


def format_comparison(found: Comparison) -> str:
    """The comparison as text of 80 columns: the models, numbered and named whole; then for each metric the means and
    their intervals, and the differences from the first result with theirs and the p-values."""
    first = found.results[0]
    lines = textwrap.wrap(f"{first.dataset} {first.split}, {found.size}, protocol {first.protocol}", WIDTH)
    lines += textwrap.wrap(first.note, WIDTH)
    for number, (label, result) in enumerate(zip(found.labels, found.results, strict=True), start=1):
        dropped = len(result.per_video) - len(found.videos)
        left_out = f": {dropped} videos left out that not all have" if dropped else ""
        lines += textwrap.wrap(f"{number}  {label}{left_out}", WIDTH, subsequent_indent="   ")
    lines += textwrap.wrap(
        f"Mean [95 % interval, resampling videos]; difference from 1, paired by video, and p of a {found.test} "
        f"(* where p < {ALPHA:g})",
        WIDTH,
    )
    lines += textwrap.wrap(found.too_few, WIDTH)
    if len(found.videos) < FEWEST:
        lines += textwrap.wrap(TOO_FEW, WIDTH)
    for column, metric in enumerate(found.metrics):
        lines.append(f"{heading(metric)}{_direction(metric)}")
        for row, result in enumerate(found.results):
            if metric not in result.metrics:
                continue
            cells = f"{row + 1:>4}  {_cell(found.means[row, column], found.intervals[row, :, column]):<24}"
            if row:
                difference = _cell(found.differences[row, column], found.difference_intervals[row, :, column], "+")
                p = found.p[row, column]
                cells += f" {difference:<28} {'' if np.isnan(p) else p_text(p)}{' *' if p < ALPHA else ''}"
            lines.append(cells.rstrip())
    return shown("\n".join([*lines, *format_notices(found.results)]), keep="\n")


def _cell(mean: float, bounds: NDArray[np.float64], sign: str = "") -> str:
    return f"{mean:{sign}.3f} {interval_text(bounds.tolist(), sign)}"


def _direction(metric: str) -> str:
    """Which way a metric is better, where it is known here."""
    higher = higher_is_better(metric)
    return "" if higher is None else f" ({'higher' if higher else 'lower'} is better)"
