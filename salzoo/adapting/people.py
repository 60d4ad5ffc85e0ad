"""What people reach where a model is adapted: each observer scored by the density of the others."""

from collections.abc import Sequence
from typing import cast

import numpy as np

from salzoo.adapting.fitting import Looked
from salzoo.evaluation.baselines import mean_density
from salzoo.evaluation.humans import choose_others
from salzoo.gaze.ceiling import as_distribution, join_gaze, score_people
from salzoo.gaze.truth import has_gaze
from salzoo.interfaces import Video
from salzoo.interfaces.dataset import GazeVideo
from salzoo.metrics import resize_prediction


def score_people_of(looked: Looked, videos: Sequence[Video]) -> float:
    """The mean NSS of people on the frames that a network looked at, each item weighing the same; NaN where observers
    are not known one by one."""
    if not all(map(has_gaze, videos)):
        return float("nan")
    center = mean_density(videos)
    others = choose_others(videos, center)
    found: dict[int, list[float]] = {}
    for item, frame in zip(looked.item.tolist(), looked.frame.tolist(), strict=True):
        video = cast(GazeVideo, videos[item])
        people = join_gaze(video.read_gaze(frame), video.size, others.scale * video.sigma)
        if people is not None:
            bias = as_distribution(resize_prediction(center, video.size), video.size)
            found.setdefault(item, []).append(score_people(people, others.prior, bias)["nss"])
    return float(np.mean([np.mean(each) for each in found.values()])) if found else float("nan")
