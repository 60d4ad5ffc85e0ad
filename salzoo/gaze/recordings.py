"""From the rows of a table to fixations on stimuli: time in seconds from onset, places in pixels of the stimulus."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from salzoo.gaze.columns import SECONDS, Role
from salzoo.gaze.events import find_fixations, usual_step
from salzoo.gaze.maps import clip_points
from salzoo.gaze.messages import find_shown
from salzoo.gaze.rows import find_events, find_fixated, name_beside, name_corners, read_places
from salzoo.gaze.setup import Findings, Fixation, Setup, Stimulus
from salzoo.gaze.tables import Table
from salzoo.gaze.units import in_order_alone, settle_places, settle_times
from salzoo.gaze.viewings import Viewing, find_stimuli, find_viewings, split_shown
from salzoo.interfaces.errors import SalzooError

BORDER = 0.5
"""Pixels beyond a stimulus' border that rounding may put a fixation, which is then moved to the border."""

OVERLAP = 0.05
"""Seconds that a fixation may begin before the one before it ends: trackers round."""

SAME = 2.0
"""Degrees within which rows of one start and duration are one fixation: people that no column tells apart are not."""

AGAIN = 0.5
"""Seconds between two rows of one number after which it is that of another fixation: numbers may begin again."""

LATE = 3600.0
"""Seconds after a stimulus began at which nobody looks at it for the first time."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class _Case:
    """What a viewing's rows are read by: table, stimulus, the setup of this viewing, and what messages call it."""

    table: Table
    stimulus: Stimulus
    setup: Setup
    label: str
    findings: Findings


def extract_fixations(
    table: Table,
    stimuli: Sequence[Stimulus],
    match: Callable[[str], int],
    setup: Setup,
    findings: Findings,
    one: str = "",
) -> tuple[list[Fixation], Setup]:
    """The fixations in a table.

    Args:
        table: as read.
        stimuli: what may have been watched.
        match: from a name in the table to the number of a stimulus; negative where there is none.
        setup: how it was recorded.
        findings: what is left out is added here.
        one: the file that was watched, where the table names none.

    Returns:
        The fixations by viewing and time, and the setup with what the table says filled in. Viewings of one observer on
        one stimulus are numbered from 1.

    Raises:
        SalzooError: columns that are needed are missing, or their units cannot be as named.
    """
    settled = settle_places(table, setup)
    findings.doubt("tables that end in the middle of a recording: is the rest missing?", int(table.broken_off))
    viewings = _viewings(table, stimuli, match, settled, findings, one)
    if in_order_alone(table, viewings):
        table.rows = "fixations"
    if not viewings:
        raise SalzooError(
            f"no row of {table.path} is on one of the videos and images: "
            + ("; ".join([*findings.lines(findings.wrong), *findings.lines(findings.usual)]) or "it has none")
        )
    fixated = find_fixated(table)
    if table.rows == "labelled" and _once(table, viewings, fixated):
        table.rows = "fixations"
    if table.rows == "fixations":
        for number, each in enumerate(viewings):
            viewings[number] = replace(each, rows=each.rows[fixated[each.rows]])
        findings.leave("rows that are no fixations", int((~fixated).sum()))
    settled = settle_times(table, [each for each in viewings if len(each.rows)], settled)
    counts: Counter[tuple[int, str]] = Counter()
    found: list[Fixation] = []
    for each in viewings:
        stimulus = stimuli[each.stimulus]
        name = each.observer or table.path.stem
        own = _as_shown(table, each, stimulus, settled)
        if own.screen not in (settled.screen, stimulus.size):
            wide = f"{own.screen[1]}×{own.screen[0]}" if own.screen else ""
            findings.doubt(f"viewings of stimuli shown at another size: pixels are taken for those of {wide}", 1)
        case = _Case(table, stimulus, own, f"{name} on {stimulus.id}", findings)
        raw = _fixations_of(case, each, fixated)
        kept = _on_stimulus(raw if own.first else raw[1:], case)
        counts[each.stimulus, name] += 1
        found += [Fixation(each.stimulus, name, counts[each.stimulus, name], *map(float, row)) for row in kept]
    return found, settled


def _once(table: Table, viewings: Sequence[Viewing], fixated: NDArray[np.bool_]) -> bool:
    """Whether each fixation has but one row, which has its duration: then rows are no samples."""
    index = table.name("index")
    if index is None or "duration" not in table.numbers or "time" not in table.numbers:
        return False
    repeats = [np.diff(index.codes[each.rows[fixated[each.rows]]]) == 0 for each in viewings]
    return sum(map(len, repeats)) > 0 and not any(each.any() for each in repeats)


def _viewings(
    table: Table,
    stimuli: Sequence[Stimulus],
    match: Callable[[str], int],
    settled: Setup,
    findings: Findings,
    one: str,
) -> list[Viewing]:
    if "stimulus" not in table.columns and "time" in table.columns:
        shown = table.shown or find_shown(table, match, one)
        if not shown and table.recordings and len(stimuli) == 1:
            shown = find_shown(table, match, stimuli[0].id)
        if shown:
            table.shown = shown
            return split_shown(table, shown, match, findings)
        if table.messages and not one and len(stimuli) > 1:
            raise SalzooError(
                f"no message in {table.path} names a file of the stimuli; name what was watched with --stimulus FILE, "
                "or the files' names with --map"
            )
    which = find_stimuli(table, stimuli, match, one, findings)
    return list(find_viewings(table, which, find_events(table, findings), settled.clock))


def _as_shown(table: Table, viewing: Viewing, stimulus: Stimulus, settled: Setup) -> Setup:
    """The setup of one viewing: where the table itself says how large the stimulus was shown, and where."""

    def value(role: Role) -> float:
        names = table.name(role)
        if names is None or names.codes[viewing.rows[0]] < 0:
            return float("nan")
        try:
            return float(names.values[names.codes[viewing.rows[0]]].replace(",", "."))
        except ValueError:
            return float("nan")

    if settled.placement is not None or settled.units != "pixels" or not len(viewing.rows):
        return settled
    left, top, width, height = (value(role) for role in ("media_x", "media_y", "media_width", "media_height"))
    if not (width > 0 and height > 0):
        return settled
    if settled.screen is not None:
        return replace(settled, placement=(left, top, width, height)) if left == left and top == top else settled
    return replace(
        settled, screen=(round(height), round(width)), placement="stretch"
    )  # pixels of the stimulus as shown


def _fixations_of(case: _Case, viewing: Viewing, fixated: NDArray[np.bool_]) -> Numbers:
    """(n, 4) start and duration in seconds, x and y in pixels of the screen, or of the stimulus where there is none."""
    table, stimulus, setup, findings = case.table, case.stimulus, case.setup, case.findings
    rows = viewing.rows
    points, marked = read_places(table, rows, setup, findings)
    height, width = setup.screen or stimulus.size
    if table.rows == "samples":
        name_corners(points, (1.0, 1.0) if setup.units == "fraction" else (float(width), float(height)), findings)
    if setup.units == "fraction":
        points = points * (width, height)
    if setup.origin == "lower-left":
        points[:, 1] = height - points[:, 1]
    if table.rows == "samples" and setup.screen is None:
        name_beside(points, (float(width), float(height)), findings)
    times = _times(case, viewing)
    stated = {"stimulus", "frame"} & set(table.columns) or table.recordings or table.shown or setup.start is not None
    if stimulus.rate and viewing.start is not None and not stated:
        findings.doubt("viewings of a video whose start nothing states: the first row is taken for it (--start)", 1)
    if table.rows == "fixations":
        if stimulus.rate and not {"duration", "end"} & set(table.columns):
            raise SalzooError(
                f"{table.path} has no column that is known to be the duration of fixations, which a video needs; name "
                "it with --column duration=NAME, or say --rows samples if these are samples"
            )
        return _given(case, rows[~marked], times[~marked], points[~marked])
    keep = _one_at_a_time(times, points, case)
    times, points, rows = times[keep], points[keep], rows[keep]
    if table.rows == "samples" or not table.columns["x"][0].hint.event:  # else only fixations have a place
        findings.samples += len(rows)
        findings.lost += int((~np.isfinite(points).all(1)).sum())
    if table.rows == "labelled":
        found = _labelled(table, rows, times, points, fixated)
        placed = np.isfinite(found).all(1)
        findings.leave("fixations without a place, as those beside a stimulus", int((~placed).sum()))
        found = found[placed]
    else:
        found = find_fixations(times, points, setup.detection(stimulus.size))
    findings.fixations += len(found)
    return found


def _times(case: _Case, viewing: Viewing) -> Numbers:
    """Seconds from onset of each row of a viewing."""
    table, setup = case.table, case.setup
    rows = viewing.rows
    if "time" not in table.numbers:
        return np.arange(len(rows)) / (setup.rate or 1) if table.rows != "fixations" else np.zeros(len(rows))
    times = table.numbers["time"][rows] * SECONDS[setup.time_unit]
    if setup.start is not None:
        return times - setup.start
    if "frame" in table.numbers and case.stimulus.rate and table.columns["x"][0].hint.space != "surface":
        return times - _start_by_frames(case, rows, times)
    if viewing.start is None and np.nanmin(times, initial=np.inf) > LATE and np.isfinite(times).any():
        raise SalzooError(
            f"{table.path}: the first row ({case.label}) is {np.nanmin(times):.0f} s after the stimulus began, if its "
            "time counts from then; say --clock recording if it does not, or --start"
        )
    return times if viewing.start is None else times - viewing.start * SECONDS[setup.time_unit]


def _start_by_frames(case: _Case, rows: NDArray[np.intp], times: Numbers) -> float:
    """When a video began, by rows that say which of its frames was shown then."""
    table, stimulus, label = case.table, case.stimulus, case.label
    frames = table.numbers["frame"][rows]
    known = np.isfinite(frames) & np.isfinite(times)
    numbers = frames[known].astype(np.int64)
    if not known.any() or numbers.min() < 0 or numbers.max() >= len(stimulus.times) - 1:
        last = int(numbers.max(initial=-1))
        raise SalzooError(
            f"{table.path} has gaze ({label}) on frame {last}, and {stimulus.path.name} has frames 0 to "
            f"{len(stimulus.times) - 2}: is it the video of the camera that this recording made?"
        )
    shown = stimulus.times[numbers]
    if "frame_time" in table.numbers:
        stated = table.numbers["frame_time"][rows][known]
        offsets = stated[np.isfinite(stated)] - shown[np.isfinite(stated)]
    else:
        offsets = times[known] - shown
    # A row is of the frame that was shown then: at its start, or later while it stood.
    start = float(np.median(offsets)) if "frame_time" in table.numbers else float(offsets.min())
    if np.quantile(np.abs(offsets - start), 0.9) > 0.5:
        raise SalzooError(
            f"times and frames in {table.path} do not go together ({label}): the start of {stimulus.path.name} by them "
            f"varies by {float(np.ptp(offsets)):.2f} s; name it with --start"
        )
    return start


def _one_at_a_time(times: Numbers, points: Numbers, case: _Case) -> NDArray[np.bool_]:
    """(n,) samples that have a time, and are the first of theirs that have a place."""
    timed = np.isfinite(times)
    case.findings.misfit("samples without a time", int((~timed).sum()), case.label)
    lost = np.asarray(~np.isfinite(points).all(1), np.bool_)
    order = np.lexsort((lost, times))
    order = order[timed[order]]
    again = np.diff(times[order], prepend=-np.inf) <= 0
    keep = np.zeros(len(times), np.bool_)
    keep[order[~again]] = True
    if again.any():
        later = order[again]
        first = order[np.maximum.accumulate(np.where(again, 0, np.arange(len(order))))][again]
        same: NDArray[np.bool_] = np.logical_or((points[first] == points[later]).all(1), lost[later])
        case.findings.leave("rows that repeat one, or have no place, at its time", int(same.sum()))
        if not same.all():
            what = "samples at the time of another (both eyes, or watched twice?)"
            example = f"{case.label} at {times[later[~same][0]]:.3f} s"
            case.findings.misfit(what, int((~same).sum()), example)
    return keep


def _given(case: _Case, rows: NDArray[np.intp], times: Numbers, points: Numbers) -> Numbers:
    """Rows that are fixations already, or each of many rows of one."""
    table, setup, label, findings = case.table, case.setup, case.label, case.findings
    found = np.column_stack([times, np.zeros(len(rows)), points])
    if "duration" in table.numbers:
        found[:, 1] = table.numbers["duration"][rows] * SECONDS[setup.duration_unit]
    elif "end" in table.numbers:
        lengths = table.numbers["end"][rows] - table.numbers["time"][rows]
        found[:, 1] = lengths * SECONDS[setup.duration_unit]
    if "time" in table.numbers:
        firsts = _events(table, rows, found, SAME * setup.degree(case.stimulus.size))
        found = _join_rows(found, firsts)
        findings.leave("rows more of the same fixations", len(rows) - len(firsts))
        if len(rows) >= 2 * len(firsts):  # each row is a sample's: saccades have lengths too, and no place
            placed = np.isfinite(found[:, 2:]).all(1)
            findings.leave("rows of no fixation", int((~placed).sum()))
            found = found[placed]
    findings.fixations += len(found)
    broken = ~np.isfinite(found).all(1)
    findings.misfit("fixations without time, duration, x or y", int(broken.sum()), label)
    negative = found[:, 1] < 0
    findings.misfit("fixations of a negative duration", int(negative.sum()), label)
    found = found[~broken & ~negative]
    overlap = found[:-1, :2].sum(1) - found[1:, 0]
    both = (
        (overlap > OVERLAP) & (overlap > 0.1 * np.minimum(found[:-1, 1], found[1:, 1]))
        if len(found) > 1
        else np.zeros(0, bool)
    )
    if "time" in table.numbers and both.any():
        example = f"{label} at {found[1:][both][0, 0]:.3f} s"
        findings.misfit(
            "fixations that begin before the one before them ends (both eyes, or watched twice?)",
            int(both.sum()),
            example,
        )
        found = found[np.concatenate([[True], ~both])]
    return found


def _events(table: Table, rows: NDArray[np.intp], found: Numbers, near: float) -> NDArray[np.intp]:
    """The first of the rows of each fixation, all in the order of time: rows that begin before it is over, and have its
    number; without numbers its duration, and a place within ``near`` pixels of its."""
    index = table.name("index")
    codes = None if index is None else index.codes[rows].tolist()
    firsts: list[int] = []
    over = 0.0
    for at, (start, duration, x, y) in enumerate(found.tolist()):
        one = firsts[-1] if firsts else -1
        same = one >= 0 and start < over - 1e-6
        if same and codes is not None:
            same = codes[at] == codes[one]
        elif same:
            _, length, left, top = found[one]
            same = abs(duration - length) < 1e-6 and not np.hypot(x - left, y - top) > near
        if same:
            over = max(over, start + duration)
        else:
            firsts.append(at)
            over = start + max(duration, 2e-6)
    return np.array(firsts, np.intp)


def _join_rows(found: Numbers, firsts: NDArray[np.intp]) -> Numbers:
    """A fixation of each run of rows: its first start, its longest duration, and the mean place of the rows that have
    it (a tracker may write a fixation while it lasts)."""
    if len(firsts) == len(found):
        return found
    joined = []
    for part in np.split(found, firsts[1:]):
        longest = part[:, 1].max() if np.isfinite(part[:, 1]).any() else np.nan
        settled = part[np.isfinite(part[:, 2:]).all(1) & (part[:, 1] >= longest - 1e-9)]
        place = settled[:, 2:].mean(0) if len(settled) else np.full(2, np.nan)
        joined.append((part[:, 0].min(), longest, *place))
    return np.array(joined)


def _labelled(
    table: Table, rows: NDArray[np.intp], times: Numbers, points: Numbers, fixated: NDArray[np.bool_]
) -> Numbers:
    """Samples that say which fixation they belong to: rows with one number of it; without numbers, rows in a row that
    have one duration, and one place where that is the fixation's own."""
    step = usual_step(times)
    chosen = fixated[rows]
    index = table.name("index")
    own = np.flatnonzero(chosen)
    if not len(own):
        return np.zeros((0, 4))
    if index is not None:
        change = (np.diff(index.codes[rows[own]]) != 0) | (np.diff(times[own]) > AGAIN)
    else:
        between = np.diff(np.cumsum(~chosen & np.isfinite(points).all(1))[own]) > 0
        change = between | (np.diff(times[own]) > max(0.075, 2.5 * step))
        if "duration" in table.numbers:
            change |= np.diff(table.numbers["duration"][rows[own]]) != 0
        if table.columns["x"][0].hint.event:
            change |= (np.abs(np.diff(points[own], axis=0)) > 1e-9).any(1)
    found = []
    for part in np.split(own, np.flatnonzero(change) + 1):
        seen = part[np.isfinite(points[part]).all(1)]
        place = points[seen].mean(0) if len(seen) else (np.nan, np.nan)
        found.append((times[part[0]], times[part[-1]] - times[part[0]] + step, *place))
    return np.array(found, np.float64).reshape(-1, 4)


def _on_stimulus(found: Numbers, case: _Case) -> Numbers:
    """Fixations moved from the screen to the stimulus; those beside it, before its start or after its end left out."""
    stimulus, setup, label, findings = case.stimulus, case.setup, case.label, case.findings
    left, top, scale_x, scale_y = setup.placed(stimulus.size)
    found = found[np.argsort(found[:, 0], kind="stable")]
    found[:, 2:] = (found[:, 2:] - (left, top)) / (scale_x, scale_y)
    height, width = stimulus.size
    beyond = np.maximum(-found[:, 2:], found[:, 2:] - (width, height)).max(1) > BORDER
    if beyond.any():
        x, y = found[beyond][0, 2:]
        example = f"{label} at x {x:.1f}, y {y:.1f} of {width}×{height}"
        findings.misfit("fixations outside their stimulus", int(beyond.sum()), example)
    if stimulus.rate:
        untimely = (found[:, 0] >= stimulus.seconds) | (found[:, :2].sum(1) <= 0)
    else:
        untimely = found[:, :2].sum(1) < 0
    if untimely.any():
        length = f" of {stimulus.seconds:.2f} s" if stimulus.rate else ""
        what = (
            "fixations before their video begins or after it ends" if stimulus.rate else "fixations before their image"
        )
        findings.misfit(what, int(untimely.sum()), f"{label} at {found[untimely][0, 0]:.2f} s{length}")
    found = found[~beyond & ~untimely]
    early = np.minimum(found[:, 0], 0)
    found[:, 0] -= early
    found[:, 1] += early
    found[:, 2:] = clip_points(found[:, 2:], stimulus.size)
    return found
