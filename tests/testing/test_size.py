"""What could not be tried out in the memory there is, is not begun."""

import pytest
import torch
from torch import Tensor, nn

from salzoo import footprint
from salzoo.interfaces import State
from salzoo.testing.backbone import backbone_suite
from salzoo.testing.composing import SmallUNet
from salzoo.testing.temporal import temporal_suite

MADE: list[str] = []


@pytest.fixture(autouse=True)
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(footprint, "available_memory", lambda: 50_000)
    MADE.clear()


def note_device() -> None:
    MADE.append(torch.get_default_device().type)


class Large(SmallUNet):
    def __init__(self) -> None:
        note_device()
        super().__init__()


class LargeModule(nn.Module):
    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        note_device()
        self.weight = nn.Parameter(torch.zeros(100, 100))

    def forward(self, x: Tensor, layer: nn.Module, state: State) -> tuple[Tensor, State]:
        return layer(x), state


def test_a_backbone_is_refused_before_its_weights_are_made() -> None:
    (finding,) = backbone_suite(Large).report().findings
    assert finding.check == "it can be made"
    assert "Large with " in finding.reason
    assert finding.reason.endswith("is free: take a smaller one")
    assert MADE == ["meta"]


def test_a_temporal_module_is_refused_before_its_weights_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    from salzoo.testing import placing

    monkeypatch.setattr(placing, "PLACES", (("a small U-Net", SmallUNet, (3, 7)),))
    (finding,) = temporal_suite(LargeModule).report().findings
    assert "it fits nowhere" in finding.reason
    assert finding.reason.endswith("is free: take a smaller one")
    assert MADE == ["meta", "meta"]
