"""Areas under ROC curves: how well a map separates fixated pixels from others."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from salzoo.metrics.distribution import within
from salzoo.metrics.frames import Frame, Maps, MapsT, positions, score_frames


def auc_judd(prediction: MapsT, fixations: Maps) -> MapsT:
    """AUC-Judd: how well a map separates the fixated pixels of a frame from all its other pixels.

    The thresholds of the ROC curve are the N fixated values, from high to low. At the k-th, the share k/N of the
    fixations and the share fp_k of the other pixels lie at or above it; (0, 0) and (1, 1) are added and the trapezoid
    rule taken, which makes the area ::

        1 − (fp_1 + … + fp_N − fp_N/2) / N

    The benchmark's code breaks ties by random jitter. This function gives the exact expected value of its score: for
    the j-th of m fixations tied at a value that n other pixels share and A others exceed, of M others in all,
    E[fp] = (A + n·j/(m+1)) / M. Floating-point values are tied when they agree after the map is min-max normalised
    to 0–255 and rounded to 1e-6, so that rounding errors, of resizing for example, do not decide; uint8 values are
    tied when they are equal.

    Args:
        prediction: (…, H, W), uint8 or float, on any scale.
        fixations: (…, H, W), above zero at the fixated pixels.

    Returns:
        (…) float64 in [0, 1], higher is better; about 0.5 is chance. NaN where there is no fixation or nothing but
        fixations, or where a map holds NaN or infinity. A flat map scores (N+2) / (2(N+1)), as the benchmark's.

    Raises:
        SalzooError: where the maps are empty or of different sizes.

    Sources:
        Bylinskii et al., "What do different evaluation metrics tell us about saliency models?", PAMI 2019, and the
        ``AUC_Judd`` of the MIT and DHF1K (Wang et al., CVPR 2018) benchmarks.

    Example:
        >>> import numpy as np
        >>> prediction = np.array([[0, 1, 2], [3, 4, 5]], np.uint8)
        >>> fixations = np.array([[0, 0, 0], [0, 1, 1]], bool)
        >>> float(auc_judd(prediction, fixations))
        1.0
        >>> float(auc_judd(np.ones((2, 3)), fixations))  # flat: (2 + 2) / (2·3)
        0.6666666666666666
    """
    return score_frames(_auc_judd, prediction, fixations=fixations)


def auc_borji(prediction: MapsT, fixations: Maps) -> MapsT:
    """AUC-Borji: how well a map separates the fixated pixels of a frame from random pixels of it.

    The map is min-max normalised to P in [0, 1]; the thresholds θ are k·0.1 ::

        tp(θ) = share of the fixations with P ≥ θ        fp(θ) = share of the random pixels with P ≥ θ

    with (0, 0) and (1, 1) added; the area is by the trapezoid rule. The benchmark's code draws as many pixels as there
    are fixations, uniformly and with replacement, and averages over 100 draws; the area is linear in fp, so taking the
    share of all pixels gives the exact expected value of that.

    Args:
        prediction: (…, H, W), uint8 or float, on any scale.
        fixations: (…, H, W), above zero at the fixated pixels.

    Returns:
        (…) float64 in [0, 1], higher is better; 0.5 is chance. NaN where the map is flat, where there is no fixation,
        or where a map holds NaN or infinity.

    Raises:
        SalzooError: where the maps are empty or of different sizes.

    Sources:
        Borji et al., "Analysis of scores, datasets, and models in visual saliency prediction", ICCV 2013, and the
        ``AUC_Borji`` of the MIT benchmark.

    Example:
        >>> import numpy as np
        >>> prediction = np.array([[0, 1, 2], [3, 4, 5]], np.uint8)
        >>> fixations = np.array([[0, 0, 0], [0, 0, 1]], bool)
        >>> round(float(auc_borji(prediction, fixations)), 6)  # fp is 1/6 at the first threshold, where tp is 1
        0.916667
    """
    return score_frames(_auc_borji, prediction, fixations=fixations)


def auc_shuffled(prediction: MapsT, fixations: Maps, other_fixations: Maps) -> MapsT:
    """Shuffled AUC: how well a map separates this frame's fixations from those of other frames.

    Other frames' fixations share the centre bias of viewers, so that a map gains nothing by predicting it. The map is
    min-max normalised to P in [0, 1]; the thresholds θ are k·0.1 (in float64: 6·0.1 lies above 0.6) ::

        tp(θ) = share of the fixations with P ≥ θ        fp(θ) = share of the other fixations with P ≥ θ

    with (0, 0) and (1, 1) added; the area is by the trapezoid rule. The benchmark's code draws as many of the other
    fixations as there are fixations, and averages over 100 draws; the area is linear in fp, so taking the share of
    all other fixations gives the exact expected value of that.

    Args:
        prediction: (…, H, W), uint8 or float, on any scale.
        fixations: (…, H, W), above zero at the fixated pixels.
        other_fixations: (…, H, W), above zero at the pixels fixated in other frames.

    Returns:
        (…) float64 in [0, 1], higher is better; 0.5 is chance. NaN where the map is flat, where there are no
        fixations or no other fixations, or where a map holds NaN or infinity.

    Raises:
        SalzooError: where the maps are empty or of different sizes.

    Sources:
        Zhang et al., "SUN: a Bayesian framework for saliency using natural statistics", JoV 2008, and the
        ``AUC_shuffled`` of the MIT and DHF1K (Wang et al., CVPR 2018) benchmarks.

    Example:
        >>> import numpy as np
        >>> prediction = np.array([[0, 1, 2], [3, 4, 5]], np.uint8)
        >>> fixations = np.array([[0, 0, 0], [0, 1, 1]], bool)
        >>> other_fixations = np.array([[1, 0, 0], [0, 1, 0]], bool)
        >>> float(auc_shuffled(prediction, fixations, other_fixations))
        0.875
    """
    return score_frames(_auc_shuffled, prediction, fixations=fixations, other_fixations=other_fixations)


def _auc_judd(prediction: Frame, fixations: Frame) -> float:
    fixated = positions(fixations)
    count = fixated.size
    others = prediction.size - count
    if count == 0 or others == 0:
        return np.nan
    levels = prediction.ravel() if prediction.dtype == np.uint8 else _levels(prediction.ravel())
    if levels is None:
        return np.nan
    values, tied = np.unique(levels[fixated].astype(np.int64), return_counts=True)
    edges, inverse = np.unique(np.concatenate([values, values + 1]), return_inverse=True)
    reaching = _count_reaching(levels, edges)[inverse]
    at_or_above, above = reaching[: values.size], reaching[values.size :]
    # Other pixels tied at each value (n) and above it (A): fixated ones are not among them.
    fixated_above = tied[::-1].cumsum()[::-1] - tied
    ties = at_or_above - above - tied
    exceeding = above - fixated_above
    # Over the m fixations at one value, the fp sum to m·A + n·m/2; the last fixation counts half.
    total = float((tied * (2 * exceeding + ties)).sum()) / 2
    last = exceeding[0] + ties[0] * tied[0] / (tied[0] + 1)
    return within(1 - float(total - last / 2) / (count * others), 0, 1)


def _levels(prediction: NDArray[np.float32 | np.float64]) -> NDArray[np.int32] | None:
    """The map in steps of 1e-6 on a scale of 0 to 255; None where its range leaves that of float64."""
    low, high = float(prediction.min()), float(prediction.max())
    if low == high:
        return np.zeros(prediction.size, np.int32)
    span = high - low
    if not 1e-300 < span < np.inf:
        return None
    levels = prediction.astype(np.float64)
    levels -= low
    levels *= 255e6 / span
    return np.rint(levels, out=levels).astype(np.int32)


def _count_reaching(levels: NDArray[Any], edges: NDArray[np.int64]) -> NDArray[np.intp]:
    """How many pixels lie at or above each of the edges, which ascend.

    A histogram answers that for uint8. Sorting or searching 255 million levels takes ten times as long, so theirs
    is coarse, and the few pixels in the same bins as an edge are looked at one by one.
    """
    if levels.dtype == np.uint8:
        return _from_top(np.append(_histogram(levels), 0))[edges]
    coarse = (levels >> 16).astype(np.intp)
    bins: NDArray[np.int64] = edges >> 16
    size = (255_000_000 >> 16) + 1
    near = np.zeros(size, bool)
    near[bins] = True
    histogram = np.bincount(coarse, minlength=size)
    histogram[near] = 0
    # Many maps are mostly at their minimum, level 0, which reaches no edge but 0: every pixel reaches that.
    close = near[coarse]
    close &= levels > 0
    reached = np.searchsorted(edges, levels[np.flatnonzero(close)], side="right")
    counts = _from_top(histogram)[bins]
    counts += _from_top(np.bincount(reached, minlength=edges.size + 1))[1:]
    counts[edges == 0] = levels.size
    return counts


def _histogram(values: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Counts of the 256 values. OpenCV gives them as float32, which is exact up to 2²⁴: so many are counted at once."""
    counts = np.zeros(256, np.intp)
    for start in range(0, values.size, 1 << 24):
        part = values[None, start : start + (1 << 24)]
        counts += cv2.calcHist([part], [0], None, [256], [0, 256]).ravel().astype(np.intp)
    return counts


def _from_top(counts: NDArray[np.intp]) -> NDArray[np.intp]:
    """Cumulative sums from the last element down."""
    return np.cumsum(counts[::-1])[::-1]


THRESHOLDS = np.arange(11) * 0.1


def _auc_shuffled(prediction: Frame, fixations: Frame, other_fixations: Frame) -> float:
    low, high = float(prediction.min()), float(prediction.max())
    span = high - low
    fixated, others = positions(fixations), positions(other_fixations)
    if not 0 < span < np.inf or fixated.size == 0 or others.size == 0:
        return np.nan
    tp, fp = (_share_reaching((prediction.ravel()[at].astype(np.float64) - low) / span) for at in (fixated, others))
    return within(float((np.diff(fp) * (tp[1:] + tp[:-1])).sum()) / 2, 0, 1)


def _auc_borji(prediction: Frame, fixations: Frame) -> float:
    low, high = float(prediction.min()), float(prediction.max())
    span = high - low
    fixated = positions(fixations)
    if not 0 < span < np.inf or fixated.size == 0:
        return np.nan
    scaled = (prediction.ravel().astype(np.float64) - low) / span
    tp = _share_reaching(scaled[fixated])
    fp = np.array([0.0, *(np.count_nonzero(scaled >= threshold) / scaled.size for threshold in THRESHOLDS[::-1])])
    return float((np.diff(fp) * (tp[1:] + tp[:-1])).sum()) / 2


def _share_reaching(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shares of the values at or above each threshold, from high to low; the first is that of no value at all."""
    below = np.searchsorted(np.sort(values), THRESHOLDS[::-1], side="left")
    return np.concatenate([[0.0], (values.size - below) / values.size])
