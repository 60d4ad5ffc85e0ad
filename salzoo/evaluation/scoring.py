"""From predicted maps to scores, one video at a time."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salzoo.evaluation.fixations import FixationIndex
from salzoo.evaluation.protocols import Protocol
from salzoo.interfaces import Metric, SalzooError, Video
from salzoo.metrics import resize_prediction
from salzoo.plugins import registry


def score_video(
    video: Video,
    maps: Iterable[NDArray[Any]],
    *,
    protocol: Protocol,
    fixations: FixationIndex,
    number: int,
    baseline: NDArray[np.float32],
    seed: int,
) -> NDArray[np.float64]:
    """Score the maps of a video's frames, in order.

    Args:
        video: an annotated video.
        maps: one map a frame, (h, w), of any size and scale.
        protocol: what is computed.
        fixations: those of every frame of the split that is scored.
        number: the video's, in that index.
        baseline: (h, w), the map that information gain is measured against.
        seed: of the draw of other fixations.

    Returns:
        (frames, metrics) scores, NaN where undefined.

    Raises:
        SalzooError: where the maps are more or fewer than the frames.
    """
    metrics: list[Metric] = [registry().find("metrics", name).load() for name in protocol.metrics]
    needed = {truth for metric in metrics for truth in metric.requires}
    scores = []
    baseline_here: NDArray[Any] = baseline
    frames, first_frame = fixations.frames_of(number), int(fixations.first_frame[number])
    for index, map_ in enumerate(maps):
        if index == frames:
            raise SalzooError(f"more maps than the {frames} frames of video {video.id}")
        truths: dict[str, NDArray[Any]] = {"fixations": video.read_fixations(index)}
        size = (truths["fixations"].shape[0], truths["fixations"].shape[1])
        if "density" in needed:
            truths["density"] = video.read_density(index)
        if "other_fixations" in needed:
            truths["other_fixations"] = fixations.draw_others(
                first_frame + index, size, count=protocol.other_frames, seed=seed
            )
        if "baseline" in needed:
            if baseline_here.shape != size:
                baseline_here = resize_prediction(baseline, size)
            truths["baseline"] = baseline_here
        prediction = resize_prediction(map_, size)
        scores.append([float(m(prediction[None], *(truths[t][None] for t in m.requires))[0]) for m in metrics])
    if len(scores) != frames:
        raise SalzooError(f"{len(scores)} maps for the {frames} frames of video {video.id}")
    return np.array(scores)
