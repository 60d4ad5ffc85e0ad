"""Pictures with transparent parts, as they look on white paper."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def blend_on_white(image: NDArray[Any], opaque: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Colours over white.

    Args:
        image: (H, W, 3) uint8.
        opaque: (H, W) in [0, 1]; where it is 0, what the image holds is not to be seen.

    >>> blend_on_white(np.array([[[0, 9, 200]] * 3], np.uint8), np.array([[1, 0.5, 0]], np.float32)).tolist()
    [[[0, 9, 200], [128, 132, 228], [255, 255, 255]]]
    """
    share = opaque[..., None]
    return np.asarray(np.rint(image * share + 255 * (1 - share)), np.uint8)
