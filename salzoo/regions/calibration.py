"""From what a model's map says of a region to what people did: a small table, with intervals that hold as often as they
say.

For the share of fixations, and for the chance that a viewer looks at a region within so many seconds, the table has

1. a logistic curve of ten numbers on what the map says of the region (``salzoo.regions.shares``);
2. for each of four sizes of region, the shortest range that held four fifths of what people did, at six values of that
   curve, straight between them;
3. for each size, and for lower, middle and upper values of the curve, a factor by which that range is widened or
   narrowed, so that it holds four fifths on pictures that neither model nor table was fitted to (conformal prediction
   by groups: Romano et al., "Conformalized quantile regression", 2019);
4. a factor more for pictures that are unlike photographs (``salzoo.regions.unlike``).

``cards/regions/fitting.py`` makes the table and judges it; README.md beside that says how it was judged.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salzoo.interfaces.errors import SalzooError

SECONDS = (1, 2, 3, 5)
"""Within which a viewer may look at a region."""

TARGETS = ("share", *(f"seen_{seconds}s" for seconds in SECONDS))
"""What is said of a region."""

LEVEL = 0.8
"""How often an interval holds what people did."""

SIZES = (0.01, 0.04, 0.12)
"""Shares of the frame between the four sizes of region."""

TABLE = Path(__file__).parent / "calibration.json"

NARROW = 0.01
"""A range that is narrower says no more than that nobody looks, or everybody; it holds as often as that is so."""

VERSION = 2

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Band:
    """Ranges of one size of region.

    Attributes:
        at: values of the curve, as logits, rising.
        low, high: the range at each.
        splits: the logits that part lower, middle and upper values.
        widths: the factor for each of the three.
        change: the factor of the interval of a difference between two regions of such a size.
    """

    at: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    splits: tuple[float, ...] = ()
    widths: tuple[float, ...] = (1.0,)
    change: float = 1.0

    def part_of(self, expected: Numbers) -> NDArray[np.intp]:
        """Which of ``widths`` values of the curve have: (n,)."""
        return np.searchsorted(self.splits, logit(expected), side="right")

    def around(self, expected: Numbers, factor: float = 1.0) -> tuple[Numbers, Numbers]:
        """The ranges around values of the curve, wider by a factor, (n,) each. A range that begins at 0, or ends at 1,
        stays there."""
        logits = logit(expected)
        low = np.minimum(np.interp(logits, self.at, self.low), expected)
        high = np.maximum(np.interp(logits, self.at, self.high), expected)
        width = factor * np.array(self.widths)[self.part_of(expected)]
        return (
            np.where(low > 0, np.maximum(expected - width * (expected - low), 0), 0),
            np.where(high < 1, np.minimum(expected + width * (high - expected), 1), 1),
        )


@dataclass(frozen=True)
class Curve:
    """What is expected of people, and how far they strayed from it.

    Attributes:
        weights: of ``describe``'s columns.
        bands: one for each size of region.
        error: mean absolute difference from what people did, on pictures that it was not fitted to.
        unlike: the factor of the ranges in pictures that are unlike photographs.
    """

    weights: tuple[float, ...]
    bands: tuple[Band, ...]
    error: float = float("nan")
    unlike: float = 1.0

    def expect(self, seen: Numbers) -> Numbers:
        """The value of the curve for regions (n, 5), as ``see_regions`` measures them: (n,)."""
        return np.asarray(1 / (1 + np.exp(-np.clip(describe(seen) @ np.array(self.weights), -30, 30))))

    def interval(self, seen: Numbers, unlike: bool = False) -> tuple[Numbers, Numbers, Numbers]:
        """What is expected, and the interval around it, (n,) each; NaN where a region is absent. Of a picture that is
        unlike photographs it is wider."""
        expected = self.expect(seen)
        low, high = np.full_like(expected, np.nan), np.full_like(expected, np.nan)
        sizes = size_of(seen)
        for size, band in enumerate(self.bands):
            own = sizes == size
            low[own], high[own] = band.around(expected[own], self.unlike if unlike else 1.0)
        absent = np.isnan(seen[:, 0])
        return expected, np.where(absent, np.nan, low), np.where(absent, np.nan, high)


@dataclass(frozen=True)
class Calibration:
    """The table.

    Attributes:
        model: the name of the model that it was fitted to.
        weights: the first letters of the SHA-256 of its weights.
        pictures: what it was fitted on, in words.
        curves: by ``TARGETS``.
        usual: what a usual picture is like (``salzoo.regions.unlike``).
        measured: how it was judged.
    """

    model: str
    weights: str
    pictures: str
    curves: dict[str, Curve]
    usual: dict[str, Any]
    measured: dict[str, Any]


def read_calibration(path: Path) -> Calibration:
    """The table of a file, as ``cards/regions/fitting.py`` writes it.

    Raises:
        SalzooError: it was written by another version.
    """
    held = json.loads(path.read_text(encoding="utf-8"))
    if held["version"] != VERSION:
        raise SalzooError(f"{path} has version {held['version']} of the table, not {VERSION}: fit it anew")
    curves = {
        name: Curve(
            tuple(curve["weights"]),
            tuple(Band(**{key: _tuples(value) for key, value in band.items()}) for band in curve["bands"]),
            curve["error"],
            curve["unlike"],
        )
        for name, curve in held["curves"].items()
    }
    return Calibration(held["model"], held["weights"], held["pictures"], curves, held["usual"], held["measured"])


@cache
def shipped_calibration() -> Calibration:
    """The table that salzoo has."""
    return read_calibration(TABLE)


def describe(seen: Numbers) -> Numbers:
    """The columns that a curve weighs: (n, 10) of regions (n, 5)."""
    share, area, distance, rank, peak = seen.T
    held, covered = logit(share) / 3, logit(area) / 3
    columns = (np.ones(len(seen)), held, covered, distance, np.log(1.003 - rank), np.log(peak + 1e-3))
    return np.stack([*columns, held**2, held * covered, covered**2, held * distance], 1)


def apart(first: Numbers, second: Numbers, factor: float | Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """The second of two independent numbers less the first, with its interval, (n,) each.

    Args:
        first, second: (3, n) what is expected, and the interval's ends.
        factor: of the interval whose sides are roots of the sums of squares of theirs: it makes up for sides that
            stop at 0 or 1, and for errors that are not bell-shaped.
    """
    change = second[0] - first[0]
    down = np.hypot(first[2] - first[0], second[0] - second[1])
    up = np.hypot(first[0] - first[1], second[2] - second[0])
    return change, change - factor * np.maximum(down, up), change + factor * np.maximum(down, up)


def size_of(seen: Numbers) -> NDArray[np.intp]:
    """The size of regions (n, 5), from 0 for the smallest: (n,)."""
    return np.searchsorted(SIZES, seen[:, 1], side="right")


def logit(share: Numbers) -> Numbers:
    """The logarithm of odds, of shares kept a ten-thousandth from 0 and 1."""
    kept = np.clip(share, 1e-4, 1 - 1e-4)
    return np.asarray(np.log(kept / (1 - kept)))


def median_time(chances: NDArray[np.float64]) -> float:
    """The time in seconds by which half of the viewers have looked at a region, from the chances within ``SECONDS``,
    straight between them; NaN where fewer do so.

    >>> median_time(np.array([0.2, 0.6, 0.8, 0.9]))
    1.75
    """
    rising = np.maximum.accumulate([0.0, *chances])
    if not rising[-1] > 0.5:
        return float("nan")
    after = int(np.searchsorted(rising, 0.5, side="right"))
    times = (0, *SECONDS)
    part = (0.5 - rising[after - 1]) / (rising[after] - rising[after - 1])
    return float(times[after - 1] + part * (times[after] - times[after - 1]))


def _tuples(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
