"""The MIT/Tübingen benchmark's definitions, as its code ``pysaliency`` (Kümmerer et al.) has them.

Every fixation counts, several at one pixel too: maps of fixations hold how many there are.

- AUC: the share of pairs of a fixation and any pixel of the frame, fixated or not, in which the fixation's value is
  the higher; ties count half.
- AUC-shuffled: the same with the fixations of one frame of every other video for the pixels.
- NSS: the standard deviation over N pixels, not N − 1.
- IG: prediction and baseline are densities, divided by their sums and not shifted, so that a model which gives a
  log-density is scored by it; ε = 2⁻⁵² stands for log 0.
- KLD, CC, SIM: as registered (``salzoo.metrics``): KLD takes a density as it is.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salzoo.interfaces.metric import Metric
from salzoo.metrics.distribution import EPSILON, from_first, sum_of_products
from salzoo.metrics.frames import Frame, score_frames
from salzoo.metrics.registered import MapMetric


def auc(prediction: NDArray[Any], fixations: NDArray[Any]) -> NDArray[np.float64]:
    """AUC of the fixations against all pixels. Maps (…, H, W); fixations are counts."""
    return score_frames(_auc, prediction, fixations=fixations)


def auc_shuffled(
    prediction: NDArray[Any], fixations: NDArray[Any], other_fixations: NDArray[Any]
) -> NDArray[np.float64]:
    """AUC of the fixations against those of other frames. Maps (…, H, W); fixations are counts."""
    return score_frames(_auc_shuffled, prediction, fixations=fixations, other_fixations=other_fixations)


def nss(prediction: NDArray[Any], fixations: NDArray[Any]) -> NDArray[np.float64]:
    """NSS with the standard deviation over N. Maps (…, H, W); fixations are counts."""
    return score_frames(_nss, prediction, fixations=fixations)


def ig(prediction: NDArray[Any], fixations: NDArray[Any], baseline: NDArray[Any]) -> NDArray[np.float64]:
    """Information gain of a density over another, in bits per fixation. Maps (…, H, W); fixations are counts."""
    return score_frames(_ig, prediction, fixations=fixations, baseline=baseline)


def _values(prediction: Frame, fixations: Frame) -> NDArray[np.float64]:
    """The prediction at each fixation, as often as there are any."""
    return np.asarray(np.repeat(prediction.ravel(), fixations.ravel().astype(np.intp)), np.float64)


def _above(positives: NDArray[np.float64], negatives: NDArray[np.float64]) -> float:
    """The share of pairs in which the positive is the higher; ties count half."""
    if not positives.size or not negatives.size:
        return math.nan
    ordered = np.sort(positives)
    below = ordered.size - np.searchsorted(ordered, negatives, side="right")
    reaching = ordered.size - np.searchsorted(ordered, negatives, side="left")
    return float((below.sum() + reaching.sum()) / (2 * positives.size * negatives.size))


def _auc(prediction: Frame, fixations: Frame) -> float:
    return _above(_values(prediction, fixations), prediction.ravel().astype(np.float64))


def _auc_shuffled(prediction: Frame, fixations: Frame, other_fixations: Frame) -> float:
    return _above(_values(prediction, fixations), _values(prediction, other_fixations))


def _nss(prediction: Frame, fixations: Frame) -> float:
    values, p = _values(prediction, fixations), from_first(prediction)
    mean = float(p.mean())
    variance = sum_of_products(p, p) / p.size - mean * mean
    if not values.size or not 0 < variance < math.inf:
        return math.nan
    return (float(values.mean()) - float(prediction[0, 0]) - mean) / math.sqrt(variance)


def _ig(prediction: Frame, fixations: Frame, baseline: Frame) -> float:
    p, b = (np.maximum(each, 0) for each in (prediction, baseline))
    sums = [float(each.sum(dtype=np.float64)) for each in (p, b)]
    values = [
        _values(each, fixations) / total for each, total in zip((p, b), sums, strict=True) if 0 < total < math.inf
    ]
    if len(values) < 2 or not values[0].size:
        return math.nan
    return float((np.log2(EPSILON + values[0]) - np.log2(EPSILON + values[1])).mean())


METRICS: dict[str, Metric] = {
    "auc": MapMetric("auc", auc, ("fixations",)),
    "auc_shuffled": MapMetric("auc_shuffled", auc_shuffled, ("fixations", "other_fixations")),
    "nss": MapMetric("nss", nss, ("fixations",)),
    "ig": MapMetric("ig", ig, ("fixations", "baseline")),
}
