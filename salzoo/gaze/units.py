"""What a table's columns and values say about how it was recorded, where the user does not."""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from salzoo.gaze.columns import SECONDS, Hint, Role
from salzoo.gaze.setup import Setup, Size
from salzoo.gaze.tables import Table
from salzoo.gaze.viewings import Viewing
from salzoo.interfaces.errors import SalzooError

SLOWEST, FASTEST = 20.0, 5000.0
"""Samples per second that a tracker takes; they tell the unit of times that say none."""

BRIEFEST, LONGEST = 0.04, 4.0
"""Seconds between which the median duration of fixations lies; they tell its unit."""

LONGEST_STATED = 30.0
"""The same where the unit is stated: who is asked to look at one point does so for seconds."""

FEW = 60
"""Rows of a viewing, in the median, up to which rows without any times are fixations in their order, not samples."""


def settle_places(table: Table, setup: Setup) -> Setup:
    """The setup with nothing left open of what the places in a table need, nor of its clock.

    Raises:
        SalzooError: nothing tells the screen's size, or the values cannot be in these units.
    """
    x, time = _hint(table, "x"), _hint(table, "time")
    header = table.columns["x"][0].header
    if x.space in ("stimulus", "surface") and setup.screen is not None:
        raise SalzooError(f"the column {header!r} of {table.path} is measured on the stimulus: leave out --screen")
    screen = setup.screen
    if x.space == "screen" and screen is None:
        screen = _screen_in(table)
        if screen is None:
            raise SalzooError(
                f"the column {header!r} of {table.path} is measured on the screen: name its size, such as --screen "
                "1920x1080, and where the stimuli were on it (--placement)"
            )
    units = setup.units or x.unit or "pixels"
    _check_places(table, units)
    return replace(
        setup,
        units=units,
        screen=screen,
        origin=setup.origin or x.origin or "upper-left",
        time_unit=setup.time_unit or time.unit,
        clock=setup.clock or ("recording" if setup.start is not None else time.clock or "onset"),
    )


def settle_times(table: Table, viewings: Sequence[Viewing], settled: Setup) -> Setup:
    """The same for the times.

    Raises:
        SalzooError: columns that are needed are missing, nothing tells a unit, or the values cannot be in these units.
    """
    if table.rows == "fixations":
        return _settle_durations(table, viewings, settled)
    return _settle_samples(table, viewings, settled)


def in_order_alone(table: Table, viewings: Sequence[Viewing]) -> bool:
    """Whether rows without any times are fixations in their order, as sets of images have them: they are few."""
    if table.rows != "samples" or "time" in table.columns or not viewings:
        return False
    return table.columns["x"][0].hint.event or float(np.median([len(each.rows) for each in viewings])) <= FEW


def _hint(table: Table, role: Role) -> Hint:
    column = table.column(role)
    return column.hint if column else Hint()


def _screen_in(table: Table) -> Size | None:
    """The size of the screen that the table itself states."""
    if table.screen:
        return table.screen
    texts = [
        f"{width} x {height}"
        for width, height in zip(_first(table, "screen_width"), _first(table, "screen_height"), strict=False)
    ]
    for text in texts + _first(table, "screen"):
        match = re.fullmatch(r"\s*(\d+)(?:\.0*)?\s*[x×,; ]\s*(\d+)(?:\.0*)?\s*", text)
        if match:
            return int(match[2]), int(match[1])
    return None


def _first(table: Table, role: Role) -> list[str]:
    """The one name of a column that has the same in all rows."""
    names = table.name(role)
    if names is None or not names.values:
        return []
    if len(names.values) > 1:
        raise SalzooError(
            f"{table.path} has several sizes of the screen: its column {names.header!r} says "
            f"{', '.join(names.values[:3])}; import the recordings of each screen alone, or name one with --screen"
        )
    return names.values


def _check_places(table: Table, units: str) -> None:
    step = max(1, len(table) // 1_000_000)  # of a very long table a part tells
    pairs: list[tuple[Role, Role]] = [("x", "y"), *([("other_x", "other_y")] if "other_x" in table.numbers else [])]  # type: ignore[list-item]
    points = np.abs(np.concatenate([[table.numbers[x][::step], table.numbers[y][::step]] for x, y in pairs], axis=1))
    values = points[:, points.any(0)].ravel()  # without lost eyes
    values = values[np.isfinite(values)]
    if len(values) == 0:
        named = " and ".join(repr(table.columns[role][0].header) for pair in pairs for role in pair)
        raise SalzooError(
            f"{table.path} has no row with a value in both {named}; other columns can be named with --column x=NAME "
            "and --column y=NAME"
        )
    most = float(np.quantile(values, 0.9))
    if units == "pixels" and most <= 1.5 and len(values) > 20:
        raise SalzooError(
            f"x and y of {table.path} are no pixels: nine in ten are at most {most:.3g}; are they fractions of the "
            "screen or stimulus (--units fraction)?"
        )
    if units == "fraction" and most > 3:
        raise SalzooError(
            f"x and y of {table.path} are no fractions from 0 to 1: one in ten is above {most:.3g}; are they pixels "
            "(--units pixels)?"
        )


def _settle_durations(table: Table, viewings: Sequence[Viewing], settled: Setup) -> Setup:
    """The units of the times and durations of fixations: how long fixations last tells what is not said."""
    role: Role = "duration" if "duration" in table.columns else "end"
    column = table.column(role)
    if column is None:
        return replace(settled, time_unit=settled.time_unit or "s")  # on images, where the order alone counts
    lengths = table.numbers[role]
    if role == "end":
        if "time" not in table.columns:
            raise SalzooError(
                f"{table.path} has no column that is known to be the time; name it with --column time=NAME"
            )
        lengths = lengths - table.numbers["time"]
    rows = np.concatenate([each.rows for each in viewings]) if viewings else np.arange(0)
    durations = lengths[rows]
    durations = durations[np.isfinite(durations)]
    median = float(np.median(durations)) if len(durations) else 0.0
    longest = LONGEST_STATED if column.hint.unit else LONGEST
    likely = [unit for unit, scale in SECONDS.items() if BRIEFEST <= median * scale <= longest]
    said = column.hint.unit or (_hint(table, "time").unit if role == "end" else "")
    said = said or (settled.time_unit if settled.time_unit in likely else "")
    unit = said or (likely[0] if likely else "")
    if unit not in likely:
        raise SalzooError(
            f"{table.path}: half of its fixations last at most {median:g}, which is no fixation's length in "
            f"{unit or 'any unit'}; is {column.header!r} the {role}, and its unit right?"
        )
    return replace(settled, time_unit=settled.time_unit or unit, duration_unit=unit)


def _settle_samples(table: Table, viewings: Sequence[Viewing], settled: Setup) -> Setup:
    """The unit of the times of samples, and that it gives a rate that trackers have."""
    if "time" not in table.columns:
        if settled.rate is None:
            raise SalzooError(
                f"{table.path} has no column that is known to be the time; name it with --column time=NAME, or give "
                "the samples per second with --rate, or say --rows fixations if these are fixations in their order"
            )
        return settled
    some = [np.diff(table.numbers["time"][each.rows[:100_000]]) for each in viewings[:1000]]
    steps = np.concatenate([np.zeros(0), *some])
    steps = steps[steps > 0]
    if not len(steps):
        raise SalzooError(f"{table.path} has no two samples of one observer on one stimulus")
    step = float(np.median(steps))
    units = [settled.time_unit] if settled.time_unit else list(SECONDS)
    fitting = [unit for unit in units if SLOWEST <= 1 / (step * SECONDS[unit]) <= FASTEST]
    if not fitting:
        raise SalzooError(
            f"{table.path}: its samples are {step:g} apart, which is no tracker's rate in {' or '.join(units)}; is "
            f"{table.columns['time'][0].header!r} the time, and its unit right (--time-unit)?"
        )
    rate = 1 / (step * SECONDS[fitting[0]])
    if settled.rate and not 0.8 < rate / settled.rate < 1.25:
        raise SalzooError(
            f"{table.path}: its samples come at {rate:.4g} a second, not at the {settled.rate:g} named with --rate; is "
            "the unit of time right (--time-unit)?"
        )
    return replace(settled, time_unit=fitting[0], rate=settled.rate or rate)
