"""The exponential moving average of SalEMA (Linardos et al., BMVC 2019, arXiv 1907.01869)."""

import copy
import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from salzoo.interfaces import LayerCall, SalzooError, State


class EMA(nn.Module):
    """y_t = a·layer(x_t) + (1 − a)·y_{t−1}, and y_0 = layer(x_0) where a video starts.

    State: (y, seen), y (B, C', H', W') and seen (B, 1, 1, 1), 1 once the slot has met a frame. The average is taken in
    float32 (or the layer's own type, if that is wider) under autocast too.

    Args:
        in_channels, out_channels: of the wrapped layer; any.
        alpha: weight a of the new frame, in (0, 1]; where it is learned, its initial value, in (0, 1). 0.1 where
            neither it nor tau is given.
        tau: in place of alpha, the time constant in seconds: a = 1 − exp(−1 / (rate·tau)) on a video of ``rate`` frames
            per second, which ``at_rate`` tells.
        learn: learn a. It is then stored as its logit, in the parameter ``alpha`` of shape (1,).
        dropout: probability of dropping a whole channel of the layer's input, while training.
        residual: add the layer's input, before dropout, to what goes on (it is no part of the state). Input and
            output must have one shape.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        alpha: float = math.nan,
        tau: float = math.nan,
        learn: bool = False,
        dropout: float = 0.0,
        residual: bool = False,
    ) -> None:
        super().__init__()
        self.timed = not math.isnan(tau)
        if self.timed and not (1e-6 <= tau <= 1e6 and math.isnan(alpha) and not learn):
            raise SalzooError("ema: tau, from 1e-6 to 1e6 seconds, stands in place of alpha and learn: leave these out")
        alpha = 0.1 if math.isnan(alpha) else alpha
        if not (0 < alpha < 1 or (alpha == 1 and not learn)):
            raise SalzooError(f"ema: alpha must lie in {'(0, 1)' if learn else '(0, 1]'}, not {alpha}")
        if not 0 <= dropout < 1:
            raise SalzooError(f"ema: dropout must lie in [0, 1), not {dropout}")
        self.tau, self.constant = tau, math.nan if self.timed else alpha
        self.alpha = nn.Parameter(torch.tensor([math.log(alpha / (1 - alpha))])) if learn else None
        self.dropout = dropout
        self.residual = residual
        # Dropout scales what it keeps, so that a map fed through the identity at position L could exceed 1.
        self.acts_on: Literal["input", "output", "both"] = "both" if residual else "input" if dropout else "output"

    @property
    def weight(self) -> Tensor | float:
        """The effective weight a of the new frame: a float, or a tensor of shape (1,) where it is learned. Raises
        SalzooError where it depends on a rate that is not known."""
        if math.isnan(self.constant):
            alpha = f"alpha={self.at_rate(25).constant:.3g} at 25 frames/s"
            raise SalzooError(f"ema: tau needs a video's rate, which is not known here: give alpha instead ({alpha})")
        return self.constant if self.alpha is None else torch.sigmoid(self.alpha)

    def at_rate(self, rate: float) -> "EMA":
        """This average for a video of so many frames per second."""
        told = copy.copy(self)
        told.constant = 1 - math.exp(-1 / (rate * self.tau))
        return told

    def forward(self, x: Tensor, layer: LayerCall, state: State) -> tuple[Tensor, State]:
        dropped = F.dropout2d(x.flatten(0, 1), self.dropout, self.training).view_as(x) if self.dropout else x
        new = layer(dropped)
        filtered, state = self.average(new, state)
        filtered = filtered.to(new.dtype)
        if self.residual:
            if x.shape != new.shape:
                before, after = ("×".join(map(str, tensor.shape[2:])) for tensor in (x, new))
                raise SalzooError(f"residual needs a layer whose input ({before}) and output ({after}) have one shape")
            filtered = filtered + x
        return filtered, state

    def average(self, new: Tensor, state: State) -> tuple[Tensor, State]:
        """Filter a clip (B, T, C, H, W) in at least float32."""
        new = new.to(torch.promote_types(new.dtype, torch.float32))
        alone = state is None and new.shape[1] == 1  # that needs no weight, which may not be known
        weight = 1.0 if alone else self.weight
        if isinstance(weight, Tensor):
            weight = weight.to(new.dtype)
        if state is None:
            averages = [new[:, 0]]
        else:
            last, seen = state  # a slot that has seen nothing takes the frame itself
            averages = [torch.lerp(last, new[:, 0], 1 - seen * (1 - weight))]
        for frame in new.unbind(1)[1:]:
            averages.append(torch.lerp(averages[-1], frame, weight))
        return torch.stack(averages, 1), (averages[-1], new.new_ones((new.shape[0], 1, 1, 1)))
