"""Any timm encoder with a light U-Net decoder (Ronneberger et al., "U-Net", arXiv 1505.04597)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from salzoo.backbones.timm_encoder import FINEST_STRIDE, Feature, make_layers, outline, pretrained_layers
from salzoo.interfaces import Backbone, Layer, SalzooError

LEAST_CHANNELS = 16
"""The decoder's channels halve where its resolution doubles, down to this."""


class TimmUNet(Backbone):
    """The frame (0), the layers of a timm encoder, and a decoder with skip links; the last two layers are the score, at
    stride 4 or the encoder's finest, and the map at the frame's size.

    A 1×1 convolution, the neck, brings the encoder's last feature to ``width`` channels; ``bottleneck`` is the
    decoder's layer after it, so a temporal module there runs on ``width`` channels whatever the encoder. The decoder
    normalises each frame by itself, never over a batch. Input: RGB with timm's own mean and deviation; any size (by
    default 192×256), unless the architecture has a fixed one.

    Args:
        arch: a name that timm knows, with or without the tag of its weights ("resnet18", "resnet18.a1_in1k").
        width: channels at the decoder's coarsest resolution.
    """

    def __init__(self, *, arch: str, width: int = 128) -> None:
        if not 1 <= width <= 4096:
            raise SalzooError(f"timm: width must lie in 1..4096, not {width}")
        found = outline(arch)
        layers = [Layer("frame", nn.Identity(), 3, 1, key="frame"), *make_layers(arch)]
        first = len(layers) + 1
        layers += _make_decoder(found.features, width)
        super().__init__(
            layers,
            landmarks={"bottleneck": first, "output": len(layers) - 1},
            preprocessing=found.preprocessing,
        )
        self.arch = arch

    def load_imagenet(self) -> str:
        """Take over pretrained weights of the encoder and say where they came from; the decoder stays as it is.

        They are timm's, from the Hub; those of ``tf_efficientnet_lite0``, ``1`` and ``2`` come from the package that
        carries them (extra ``lite``) where it is installed.
        """
        layers, source = pretrained_layers(self.arch)
        for given in layers:
            self.get_submodule(given.key).load_state_dict(given.module.state_dict())
        return source


def small(*, width: int = 64) -> TimmUNet:
    """MobileNetV3-Small at half width (Howard et al., arXiv 1905.02244): small and fast."""
    return TimmUNet(arch="mobilenetv3_small_050", width=width)


def large(*, width: int = 256) -> TimmUNet:
    """ConvNeXt-Base (Liu et al., arXiv 2201.03545): large, for a GPU."""
    return TimmUNet(arch="convnext_base", width=width)


class Neck(nn.Module):
    """1×1 convolution, normalisation of each frame, ReLU."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 1, bias=False)
        self.norm = nn.GroupNorm(1, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.norm(self.conv(x)))


class Up(nn.Module):
    """Bilinear upsampling to the size of the skip link (twice the size without one), concatenation, 3×3 convolution,
    normalisation of each frame, ReLU."""

    def __init__(self, in_channels: int, skip_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels + skip_channels, out_channels, 3, padding=1, bias=False)
        self.norm = nn.GroupNorm(1, out_channels)

    def forward(self, x: Tensor, *skips: Tensor) -> Tensor:
        height, width = skips[0].shape[-2:] if skips else (2 * x.shape[-2], 2 * x.shape[-1])
        x = torch.cat((_resize(x, height, width), *skips), 1)
        return F.relu(self.norm(self.conv(x)))


class Map(nn.Module):
    """The score at the frame's size, in [0, 1]."""

    def forward(self, score: Tensor, frame: Tensor) -> Tensor:
        return torch.sigmoid(_resize(score, *frame.shape[-2:]))


def _make_decoder(features: Sequence[Feature], width: int) -> list[Layer]:
    """The decoder's layers, from the last feature to the map."""
    *skips, deepest = features
    stride, channels = deepest.stride, width
    layers = [Layer("neck", Neck(deepest.channels, width), width, stride, key="neck")]

    def add(skip: Feature | None) -> None:
        nonlocal stride, channels
        stride = skip.stride if skip else max(1, stride // 2)
        count = min(channels, max(LEAST_CHANNELS, width * stride // deepest.stride))
        module = Up(channels, skip.channels if skip else 0, count)
        links = (skip.source,) if skip else ()
        name = f"decoder{len(layers)}"
        layers.append(Layer(name, module, count, stride, links=links, key=name))
        channels = count

    for skip in reversed(skips):
        add(skip)
    while stride > FINEST_STRIDE + 1 or len(layers) == 1:
        add(None)
    layers.append(Layer("score", nn.Conv2d(channels, 1, 3, padding=1), 1, stride, key="score"))
    layers.append(Layer("map", Map(), 1, 1, links=(0,), key="map"))
    return layers


def _resize(x: Tensor, height: int, width: int) -> Tensor:
    if x.shape[-2:] == (height, width):
        return x
    return F.interpolate(x, (height, width), mode="bilinear", align_corners=False)
