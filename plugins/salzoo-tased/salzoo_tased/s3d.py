"""S3D (Xie et al., "Rethinking spatiotemporal feature learning", ECCV 2018, arXiv 1712.04851), TASED-Net's encoder.

Modules work on (N, C, T, H, W); ``Folded`` makes layers of them, on (N, C·T, H, W).
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Folded(nn.Sequential):
    """Modules on (N, C, T, H, W) as a layer on tensors whose channels and time are folded into one axis."""

    def __init__(self, frames: int, *modules: nn.Module) -> None:
        super().__init__(*modules)
        self.frames = frames

    def forward(self, x: Tensor) -> Tensor:
        return run(self, x.unflatten(1, (-1, self.frames))).flatten(1, 2)


def run(modules: Iterable[nn.Module], x: Tensor) -> Tensor:
    """One module after another."""
    for module in modules:
        x = module(x)
    return x


def norm(channels: int) -> nn.BatchNorm3d:
    return nn.BatchNorm3d(channels, eps=1e-3, momentum=0.001)


class Basic(nn.Module):
    """A convolution 1×1×1, batch norm, ReLU."""

    def __init__(self, incoming: int, outgoing: int) -> None:
        super().__init__()
        self.conv = nn.Conv3d(incoming, outgoing, 1, bias=False)
        self.bn = norm(outgoing)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


class Separable(nn.Module):
    """A convolution over space, then one over time, each with batch norm and ReLU."""

    def __init__(self, incoming: int, outgoing: int, kernel: int, stride: int) -> None:
        super().__init__()
        side = kernel // 2
        self.conv_s = nn.Conv3d(
            incoming, outgoing, (1, kernel, kernel), (1, stride, stride), (0, side, side), bias=False
        )
        self.bn_s = norm(outgoing)
        self.conv_t = nn.Conv3d(outgoing, outgoing, (kernel, 1, 1), (stride, 1, 1), (side, 0, 0), bias=False)
        self.bn_t = norm(outgoing)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn_t(self.conv_t(F.relu(self.bn_s(self.conv_s(x))))))


class Mixed(nn.Module):
    """Four branches on one input, concatenated."""

    def __init__(self, incoming: int, *channels: int) -> None:
        super().__init__()
        a, b, c, d, e, f = channels
        self.branch0 = nn.Sequential(Basic(incoming, a))
        self.branch1 = nn.Sequential(Basic(incoming, b), Separable(b, c, 3, 1))
        self.branch2 = nn.Sequential(Basic(incoming, d), Separable(d, e, 3, 1))
        self.branch3 = nn.Sequential(nn.MaxPool3d(3, 1, 1), Basic(incoming, f))
        self.channels = a + c + e + f

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.branch0(x), self.branch1(x), self.branch2(x), self.branch3(x)], 1)


MIXED = {
    5: (64, 96, 128, 16, 32, 32),
    6: (128, 128, 192, 32, 96, 64),
    8: (192, 96, 208, 16, 48, 64),
    9: (160, 112, 224, 24, 64, 64),
    10: (128, 128, 256, 24, 64, 64),
    11: (112, 144, 288, 32, 64, 64),
    12: (256, 160, 320, 32, 128, 128),
    14: (256, 160, 320, 32, 128, 128),
    15: (384, 192, 384, 48, 128, 128),
}
"""Channels of the mixed layers, by their number in the encoder."""
