"""Whether a picture is like those that the intervals were fitted on: photographs, not drawn pages."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from salzoo.video.resizing import resize_frame

GRID = (288, 384)
"""Size at which a picture is looked at."""

TRAITS = ("flat", "sharp", "upright", "colours")


def traits_of(frame: NDArray[np.uint8]) -> NDArray[np.float64]:
    """What tells drawn pages from photographs: (4,) for a frame (H, W, 3), BGR.

    The share of its grey pixels that are like their right and lower neighbours; that differ much from one; the share of
    the edges that runs straight across or down; and that of the pixels that have one of the eight most common greys.
    """
    grey = cv2.cvtColor(resize_frame(frame, GRID), cv2.COLOR_BGR2GRAY)
    values = grey.astype(np.int32)
    across, down = np.abs(np.diff(values, axis=1))[:-1], np.abs(np.diff(values, axis=0))[:, :-1]
    smaller, larger = np.minimum(across, down), np.maximum(across, down)
    edges = larger > 20
    counts = np.sort(np.bincount(grey.ravel(), minlength=256))
    return np.array(
        [
            (larger < 2).mean(),
            (larger > 40).mean(),
            (edges & (smaller < 2)).sum() / max(int(edges.sum()), 1),
            counts[-8:].sum() / grey.size,
        ]
    )


def is_unlike(traits: NDArray[np.float64], usual: dict[str, Any]) -> NDArray[np.bool_]:
    """Whether pictures of these traits (..., 4) are farther away than nearly all that are usual: (...). NaN is not."""
    away = traits - np.array(usual["mean"])
    return np.asarray(np.einsum("...i,ij,...j->...", away, np.array(usual["inverse"]), away) > usual["limit"])
