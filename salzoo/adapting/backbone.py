"""A network that is run at one size or several, and few numbers that make one map of its maps and a center bias.

That few numbers for each data set, behind a network that is the same for all, do most of what training anew would is
the finding of DeepGaze MSDB (Kümmerer et al., "Modeling saliency dataset bias", arXiv 2505.10169). Here::

    log p = Σ_s (w_s · log((1 − e) · blur(m_s, σ) + e · c) + v_s · f_s)  +  w_c · log c  +  b · (x, y, x², y², xy)
            +  a constant

m_s are the network's maps of the frame at size s and c is a center bias, each as a density; x and y run from −1 to 1.
The weights w sharpen and flatten, e mixes the center bias in, w_c multiplies by it, b drifts. f_s are features of the
network, at a sixteenth of its size, and v_s leans towards those that people look at: far more numbers, which are held
near 0. A network that has none, or to which they are not worth it, does without.

>>> from salzoo.model import create_model
>>> model = create_model("adapted:of=timm,arch=resnet18,width=16,sizes=2+ema@output")
>>> model.preprocessing.size  # twice that of the network
(384, 512)
"""

import dataclasses
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from salzoo.interfaces import Backbone, Layer, Preprocessing, SalzooError
from salzoo.model import SaliencyModel, create_model
from salzoo.plugins import registry
from salzoo.spec import Component, Spec

SIZES = {1: (1,), 2: (2, 1)}
"""What the frame's height and width are divided by, for a network that is run at its own size, and at twice that too.
(Two thirds of it gave nothing on web pages and roads; three times it 0.016 NSS, at three times the cost.)"""

COARSER = 4
"""The network's own size over that of the grid on which its maps are read."""

FEATURE_STRIDE = 16
"""The features are those that leave the encoder's last layer of this stride at most. (The last layer of gaze-lite's
encoder, of stride 32, was worth half as much to drivers.)"""

FEATURE_CELLS = 4
"""Cells of the grid each way over which features are averaged: they are fitted and read on this coarser grid."""

CENTER = (72, 96)
"""Height and width at which the center bias is held."""

REACH = 12
"""Cells of the grid that the blur reaches each way."""

LEAST = 1e-6
"""The share of a density that is taken to be uniform: no logarithm is infinite."""


def adapted(*, of: str, sizes: int = 1, features: bool = False, **params: bool | int | float | str) -> "Adapted":
    """Another backbone, read out by few numbers.

    Args:
        of: its name; ``params`` are its own.
        sizes: how many it is run at, 1 or 2; at 2 the frame is twice as large as for the network alone.
        features: whether its features are read too.
    """
    if sizes not in SIZES:
        raise SalzooError(f"adapted: sizes must be 1 or 2, not {sizes}")
    name = registry().find("backbones", of).name
    if name == "adapted":
        raise SalzooError("adapted: it is for networks, not for what is adapted already")
    return Adapted(create_model(Spec(Component(name, tuple(sorted(params.items()))))), sizes, features)


class Adapted(Backbone):
    """See the module's text.

    Args:
        network: without temporal modules, its own neither.
        sizes: how many it is run at.
        features: whether its features are read too.
    """

    def __init__(self, network: SaliencyModel, sizes: int, features: bool) -> None:
        given, divisors = network.preprocessing, SIZES[sizes]
        if network.modules_over_time:
            raise SalzooError(f"adapted: {network.spec} has layers that look over time, and is not for this")
        if given.fixed_size is not None and sizes > 1:
            raise SalzooError(f"adapted: {network.spec} runs at one size alone: sizes=1")
        stride = COARSER * own_divisor(sizes)
        position = feature_position(network.backbone) if features else None
        if features and position is None:
            raise SalzooError(f"adapted: {network.spec} has no encoder whose features could be read: features=false")
        channels = 0 if position is None else network.backbone.layers[position].channels
        links = tuple((1, size) for size in range(sizes)) if features else ()
        super().__init__(
            [
                Layer("frame", nn.Identity(), 3, 1, key="frame"),
                Layer("network", AtSizes(network, divisors, stride, position), sizes, stride, key="network"),
                Layer("readout", Readout(sizes, channels), 1, stride, links, key="readout"),
                Layer("map", Peak(), 1, 1, links=(0,), key="map"),
            ],
            landmarks={"output": 3},
            preprocessing=enlarged(given, own_divisor(sizes)),
        )
        self._stride = math.lcm(stride, *(network.backbone.stride * divisor for divisor in divisors))

    @property
    def stride(self) -> int:
        return self._stride

    @property
    def at_sizes(self) -> "AtSizes":
        """The network."""
        found = self.layers[1].module
        assert isinstance(found, AtSizes)
        return found

    @property
    def numbers(self) -> "Readout":
        """The numbers."""
        found = self.layers[2].module
        assert isinstance(found, Readout)
        return found


class AtSizes(nn.Module):
    """Frames (N, 3, H, W) to the network's maps at each size, (N, sizes, H / stride, W / stride) in [0, 1]; and, where
    features are read at a position, these at each size, (N, C, h, w)."""

    def __init__(self, network: SaliencyModel, divisors: tuple[int, ...], stride: int, position: int | None) -> None:
        super().__init__()
        self.network = network
        self.divisors = divisors
        self.stride = stride
        self.position = position

    def forward(self, frames: Tensor) -> Tensor | tuple[Tensor, tuple[Tensor, ...]]:
        height, width = frames.shape[-2:]
        grid = height // self.stride, width // self.stride
        maps, features = [], []
        for divisor in self.divisors:
            shown = F.avg_pool2d(frames, divisor) if divisor > 1 else frames
            map_, inside = read_network(self.network, shown, self.position, grid)
            maps.append(map_)
            if inside is not None:
                features.append(F.adaptive_avg_pool2d(inside, feature_grid(grid)))
        return (torch.cat(maps, 1), tuple(features)) if features else torch.cat(maps, 1)


def read_network(
    network: SaliencyModel, frames: Tensor, position: int | None, grid: tuple[int, int]
) -> tuple[Tensor, Tensor | None]:
    """A network's maps of frames (N, 3, H, W) on a grid, (N, 1, h, w) in [0, 1]; and, where a position is named, what
    leaves it, (N, C, rows, columns)."""
    if position is None:
        output, inside = network(frames.unsqueeze(1))[0].squeeze(1), None
    else:
        output, inside = network.look_inside(frames, position)
    return F.interpolate(network.as_maps(_exact(output)), grid, mode="bilinear", align_corners=False), inside


def _exact(values: Tensor) -> Tensor:
    """In float32 at least: means and logarithms of densities need the digits."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


class Readout(nn.Module):
    """Maps (N, sizes, h, w) in [0, 1], and features of each size, to the logarithm of a density, (N, 1, h, w), less a
    constant.

    Attributes:
        weights: (sizes,) w of each map; the network's own size comes first, and at first alone.
        spread: (1,) logarithm of σ in cells of the grid.
        mixed: (1,) logit of e.
        power: (1,) w_c.
        drift: (5,) b.
        leaning: (sizes, channels) v, at first near 0; none without features.
        center: (1, 1, 72, 96) the center bias, a density; at first uniform. It is measured and not fitted.
    """

    center: Tensor

    def __init__(self, sizes: int, channels: int = 0) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.eye(sizes)[0])
        self.spread = nn.Parameter(torch.full((1,), -1.0))
        self.mixed = nn.Parameter(torch.full((1,), -5.0))
        self.power = nn.Parameter(torch.zeros(1))
        self.drift = nn.Parameter(torch.zeros(5))
        self.leaning = nn.Parameter(1e-3 * torch.randn(sizes, channels)) if channels else None
        self.register_buffer("center", torch.full((1, 1, *CENTER), 1 / (CENTER[0] * CENTER[1])))

    def forward(self, maps: Tensor, *features: Tensor) -> Tensor:
        maps = _exact(maps)
        center = self.center.to(maps.dtype)
        if maps.shape[-2:] != center.shape[-2:]:
            center = F.interpolate(center, maps.shape[-2:], mode="bilinear", align_corners=False)
        center = as_density(center)
        share = torch.sigmoid(self.mixed)
        mixture = (1 - share) * as_density(self.blur(maps)) + share * center
        places = self.places(maps)
        log = (self.weights.view(-1, 1, 1) * mixture.log()).sum(1, keepdim=True) + self.power * center.log()
        log = log + (self.drift.view(-1, 1, 1) * places).sum(0)
        return log + self.lean(features, maps.shape[-2:]).to(log.dtype) if features else log

    def lean(self, features: Sequence[Tensor], grid: Sequence[int]) -> Tensor:
        """What features of each size, (N, channels, h, w), add to the logarithm: (N, 1, *grid)."""
        assert self.leaning is not None
        added = [
            F.interpolate(
                (each.to(weights.dtype) * weights.view(-1, 1, 1)).sum(1, keepdim=True),
                tuple(grid),
                mode="bilinear",
                align_corners=False,
            )
            for each, weights in zip(features, self.leaning, strict=True)
        ]
        return torch.stack(added).sum(0)

    def blur(self, maps: Tensor) -> Tensor:
        """Each map blurred by a Gaussian, its edges repeated."""
        offsets = torch.arange(-REACH, REACH + 1, device=maps.device, dtype=maps.dtype)
        taps = torch.softmax(-0.5 * (offsets * torch.exp(-self.spread)) ** 2, 0).to(maps.dtype)
        # each map by itself: OpenVINO takes minutes to prepare a convolution of groups of this length in bfloat16
        alone = F.pad(maps, (REACH, REACH, REACH, REACH), mode="replicate").flatten(0, 1).unsqueeze(1)
        rows = F.conv2d(alone, taps.view(1, 1, -1, 1))
        return F.conv2d(rows, taps.view(1, 1, 1, -1)).view_as(maps)

    def places(self, maps: Tensor) -> Tensor:
        """x, y, x², y² and xy of each cell: (5, h, w)."""
        height, width = maps.shape[-2:]
        y, x = ((torch.arange(n, device=maps.device, dtype=maps.dtype) * 2 + 1) / n - 1 for n in (height, width))
        y, x = y.view(-1, 1).expand(height, width), x.expand(height, width)
        return torch.stack([x, y, x**2, y**2, x * y])


class Peak(nn.Module):
    """The logarithm of a density as a map of the frame's size with a peak of 1."""

    def forward(self, log: Tensor, frame: Tensor) -> Tensor:
        log = F.interpolate(log, frame.shape[-2:], mode="bilinear", align_corners=False)
        return torch.exp(log - log.amax((-2, -1), keepdim=True))


def feature_position(network: Backbone) -> int | None:
    """The layer whose features are read; None where there is no encoder."""
    layers = network.layers[: network.landmarks.get("bottleneck", 0)]
    return max((i for i, layer in enumerate(layers) if i and layer.stride <= FEATURE_STRIDE), default=None)


def feature_grid(grid: tuple[int, int]) -> tuple[int, int]:
    """Height and width at which features are read, for those of the maps."""
    return max(1, grid[0] // FEATURE_CELLS), max(1, grid[1] // FEATURE_CELLS)


def own_divisor(sizes: int) -> int:
    """What the frame is divided by to the network's own size."""
    return SIZES[sizes][0]


def enlarged(given: Preprocessing, factor: int) -> Preprocessing:
    """A preprocessing whose sizes are so many times as large."""

    def larger(size: tuple[int, int]) -> tuple[int, int]:
        return size[0] * factor, size[1] * factor

    return dataclasses.replace(given, size=larger(given.size), sizes=tuple(map(larger, given.sizes)))


def as_density(maps: Tensor) -> Tensor:
    """Maps (..., h, w) that sum to one, nowhere zero."""
    cells = maps.shape[-2] * maps.shape[-1]
    total = maps.sum((-2, -1), keepdim=True).clamp_min(torch.finfo(maps.dtype).tiny)
    return (1 - LEAST) * maps / total + LEAST / cells
