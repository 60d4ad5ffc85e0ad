"""Agreement of two maps: correlation, similarity, divergence."""

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from salzoo.metrics.frames import Frame, Maps, MapsT, score_frames

EPSILON = float(np.finfo(np.float64).eps)


def log_density(prediction: NDArray[Any], *, bits: bool = False) -> NDArray[np.float64]:
    """The logarithm of a map taken for a density, which sums to one over each map's pixels.

    Each map is divided by its sum, values below 0 counting as 0; so that no logarithm is infinite, ε = 2⁻⁵² is added
    to each pixel, as the metrics do, and the sum made one again. A map that is 0 everywhere is uniform.

    Args:
        prediction: (…, H, W), uint8 or float, on any scale, finite.
        bits: give logarithms to base 2 in place of natural ones.

    Returns:
        (…, H, W) float64.

    Example:
        >>> import numpy as np
        >>> log_density(np.array([[1, 1], [0, 2]], np.uint8), bits=True).round(6).tolist()
        [[-2.0, -2.0], [-52.0, -1.0]]
    """
    p = np.maximum(np.asarray(prediction, np.float64), 0)
    total = p.sum((-2, -1), keepdims=True)
    pixels = p.shape[-2] * p.shape[-1]
    p = np.where(total > 0, p / np.where(total > 0, total, 1), 1 / pixels)
    logarithms: NDArray[np.float64] = np.log((p + EPSILON) / (1 + EPSILON * pixels))
    return logarithms / math.log(2) if bits else logarithms


def cc(prediction: MapsT, density: Maps) -> MapsT:
    """CC: Pearson's correlation of the prediction's and the density's pixels.

    ::

        cov(P, Q) / (std(P) · std(Q))

    Args:
        prediction: (…, H, W), uint8 or float, on any scale.
        density: (…, H, W), the fixation density, on any scale.

    Returns:
        (…) float64 in [−1, 1], higher is better; 0 is chance. NaN where either map is flat or holds NaN or infinity.

    Raises:
        SalzooError: where the maps are empty or of different sizes.

    Sources:
        Bylinskii et al., "What do different evaluation metrics tell us about saliency models?", PAMI 2019, and the
        ``CC`` of the MIT and DHF1K (Wang et al., CVPR 2018) benchmarks.

    Example:
        >>> import numpy as np
        >>> density = np.array([[0, 1], [2, 3]], np.uint8)
        >>> float(cc(np.array([[5.0, 7.0], [9.0, 11.0]]), density))
        1.0
    """
    return score_frames(_cc, prediction, density=density)


def sim(prediction: MapsT, density: Maps) -> MapsT:
    """SIM: the intersection of the prediction and the density as histograms.

    Each is min-max normalised, then divided by its sum (p, q) ::

        Σ min(p, q)

    Args:
        prediction: (…, H, W), uint8 or float, on any scale.
        density: (…, H, W), the fixation density, on any scale.

    Returns:
        (…) float64 in [0, 1], higher is better. 0 where either map is all zeros: the benchmark averages these zeros
        in. NaN where either is flat otherwise, or holds NaN or infinity.

    Raises:
        SalzooError: where the maps are empty or of different sizes.

    Sources:
        Judd et al., "A benchmark of computational models of saliency to predict human fixations", 2012, and the
        ``similarity`` of the MIT and DHF1K (Wang et al., CVPR 2018) benchmarks.

    Example:
        >>> import numpy as np
        >>> density = np.array([[0, 1], [2, 5]], np.uint8)
        >>> float(sim(np.array([[0.0, 0.5], [0.5, 0.0]]), density))
        0.375
    """
    return score_frames(_sim, prediction, density=density)


def kld(prediction: MapsT, density: Maps) -> MapsT:
    """KLD: Kullback-Leibler divergence of the density from the prediction.

    Each is divided by its sum (p, q) ::

        Σ q·log(ε + q/(p + ε))        ε = 2⁻⁵², in nats

    A prediction's values below zero, such as the undershoot of cubic resizing, count as zero. A prediction that is
    all zeros keeps p = 0, as in the benchmark.

    Args:
        prediction: (…, H, W), uint8 or float ≥ 0, with zero where nothing is expected.
        density: (…, H, W), the fixation density, ≥ 0.

    Returns:
        (…) float64 ≥ 0, lower is better. 0 where the density is all zeros: the benchmark
        averages these zeros in. NaN where the prediction has values below zero and none above, where the density has
        values below zero, or where a map holds NaN or infinity.

    Raises:
        SalzooError: where the maps are empty or of different sizes.

    Sources:
        Bylinskii et al., "What do different evaluation metrics tell us about saliency models?", PAMI 2019, and the
        ``KLdiv`` of the MIT and DHF1K (Wang et al., CVPR 2018) benchmarks.

    Example:
        >>> import numpy as np
        >>> density = np.array([[0, 0], [2, 2]], np.uint8)
        >>> round(float(kld(np.ones((2, 2)), density)), 12) == round(float(np.log(2)), 12)
        True
    """
    return score_frames(_kld, prediction, density=density)


def sum_of(values: Frame) -> float:
    """Sum of the pixels of a map: of 8 bits a whole number, exact."""
    return round(cv2.sumElems(values)[0]) if values.dtype == np.uint8 else float(values.sum(dtype=np.float64))


def sum_of_products(a: Frame, b: Frame) -> float:
    """Sum of a·b over the pixels of two maps, both float64 or both of 8 bits; the same bits on any number of threads.

    Of 8 bits it is a whole number, exact, by |a − b|² = |a|² − 2·ab + |b|², for OpenCV sums squares of bytes in a tenth
    of the time. Others are summed row by row: BLAS shares a product of long vectors out over its threads, and the order
    of the sum with them.
    """
    if a.dtype == np.uint8:
        a_squared, b_squared = (round(cv2.norm(each, cv2.NORM_L2SQR)) for each in (a, b))
        return (a_squared + b_squared - round(cv2.norm(a, b, cv2.NORM_L2SQR))) // 2
    return float(np.matmul(a[:, None, :], b[:, :, None]).sum())


def within(score: float, low: float, high: float) -> float:
    """A score whose formula cannot leave its bounds, without what rounding put beyond them; NaN stays."""
    return min(max(score, low), high)


def from_first(values: Frame) -> NDArray[np.float64]:
    """Differences from the first pixel: all exactly zero where a map is flat.

    Moments of these are accurate enough without subtracting the mean: the first pixel is one of the n values, so it
    lies within sqrt(n) standard deviations of it.
    """
    differences = values.astype(np.float64)
    differences -= differences[0, 0]
    return differences


def for_moments(*maps: Frame) -> list[Frame]:
    """Maps whose sums and sums of products give their moments accurately: maps of 8 bits as they are, for theirs are
    exact, others by their differences from the first pixel."""
    return list(maps) if all(each.dtype == np.uint8 for each in maps) else [from_first(each) for each in maps]


def lowest_and_rest(values: Frame) -> tuple[float, float]:
    """The lowest value of a map, and the sum of all values' differences from it."""
    low = float(values.min())
    if values.dtype == np.uint8:
        return low, sum_of(values) - low * values.size
    return low, float(np.subtract(values, low, dtype=np.float64).sum())


def _cc(prediction: Frame, density: Frame) -> float:
    p, q = for_moments(prediction, density)
    n, sum_p, sum_q = p.size, sum_of(p), sum_of(q)
    # Variances and covariance times n²: whole numbers for 8 bits.
    squares_p = n * sum_of_products(p, p) - sum_p * sum_p
    squares_q = n * sum_of_products(q, q) - sum_q * sum_q
    if not (0 < squares_p < math.inf and 0 < squares_q < math.inf):
        return np.nan
    slope = (n * sum_of_products(p, q) - sum_p * sum_q) / squares_p
    return within(slope * math.sqrt(squares_p / squares_q), -1, 1)  # exactly 1 for a map against itself


def _sim(prediction: Frame, density: Frame) -> float:
    (low_p, sum_p), (low_q, sum_q) = lowest_and_rest(prediction), lowest_and_rest(density)
    if (sum_q == 0 and density[0, 0] == 0) or (sum_p == 0 and prediction[0, 0] == 0):
        return 0.0
    if not (0 < sum_p < math.inf and 0 < sum_q < math.inf):
        return np.nan
    # min(p, q) = (p + q − |p − q|) / 2, and both sums are the same once q is scaled to p's.
    scale = sum_p / sum_q
    apart = cv2.addWeighted(prediction, 1.0, density, -scale, scale * low_q - low_p, dtype=cv2.CV_64F)
    return within(1 - cv2.norm(apart, cv2.NORM_L1) / (2 * sum_p), 0, 1)


def _kld(prediction: Frame, density: Frame) -> float:
    if not density.any():
        return 0.0
    if density.min() < 0 or (prediction.min() < 0 and prediction.max() <= 0):
        return np.nan
    positive = prediction if prediction.dtype == np.uint8 else np.maximum(prediction, 0)
    sum_p, sum_q = sum_of(positive), sum_of(density)
    if math.inf in (sum_p, sum_q):
        return np.nan
    # Where the density is zero, a term is zero.
    there = density > 0
    p = positive[there].astype(np.float64) / (sum_p or 1.0)
    q = density[there].astype(np.float64) / sum_q
    return within(float((q * np.log(EPSILON + q / (p + EPSILON))).sum()), 0, math.inf)
