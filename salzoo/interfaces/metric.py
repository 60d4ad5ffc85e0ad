"""What a metric implements."""

from typing import Literal, Protocol

import torch

Truth = Literal["density", "fixations", "other_fixations", "baseline"]


class Metric(Protocol):
    """A score of predicted maps against one or two kinds of truth.

    Attributes:
        name: the key of its column in tables and results ("auc_judd").
        requires: the truths passed after the prediction, in this order.
        higher_is_better: the direction in which a model improves.
    """

    name: str
    requires: tuple[Truth, ...]
    higher_is_better: bool

    def __call__(self, prediction: torch.Tensor, *truths: torch.Tensor) -> torch.Tensor:
        """Score a batch: prediction and truths (N, H, W) give (N,) float64 scores, NaN where undefined.

        Deterministic: the same input gives the same bits, whatever stands beside it in the batch.
        """
