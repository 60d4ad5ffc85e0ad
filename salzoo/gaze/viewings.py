"""Who watched what, and how often: the rows of each viewing, and when its stimulus began.

Rows belong to one viewing that have one stimulus, one observer, and one trial, recording or what else the table has of
that kind. Without such a column a stimulus that comes again counts anew: in a recording's time after another one, in
the stimulus' own time where it starts again.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salzoo.gaze.setup import Findings, Stimulus
from salzoo.gaze.tables import Shown, Table
from salzoo.interfaces.errors import SalzooError

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Viewing:
    """One person watching one stimulus once.

    Attributes:
        stimulus: its number.
        observer: name.
        rows: of the table, in the order of time, or as they come where there is none.
        start: when the stimulus began, in the unit of the table's times; None where these count from then.
    """

    stimulus: int
    observer: str
    rows: Rows
    start: float | None


def find_stimuli(
    table: Table, stimuli: Sequence[Stimulus], match: Callable[[str], int], one: str, findings: Findings
) -> NDArray[np.int32]:
    """(n,) the number of the stimulus of each row; −1 where the folder has none of that name, −2 where none is named.

    Args:
        table: without what was shown when.
        stimuli: what may have been watched.
        match: from a name in the table to the number of a stimulus; negative where there is none.
        one: the file that was watched, where the table names none.
        findings: rows that are left out are added here.
    """
    named = table.name("stimulus")
    if named is None or one:
        if not one and len(stimuli) != 1:
            raise SalzooError(
                f"{table.path} has no column that is known to name the stimulus; name it with --column stimulus=NAME, "
                "or the file that was watched with --stimulus FILE"
            )
        number = match(one) if one else 0
        if number < 0:
            raise SalzooError(f"--stimulus {one}: there is no video or image of that name")
        return np.full(len(table), number, np.int32)
    numbers = np.array([match(name) for name in named.values] or [-1], np.int32)
    counts = np.bincount(named.codes[named.codes >= 0], minlength=len(numbers))
    for at in np.flatnonzero(numbers < 0):
        if named.values:
            findings.misfit_name("rows on names of which there is no video or image", int(counts[at]), named.values[at])
    findings.leave("rows without a stimulus", int((named.codes < 0).sum()))
    which = numbers[named.codes]
    which[named.codes < 0] = -2
    return which


def split_shown(table: Table, shown: Sequence[Shown], match: Callable[[str], int], findings: Findings) -> list[Viewing]:
    """The viewings of a table whose recording says what was shown when; each of these is one."""
    times = table.numbers["time"]
    ends = times + np.nan_to_num(table.numbers["duration"]) if "duration" in table.numbers else times
    taken = np.zeros(len(table), np.bool_)
    found = []
    for each in sorted(shown, key=lambda each: each.start):
        rows = np.flatnonzero(((times >= each.start) | (ends > each.start)) & (times < each.stop) & ~taken)
        taken[rows] = True
        if match(each.name) < 0:
            findings.leave("rows while files were shown that are no video or image here", len(rows), each.name)
        elif len(rows):
            rows = rows[np.argsort(times[rows], kind="stable")]
            found.append(Viewing(match(each.name), observer_of(table, int(rows[0])), rows, each.start))
    findings.leave("rows while no stimulus was shown", int((~taken).sum()))
    return found


def find_viewings(table: Table, which: NDArray[np.int32], events: NDArray[np.bool_], clock: str) -> Iterator[Viewing]:
    """The viewings of a table, by stimulus and observer.

    Args:
        table: as read.
        which: (n,) number of each row's stimulus, negative for none.
        events: (n,) rows that are no gaze: they say when a stimulus began, and are left out.
        clock: "onset" or "recording": where time counts from.
    """
    observers, trials = table.name("observer"), table.name("viewing")
    if clock == "recording" and "time" in table.numbers:
        key = _runs(table, which, events)
    else:
        key = which.astype(np.int64)
        for names in (observers, trials):
            if names is not None:
                key = key * (len(names.values) + 1) + names.codes + 1
    key[which < 0] = -1
    order = np.arange(len(key)) if (np.diff(key) >= 0).all() else np.argsort(key, kind="stable")
    cuts = np.flatnonzero(np.diff(key[order])) + 1
    bounds = [0, *cuts.tolist(), len(order)]
    del key, cuts
    for first, end in itertools.pairwise(bounds):
        rows = order[first:end]
        if which[rows[0]] < 0:
            continue
        for part in _restarts(table, rows, again=trials is None and clock == "onset"):
            start = None
            if clock == "recording" and "time" in table.numbers:
                start = float(np.nanmin(table.numbers["time"][part])) if len(part) else 0.0
            gaze = part[~events[part]]
            if len(gaze):
                yield Viewing(int(which[part[0]]), observer_of(table, int(part[0])), gaze, start)


def observer_of(table: Table, row: int) -> str:
    """The observer of a row; that of the file where its rows name none."""
    names = table.name("observer")
    if names is not None and names.codes[row] >= 0:
        return str(names.values[names.codes[row]])
    return table.observer


def _restarts(table: Table, rows: Rows, again: bool) -> Iterator[Rows]:
    """The rows in the order of time; where ``again``, in parts wherever time starts again."""
    times = table.numbers.get("time")
    if times is None:
        yield rows
        return
    own = times[rows]
    back = np.flatnonzero(np.diff(own) < 0) + 1
    parts = [rows]
    if again and 0 < len(back) <= len(rows) / 10 + 1:
        parts, first, start = [], 0, own[0]
        for at in back.tolist():
            if own[at] - start < (own[at - 1] - start) / 2:  # not a row or two in disorder
                parts.append(rows[first:at])
                first, start = at, own[at]
        parts.append(rows[first:])
    for part in parts:
        yield part if not len(back) else part[np.argsort(times[part], kind="stable")]


def _runs(table: Table, which: NDArray[np.int32], events: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(n,) numbers that tell apart the times that a stimulus was shown in a recording: others, or none, in between."""
    times = np.nan_to_num(table.numbers["time"], nan=np.inf)
    named = (table.name("viewing"), table.name("observer"))
    keys: list[NDArray[Any]] = [names.codes for names in named if names is not None]
    order = np.flatnonzero((which != -2) | ~events)  # an event that names no stimulus does not mean that none is shown
    if keys or (np.diff(times[order]) < 0).any():
        order = order[np.lexsort([times[order], *(each[order] for each in keys)])]
    change = np.zeros(len(order), np.bool_)
    for codes in (which, *keys):
        change[1:] |= np.diff(codes[order]) != 0
    found = np.full(len(which), -1, np.int64)
    found[order] = np.cumsum(change)
    return found
