"""pysaliency (Kümmerer et al.) both ways: what this package brings to salzoo, and what it takes to pysaliency."""

import importlib
from typing import TYPE_CHECKING, Any

from salzoo.hookspecs import Register, hookimpl

if TYPE_CHECKING:
    from salzoo_pysaliency.exchange import from_pysaliency, save_maps, to_pysaliency
    from salzoo_pysaliency.models import SalzooModel, SalzooSaliencyMapModel

__all__ = ["SalzooModel", "SalzooSaliencyMapModel", "from_pysaliency", "save_maps", "to_pysaliency"]


@hookimpl
def register_datasets(register: Register) -> None:
    register(
        "pysaliency", "salzoo_pysaliency.hdf5:open_hdf5", summary="Stimuli and fixation trains as pysaliency's HDF5"
    )


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "models" if name.startswith("Salzoo") else "exchange"
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)
