"""A saliency map as heat over its frame."""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

OPACITY = 0.75
"""How much of the frame the hottest colour hides."""

COLORMAPS = ("inferno", "magma", "plasma", "viridis", "cividis", "turbo", "jet", "hot")
"""Colours for heat, by OpenCV's names. The lightness of the first five grows evenly."""

_LEVELS = np.arange(256, dtype=np.uint8).reshape(256, 1)


@lru_cache(maxsize=8)
def heat_colours(colormap: str) -> NDArray[np.uint8]:
    """The colour of each level of a map: (256, 1, 3) uint8, BGR."""
    colours = cv2.applyColorMap(_LEVELS, getattr(cv2, f"COLORMAP_{colormap.upper()}"))
    return np.asarray(colours, np.uint8).reshape(256, 1, 3)


def hidden_share(opacity: float) -> NDArray[np.float64]:
    """How much of the frame each level of a map hides, (256,)."""
    return np.asarray(opacity * (np.arange(256) / 255) ** 0.6)  # below 1, so that half the heat is plain to see


@lru_cache(maxsize=8)
def _blending(colormap: str, opacity: float) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """For each level of a map, what heat adds, and the share of the frame that stays, in 255ths."""
    hides = hidden_share(opacity).reshape(256, 1, 1)
    added = (heat_colours(colormap) * hides).round().astype(np.uint8)
    return added, (255 * (1 - hides)).round().astype(np.uint8).repeat(3, axis=2)


def interpolation_to(shape: tuple[int, ...], size: tuple[int, int]) -> int:
    """How a map is resized from a (height, width) to another: cubic where it grows, by area where it shrinks."""
    return cv2.INTER_AREA if size[0] * size[1] < shape[0] * shape[1] else cv2.INTER_CUBIC


def resize_map(map_: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Resize a map (H, W) in [0, 1] to a (height, width): cubic where it grows, by area where it shrinks, in [0, 1]."""
    if map_.shape == tuple(size):
        return map_
    resized = cv2.resize(map_, (size[1], size[0]), interpolation=interpolation_to(map_.shape, size))
    return np.asarray(np.clip(resized, 0, 1), dtype=np.float32)


def map_to_grey(map_: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A map in [0, 1] as 8-bit grey: 255 times its values, rounded."""
    return np.rint(map_ * 255).astype(np.uint8)


def draw_heat(
    frame: NDArray[np.uint8], grey_map: NDArray[np.uint8], colormap: str = "inferno", opacity: float = OPACITY
) -> NDArray[np.uint8]:
    """Draw a map over a frame: from nothing at 0 to the last of the colours at 255, for "inferno" through purple and
    red to a light yellow.

    Args:
        frame: (H, W, 3) uint8, BGR.
        grey_map: (H, W) uint8.
        colormap: one of ``COLORMAPS``.
        opacity: how much of the frame the hottest colour hides, 0 to 1.

    Returns:
        (H, W, 3) uint8, BGR. The frame stays as it was.
    """
    added, kept = _blending(colormap, opacity)
    below = cv2.multiply(frame, cv2.applyColorMap(grey_map, kept), scale=1 / 255)
    return cv2.add(below, cv2.applyColorMap(grey_map, added)).astype(np.uint8, copy=False)
