"""UNISAL's recurrent layer: a GRU of separable convolutions, each of whose states sees every fifth or fourth frame."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from salzoo.interfaces import LayerCall, State
from salzoo_unisal.sources import Norm

CHANNELS = 256


class SeparableConv(nn.Module):
    """A depthwise convolution 3×3, batch norm, ReLU6, and a convolution 1×1."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.conv_dw = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, groups=CHANNELS, bias=False)
        self.sep_bn = Norm(source, CHANNELS)
        self.conv_sep = nn.Conv2d(CHANNELS, CHANNELS, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv_sep(F.relu6(self.sep_bn(self.conv_dw(x))))
        return y


class Cell(nn.Module):
    """r = σ(a·N(W_r x) + a·N(U_r h) + b), z likewise, n = tanh(a·N(W x) + r·a·N(U h) + b); h becomes (1 − z)·h + z·n,
    with a batch norm N for each term and data set, and factors a and offsets b by channel."""

    def __init__(self, source: str) -> None:
        super().__init__()
        for gate in ("r", "z", "h"):
            setattr(self, f"b_{gate}", nn.Parameter(torch.zeros(CHANNELS, 1, 1)))
            for of in ("x", "h"):
                setattr(self, f"a_{gate}_{of}", nn.Parameter(torch.ones(CHANNELS, 1, 1)))
                self.add_module(f"norm_{'out' if gate == 'h' else gate}_{of}", Norm(source, CHANNELS))
        for name in ("w_r", "u_r", "w_z", "u_z", "w", "u"):
            self.add_module(name, SeparableConv(source))

    def of_input(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What a frame's input adds to the two gates and the candidate."""
        r, z, n = (self._term(gate, "x", x) for gate in ("r", "z", "h"))
        return r, z, n

    def forward(self, of_input: tuple[Tensor, Tensor, Tensor], h: Tensor, masks: Tensor | None) -> Tensor:
        """The new state. ``masks`` (3, C) are dropout's, of the state that each gate sees."""
        seen = [h] * 3 if masks is None else [h * mask[:, None, None] for mask in masks]
        r = torch.sigmoid(of_input[0] + self._term("r", "h", seen[0]) + self.get_parameter("b_r"))
        z = torch.sigmoid(of_input[1] + self._term("z", "h", seen[1]) + self.get_parameter("b_z"))
        n = torch.tanh(of_input[2] + r * self._term("h", "h", seen[2]) + self.get_parameter("b_h"))
        return torch.lerp(h, n, z)

    def _term(self, gate: str, of: str, x: Tensor) -> Tensor:
        name = "w" if of == "x" else "u"
        conv = self.get_submodule(name if gate == "h" else f"{name}_{gate}")
        norm = self.get_submodule(f"norm_{'out' if gate == 'h' else gate}_{of}")
        term: Tensor = self.get_parameter(f"a_{gate}_{of}") * norm(conv(x))
        return term


class Recurrence(nn.Module):
    """Adds the GRU's memory to a layer's input; stills pass it by.

    There are ``interval`` states, of which each sees every so many frames, in turn: the authors' inference, which cuts
    a video into so many interleaved sequences. A video starts from zeros. In training there is one state: frames are to
    come at that interval, as in the authors' clips (recipe ``unisal``).

    State: the states, the next one first, (B, interval·256, H, W).

    Args:
        source: the data set whose modules are used.
        interval: number of states.
        dropout: probability of dropping a channel of the state that a gate sees, while training; one draw a clip.
    """

    acts_on = "input"

    def __init__(self, source: str, interval: int, dropout: float = 0.2) -> None:
        super().__init__()
        self.cell = Cell(source)
        self.after = nn.Sequential(nn.Conv2d(CHANNELS, CHANNELS, 1, bias=False), Norm(source, CHANNELS), nn.ReLU6())
        self.interval = interval
        self.dropout = dropout

    def extra_repr(self) -> str:
        return f"interval={self.interval}"

    def forward(self, x: Tensor, layer: LayerCall, state: State) -> tuple[Tensor, State]:
        wide = torch.promote_types(x.dtype, torch.float32)
        states = 1 if self.training else self.interval
        if state is None:
            state = x.new_zeros(len(x), states * CHANNELS, *x.shape[-2:], dtype=wide)
        queue = list(state.chunk(states, 1))
        masks = None
        if self.training and self.dropout:
            masks = F.dropout(x.new_ones(3, CHANNELS, dtype=wide), self.dropout)
        terms = [each.unflatten(0, x.shape[:2]).to(wide) for each in self.cell.of_input(x.flatten(0, 1))]
        memories = []
        for frame in range(x.shape[1]):
            h = self.cell((terms[0][:, frame], terms[1][:, frame], terms[2][:, frame]), queue.pop(0), masks)
            queue.append(h.to(wide))
            memories.append(h)
        remembered = torch.stack(memories, 1).to(x.dtype)
        going_on = self.after(remembered.flatten(0, 1)).unflatten(0, x.shape[:2])
        return layer(x + going_on), torch.cat(queue, 1)
