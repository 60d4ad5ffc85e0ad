"""The map that every observer's habit of looking at the centre draws: the baseline that a model must beat."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from salzoo.interfaces import Backbone, Layer, Preprocessing

GRID = (72, 128)
"""Height and width at which the map is held."""


class CenterBias(Backbone):
    """One layer that answers every frame with the same map, stretched to the frame's size.

    Without weights the map is a Gaussian at the centre with a standard deviation of a quarter of each side.
    ``fit`` replaces it by the mean density of a data set, which is the strongest map that ignores the frame.
    """

    def __init__(self) -> None:
        super().__init__(
            [Layer("map", FixedMap(), channels=1, stride=1)],
            landmarks={"output": 0},
            preprocessing=Preprocessing(size=GRID),
            training_free=True,
        )

    def fit(self, density: Tensor) -> None:
        """Answer with this density map from now on: (H, W), any non-negative scale, scaled to a maximum of 1."""
        map_ = F.interpolate(density[None, None].float(), GRID, mode="bilinear", antialias=True)
        fixed_map = self.layers[0].module
        assert isinstance(fixed_map, FixedMap)
        fixed_map.density.copy_(map_ / map_.max().clamp_min(torch.finfo(map_.dtype).tiny))


class FixedMap(nn.Module):
    """Frames (N, C, H, W) to N copies (N, 1, H, W) of the map it holds."""

    density: Tensor

    def __init__(self) -> None:
        super().__init__()
        y, x = (torch.linspace(-1 + 1 / size, 1 - 1 / size, size) for size in GRID)  # half-frames from the centre
        self.register_buffer("density", torch.exp(-2 * (y[:, None] ** 2 + x**2))[None, None])

    def forward(self, frames: Tensor) -> Tensor:
        size = frames.shape[-2:]
        map_ = self.density if size == GRID else F.interpolate(self.density, size, mode="bilinear", antialias=True)
        return map_.to(frames.dtype).expand(len(frames), -1, -1, -1).clone()
