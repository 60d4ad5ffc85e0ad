"""The convolutional GRU (Ballas et al., "Delving deeper into convolutional networks for learning video
representations", ICLR 2016)."""

from typing import Literal

import torch
from torch import Tensor, nn

from salzoo.interfaces import LayerCall, SalzooError, State


class ConvGRU(nn.Module):
    """A ConvGRU on a layer's input.

    With 3×3 convolutions W of the input x and U of the state h, from h = 0 where a video starts:

        z_t = σ(W_z x_t + U_z h_{t−1}),  r_t = σ(W_r x_t + U_r h_{t−1})
        h_t = (1 − z_t)·h_{t−1} + z_t·tanh(W x_t + U (r_t·h_{t−1}))

    State: h, (B, hidden, H, W), in float32 under autocast too.

    Args:
        in_channels: channels of the layer's input.
        out_channels: of its output; any.
        hidden: channels of the state; 0 for those of the input. Where they differ, a 1×1 convolution of h goes on.
        residual: add the layer's input to what goes on (Droste et al., "Unified image and video saliency modeling",
            ECCV 2020).
    """

    acts_on: Literal["input"] = "input"

    def __init__(self, in_channels: int, out_channels: int, *, hidden: int = 0, residual: bool = False) -> None:
        super().__init__()
        if hidden < 0:
            raise SalzooError(f"convgru: hidden must not be negative ({hidden})")
        hidden = hidden or in_channels
        self.from_input = nn.Conv2d(in_channels, 3 * hidden, 3, padding=1)
        self.gates_from_state = nn.Conv2d(hidden, 2 * hidden, 3, padding=1, bias=False)
        self.candidate_from_state = nn.Conv2d(hidden, hidden, 3, padding=1, bias=False)
        self.project = nn.Identity() if hidden == in_channels else nn.Conv2d(hidden, in_channels, 1)
        self.residual = residual

    def forward(self, x: Tensor, layer: LayerCall, state: State) -> tuple[Tensor, State]:
        # All frames' input goes through in one convolution; only the state has to go step by step.
        from_input = self.from_input(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        h: Tensor | None = state
        states = []
        for each in from_input.unbind(1):
            each = each.to(torch.promote_types(each.dtype, torch.float32))  # rounding would add up over a video
            gates, candidate = each.tensor_split([2 * each.shape[1] // 3], dim=1)
            if h is None:
                h = torch.sigmoid(gates.chunk(2, dim=1)[0]) * torch.tanh(candidate)
            else:
                z, r = torch.sigmoid(gates + self.gates_from_state(h)).chunk(2, dim=1)
                h = torch.lerp(h, torch.tanh(candidate + self.candidate_from_state(r * h)), z)
            states.append(h)
        remembered = torch.stack(states, 1).to(x.dtype)
        going_on = self.project(remembered.flatten(0, 1)).unflatten(0, x.shape[:2])
        return layer(x + going_on if self.residual else going_on), h
