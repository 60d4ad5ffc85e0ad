"""From samples of an eye tracker to fixations: a threshold on velocity (I-VT) or on dispersion (I-DT).

Both are the plain algorithms of Salvucci and Goldberg, "Identifying fixations and saccades in eye-tracking protocols",
ETRA 2000, for samples at uneven times too. (The I-DT of pymovements 0.28 takes whole, even steps of time alone; its
I-VT finds the same fixations as this one, given the same velocities: tests/gaze/test_events.py.)
"""

import itertools
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Method = Literal["ivt", "idt"]

WINDOW = 0.02
"""Seconds before and after a sample whose mean positions give its velocity: from one sample to the next, the noise of
the tracker alone exceeds any threshold."""

GAP = 0.075
"""Seconds without the eye that do not end a fixation: Tobii's I-VT filter fills gaps up to this length (Olsen, "The
Tobii I-VT Fixation Filter", 2012), and blinks are longer."""


MOVED = 0.5
"""Degrees that the eye may have moved while it was not seen, in one fixation: as far as Tobii's filter joins two."""


@dataclass(frozen=True)
class Detection:
    """How samples become fixations.

    Attributes:
        method: "ivt" or "idt".
        threshold: "ivt": degrees per second that velocity stays below; "idt": degrees that dispersion, the extent in x
            plus that in y, does not exceed.
        shortest: seconds that a fixation lasts at least, from its first sample to its last.
        pixels_per_degree: of visual angle, for the positions given.
        gap: seconds without the eye that do not end a fixation.
    """

    method: Method
    threshold: float
    shortest: float
    pixels_per_degree: float
    gap: float = GAP


THRESHOLDS: dict[Method, float] = {"ivt": 30.0, "idt": 1.0}
"""Usual thresholds, in degrees per second and degrees."""

SHORTEST: dict[Method, float] = {"ivt": 0.06, "idt": 0.1}
"""Usual shortest fixations, in seconds."""


def find_fixations(times: NDArray[np.float64], points: NDArray[np.float64], how: Detection) -> NDArray[np.float64]:
    """The fixations of one observer on one stimulus.

    Where the eye was not seen for longer than ``how.gap``, a fixation ends.

    Args:
        times: (n,) seconds, rising.
        points: (n, 2) x and y in pixels, NaN where the eye was not seen.
        how: method and thresholds.

    Returns:
        (m, 4): start and duration in seconds, and the mean x and y of the samples.
    """
    step = usual_step(times)
    seen = np.asarray(np.isfinite(points).all(1))
    times, points = times[seen], points[seen]
    way = np.diff(times)
    apart = way > how.gap + step + 1e-9
    for at in np.flatnonzero((way > 1.5 * step) & ~apart):  # lost for a moment: is it where it was?
        near = max(1, round(WINDOW / step))
        before, after = points[max(at + 1 - near, 0) : at + 1].mean(0), points[at + 1 : at + 1 + near].mean(0)
        apart[at] = np.hypot(*(after - before)) > MOVED * how.pixels_per_degree
    marks = [0, *(np.flatnonzero(apart) + 1).tolist(), len(times)]
    runs: list[tuple[int, int]] = []
    for start, stop in itertools.pairwise(marks):
        if stop - start > 1:
            search = _slow_runs if how.method == "ivt" else _compact_runs
            found = search(times[start:stop], points[start:stop] / how.pixels_per_degree, how)
            runs += [(start + first, start + end) for first, end in found]
    return np.array([(times[a], times[b - 1] - times[a], *points[a:b].mean(0)) for a, b in runs], np.float64).reshape(
        -1, 4
    )


def usual_step(times: NDArray[np.float64]) -> float:
    """The median time from one sample to the next; 0 for fewer than two."""
    return float(np.median(np.diff(times))) if len(times) > 1 else 0.0


def velocities(times: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Speed at each of n samples, (n,): from the mean of the ``WINDOW`` seconds before it to that of those after it.

    >>> velocities(np.arange(5) / 50, np.array([[0.0, 0], [0, 0], [3, 4], [6, 8], [6, 8]])).round(3).tolist()
    [0.0, 125.0, 250.0, 125.0, 0.0]
    """
    reach = max(1, round(WINDOW / usual_step(times)))
    index = np.arange(len(times))
    sums = np.cumsum(np.column_stack([times, points]), axis=0)
    sums = np.concatenate([np.zeros((1, 3)), sums])

    def mean(first: NDArray[np.intp], last: NDArray[np.intp]) -> NDArray[np.float64]:
        return np.asarray((sums[last + 1] - sums[first]) / (last + 1 - first)[:, None], np.float64)

    away = mean(index, np.minimum(index + reach, len(times) - 1)) - mean(np.maximum(index - reach, 0), index)
    return np.asarray(np.hypot(away[:, 1], away[:, 2]) / away[:, 0], np.float64)


def _slow_runs(times: NDArray[np.float64], degrees: NDArray[np.float64], how: Detection) -> list[tuple[int, int]]:
    """I-VT: runs of samples whose velocity is below the threshold; where they are a tenth further apart than
    ``WINDOW``, runs with a velocity from each to the next below it, less a first and last sample in flight."""
    if usual_step(times) > 1.1 * WINDOW:
        apart = np.hypot(*np.diff(degrees, axis=0).T) / np.diff(times) >= how.threshold
        runs = itertools.pairwise([0, *(np.flatnonzero(apart) + 1).tolist(), len(times)])
        pairs = (_landed(times, degrees, first, end, how.shortest) for first, end in runs)
    else:
        slow = velocities(times, degrees) < how.threshold
        edges = np.flatnonzero(np.diff(slow.astype(np.int8), prepend=0, append=0)).tolist()
        pairs = zip(edges[::2], edges[1::2], strict=True)  # type: ignore[assignment]
    return [(first, end) for first, end in pairs if times[end - 1] - times[first] >= how.shortest - 1e-9]


def _landed(
    times: NDArray[np.float64], degrees: NDArray[np.float64], first: int, end: int, shortest: float
) -> tuple[int, int]:
    """A run without a first or last sample further than ``MOVED`` from the three next to it, as far as it stays long
    enough."""
    if times[end - 1] - times[min(first + 1, end - 1)] >= shortest - 1e-9:
        first += np.hypot(*(degrees[first + 1 : first + 4].mean(0) - degrees[first])) > MOVED
    if times[max(end - 2, first)] - times[first] >= shortest - 1e-9:
        end -= np.hypot(*(degrees[max(end - 4, first) : end - 1].mean(0) - degrees[end - 1])) > MOVED
    return int(first), int(end)


def _compact_runs(times: NDArray[np.float64], degrees: NDArray[np.float64], how: Detection) -> list[tuple[int, int]]:
    """I-DT: from each start the longest run whose dispersion does not exceed the threshold, if it is long enough."""
    found, first = [], 0
    while first < len(times):
        least = int(np.searchsorted(times, times[first] + how.shortest - 1e-9)) + 1
        if least > len(times):
            break
        if np.ptp(degrees[first:least], axis=0).sum() > how.threshold:
            first += 1
            continue
        rest = degrees[first:]
        extents = np.maximum.accumulate(rest) - np.minimum.accumulate(rest)
        end = first + int(np.searchsorted(extents.sum(1), how.threshold, side="right"))
        found.append((first, end))
        first = end
    return found
