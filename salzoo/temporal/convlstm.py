"""The convolutional LSTM of SalCLSTM (arXiv 1907.01869) and VideoSalGAN (Linardos et al., 2018)."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from salzoo.interfaces import LayerCall, SalzooError, State

MOST_CHANNELS = 2**20
"""More channels than any network has; torch counts in 64 bits, which products of larger numbers leave."""


class ConvLSTM(nn.Module):
    """A ConvLSTM on a layer's input, without peepholes; its cell, not its hidden state, goes on to the layer.

    One 3×3 convolution over [x, h] gives the gates in the order input, forget, output, cell:
    c_t = σ(f)·c_{t−1} + σ(i)·tanh(g), h_t = σ(o)·tanh(c_t), from zeros where a video starts.

    State: (h, c), each (B, hidden, H, W), in float32 under autocast too.

    Args:
        in_channels: channels of the layer's input.
        out_channels: of its output; any.
        hidden: channels of the cell; 0 for those of the input.
        residual: add the layer's input to what goes on to the layer.
        project: a 1×1 convolution of the cell to this many channels; 0 for none. What goes on must have the channels
            that the layer takes.
    """

    acts_on: Literal["input"] = "input"

    def __init__(
        self, in_channels: int, out_channels: int, *, hidden: int = 0, residual: bool = False, project: int = 0
    ) -> None:
        super().__init__()
        if not (0 <= hidden <= MOST_CHANNELS and 0 <= project <= MOST_CHANNELS):
            raise SalzooError(f"convlstm: hidden and project must lie in 0..{MOST_CHANNELS}, not {hidden}, {project}")
        self.hidden = hidden or in_channels
        outgoing = project or self.hidden
        if outgoing != in_channels:
            raise SalzooError(
                f"convlstm: the layer takes {in_channels} channels, not {outgoing}: add project={in_channels}"
            )
        self.in_channels = in_channels
        self.residual = residual
        self.gates = nn.Conv2d(in_channels + self.hidden, 4 * self.hidden, 3, padding=1)
        if not self.gates.weight.is_meta:  # there, making random numbers would import the compiler, 1.3 s
            nn.init.xavier_normal_(self.gates.weight)
        nn.init.zeros_(self.gates.bias)  # type: ignore[arg-type]
        self.project = nn.Conv2d(self.hidden, project, 1) if project else None

    def forward(self, x: Tensor, layer: LayerCall, state: State) -> tuple[Tensor, State]:
        batch, frames = x.shape[:2]
        weight_x, weight_h = self.gates.weight.split([self.in_channels, self.hidden], dim=1)
        # All frames' input goes through in one convolution; only the hidden state has to go step by step.
        from_input = F.conv2d(x.flatten(0, 1), weight_x, self.gates.bias, padding=1).unflatten(0, (batch, frames))
        h, c = (None, None) if state is None else state
        cells = []
        for gates in from_input.unbind(1):
            if h is not None:
                gates = gates + F.conv2d(h, weight_h, padding=1)
            i, f, o, g = gates.to(torch.promote_types(gates.dtype, torch.float32)).chunk(4, dim=1)
            c = torch.sigmoid(i) * torch.tanh(g) + (0 if c is None else torch.sigmoid(f) * c)
            h = torch.sigmoid(o) * torch.tanh(c)
            cells.append(c)
        outgoing = torch.stack(cells, 1).to(x.dtype)
        if self.project is not None:
            outgoing = self.project(outgoing.flatten(0, 1)).unflatten(0, (batch, frames))
        if self.residual:
            outgoing = outgoing + x
        return layer(outgoing), (h, c)
