"""Shapes in a frame: which points they hold, and how much of each cell of a grid they cover.

Points are (x, y) in continuous pixels from the upper left corner: column c spans x from c to c + 1. Shapes that fill a
plane without gap or overlap hold each point once: of a rectangle the left and upper edges belong to it, and so do those
edges of a polygon that have it on their right or below. A polygon that crosses itself holds what is enclosed an odd
number of times.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

FINE = 8
"""Into how many parts each side of a cell is cut to find what a shape other than a rectangle covers of it."""

Points = NDArray[np.float64]
Covered = tuple[slice, slice, NDArray[np.float64]]
"""Rows and columns of a grid, and the part of each of those cells that is covered, from 0 to 1."""


class Shape(Protocol):
    """What a region is at a moment."""

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom."""

    @property
    def area(self) -> float:
        """In square pixels, what lies outside the frame included."""

    def holds(self, points: Points) -> NDArray[np.bool_]:
        """Which of the points, (n, 2) x and y, lie in it: (n,)."""

    def cover(self, size: tuple[int, int], grid: tuple[int, int]) -> Covered:
        """The part of each cell that it covers.

        Args:
            size: height and width of the frame.
            grid: rows and columns of the grid that covers the frame.
        """


@dataclass(frozen=True)
class _Upright:
    """What lies between x and x + width, y and y + height."""

    x: float
    y: float
    width: float
    height: float

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        return self.x, self.y, self.x + self.width, self.y + self.height


@dataclass(frozen=True)
class Rectangle(_Upright):
    """From x to x + width, from y to y + height; the right and lower edges do not belong to it.

    >>> Rectangle(0, 0, 2, 1).holds(np.array([[0.0, 0.0], [1.9, 0.9], [2.0, 0.5]])).tolist()
    [True, True, False]
    >>> rows, columns, part = Rectangle(1, 1, 2, 1).cover((4, 4), (2, 2))
    >>> rows, columns, part.tolist()
    (slice(0, 1, None), slice(0, 2, None), [[0.25, 0.25]])
    """

    @property
    def area(self) -> float:
        return self.width * self.height

    def holds(self, points: Points) -> NDArray[np.bool_]:
        left, top, right, bottom = self.bounds
        x, y = points.T
        found: NDArray[np.bool_] = (x >= left) & (x < right) & (y >= top) & (y < bottom)
        return found

    def cover(self, size: tuple[int, int], grid: tuple[int, int]) -> Covered:
        left, top, right, bottom = self.bounds
        down = _cover_axis(top * grid[0] / size[0], bottom * grid[0] / size[0], grid[0])
        across = _cover_axis(left * grid[1] / size[1], right * grid[1] / size[1], grid[1])
        return down[0], across[0], np.outer(down[1], across[1])


@dataclass(frozen=True)
class Ellipse(_Upright):
    """The ellipse that fills a rectangle; its edge belongs to it."""

    @property
    def area(self) -> float:
        return np.pi / 4 * self.width * self.height

    def holds(self, points: Points) -> NDArray[np.bool_]:
        half = np.array([self.width, self.height]) / 2
        away = (points - (self.x + half[0], self.y + half[1])) / half
        inside: NDArray[np.bool_] = (away**2).sum(1) <= 1
        return inside

    def cover(self, size: tuple[int, int], grid: tuple[int, int]) -> Covered:
        return _sample(self, size, grid)


@dataclass(frozen=True)
class Polygon:
    """The corners of one or more closed lines, each (n, 2) x and y in order; even-odd.

    >>> triangle = Polygon((((0, 0), (4, 0), (0, 4)),))
    >>> triangle.area, triangle.holds(np.array([[1.0, 1.0], [3.0, 3.0]])).tolist()
    (8.0, [True, False])
    """

    parts: tuple[tuple[tuple[float, float], ...], ...]

    @cached_property
    def bounds(self) -> tuple[float, float, float, float]:
        corners = np.array([corner for part in self.parts for corner in part])
        return (*map(float, corners.min(0)), *map(float, corners.max(0)))  # type: ignore[return-value]

    @cached_property
    def area(self) -> float:
        """That of its lines; of one that crosses itself, what turns the other way is taken off."""
        return abs(sum(_signed_area(np.array(part, float)) for part in self.parts))

    def holds(self, points: Points) -> NDArray[np.bool_]:
        inside = np.zeros(len(points), bool)
        x, y = points.T
        for part in self.parts:
            corners = np.array(part, float)
            for (x1, y1), (x2, y2) in zip(corners, np.roll(corners, -1, 0), strict=True):
                if y1 == y2:
                    continue
                beside = (y1 <= y) != (y2 <= y)
                inside ^= beside & (x >= x1 + (y - y1) * ((x2 - x1) / (y2 - y1)))
        return inside

    def cover(self, size: tuple[int, int], grid: tuple[int, int]) -> Covered:
        return _sample(self, size, grid)


@dataclass(frozen=True, eq=False)
class Mask:
    """The true pixels of an array (h, w) whose upper left corner lies at a pixel of the frame."""

    pixels: NDArray[np.bool_]
    x: int = 0
    y: int = 0

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        height, width = self.pixels.shape
        return float(self.x), float(self.y), float(self.x + width), float(self.y + height)

    @cached_property
    def area(self) -> float:
        return float(self.pixels.sum())

    def holds(self, points: Points) -> NDArray[np.bool_]:
        height, width = self.pixels.shape
        columns, rows = np.floor(np.clip(points, -1e6, 1e6)).astype(int).T - np.array([[self.x], [self.y]])
        within = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
        found = np.zeros(len(points), bool)
        found[within] = self.pixels[rows[within], columns[within]]
        return found

    def cover(self, size: tuple[int, int], grid: tuple[int, int]) -> Covered:
        left, top, right, bottom = (int(each) for each in self.bounds)
        first_row, end_row = max(top, 0), min(bottom, size[0])
        first_column, end_column = max(left, 0), min(right, size[1])
        if end_row <= first_row or end_column <= first_column:
            return slice(0, 0), slice(0, 0), np.zeros((0, 0))
        part = self.pixels[first_row - top : end_row - top, first_column - left : end_column - left]
        down, rows = _cells_of(first_row, end_row, size[0], grid[0])
        across, columns = _cells_of(first_column, end_column, size[1], grid[1])
        return rows, columns, down @ part.astype(np.float64) @ across.T


def outline(mask: Mask) -> Polygon:
    """The polygon that holds what a mask holds: the edges of its pixels, a part for each island, and one for each hole,
    which turns the other way round.

    >>> outline(Mask(np.array([[True, True], [True, False]]), x=3)).parts
    (((3.0, 0.0), (5.0, 0.0), (5.0, 1.0), (4.0, 1.0), (4.0, 2.0), (3.0, 2.0)),)
    """
    pixels = np.pad(mask.pixels, 1)
    upper, lower = pixels[:-1, :-1] != pixels[:-1, 1:], pixels[1:, :-1] != pixels[1:, 1:]  # edges that end in a point
    crossed = upper & lower & (pixels[:-1, :-1] != pixels[1:, :-1])  # where two parts touch: a corner of each
    corners = np.argwhere((upper != lower) | crossed)
    corners = corners.repeat(1 + crossed[tuple(corners.T)], axis=0)
    down = np.empty(len(corners), np.intp)
    columns = np.lexsort(corners.T)  # of corners in a row, and so in a column, two each are ends of one edge
    down[columns[::2]], down[columns[1::2]] = columns[1::2], columns[::2]
    points: list[tuple[float, float]] = [(float(mask.x + x), float(mask.y + y)) for y, x in corners.tolist()]
    parts: list[tuple[tuple[float, float], ...]] = []
    left = np.ones(len(corners), bool)
    for first in range(len(corners)):
        at, part = first, list[tuple[float, float]]()
        while left[at]:
            part += points[at], points[at ^ 1]
            left[at] = left[at ^ 1] = False
            at = down[at ^ 1]
        if part:
            parts.append(tuple(part if pixels[tuple(corners[first] + 1)] else part[::-1]))
    return Polygon(tuple(parts))


def _cover_axis(begin: float, end: float, cells: int) -> tuple[slice, NDArray[np.float64]]:
    """The cells of a row that begin..end touches, and how much of each lies in it."""
    begin, end = min(max(begin, 0.0), cells), min(max(end, 0.0), cells)
    first, last = int(begin), int(np.ceil(end))
    edges = np.clip(np.arange(first, last + 1), begin, end)
    return slice(first, max(first, last)), np.diff(edges)


def _cells_of(begin: int, end: int, pixels: int, cells: int) -> tuple[NDArray[np.float64], slice]:
    """The part of each cell of a row that pixels begin..end−1 cover, one by one, (cells, pixels), and which cells."""
    edges = np.arange(begin, end + 1) * (cells / pixels)
    first, last = int(edges[0]), min(int(np.ceil(edges[-1] - 1e-9)), cells)
    cell = np.arange(first, last)[:, None]
    parts = np.minimum(edges[1:], cell + 1) - np.maximum(edges[:-1], cell)
    return np.clip(parts, 0, None), slice(first, last)


def _sample(shape: Shape, size: tuple[int, int], grid: tuple[int, int]) -> Covered:
    """What a shape covers of each cell, by the centres of its FINE × FINE parts."""
    scale = grid[1] / size[1], grid[0] / size[0]
    left, top, right, bottom = shape.bounds
    rows, _ = _cover_axis(top * scale[1], bottom * scale[1], grid[0])
    columns, _ = _cover_axis(left * scale[0], right * scale[0], grid[1])
    down = (np.arange(rows.start * FINE, rows.stop * FINE) + 0.5) / (FINE * scale[1])
    across = (np.arange(columns.start * FINE, columns.stop * FINE) + 0.5) / (FINE * scale[0])
    if isinstance(shape, Polygon):
        fine = _fill(shape, across, down)
    else:
        fine = shape.holds(np.stack(np.meshgrid(across, down), -1).reshape(-1, 2)).reshape(len(down), len(across))
    parts = fine.reshape(rows.stop - rows.start, FINE, columns.stop - columns.start, FINE)
    return rows, columns, parts.mean((1, 3), dtype=np.float64)


def _fill(polygon: Polygon, across: NDArray[np.float64], down: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points of a lattice lie in a polygon, line by line: what ``holds`` says, at a cost that does not grow with
    corners times points."""
    changes = np.zeros((len(down), len(across) + 1), bool)
    for part in polygon.parts:
        corners = np.array(part, float)
        for (x1, y1), (x2, y2) in zip(corners, np.roll(corners, -1, 0), strict=True):
            first, end = np.searchsorted(down, sorted((y1, y2)))
            if first == end:
                continue
            crossed = x1 + (down[first:end] - y1) * ((x2 - x1) / (y2 - y1))
            changes[np.arange(first, end), np.searchsorted(across, crossed)] ^= True
    filled: NDArray[np.bool_] = np.logical_xor.accumulate(changes, 1)[:, :-1]
    return filled


def _signed_area(corners: NDArray[np.float64]) -> float:
    x, y = (corners - corners[0]).T
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def mask_of(pixels: NDArray[np.bool_], x: int = 0, y: int = 0) -> Mask:
    """A mask without the empty margins of its array, whose upper left corner lies at a pixel of the frame."""
    left, top, width, height = cv2.boundingRect(pixels.astype(np.uint8))
    return Mask(pixels[top : top + height, left : left + width].copy(), x + left, y + top)  # and not all of it
