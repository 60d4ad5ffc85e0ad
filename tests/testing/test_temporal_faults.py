"""Temporal modules with one fault each: the conformance suite finds it and says what to do."""

from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn

from salzoo.interfaces import LayerCall, SalzooError, State
from salzoo.testing import ConformanceError, check_temporal


class Memory(nn.Module):
    """Without fault: m_t = decay·m_{t−1} + (1 − decay)·x_t is added to the layer's input, weighted; m_{−1} = 0."""

    acts_on = "input"

    def __init__(self, in_channels: int, out_channels: int, *, decay: float = 0.5) -> None:
        super().__init__()
        self.decay = decay
        self.weight = nn.Parameter(torch.ones(in_channels, 1, 1))

    def remember(self, x: Tensor, state: State) -> tuple[Tensor, Tensor]:
        x = x.to(torch.promote_types(x.dtype, torch.float32))
        memory = torch.zeros_like(x[:, 0]) if state is None else state
        memories = []
        for frame in x.unbind(1):
            memory = self.decay * memory + (1 - self.decay) * frame
            memories.append(memory)
        return torch.stack(memories, 1), memory

    def forward(self, x: Tensor, layer: LayerCall, state: State) -> tuple[Tensor, State]:
        memories, state = self.remember(x, state)
        return layer(x + (self.weight * memories).to(x.dtype)), state


def test_a_module_without_fault_passes() -> None:
    report = check_temporal(Memory, decay=0.3)
    assert len(report.held) == 16
    assert report.findings == report.passed_over == ()


class PeeksAtTheNextFrame(Memory):
    def forward(self, x: Tensor, layer: LayerCall, state: State) -> tuple[Tensor, State]:
        memories, state = self.remember(x, state)
        return layer(x + self.weight * torch.cat([memories[:, 1:], memories[:, -1:]], 1).to(x.dtype)), state


class CentresOverTheClip(Memory):
    def forward(self, x: Tensor, layer: LayerCall, state: State) -> tuple[Tensor, State]:
        return super().forward(x - x.mean(1, keepdim=True), layer, state)


class KeepsStateOnItself(Memory):
    kept: State = None

    def forward(self, x: Tensor, layer: LayerCall, state: State) -> tuple[Tensor, State]:
        if self.kept is not None and self.kept.shape != x[:, 0].shape:
            self.kept = None
        y, self.kept = super().forward(x, layer, self.kept)
        return y, None


class KeepsAStatisticInABuffer(Memory):
    level: Tensor

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels)
        self.register_buffer("level", torch.zeros(()))

    def forward(self, x: Tensor, layer: LayerCall, state: State) -> tuple[Tensor, State]:
        if self.training:
            self.level = 0.9 * self.level + 0.1 * x.detach().mean()
        return super().forward(x - self.level, layer, state)


class MixesBatchItems(Memory):
    def forward(self, x: Tensor, layer: LayerCall, state: State) -> tuple[Tensor, State]:
        return super().forward(x - 0.5 * x.mean(0, keepdim=True), layer, state)


class NormalisesOverTheBatch(Memory):
    def forward(self, x: Tensor, layer: LayerCall, state: State) -> tuple[Tensor, State]:
        frames = nn.functional.batch_norm(x.flatten(0, 1), None, None, training=True)
        return super().forward(frames.view_as(x), layer, state)


class IgnoresState(Memory):
    def forward(self, x: Tensor, layer: LayerCall, state: State) -> tuple[Tensor, State]:
        return super().forward(x, layer, None)


class StartsFromTheFirstFrame(Memory):
    """Like an EMA without its flag: None starts with the frame itself, zeros start from zero."""

    def remember(self, x: Tensor, state: State) -> tuple[Tensor, Tensor]:
        x = x.to(torch.promote_types(x.dtype, torch.float32))
        return super().remember(x, x[:, 0] if state is None else state)


class StateWithTimeFirst(Memory):
    def forward(self, x: Tensor, layer: LayerCall, state: State) -> tuple[Tensor, State]:
        y, state = super().forward(x, layer, None if state is None else state[0])
        return y, state.unsqueeze(0)


class StateInADictionary(Memory):
    def forward(self, x: Tensor, layer: LayerCall, state: State) -> tuple[Tensor, State]:
        y, state = super().forward(x, layer, None if state is None else state["memory"])
        return y, {"memory": state}


class StateInHalfPrecision(Memory):
    def remember(self, x: Tensor, state: State) -> tuple[Tensor, Tensor]:
        memory = torch.zeros_like(x[:, 0]) if state is None else state
        memories = []
        for frame in x.unbind(1):
            memory = self.decay * memory + (1 - self.decay) * frame
            memories.append(memory)
        return torch.stack(memories, 1), memory


class MakesTensorsOnTheCpu(Memory):
    def remember(self, x: Tensor, state: State) -> tuple[Tensor, Tensor]:
        return super().remember(x, torch.zeros(x[:, 0].shape, dtype=x.dtype) if state is None else state)


class DetachesWhatGoesOn(Memory):
    def forward(self, x: Tensor, layer: LayerCall, state: State) -> tuple[Tensor, State]:
        return super().forward(x.detach(), layer, state)


class ParameterWithoutUse(Memory):
    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels)
        self.unused = nn.Parameter(torch.ones(3))


class WeightOutsideTheStateDict(Memory):
    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels)
        self.hidden_weight = torch.randn(1)

    def forward(self, x: Tensor, layer: LayerCall, state: State) -> tuple[Tensor, State]:
        return super().forward(x * self.hidden_weight.to(x), layer, state)


class DropsOutInEvaluation(Memory):
    def forward(self, x: Tensor, layer: LayerCall, state: State) -> tuple[Tensor, State]:
        return super().forward(nn.functional.dropout(x, 0.5), layer, state)


class WritesOnItsInput(Memory):
    def forward(self, x: Tensor, layer: LayerCall, state: State) -> tuple[Tensor, State]:
        with torch.no_grad():
            x += 0.01
        return super().forward(x, layer, state)


class WritesOnItsState(Memory):
    def remember(self, x: Tensor, state: State) -> tuple[Tensor, Tensor]:
        memories, memory = super().remember(x, state)
        if state is not None:
            state.zero_()
        return memories, memory


class LeavesTheUnitRange(Memory):
    acts_on = "output"

    def forward(self, x: Tensor, layer: LayerCall, state: State) -> tuple[Tensor, State]:
        y = layer(x)
        return 1.5 * y, state


class CallsTheLayerFrameByFrame(Memory):
    def forward(self, x: Tensor, layer: LayerCall, state: State) -> tuple[Tensor, State]:
        memories, state = self.remember(x, state)
        return torch.cat([layer(frame) for frame in (x + memories.to(x)).split(1, 1)], 1), state


class CallsTheLayerTwice(Memory):
    def forward(self, x: Tensor, layer: LayerCall, state: State) -> tuple[Tensor, State]:
        memories, state = self.remember(x, state)
        return layer(x) + layer(memories.to(x)), state


class FixedSize(Memory):
    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels)
        self.place = nn.Parameter(torch.ones(32, 48))

    def forward(self, x: Tensor, layer: LayerCall, state: State) -> tuple[Tensor, State]:
        if x.shape[-1] == 48:
            x = x * self.place
        elif x.shape[-1] > 48:
            raise ValueError("frames must be 32×48")
        return super().forward(x, layer, state)


class ParameterWithoutType(Memory):
    def __init__(self, in_channels: int, out_channels: int, *, decay=0.5) -> None:  # type: ignore[no-untyped-def]
        super().__init__(in_channels, out_channels, decay=decay)


class StateAfterTheFirstFrame(Memory):
    def remember(self, x: Tensor, state: State) -> tuple[Tensor, Tensor]:
        memories, _ = super().remember(x, state)
        return memories, memories[:, 0]


class IgnoresStateOfLongerClips(Memory):
    def forward(self, x: Tensor, layer: LayerCall, state: State) -> tuple[Tensor, State]:
        return super().forward(x, layer, state if x.shape[1] == 1 else None)


class ShorterWindowInItsState(Memory):
    """The mean of all frames of a clip so far, but of no more than eight of those before it."""

    def forward(self, x: Tensor, layer: LayerCall, state: State) -> tuple[Tensor, State]:
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        before = wide.new_zeros(len(x), 8, *x.shape[2:]) if state is None else state
        seen = torch.cat([before, wide], 1)
        memories = seen.cumsum(1)[:, 8:] / 8
        return layer(x + (self.weight * memories).to(x)), seen[:, -8:]


class StateThatGrows(Memory):
    def forward(self, x: Tensor, layer: LayerCall, state: State) -> tuple[Tensor, State]:
        memory, kept = (None, None) if state is None else state
        y, memory = super().forward(x, layer, memory)
        kept = x.float()[:, :, :1, :1, :1] if kept is None else torch.cat([kept, x.float()[:, :, :1, :1, :1]], 1)
        return y, (memory, kept)


class GrowsWithoutEnd(Memory):
    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, decay=1e30)


class KeepsStateInTraining(Memory):
    kept: State = None

    def forward(self, x: Tensor, layer: LayerCall, state: State) -> tuple[Tensor, State]:
        if self.training and self.kept is not None and self.kept.shape == x.shape:
            x = x + self.kept
        self.kept = x.detach() if self.training else None
        return super().forward(x, layer, state)


class Pair(NamedTuple):
    memory: Tensor
    seen: Tensor


class StateInANamedTuple(Memory):
    def forward(self, x: Tensor, layer: LayerCall, state: State) -> tuple[Tensor, State]:
        y, state = super().forward(x, layer, None if state is None else state[0])
        return y, Pair(state, torch.ones_like(state))


class ActsOnNothingKnown(Memory):
    acts_on = "outputs"


class PositionalParameter(Memory):
    def __init__(self, in_channels: int, out_channels: int, decay: float = 0.5) -> None:
        super().__init__(in_channels, out_channels, decay=decay)


class ForgetsItsState(Memory):
    def forward(self, x: Tensor, layer: LayerCall, state: State) -> Any:
        return super().forward(x, layer, state)[0]


class FitsNowhere(Memory):
    def __init__(self, in_channels: int, out_channels: int) -> None:
        raise SalzooError("it needs 7 channels")


class Raises(Memory):
    def forward(self, x: Tensor, layer: LayerCall, state: State) -> tuple[Tensor, State]:
        raise KeyError("lost")


FAULTS: list[tuple[type[Memory], str, str]] = [
    (PeeksAtTheNextFrame, "no frame depends on later ones", "a module looks at future frames"),
    (CentresOverTheClip, "no frame depends on later ones", "a module looks at future frames"),
    (KeepsStateOnItself, "nothing is kept on the module", "state is kept on the instance"),
    (KeepsAStatisticInABuffer, "nothing is kept on the module", "running a clip changed .*level"),
    (MixesBatchItems, "videos of a batch are independent", "batch items are mixed"),
    (NormalisesOverTheBatch, "videos of a batch are independent", "batch items are mixed"),
    (IgnoresState, "a clip equals its frames streamed", "`state` is ignored"),
    (StartsFromTheFirstFrame, "the first frame starts from nothing", "zeros as state differ from None"),
    (StateWithTimeFirst, "state is tensors with the batch first", "the batch comes first"),
    (StateInADictionary, "state is tensors with the batch first", "it may hold tuples and tensors"),
    (StateInHalfPrecision, "state stays float32 under autocast", "a state tensor is torch.bfloat16 under autocast"),
    (MakesTensorsOnTheCpu, "state follows the device", "make new tensors with x.new_zeros"),
    (DetachesWhatGoesOn, "gradients reach the layers below", "no gradient reaches the frames"),
    (ParameterWithoutUse, "every parameter learns", "parameters without gradient from 20 frames: unused;"),
    (WeightOutsideTheStateDict, "weights are saved and loaded", "must be a parameter, a buffer"),
    (DropsOutInEvaluation, "evaluation is deterministic", "nothing may be drawn at random"),
    (WritesOnItsInput, "what enters is left as it is", "it writes on its input"),
    (WritesOnItsState, "what enters is left as it is", "it writes on the state"),
    (LeavesTheUnitRange, "maps have the clips size and range", "declare acts_on truthfully"),
    (CallsTheLayerFrameByFrame, "it can be made", r"called its layer on \(1, 1\) of \(1, 2\) frames"),
    (CallsTheLayerTwice, "it can be made", "called its layer 2 times, not once"),
    (FixedSize, "maps have the clips size and range", "frames must be 32×48"),
    (ParameterWithoutType, "it can be made", "'decay' must be annotated"),
    (StateAfterTheFirstFrame, "a clip equals its frames streamed", "the state must carry all"),
    (IgnoresStateOfLongerClips, "a clip equals its frames streamed", r"the same in clips of \[2, 3\]"),
    (ShorterWindowInItsState, "long videos stream", "a window must be as long within a clip as it is in the state"),
    (StateThatGrows, "long videos stream", "it must not grow"),
    (GrowsWithoutEnd, "long videos stream", "20 frames give maps that are not finite"),
    (KeepsStateInTraining, "nothing is kept on the module", "in training, the same clip gives other maps"),
    (StateInANamedTuple, "state is tensors with the batch first", "the state holds a Pair"),
    (ActsOnNothingKnown, "it can be made", "acts_on is 'outputs'; it must be"),
    (PositionalParameter, "it can be made", "'decay' must be keyword-only"),
    (ForgetsItsState, "it can be made", "must return the clip and the state"),
    (FitsNowhere, "it can be made", "it fits nowhere.*it needs 7 channels"),
    (
        Raises,
        "it can be made",
        "at position 30 .*, with 26 channels in and 26 out, it raised KeyError: there is no 'lost'",
    ),
]


@pytest.mark.parametrize(("fault", "check", "message"), FAULTS, ids=[fault.__name__ for fault, _, _ in FAULTS])
def test_a_fault_is_found_and_named(fault: type[Memory], check: str, message: str) -> None:
    with pytest.raises(ConformanceError, match=rf"FAILED {check}: .*{message}") as caught:
        check_temporal(fault)
    assert str(caught.value).startswith(f"temporal module {fault.__name__}: ")


def test_what_is_no_module_is_a_finding() -> None:
    def number(in_channels: int, out_channels: int) -> Any:
        return 3

    with pytest.raises(ConformanceError, match="FAILED it can be made: "):
        check_temporal(number)
