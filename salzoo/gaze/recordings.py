"""From the rows of a table to fixations on stimuli: time in seconds from onset, places in pixels of the stimulus."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from salzoo.gaze.columns import SECONDS
from salzoo.gaze.events import find_fixations, usual_step
from salzoo.gaze.maps import clip_points
from salzoo.gaze.setup import Findings, Fixation, Setup, Stimulus
from salzoo.gaze.tables import Table
from salzoo.gaze.units import settle
from salzoo.interfaces.errors import SalzooError

BORDER = 0.5
"""Pixels beyond a stimulus' border that rounding may put a fixation, which is then moved to the border."""

Numbers = NDArray[np.float64]


def extract_fixations(
    table: Table, stimuli: Sequence[Stimulus], match: Callable[[str], int], setup: Setup, findings: Findings
) -> tuple[list[Fixation], Setup]:
    """The fixations in a table.

    Args:
        table: as read.
        stimuli: what may have been watched.
        match: from a name in the table to the number of a stimulus; −1 where there is none.
        setup: how it was recorded.
        findings: what is left out is added here.

    Returns:
        The fixations by stimulus, observer and time, and the setup with what the table's columns say filled in.

    Raises:
        SalzooError: columns that are needed are missing, or their units cannot be as named.
    """
    settled = settle(table, setup)
    numbers = np.array([match(name) for name in table.stimuli] or [-1], np.int64)
    if "stimulus" in table.columns:
        which = np.where(table.stimulus >= 0, numbers[table.stimulus], -2)
    elif len(stimuli) == 1:
        which = np.zeros(len(table.stimulus), np.int64)
    else:
        raise SalzooError(
            f"{table.path} has no column that is known to name the stimulus; name it with --column stimulus=NAME"
        )
    findings.add(findings.usual, "rows without a stimulus", int((which == -2).sum()), "")
    for name, number in zip(table.stimuli, numbers, strict=False):
        if number < 0:
            count = int((table.stimulus == table.stimuli.index(name)).sum())
            findings.add(findings.wrong, f"rows on {name!r}, of which there is no video or image", count, "")
    found: list[Fixation] = []
    for stimulus, observer, rows in _trials(table, which):
        name = table.observers[observer] if observer >= 0 else table.path.stem
        label = f"{name} on {stimuli[stimulus].id}"
        raw = _fixations_of_trial(table, rows, stimuli[stimulus], settled, label, findings)
        kept = _on_stimulus(raw if settled.first else raw[1:], stimuli[stimulus], settled, label, findings)
        found += [Fixation(stimulus, name, *map(float, row)) for row in kept]
    return found, settled


def _trials(table: Table, which: NDArray[np.int64]) -> Iterator[tuple[int, int, NDArray[np.intp]]]:
    """Stimulus, observer and rows in the order of time, of each time that somebody watched something."""
    time = table.numbers.get("time", np.arange(len(which), dtype=np.float64))
    order = np.lexsort((time, table.observer, which))
    order = order[which[order] >= 0]
    changes = (np.diff(which[order]) != 0) | (np.diff(table.observer[order]) != 0)
    for rows in np.split(order, np.flatnonzero(changes) + 1):
        if len(rows):
            yield int(which[rows[0]]), int(table.observer[rows[0]]), rows


def _fixations_of_trial(
    table: Table, rows: NDArray[np.intp], stimulus: Stimulus, setup: Setup, label: str, findings: Findings
) -> Numbers:
    """(n, 4) start and duration in seconds, x and y in pixels of the screen, or of the stimulus where there is none."""
    points = np.stack([table.numbers["x"][rows], table.numbers["y"][rows]], 1)
    height, width = setup.screen or stimulus.size
    if setup.units == "fraction":
        points = points * (width, height)
    if setup.origin == "lower-left":
        points[:, 1] = height - points[:, 1]
    if table.rows == "fixations":
        if stimulus.rate and "duration" not in table.columns:
            raise SalzooError(
                f"{table.path} has no column that is known to be the duration of fixations, which a video needs; name "
                "it with --column duration=NAME, or say --rows samples if these are samples"
            )
        return _given(table, rows, points, setup, label, findings)
    times = _times_of_samples(table, rows, setup)
    timed = np.isfinite(times)
    findings.add(findings.wrong, "samples without a time", int((~timed).sum()), label)
    times, points, rows = times[timed], points[timed], rows[timed]
    again = np.flatnonzero(np.diff(times) <= 0)
    if len(again):
        findings.add(
            findings.wrong,
            "samples at the time of another (both eyes, or watched twice?)",
            len(again),
            f"{label} at {times[again[0]]:.3f} s",
        )
        keep = np.concatenate([[True], np.diff(times) > 0])
        times, points, rows = times[keep], points[keep], rows[keep]
    missing = int((~np.isfinite(points).all(1)).sum())
    findings.add(findings.usual, "samples in which the eye was not seen", missing, "")
    if table.rows == "labelled":
        return _labelled(table, rows, times, points)
    return find_fixations(times, points, setup.detection(stimulus.size))


def _times_of_samples(table: Table, rows: NDArray[np.intp], setup: Setup) -> Numbers:
    """Seconds from onset of each sample, in order."""
    if "time" not in table.numbers:
        return np.arange(len(rows)) / (setup.rate or 1)
    times = table.numbers["time"][rows] * SECONDS[setup.time_unit]
    return times - times[0] if setup.clock == "recording" else times


def _given(
    table: Table, rows: NDArray[np.intp], points: Numbers, setup: Setup, label: str, findings: Findings
) -> Numbers:
    """Rows that are fixations already."""
    found = np.zeros((len(rows), 4))
    found[:, 2:] = points
    if "time" in table.numbers:
        found[:, 0] = table.numbers["time"][rows] * SECONDS[setup.time_unit]
    if "duration" in table.numbers:
        found[:, 1] = table.numbers["duration"][rows] * SECONDS[setup.duration_unit]
    if setup.clock == "recording":
        found[:, 0] -= found[0, 0]  # the first in time
    chosen = table.fixated[rows]
    findings.add(findings.usual, "rows that are no fixations", int((~chosen).sum()), "")
    broken = chosen & ~np.isfinite(found).all(1)
    findings.add(findings.wrong, "fixations without time, duration, x or y", int(broken.sum()), label)
    negative = chosen & (found[:, 1] < 0)
    findings.add(findings.wrong, "fixations of a negative duration", int(negative.sum()), label)
    return found[chosen & ~broken & ~negative]


def _labelled(table: Table, rows: NDArray[np.intp], times: Numbers, points: Numbers) -> Numbers:
    """Samples that say which fixation they belong to: rows in a row with one event and one number of it."""
    fixated, index = table.fixated[rows], table.index[rows]
    cuts = np.flatnonzero((np.diff(fixated.astype(np.int8)) != 0) | (np.diff(index) != 0)) + 1
    step = usual_step(times)
    found = []
    for part in np.split(np.arange(len(rows)), cuts):
        seen = part[np.isfinite(points[part]).all(1)]
        if len(seen) and fixated[part[0]]:
            found.append((times[part[0]], times[part[-1]] - times[part[0]] + step, *points[seen].mean(0)))
    return np.array(found, np.float64).reshape(-1, 4)


def _on_stimulus(found: Numbers, stimulus: Stimulus, setup: Setup, label: str, findings: Findings) -> Numbers:
    """Fixations moved from the screen to the stimulus; those beside it, before its start or after its end left out."""
    left, top, scale_x, scale_y = setup.placed(stimulus.size)
    found = found[np.argsort(found[:, 0], kind="stable")]
    found[:, 2:] = (found[:, 2:] - (left, top)) / (scale_x, scale_y)
    height, width = stimulus.size
    beyond = np.maximum(-found[:, 2:], found[:, 2:] - (width, height)).max(1) > BORDER
    if beyond.any():
        x, y = found[beyond][0, 2:]
        example = f"{label} at x {x:.1f}, y {y:.1f} of {width}×{height}"
        findings.add(findings.wrong, "fixations outside their stimulus", int(beyond.sum()), example)
    untimely = np.zeros(len(found), np.bool_)
    if stimulus.rate:
        untimely = (found[:, 0] >= stimulus.seconds) | (found[:, :2].sum(1) <= 0)
    if untimely.any():
        example = f"{label} at {found[untimely][0, 0]:.2f} s of {stimulus.seconds:.2f} s"
        findings.add(
            findings.wrong, "fixations before their video begins or after it ends", int(untimely.sum()), example
        )
    found = found[~beyond & ~untimely]
    early = np.minimum(found[:, 0], 0)
    found[:, 0] -= early
    found[:, 1] += early
    found[:, 2:] = clip_points(found[:, 2:], stimulus.size)
    return found
