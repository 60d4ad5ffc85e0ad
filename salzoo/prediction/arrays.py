"""Maps of pictures that are in memory, as people have them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salzoo.interfaces import SalzooError
from salzoo.model import SaliencyModel
from salzoo.prediction.maps import predict_maps
from salzoo.video.overlay import resize_map

Frame = NDArray[np.uint8]
Map = NDArray[np.float32]


def predict_arrays(model: SaliencyModel, frames: Any, *, order: str, video: bool = True) -> Map | list[Map]:
    """Predict where people look in one picture, in several, or in the frames of a video; see ``SaliencyModel.predict``,
    which calls this."""
    if order not in ("rgb", "bgr"):
        raise SalzooError(
            f"order must be 'rgb' or 'bgr', not {order!r}: RGB is what Pillow, imageio and PyAV give, BGR "
            "what OpenCV gives"
        )
    if isinstance(frames, list | tuple):
        pictures = [_picture(frame, order, f"frame {number}") for number, frame in enumerate(frames)]
        return _predict(model, pictures, video)
    array = _array(frames, "frames")
    if array.ndim == 3:
        return _predict(model, [_picture(array, order, "the frame")], video=False)[0]
    if array.ndim != 4:
        raise SalzooError(f"frames have shape (H, W, 3) or (T, H, W, 3), not {array.shape}")
    found = _predict(model, [_picture(frame, order, f"frame {n}") for n, frame in enumerate(array)], video)
    return np.stack(found) if found else np.zeros(array.shape[:3], np.float32)


def _predict(model: SaliencyModel, pictures: Sequence[Frame], video: bool) -> list[Map]:
    training = model.training
    model.eval()
    try:
        if video:
            maps = list(predict_maps(model, pictures))
        else:
            maps = [next(predict_maps(model, [picture], still=True)) for picture in pictures]
    finally:
        model.train(training)
    return [resize_map(map_, picture.shape[:2]) for map_, picture in zip(maps, pictures, strict=True)]


def _picture(frame: Any, order: str, what: str) -> Frame:
    """A picture (H, W, 3), uint8, BGR. Raises SalzooError where it is none."""
    array = _array(frame, what)
    if array.ndim != 3 or array.shape[2] != 3 or 0 in array.shape:
        hint = ": move its channels to the end" if array.ndim == 3 and array.shape[0] == 3 else ""
        raise SalzooError(f"{what} has shape (H, W, 3), not {array.shape}{hint}")
    if array.dtype.kind == "f":
        if not (array.min() >= 0 and array.max() <= 1):  # NaN neither
            raise SalzooError(f"{what} is of {array.dtype} and not within 0 to 1; give values of 0 to 255 as uint8")
        array = np.rint(array.astype(np.float32) * 255).astype(np.uint8)
    if array.dtype != np.uint8:
        raise SalzooError(f"{what} is of {array.dtype}; pictures are uint8 of 0 to 255, or float of 0 to 1")
    return np.ascontiguousarray(array[..., ::-1] if order == "rgb" else array)


def _array(frames: Any, what: str) -> NDArray[Any]:
    if hasattr(frames, "detach"):  # a torch tensor
        frames = frames.detach().cpu().numpy()
    try:
        return np.asarray(frames)
    except (ValueError, TypeError) as error:
        raise SalzooError(f"{what} cannot be made an array of pixels") from error
