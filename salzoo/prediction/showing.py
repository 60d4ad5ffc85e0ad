"""A frame with its saliency, as notebooks show it."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from salzoo.video.overlay import draw_heat, map_to_grey, resize_map


@dataclass(frozen=True)
class Picture:
    """A picture that a notebook shows where it is the value of a cell.

    Attributes:
        image: (H, W, 3) uint8, BGR.
    """

    image: NDArray[np.uint8]

    def _repr_png_(self) -> bytes:
        return cv2.imencode(".png", self.image)[1].tobytes()


def show(frame: NDArray[np.uint8], saliency: NDArray[np.float32]) -> Picture:
    """A frame with its saliency as heat over it, full heat at the map's maximum: ``salzoo.show(frame, saliency)`` as
    the last line of a notebook's cell.

    Args:
        frame: (H, W, 3) uint8, BGR.
        saliency: (h, w), at least 0, of any size.
    """
    scaled = np.asarray(saliency, np.float32) / max(float(saliency.max()), 1e-12)
    return Picture(draw_heat(frame, map_to_grey(resize_map(scaled, (frame.shape[0], frame.shape[1])))))
