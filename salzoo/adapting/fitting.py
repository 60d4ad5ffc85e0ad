"""Fitting the numbers of a ``Readout`` to fixations, and telling by cross-validation what they are worth."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from salzoo.adapting.backbone import CENTER, Readout, as_density

FOLDS = 5
STEPS = 60
"""Of L-BFGS; they end before, once nothing changes."""

PRIOR = 0.02
"""Weight of the squared distance of the numbers from those that change nothing, in nats for each of them."""

NSS = 1.0
"""Weight of NSS beside the likelihood, in nats. On 50 pages of fiwi's training split it is worth 0.04 NSS on the other
55, on roads next to nothing (and 0.5 or 1.5 would do)."""

STRENGTHS = (10.0, 30.0, 100.0)
"""What ``PRIOR`` may be for the leanings, of which there are a hundred and more, in units of a feature's deviation."""

CENTER_SIGMAS = (1.0, 1.5, 2.0, 3.0, 4.5)
"""Cells by which the fixations that make a center bias may be blurred."""


@dataclass(frozen=True)
class Looked:
    """Frames, what a network says of them at each size, and where people looked.

    Attributes:
        maps: (n, sizes, h, w) in [0, 1], the network's own size first.
        fixations: (n, h, w) how many fixations each cell has.
        item: (n,) number of the picture or video that each frame is of.
        frame: (n,) its number there.
        features: (n, sizes, channels, h / 4, w / 4) of the network at each size; None where none are read.
    """

    maps: Tensor
    fixations: Tensor
    item: NDArray[np.intp]
    frame: NDArray[np.intp]
    features: Tensor | None = None

    @property
    def items(self) -> int:
        return int(self.item.max()) + 1

    @property
    def shares(self) -> Tensor:
        """(n, h, w) the share of each cell in all fixations, each frame's alike within an item, each item's alike."""
        counts = np.bincount(self.item)
        weights = torch.from_numpy(1 / counts[self.item] / np.count_nonzero(counts)).float().view(-1, 1, 1)
        return self.fixations / self.fixations.sum((1, 2), keepdim=True) * weights

    def of_items(self, chosen: NDArray[np.intp]) -> "Looked":
        """The frames of some items."""
        kept = np.flatnonzero(np.isin(self.item, chosen))
        features = None if self.features is None else self.features[kept]
        return Looked(self.maps[kept], self.fixations[kept], self.item[kept], self.frame[kept], features)

    def at(self, sizes: int) -> Tensor:
        """The maps that a ``Readout`` of so many sizes reads."""
        return self.maps[:, :sizes]

    def features_at(self, sizes: int) -> Tensor:
        """The features that it reads, (n, sizes, channels, h / 4, w / 4), as float32."""
        assert self.features is not None
        return self.features[:, :sizes].float()


def measure_center(looked: Looked) -> Tensor:
    """The center bias of some frames, (1, 1, 72, 96): their fixations, blurred so that those of each item are likeliest
    under the others'."""
    shares = looked.shares
    items = torch.from_numpy(looked.item)
    own = torch.zeros(looked.items, *shares.shape[1:]).index_add(0, items, shares)
    best, least = None, float("inf")
    for sigma in CENTER_SIGMAS:
        blurred = _blur(own, sigma)
        total = blurred.sum(0, keepdim=True)
        surprise = -float((as_density(total - blurred).log() * own).sum())
        if surprise < least:
            best, least = total, surprise
    assert best is not None
    return as_density(F.interpolate(as_density(best)[None], CENTER, mode="bilinear", align_corners=False))


def _blur(maps: Tensor, sigma: float) -> Tensor:
    """Maps (n, h, w) blurred by a Gaussian."""
    reach = int(4 * sigma)
    taps = torch.softmax(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2, 0)
    rows = F.conv2d(maps[:, None], taps.view(1, 1, -1, 1), padding=(reach, 0))
    return F.conv2d(rows, taps.view(1, 1, 1, -1), padding=(0, reach))[:, 0]


def fit_readout(looked: Looked, sizes: int) -> Readout:
    """The numbers under which the fixations of some frames are likely and score well, each item weighing the same."""
    readout = Readout(sizes)
    readout.center.copy_(measure_center(looked))
    maps = looked.at(sizes)
    shares = looked.shares.flatten(1)
    count = len(np.unique(looked.item))
    _minimise(list(readout.parameters()), lambda: readout(maps).flatten(1), shares, [PRIOR / count] * 5)
    return readout.requires_grad_(False)


def fit_leanings(readout: Readout, looked: Looked, sizes: int, strength: float) -> Readout:
    """A readout that was fitted to some frames, with leanings towards features that are fitted to them too; by one more
    factor the others may come to count for less.

    Args:
        readout: of so many sizes, without leanings.
        looked: the frames, with features.
        sizes: that are read.
        strength: by which leanings are held near 0.
    """
    features = looked.features_at(sizes)
    deviation = features.std((0, 3, 4)).clamp_min(torch.finfo().tiny)
    cells = (features / deviation[:, :, None, None]).flatten(1, 2).flatten(2)
    height, width = features.shape[-2:]
    shares = F.adaptive_avg_pool2d(looked.shares, (height, width)).flatten(1)
    with torch.no_grad():
        before = F.adaptive_avg_pool2d(readout(looked.at(sizes)), (height, width)).flatten(1)
    factor, leaning = torch.ones(1, requires_grad=True), torch.zeros(cells.shape[1], requires_grad=True)
    count = len(np.unique(looked.item))
    _minimise(
        [factor, leaning],
        lambda: factor * before + torch.einsum("nck,c->nk", cells, leaning),
        shares / shares.sum() * looked.shares.sum(),
        [PRIOR / count, strength / count],
    )
    leaner = Readout(sizes, features.shape[2]).requires_grad_(False)
    leaner.load_state_dict(readout.state_dict(), strict=False)
    for each in (leaner.weights, leaner.power, leaner.drift):
        each.mul_(factor.detach())
    assert leaner.leaning is not None
    leaner.leaning.copy_(leaning.detach().view_as(deviation) / deviation)
    return leaner


def _minimise(numbers: list[Tensor], logarithms: Callable[[], Tensor], shares: Tensor, priors: Sequence[float]) -> None:
    """Change numbers until fixations are likely under the densities (n, cells) whose logarithms they give, and score
    well there.

    Args:
        numbers: changed in place.
        logarithms: of the densities, less a constant.
        shares: (n, cells) of each cell in all fixations.
        priors: weight of each one's squared distance from where it begins.
    """
    before = [each.detach().clone() for each in numbers]
    optimizer = torch.optim.LBFGS(numbers, max_iter=STEPS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        log = F.log_softmax(logarithms(), 1)
        density = log.exp()
        standard = (density - density.mean(1, keepdim=True)) / density.std(1, keepdim=True)
        moved = sum(w * ((new - old) ** 2).sum() for new, old, w in zip(numbers, before, priors, strict=True))
        value = -((log + NSS * standard) * shares).sum() + moved
        value.backward()
        return value

    optimizer.step(loss)


@torch.no_grad()
def read_out(readout: Readout, looked: Looked, sizes: int) -> Tensor:
    """The densities of some frames: (n, h, w)."""
    features = () if readout.leaning is None else looked.features_at(sizes).unbind(1)
    densities: Tensor = readout(looked.at(sizes), *features).flatten(1).softmax(1)
    return densities.view_as(looked.fixations)


def score(densities: Tensor, looked: Looked) -> NDArray[np.float64]:
    """NSS of densities (n, h, w), or of one that all frames share, on the grid: (items,) means over each one's frames,
    NaN for those that are not there."""
    flat = densities.flatten(-2).double()
    standard = ((flat - flat.mean(-1, keepdim=True)) / flat.std(-1, keepdim=True)).expand(len(looked.item), -1)
    fixations = looked.fixations.flatten(1).double()
    scores = ((standard * fixations).sum(1) / fixations.sum(1)).numpy()
    counts = np.bincount(looked.item, minlength=looked.items)
    return np.where(counts > 0, np.bincount(looked.item, scores, looked.items) / np.maximum(counts, 1), np.nan)


def fold_items(count: int, seed: int) -> list[NDArray[np.intp]]:
    """Items cut into ``FOLDS`` parts."""
    return np.array_split(np.random.default_rng(seed).permutation(count), FOLDS)


def cross_validate(
    looked: Looked, sizes: int, folds: Sequence[NDArray[np.intp]], strengths: Sequence[float] = ()
) -> NDArray[np.float64]:
    """NSS of each item by numbers, and a center bias, that were fitted to the other folds: (items,) without leanings,
    then with them at each strength, (1 + strengths, items).

    Args:
        looked: the frames, with features where there are strengths.
        sizes: of the readout; 0 for the center bias alone.
        folds: numbers of items.
        strengths: by which leanings are held.
    """
    found = np.full((1 + len(strengths), looked.items), np.nan)
    everything = np.arange(looked.items)
    for held in folds:
        rest, kept = looked.of_items(np.setdiff1d(everything, held)), looked.of_items(held)
        if not sizes:
            center = F.interpolate(measure_center(rest), looked.fixations.shape[1:], mode="bilinear")[0, 0]
            found[0, held] = score(center, kept)[held]
            continue
        plain = fit_readout(rest, sizes)
        readouts = [plain, *(fit_leanings(plain, rest, sizes, each) for each in strengths)]
        for row, readout in enumerate(readouts):
            found[row, held] = score(read_out(readout, kept, sizes), kept)[held]
    return found
