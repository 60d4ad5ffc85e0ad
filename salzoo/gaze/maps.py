"""Fixation maps and density maps from fixated points.

Points are (x, y) in continuous pixels of the frame, from its upper left corner: column c spans x from c to c + 1, its
middle lies at c + 0.5. Files that count pixels from 1 give x − 0.5.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Points = NDArray[np.floating]
"""(n, 2) x and y."""

REACH = 5.0
"""Standard deviations at which a Gaussian ends: what lies beyond is less than 4e-6 of its peak."""


def inside(points: Points, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Which points (n, 2) lie within a frame of this height and width: (n,) bool, false for NaN."""
    height, width = size
    return np.asarray((points >= 0).all(1) & (points[:, 0] < width) & (points[:, 1] < height))


def clip_points(points: ArrayLike, size: tuple[int, int]) -> NDArray[np.float32]:
    """Points moved to the nearest place within a frame of this height and width, (n, 2) float32.

    >>> clip_points([[-3, 5.0], [640.4, 2.0]], (360, 640)).tolist()
    [[0.0, 5.0], [639.9999389648438, 2.0]]
    """
    limits = np.nextafter(np.array([size[1], size[0]], np.float32), np.float32(0))
    return np.clip(np.asarray(points, np.float32).reshape(-1, 2), 0, limits)


def fixation_map(points: Points, size: tuple[int, int]) -> NDArray[np.bool_]:
    """The fixated pixels of a frame: (height, width) bool. Points outside are left out.

    >>> fixation_map(np.array([[0.2, 1.9], [7.0, 0.0]]), (2, 3)).astype(int).tolist()
    [[0, 0, 0], [1, 0, 0]]
    """
    fixations = np.zeros(size, np.bool_)
    columns, rows = np.floor(points[inside(points, size)]).astype(np.intp).T
    fixations[rows, columns] = True
    return fixations


def gaussian_sum(
    points: Points, size: tuple[int, int], sigma: float, weights: ArrayLike | None = None
) -> NDArray[np.float32]:
    """The sum of a Gaussian of peak 1 at each point, at the middle of each pixel: (height, width) float32.

    A Gaussian of two dimensions is a column times a row, so that the sum over n points is the product of a
    (height, n) and an (n, width) matrix.

    Args:
        points: (n, 2) x and y; they may lie outside.
        size: (height, width).
        sigma: standard deviation in pixels.
        weights: (n,) of the points; 1 by default.
    """
    rows = _profile(points[:, 1], size[0], sigma)
    if weights is not None:
        rows *= np.asarray(weights, np.float32)[:, None]
    return np.asarray(rows.T @ _profile(points[:, 0], size[1], sigma), np.float32)


def density_map(
    points: Points, size: tuple[int, int], sigma: float, weights: ArrayLike | None = None
) -> NDArray[np.uint8]:
    """``gaussian_sum`` scaled to a maximum of 255, rounded: (height, width) uint8; zeros where no point is inside.

    Arguments as for ``gaussian_sum``; points outside the frame are left out.
    """
    kept = inside(points, size)
    if not kept.any():
        return np.zeros(size, np.uint8)
    total = gaussian_sum(points[kept], size, sigma, None if weights is None else np.asarray(weights)[kept])
    peak = float(total.max())
    if peak > 0:
        total *= 255 / peak  # in place, for a large map's copies take longer than its arithmetic
        np.rint(total, out=total)
    return total.astype(np.uint8)


def density_of_fixations(fixations: NDArray[np.bool_], sigma: float) -> NDArray[np.uint8]:
    """The ``density_map`` of a fixation map (height, width): a Gaussian at the middle of each fixated pixel."""
    rows, columns = np.nonzero(fixations)
    points = np.stack([columns, rows], 1).astype(np.float32) + np.float32(0.5)
    return density_map(points, (fixations.shape[0], fixations.shape[1]), sigma)


def join_observers(gaze: Sequence[Points]) -> Points:
    """The points of all observers, (n, 2)."""
    return np.concatenate([np.zeros((0, 2), np.float32), *gaze])


def _profile(at: Points, length: int, sigma: float) -> NDArray[np.float32]:
    """A Gaussian of peak 1 around each of n places, at the middles of ``length`` pixels: (n, length)."""
    away = (np.arange(length, dtype=np.float32) + np.float32(0.5) - at.astype(np.float32)[:, None]) / np.float32(sigma)
    return np.where(np.abs(away) <= REACH, np.exp(-0.5 * away * away), np.float32(0))


def lasting(start: NDArray[np.float64], duration: NDArray[np.float64], shown: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which fixations last, wholly or in part, while a frame is shown.

    Args:
        start, duration: (n,) of each fixation, in seconds.
        shown: (2,) when the frame begins and ends.

    >>> lasting(np.array([0.0, 0.5]), np.array([0.5, 0.2]), np.array([0.4, 0.5])).tolist()
    [True, False]
    """
    slack = 1e-5  # float32 holds 25 s to 2 microseconds
    return np.asarray((start < shown[1] - slack) & (start + duration > shown[0] + slack))
