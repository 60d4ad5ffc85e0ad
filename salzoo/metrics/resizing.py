"""Bringing predictions to the truth's size as the benchmark does."""

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from salzoo.interfaces.errors import SalzooError
from salzoo.metrics.frames import MapsT, like, to_numpy

BLOCK = 16
"""Output rows (or columns) computed by one matrix product. Each reads only the few input rows that they depend on: on
192×256 to 360×640 this is 12 times as fast as multiplying by the whole weight matrix, and 16 was the best of 8 to 128.
Products this small also run on one thread in OpenBLAS, so the result does not depend on the number of threads."""


@dataclass(frozen=True)
class Block:
    """Weights of the outputs start..stop−1 on the inputs first..last−1: (stop − start, last − first)."""

    start: int
    stop: int
    first: int
    last: int
    weights: NDArray[np.float64]


def resize_prediction(prediction: MapsT, size: tuple[int, int]) -> MapsT:
    """Resize maps as the DHF1K benchmark does before scoring: MATLAB's ``imresize`` on doubles.

    Bicubic interpolation with a = −0.5, antialiased where the map shrinks (the kernel widens with it), borders
    mirrored with the edge pixel repeated. The result is not clipped: it can overshoot the input's range, below zero
    too. A flat map stays exactly flat, and a map that has the size already only becomes float64.

    Args:
        prediction: (…, h, w), uint8 or float.
        size: (H, W) in pixels.

    Returns:
        (…, H, W) float64 on the prediction's scale, of its kind and on its device.

    Raises:
        SalzooError: where the maps are empty or the size is not positive.

    Sources:
        Keys, "Cubic convolution interpolation for digital image processing", IEEE TASSP 1981; Wang et al.,
        "Revisiting video saliency: a large-scale benchmark and a new model" (DHF1K), CVPR 2018.

    Example:
        >>> import numpy as np
        >>> resize_prediction(np.array([[0, 64]], np.uint8), (1, 4)).tolist()
        [[-6.0, 13.0, 51.0, 70.0]]
    """
    maps = to_numpy("prediction", prediction)
    height, width = size
    if height < 1 or width < 1:
        raise SalzooError(f"cannot resize a prediction to {height}×{width}: both must be at least 1")
    *leading, h, w = maps.shape
    resized = np.empty((math.prod(leading), height, width))
    # One by one: a map's values must not depend on what it is batched with.
    with np.errstate(over="ignore", invalid="ignore"):  # NaN and infinity spread, and score NaN
        for source, target in zip(maps.reshape(-1, h, w), resized, strict=True):
            _resize(source, target)
    return like(resized.reshape(*leading, height, width), prediction)


def _resize(source: NDArray[np.float32 | np.float64 | np.uint8], target: NDArray[np.float64]) -> None:
    # The weights sum to 1 only but for rounding, which would give a flat map a deviation to be normalised by.
    if source.shape == target.shape or source.min() == source.max():
        target[...] = source if source.shape == target.shape else source[0, 0]
        return
    values = source.astype(np.float64)
    columns = np.empty((values.shape[0], target.shape[1]))
    for block in resizing_blocks(values.shape[1], target.shape[1]):
        np.matmul(values[:, block.first : block.last], block.weights.T, out=columns[:, block.start : block.stop])
    for block in resizing_blocks(values.shape[0], target.shape[0]):
        np.matmul(block.weights, columns[block.first : block.last], out=target[block.start : block.stop])


@functools.cache
def resizing_blocks(length: int, resized: int) -> tuple[Block, ...]:
    """The weights that resize one dimension from ``length`` to ``resized`` pixels, in blocks of outputs."""
    scale = resized / length
    shrink = min(scale, 1.0)
    centres = (np.arange(resized) + 0.5) / scale - 0.5
    reach = 2 / shrink
    taps = np.floor(centres - reach)[:, None].astype(np.intp) + np.arange(math.ceil(2 * reach) + 2)
    weights = _cubic((centres[:, None] - taps) * shrink)
    weights /= weights.sum(axis=1, keepdims=True)
    mirrored = taps % (2 * length)
    mirrored = np.minimum(mirrored, 2 * length - 1 - mirrored)
    blocks = []
    for start in range(0, resized, BLOCK):
        inputs, given = mirrored[start : start + BLOCK], weights[start : start + BLOCK]
        first, last = int(inputs[given != 0].min()), int(inputs[given != 0].max()) + 1
        dense = np.zeros((len(inputs), last - first))
        outputs, used = np.nonzero(given)
        np.add.at(dense, (outputs, inputs[outputs, used] - first), given[outputs, used])
        blocks.append(Block(start, start + len(inputs), first, last, dense))
    return tuple(blocks)


def _cubic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keys' cubic convolution kernel with a = −0.5."""
    x = np.abs(x)
    near = (1.5 * x - 2.5) * x**2 + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x <= 1, near, np.where(x <= 2, far, 0.0))
