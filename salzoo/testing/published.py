"""For authors of published networks: that a file in their layout gives their maps, tested without their file.

Run the authors' code once on weights of ``make_tensors``, and keep what it gave for a few frames; a test then makes
the same weights, converts them as ``salzoo convert`` does, and compares.
"""

import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from salzoo.hub.checkpoint import load_checkpoint, save_checkpoint
from salzoo.hub.conversion import Report, convert_weights
from salzoo.model import SaliencyModel
from salzoo.testing.report import ConformanceError


def make_tensors(shapes: Mapping[str, Sequence[int]], factors: Mapping[str, float] | None = None) -> dict[str, Tensor]:
    """Tensors for every key of a file, the same on every machine: uniform within He's bound, vectors near what batch
    normalisations begin with.

    Args:
        shapes: of each key, as the authors' file has them.
        factors: on the values of keys that begin so, where a network's maps would be 0 or 1 everywhere without.
    """
    return {key: _make_tensor(key, tuple(shape), factors or {}) for key, shape in shapes.items()}


def _make_tensor(key: str, shape: tuple[int, ...], factors: Mapping[str, float]) -> Tensor:
    if key.endswith("num_batches_tracked"):
        return torch.tensor(0)
    bound = np.sqrt(6 / np.prod(shape[1:])) if len(shape) > 1 else 0.05
    bound *= next((factor for start, factor in factors.items() if key.startswith(start)), 1)
    values = np.random.RandomState(zlib.crc32(key.encode())).uniform(-bound, bound, shape).astype(np.float32)
    if key.endswith("running_var"):
        values = 1 + 10 * np.abs(values)
    elif len(shape) == 1 and key.endswith("weight"):
        values = 1 + values
    return torch.from_numpy(values.astype(np.float32))


def convert_record(record: object, folder: Path, spec: str | None = None) -> tuple[SaliencyModel, Report]:
    """Save a record as authors save their file, convert it into the checkpoint ``folder``, and load that.

    Returns the model, and what became of the file's contents. Raises SalzooError as ``salzoo convert`` does.
    """
    file = folder.with_suffix(".pth")
    torch.save(record, file)
    model, report = convert_weights(file, spec)
    save_checkpoint(model, folder, "# Converted\n")
    return load_checkpoint(folder), report


@torch.no_grad()
def check_maps(
    model: SaliencyModel, frames: NDArray[np.uint8], wanted: Mapping[int, NDArray[np.float32]], tolerance: float = 1e-5
) -> None:
    """Raise ConformanceError where a model's maps of a video's frames are not those that were wanted.

    Args:
        model: in evaluation mode.
        frames: (N, H, W, 3) uint8, BGR, from the video's start.
        wanted: the map (H, W) of some frames, by their index.
        tolerance: the largest difference of a value.
    """
    if max(float(np.std(map_)) for map_ in wanted.values()) < 1e-6:
        raise ConformanceError("the maps to compare with are the same everywhere: any network would give them")
    state = None
    for index, frame in enumerate(frames):
        clip = model.preprocess(frame[None])
        if index not in wanted:
            state = model.prime(clip, state)
            continue
        maps, state = model(clip, state)
        difference = float(np.abs(maps[0, 0, 0].numpy() - wanted[index]).max())
        if not difference <= tolerance:
            raise ConformanceError(f"the map of frame {index} differs by {difference:.2g}, more than {tolerance:g}")
