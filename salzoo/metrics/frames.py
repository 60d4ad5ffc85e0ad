"""From arrays of any kind and leading dimensions to single frames, and back."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, Union

import numpy as np
from numpy.typing import NDArray

from salzoo.interfaces.errors import SalzooError

if TYPE_CHECKING:
    import torch

Maps: TypeAlias = Union[NDArray[Any], "torch.Tensor"]
"""Maps (…, H, W) of uint8, bool or any other real type, as a NumPy array or a torch tensor on any device."""

MapsT = TypeVar("MapsT", NDArray[Any], "torch.Tensor")
"""The kind of array that the prediction is, and that the scores are therefore given in."""

Frame: TypeAlias = NDArray[Any]
"""One map, (H, W): contiguous, uint8, float32 or float64, all values finite."""


def score_frames(score: Callable[..., float], prediction: MapsT, **truths: Maps) -> MapsT:
    """Score every frame by itself.

    Frames are taken one by one, so that a score cannot depend on what stands beside it, and on the CPU in NumPy, so
    that it is the same number wherever the maps came from. On a CPU this is the faster way too: one map in float64
    stays in the cache, a batch of them does not.

    Args:
        score: from the ``Frame`` of the prediction and of each truth, in this order, to the score.
        prediction: (…, H, W).
        truths: by the name that messages call them, each (…, H, W); leading dimensions are broadcast.

    Returns:
        (…) float64 scores, of the prediction's kind and on its device; NaN where a map holds NaN or infinity.

    Raises:
        SalzooError: where the maps are empty, of different sizes, or not maps of real numbers.
    """
    maps = {name: to_numpy(name, value) for name, value in {"prediction": prediction, **truths}.items()}
    size = maps["prediction"].shape[-2:]
    for name, array in maps.items():
        if array.shape[-2:] != size:
            raise SalzooError(
                f"{name} has maps of {_text(array.shape[-2:])} pixels, the prediction of {_text(size)}: "
                "bring the prediction to the truth's size first (salzoo.metrics.resize_prediction)"
            )
    try:
        leading = np.broadcast_shapes(*(array.shape[:-2] for array in maps.values()))
    except ValueError:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in maps.items())
        raise SalzooError(f"leading dimensions do not fit together: {shapes}") from None
    batches = [np.broadcast_to(array, leading + size) for array in maps.values()]
    scores = np.empty(leading)
    # A map so extreme that its moments leave float64's range scores NaN: no warning is due.
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        for index in np.ndindex(leading):
            frames = [np.ascontiguousarray(batch[index]) for batch in batches]
            finite = all(frame.dtype == np.uint8 or np.isfinite(frame).all() for frame in frames)
            scores[index] = score(*frames) if finite else np.nan
    return like(scores, prediction)


def to_numpy(name: str, maps: Maps) -> NDArray[Any]:
    """Maps as a NumPy array of uint8, float32 or float64, without a copy where that is possible.

    Raises:
        SalzooError: when they are not maps of real numbers, or have no pixels.
    """
    if isinstance(maps, np.ndarray):
        array = maps
    else:
        import torch

        if not isinstance(maps, torch.Tensor):
            raise SalzooError(f"{name} is a {type(maps).__name__}: give a NumPy array or a torch tensor")
        tensor = maps.detach().cpu()
        # NumPy has no bfloat16 and no float8.
        half = tensor.dtype.is_floating_point and tensor.dtype not in (torch.float32, torch.float64)
        array = (tensor.float() if half else tensor).numpy()
    if array.ndim < 2 or 0 in array.shape[-2:]:
        raise SalzooError(f"{name} has shape {array.shape}: maps are (…, H, W) with at least one pixel")
    if array.dtype.kind not in "buif":
        raise SalzooError(f"{name} holds {array.dtype} values: maps are of uint8, bool or real numbers")
    if array.dtype == np.bool_:
        return array.view(np.uint8)
    if array.dtype in (np.uint8, np.float32, np.float64):
        return array
    return array.astype(np.float64)


def like(values: NDArray[Any], maps: MapsT) -> MapsT:
    """float64 values in the kind of array that ``maps`` is and on its device."""
    if isinstance(maps, np.ndarray):
        result: NDArray[Any] = values[()]  # a NumPy scalar where there are no dimensions left
        return result
    import torch

    # Apple's GPUs have no float64: their scores stay on the CPU.
    device = "cpu" if maps.device.type == "mps" else maps.device
    return torch.from_numpy(values).to(device)


def positions(fixations: Frame) -> NDArray[np.intp]:
    """Indices into the flat map of the fixated pixels: those above zero."""
    flat = fixations.ravel()
    if flat.dtype != np.uint8 or flat.size % 8:
        return np.flatnonzero(flat > 0)
    # Nearly all pixels are zero. Looking at eight in one step first takes a third of the time.
    eights = np.flatnonzero(flat.view(np.uint64) != 0)
    hits, places = np.nonzero(flat.reshape(-1, 8)[eights])
    return eights[hits] * 8 + places


def _text(size: tuple[int, ...]) -> str:
    return "×".join(map(str, size))
