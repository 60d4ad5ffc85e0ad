"""A saliency map as heat over its frame."""

import cv2
import numpy as np
from numpy.typing import NDArray

OPACITY = 0.75
"""How much of the frame the hottest colour hides."""

_LEVELS = np.arange(256, dtype=np.uint8).reshape(256, 1)
_HEAT = cv2.applyColorMap(_LEVELS, cv2.COLORMAP_INFERNO).reshape(256, 1, 3)
_OPACITY = OPACITY * (_LEVELS.reshape(256, 1, 1) / 255) ** 0.6  # below 1, so that half the heat is plain to see
# For each level of a map, what heat adds, and the share of the frame that stays, in 255ths.
_ADDED = (_HEAT * _OPACITY).round().astype(np.uint8)
_KEPT = (255 * (1 - _OPACITY)).round().astype(np.uint8).repeat(3, axis=2)


def resize_map(map_: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Resize a map (H, W) in [0, 1] to a (height, width): cubic where it grows, by area where it shrinks, in [0, 1]."""
    if map_.shape == tuple(size):
        return map_
    shrinks = size[0] * size[1] < map_.size
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    resized = cv2.resize(map_, (size[1], size[0]), interpolation=interpolation)
    return np.asarray(np.clip(resized, 0, 1), dtype=np.float32)


def map_to_grey(map_: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A map in [0, 1] as 8-bit grey: 255 times its values, rounded."""
    return np.rint(map_ * 255).astype(np.uint8)


def draw_heat(frame: NDArray[np.uint8], grey_map: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Draw a map over a frame: from nothing at 0, through purple and red, to a light yellow at 255 (the colours
    "inferno", whose lightness grows evenly).

    Args:
        frame: (H, W, 3) uint8, BGR.
        grey_map: (H, W) uint8.

    Returns:
        (H, W, 3) uint8, BGR. The frame stays as it was.
    """
    kept = cv2.multiply(frame, cv2.applyColorMap(grey_map, _KEPT), scale=1 / 255)
    return cv2.add(kept, cv2.applyColorMap(grey_map, _ADDED)).astype(np.uint8, copy=False)
