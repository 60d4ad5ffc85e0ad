"""What a metric implements."""

from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Truth = Literal["density", "fixations", "other_fixations", "baseline"]


class Metric(Protocol):
    """A score of predicted maps against one or two kinds of truth.

    Attributes:
        name: the key of its column in tables and results ("auc_judd"); parameters that are given follow it.
        requires: the truths passed after the prediction, in this order.
        higher_is_better: the direction in which a model improves.

    What is registered is the metric itself, not its class; the parameters of its class, keyword-only and annotated int,
    float, bool or str, can be set where it is named ("emd:reduction=16").

    A metric may also declare ``invariances``, a tuple of "scale" (the prediction times a positive number), "shift"
    (plus a number) and "order" (any strictly increasing function), and ``bounds``, the least and largest score; the
    conformance suite checks what is declared.
    """

    @property
    def name(self) -> str: ...
    @property
    def requires(self) -> tuple[Truth, ...]: ...
    @property
    def higher_is_better(self) -> bool: ...

    def __call__(self, prediction: NDArray[Any], *truths: NDArray[Any]) -> NDArray[np.float64]:
        """Score a batch: prediction and truths (N, H, W) give (N,) scores, NaN where undefined.

        Prediction and baseline are uint8 or float of any scale; density is uint8 or float, not negative; fixations
        and other fixations are bool. Deterministic: the same input gives the same bits, whatever stands beside it.
        """
