"""TASED-Net (Min & Corso, "TASED-Net: temporally-aggregating spatial encoder-decoder network for video saliency
detection", ICCV 2019, arXiv 1908.05786), as its authors updated it (``TASED_updated.pt``)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from salzoo.interfaces import Backbone, Layer, Preprocessing, SalzooError, Window
from salzoo_tased.s3d import MIXED, Basic, Folded, Mixed, Separable, norm, run

WINDOW = 32


class Stem(nn.Sequential):
    """The encoder's first convolutions, on windows as they come: 32 frames behind one another."""

    def forward(self, x: Tensor) -> Tensor:
        return run(self, x.unflatten(1, (WINDOW, -1)).transpose(1, 2)).flatten(1, 2)


class Noting(Folded):
    """A layer that also says where maxima lie: its output is pooled over time by four, and of the pool 3×3 of stride 2
    that would follow the positions are the side output (N, C·T/4, H/2, W/2), row-major in the plane."""

    def forward(self, x: Tensor) -> tuple[Tensor, tuple[Tensor]]:  # type: ignore[override]
        y = super().forward(x)
        with torch.no_grad():
            most = F.max_pool3d(y.unflatten(1, (-1, self.frames)), (4, 1, 1)).flatten(1, 2)
            _, positions = F.max_pool2d(most, 3, 2, 1, return_indices=True)
        return y, (positions,)


class PoolNoting(nn.Module):
    """Max pool by two over time, then over space, with the positions of the latter as the side output."""

    def __init__(self, frames: int) -> None:
        super().__init__()
        self.frames = frames

    def forward(self, x: Tensor) -> tuple[Tensor, tuple[Tensor]]:
        over_time = F.max_pool3d(x.unflatten(1, (-1, self.frames)), (2, 1, 1)).flatten(1, 2)
        y, positions = F.max_pool2d(over_time, 2, return_indices=True)
        return y, (positions,)


class UnpoolAnd(Folded):
    """Put each value where a maximum was, zeros elsewhere, at twice the size; then the modules.

    Where two windows chose one position the later in row-major order wins, as PyTorch's unpooling does on a CPU; on a
    GPU it leaves the winner open, this does not.
    """

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:  # type: ignore[override]
        height, width = x.shape[-2:]
        values, positions = x.flatten(2), positions.flatten(2)
        order = torch.arange(1, height * width + 1, device=x.device).expand_as(positions)
        winner = torch.zeros(*x.shape[:2], 4 * height * width, dtype=torch.long, device=x.device)
        winner = winner.scatter_reduce(2, positions, order, "amax")
        placed = values.gather(2, (winner - 1).clamp_min(0)) * (winner > 0)
        return super().forward(placed.unflatten(2, (2 * height, 2 * width)))


class Map(nn.Module):
    """A convolution 1×1 and a sigmoid; in evaluation mode a Gaussian filter follows, as the authors' script has it:
    borders mirrored with the edge pixel repeated, radius four sigma. Training does not see it."""

    def __init__(self, channels: int, sigma: float) -> None:
        super().__init__()
        self.conv = nn.Conv3d(channels, 1, 1)
        self.sigma = sigma

    def forward(self, x: Tensor) -> Tensor:
        maps = torch.sigmoid(self.conv(x.unsqueeze(2)).squeeze(2))
        if self.training or not self.sigma:
            return maps
        rows, columns = (_blur(side, self.sigma).to(maps) for side in maps.shape[-2:])
        return rows @ maps @ columns.T


def _blur(length: int, sigma: float) -> Tensor:
    """The Gaussian filter of a line as a matrix (length, length)."""
    radius = int(4 * sigma + 0.5)
    steps = torch.arange(-radius, radius + 1, device="cpu")
    weights = torch.exp(-0.5 * (steps.double() / sigma) ** 2)
    reached = (torch.arange(length, device="cpu")[:, None] + steps) % (2 * length)
    reached = torch.minimum(reached, 2 * length - 1 - reached)
    matrix = torch.zeros(length, length, dtype=torch.float64, device="cpu")
    return matrix.scatter_add(1, reached, (weights / weights.sum()).expand(length, -1).contiguous())


class TasedNet(Backbone):
    """TASED-Net: the map of the last of 32 frames. 21,260,693 parameters.

    Frames before the first are the first, repeated. (The authors' script reverses later frames there instead, so at
    most 31 maps of a video differ from theirs.)

    Args:
        width: factor on all channels but the input's and the last ones'.
        smooth: sigma, in pixels of the network's input, of the Gaussian filter after it; 0 for none.
    """

    def __init__(self, *, width: float = 1.0, smooth: float = 7.0) -> None:
        if not (0 < width <= 1 and 0 <= smooth < 1000):
            raise SalzooError(f"tased-net: width must lie in (0, 1] and smooth in [0, 1000), not {width:g}, {smooth:g}")

        def c(channels: int) -> int:
            return max(1, round(channels * width))

        layers = [
            Layer("stem", Stem(Separable(3, c(64), 7, 2)), c(64) * 16, 2, key="s3d0", temporal=Window(WINDOW)),
            Layer("pool1", Folded(16, nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1))), c(64) * 16, 4, key="s3d1"),
            Layer("conv2", Folded(16, Basic(c(64), c(64))), c(64) * 16, 4, key="s3d2"),
            Layer("conv3", Noting(16, Separable(c(64), c(192), 3, 1)), c(192) * 16, 4, key="s3d3"),
            Layer("pool4", Folded(16, nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1))), c(192) * 16, 8, key="s3d4"),
        ]
        channels, frames, stride = c(192), 16, 8
        for number in range(5, 16):
            name, key = f"s3d{number}", f"s3d{number}"
            if number == 7:
                frames, stride = 8, 16
                layers.append(Layer("pool7", Folded(16, nn.MaxPool3d(3, 2, 1)), channels * 8, 16, key=key))
            elif number == 13:
                frames, stride = 4, 32
                layers.append(Layer("pool13", PoolNoting(8), channels * 4, 32, key=key))
            else:
                mixed = Mixed(channels, *map(c, MIXED[number]))
                channels = mixed.channels
                kind = Noting if number == 6 else Folded
                layers.append(Layer(name, kind(frames, mixed), channels * frames, stride, key=key))
        # The decoder's unpooling needs the channels of the layers whose maxima it takes.
        y1, y2, y3 = (layers[number].channels // time for number, time in ((12, 8), (6, 16), (3, 16)))
        layers += [
            Layer("convtsp1a", Folded(4, *_conv(channels, channels)), channels * 4, 32, key="convtsp1a"),
            Layer("convtsp1b", Folded(4, *_transposed(channels, y1)), y1 * 4, 32, key="convtsp1b"),
            Layer("convtsp2", UnpoolAnd(4, *_transposed(y1, y2)), y2 * 4, 16, links=((13, 0),), key="convtsp2"),
            Layer("convtsp3", UnpoolAnd(4, *_transposed(y2, y3)), y3 * 4, 8, links=((6, 0),), key="convtsp3"),
            Layer(
                "convtsp4a", UnpoolAnd(4, *_transposed(y3, c(64), 4)), c(64) * 4, 2, links=((3, 0),), key="convtsp4a"
            ),
            Layer("convtsp4b", Folded(4, *_over_time(c(64))), c(64) * 2, 2, key="convtsp4b"),
            Layer("convtsp4c", Folded(2, *_transposed(c(64), 4, 1)), 4 * 2, 2, key="convtsp4c"),
            Layer("convtsp4d", Folded(2, *_over_time(4)), 4, 2, key="convtsp4d"),
            Layer("convtsp4e", Folded(1, _transposed(4, 4, 4)[0]), 4, 1, key="convtsp4e"),
            Layer("map", Map(4, smooth), 1, 1, key="map"),
        ]
        super().__init__(
            layers,
            landmarks={"bottleneck": 16, "output": len(layers) - 1},
            preprocessing=Preprocessing(
                size=(224, 384),
                channel_order="rgb",
                mean=(127.5, 127.5, 127.5),
                std=(127.5, 127.5, 127.5),
                interpolation="opencv-linear",
            ),
        )


def _conv(incoming: int, outgoing: int) -> list[nn.Module]:
    return [nn.Conv3d(incoming, outgoing, 1, bias=False), norm(outgoing), nn.ReLU()]


def _transposed(incoming: int, outgoing: int, kernel: int = 3) -> list[nn.Module]:
    """A transposed convolution over space: 1 and 3 keep the size, 4 doubles it."""
    stride, padding = (2, 1) if kernel == 4 else (1, kernel // 2)
    conv = nn.ConvTranspose3d(
        incoming, outgoing, (1, kernel, kernel), (1, stride, stride), (0, padding, padding), bias=False
    )
    return [conv, norm(outgoing), nn.ReLU()]


def _over_time(channels: int) -> list[nn.Module]:
    """A convolution that makes one time step of two."""
    return [nn.Conv3d(channels, channels, (2, 1, 1), (2, 1, 1), bias=False), norm(channels), nn.ReLU()]
