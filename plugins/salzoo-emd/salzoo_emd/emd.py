"""The earth mover's distance between a predicted map and the fixation density (Rubner et al., IJCV 2000)."""

import functools
import math
from typing import Any

import numpy as np
import ot
from numpy.typing import NDArray

from salzoo.interfaces import SalzooError, Truth
from salzoo.metrics import resize_prediction

MOST_STEPS = 10_000_000
"""Steps after which the solver gives up; a map of 240 cells takes some thousand."""

MOST_CELLS = 5000
"""Cells of the largest map that is scored: the distances between all pairs of them must fit in memory (200 MB)."""


class EarthMoversDistance:
    """The least work that turns the prediction into the density, both made to sum to 1: mass times distance.

    As in the MIT benchmark's code (Bylinskii et al.), both maps are first reduced to 1/32 of their size, rounded up,
    with MATLAB's imresize (bicubic, antialiased), and the ground distance is Euclidean, in cells: 1 is the width of
    32 pixels. What the reduction leaves below zero is set to zero. Two things differ: the distance is exact (network
    simplex), and the prediction's histogram is not first matched to the density's.

    Undefined (NaN) for a density without mass, and for a prediction that has none or is not finite.

    Args:
        reduction: pixels a cell is wide and high. Halving it takes the solver many times as long.
    """

    name = "emd"
    requires: tuple[Truth, ...] = ("density",)
    higher_is_better = False
    invariances = ("scale",)
    bounds = (0.0, math.inf)

    def __init__(self, *, reduction: int = 32) -> None:
        if reduction < 1:
            raise SalzooError(f"emd: reduction must be at least 1, not {reduction}")
        self.reduction = reduction

    def __call__(self, prediction: NDArray[Any], *truths: NDArray[Any]) -> NDArray[np.float64]:
        """Score a batch: prediction and density (N, H, W), of any scale, give (N,) distances in cells."""
        (density,) = truths
        return np.array([self._distance(p, q) for p, q in zip(prediction, density, strict=True)], np.float64)

    def _distance(self, prediction: NDArray[Any], density: NDArray[Any]) -> float:
        if not (prediction.any() and density.any() and np.isfinite(prediction).all()):
            return math.nan
        size = (math.ceil(density.shape[0] / self.reduction), math.ceil(density.shape[1] / self.reduction))
        if size[0] * size[1] > MOST_CELLS:
            raise SalzooError(
                f"emd: a map of {density.shape[1]}×{density.shape[0]} has more than {MOST_CELLS} cells at reduction="
                f"{self.reduction}; take a larger one"
            )
        p, q = (
            np.maximum(resize_prediction(map_, size), 0).astype(np.float64).ravel() for map_ in (prediction, density)
        )
        if not (p.any() and q.any()):
            return math.nan
        cost = _cell_distances(*size)[p > 0][:, q > 0]
        p, q = p[p > 0], q[q > 0]
        work, log = ot.emd2(p / p.sum(), q / q.sum(), cost, numItermax=MOST_STEPS, log=True)
        if log["warning"] is not None:
            raise SalzooError(f"emd: no exact distance of maps of {size[0]}×{size[1]} cells ({log['warning']})")
        return max(0.0, float(work))


@functools.lru_cache(maxsize=4)
def _cell_distances(height: int, width: int) -> NDArray[np.float64]:
    """Euclidean distances between the cells of a map, row by row."""
    cells = np.indices((height, width)).reshape(2, -1).T.astype(np.float64)
    distances: NDArray[np.float64] = ot.dist(cells, cells, metric="euclidean")
    return distances


emd = EarthMoversDistance()
