"""How far a model is on the way from the center bias, which ignores the frame, to people.

    100 · (score − score of the center bias) / (score of people − score of the center bias)

by metric, of the means over the split: the share of what can be explained that is, as Kümmerer et al., "Information-
theoretic model comparison unifies saliency metrics", PNAS 2015, define it for information gain. Both ends are measured
on the same frames: the center bias is fitted to the training split, people are scored as ``salzoo.gaze.ceiling`` says.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from salzoo.evaluation.bootstrap import draw_resamples, interval
from salzoo.evaluation.results import CENTER_BIAS, HUMANS, Result
from salzoo.interfaces.errors import SalzooError


def add_relative(results: Sequence[Result]) -> list[Result]:
    """The results with their ``relative``: by metric the percentage and its bootstrap interval over videos.

    Metrics that people are not scored in, or in which they are no better than the center bias, have none.
    """
    if HUMANS not in {result.model for result in results}:
        raise SalzooError("no frame was looked at by two observers: there is no scale to people; leave out --relative")
    by_model = {result.model: result for result in results}
    low, high = by_model[CENTER_BIAS], by_model[HUMANS]
    return [result if result is high else replace(result, relative=_relative(result, low, high)) for result in results]


def _relative(result: Result, low: Result, high: Result) -> dict[str, tuple[float, float, float]]:
    videos = [video for video in high.per_video if video in result.per_video and video in low.per_video]
    times = np.concatenate([np.ones((1, len(videos))), draw_resamples(len(videos), result.seed)])
    means = [each.video_scores(videos).resampled_means(times) for each in (result, low, high)]
    found = {}
    for metric in high.metrics:
        if metric not in result.metrics or metric not in low.metrics:
            continue
        columns = (each.metrics.index(metric) for each in (result, low, high))
        score, least, most = (mean[:, column] for mean, column in zip(means, columns, strict=True))
        if not most[0] > least[0]:
            continue
        with np.errstate(divide="ignore", invalid="ignore"):
            percent = np.where(most > least, 100 * (score - least) / (most - least), np.nan)
        bounds = interval(percent[1:, None], np.array([len(videos)]))[:, 0]
        found[metric] = (float(percent[0]), float(bounds[0]), float(bounds[1]))
    return found
