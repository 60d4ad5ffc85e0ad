"""What the Python script that scored SalEMA (Linardos et al., BMVC 2019) computes otherwise than the DHF1K benchmark.

It read maps saved with 8 bits, each over its own range, brought predictions to the truth's size with OpenCV's bilinear
interpolation, and halved all maps with the same. A halved pixel counts as fixated when any of its
four was. Two of its scores differ:

- NSS takes the standard deviation over N pixels, not N − 1;
- shuffled AUC draws min(N, |O|) of the other fixations, but divides their counts by N; and its thresholds, k·0.1, end
  before the largest value at a fixation or other fixation. The largest over each draw is taken there; here it is the
  largest over all of O, which makes the expected value exact.

Frames whose score is undefined are left out and counted, where the script's mean would have become NaN.
"""

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from salzoo.interfaces.metric import Metric
from salzoo.metrics import nss
from salzoo.metrics.auc import THRESHOLDS
from salzoo.metrics.frames import Frame, positions, score_frames
from salzoo.metrics.registered import MapMetric


def resize(prediction: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """Bilinear, on 8 bits: maps in floating point or of 16 bits, on whatever scale, become (map − min)/(max − min) on
    0–255 first, as the authors' inference writes each frame's map.

    Maps that hold NaN or infinity stay in floating point, and score NaN; a flat map becomes zeros.
    """
    if prediction.dtype != np.uint8 and np.isfinite(prediction).all():
        low, high = float(prediction.min()), float(prediction.max())
        span = high - low if 0 < high - low < math.inf else math.inf
        prediction = np.rint((prediction.astype(np.float64) - low) / span * 255).astype(np.uint8)
    if prediction.shape == size:
        return prediction
    resized: NDArray[Any] = cv2.resize(prediction, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
    return resized


def halve(map_: NDArray[Any]) -> NDArray[Any]:
    """Half the height and width, bilinear; of a map of fixations, the pixels that touch one."""
    if map_.dtype == np.bool_:
        halved: NDArray[Any] = halve(map_.view(np.uint8) * np.uint8(255)) > 0
        return halved
    resized: NDArray[Any] = cv2.resize(map_, (0, 0), fx=0.5, fy=0.5, interpolation=cv2.INTER_LINEAR)
    return resized


def nss_population(prediction: NDArray[Any], fixations: NDArray[Any]) -> NDArray[np.float64]:
    """NSS with the standard deviation over N pixels; see ``salzoo.metrics.nss``."""
    pixels = prediction.shape[-2] * prediction.shape[-1]
    return nss(prediction, fixations) * math.sqrt(pixels / max(pixels - 1, 1))


def auc_shuffled(
    prediction: NDArray[Any], fixations: NDArray[Any], other_fixations: NDArray[Any]
) -> NDArray[np.float64]:
    """The expected value of the script's shuffled AUC; see ``salzoo.metrics.auc_shuffled`` for the arguments."""
    return score_frames(_auc_shuffled, prediction, fixations=fixations, other_fixations=other_fixations)


def _auc_shuffled(prediction: Frame, fixations: Frame, other_fixations: Frame) -> float:
    low, high = float(prediction.min()), float(prediction.max())
    span = high - low
    fixated, others = positions(fixations), positions(other_fixations)
    if not 0 < span < math.inf or fixated.size == 0 or others.size == 0:
        return math.nan
    at_fixations, at_others = ((prediction.ravel()[at].astype(np.float64) - low) / span for at in (fixated, others))
    largest = max(at_fixations.max(), at_others.max())
    thresholds = THRESHOLDS[largest > THRESHOLDS][::-1]
    drawn = min(fixated.size, others.size) / fixated.size
    tp = [0.0, *((at_fixations >= threshold).mean() for threshold in thresholds), 1.0]
    fp = [0.0, *((at_others >= threshold).mean() * drawn for threshold in thresholds), 1.0]
    return float((np.diff(fp) * (np.add(tp[1:], tp[:-1]))).sum()) / 2


METRICS: dict[str, Metric] = {
    "nss": MapMetric("nss", nss_population, ("fixations",)),
    "auc_shuffled": MapMetric("auc_shuffled", auc_shuffled, ("fixations", "other_fixations")),
}
