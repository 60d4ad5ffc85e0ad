"""Numbers from outside, checked, as shapes."""

from collections.abc import Sequence
from typing import Any

from salzoo.interfaces.errors import SalzooError
from salzoo.regions.shapes import Ellipse, Polygon, Rectangle

CORNERS = 100_000
"""That a polygon may have."""


def check_number(value: Any, what: str) -> float:
    """A finite number below a million. Raises SalzooError, saying what it is, for any other value."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise SalzooError(f"{what} must be a number, not {str(value)[:40]!r}") from error
    if isinstance(value, bool) or not abs(number) < 1e6:
        raise SalzooError(f"{what} must be a number below a million, not {str(value)[:40]!r}")
    return number


def box(kind: type[Rectangle] | type[Ellipse], numbers: Sequence[Any], where: str) -> Rectangle | Ellipse:
    """A rectangle or ellipse of x, y, width and height.

    Args:
        kind: which of the two.
        numbers: the four.
        where: file and line, for messages.

    Raises:
        SalzooError: one is no number, or it has no area.
    """
    names = ("x", "y", "width", "height")
    x, y, width, height = (check_number(each, f"{where}: {name}") for name, each in zip(names, numbers, strict=True))
    if not (width > 0 and height > 0):
        raise SalzooError(f"{where}: the {kind.__name__.lower()} has no area: its width and height must be above 0")
    return kind(x, y, width, height)


def polygon(parts: Sequence[Sequence[Sequence[Any]]], where: str) -> Polygon:
    """A polygon of closed lines of points x, y.

    Raises SalzooError where a point is none, or it has no area.
    """
    if sum(map(len, parts)) > CORNERS:
        raise SalzooError(f"{where}: the polygon has more than {CORNERS:,} corners; draw a mask instead")
    corners = []
    for part in parts:
        points = [tuple(point) for point in part]
        if any(len(point) != 2 for point in points):
            raise SalzooError(f"{where}: a corner of a polygon is two numbers, x and y")
        corners.append(tuple((check_number(x, f"{where}: x"), check_number(y, f"{where}: y")) for x, y in points))
    found = Polygon(tuple(corners))
    if not corners or min(map(len, corners)) < 3 or not found.area > 0:
        raise SalzooError(f"{where}: the polygon has no area")
    return found
