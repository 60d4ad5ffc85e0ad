"""What shapes hold and cover, against slow and plain calculations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salzoo.interfaces import SalzooError
from salzoo.regions.region import Region, check_regions, distinct_names
from salzoo.regions.shapes import Ellipse, Mask, Polygon, Rectangle, Shape, mask_of, outline

SIZE = (24, 32)

number = st.floats(-5, 35, allow_nan=False).map(lambda value: round(value, 2))
side = st.floats(0.5, 20).map(lambda value: round(value, 2))
rectangles = st.builds(Rectangle, number, number, side, side)
ellipses = st.builds(Ellipse, number, number, side, side)
polygons = st.lists(st.tuples(number, number), min_size=3, max_size=7).map(lambda points: Polygon((tuple(points),)))
masks = st.builds(
    lambda seed, x, y: Mask(np.random.default_rng(seed).random((7, 5)) > 0.4, x, y),
    st.integers(0, 99),
    st.integers(-3, 28),
    st.integers(-3, 20),
)
shapes = st.one_of(rectangles, ellipses, polygons, masks)


def crossings(polygon: Polygon, x: float, y: float) -> bool:
    """The even-odd rule, written out."""
    inside = False
    for part in polygon.parts:
        for index, (x1, y1) in enumerate(part):
            x2, y2 = part[(index + 1) % len(part)]
            if (y1 <= y) != (y2 <= y) and x1 + (y - y1) * ((x2 - x1) / (y2 - y1)) <= x:
                inside = not inside
    return inside


@settings(max_examples=60, deadline=None)
@given(masks.filter(lambda mask: mask.area > 0))
def test_the_outline_of_a_mask_holds_what_it_holds(mask: Mask) -> None:
    found = outline(mask)
    points = np.stack(np.meshgrid(np.arange(-8, 40, 0.5), np.arange(-8, 32, 0.5)), -1).reshape(-1, 2)
    assert (found.holds(points) == mask.holds(points)).all()
    assert found.area == mask.area
    for part in found.parts:
        for one, other in zip(part, part[1:] + part[:1], strict=True):
            assert (one[0] == other[0]) != (one[1] == other[1])  # an edge of pixels


@settings(max_examples=60, deadline=None)
@given(shapes, st.lists(st.tuples(number, number), min_size=1, max_size=20))
def test_points_are_held_as_a_loop_says(shape: Shape, points: list[tuple[float, float]]) -> None:
    held = shape.holds(np.array(points))
    for (x, y), found in zip(points, held.tolist(), strict=True):
        match shape:
            case Rectangle():
                wanted = shape.x <= x < shape.x + shape.width and shape.y <= y < shape.y + shape.height
            case Ellipse():
                across = (x - shape.x - shape.width / 2) / (shape.width / 2)
                down = (y - shape.y - shape.height / 2) / (shape.height / 2)
                wanted = across**2 + down**2 <= 1
            case Polygon():
                wanted = crossings(shape, x, y)
            case Mask():
                row, column = int(np.floor(y)) - shape.y, int(np.floor(x)) - shape.x
                wanted = 0 <= row < 7 and 0 <= column < 5 and bool(shape.pixels[row, column])
        assert found == wanted


@settings(max_examples=60, deadline=None)
@given(shapes)
def test_what_is_covered_is_where_points_are_held(shape: Shape) -> None:
    """On a grid as fine as the frame, eight points a side: exact for masks, near the edge for the rest."""
    rows, columns, part = shape.cover(SIZE, SIZE)
    covered = np.zeros(SIZE)
    covered[rows, columns] = part
    fine = (np.arange(SIZE[1] * 8) + 0.5) / 8, (np.arange(SIZE[0] * 8) + 0.5) / 8
    points = np.stack(np.meshgrid(*fine), -1).reshape(-1, 2)
    wanted = shape.holds(points).reshape(SIZE[0], 8, SIZE[1], 8).mean((1, 3))
    assert covered.min() >= 0
    assert covered.max() <= 1 + 1e-9
    if isinstance(shape, Rectangle):  # exact, where eight points a side are not
        np.testing.assert_allclose(covered, wanted, atol=0.25)
        across = np.clip([shape.x, shape.x + shape.width], 0, SIZE[1])
        down = np.clip([shape.y, shape.y + shape.height], 0, SIZE[0])
        assert covered.sum() == pytest.approx(np.ptp(across) * np.ptp(down), abs=1e-9)
    else:
        np.testing.assert_allclose(covered, wanted, atol=1e-9)


def test_a_rectangle_covers_the_cells_of_a_coarser_grid_in_part() -> None:
    rows, columns, part = Rectangle(1, 0, 4, 6).cover((12, 16), (4, 4))
    assert (rows, columns) == (slice(0, 2), slice(0, 2))
    np.testing.assert_allclose(part, [[0.75, 0.25], [0.75, 0.25]])


def test_a_mask_covers_the_cells_of_a_grid_that_does_not_fit_its_pixels() -> None:
    mask = Mask(np.ones((6, 10), bool), 2, 3)
    wanted = Rectangle(2, 3, 10, 6)
    for grid in ((5, 7), (24, 32), (50, 33)):
        rows, columns, part = mask.cover(SIZE, grid)
        plain, exact = np.zeros(grid), np.zeros(grid)
        plain[rows, columns] = part
        rows, columns, part = wanted.cover(SIZE, grid)
        exact[rows, columns] = part
        np.testing.assert_allclose(plain, exact, atol=1e-9)


def test_regions_side_by_side_hold_a_point_on_their_edge_once() -> None:
    edge = np.array([[10.0, 4.0], [10.0, 0.0], [4.0, 8.0]])
    left, right = Rectangle(0, 0, 10, 8), Rectangle(10, 0, 10, 8)
    assert (left.holds(edge).astype(int) + right.holds(edge)).tolist() == [1, 1, 0]
    corners = ((0.0, 0.0), (10.0, 0.0), (10.0, 8.0), (0.0, 8.0))
    assert Polygon((corners,)).holds(edge).tolist() == left.holds(edge).tolist()


def test_a_region_moves_straight_and_is_absent_outside_its_times() -> None:
    places = (Rectangle(0, 0, 4, 4), Rectangle(10, 20, 8, 4), None, Rectangle(1, 1, 2, 2))
    region = Region("ball", places, (1.0, 3.0, 5.0, 6.0))
    assert region.at(0.99) is None
    assert region.at(1) == Rectangle(0, 0, 4, 4)
    assert region.at(2.5) == Rectangle(7.5, 15, 7, 4)
    assert region.at(4.9) == Rectangle(10, 20, 8, 4)  # it leaves for nowhere: it stays until then
    assert region.at(5.5) is None
    assert region.at(6) == Rectangle(1, 1, 2, 2)
    assert region.at(6.01) is None
    assert region.begin == 1


@pytest.mark.parametrize(
    ("places", "times", "message"),
    [
        ((Rectangle(0, 0, 1, 1), Rectangle(0, 0, 1, 1)), (1.0, 1.0), "must rise"),
        ((Rectangle(0, 0, 1, 1), Ellipse(0, 0, 1, 1)), (0.0, 1.0), "changes its shape"),
        ((Rectangle(0, 0, 1, 1),), (float("nan"),), "has a time"),
        ((None,), (0.0,), "never there"),
        ((), (), "no place"),
    ],
)
def test_places_that_make_no_sense_are_refused(
    places: tuple[Shape, ...], times: tuple[float, ...], message: str
) -> None:
    with pytest.raises(SalzooError, match=message):
        Region("r", places, times)


def test_regions_are_checked_against_their_frame() -> None:
    inside, outside = Region("a", (Rectangle(0, 0, 5, 5),)), Region("b", (Rectangle(40, 0, 5, 5),))
    check_regions([inside], SIZE, "x.png")
    with pytest.raises(SalzooError, match=r"'b' lies outside of x\.png, which is 32×24"):
        check_regions([inside, outside], SIZE, "x.png")
    with pytest.raises(SalzooError, match="two regions called 'a'"):
        check_regions([inside, inside], SIZE, "x.png")
    with pytest.raises(SalzooError, match="no region"):
        check_regions([], SIZE, "x.png")


def test_labels_that_repeat_are_numbered() -> None:
    here = (Rectangle(0, 0, 1, 1),)
    names = [Region(name, here) for name in ("cat", "dog", "cat", "cat 2", "cat")]
    assert [each.name for each in distinct_names(names)] == ["cat", "dog", "cat 3", "cat 2", "cat 4"]


def test_masks_lose_their_margins() -> None:
    pixels = np.zeros((9, 9), bool)
    pixels[2:5, 3:4] = True
    mask = mask_of(pixels, 10, 20)
    assert (mask.bounds, mask.area) == ((13, 22, 14, 25), 3)
