"""How gaze was recorded, and what comes of it: stimuli, placement on the screen, fixations, and what was left out."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from salzoo.gaze.events import SHORTEST, THRESHOLDS, Detection, Method

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
        frames: number of frames; 1 for an image.
        rate: frames per second; 0 for an image.
    """

    id: str
    path: Path
    size: Size
    frames: int
    rate: float

    @property
    def seconds(self) -> float:
        """How long it lasts; without end for an image."""
        return self.frames / self.rate if self.rate else float("inf")


@dataclass(frozen=True)
class Setup:
    """How a recording was made; "" and None leave a thing to what the table's columns say, or to what is usual.

    Attributes:
        units: of x and y: "pixels" or "fraction" (0 to 1).
        origin: "upper-left" or "lower-left".
        screen: height and width of the screen that x and y are measured on; None where it is the stimulus.
        placement: where the stimulus was on it: "fit" (as large as fits, in the middle), "center" (its own size, in the
            middle), "stretch" (all of the screen), or x, y, width and height in pixels.
        time_unit, duration_unit: "s", "ms", "us" or "ns".
        clock: "onset" where time counts from the stimulus' start; "recording" where each observer's first row on a
            stimulus is its start.
        rate: samples per second; needed where there is no column of time.
        method, threshold: of the detection of fixations among samples.
        pixels_per_degree: of visual angle, on the screen or stimulus.
        first: whether the first fixation of an observer on a stimulus counts.
    """

    units: str = ""
    origin: str = ""
    screen: Size | None = None
    placement: Literal["fit", "center", "stretch"] | tuple[float, float, float, float] = "fit"
    time_unit: str = ""
    duration_unit: str = ""
    clock: str = ""
    rate: float | None = None
    method: Method = "ivt"
    threshold: float | None = None
    pixels_per_degree: float | None = None
    first: bool = True

    def placed(self, size: Size) -> tuple[float, float, float, float]:
        """Where a stimulus of this size was on the screen: left, top, and screen pixels for one of its own, in x and
        y."""
        if self.screen is None:
            return 0.0, 0.0, 1.0, 1.0
        (height, width), (tall, wide) = size, self.screen
        if not isinstance(self.placement, str):
            left, top, shown_wide, shown_tall = self.placement
            return left, top, shown_wide / width, shown_tall / height
        if self.placement == "stretch":
            return 0.0, 0.0, wide / width, tall / height
        scale = min(wide / width, tall / height) if self.placement == "fit" else 1.0
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
        return Detection(self.method, threshold, SHORTEST[self.method], self.degree(size))


@dataclass(frozen=True)
class Fixation:
    """A fixation: of whom, on what (its number), start and duration in seconds, place in pixels of the stimulus."""

    stimulus: int
    observer: str
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
    """

    usual: dict[str, tuple[int, str]] = field(default_factory=dict)
    wrong: dict[str, tuple[int, str]] = field(default_factory=dict)

    @staticmethod
    def add(to: dict[str, tuple[int, str]], what: str, count: int, example: str) -> None:
        if count:
            held, first = to.get(what, (0, example))
            to[what] = held + count, first
