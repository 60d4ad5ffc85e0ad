"""Whether a difference could be chance: paired permutation tests over videos.

If two models were the same, each video's two scores could as well have been the other way round. The p-value is the
share of such exchanges whose difference is at least as large as that which was found (Fisher, The Design of
Experiments, 1935). Where several models are compared with one, Holm's step-down correction (1979) holds the chance of
any false alarm among them.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from salzoo.evaluation.bootstrap import VideoScores, divide

ALPHA = 0.05
"""p-values below it count as a difference."""

EXACT = 13
"""Videos up to which all exchanges are tried, 8,192; with more, ``DRAWN`` that the seed draws."""

DRAWN, BLOCK = 10_000, 500

TOLERANCE = 1e-12
"""Of the largest score: differences that differ by less are equal."""


def paired_p(ours: VideoScores, theirs: VideoScores, seed: int = 0) -> NDArray[np.float64]:
    """The two-sided p-value by metric that the means of the same videos differ by chance.

    Args:
        ours, theirs: of the same videos and metrics, in one order.
        seed: of the draw.

    Returns:
        (metrics,), NaN where one has no score; at least ``smallest_p``.
    """
    videos = len(ours.totals)
    (mine, my_counts), (other, other_counts) = ours.weighed(), theirs.weighed()
    sums = mine.sum(0), other.sum(0), my_counts.sum(0), other_counts.sum(0)
    moved, moved_counts = mine - other, my_counts - other_counts
    found = np.abs(ours.mean() - theirs.mean())
    least = found - TOLERANCE * np.maximum(np.abs(ours.mean()), np.abs(theirs.mean()))
    reached, tried = np.zeros(len(found)), 0
    for kept in _exchanges(videos, seed):
        gained = np.einsum("rv,vm->rm", kept, moved)
        counted = np.einsum("rv,vm->rm", kept, moved_counts)
        keeping = divide(sums[1] + gained, sums[3] + counted)
        exchanged = divide(sums[0] - gained, sums[2] - counted)
        reached += (np.abs(keeping - exchanged) >= least).sum(0)
        tried += len(kept)
    return np.where(np.isnan(found), np.nan, reached / tried)


def _exchanges(videos: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Which videos keep their scores, a row an exchange, in blocks; the first keeps all: what was found."""
    if videos <= EXACT:
        yield (~np.arange(2**videos)[:, None] >> np.arange(videos) & 1).astype(np.float64)
        return
    rng = np.random.default_rng([seed, videos])
    for start in range(0, DRAWN, BLOCK):
        kept = rng.integers(0, 2, (BLOCK, videos), np.int8).astype(np.float64)
        kept[: start == 0] = 1
        yield kept


def smallest_p(videos: int, comparisons: int = 1) -> float:
    """The smallest p-value that so many videos and comparisons, corrected for, can give: however clear the differences.

    Of all exchanges, two are as extreme as the one in which each video gains: this one, and that in which each loses.

    >>> smallest_p(5, 3), smallest_p(7, 3) < ALPHA
    (0.1875, True)
    """
    return min(1, comparisons * (2 / 2**videos if videos <= EXACT else 1 / DRAWN))


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """p-values of several comparisons (comparisons, …), corrected along the first axis; NaN stays, and counts for none.

    >>> holm(np.array([0.01, 0.04, 0.03])).tolist()
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p, axis=0)  # NaN last
    ranked = np.take_along_axis(p, order, 0)
    left = (~np.isnan(p)).sum(0) - np.arange(len(p)).reshape(-1, *[1] * (p.ndim - 1))
    stepped = np.minimum(np.maximum.accumulate(ranked * np.maximum(left, 1), axis=0), 1)
    corrected = np.empty_like(p)
    np.put_along_axis(corrected, order, stepped, 0)
    return corrected


def p_text(p: float) -> str:
    """A p-value as it is printed: three decimals, "p<0.001" below.

    >>> p_text(0.0321), p_text(0.0002)
    ('p=0.032', 'p<0.001')
    """
    return "p<0.001" if p < 0.001 else f"p={p:.3f}"
