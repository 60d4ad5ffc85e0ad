"""What a table's columns and values say about how it was recorded, where the user does not."""

from dataclasses import replace

import numpy as np

from salzoo.gaze.columns import SECONDS, Hint
from salzoo.gaze.setup import Setup
from salzoo.gaze.tables import Table
from salzoo.interfaces.errors import SalzooError

SLOWEST, FASTEST = 20.0, 5000.0
"""Samples per second that a tracker takes; they tell the unit of times that say none."""

BRIEFEST, LONGEST = 0.04, 4.0
"""Seconds between which the median duration of fixations lies; they tell its unit."""


def settle(table: Table, setup: Setup) -> Setup:
    """The setup with nothing left open that the table needs.

    Raises:
        SalzooError: columns that are needed are missing, nothing tells a unit, or the values cannot be in these units.
    """
    x, time = table.columns["x"].hint, table.columns["time"].hint if "time" in table.columns else Hint()
    header = table.columns["x"].header
    if x.space == "screen" and setup.screen is None:
        raise SalzooError(
            f"the column {header!r} of {table.path} is measured on the screen: name its size, such as --screen "
            "1920x1080, and where the stimuli were on it (--placement)"
        )
    if x.space == "stimulus" and setup.screen is not None:
        raise SalzooError(f"the column {header!r} of {table.path} is measured on the stimulus: leave out --screen")
    units = setup.units or x.unit or "pixels"
    _check_places(table, units)
    settled = replace(
        setup,
        units=units,
        origin=setup.origin or x.origin or "upper-left",
        time_unit=setup.time_unit or time.unit,
        clock=setup.clock or time.clock or "onset",
    )
    return _settle_durations(table, settled, setup) if table.rows == "fixations" else _settle_samples(table, settled)


def _check_places(table: Table, units: str) -> None:
    values = np.abs(np.concatenate([table.numbers["x"], table.numbers["y"]]))
    values = values[np.isfinite(values)]
    if len(values) == 0:
        raise SalzooError(f"{table.path} has no row with both x and y")
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


def _settle_durations(table: Table, settled: Setup, named: Setup) -> Setup:
    """The units of the times and durations of fixations: how long fixations last tells what is not said."""
    if "duration" not in table.columns:
        return replace(settled, time_unit=settled.time_unit or "s")  # on images, where the order alone counts
    if "time" not in table.columns:
        raise SalzooError(f"{table.path} has no column that is known to be the time; name it with --column time=NAME")
    column = table.columns["duration"]
    durations = table.numbers["duration"][table.fixated]
    durations = durations[np.isfinite(durations)]
    median = float(np.median(durations)) if len(durations) else 0.0
    likely = [unit for unit, scale in SECONDS.items() if BRIEFEST <= median * scale <= LONGEST]
    said = column.hint.unit or (named.time_unit if named.time_unit in likely else "")
    unit = said or (likely[0] if likely else "")
    if unit not in likely:
        raise SalzooError(
            f"{table.path}: half of its fixations last at most {median:g}, which is no fixation's length in "
            f"{unit or 'any unit'}; is {column.header!r} the duration, and its unit right?"
        )
    return replace(settled, time_unit=settled.time_unit or unit, duration_unit=unit)


def _settle_samples(table: Table, settled: Setup) -> Setup:
    """The unit of the times of samples, and that it gives a rate that trackers have."""
    if "time" not in table.columns:
        if settled.rate is None:
            raise SalzooError(
                f"{table.path} has no column that is known to be the time; name it with --column time=NAME, or give "
                "the samples per second with --rate"
            )
        return settled
    times = table.numbers["time"]
    order = np.lexsort((times, table.observer, table.stimulus))
    steps = np.diff(times[order])
    together = (np.diff(table.stimulus[order]) == 0) & (np.diff(table.observer[order]) == 0)
    steps = steps[together & (steps > 0)]
    if not len(steps):
        raise SalzooError(f"{table.path} has no two samples of one observer on one stimulus")
    step = float(np.median(steps))
    units = [settled.time_unit] if settled.time_unit else list(SECONDS)
    fitting = [unit for unit in units if SLOWEST <= 1 / (step * SECONDS[unit]) <= FASTEST]
    if not fitting:
        raise SalzooError(
            f"{table.path}: its samples are {step:g} apart, which is no tracker's rate in {' or '.join(units)}; is "
            f"{table.columns['time'].header!r} the time, and its unit right (--time-unit)?"
        )
    rate = 1 / (step * SECONDS[fitting[0]])
    if settled.rate and not 0.8 < rate / settled.rate < 1.25:
        raise SalzooError(
            f"{table.path}: its samples come at {rate:.4g} a second, not at the {settled.rate:g} named with --rate; is "
            "the unit of time right (--time-unit)?"
        )
    return replace(settled, time_unit=fitting[0], rate=settled.rate or rate)
