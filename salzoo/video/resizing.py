"""Frames at another size, and at that which a model takes."""

import math
from typing import TYPE_CHECKING, Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from salzoo.interfaces import Interpolation, Preprocessing

_OPENCV = {
    "opencv-area": cv2.INTER_AREA,
    "opencv-linear": cv2.INTER_LINEAR,
    "opencv-linear-float": cv2.INTER_LINEAR,
    "opencv-cubic": cv2.INTER_CUBIC,
    "opencv-lanczos": cv2.INTER_LANCZOS4,
}


class ResizesItself(Protocol):
    """A frame of a ``shape`` (H, W, 3) that is not in an array yet, such as one in the planes of a video."""

    shape: tuple[int, int, int]

    def resized(self, size: tuple[int, int], interpolation: Any) -> NDArray[Any]:
        """As ``resize_frame``."""


def resize_frame(
    frame: "NDArray[np.uint8] | ResizesItself", size: tuple[int, int], interpolation: "Interpolation" = "opencv-area"
) -> NDArray[Any]:
    """Resize a frame, by default by area: each pixel becomes the mean of those that it covers.

    Args:
        frame: (H, W, 3) or (H, W), uint8; or one that resizes itself.
        size: (height, width) of the result.
        interpolation: how (``salzoo.interfaces.Interpolation``).

    Returns:
        The frame at that size, uint8 (float32 for "opencv-linear-float", on the same scale); the frame itself where it
        has that size already.
    """
    if not isinstance(frame, np.ndarray):
        return frame.resized(size, interpolation)
    if frame.shape[:2] == tuple(size):
        return frame
    if interpolation in _OPENCV:
        values = frame.astype(np.float32) if interpolation == "opencv-linear-float" else frame
        resized = cv2.resize(values, (size[1], size[0]), interpolation=_OPENCV[interpolation])
        return resized.astype(values.dtype, copy=False)
    from PIL import Image  # most models do without

    filters = {"pil-bilinear": Image.Resampling.BILINEAR, "pil-bicubic": Image.Resampling.BICUBIC}
    method = filters.get(interpolation, Image.Resampling.LANCZOS)
    return np.asarray(Image.fromarray(frame).resize((size[1], size[0]), method))


def input_size(shape: tuple[int, ...], preprocessing: "Preprocessing") -> tuple[int, int]:
    """The (height, width) at which a model takes frames of a shape (H, W, …)."""
    if preprocessing.fit != "nearest" or not preprocessing.sizes:
        return preprocessing.size
    wanted = math.log(shape[0] / shape[1])
    return min(preprocessing.sizes, key=lambda size: abs(math.log(size[0] / size[1]) - wanted))


def fit_frame(
    frame: "NDArray[np.uint8] | ResizesItself", size: tuple[int, int], preprocessing: "Preprocessing"
) -> NDArray[Any]:
    """Bring a frame (H, W, 3) to a model's input size as its preprocessing says: stretched, or with black margins."""
    if preprocessing.fit != "pad":
        return resize_frame(frame, size, preprocessing.interpolation)
    rows, columns = _shown(frame.shape, size)
    part = resize_frame(frame, (rows.stop - rows.start, columns.stop - columns.start), preprocessing.interpolation)
    whole = np.zeros((*size, 3), part.dtype)
    whole[rows, columns] = part
    return whole


def free_map(map_: NDArray[np.float32], shape: tuple[int, ...], preprocessing: "Preprocessing") -> NDArray[np.float32]:
    """The part of a map that shows its frame, of a shape (H, W, …): without the margins that ``fit_frame`` made."""
    return map_ if preprocessing.fit != "pad" else map_[_shown(shape, (map_.shape[0], map_.shape[1]))]


def _shown(shape: tuple[int, ...], size: tuple[int, int]) -> tuple[slice, slice]:
    """Where a frame lies in an input of a size, as large as it goes, in the middle."""
    scale = min(size[0] / shape[0], size[1] / shape[1])
    height, width = (max(1, min(side, round(length * scale))) for side, length in zip(size, shape, strict=False))
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    return slice(top, top + height), slice(left, left + width)
