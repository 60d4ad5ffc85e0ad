"""The exact AUCs against means of the random runs that they stand for."""

import numpy as np
import plain_metrics as plain
import pytest

from salzoo import metrics

SIZE = (24, 32)
JITTERS = 2_000
DRAWS = 20_000
SIGMAS = 4.5


def smooth(rng, size=SIZE):
    y, x = np.mgrid[: size[0], : size[1]]
    map_ = sum(
        np.exp(-((y - v * size[0]) ** 2 + (x - u * size[1]) ** 2) / (2 * s**2))
        for v, u, s in zip(rng.random(4), rng.random(4), rng.uniform(2, 9, 4), strict=True)
    )
    return 255 * map_ / map_.max()


def tied(rng):
    return (smooth(rng) // 64 * 64).astype(np.uint8)


def mostly_zero(rng):
    return np.where(smooth(rng) > 180, smooth(rng), 0.0)


def flat(rng):
    return np.full(SIZE, 7, np.uint8)


def resized(rng):
    return metrics.resize_prediction(np.round(smooth(rng, (9, 14))).astype(np.uint8), SIZE)


def resized_with_ties(rng):
    # Large flat areas: after resizing their pixels differ by rounding errors alone.
    return metrics.resize_prediction(np.repeat(np.repeat(rng.integers(0, 3, (3, 4)) / 3.0, 6, 0), 6, 1), SIZE)


def scatter(rng, count):
    fixations = np.zeros(SIZE, np.uint8)
    fixations.flat[rng.choice(fixations.size, count, replace=False)] = 1
    return fixations


MAPS = [smooth, tied, mostly_zero, resized, resized_with_ties]


@pytest.mark.parametrize("make", [*MAPS, flat])
@pytest.mark.parametrize("count", [1, 12])
def test_auc_judd_is_the_mean_over_jitters(make, count):
    rng = np.random.default_rng(count)
    prediction, fixations = make(rng), scatter(rng, count)
    runs = np.array([plain.auc_judd(prediction, fixations, rng) for _ in range(JITTERS)])
    assert metrics.auc_judd(prediction, fixations) == pytest.approx(runs.mean(), abs=interval(runs))


@pytest.mark.parametrize("make", MAPS)
@pytest.mark.parametrize(("count", "others"), [(1, 9), (12, 40), (12, 12), (12, 5), (12, 1), (1, 1)])
def test_auc_shuffled_is_the_mean_over_draws(make, count, others):
    rng = np.random.default_rng(100 * count + others)
    prediction, fixations, other_fixations = make(rng), scatter(rng, count), scatter(rng, others)
    runs = draws(prediction, fixations, other_fixations, rng)
    assert metrics.auc_shuffled(prediction, fixations, other_fixations) == pytest.approx(
        runs.mean(), abs=interval(runs)
    )


def test_the_plain_draws_are_such_draws():
    rng = np.random.default_rng(0)
    maps = smooth(rng), scatter(rng, 12), scatter(rng, 40)
    runs = draws(*maps, rng)
    mean = plain.auc_shuffled(*maps, rng, draws=400)
    assert mean == pytest.approx(runs.mean(), abs=SIGMAS * runs.std() / np.sqrt(400))


def draws(prediction, fixations, other_fixations, rng):
    """The shuffled AUC of every draw: ``plain.auc_shuffled`` before the mean, all draws at once."""
    saliency = plain.min_max(prediction.astype(np.float64))
    fixated, others = saliency[fixations > 0], saliency[other_fixations > 0]
    count = min(fixated.size, others.size)
    drawn = others[np.argsort(rng.random((DRAWS, others.size)), axis=1)[:, :count]]
    thresholds = (0.1 * np.arange(11))[::-1]
    tp = np.array([0, *((fixated >= threshold).mean() for threshold in thresholds), 1])
    fp = np.stack([np.zeros(DRAWS), *((drawn >= threshold).mean(1) for threshold in thresholds), np.ones(DRAWS)], 1)
    return (np.diff(fp, axis=1) * (tp[1:] + tp[:-1])).sum(1) / 2


def interval(runs):
    """Half the width of the interval about the mean; rounding errors where the runs do not vary."""
    return SIGMAS * runs.std() / np.sqrt(runs.size) + 1e-12
