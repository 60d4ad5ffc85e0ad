"""What people looked at, against an independent loop over every hundredth of a second."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salzoo.data import open_dataset
from salzoo.interfaces import SalzooError, Viewing
from salzoo.regions.people import MEASURES, Look, find_items, measure_items, measure_people, summarize
from salzoo.regions.reading import read_regions
from salzoo.regions.region import Region
from salzoo.regions.shapes import Ellipse, Rectangle


def plain(viewing: Viewing, regions: list[Region], index: int) -> dict[str, float | None]:
    """The measures of a region, written out; None where missing."""
    region = regions[index]
    rows = [tuple(row) for row in viewing.fixations.tolist()]

    def inside(where: Region, start: float, duration: float, x: float, y: float) -> tuple[list[bool], list[bool]]:
        moments = [(number + 0.5) / 100 for number in range(1000) if start <= (number + 0.5) / 100 < start + duration]
        moments = moments or [(math.ceil(start * 100 - 0.5) + 0.5) / 100]
        shapes = [where.at(moment) for moment in moments]
        return [s is not None and bool(s.holds(np.array([[x, y]]))[0]) for s in shapes], [s is not None for s in shapes]

    def first_of(where: Region) -> float | None:
        begins = []
        for start, duration, x, y in rows:
            held, _ = inside(where, start, duration, x, y)
            if any(held):
                first = math.ceil(start * 100 - 0.5) + held.index(True)
                begins.append(max(start, first / 100) if where.times else start)
        return min(begins, default=None)

    looks = [inside(region, *row) for row in rows]
    on = [any(held) for held, _ in looks]
    dwell = sum(row[1] * sum(held) / len(held) for row, (held, _) in zip(rows, looks, strict=True))
    time = sum(row[1] * sum(there) / len(there) for row, (_, there) in zip(rows, looks, strict=True))
    present = sum(any(there) for _, there in looks)
    if not present:
        return dict.fromkeys(MEASURES)
    entries = sum(now and (number == 0 or not on[number - 1]) for number, now in enumerate(on))
    firsts = [first_of(each) for each in regions]
    own = firsts[index]
    begin = next((t for t, place in zip(region.times, region.places, strict=False) if place is not None), 0.0)
    return {
        "fixations": sum(on),
        "dwell_s": dwell,
        "share_fixations": sum(on) / present,
        "share_dwell": dwell / time,
        "entries": entries,
        "revisits": entries - 1 if entries else None,
        "first_s": None if own is None else max(own - begin, 0),
        "first_duration_s": rows[on.index(True)][1] if any(on) else None,
        "order": None if own is None else 1 + sum(other is not None and other < own for other in firsts),
    }


hundredths = st.integers(0, 60).map(lambda value: value / 100)
places = st.builds(Rectangle, st.integers(0, 30), st.integers(0, 30), st.integers(5, 30), st.integers(5, 30))
moving = st.builds(
    lambda shapes, gaps: Region("moving", tuple(shapes), tuple(np.cumsum(gaps[: len(shapes)]).tolist())),
    st.lists(places | st.none(), min_size=1, max_size=4).filter(any),
    st.lists(st.integers(10, 90).map(lambda value: value / 100), min_size=4, max_size=4),
)


@st.composite
def recordings(draw: st.DrawFn) -> list[Viewing]:
    viewings = []
    for observer in range(draw(st.integers(1, 4))):
        rows, time = [], 0.003
        for _ in range(draw(st.integers(0, 8))):
            time += draw(hundredths)
            duration = draw(st.integers(1, 40)) / 100
            rows.append((time, duration, draw(st.integers(-2, 62)) / 1.5, draw(st.integers(-2, 62)) / 1.5))
            time += duration
        viewings.append(Viewing(f"p{observer}", np.array(rows).reshape(-1, 4)))
    return viewings


@settings(max_examples=20)
@given(recordings(), st.lists(places, min_size=1, max_size=3), moving)
def test_measures_equal_a_plain_loop(viewings: list[Viewing], shapes: list[Rectangle], moving: Region) -> None:
    regions = [*(Region(f"r{number}", (shape,)) for number, shape in enumerate(shapes)), moving]
    looks = measure_people(viewings, regions, "film")
    assert len(looks) == len(viewings) * len(regions)
    for number, look in enumerate(looks):
        region, viewing = divmod(number, len(viewings))
        assert (look.region, look.observer) == (regions[region].name, viewings[viewing].observer)
        for name, wanted in plain(viewings[viewing], regions, region).items():
            value = getattr(look, name)
            assert math.isnan(value) if wanted is None else math.isclose(value, wanted, abs_tol=1e-9), (
                name,
                wanted,
                value,
            )


def one(rows: list[tuple[float, float, float, float]], *regions: Region) -> list[Look]:
    return measure_people([Viewing("anna", np.array(rows))], regions)


def test_a_fixation_on_an_edge_is_on_the_region_that_begins_there() -> None:
    left, right = one(
        [(0, 0.2, 10, 5)], Region("a", (Rectangle(0, 0, 10, 9),)), Region("b", (Rectangle(10, 0, 10, 9),))
    )
    assert (left.fixations, right.fixations) == (0, 1)


def test_a_fixation_in_two_regions_counts_for_both() -> None:
    both = one([(0.5, 0.2, 5, 5)], Region("a", (Rectangle(0, 0, 10, 9),)), Region("b", (Ellipse(0, 0, 10, 10),)))
    assert [look.fixations for look in both] == [1, 1]
    assert [look.order for look in both] == [1, 1]


def test_a_region_that_comes_by_is_looked_at_while_it_is_there() -> None:
    """It moves by 10 pixels a second past a gaze that rests at x = 15, from 0 to 3 s: there from 0.5 to 1.5 s."""
    region = Region("ball", (Rectangle(0, 0, 10, 10), Rectangle(30, 0, 10, 10)), (0.0, 3.0))
    (look,) = one([(0, 3, 15, 5)], region)
    assert look.fixations == 1
    assert math.isclose(look.dwell_s, 1.0, abs_tol=0.011)
    assert math.isclose(look.share_dwell, 1 / 3, abs_tol=0.004)
    assert math.isclose(look.first_s, 0.5, abs_tol=0.011)


def test_time_counts_from_when_a_region_is_there() -> None:
    region = Region("late", (Rectangle(0, 0, 10, 10), Rectangle(0, 0, 10, 10)), (2.0, 4.0))
    (look,) = one([(0, 1, 5, 5), (1.8, 0.4, 5, 5), (3, 0.5, 50, 5)], region)
    assert look.first_s == 0  # the gaze was there already
    (look,) = one([(0, 1, 5, 5), (2.5, 0.4, 5, 5)], region)
    assert look.first_s == 0.5
    assert look.share_fixations == 1  # of the one that lasts while it is there


def test_what_never_happened_is_missing_and_not_zero() -> None:
    (look,) = one([(0, 0.2, 50, 50)], Region("a", (Rectangle(0, 0, 10, 9),)))
    assert (look.fixations, look.dwell_s, look.share_dwell, look.entries) == (0, 0, 0, 0)
    assert all(math.isnan(each) for each in (look.revisits, look.first_s, look.first_duration_s, look.order))
    (blind,) = measure_people([Viewing("anna", np.zeros((0, 4)))], [Region("a", (Rectangle(0, 0, 10, 9),))])
    assert all(math.isnan(getattr(blind, name)) for name in MEASURES)


def test_summaries_are_means_of_observers_with_bounds() -> None:
    region = [Region("a", (Rectangle(0, 0, 10, 10),))]
    looked, did_not = np.array([[0.5, 0.2, 5, 5]]), np.array([[0.5, 0.2, 50, 50]])
    viewings = [Viewing("anna", looked), Viewing("anna", did_not, 2), Viewing("ben", did_not)]
    found = {each.measure: each for each in summarize(measure_people(viewings, region))}
    assert (found["looked"].mean, found["looked"].observers) == (0.25, 2)  # of anna's two viewings one
    assert math.isnan(found["looked"].low)  # two say nothing of others
    assert (found["first_s"].mean, found["first_s"].observers) == (0.5, 1)
    many = [Viewing(str(number), looked if number % 2 else did_not) for number in range(20)]
    looks = {each.measure: each for each in summarize(measure_people(many, region))}["looked"]
    assert looks.mean == 0.5
    assert 0.2 < looks.low < 0.4 < 0.6 < looks.high < 0.8  # a coin of 20 has a standard error of 0.11


def test_a_data_set_by_item(tiny_gaze: Path, tmp_path: Path) -> None:
    path = tmp_path / "regions.csv"
    path.write_text("name,x,y,width,height,file\nleft,0,0,30,48,\nright,40,0,24,48,1003.jpg\n")
    file = read_regions(path)
    data = open_dataset("osie", tiny_gaze)
    looks = measure_items(find_items(data, ["1001", "1003"], file), file)
    assert [(look.item, look.region, look.observer, look.fixations) for look in looks] == [
        ("1001", "left", "1", 1),
        ("1001", "left", "2", 0),
        ("1003", "left", "1", 1),
        ("1003", "left", "2", 0),
        ("1003", "right", "1", 0),
        ("1003", "right", "2", 1),
    ]
    assert len(measure_items(find_items(data, ["all"], file), file)) == 15 * 2 + 2
    with pytest.raises(SalzooError, match="no item 'x'"):
        find_items(data, ["x"], file)


def test_a_set_without_observers_is_refused(tiny_data: Path, tmp_path: Path) -> None:
    path = tmp_path / "regions.csv"
    path.write_text("name,x,y,width,height\nleft,0,0,30,48\n")
    with pytest.raises(SalzooError, match="does not tell observers"):
        measure_items(open_dataset("synthetic", tiny_data).videos, read_regions(path))
