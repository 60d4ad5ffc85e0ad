"""The metrics as their definitions read: plain NumPy on one frame, with jitter and random draws.

What salzoo.metrics is measured against, in speed and in value. Maps are (H, W).
"""

import numpy as np

EPSILON = 2.0**-52


def auc_judd(prediction, fixations, rng):
    """One run of AUC-Judd: ties are broken by a jitter of at most 1e-7."""
    saliency = prediction.astype(np.float64) + rng.random(prediction.shape) * 1e-7
    saliency = min_max(saliency).ravel()
    thresholds = np.sort(saliency[fixations.ravel() > 0])[::-1]
    n, pixels = len(thresholds), saliency.size
    descending = np.sort(saliency)[::-1]
    tp, fp = np.zeros(n + 2), np.zeros(n + 2)
    tp[-1] = fp[-1] = 1
    for k, threshold in enumerate(thresholds, start=1):
        above = np.searchsorted(-descending, -threshold, side="right")
        tp[k] = k / n
        fp[k] = (above - k) / (pixels - n)
    return trapezoid(tp, fp)


def auc_shuffled(prediction, fixations, other_fixations, rng, draws=100):
    """The mean of shuffled AUC over draws of as many other fixations as there are fixations."""
    saliency = min_max(prediction.astype(np.float64)).ravel()
    fixated = saliency[fixations.ravel() > 0]
    others = np.flatnonzero(other_fixations.ravel() > 0)
    count = min(len(fixated), len(others))
    return np.mean([roc_area(fixated, saliency[rng.permutation(others)[:count]]) for _ in range(draws)])


def roc_area(fixated, drawn):
    """The area for one draw, by thresholds k·0.1 up to the maximum."""
    thresholds = 0.1 * np.arange(11)
    thresholds = thresholds[thresholds <= max(fixated.max(), drawn.max())][::-1]
    tp = [0, *(np.mean(fixated >= threshold) for threshold in thresholds), 1]
    fp = [0, *(np.mean(drawn >= threshold) for threshold in thresholds), 1]
    return trapezoid(np.array(tp), np.array(fp))


def nss(prediction, fixations):
    saliency = prediction.astype(np.float64)
    saliency = (saliency - saliency.mean()) / saliency.std(ddof=1)
    return saliency[fixations > 0].mean()


def cc(prediction, density):
    return np.corrcoef(prediction.astype(np.float64).ravel(), density.astype(np.float64).ravel())[0, 1]


def sim(prediction, density):
    p = min_max(prediction.astype(np.float64))
    q = min_max(density.astype(np.float64))
    return np.minimum(p / p.sum(), q / q.sum()).sum()


def kld(prediction, density):
    p = prediction / prediction.sum()
    q = density / density.sum()
    return (q * np.log(EPSILON + q / (p + EPSILON))).sum()


def ig(prediction, fixations, baseline):
    p = min_max(prediction.astype(np.float64))
    b = min_max(baseline.astype(np.float64))
    fixated = fixations > 0
    return (np.log2(EPSILON + (p / p.sum())[fixated]) - np.log2(EPSILON + (b / b.sum())[fixated])).mean()


def resize(prediction, size):
    """Bicubic resizing (a = −0.5) by the whole matrix of weights, antialiased, with mirrored borders."""
    height, width = size
    rows, columns = weight_matrix(prediction.shape[0], height), weight_matrix(prediction.shape[1], width)
    return rows @ prediction.astype(np.float64) @ columns.T


def weight_matrix(length, resized):
    scale = resized / length
    shrink = min(scale, 1)
    matrix = np.zeros((resized, length))
    for output in range(resized):
        centre = (output + 0.5) / scale - 0.5
        taps = np.arange(np.floor(centre - 2 / shrink), np.ceil(centre + 2 / shrink) + 1)
        weights = np.array([keys_kernel(shrink * (centre - tap)) for tap in taps])
        weights /= weights.sum()
        mirrored = [*range(length), *reversed(range(length))]
        for tap, weight in zip(taps, weights, strict=True):
            matrix[output, mirrored[int(tap) % (2 * length)]] += weight
    return matrix


def keys_kernel(x):
    x = abs(x)
    if x <= 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    if x <= 2:
        return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return 0.0


def min_max(values):
    return (values - values.min()) / (values.max() - values.min())


def trapezoid(tp, fp):
    return np.sum(np.diff(fp) * (tp[1:] + tp[:-1])) / 2
