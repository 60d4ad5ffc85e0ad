"""Where one scene ends and another begins."""

import numpy as np
from numpy.typing import NDArray

from salzoo.video.pixels import Decoded
from salzoo.video.resizing import resize_frame

CUT = 25.0
"""Mean difference of two neighbouring frames, of 255, from which on they are of two scenes."""

Thumbnail = NDArray[np.float32]


def thumbnail(image: NDArray[np.uint8] | Decoded) -> Thumbnail:
    """A frame (H, W, 3) at 32 by 32 pixels, to be compared with its neighbour's."""
    return np.asarray(resize_frame(image, (32, 32)), np.float32)


def difference(before: Thumbnail, after: Thumbnail) -> float:
    """Mean difference of two frames' pixels, of 255."""
    return float(np.abs(after - before).mean())


def is_cut(before: Thumbnail, after: Thumbnail) -> bool:
    """Whether two neighbouring frames are of two scenes."""
    return difference(before, after) > CUT
