"""A frame with its saliency, as notebooks show it."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from salzoo.interfaces.errors import SalzooError
from salzoo.video.overlay import draw_heat, map_to_grey, resize_map
from salzoo.video.pictures import IMAGE_ENDINGS, read_image
from salzoo.video.reading import read_video
from salzoo.video.resizing import resize_frame
from salzoo.video.writing import VIDEO_ENDINGS

STRIP = 120
"""Height in pixels of the frames that a notebook shows of a video."""


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


def preview_frames(path: Path, frames: int) -> list[NDArray[np.uint8]]:
    """Up to four frames, small, of a picture or of a video of so many; none of what is neither, or is gone."""
    try:
        if path.suffix.lower() in IMAGE_ENDINGS:
            found = [read_image(path)]
        elif path.suffix.lower() in VIDEO_ENDINGS:
            at = sorted({round(part * (frames - 1) / 3) for part in range(4)})
            found = [frame for index in at for frame in read_video(path, index, index + 1)]
        else:
            return []
    except SalzooError:
        return []
    return [resize_frame(each, (STRIP, max(1, each.shape[1] * STRIP // each.shape[0]))) for each in found]
