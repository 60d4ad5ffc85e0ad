"""Which rows of a table are gaze, and where the eye was seen.

Between the rows of gaze trackers write others: of events, keys, the mouse, other sensors. And each has marks of its own
for an eye that it did not see: no value, 0, 0, codes of validity, a low confidence, a place off the surface.
"""

import re

import numpy as np
from numpy.typing import NDArray

from salzoo.gaze.delimited import FIXATION
from salzoo.gaze.setup import Findings, Setup
from salzoo.gaze.tables import Names, Table

LOST_MARKS = (0.0, -1.0, -9999.0, -32768.0, 1e8)
"""What trackers write for both x and y of an eye that they did not see."""

CONFIDENT = 0.6
"""The least confidence that counts: what Pupil Labs' software itself takes for good."""

_NO = re.compile("false|0|no|invalid|[2-4]", re.IGNORECASE)
"""How columns of validity say no: words; 0 for flags; Tobii Studio's codes from 2 (uncertain) to 4 (lost)."""

Numbers = NDArray[np.float64]


def find_events(table: Table, findings: Findings) -> NDArray[np.bool_]:
    """(n,) rows that are no gaze: of another sensor than the eyes', and of messages, or of no event of the eyes where
    others have one, without a place."""
    events = np.zeros(len(table), np.bool_)
    sensor = table.name("sensor")
    if sensor is not None and any(_is_eye(value) for value in sensor.values):
        for number, value in enumerate(sensor.values):
            if not _is_eye(value):
                of_it = sensor.codes == number
                findings.leave(f"rows of the sensor {value!r}", int(of_it.sum()))
                events |= of_it
        bare = sensor.codes < 0
        findings.leave("rows of events", int(bare.sum()))
        events |= bare
    label = table.name("event") if table.rows == "labelled" else None
    unlabelled = [] if label is None else [label.codes < 0]
    for told in [*(messages.codes >= 0 for messages in table.names.get("message", ())), *unlabelled]:
        told = told & ~events & np.isnan(table.numbers["x"]) & np.isnan(table.numbers["y"])
        findings.leave("rows of events", int(told.sum()))
        events |= told
    return events


def find_fixated(table: Table) -> NDArray[np.bool_]:
    """(n,) rows that are of a fixation, as far as a column of events or the fixations' numbers says so."""
    event, index = table.name("event"), table.name("index")
    if event is not None:
        return event.chosen([FIXATION.fullmatch(value) is not None for value in event.values])
    if index is not None and table.rows == "labelled":
        return index.codes >= 0
    return np.ones(len(table), np.bool_)


def read_places(
    table: Table, rows: NDArray[np.intp], setup: Setup, findings: Findings
) -> tuple[Numbers, NDArray[np.bool_]]:
    """(m, 2) x and y in the table's own units, NaN where the eye was not seen, of two eyes that were seen the mean; and
    (m,) where the table has a place that is none, by one of those marks."""
    points = np.stack([table.numbers["x"][rows], table.numbers["y"][rows]], 1)
    what = "fixations without a place" if table.rows == "fixations" else "samples in which the eye was not seen"
    reasons: dict[str, NDArray[np.bool_]] = {}
    invalid = [names for names in table.names.get("valid", ()) if _eye_of(names)]
    if "other_x" in table.numbers:
        other = np.stack([table.numbers["other_x"][rows], table.numbers["other_y"][rows]], 1)
        for eye, of_eye in (("left", points), ("right", other)):
            lost = _marked(of_eye, setup)
            for names in invalid:
                if _eye_of(names) == eye:
                    lost |= _says_no(names, rows)
            of_eye[lost] = np.nan
        seen = np.isfinite(points).all(1)
        both = seen & np.isfinite(other).all(1)
        points[both] = (points[both] + other[both]) / 2
        points[~seen] = other[~seen]
    elif invalid:
        reasons["called invalid"] = np.logical_and.reduce([_says_no(names, rows) for names in invalid])
    marks = _marked(points, setup)
    for mark in sorted({tuple(point) for point in points[marks]} if marks.any() else ()):
        reasons[f"at exactly {mark[0]:g}, {mark[1]:g}"] = (points == mark).all(1)
    for names in table.names.get("valid", ()):
        if not _eye_of(names):
            surface = re.search("surf|image", names.header, re.IGNORECASE)
            reasons["off the surface" if surface else "called invalid"] = _says_no(names, rows)
    if "confidence" in table.numbers:
        reasons[f"confidence below {CONFIDENT}"] = table.numbers["confidence"][rows] < CONFIDENT
    if table.rows == "samples":
        findings.leave(what, int((~np.isfinite(points).all(1)).sum()))
    marked = np.zeros(len(rows), np.bool_)
    for reason, lost in reasons.items():
        findings.leave(f"{what}: {reason}", int((lost & ~marked & np.isfinite(points).all(1)).sum()))
        marked |= lost
    points[marked] = np.nan
    return points, marked


def name_corners(points: Numbers, size: tuple[float, float], findings: Findings) -> None:
    """Name a long run of one exact corner of what was looked at, which is how some trackers write a lost eye."""
    for corner in ((0.0, size[1]), (size[0], 0.0), size):
        at = (points == corner).all(1)
        if at.sum() >= 6:
            edges = np.flatnonzero(np.diff(at.astype(np.int8), prepend=0, append=0))
            longest = int((edges[1::2] - edges[::2]).max())
            if longest >= 6:
                mark = f"{corner[0]:g},{corner[1]:g}"
                findings.doubt(
                    f"samples stand at exactly {mark}, a corner: lost eyes? --lost {mark} leaves them out",
                    int(at.sum()),
                )


def name_beside(points: Numbers, size: tuple[float, float], findings: Findings) -> None:
    """Name samples of which most lie far from what was looked at: places on another thing, such as the screen."""
    seen = points[np.isfinite(points).all(1)]
    far = (np.abs(seen / size - 0.5) > 1).any(1)
    if far.sum() > len(seen) / 2:
        findings.doubt(
            f"samples are far beside their stimulus of {size[0]:g}×{size[1]:g}: were they measured on a screen "
            "(--screen)?",
            int(far.sum()),
        )


def _marked(points: Numbers, setup: Setup) -> NDArray[np.bool_]:
    marks = np.isin(points[:, 0], LOST_MARKS) & (points[:, 0] == points[:, 1])
    for mark in setup.lost:
        marks |= (points == mark).all(1)
    return np.asarray(marks, np.bool_)


def _is_eye(sensor: str) -> bool:
    return re.search("eye|gaze", sensor, re.IGNORECASE) is not None


def _eye_of(names: Names) -> str:
    """The eye that a column of validity is of."""
    found = re.search("left|right", names.header, re.IGNORECASE)
    return found[0].lower() if found else ""


def _says_no(names: Names, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Codes of validity count from 0, the best, in Tobii Studio; flags are 1 where all is well."""
    codes = set(names.values) <= {"0", "1", "2", "3", "4"} and _eye_of(names) != ""
    no = [value in "234" if codes else _NO.fullmatch(value) is not None for value in names.values]
    return np.array([*no, False], np.bool_)[names.codes[rows]]
