"""Modules of which each data set has its own."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Source:
    """A data set that the network knows.

    Attributes:
        norm: what the authors' keys call it in batch norms.
        key: in other modules.
        size: (height, width) that its frames are stretched to.
        interval: frames from one that the recurrent layer sees to the next.
    """

    norm: str
    key: str
    size: tuple[int, int]
    interval: int


SOURCES = {
    "dhf1k": Source("DHF1K", "dhf1k", (224, 384), 5),
    "hollywood2": Source("Hollywood", "hollywood", (224, 416), 4),
    "ucfsports": Source("UCFSports", "ucfsports", (256, 384), 4),
    "salicon": Source("SALICON", "salicon", (288, 384), 5),
}


class PerSource(nn.Module):
    """Something that depends on the data set: ``source`` is the one in use."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.asked_for = self.source = source


class Norm(PerSource):
    """A batch norm for each data set."""

    def __init__(self, source: str, channels: int) -> None:
        super().__init__(source)
        for name, each in SOURCES.items():
            momentum = 0.1 if name == "salicon" else 0.01
            self.add_module(f"bn_{each.norm}", nn.BatchNorm2d(channels, momentum=momentum))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.get_submodule(f"bn_{SOURCES[self.source].norm}")(x)
        return y


class Priors(PerSource):
    """Sixteen maps of learned Gaussians, six at most, beside the features; they stretch with the frame."""

    def __init__(self, source: str) -> None:
        super().__init__(source)
        for each in SOURCES.values():
            self.register_parameter(f"coarse_gaussians_{each.key}", nn.Parameter(_first_gaussians()))

    def forward(self, x: Tensor) -> Tensor:
        gaussians = self.get_parameter(f"coarse_gaussians_{SOURCES[self.source].key}")
        rows, columns = (
            torch.exp(
                -0.5
                * (
                    (torch.linspace(0, 1, side, device=x.device, dtype=x.dtype) - along[:, :1]) / along[:, 1:].exp()
                ).square()
            )
            for side, along in zip(x.shape[-2:], (gaussians[:, 0], gaussians[:, 1]), strict=True)
        )
        priors = 6 * rows[:, :, None] * columns[:, None, :]
        return torch.cat([x, priors.expand(len(x), -1, -1, -1)], 1)


class Adaptation(PerSource):
    """From 64 channels to one."""

    def __init__(self, source: str) -> None:
        super().__init__(source)
        for each in SOURCES.values():
            self.add_module(f"adaptation_{each.key}", nn.Sequential(nn.Conv2d(64, 1, 1)))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.get_submodule(f"adaptation_{SOURCES[self.source].key}")(x)
        return y


class Smoothing(PerSource):
    """Eight times the size, then a learned filter of 41×41, a Gaussian at first.

    Both are one convolution of the small map: of the filter's weights those that meet one small pixel are added up
    beforehand, 7×7 sums for each of the 8×8 places in a large one. It costs a 34th, and rounds less.
    """

    def __init__(self, source: str) -> None:
        super().__init__(source)
        bell = torch.exp(-0.5 * ((torch.linspace(0, 1, 41) - 0.5) / torch.tensor(-2.0).exp()).square())
        for each in SOURCES.values():
            conv = nn.Conv2d(1, 1, 41, padding=20, padding_mode="replicate", bias=False)
            with torch.no_grad():
                conv.weight.copy_((bell[:, None] * bell / bell.sum().square())[None, None])
            self.add_module(f"smoothing_{each.key}", conv)

    def forward(self, x: Tensor) -> Tensor:
        weight = self.get_submodule(f"smoothing_{SOURCES[self.source].key}").get_parameter("weight")
        sums = F.avg_pool2d(F.pad(weight, (11,) * 4), 8, 1, divisor_override=1)  # of 8×8 weights from each on, 56×56
        small = sums.view(7, 8, 7, 8).flip(1, 3).permute(1, 3, 0, 2).reshape(64, 1, 7, 7)
        return F.pixel_shuffle(F.conv2d(F.pad(x, (3,) * 4, mode="replicate"), small), 8)


def _first_gaussians() -> Tensor:
    """(16, 2, 2): for each Gaussian, along y and x, its mean in 0…1 and the logarithm of its width."""
    grid = [((y, -1.5), (x, -1.5)) for y in (0.25, 0.5, 0.75) for x in (0.25, 0.5, 0.75)]
    upright = [((0.5, 0.0), (x, -1.5)) for x in (0.25, 0.5, 0.75)]
    lying = [((y, -1.5), (0.5, 0.0)) for y in (0.25, 0.5, 0.75)]
    return torch.tensor([*grid, *upright, *lying, ((0.5, 0.0), (0.5, 0.0))])
