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

_HOMES = {
    "auc_borji": "auc",
    "auc_judd": "auc",
    "auc_shuffled": "auc",
    "cc": "distribution",
    "ig": "fixation",
    "kld": "distribution",
    "log_density": "distribution",
    "nss": "fixation",
    "resize_prediction": "resizing",
    "sim": "distribution",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"salzoo.metrics.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'salzoo.metrics' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


@hookimpl
def register_metrics(register: Register) -> None:
    """The built-in metrics."""
    home = "salzoo.metrics.registered"
    register(
        "auc_judd",
        f"{home}:auc_judd",
        summary="AUC-Judd: fixated pixels against all others (exact expected value)",
        aliases=("auc-j", "auc-judd"),
    )
    register(
        "auc_shuffled",
        f"{home}:auc_shuffled",
        summary="shuffled AUC: fixations against those of other frames (exact expected value)",
        aliases=("s-auc", "auc-shuffled"),
    )
    register(
        "auc_borji",
        f"{home}:auc_borji",
        summary="AUC-Borji: fixations against random pixels (exact expected value)",
        aliases=("auc-b", "auc-borji"),
    )
    register("nss", f"{home}:nss", summary="normalised scanpath saliency: mean z-score at the fixations")
    register("cc", f"{home}:cc", summary="Pearson correlation with the fixation density")
    register("sim", f"{home}:sim", summary="histogram intersection with the fixation density")
    register(
        "kld",
        f"{home}:kld",
        summary="Kullback-Leibler divergence of the fixation density, in nats (lower is better)",
        aliases=("kl",),
    )
    register("ig", f"{home}:ig", summary="information gain over a baseline map, in bits per fixation")
