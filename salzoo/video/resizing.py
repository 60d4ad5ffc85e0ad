"""Frames at another size."""

import cv2
import numpy as np
from numpy.typing import NDArray


def resize_frame(frame: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Resize a frame by area interpolation: each pixel becomes the mean of those that it covers.

    Args:
        frame: (H, W, 3) or (H, W), uint8.
        size: (height, width) of the result.

    Returns:
        The frame at that size; the frame itself where it has that size already.
    """
    if frame.shape[:2] == tuple(size):
        return frame
    return cv2.resize(frame, (size[1], size[0]), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
