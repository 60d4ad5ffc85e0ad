"""What a board of results found, in a sentence; and its videos, one by one."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from salzoo.evaluation.comparison import compare_each
from salzoo.evaluation.results import CENTER_BIAS, GOLD, HUMANS, Result, heading, interval_text, number
from salzoo.evaluation.significance import ALPHA, p_text
from salzoo.evaluation.tables import higher_is_better, is_bound

BASELINES = (CENTER_BIAS, "center-bias", "spectral-residual")


@dataclass(frozen=True)
class VideoTable:
    """The scores of each video.

    Attributes:
        labels: of the results, a column each.
        videos: a row each, from the first result's best by the leading metric to its worst.
        scores: by metric's title, rows of scores; None where there is none.
    """

    labels: list[str]
    videos: list[str]
    scores: dict[str, list[list[float | None]]]


def leading_metric(result: Result) -> str:
    """The metric that is told of first: NSS, or the first one that there is."""
    return "nss" if "nss" in result.metrics else result.metrics[0]


def describe_finding(results: Sequence[Result], labels: Sequence[str]) -> str:
    """What was found: how the first result scores, with its interval and the number of videos, how it stands against
    the best other model, else against a baseline, and what people reach."""
    first, metric = results[0], leading_metric(results[0])
    text = (
        f"{labels[0]} reaches {heading(metric)} {_score(first, metric)} on {first.dataset} {first.split} ({first.size})"
    )
    rival = _rival(results, metric)
    if rival is not None:
        text += f": {_against(results, labels, rival, metric)}"
    people = next(
        (each for each in results if each.model == HUMANS and not math.isnan(each.mean.get(metric, math.nan))), None
    )
    if people is not None and people is not first:
        text += f". People, each against the others, reach {number(people.mean[metric], 3)}"
    return f"{text}."


def _score(result: Result, metric: str) -> str:
    bounds = result.interval_95[metric]
    return number(result.mean[metric], 3) + (
        "" if math.isnan(bounds[0]) else f" (95 % interval {interval_text(bounds)})"
    )


def _rival(results: Sequence[Result], metric: str) -> int | None:
    """The best other model, else the best baseline."""
    others = [
        n
        for n, each in enumerate(results)
        if n and not is_bound(each) and not math.isnan(each.mean.get(metric, math.nan))
    ]
    models = [n for n in others if results[n].model not in BASELINES] or others
    sign = -1 if higher_is_better(metric) is False else 1
    return max(models, key=lambda n: sign * results[n].mean[metric], default=None)


def _against(results: Sequence[Result], labels: Sequence[str], rival: int, metric: str) -> str:
    # Corrected for all others that the page compares, not for this one alone.
    shown = [n for n, each in enumerate(results) if n == 0 or each.model != GOLD]
    pairs = compare_each([results[n] for n in shown], [labels[n] for n in shown])
    pair = next((each for each in pairs if each.labels[0] == labels[rival] and metric in each.metrics), None)
    if pair is None:
        return f"{labels[rival]} was scored on other videos"
    column = pair.metrics.index(metric)
    difference, p = float(pair.differences[1, column]), float(pair.p[1, column])
    bounds = pair.difference_intervals[1, :, column].tolist()
    numbers = ("" if math.isnan(bounds[0]) else f" {interval_text(bounds, '+')}") + f", {p_text(p)}"
    if not p < ALPHA:
        return f"no clear difference from {labels[rival]} ({difference:+.3f}{numbers})"
    higher = higher_is_better(metric)
    word = "another score" if higher is None else "better" if (difference > 0) == higher else "worse"
    return f"{word} than {labels[rival]} by {abs(difference):.3f} ({difference:+.3f}{numbers})"


def list_videos(results: Sequence[Result], labels: Sequence[str], titles: dict[str, str]) -> VideoTable:
    """The scores of all videos.

    Args:
        titles: of the metrics, by name.
    """
    shown = [n for n, result in enumerate(results) if result.model != GOLD]
    lead = leading_metric(results[0])
    sign = 1 if higher_is_better(lead) is False else -1

    def score(n: int, video: str, metric: str) -> float | None:
        value = results[n].per_video.get(video, {}).get(metric, math.nan)
        return value if math.isfinite(value) else None

    videos = list(dict.fromkeys(video for n in shown for video in results[n].per_video))
    leading = {video: score(shown[0], video, lead) for video in videos}
    videos.sort(key=lambda video: math.inf if leading[video] is None else sign * (leading[video] or 0.0))
    scores = {title: [[score(n, video, metric) for n in shown] for video in videos] for metric, title in titles.items()}
    return VideoTable([labels[n] for n in shown], videos, scores)
