"""How well people predict people: each observer of a frame scored by the density of all others.

A model that knew all that the others looked at could do little better, so this is the ceiling that models are measured
against (Wilming et al., "Measures and limits of models of fixation selection", PLoS ONE 2011; Kümmerer et al.,
"Information-theoretic model comparison unifies saliency metrics", PNAS 2015).

**Definition.** Of a frame of H×W pixels, let observer k be left out. The prediction is ::

    p_k = (1 − w) · D_k / ΣD_k + w · b        D_k = Σ G_σ(x − x_i) over the fixations i of all observers but k

with the center bias b, which sums to one, and a share w of it, for where nobody else looked. Each fixation of k is
scored by p_k, and the score of the frame is the mean over the fixations of all observers, as a model's is. It is exact
over all splits, none is drawn: a Gaussian of two dimensions is a column times a row, so sums over pixels of D_k, D_k²
and D_k·b are sums over (pairs of) fixations, from which those of k are left out.

- **NSS**: (p_k(x) − mean) / std, with n − 1 for n pixels; p_k at the middle of the fixated pixel.
- **IG**: log2(ε + p_k(x)) − log2(ε + b(x)), ε = 2⁻⁵².
- **AUC-Judd**: the share of all pixels where p_k is below p_k(x), ties half. (The trapezoids of a ROC curve through few
  fixations would lift it.)
- **AUC-shuffled**: as ``salzoo.metrics.auc_shuffled``, for each fixation.

The two AUCs, and the least and largest p_k that the second takes, look at every s-th row and column alone, s = σ/4
rounded down: shares of pixels then differ by less than 0.002.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from salzoo.gaze.maps import Points

EPSILON = float(np.finfo(np.float64).eps)
METRICS = ("auc", "auc_judd", "auc_shuffled", "nss", "ig")
"""Those in which observers can be scored as models are: the others compare with the density of all observers, for which
that of one who is left out is no match."""

THRESHOLDS = np.arange(11) * 0.1
"""Of shuffled AUC; see ``salzoo.metrics.auc_shuffled``."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Others:
    """How the density of others is made.

    Attributes:
        scale: sigma of its Gaussians, as a multiple of the video's own sigma.
        prior: share w of the center bias in it.
    """

    scale: float = 1.0
    prior: float = 0.0


@dataclass(frozen=True)
class LeaveOneOut:
    """The observers of a frame, each against all others.

    Attributes:
        points: (n, 2) x and y of the fixations that are scored, of all observers.
        owner: (n,) number of the observer of each.
        size: height and width of the frame.
        sigma: of the Gaussians, in pixels.
    """

    points: Array
    owner: NDArray[np.intp]
    size: tuple[int, int]
    sigma: float

    @cached_property
    def keep(self) -> Array:
        """(observers, n), 1 for the fixations of all others, 0 for one's own."""
        return np.asarray((np.arange(self.owner.max() + 1)[:, None] != self.owner).astype(np.float64))

    @cached_property
    def pixels(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Row and column of the pixel of each fixation."""
        columns, rows = np.floor(self.points).astype(np.intp).T
        return np.clip(rows, 0, self.size[0] - 1), np.clip(columns, 0, self.size[1] - 1)

    @cached_property
    def profiles(self) -> tuple[Array, Array]:
        """The factors of each fixation's Gaussian at the middles of rows (n, H) and columns (n, W)."""
        x, y = self.points.T

        def along(at: Array, length: int) -> Array:
            return np.asarray(np.exp(-0.5 * ((np.arange(length) + 0.5 - at[:, None]) / self.sigma) ** 2))

        return along(y, self.size[0]), along(x, self.size[1])

    @cached_property
    def mass(self) -> Array:
        """(observers,) sum over the pixels of D_k."""
        rows, columns = self.profiles
        return np.asarray(self.keep @ (rows.sum(1) * columns.sum(1)))

    def density_at(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Array:
        """D_k / ΣD_k at m pixels: (observers, m)."""
        by_row, by_column = self.profiles
        return np.asarray((self.keep @ (by_row[:, rows] * by_column[:, columns])) / self.mass[:, None])

    def density_at_own(self) -> Array:
        """D_k / ΣD_k at the pixel of each fixation of k: (n,)."""
        return np.asarray(self.density_at(*self.pixels)[self.owner, np.arange(len(self.owner))])

    def squares(self, prior: float, bias: Array) -> Array:
        """(observers,) sum over the pixels of p_k²."""
        rows, columns = self.profiles
        pairs = (rows @ rows.T) * (columns @ columns.T)
        own = ((self.keep @ pairs) * self.keep).sum(1) / self.mass**2
        if not prior:
            return np.asarray(own)
        crossed = self.keep @ ((rows @ bias) * columns).sum(1) / self.mass
        both = (1 - prior) ** 2 * own + 2 * prior * (1 - prior) * crossed + prior**2 * float((bias**2).sum())
        return np.asarray(both)

    def thinned(self, prior: float, bias: Array, step: int) -> Array:
        """p_k at every ``step``-th row and column: (observers, cells)."""
        rows, columns = (profile[:, step // 2 :: step] for profile in self.profiles)
        cells = bias[step // 2 :: step, step // 2 :: step]
        total = rows.T @ columns
        maps = np.empty((len(self.mass), cells.size))
        for k, mass in enumerate(self.mass):
            own = self.owner == k
            others = np.maximum(total - rows[own].T @ columns[own], 0)
            maps[k] = ((1 - prior) / mass * others + prior * cells).ravel()
        return maps


def join_gaze(gaze: Sequence[Points], size: tuple[int, int], sigma: float) -> LeaveOneOut | None:
    """The observers of a frame; None where fewer than two looked at it.

    Args:
        gaze: for each observer (n, 2) x and y within the frame.
        size: height and width of the frame.
        sigma: of the Gaussians, in pixels.
    """
    present = [np.asarray(points, np.float64) for points in gaze if len(points)]
    if len(present) < 2:
        return None
    owner = np.repeat(np.arange(len(present)), [len(points) for points in present])
    return LeaveOneOut(np.concatenate(present), owner, size, sigma)


def as_distribution(center_bias: NDArray[np.floating] | None, size: tuple[int, int]) -> Array:
    """A center bias (H, W) less its minimum, summing to one; uniform where there is none or it is flat."""
    if center_bias is not None:
        lifted = center_bias.astype(np.float64) - float(center_bias.min())
        if lifted.any():
            return np.asarray(lifted / lifted.sum())
    return np.full(size, 1 / (size[0] * size[1]))


def score_people(
    people: LeaveOneOut, prior: float, bias: Array, other_fixations: NDArray[np.bool_] | None = None
) -> dict[str, float]:
    """The scores of a frame's observers by the density of the others, by the names of the metrics.

    Args:
        people: the observers.
        prior: share of the center bias.
        bias: the center bias (H, W), summing to one.
        other_fixations: (H, W) the pixels fixated in other frames; without them, or where there are none, shuffled AUC
            is NaN.
    """
    cells = bias.size
    rows, columns = people.pixels
    baseline = bias[rows, columns]
    own = (1 - prior) * people.density_at_own() + prior * baseline
    deviation = np.sqrt((people.squares(prior, bias) - 1 / cells) / (cells - 1))
    thinned = people.thinned(prior, bias, max(1, int(people.sigma / 4)))
    scores: Mapping[str, Array] = {
        "nss": (own - 1 / cells) / deviation[people.owner],
        "ig": np.log2(EPSILON + own) - np.log2(EPSILON + baseline),
        "auc_judd": _shares_below(thinned, own, people.owner),
        "auc_shuffled": np.full(len(own), np.nan),
    }
    if other_fixations is not None and other_fixations.any():
        at = np.nonzero(other_fixations)
        others = (1 - prior) * people.density_at(*at) + prior * bias[at]
        scores = {**scores, "auc_shuffled": _shuffled(thinned, own, people.owner, others)}
    means = {name: float(each.mean()) for name, each in scores.items()}
    return {**means, "auc": means["auc_judd"]}


def _shares_below(thinned: Array, own: Array, owner: NDArray[np.intp]) -> Array:
    shares = np.empty(len(own))
    for n, (value, k) in enumerate(zip(own, owner, strict=True)):
        shares[n] = ((thinned[k] < value).mean() + (thinned[k] <= value).mean()) / 2
    return shares


def _shuffled(thinned: Array, own: Array, owner: NDArray[np.intp], others: Array) -> Array:
    """The score of each fixation: the trapezoid sum is linear in its hits at each threshold."""
    low = np.minimum(thinned.min(1), others.min(1))
    np.minimum.at(low, owner, own)
    high = np.maximum(thinned.max(1), others.max(1))
    np.maximum.at(high, owner, own)
    span = high - low
    thresholds = THRESHOLDS[::-1]
    fp = np.zeros((len(low), len(thresholds) + 1))
    for k, values in enumerate((others - low[:, None]) / span[:, None]):
        fp[k, 1:] = 1 - np.searchsorted(np.sort(values), thresholds, side="left") / values.size
    hits = ((own - low[owner]) / span[owner])[:, None] >= thresholds
    tp = np.concatenate([np.zeros((len(own), 1)), hits], axis=1)
    return np.asarray((np.diff(fp, axis=1)[owner] * (tp[:, 1:] + tp[:, :-1])).sum(1) / 2)
