"""EyeLink's text files (.asc, as edf2asc writes them): samples, the tracker's fixations, messages.

A file is a row of recordings, from START to END; each counts as a viewing. Times are milliseconds of the tracker's
clock, places pixels of the screen, whose size a message states (DISPLAY_COORDS or GAZE_COORDS). "MSG time offset text"
is of ``time`` minus ``offset`` ms (EyeLink User Manual, section on messages). The tracker's own fixations (EFIX) are
read where they are of one eye; of two eyes that are both wanted, the samples are, and their places averaged.
"""

import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from salzoo.gaze.columns import Column, Columns, Hint, Role
from salzoo.gaze.tables import Layout, Message, Names, Table
from salzoo.gaze.text import text_lines
from salzoo.interfaces.errors import SalzooError

_NAN = float("nan")
_SCREEN = re.compile(r"(?:DISPLAY_COORDS|GAZE_COORDS)\s+(-?[\d.]+)[\s,]+(-?[\d.]+)[\s,]+(-?[\d.]+)[\s,]+(-?[\d.]+)")


def read_eyelink(path: Path, layout: Layout) -> Table:
    """Read an .asc file.

    Raises:
        SalzooError: no samples of gaze on the screen and no fixations, the eye that is named was not recorded, or
            values that are no numbers.
    """
    with text_lines(path, layout.encoding) as lines:
        reader = _Reader(path, layout)
        reader.read(lines)
    return reader.table()


@dataclass
class _Eyes:
    """Where an eye was, a value a row."""

    time: "array[float]" = field(default_factory=lambda: array("d"))
    x: "array[float]" = field(default_factory=lambda: array("d"))
    y: "array[float]" = field(default_factory=lambda: array("d"))
    other_x: "array[float]" = field(default_factory=lambda: array("d"))
    other_y: "array[float]" = field(default_factory=lambda: array("d"))
    duration: "array[float]" = field(default_factory=lambda: array("d"))
    recording: "array[int]" = field(default_factory=lambda: array("i"))


@dataclass
class _Reader:
    path: Path
    layout: Layout
    samples: _Eyes = field(default_factory=_Eyes)
    fixations: dict[str, _Eyes] = field(default_factory=lambda: {"L": _Eyes(), "R": _Eyes()})
    starts: list[float] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    eyes: str = ""
    kinds: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)
    rate: float | None = None
    screen: tuple[int, int] | None = None
    inside: bool = False
    between: bool = False

    def read(self, lines: Iterator[str]) -> None:
        for number, line in enumerate(lines, 1):
            try:
                if line[:1].isdigit():
                    self._sample(line)
                elif line[:1] in "MSE" and line[:2] != "SS":
                    self._event(line.split(None, 2))
            except (ValueError, IndexError, KeyError, OverflowError) as error:
                raise SalzooError(f"{self.path} is damaged in line {number}: {line.strip()[:60]!r}") from error

    def _sample(self, line: str) -> None:
        parts = line.split()
        rows = self.samples
        if not self.starts or "GAZE" not in self.kinds:
            return
        time = float(parts[0])
        if rows.time and time == rows.time[-1] and (self.rate or 0) >= 2000:
            time += 0.5  # at 2000 a second, times are cut to whole milliseconds
        rows.time.append(time)
        rows.recording.append(len(self.starts) - 1)
        rows.x.append(_value(parts[1]))
        rows.y.append(_value(parts[2]))
        if len(self.eyes) == 2:
            rows.other_x.append(_value(parts[4]))
            rows.other_y.append(_value(parts[5]))
        else:
            rows.other_x.append(_NAN)
            rows.other_y.append(_NAN)
            if self.eyes == "R":  # x is the left eye's
                rows.x[-1], rows.other_x[-1] = rows.other_x[-1], rows.x[-1]
                rows.y[-1], rows.other_y[-1] = rows.other_y[-1], rows.y[-1]

    def _event(self, parts: list[str]) -> None:
        match parts[0]:
            case "MSG":
                self._message(parts[1], parts[2] if len(parts) > 2 else "")
            case "START":
                self.starts.append(float(parts[1]))
                self.kinds, self.inside, self.between = set(), True, False
            case "END":
                self.inside = False
            case "SAMPLES":
                words = parts[1:2] + parts[2].split()
                self.kinds = set(words)
                self.seen |= self.kinds
                self.eyes = "".join(word[0] for word in words if word in ("LEFT", "RIGHT"))
                if "RATE" in words:
                    self.rate = float(words[words.index("RATE") + 1])
            case "EFIX":
                if not self.starts:
                    return
                rows, values = self.fixations[parts[1]], parts[2].split()
                rows.time.append(float(values[0]))
                rows.duration.append(float(values[2]))
                rows.x.append(_value(values[3]))
                rows.y.append(_value(values[4]))
                rows.recording.append(len(self.starts) - 1)

    def _message(self, time: str, text: str) -> None:
        text = text.strip()
        size = _SCREEN.match(text)
        if size:
            left, top, right, bottom = map(float, size.groups())
            self.screen = (round(bottom - top), round(right - left))
            whole = all(value % 2 for value in self.screen)  # "0 0 1023 767": the last pixel, not the size
            self.screen = (self.screen[0] + whole, self.screen[1] + whole) if min(self.screen) > 1 else None
        offset = re.match(r"(-?\d+)\s+(?=\S)", text)
        at = float(time) - (float(offset[1]) if offset else 0)
        text = text[offset.end() :] if offset else text
        if not self.inside and re.match("TRIALID|DRIFTCORRECT|!CAL|VALIDATE", text):
            self.between = True
        self.messages.append(Message(at, text, max(len(self.starts) - 1 + self.between, 0), self.inside))
        self.between |= not self.inside and text.startswith("TRIAL_RESULT")

    def table(self) -> Table:
        """What was read: the tracker's fixations of one eye, else samples."""
        wanted = {"left": "L", "right": "R", "both": ""}[self.layout.eye]
        there = [eye for eye, rows in self.fixations.items() if rows.time]
        if self.layout.rows == "labelled":
            raise SalzooError(f"{self.path} is of EyeLink: its rows are samples or fixations (--rows)")
        eye = wanted or (there[0] if len(there) == 1 else "")
        if self.layout.rows == "fixations" and not eye and there:
            raise SalzooError(f"{self.path} has fixations of both eyes: name one (--eye left, --eye right)")
        if eye in there and self.layout.rows != "samples":
            return self._build(self.fixations[eye], "fixations", [])
        rows = self.samples
        if wanted == "R":
            rows = _Eyes(rows.time, rows.other_x, rows.other_y, recording=rows.recording)
        found = np.frombuffer(rows.x, np.float64) if rows.x else np.zeros(0)
        if wanted and not np.isfinite(found).any():
            raise SalzooError(f"{self.path} has no gaze of the {self.layout.eye} eye")
        if not len(found):
            what = (
                f"its samples are {', '.join(sorted(self.seen & {'HREF', 'RAW'}))}"
                if self.seen
                else "it has no samples"
            )
            raise SalzooError(f"{self.path} has no gaze on the screen: {what}, and no fixations; convert the EDF again")
        others: list[Role] = [] if wanted else ["other_x", "other_y"]
        return self._build(rows, "samples", others)

    def _build(self, rows: _Eyes, kind: Literal["samples", "fixations"], others: list[Role]) -> Table:
        roles: list[Role] = ["time", "x", "y", *others]
        roles += ["duration"] if kind == "fixations" else []
        hints = {"time": Hint(unit="ms", clock="recording", event=kind == "fixations"), "duration": Hint(unit="ms")}
        place = Hint(unit="pixels", space="screen", origin="upper-left")
        names = {"time": "EFIX start", "duration": "EFIX duration"} if kind == "fixations" else {}
        columns: Columns = {
            role: (Column(names.get(role, role), number, hints.get(role, place)),) for number, role in enumerate(roles)
        }
        recordings = Names("START", [f"{start:g}" for start in self.starts], np.frombuffer(rows.recording, np.int32))
        return Table(
            path=self.path,
            columns=columns,
            rows=kind,
            names={"viewing": (recordings,)},
            numbers={role: np.frombuffer(getattr(rows, role), np.float64) for role in roles},
            messages=self.messages,
            screen=self.screen,
            rate=self.rate,
            recordings=self.starts,
            broken_off=self.inside,
        )


def _value(text: str) -> float:
    return _NAN if text == "." else float(text)
