"""The part of a frame that keeps most attention, as a window of one shape that moves smoothly."""

import math
import re
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from salzoo.interfaces.errors import SalzooError
from salzoo.video.cuts import Thumbnail, is_cut, thumbnail

AVERAGED = 0.5
"""Seconds over which attention is averaged before the window is placed."""

HASTE = 4.0
"""Of the critically damped spring that draws the window to its place, a second: half way takes 0.4 s."""

ENOUGH = 0.95
"""The window stands still while it keeps this share of what the best one would."""


def parse_aspect(text: str) -> Fraction:
    """Width over height, from "9:16". Raises SalzooError for what is none, or thinner than 1 to 20.

    >>> parse_aspect("9:16")
    Fraction(9, 16)
    """
    match = re.fullmatch(r"([1-9]\d{0,4}):([1-9]\d{0,4})", text, re.ASCII)
    aspect = Fraction(int(match[1]), int(match[2])) if match else Fraction(0)
    if not Fraction(1, 20) <= aspect <= 20:
        raise SalzooError(f"{text[:40]!r} is no shape of a picture: write WIDTH:HEIGHT, such as 9:16")
    return aspect


def crop_size(size: tuple[int, int], aspect: Fraction, pixel_aspect: Fraction = Fraction(1)) -> tuple[int, int]:
    """The largest window (height, width) of an aspect in a frame of a size, even on both sides where that can be.

    >>> crop_size((720, 1280), Fraction(9, 16)), crop_size((720, 1280), Fraction(21, 9))
    ((720, 404), (548, 1280))
    """
    height, width = size
    wide = min(int(height * aspect / pixel_aspect), width)
    high = min(int(width * pixel_aspect / aspect), height)
    return max(high // 2 * 2, 1), max(wide // 2 * 2, 1)


class CropWindow:
    """A window that follows attention through a video.

    Args:
        size: (height, width) of the window.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size
        self._average: list[NDArray[np.float64]] = []
        self._axes = [_Axis(side) for side in size]
        self._time = 0.0
        self._small: Thumbnail | None = None

    def crop(self, image: NDArray[np.uint8], map_: NDArray[np.float32], time: float) -> NDArray[np.uint8]:
        """The part of the next frame that the window shows.

        Args:
            image: (H, W, 3), at least as large as the window.
            map_: its map, (h, w) of any size.
            time: of the frame, in seconds.
        """
        top, left = self.place(image, map_, time)
        height, width = self.size
        return np.ascontiguousarray(image[top : top + height, left : left + width])

    def place(self, image: NDArray[np.uint8], map_: NDArray[np.float32], time: float) -> tuple[int, int]:
        """The window's upper left corner, (row, column), in the next frame; see ``crop``."""
        small = thumbnail(image)
        begins = self._small is None or is_cut(self._small, small)  # of a scene
        passed = max(time - self._time, 0.0)
        self._small, self._time = small, time
        along = [map_.sum(1 - axis, dtype=np.float64) for axis in (0, 1)]
        if begins:
            self._average = along
        else:
            keep = math.exp(-passed / AVERAGED)
            self._average = [keep * old + (1 - keep) * new for old, new in zip(self._average, along, strict=True)]
        pairs = zip(self._axes, self._average, image.shape[:2], strict=True)
        top, left = (axis.follow(mass, length, math.inf if begins else passed) for axis, mass, length in pairs)
        return top, left


class _Axis:
    """Where a window of one side begins along one axis of the frames."""

    def __init__(self, side: int) -> None:
        self.side, self.at, self.speed = side, 0.0, 0.0

    def follow(self, mass: NDArray[np.float64], length: int, passed: float) -> int:
        """Go towards where most of the mass is kept, for some seconds; without end, be there."""
        free = length - self.side
        if free <= 0:
            return 0
        total = np.concatenate([[0.0], np.cumsum(mass)])
        upto = np.interp(np.arange(length + 1) * (len(mass) / length), np.arange(len(total)), total)
        kept = upto[self.side :] - upto[: -self.side]
        best = np.flatnonzero(kept >= kept.max() * (1 - 1e-9))
        wanted = float(best[np.abs(best - free / 2).argmin()])  # of equals, the one nearest to the middle
        if passed == math.inf:
            self.at, self.speed = wanted, 0.0
            return round(wanted)
        if kept[round(self.at)] >= ENOUGH * kept.max():
            wanted = self.at
        off = self.at - wanted
        change = (self.speed + HASTE * off) * passed
        left = math.exp(-HASTE * passed)
        self.at = min(max(wanted + (off + change) * left, 0.0), float(free))
        self.speed = (self.speed - HASTE * change) * left
        return round(self.at)
