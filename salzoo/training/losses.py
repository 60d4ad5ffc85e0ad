"""What a network is trained for: losses of predicted maps against density and fixations, one value a frame.

``cc`` and ``nss`` are the scores of that name, which a model should raise: a loss weights them negatively, such as
"kld,cc=-0.1,nss=-0.1", UNISAL's (Droste et al., ECCV 2020). All are finite, with finite gradients, whatever the maps.
"""

import math
from collections.abc import Callable, Collection, Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from salzoo.interfaces import Output, SalzooError
from salzoo.registry import did_you_mean

EPSILON = 1e-9


def bce(maps: Tensor, density: Tensor, fixations: Tensor | None = None) -> Tensor:
    """Binary cross-entropy, averaged over pixels: maps and density (N, H, W) in [0, 1] give (N,)."""
    return F.binary_cross_entropy(maps, density, reduction="none").mean((1, 2))


def bce_pooled(maps: Tensor, density: Tensor, fixations: Tensor | None = None) -> Tensor:
    """SalGAN's content loss: binary cross-entropy of maps and density averaged over 4×4 pixels (its Lasagne
    release). Rows and columns left over are left out; shapes as in ``bce``."""
    return bce(F.avg_pool2d(maps.unsqueeze(1), 4).squeeze(1), F.avg_pool2d(density.unsqueeze(1), 4).squeeze(1))


def kld(maps: Tensor, density: Tensor, fixations: Tensor | None = None) -> Tensor:
    """Kullback–Leibler divergence of the density from the map, each scaled to a sum of 1: (N, H, W) give (N,).

    0 for an empty density.
    """
    p, q = (each / (each.sum((1, 2), keepdim=True) + EPSILON) for each in (maps, density))
    return (q * torch.log(q / (p + EPSILON) + EPSILON)).sum((1, 2)) * (density.sum((1, 2)) > 0)


def kld_of_logs(logs: Tensor, density: Tensor) -> Tensor:
    """Kullback–Leibler divergence of the density, scaled to a sum of 1, from a density that is given by its logarithm:
    Σ q·(log q − log p), where 0·log 0 is 0; (N, H, W) give (N,). 0 for an empty density."""
    q = density / (density.sum((1, 2), keepdim=True) + EPSILON)
    return (torch.xlogy(q, q) - q * logs).sum((1, 2))


def kld_batch(maps: Tensor, density: Tensor, fixations: Tensor | None = None) -> Tensor:
    """TASED-Net's loss (its authors' code): as ``kld``, but maps and densities are scaled by their sums over the whole
    batch, so that frames with more of either weigh more; (N, H, W) give (N,), whose mean is the loss."""
    epsilon = 2.22e-16
    p, q = (each / each.sum().clamp_min(epsilon) for each in (maps, density))
    return len(maps) * (q * torch.log(epsilon + q / (p + epsilon))).sum((1, 2))


def cc(maps: Tensor, density: Tensor, fixations: Tensor | None = None) -> Tensor:
    """Pearson's correlation of map and density: (N, H, W) give (N,); 0 where either is flat."""
    a, b = (each - each.mean((1, 2), keepdim=True) for each in (maps, density))
    spread = (a.square().sum((1, 2)) * b.square().sum((1, 2)) + EPSILON**2).sqrt()
    return (a * b).sum((1, 2)) / spread


def nss(maps: Tensor, density: Tensor, fixations: Tensor | None = None) -> Tensor:
    """Normalised scanpath saliency: mean over the fixations of (map − mean) / std, std with N−1; shapes as in ``bce``,
    fixations bool. 0 without fixations."""
    assert fixations is not None
    std = (maps.var((1, 2), keepdim=True) + EPSILON**2).sqrt()
    normalised = (maps - maps.mean((1, 2), keepdim=True)) / std
    return (normalised * fixations).sum((1, 2)) / fixations.sum((1, 2)).clamp_min(1)


LOSSES: dict[str, Callable[[Tensor, Tensor, Tensor | None], Tensor]] = {
    "bce": bce,
    "bce-pooled": bce_pooled,
    "kld": kld,
    "kld-batch": kld_batch,
    "cc": cc,
    "nss": nss,
}
"""Losses by name. ``adversarial`` is one more, which needs the discriminator (``salzoo.training.discriminator``)."""

OF_MAPS = frozenset({"bce", "bce-pooled", "adversarial"})
"""Losses that compare values with the truth's, of maps in [0, 1] alone: a density's depend on the number of pixels."""

NEEDS_FIXATIONS = frozenset({"nss"})


def check_kinds(losses: Collection[str], kinds: Collection[str], name: str) -> None:
    """Refuse losses that need what a data set has not.

    Args:
        losses: by name.
        kinds: which of "density" and "fixations" there are.
        name: of the data set.
    """
    if "density" not in kinds:
        raise SalzooError(
            f"loss {', '.join(losses)} needs density maps, and {name} has fixations alone: its parameter sigma makes "
            f"them ({name}:sigma=PIXELS)"
        )
    lacking = sorted(NEEDS_FIXATIONS & set(losses))
    if lacking and "fixations" not in kinds:
        raise SalzooError(f"loss {', '.join(lacking)} needs fixations, and {name} has density maps alone; take another")


ADVERSARIAL = "adversarial"


def parse_loss(text: str) -> dict[str, float]:
    """Read names and weights, separated by commas; a weight left out is 1.

    >>> parse_loss("kld,cc=-0.1")
    {'kld': 1.0, 'cc': -0.1}

    Raises SalzooError for an unknown name, naming the nearest, a name given twice, and a weight that is no number.
    """
    weights: dict[str, float] = {}
    for part in text.split(","):
        name, equals, weight = (each.strip() for each in part.partition("="))
        known = [*LOSSES, ADVERSARIAL]
        if name not in known:
            raise SalzooError(f"loss {text!r}: unknown loss {name!r}{did_you_mean(name, known)}")
        if name in weights:
            raise SalzooError(f"loss {text!r} names {name} twice")
        try:
            weights[name] = float(weight) if equals else 1.0
        except ValueError:
            raise SalzooError(f"loss {text!r}: the weight of {name} must be a number, not {weight!r}") from None
        if not math.isfinite(weights[name]):
            raise SalzooError(f"loss {text!r}: the weight of {name} must be finite")
        if abs(weights[name]) > 1e6:
            raise SalzooError(f"loss {text!r}: the weight of {name} must lie between -1e6 and 1e6")
    return weights


def frame_losses(
    weights: Mapping[str, float],
    maps: Tensor,
    density: Tensor,
    fixations: Tensor | None = None,
    *,
    output: Output = "map",
) -> Tensor:
    """The weighted sum of losses of each frame: (N, H, W) each give (N,). The adversarial part is not in it.

    ``maps`` are what a network gives that states this ``output``. Of log densities ``kld`` takes the logarithms as they
    are; the others their exponentials.
    """
    values = maps.exp() if output == "log-density" else maps

    def loss(name: str) -> Tensor:
        if name == "kld" and output == "log-density":
            return kld_of_logs(maps, density)
        return LOSSES[name](values, density, fixations)

    parts = [weight * loss(name) for name, weight in weights.items() if name in LOSSES]
    return torch.stack([maps.new_zeros(len(maps)), *parts]).sum(0)
