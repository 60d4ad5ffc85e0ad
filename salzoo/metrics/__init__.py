"""Saliency metrics: exact, deterministic, for NumPy arrays and torch tensors of any leading dimensions.

    from salzoo.metrics import auc_judd, auc_shuffled, cc, ig, kld, nss, resize_prediction, sim

    nss(resize_prediction(prediction, fixations.shape[-2:]), fixations)

The definitions are those of the DHF1K benchmark's MATLAB code. Where that draws random numbers, the functions give the
exact expected value instead. Each takes the prediction first, then what it is scored against, all (…, H, W) of one
size with leading dimensions that broadcast, and returns (…) float64 scores, NaN where the score is undefined. Tensors
give tensors on the same device; the work is done on one core of the CPU, so a score has the same bits everywhere.
"""

import importlib
from typing import TYPE_CHECKING, Any

from salzoo.hookspecs import Register, hookimpl

if TYPE_CHECKING:
    from salzoo.metrics.auc import auc_borji, auc_judd, auc_shuffled
    from salzoo.metrics.distribution import cc, kld, log_density, sim
    from salzoo.metrics.fixation import ig, nss
    from salzoo.metrics.resizing import resize_prediction

__all__ = ["auc_borji", "auc_judd", "auc_shuffled", "cc", "ig", "kld", "log_density", "nss", "resize_prediction", "sim"]

_MODULES = {
    "auc": ("auc_borji", "auc_judd", "auc_shuffled"),
    "distribution": ("cc", "kld", "log_density", "sim"),
    "fixation": ("ig", "nss"),
    "resizing": ("resize_prediction",),
}


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


_REGISTERED: dict[str, tuple[str, tuple[str, ...]]] = {
    "auc_judd": (
        "AUC-Judd: fixated pixels against all others (exact expected value)",
        ("auc-j", "auc-judd"),
    ),
    "auc_shuffled": (
        "shuffled AUC: fixations against those of other frames (exact expected value)",
        ("s-auc", "auc-shuffled"),
    ),
    "auc_borji": ("AUC-Borji: fixations against random pixels (exact expected value)", ("auc-b", "auc-borji")),
    "nss": ("normalised scanpath saliency: mean z-score at the fixations", ()),
    "cc": ("Pearson correlation with the fixation density", ()),
    "sim": ("histogram intersection with the fixation density", ()),
    "kld": ("Kullback-Leibler divergence of the fixation density, in nats (lower is better)", ("kl",)),
    "ig": ("information gain over a baseline map, in bits per fixation", ()),
}
"""Summary and other names of each metric."""


@hookimpl
def register_metrics(register: Register) -> None:
    """The built-in metrics."""
    for name, (summary, aliases) in _REGISTERED.items():
        register(name, f"salzoo.metrics.registered:{name}", summary=summary, aliases=aliases)
