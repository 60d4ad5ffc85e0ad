"""Results of one model over folds and seeds as one: every video scored by the networks that have not seen it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from salzoo.evaluation.results import Result, summarise_videos
from salzoo.interfaces import SalzooError
from salzoo.trained_on import pool_overlaps


def pool_results(results: Sequence[Result], *, model: str, dataset: str) -> Result:
    """The result over the videos of all these results.

    A video that several of them have (other seeds) gets the mean of their scores, and counts once.

    Args:
        results: of one split, protocol and list of metrics.
        model, dataset: what to call the model and the data in the result.

    Raises:
        SalzooError: where metrics, split or protocol differ, or the scored frames of a video.
    """
    first = results[0]
    for result in results[1:]:
        for what in ("metrics", "split", "protocol"):
            mine, other = getattr(first, what), getattr(result, what)
            if mine != other:
                raise SalzooError(f"results of {model} cannot be pooled: {what} {mine} and {other}")
    scores: dict[str, list[dict[str, float]]] = {}
    defined: dict[str, dict[str, int]] = {}
    for result in results:
        for video, means in result.per_video.items():
            scores.setdefault(video, []).append(means)
            if defined.setdefault(video, result.defined[video]) != result.defined[video]:
                raise SalzooError(f"results of {model} cannot be pooled: other frames of {video} were scored")
    videos = list(scores)
    mean = np.array([[np.mean([each[metric] for each in scores[v]]) for metric in first.metrics] for v in videos])
    counts = np.array([[defined[video][metric] for metric in first.metrics] for video in videos], np.float64)
    frames = {video: max(defined[video].values()) for video in videos}
    return replace(
        first,
        model=model,
        dataset=dataset,
        weights_sha256=None,
        frames=sum(frames.values()),
        frames_expected=sum(frames.values()),
        left_out={metric: sum(frames[video] - defined[video][metric] for video in videos) for metric in first.metrics},
        defined=defined,
        notices={},
        trained_on=pool_overlaps([(tuple(result.per_video), result.trained_on) for result in results], len(videos)),
        per_frame=None,
        **summarise_videos(
            videos, np.nan_to_num(mean) * counts, counts, first.metrics, first.mean_of_videos, first.seed
        ),
    )
