"""What a saliency map says of regions."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from salzoo.regions.shapes import Shape

NAMES = ("share", "area", "distance", "rank", "peak")
"""Of the numbers of a region, in order: the share of the map's sum that lies within; the share of the frame
that it covers; the distance of its middle from the frame's, over half the diagonal; the share of the frame that is less
salient than its peak; its peak, over the frame's."""

Map = NDArray[np.float32]


def see_regions(map_: Map, shapes: Sequence[Shape | None], size: tuple[int, int]) -> NDArray[np.float64]:
    """Measure regions on a map.

    Args:
        map_: (h, w), at least 0, of any size: it covers the frame.
        shapes: of the regions, in pixels of the frame; None for one that is absent.
        size: height and width of the frame.

    Returns:
        (regions, 5): ``NAMES``; NaN for a region that is absent, or outside of the frame. A cell of
        the map counts by the part that the region covers. Of a map of zeros, every cell counts alike.

    >>> from salzoo.regions.shapes import Rectangle
    >>> map_ = np.zeros((4, 8), np.float32)
    >>> map_[1, 2] = map_[1, 4] = 0.5
    >>> see_regions(map_, [Rectangle(0, 0, 3, 4)], (4, 8))[0, :2].tolist()
    [0.5, 0.375]
    """
    values = map_.astype(np.float64)
    if not values.sum() > 0:
        values = np.ones_like(values)
    total, largest = float(values.sum()), float(values.max())
    ordered = np.sort(values, axis=None)
    found = np.full((len(shapes), len(NAMES)), np.nan)
    for index, shape in enumerate(shapes):
        if shape is None:
            continue
        rows, columns, part = shape.cover(size, values.shape)
        covered = float(part.sum())
        if not covered > 0:
            continue
        within = values[rows, columns]
        down = part.sum(1) @ (np.arange(rows.start, rows.stop) + 0.5) / covered / values.shape[0]
        across = part.sum(0) @ (np.arange(columns.start, columns.stop) + 0.5) / covered / values.shape[1]
        peak = float(within[part > 0].max())
        found[index] = (
            min(float((within * part).sum()) / total, 1.0),
            covered / values.size,
            float(np.hypot(across - 0.5, down - 0.5) / np.hypot(0.5, 0.5)),
            float(np.searchsorted(ordered, peak)) / values.size,
            peak / largest,
        )
    return found
