"""The metrics as ``salzoo list metrics`` names them: plain functions with what evaluation must know of each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salzoo.interfaces.metric import Metric, Truth
from salzoo.metrics import auc, distribution, fixation


@dataclass(frozen=True)
class MapMetric:
    """A metric function as a ``salzoo.interfaces.metric.Metric``.

    Attributes:
        name: the key of its column in tables and results.
        function: from prediction and truths (N, H, W) to scores (N,).
        requires: the truths that it takes, in this order.
        higher_is_better: the direction in which a model improves.
        invariances: what leaves scores alone; see ``salzoo.testing.check_metric``.
        bounds: the least and largest score.
    """

    name: str
    function: Callable[..., Any]
    requires: tuple[Truth, ...]
    higher_is_better: bool = True
    invariances: tuple[str, ...] = ()
    bounds: tuple[float, float] | None = None

    def __call__(self, prediction: NDArray[Any], *truths: NDArray[Any]) -> NDArray[np.float64]:
        scores: NDArray[np.float64] = self.function(prediction, *truths)
        return scores


_AFFINE = ("scale", "shift")

auc_judd: Metric = MapMetric("auc_judd", auc.auc_judd, ("fixations",), invariances=_AFFINE, bounds=(0, 1))
auc_shuffled: Metric = MapMetric(
    "auc_shuffled", auc.auc_shuffled, ("fixations", "other_fixations"), invariances=_AFFINE, bounds=(0, 1)
)
auc_borji: Metric = MapMetric("auc_borji", auc.auc_borji, ("fixations",), invariances=_AFFINE, bounds=(0, 1))
nss: Metric = MapMetric("nss", fixation.nss, ("fixations",), invariances=_AFFINE)
cc: Metric = MapMetric("cc", distribution.cc, ("density",), invariances=_AFFINE, bounds=(-1, 1))
sim: Metric = MapMetric("sim", distribution.sim, ("density",), invariances=_AFFINE, bounds=(0, 1))
kld: Metric = MapMetric(
    "kld", distribution.kld, ("density",), higher_is_better=False, invariances=("scale",), bounds=(0, float("inf"))
)
ig: Metric = MapMetric("ig", fixation.ig, ("fixations", "baseline"), invariances=("scale",))
