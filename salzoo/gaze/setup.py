"""How gaze was recorded, and what comes of it: stimuli, placement on the screen, fixations, and what was left out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from salzoo.gaze.events import GAP, SHORTEST, THRESHOLDS, Detection, Method

Size = tuple[int, int]

DEGREES_WIDE = 32
"""Degrees of visual angle that a screen (or stimulus, where no screen is named) is taken to be wide, where the pixels
per degree are not known."""


@dataclass(frozen=True)
class Stimulus:
    """What was watched.

    Attributes:
        id: name of the file without ending.
        path: the file.
        size: height and width.
        rate: frames per second on average; 0 for an image.
        times: (n + 1,) seconds at which each of n frames begins to be shown, and the last one ends; empty for an image.
    """

    id: str
    path: Path
    size: Size
    rate: float
    times: NDArray[np.float64]

    @property
    def seconds(self) -> float:
        """How long it lasts; without end for an image."""
        return float(self.times[-1]) if self.rate else float("inf")


@dataclass(frozen=True)
class Setup:
    """How a recording was made; "" and None leave a thing to what the table says, or to what is usual.

    Attributes:
        units: of x and y: "pixels" or "fraction" (0 to 1).
        origin: "upper-left" or "lower-left".
        screen: height and width of the screen that x and y are measured on; None where it is the stimulus.
        placement: where the stimulus was on it: "fit" (as large as fits, in the middle), "center" (its own size, in the
            middle), "stretch" (all of the screen), or x, y, width and height in pixels; None where the table says it,
            else "fit".
        time_unit, duration_unit: "s", "ms", "us" or "ns".
        clock: "onset" where time counts from the stimulus' start; "recording" where each observer's first row on a
            stimulus is its start.
        start: when the stimulus began, in seconds of the table's clock.
        rate: samples per second; needed where there is no column of time.
        method, threshold: of the detection of fixations among samples.
        gap: seconds without the eye that do not end a fixation.
        lost: places, x and y as in the table, that mean that the eye was not seen.
        pixels_per_degree: of visual angle, on the screen or stimulus.
        first: whether the first fixation of each viewing counts.
    """

    units: str = ""
    origin: str = ""
    screen: Size | None = None
    placement: Literal["fit", "center", "stretch"] | tuple[float, float, float, float] | None = None
    time_unit: str = ""
    duration_unit: str = ""
    clock: str = ""
    start: float | None = None
    rate: float | None = None
    method: Method = "ivt"
    threshold: float | None = None
    gap: float = GAP
    lost: tuple[tuple[float, float], ...] = ()
    pixels_per_degree: float | None = None
    first: bool = True

    def placed(self, size: Size) -> tuple[float, float, float, float]:
        """Where a stimulus of this size was on the screen: left, top, and screen pixels for one of its own, in x and
        y."""
        if self.screen is None:
            return 0.0, 0.0, 1.0, 1.0
        (height, width), (tall, wide) = size, self.screen
        placement = self.placement or "fit"
        if not isinstance(placement, str):
            left, top, shown_wide, shown_tall = placement
            return left, top, shown_wide / width, shown_tall / height
        if placement == "stretch":
            return 0.0, 0.0, wide / width, tall / height
        scale = min(wide / width, tall / height) if placement == "fit" else 1.0
        return (wide - scale * width) / 2, (tall - scale * height) / 2, scale, scale

    def degree(self, size: Size) -> float:
        """Pixels per degree of the screen, or of a stimulus of this size where there is none."""
        return self.pixels_per_degree or (self.screen or size)[1] / DEGREES_WIDE

    def sigma(self, size: Size) -> float:
        """A degree in pixels of a stimulus of this size."""
        return self.degree(size) / self.placed(size)[2]

    def detection(self, size: Size) -> Detection:
        """How fixations on a stimulus of this size are found among samples."""
        threshold = THRESHOLDS[self.method] if self.threshold is None else self.threshold
        return Detection(self.method, threshold, SHORTEST[self.method], self.degree(size), self.gap)


@dataclass(frozen=True)
class Fixation:
    """A fixation: of whom, on what (its number), in which of their viewings (from 1), start and duration in seconds,
    place in pixels of the stimulus."""

    stimulus: int
    observer: str
    viewing: int
    start: float
    duration: float
    x: float
    y: float


@dataclass
class Findings:
    """What was left out, or would have to be: how many, and the first of them in words, by what it is.

    Attributes:
        usual: what every recording has some of.
        wrong: what says that table and options do not fit each other.
        doubts: what is read, and may be something else.
        names: of the first things of a kind that is wrong.
        rows: how many were read.
        samples, lost: how many there were, and in how many the eye was not seen.
        fixations: how many were read or found, those included that are wrong.
    """

    usual: dict[str, tuple[int, str]] = field(default_factory=dict)
    wrong: dict[str, tuple[int, str]] = field(default_factory=dict)
    doubts: dict[str, tuple[int, str]] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)
    rows: int = 0
    samples: int = 0
    lost: int = 0
    fixations: int = 0

    def leave(self, what: str, count: int, name: str = "") -> None:
        """Rows that are left out, as is usual, and of what name they are."""
        if count and name and name not in self.names.setdefault(what, []):
            self.names[what].append(name)
        _add(self.usual, what, count, "")

    def misfit(self, what: str, count: int, example: str) -> None:
        """What does not fit, and the first of it in words."""
        _add(self.wrong, what, count, example)

    def misfit_name(self, what: str, count: int, name: str) -> None:
        """Rows of a name that does not fit."""
        held = self.names.setdefault(what, [])
        held.append(name)
        _add(self.wrong, what, count, "")

    def doubt(self, what: str, count: int) -> None:
        """What is read as the table has it, and may be something else."""
        _add(self.doubts, what, count, "")

    def lines(self, held: Mapping[str, tuple[int, str]]) -> list[str]:
        """What was found, a line each."""
        found = []
        for what, (count, first) in held.items():
            names = self.names.get(what, [])
            some = ", ".join(repr(name[:60]) for name in names[:5])
            example = f": {some}{f' and {len(names) - 5} more' if len(names) > 5 else ''}" if names else ""
            found.append(f"{count} {what}{f' (first: {first})' if first else example}")
        return found


def _add(to: dict[str, tuple[int, str]], what: str, count: int, example: str) -> None:
    if count:
        held, first = to.get(what, (0, example))
        to[what] = held + count, first
