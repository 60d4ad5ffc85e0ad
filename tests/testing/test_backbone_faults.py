"""Backbones with one fault each: the conformance suite finds it and says what to do."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from salzoo.interfaces import Backbone, Layer, Preprocessing
from salzoo.testing import ConformanceError, check_backbone


class Join(nn.Module):
    """Upsample, add the link, convolve."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor, link: Tensor) -> Tensor:
        return torch.relu(self.conv(nn.functional.interpolate(x, link.shape[-2:]) + link))


def conv(incoming: int, outgoing: int, stride: int = 1) -> nn.Module:
    return nn.Sequential(nn.Conv2d(incoming, outgoing, 3, stride, 1), nn.ReLU())


class Small(Backbone):
    """Without fault: six layers, the fourth of which is the first of the decoder."""

    def __init__(self, *, width: int = 6) -> None:
        super().__init__(
            self.change(
                [
                    Layer("stem", conv(3, width), width, 1),
                    Layer("down1", conv(width, width, 2), width, 2),
                    Layer("down2", conv(width, width, 2), width, 4),
                    Layer("decode", conv(width, width), width, 4),
                    Layer("up1", Join(width), width, 2, links=(1,)),
                    Layer("up2", Join(width), width, 1, links=(0,)),
                    Layer("map", nn.Sequential(nn.Conv2d(width, 1, 1), nn.Sigmoid()), 1, 1),
                ]
            ),
            landmarks=self.landmarks_there(),
            preprocessing=self.preprocessing_there(),
        )

    def change(self, layers: list[Layer]) -> Sequence[Layer]:
        return layers

    def landmarks_there(self) -> dict[str, int]:
        return {"bottleneck": 3, "output": 6}

    def preprocessing_there(self) -> Preprocessing:
        return Preprocessing((32, 48), std=(64, 64, 64))


def test_a_backbone_without_fault_passes() -> None:
    report = check_backbone(Small, width=4)
    assert len(report.held) == 13
    assert report.findings == ()
    assert {finding.reason for finding in report.passed_over} == {
        "it has no sources",
        "it has no temporal modules of its own",
    }


def placed(**landmarks: int) -> type[Small]:
    class Placed(Small):
        def landmarks_there(self) -> dict[str, int]:
            return landmarks

    return Placed


def changed(index: int, **fields: Any) -> type[Small]:
    """A backbone of which one layer is described or made otherwise."""

    class Changed(Small):
        def change(self, layers: list[Layer]) -> Sequence[Layer]:
            made = {name: value() if name == "module" else value for name, value in fields.items()}
            layers[index] = Layer(**{**vars(layers[index]), **made})
            return layers

    return Changed


def prepared(**fields: Any) -> type[Small]:
    class Prepared(Small):
        def preprocessing_there(self) -> Preprocessing:
            return Preprocessing(**{"size": (32, 48), "std": (64, 64, 64), **fields})

    return Prepared


class OneModuleTwice(Small):
    def change(self, layers: list[Layer]) -> Sequence[Layer]:
        layers.insert(3, layers[2])
        return layers


class ActivationApart(Small):
    """With the ReLU of the decoder's first layer as a layer of its own, at which the landmark stands."""

    def change(self, layers: list[Layer]) -> Sequence[Layer]:
        return [*layers[:4], Layer("relu", nn.ReLU(), 6, 4), *layers[4:]]

    def landmarks_there(self) -> dict[str, int]:
        return {"bottleneck": 4, "output": 7}


class CentredOverTheBatch(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x - 0.5 * x.mean(0, keepdim=True))


class CountsItsCalls(nn.Module):
    calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return torch.relu(x + 0.1 * self.calls)


class AddsNoise(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + 0.1 * torch.randn_like(x))


class ReadsValues(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x / max(1.0, float(x.abs().max()))


class LosesABorder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(6, 6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.conv(x))


class WantsOneSize(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        if x.shape[-2:] != (32, 48):
            raise ValueError("frames must be 32×48")
        return x


class IgnoresItsLink(Join):
    def forward(self, x: Tensor, link: Tensor) -> Tensor:
        return torch.relu(self.conv(nn.functional.interpolate(x, scale_factor=2)))


class HoldsAWeightApart(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.rand(6, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight.to(x)


class HasAnIdleParameter(nn.ReLU):
    def __init__(self) -> None:
        super().__init__()
        self.idle = nn.Parameter(torch.zeros(2))


class MakesTensorsOnTheCpu(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x * torch.linspace(0.5, 1.5, x.shape[-1]))


class RaisesInTraining(nn.ReLU):
    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            raise NotImplementedError("no training yet")
        return super().forward(x)


class TakesItsWidthByPosition(Small):
    def __init__(self, width: int = 6) -> None:
        super().__init__(width=width)


class LinksToNothing(Small):
    def change(self, layers: list[Layer]) -> Sequence[Layer]:
        layers[4] = Layer("up1", Join(6), 6, 2, links=((1, 1),))
        return layers


class OneKeyForTwo(Small):
    def change(self, layers: list[Layer]) -> Sequence[Layer]:
        return [*layers[:5], *(Layer(**{**vars(layer), "key": "up"}) for layer in layers[5:])]


class IgnoresItsSources(Small):
    sources = ("dhf1k", "salicon")


class StaysWithASource(Small):
    sources = ("dhf1k", "salicon")
    scale = 1.0

    def change(self, layers: list[Layer]) -> Sequence[Layer]:
        layers[2].module.register_forward_hook(lambda _module, _inputs, output: output * self.scale)
        return layers

    def select_source(self, source: str | None) -> None:
        self.scale = {"dhf1k": 0.5, "salicon": 2.0}.get(source or "", self.scale)


class DrawsWithNumpy(Small):
    def __init__(self) -> None:
        import numpy as np

        super().__init__()
        with torch.no_grad():
            weight = next(self.parameters())
            weight.copy_(torch.from_numpy(np.random.default_rng().normal(size=weight.shape)))


FAULTS: list[tuple[str, Callable[..., Backbone], str, str]] = [
    ("bottleneck early", placed(bottleneck=2, output=6), "landmarks are where they belong", "not the deepest one, 4"),
    ("bottleneck late", ActivationApart, "landmarks are where they belong", r"its layer \(relu\) has no weights"),
    (
        "bottleneck too late",
        placed(bottleneck=5, output=6),
        "landmarks are where they belong",
        "not the deepest one, 4",
    ),
    ("output early", placed(bottleneck=3, output=5), "landmarks are where they belong", "the last layer's index, 6"),
    ("output late", placed(bottleneck=3, output=7), "landmarks are where they belong", "the last layer's index, 6"),
    ("no output", placed(bottleneck=3), "landmarks are where they belong", "there is no landmark 'output'"),
    ("wrong channels", changed(2, channels=8), "layers have the shapes they state", r"layer 2 \(down2\) states 8"),
    ("wrong stride", changed(1, stride=4), "layers have the shapes they state", r"layer 1 \(down1\) states 6 channels"),
    ("lost border", changed(3, module=LosesABorder), "layers have the shapes they state", r"layer 3 \(decode\)"),
    ("one module twice", OneModuleTwice, "layers have the shapes they state", "each layer needs a module of its own"),
    ("logits", changed(6, module=lambda: nn.Conv2d(6, 1, 1)), "the last layer gives maps", "end with a sigmoid"),
    ("three channels", changed(6, module=lambda: nn.Conv2d(6, 3, 1), channels=3), "the last layer gives maps", "one"),
    ("link not read", changed(4, module=lambda: IgnoresItsLink(6)), "links are read", "does not depend on its link 1"),
    ("one size", changed(0, module=lambda: nn.Sequential(WantsOneSize(), conv(3, 6))), "any size goes in", "32×48"),
    ("reads values", changed(3, module=ReadsValues), "it runs on the meta device", "read no values"),
    ("mixes frames", changed(3, module=CentredOverTheBatch), "frames are independent", "a layer mixes frames"),
    ("keeps a count", changed(3, module=CountsItsCalls), "frames are independent", "or keeps something"),
    ("noise", changed(3, module=AddsNoise), "it is deterministic", "nothing may be drawn at random"),
    ("random at birth", DrawsWithNumpy, "it is deterministic", "draw them with torch's generator"),
    ("in place", changed(3, module=lambda: nn.ReLU(inplace=True)), "nothing is written on", "what enters layer decode"),
    ("idle parameter", changed(3, module=HasAnIdleParameter), "every parameter learns", "parameter 3.idle gets no"),
    ("weight apart", changed(3, module=HoldsAWeightApart), "weights are saved and loaded", "keep what decides them"),
    ("device", changed(3, module=MakesTensorsOnTheCpu), "it runs on the meta device", "make tensors with device=x.de"),
    ("raises in training", changed(3, module=RaisesInTraining), "every parameter learns", "no training yet"),
    ("position", TakesItsWidthByPosition, "it can be made", "'width' must be keyword-only"),
    ("no such link", LinksToNothing, "it can be made", r"layer 4 \(up1\) links to \(1, 1\), which no layer gives"),
    ("one key", OneKeyForTwo, "it can be made", "two layers have the key 'up'"),
    ("landmark", placed(bottleneck=3, output=6, Top=1), "landmarks are where they belong", "name the landmark 'Top'"),
    ("0 to 1", prepared(mean=(0.5, 0.5, 0.4), std=(0.2, 0.2, 0.2)), "preprocessing is sound", "multiply by 255"),
    ("zero deviation", prepared(std=(0, 1, 1)), "preprocessing is sound", "it must be positive"),
    ("means of 0 to 1", prepared(mean=(-0.5, 0, 0)), "preprocessing is sound", "on the scale 0–255"),
    ("width first", prepared(size=(32.0, 48)), "preprocessing is sound", r"it is \(height, width\) in pixels"),
    ("unknown order", prepared(channel_order="grb"), "preprocessing is sound", "channel_order is 'grb'"),
    ("sources ignored", IgnoresItsSources, "sources come and go", "select_source does nothing"),
    ("source kept", StaysWithASource, "sources come and go", "after select_source.* maps differ"),
    ("no backbone", nn.Identity, "it can be made", "not a salzoo.interfaces.Backbone"),  # type: ignore[list-item]
]


@pytest.mark.parametrize(("factory", "check", "message"), [fault[1:] for fault in FAULTS], ids=[f[0] for f in FAULTS])
def test_a_fault_is_found_and_named(factory: Callable[..., Backbone], check: str, message: str) -> None:
    with pytest.raises(ConformanceError, match=rf"FAILED {check}: .*{message}"):
        check_backbone(factory)


@pytest.mark.parametrize(
    "spec", ["salgan:width=0.1", "center-bias", "spectral-residual", "timm:arch=mobilenetv3_small_050,width=16"]
)
def test_the_built_ins_keep_the_contract(spec: str) -> None:
    check_backbone(spec)


@pytest.mark.slow
@pytest.mark.parametrize(
    "spec",
    [
        "timm:arch=test_vit,width=16",
        "timm:arch=swin_tiny_patch4_window7_224,width=16",
        "timm:arch=hrnet_w18_small,width=16",
        "timm-small",
        "timm-large:width=16",
    ],
)
def test_more_built_ins_keep_the_contract(spec: str) -> None:
    check_backbone(spec)
