"""TinyHD-S with a quarter of the channels (Hu et al., "TinyHD: efficient video saliency prediction with heterogeneous
decoders using hierarchical maps distillation", WACV 2023, arXiv 2301.04619), the network of ``d123s_rc4_rc1T.pth``.

A MobileNetV2 over windows of 16 frames, and three decoders whose six maps are merged. Inside a layer tensors are (N, C,
T, H, W); between layers channels and time are folded into (N, C·T, H, W).
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from salzoo.interfaces import Backbone, Layer, Preprocessing, Window

WINDOW = 16

# Of each block: channels in, hidden and out, kernel and stride over time, stride over space.
_ENCODER = (
    (4, 24, 6, 3, 1, 2), (6, 36, 6, 3, 1, 1), (6, 36, 8, 3, 2, 2), (8, 48, 8, 3, 1, 1), (8, 48, 8, 3, 1, 1),
    (8, 48, 16, 3, 2, 2), (16, 96, 16, 3, 1, 1), (16, 96, 16, 3, 1, 1), (16, 96, 16, 3, 1, 1), (16, 96, 24, 3, 1, 1),
    (24, 144, 24, 3, 1, 1), (24, 144, 24, 3, 1, 1), (24, 144, 40, 3, 1, 2), (40, 240, 40, 3, 1, 1),
    (40, 240, 40, 3, 1, 1), (40, 240, 80, 3, 1, 1),
)  # fmt: skip
# Of each decoder block: channels in and out, kernel and stride over time.
_DECODERS = (
    (7, 24, 3, 2), (24, 48, 1, 1), (12, 24, 3, 2), (24, 1, 3, 2), (6, 56, 3, 2), (14, 56, 1, 1), (14, 28, 3, 2),
    (28, 1, 1, 1), (34, 56, 3, 2), (14, 56, 1, 1), (14, 56, 1, 1), (14, 1, 1, 1), (130, 136, 3, 2), (34, 136, 1, 1),
    (34, 136, 1, 1), (34, 1, 1, 1), (130, 136, 1, 1), (34, 24, 1, 1), (6, 6, 3, 2), (6, 28, 1, 1), (7, 7, 3, 2),
    (7, 7, 3, 2), (7, 7, 3, 2), (7, 1, 3, 2), (7, 6, 3, 2), (6, 34, 3, 2), (34, 130, 1, 1), (6, 8, 1, 1),
    (34, 32, 1, 1), (130, 128, 3, 2), (7, 2, 3, 2), (6, 8, 3, 2), (34, 32, 3, 2), (2, 2, 3, 2), (8, 8, 3, 2),
    (2, 2, 3, 2), (2, 1, 1, 1),
)  # fmt: skip


def _conv(
    incoming: int, outgoing: int, kernel: tuple[int, int, int] = (1, 1, 1), stride: tuple[int, int, int] = (1, 1, 1),
    groups: int = 1,
) -> nn.Conv3d:  # fmt: skip
    padding = kernel[0] // 2, kernel[1] // 2, kernel[2] // 2
    kind = PointConv if kernel == stride == (1, 1, 1) else nn.Conv3d
    return kind(incoming, outgoing, kernel, stride, padding, groups=groups, bias=False)


class PointConv(nn.Conv3d):
    """A convolution 1×1×1 of stride 1, computed in two dimensions, for which there is faster code on CPUs."""

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        y: Tensor = F.conv2d(input.flatten(2, 3), weight.squeeze(2), bias).unflatten(2, input.shape[2:4])
        return y


def _normed(conv: nn.Conv3d) -> nn.Sequential:
    return nn.Sequential(conv, nn.BatchNorm3d(conv.out_channels), nn.ReLU6())


class Block(nn.Module):
    """MobileNetV2's inverted residual on (N, C, T, H, W): expand (where hidden is larger), convolve each channel,
    project. The input is added where ``adds`` says so."""

    def __init__(
        self, incoming: int, hidden: int, outgoing: int, over_time: int, stride: int, spatial: int, *, adds: bool
    ) -> None:
        super().__init__()
        deep = _conv(hidden, hidden, (over_time, 3, 3), (stride, spatial, spatial), groups=hidden)
        expand = [_normed(_conv(incoming, hidden))] if hidden > incoming else []
        project = [_conv(hidden, outgoing), nn.BatchNorm3d(outgoing)]
        self.conv = nn.Sequential(*expand, _normed(deep), *project)
        self.adds = adds

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x)
        return x + y if self.adds else y


class FoldedBlock(Block):
    """A block as a layer, on (N, C·T, H, W)."""

    def __init__(
        self, frames: int, incoming: int, hidden: int, outgoing: int, over_time: int, stride: int, spatial: int
    ) -> None:
        adds = stride == spatial == 1 and incoming == outgoing
        super().__init__(incoming, hidden, outgoing, over_time, stride, spatial, adds=adds)
        self.frames = frames

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.unflatten(1, (-1, self.frames))).flatten(1, 2)


class Stem(nn.Sequential):
    """The first convolution, on windows as they come: 16 frames behind one another."""

    def __init__(self) -> None:
        super().__init__(*_normed(_conv(3, 8, (3, 3, 3), (2, 2, 2))))

    def forward(self, x: Tensor) -> Tensor:
        return _run(self, x.unflatten(1, (WINDOW, -1)).transpose(1, 2)).flatten(1, 2)


class Head(nn.Sequential):
    """The encoder's last convolution, 80 to 320 channels at 2 time steps."""

    def __init__(self) -> None:
        super().__init__(*_normed(_conv(80, 320)))

    def forward(self, x: Tensor) -> Tensor:
        return _run(self, x.unflatten(1, (-1, 2))).flatten(1, 2)


class Decoders(nn.Module):
    """Six maps (N, 6, H, W) of the encoder's outputs, each after a sigmoid: four of decoder 1, which looks at each
    scale alone, and one each of decoders 2 and 3, which join them."""

    def __init__(self, frames: tuple[int, ...]) -> None:
        super().__init__()
        self.frames = frames
        self.blocks = nn.ModuleList(
            Block(a, 2 * a, b, kernel, stride, 1, adds=False) for a, b, kernel, stride in _DECODERS
        )

    def forward(self, x: Tensor, *links: Tensor) -> Tensor:
        """Args: the output of the encoder's layer 18, and those of 1 to 17."""
        e = [each.unflatten(1, (-1, frames)) for each, frames in zip((*links, x), self.frames[1:], strict=True)]
        x0 = torch.cat([e[0], _shuffle(torch.cat(e[1:3], 1))], 1)
        x1, x2, x3 = (_shuffle(torch.cat(part, 1)) for part in (e[3:6], e[6:13], e[13:18]))
        maps = [*self._each_scale(x0, x1, x2, x3), self._top_down(x0, x1, x2, x3), self._aggregated(x0, x1, x2, x3)]
        return torch.sigmoid(torch.cat(maps, 1).squeeze(2))

    def _each_scale(self, x0: Tensor, x1: Tensor, x2: Tensor, x3: Tensor) -> list[Tensor]:
        n = self.blocks
        return [
            n[3](n[2](_shuffle(n[1](n[0](x0))))),
            n[7](n[6](_shuffle(n[5](_shuffle(n[4](x1)))))),
            n[11](_shuffle(n[10](_shuffle(n[9](_shuffle(n[8](x2))))))),
            n[15](_shuffle(n[14](_shuffle(n[13](_shuffle(n[12](_up(x3)))))))),
        ]

    def _top_down(self, x0: Tensor, x1: Tensor, x2: Tensor, x3: Tensor) -> Tensor:
        n = self.blocks
        a = _shuffle(n[16](x3)) + x2
        b = _shuffle(n[17](a)) + n[18](x1)
        c = _shuffle(n[19](b)) + n[21](n[20](x0))
        y: Tensor = n[23](_up(n[22](c)))
        return y

    def _aggregated(self, x0: Tensor, x1: Tensor, x2: Tensor, x3: Tensor) -> Tensor:
        n = self.blocks
        u0, u1, u2, u3 = _up(x0), _up(x1) + n[24](x0), _up(x2) + n[25](x1), _up(x3) + n[26](x2)
        v0, v1, v2 = _shuffle(n[27](u1)) + n[30](u0), _shuffle(n[28](u2)) + n[31](u1), _shuffle(n[29](u3)) + n[32](u2)
        w0, w1 = _shuffle(v1) + n[33](v0), _shuffle(v2) + n[34](v1)
        y: Tensor = n[36](_shuffle(w1) + n[35](w0))
        return y


def _run(modules: Iterable[nn.Module], x: Tensor) -> Tensor:
    for module in modules:
        x = module(x)
    return x


def _shuffle(x: Tensor) -> Tensor:
    """Pixel shuffle by two, each time step by itself."""
    return F.pixel_shuffle(x.transpose(1, 2), 2).transpose(1, 2)


def _up(x: Tensor) -> Tensor:
    """Twice the size, bilinear with aligned corners, each time step by itself."""
    large = F.interpolate(x.flatten(1, 2), scale_factor=2, mode="bilinear", align_corners=True)
    y: Tensor = large.unflatten(1, x.shape[1:3])
    return y


class TinyHD(Backbone):
    """TinyHD-S, quarter channels: the map of a window's last frame. 513,121 parameters.

    The input is RGB with ImageNet's mean and deviation, resized by PyTorch's bilinear interpolation without
    antialiasing to 192×256. Frames before the first are the first, repeated, as in the authors' code.
    """

    def __init__(self) -> None:
        layers = [Layer("conv0", Stem(), 8 * 8, 2, key="encoder0", temporal=Window(WINDOW))]
        layers.append(Layer("block1", FoldedBlock(8, 8, 8, 4, 3, 1, 1), 4 * 8, 2, key="encoder1"))
        frames, stride = [8, 8], 2
        for number, block in enumerate(_ENCODER, start=2):
            outgoing, spatial = block[2], block[5]
            folded = FoldedBlock(frames[-1], *block)
            frames.append(frames[-1] // block[4])
            stride *= spatial
            layers.append(Layer(f"block{number}", folded, outgoing * frames[-1], stride, key=f"encoder{number}"))
        frames.append(frames[-1])
        layers.append(Layer("conv18", Head(), 320 * 2, 32, key="encoder18"))
        layers.append(Layer("decoders", Decoders(tuple(frames)), 6, 1, links=tuple(range(1, 18)), key="decoders"))
        merge = nn.Sequential(nn.Conv2d(6, 1, 1), nn.Sigmoid())
        layers.append(Layer("merge", merge, 1, 1, key="merge"))
        super().__init__(
            layers,
            landmarks={"bottleneck": 19, "output": 20},
            preprocessing=Preprocessing(
                size=(192, 256),
                channel_order="rgb",
                mean=(0.485 * 255, 0.456 * 255, 0.406 * 255),
                std=(0.229 * 255, 0.224 * 255, 0.225 * 255),
                interpolation="opencv-linear-float",
            ),
        )
