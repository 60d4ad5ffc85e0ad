"""Means of scores and how far to trust them: bootstrap intervals that resample videos.

Frames of one video are not independent of each other, so whole videos are drawn, with replacement. The same number of
videos and seed draw the same, whatever the scores: differences between models are taken within each draw.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
LEVEL = 0.95

FEWEST = 5
"""Videos from which on there is an interval: resampling fewer gives widths that say nothing, down to none for one."""

TOO_FEW = f"– no interval: it is drawn over videos, and fewer than {FEWEST} say nothing of others"
"""What is said beside a dash in an interval's place."""


@dataclass(frozen=True)
class VideoScores:
    """What the mean over a data set needs of each video.

    Attributes:
        totals: (videos, metrics) sum of the scores of the frames where they are defined.
        counts: (videos, metrics) number of those frames.
        mean_of_videos: whether the mean is that of the videos' means; otherwise that over all frames.
    """

    totals: NDArray[np.float64]
    counts: NDArray[np.float64]
    mean_of_videos: bool = False

    @property
    def per_video(self) -> NDArray[np.float64]:
        """(videos, metrics) mean within each video, NaN where no frame has a score."""
        return divide(self.totals, self.counts)

    def mean(self) -> NDArray[np.float64]:
        """(metrics,) mean over the data set."""
        mean: NDArray[np.float64] = self.resampled_means(np.ones((1, len(self.totals))))[0]
        return mean

    @property
    def units(self) -> NDArray[np.intp]:
        """(metrics,) number of videos that have a score."""
        return np.asarray((self.counts > 0).sum(0))

    def weighed(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Totals and counts (videos, metrics), whose sums' ratio is the mean."""
        if not self.mean_of_videos:
            return self.totals, self.counts
        counts = (self.counts > 0).astype(np.float64)
        return np.where(counts > 0, self.per_video, 0), counts

    def resampled_means(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """The mean over each resample, (resamples, metrics), given how often it holds each video."""
        # einsum and not a product of matrices: BLAS sums in another order on another number of threads
        totals, counts = (np.einsum("rv,vm->rm", times, each) for each in self.weighed())
        return divide(totals, counts)


def draw_resamples(videos: int, seed: int = 0) -> NDArray[np.float64]:
    """How often each video is in each of the resamples, (RESAMPLES, videos)."""
    drawn = np.random.default_rng(seed).multinomial(videos, np.full(videos, 1 / videos), size=RESAMPLES)
    return drawn.astype(np.float64)


def interval(values: NDArray[np.float64], units: NDArray[np.intp]) -> NDArray[np.float64]:
    """The central 95 % of resampled values (resamples, metrics) of so many videos (metrics,): (2, metrics), NaN where
    no resample has a value, or fewer than ``FEWEST`` videos stand behind them."""
    bounds = np.full((2, values.shape[1]), np.nan)
    some = ~np.isnan(values).all(0) & (units >= FEWEST)
    if some.any():
        bounds[:, some] = np.nanquantile(values[:, some], [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return bounds


def divide(totals: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Totals over counts, NaN where there is nothing to count."""
    return np.where(counts > 0, totals / np.maximum(counts, 1e-300), np.nan)
