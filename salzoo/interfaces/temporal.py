"""What a temporal module implements, and the one place where its state is handled."""

from collections.abc import Callable
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn

State = Any
"""A tensor, or a (nested) plain tuple of tensors, each with the batch first and of one shape however long the video.
None, or all zeros, means that the video starts here."""

LayerCall = Callable[[Tensor], Tensor]
"""The wrapped layer on clips: (B, T, C, H, W) to (B, T, C', H', W'), frame by frame."""


class TemporalModule(Protocol):
    """A torch module that wraps one layer of a backbone over time.

    A factory registered as a temporal module, ``temporal(in_channels, out_channels, *, **params)``, returns one; the
    channels are those that enter and leave the wrapped layer. At position L, after the last layer, the identity is
    wrapped.

    Attributes:
        acts_on: what it changes: what goes into the layer ("input"), what comes out of it ("output"), or "both". It
            tells whether the maps can leave [0, 1], where the model then ends with a sigmoid: at position L unless a
            module acts on the output alone (whose result must lie between values the layer gave), at L−1 where it acts
            on both. A module without the attribute counts as "both".
        always: of a network's own module (``Layer.temporal``): whether it is needed for still images too, each a video
            of its own, because the layer cannot do without. One that says nothing is left out for stills.
        length: of a network's own module, where it looks through a window of frames: how many, the frame's own among
            them. The conformance suite checks it.

    A module may also have ``prime(x, state) -> state``: the state after a clip, where what goes on to the layer is not
    wanted.

    A spec's module whose constants are in seconds says that it is ``timed``, and has ``at_rate(rate)``: its copy for a
    video of so many frames per second. Itself it runs on a video's first frame alone, and else raises SalzooError.
    """

    acts_on: Literal["input", "output", "both"]

    def __call__(self, x: Tensor, layer: LayerCall, state: State) -> tuple[Tensor, State]:
        """Run over a clip.

        Args:
            x: what enters the layer, (B, T, C, H, W).
            layer: the layer; call it exactly once, with all T frames.
            state: what the previous clip returned, or None where videos start. Keep no state on the module.

        Returns:
            The clip (B, T, C', H', W') that goes on to the next layer, and the state after frame T. Frame t must not
            depend on later frames, nor one video of the batch on another. State stays float32 under autocast: widen
            what goes into it with ``x.to(torch.promote_types(x.dtype, torch.float32))``.

        Raises:
            SalzooError: the module does not fit where it stands; so may its factory.
        """


class Window(nn.Module):
    """Gives the layer, for each frame, the last frames up to it, one behind the other in the channels: (N, length·C, H,
    W), oldest first. Before a video's start its first frame is repeated.

    The layer takes length times the channels of the chain, and unfolds what it convolves over time:
    ``x.unflatten(1, (length, -1)).transpose(1, 2)`` is (N, C, length, H, W).

    State: the last length − 1 frames, (B, (length − 1)·C, H, W), and a flag (B, 1, 1, 1) that is 1 once there are any.

    Args:
        length: frames of a window, from 2.
    """

    acts_on: Literal["input"] = "input"
    always = True

    def __init__(self, length: int) -> None:
        super().__init__()
        if length < 2:
            raise ValueError(f"a window has at least 2 frames, not {length}")
        self.length = length

    def extra_repr(self) -> str:
        return str(self.length)

    def forward(self, x: Tensor, layer: LayerCall, state: State) -> tuple[Tensor, State]:
        frames = self._behind_what_was(x, state)
        windows = torch.stack([frames[:, t : t + self.length] for t in range(x.shape[1])], 1)
        return layer(windows.flatten(2, 3)), self._keep(frames)

    def prime(self, x: Tensor, state: State) -> State:
        """The state after a clip; the layer is not run."""
        return self._keep(self._behind_what_was(x, state))

    def _behind_what_was(self, x: Tensor, state: State) -> Tensor:
        """The frames that windows of this clip show: length − 1 before it, and its own."""
        before = x[:, :1].expand(-1, self.length - 1, -1, -1, -1)
        if state is not None:
            kept, seen = state
            kept = kept.unflatten(1, (self.length - 1, x.shape[2])).to(x.dtype)
            before = torch.where(seen.unsqueeze(-1) > 0, kept, before)
        return torch.cat([before, x], 1)

    def _keep(self, frames: Tensor) -> State:
        last = frames[:, frames.shape[1] - self.length + 1 :].flatten(1, 2)
        last = last.to(torch.promote_types(last.dtype, torch.float32))
        return last, last.new_ones(len(last), 1, 1, 1)


def map_state(function: Callable[[Tensor], Tensor], state: State) -> State:
    """Apply a function to every tensor of a state (None stays None): ``map_state(Tensor.detach, state)``."""
    if state is None:
        return None
    if isinstance(state, Tensor):
        return function(state)
    if not isinstance(state, tuple):
        raise TypeError(f"a state holds tuples and tensors, not a {type(state).__name__}")
    return tuple(map_state(function, item) for item in state)


def state_tensors(state: State) -> list[Tensor]:
    """Every tensor of a state, in its order."""
    found: list[Tensor] = []

    def keep(tensor: Tensor) -> Tensor:
        found.append(tensor)
        return tensor

    map_state(keep, state)
    return found


def reset_slots(state: State, starts: Tensor) -> State:
    """Zero the state of those videos of a batch that start anew.

    Args:
        state: any state.
        starts: (B,) bool, true for the slots to reset.
    """

    def reset(tensor: Tensor) -> Tensor:
        mask = starts.to(tensor.device).view(-1, *[1] * (tensor.dim() - 1))
        return torch.where(mask, torch.zeros((), dtype=tensor.dtype, device=tensor.device), tensor)

    return map_state(reset, state)
