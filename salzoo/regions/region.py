"""A region: a name and a place, which may move."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from salzoo.interfaces.errors import SalzooError
from salzoo.regions.shapes import Ellipse, Mask, Points, Polygon, Rectangle, Shape

SAME = 1e-6
"""Seconds by which two times that mean one moment may differ: a frame's number over a rate, and its time in a file."""

PIXELS = 2**28
"""That the masks of one picture may have in all."""

MOST = 10_000
"""Regions that a file may hold for one picture or video."""


@dataclass(frozen=True)
class Region:
    """What a name stands for in a picture or video.

    Attributes:
        name: unique in its picture or video.
        places: its shapes; None where it is absent. Of a region that stays there is one.
        times: seconds from the first frame of each place, rising; none for a region that is there all the time. Between
            two places it moves straight, each corner for itself; from a place where it is absent it stays so until the
            next; before the first and after the last it is absent.
    """

    name: str
    places: tuple[Shape | None, ...]
    times: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.times:
            self._check_places()
        elif len(self.places) != 1 or self.places[0] is None:
            raise SalzooError(f"region {self.name!r} has no place, or several without times")

    def _check_places(self) -> None:
        if len(self.times) != len(self.places) or not np.isfinite(self.times).all() or self.times[0] < 0:
            raise SalzooError(f"region {self.name!r}: each place has a time in seconds, from 0 on")
        if any(later <= time for time, later in zip(self.times, self.times[1:], strict=False)):
            raise SalzooError(f"region {self.name!r}: the times of its places must rise, each one of its own")
        for place, following in zip(self.places, self.places[1:], strict=False):
            if place is not None and following is not None:
                blend(place, following, 0.5, self.name)
        if all(place is None for place in self.places):
            raise SalzooError(f"region {self.name!r} is never there")

    @property
    def moves(self) -> bool:
        return bool(self.times)

    @property
    def begin(self) -> float:
        """Seconds from which on it is there, for the first time."""
        there = (time for time, place in zip(self.times, self.places, strict=False) if place is not None)
        return next(there, 0.0)

    def at(self, time: float) -> Shape | None:
        """Its shape at a time in seconds; None where it is absent.

        >>> ball = Region("ball", (Rectangle(0, 0, 2, 2), Rectangle(8, 4, 2, 2)), (0.0, 2.0))
        >>> ball.at(0.5), ball.at(2.5)
        (Rectangle(x=2.0, y=1.0, width=2.0, height=2.0), None)
        """
        if not self.times:
            return self.places[0]
        index = bisect_right(self.times, time + SAME) - 1
        if index < 0 or time > self.times[-1] + SAME:
            return None
        place = self.places[index]
        following = self.places[index + 1] if index + 1 < len(self.places) else None
        if place is None or following is None or time <= self.times[index]:
            return place  # which holds until the region is absent
        return blend(place, following, (time - self.times[index]) / (self.times[index + 1] - self.times[index]))

    def holds(self, points: Points, times: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which points, (n, 2) x and y, lie in it, each at its time, (n,) seconds."""
        if not self.times:
            assert self.places[0] is not None
            return self.places[0].holds(points)
        found = np.zeros(len(points), bool)
        for moment in np.unique(times):
            shape, now = self.at(float(moment)), times == moment
            if shape is not None:
                found[now] = shape.holds(points[now])
        return found


def blend(place: Shape, following: Shape, part: float, name: str = "") -> Shape:
    """What lies between two shapes, ``part`` of the way. Raises SalzooError where they are not of one kind."""
    if isinstance(place, Rectangle | Ellipse) and type(place) is type(following):
        numbers = (
            (1 - part) * getattr(place, each) + part * getattr(following, each)
            for each in ("x", "y", "width", "height")
        )
        return type(place)(*numbers)
    if isinstance(place, Polygon) and isinstance(following, Polygon):
        counts = [[len(each) for each in polygon.parts] for polygon in (place, following)]
        if counts[0] == counts[1]:
            return Polygon(
                tuple(
                    tuple((x + part * (u - x), y + part * (v - y)) for (x, y), (u, v) in zip(one, other, strict=True))
                    for one, other in zip(place.parts, following.parts, strict=True)
                )
            )
    if isinstance(place, Mask) and place is following:
        return place
    raise SalzooError(
        f"region {name!r} changes its shape on the way: rectangles, ellipses, and polygons of as many corners can move"
    )


def check_regions(regions: list[Region], size: tuple[int, int], what: str) -> None:
    """Raise SalzooError where there are none, too many, two of one name, or one that never lies in the frame.

    Args:
        regions: of one picture or video.
        size: height and width of its frames.
        what: what it is called in the message.
    """
    if not regions:
        raise SalzooError(f"{what} has no region")
    if len(regions) > MOST:
        raise SalzooError(f"{what} has {len(regions):,} regions; {MOST:,} are the most that are measured at once")
    seen: set[str] = set()
    for region in regions:
        if region.name in seen:
            raise SalzooError(f"{what} has two regions called {region.name!r}")
        seen.add(region.name)
        if not any(shape is not None and _touches(shape, size) for shape in region.places):
            raise SalzooError(
                f"region {region.name!r} lies outside of {what}, which is {size[1]}×{size[0]}: regions are in pixels "
                "of the frame, from its upper left corner"
            )


def _touches(shape: Shape, size: tuple[int, int]) -> bool:
    left, top, right, bottom = shape.bounds
    return left < size[1] and top < size[0] and right > 0 and bottom > 0


def collect(named: Iterable[tuple[str, Shape]], path: Path) -> list[Region]:
    """Regions that stay where they are, of labels that may repeat, read one by one.

    Raises SalzooError where there are more of them than are measured, or their masks would fill the memory.
    """
    regions: list[Region] = []
    pixels = 0
    for name, shape in named:
        pixels += shape.pixels.size if isinstance(shape, Mask) else 0
        if pixels > PIXELS or len(regions) > 100 * MOST:
            raise SalzooError(f"{path} holds more regions, or larger masks, than fit into memory")
        regions.append(Region(name, (shape,)))
    return distinct_names(regions)


def distinct_names(regions: list[Region]) -> list[Region]:
    """Regions of which those of one name are numbered ("person", "person 2", …), as labels of other tools repeat."""
    taken = {region.name for region in regions}
    seen: dict[str, int] = {}
    named: list[Region] = []
    for region in regions:
        count = seen.get(region.name, 0) + 1
        seen[region.name] = count
        if count > 1:
            while f"{region.name} {count}" in taken:
                count += 1
            taken.add(f"{region.name} {count}")
            seen[region.name] = count
            region = replace(region, name=f"{region.name} {count}")
        named.append(region)
    return named
