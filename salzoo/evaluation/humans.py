"""The human ceiling of a data set: its observers scored by each other, with what the training split says of how.

Sigma and the share of the center bias are those under which the observers of the training split predict each other
best: those with the largest mean logarithm of p_k at the fixations (leave-one-out cross-validation, as Kümmerer et al.,
PNAS 2015, choose theirs). ``salzoo.gaze.ceiling`` has the definition.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import cast

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from salzoo.evaluation.results import HUMANS, Result
from salzoo.evaluation.scoring import Chunk
from salzoo.evaluation.tasks import CHUNK, ScoringPool, Task, collect, make_result
from salzoo.gaze.ceiling import EPSILON, METRICS, Others, as_distribution, join_gaze
from salzoo.gaze.truth import has_gaze
from salzoo.interfaces import Video
from salzoo.interfaces.dataset import GazeVideo
from salzoo.metrics import resize_prediction

SCALES = tuple(2 ** (step / 4) for step in range(-4, 6))
"""Multiples of a video's own sigma that are tried."""

PRIORS = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)
"""Shares of the center bias that are tried."""

FRAMES = 200
"""Frames of the training split that they are tried on, evenly spaced."""


def knows_people(task: Task) -> bool:
    """Whether observers are known one by one in all of a split's videos, and a metric can score them."""
    return all(map(has_gaze, task.videos)) and bool(_columns(task))


def score_humans(task: Task, pool: ScoringPool) -> list[Result]:
    """The observers of a split, each scored by the density of the others: one result, or none where no frame was looked
    at by two of them, as in a recording of one person."""
    others = choose_others(task.train, task.center_bias)

    def chunks(number: int) -> Iterator[Chunk]:
        frames = task.frames[number].tolist()
        return (Chunk(number, frames[start : start + CHUNK], others) for start in range(0, len(frames), CHUNK))

    (found,) = collect(task, chunks, pool, HUMANS, kind=HUMANS)
    result = replace(make_result(task, HUMANS, found, metrics=_columns(task)), detail=_say(task, others))
    scored = any(result.defined[video][metric] for video in result.defined for metric in result.metrics)
    return [result] if scored else []


def choose_others(train: Sequence[Video], center_bias: NDArray[np.float32] | None) -> Others:
    """The sigma and the share of the center bias that fit the observers of some videos best.

    Args:
        train: annotated videos of the training split; without any whose observers are known, each video's own sigma
            and no center bias.
        center_bias: (h, w), the mean density of the training split.
    """
    frames = [(cast(GazeVideo, each), index) for each in train if has_gaze(each) for index in range(each.frames)]
    if not frames or center_bias is None:
        return Others()
    chosen = [frames[at] for at in np.unique(np.linspace(0, len(frames) - 1, FRAMES).astype(int))]
    likelihood = np.zeros((len(SCALES), len(PRIORS)))
    resized: dict[tuple[int, int], NDArray[np.float64]] = {}
    for video, index in tqdm(chosen, "observers of train", unit="frame", leave=False, disable=None):
        gaze, size = video.read_gaze(index), video.size
        if size not in resized:
            resized[size] = as_distribution(resize_prediction(center_bias, size), size)
        for row, scale in enumerate(SCALES):
            people = join_gaze(gaze, size, scale * video.sigma)
            if people is None:
                break
            own, bias = people.density_at_own(), resized[size][people.pixels]
            for column, prior in enumerate(PRIORS):
                likelihood[row, column] += np.log(EPSILON + (1 - prior) * own + prior * bias).sum()
    if not likelihood.any():
        return Others()
    best = np.unravel_index(likelihood.argmax(), likelihood.shape)
    return Others(SCALES[int(best[0])], PRIORS[int(best[1])])


def _columns(task: Task) -> list[str]:
    """The metrics of a task that people are scored in: not those which the protocol defines by draws of its own."""
    own = task.protocol.own_metrics
    return [
        name for name in task.scorer.metrics if name in METRICS and (name not in own or name in ("auc", "nss", "ig"))
    ]


def _say(task: Task, others: Others) -> str:
    sigmas = [others.scale * cast(GazeVideo, video).sigma for video in task.videos]
    low, high = min(sigmas), max(sigmas)
    sigma = f"{low:.1f}" if high - low < 0.05 else f"{low:.1f} to {high:.1f}"
    chosen = "chosen on the training split" if others.prior else "as the set has it"
    return f"sigma {sigma} px ({others.scale:.2f} of the set's), {others.prior:.0%} center bias, {chosen}"
