"""Values of a map at the fixated pixels."""

import math

import numpy as np

from salzoo.metrics.distribution import EPSILON, for_moments, lowest_and_rest, sum_of, sum_of_products
from salzoo.metrics.frames import Frame, Maps, MapsT, positions, score_frames


def nss(prediction: MapsT, fixations: Maps) -> MapsT:
    """NSS: the mean value at the fixated pixels of the map normalised to zero mean and unit standard deviation.

    ::

        mean over fixations of (P − mean(P)) / std(P)        std with n − 1 for n pixels

    Args:
        prediction: (…, H, W), uint8 or float, on any scale.
        fixations: (…, H, W), above zero at the fixated pixels.

    Returns:
        (…) float64 in units of standard deviations, unbounded, higher is better; 0 is chance. NaN where the map is
        flat, where there is no fixation, or where a map holds NaN or infinity.

    Raises:
        SalzooError: where the maps are empty or of different sizes.

    Sources:
        Peters et al., "Components of bottom-up gaze allocation in natural images", Vision Research 2005, and the
        ``NSS`` of the MIT and DHF1K (Wang et al., CVPR 2018) benchmarks.

    Example:
        >>> import numpy as np
        >>> prediction = np.array([[0, 0, 0], [0, 0, 6]], np.uint8)
        >>> fixations = np.array([[0, 0, 0], [0, 0, 1]], bool)
        >>> round(float(nss(prediction, fixations)), 6)  # (6 − 1) / sqrt(6)
        2.041241
    """
    return score_frames(_nss, prediction, fixations=fixations)


def ig(prediction: MapsT, fixations: Maps, baseline: Maps) -> MapsT:
    """IG: information gain of the prediction over a baseline at the fixated pixels, in bits per fixation.

    Both maps are min-max normalised, then divided by their sum (p, b) ::

        mean over fixations of log2(ε + p) − log2(ε + b)        ε = 2⁻⁵²

    Args:
        prediction: (…, H, W), uint8 or float, on any scale.
        fixations: (…, H, W), above zero at the fixated pixels.
        baseline: (…, H, W), the map to gain over, such as a centre prior, on any scale.

    Returns:
        (…) float64 in bits, unbounded, higher is better; 0 is as good as the baseline. NaN where the prediction or
        the baseline is flat, where there is no fixation, or where a map holds NaN or infinity.

    Raises:
        SalzooError: where the maps are empty or of different sizes.

    Sources:
        Kümmerer et al., "Information-theoretic model comparison unifies saliency metrics", PNAS 2015, and the
        ``InfoGain`` of the MIT and DHF1K (Wang et al., CVPR 2018) benchmarks.

    Example:
        >>> import numpy as np
        >>> prediction = np.array([[0, 0, 0], [0, 0, 1]], np.uint8)
        >>> baseline = np.array([[0, 0, 0], [0, 1, 1]], np.uint8)
        >>> fixations = np.array([[0, 0, 0], [0, 0, 1]], bool)
        >>> round(float(ig(prediction, fixations, baseline)), 12)
        1.0
    """
    return score_frames(_ig, prediction, fixations=fixations, baseline=baseline)


def _nss(prediction: Frame, fixations: Frame) -> float:
    fixated = positions(fixations)
    if fixated.size == 0:
        return np.nan
    (p,) = for_moments(prediction)
    n, total = p.size, sum_of(p)
    squares = n * sum_of_products(p, p) - total * total
    if not 0 < squares < math.inf:
        return np.nan
    return (float(p.ravel()[fixated].mean()) - total / n) / math.sqrt(squares / n / (n - 1))


def _ig(prediction: Frame, fixations: Frame, baseline: Frame) -> float:
    fixated = positions(fixations)
    (low_p, sum_p), (low_b, sum_b) = lowest_and_rest(prediction), lowest_and_rest(baseline)
    if fixated.size == 0 or not (0 < sum_p < math.inf and 0 < sum_b < math.inf):
        return np.nan
    p = (prediction.ravel()[fixated].astype(np.float64) - low_p) / sum_p
    b = (baseline.ravel()[fixated].astype(np.float64) - low_b) / sum_b
    return float((np.log2(EPSILON + p) - np.log2(EPSILON + b)).mean())
