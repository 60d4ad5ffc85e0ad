"""The ways to show a saliency map with its frame."""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from salzoo.video.overlay import OPACITY, draw_heat, heat_colours

VIEWS = ("heat", "side-by-side", "contours", "alpha", "map")
"""Heat over the frame; the frame beside its map in colours; lines around what is salient; the frame lit where it is
salient; the map alone."""

LEVELS = (64, 128, 191)
"""Levels of a map, of 255, that contours are drawn at: a quarter, half and three quarters of the scale."""

View = Callable[[NDArray[np.uint8], NDArray[Any]], NDArray[Any]]
"""From a frame (H, W, 3) uint8 BGR and its map (H, W) uint8 to a picture."""


def make_view(name: str, colormap: str | None = None, opacity: float = OPACITY) -> View:
    """The function that draws a view.

    Args:
        name: one of ``VIEWS``.
        colormap: one of ``COLORMAPS``; None is inferno, and grey for the view "map".
        opacity: how much of the frame is hidden: by the hottest heat, and in "alpha" where nothing is salient.

    Returns:
        A function that gives (H, W, 3) uint8 BGR, twice as wide for "side-by-side"; for "map" without a colormap the
        map itself, of whatever depth.
    """
    colours = colormap or "inferno"
    if name == "heat":
        return lambda frame, map_: draw_heat(frame, map_, colours, opacity)
    if name == "side-by-side":
        return lambda frame, map_: np.hstack([frame, cv2.applyColorMap(map_, heat_colours(colours))])
    if name == "contours":
        return lambda frame, map_: draw_contours(frame, map_, colours)
    if name == "alpha":
        return lambda frame, map_: light(frame, map_, opacity)
    if name == "map":
        return lambda frame, map_: map_ if colormap is None else cv2.applyColorMap(map_, heat_colours(colormap))
    raise ValueError(f"{name!r} is not one of {', '.join(VIEWS)}")


def draw_contours(frame: NDArray[np.uint8], map_: NDArray[np.uint8], colormap: str = "inferno") -> NDArray[np.uint8]:
    """Lines around the parts of a map at or above each of ``LEVELS``, in that level's colour on a dark rim."""
    drawn = frame.copy()
    thickness = max(round(min(frame.shape[:2]) / 240), 1)
    for level in LEVELS:
        lines, _ = cv2.findContours((map_ >= level).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        colour = tuple(map(int, heat_colours(colormap)[(level + 255) // 2, 0]))
        cv2.drawContours(drawn, lines, -1, (0, 0, 0), thickness + 2, cv2.LINE_AA)
        cv2.drawContours(drawn, lines, -1, colour, thickness, cv2.LINE_AA)
    return drawn


def light(frame: NDArray[np.uint8], map_: NDArray[np.uint8], opacity: float = OPACITY) -> NDArray[np.uint8]:
    """The frame as it is at 255, and darkened by ``opacity`` at 0."""
    kept = (255 * (1 - opacity) + opacity * np.arange(256)).round().astype(np.uint8)
    return cv2.multiply(frame, cv2.merge([cv2.LUT(map_, kept)] * 3), scale=1 / 255).astype(np.uint8, copy=False)
