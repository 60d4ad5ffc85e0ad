"""Weights made by rule, on which the authors' code was run once: what it gave is in ``data``."""

import json
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

DATA = Path(__file__).parent / "data"


def tensor_of(key: str, shape: tuple[int, ...]) -> Tensor:
    """The tensor of a key in the authors' file: uniform within He's bound, vectors near what batch norms begin with."""
    if key.endswith("num_batches_tracked"):
        return torch.tensor(0)
    bound = np.sqrt(6 / np.prod(shape[1:])) if len(shape) > 1 else 0.05
    bound *= 0.02 if key.startswith("comb.layers.0.0") else 1  # or head A would be 0 or 1 everywhere
    values = np.random.RandomState(zlib.crc32(key.encode())).uniform(-bound, bound, shape).astype(np.float32)
    if key.endswith("running_var"):
        values = 1 + 10 * np.abs(values)
    elif len(shape) == 1 and key.endswith("weight"):
        values = 1 + values
    return torch.from_numpy(values.astype(np.float32))


def authors_file(head: str) -> dict[str, Tensor]:
    """Every tensor of the authors' file of a head, A or C."""
    keys = json.loads((DATA / "keys.json").read_text())[head]
    return {key: tensor_of(key, tuple(shape)) for key, shape in keys.items()}
