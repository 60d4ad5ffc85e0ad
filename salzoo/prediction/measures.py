"""Numbers that say where a map looks: peak, centroid, spread, entropy."""

import csv
import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from salzoo.runtime.files import complete_or_absent, writing

MEASURE_ENDINGS = (".csv", ".json")
"""Endings of files of measures."""


def measure_map(map_: NDArray[np.float32]) -> dict[str, float | None]:
    """Measure a map at its frame's size.

    Args:
        map_: (H, W), at least 0.

    Returns:
        ``peak``, its largest value, at ``peak_x``, ``peak_y``; the mean place ``centroid_x``, ``centroid_y``;
        ``spread``, the root mean square distance from it; ``entropy`` of the map as a distribution over pixels, in
        bits. Places and distances are in pixels of the frame, of which the upper left has its centre at (0.5, 0.5). Of
        a map of zeros all but the peak is None.

    >>> map_ = np.zeros((4, 8), np.float32)
    >>> map_[1, 2] = map_[1, 4] = 0.5
    >>> found = measure_map(map_)
    >>> [round(found[name], 6) for name in ("peak", "centroid_x", "centroid_y", "spread", "entropy")]
    [0.5, 3.5, 1.5, 1.0, 1.0]
    """
    values = np.ascontiguousarray(map_, np.float32)
    row, column = divmod(int(values.argmax()), values.shape[1])
    sums = [cv2.reduce(values, axis, cv2.REDUCE_SUM, dtype=cv2.CV_64F).ravel() for axis in (0, 1)]
    total = float(sums[0].sum())
    found: dict[str, float | None] = {"peak": float(map_.max()), "peak_x": column + 0.5, "peak_y": row + 0.5}
    names = ("centroid_x", "centroid_y", "spread", "entropy")
    if not total > 0:
        return {**found, "peak_x": None, "peak_y": None, **dict.fromkeys(names)}
    across, down = (each / total for each in sums)
    x, y = np.arange(across.size) + 0.5, np.arange(down.size) + 0.5
    centre = float(across @ x), float(down @ y)
    variance = float(across @ (x - centre[0]) ** 2 + down @ (y - centre[1]) ** 2)
    logarithms = cv2.log(np.maximum(values, np.finfo(np.float32).tiny))
    mean = float(cv2.sumElems(cv2.multiply(values, logarithms))[0]) / total  # summed in float64, as all above
    numbers = [*centre, variance**0.5, abs(math.log(total) - mean) / math.log(2)]
    return found | dict(zip(names, numbers, strict=True))


@contextmanager
def measures_writer(path: Path, per: str = "frame") -> Iterator[Callable[[NDArray[np.float32], Fraction], None]]:
    """Write the measures of each frame, in a ``with`` block: a line of a .csv, or an object of a .json list.

    Args:
        path: the file.
        per: "frame", or "second" for the means over the frames of each second.

    Yields:
        A function that takes the next map, (H, W) float32 at its frame's size, and its time.

    Raises SalzooError for a place that cannot be written to.
    """
    frame = 0
    with (
        complete_or_absent(path) as temporary,
        writing(path),
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        if path.suffix.lower() == ".csv":
            put, end = _csv_rows(file), ""
        else:
            put, end = _json_rows(file), "\n]\n"
        seconds = Seconds(put)

        def write(map_: NDArray[np.float32], time: Fraction) -> None:
            nonlocal frame
            frame += 1
            measured = measure_map(map_)
            if per == "second":
                seconds.add(int(time), measured)
            else:
                put({"frame": frame, "time": round(float(time), 6), **measured})

        yield write
        seconds.end()
        file.write(end)


class Seconds:
    """Means of measures over each second, given to a function as they are complete.

    >>> seconds = Seconds(print)
    >>> for second, peak in ((0, 0.5), (0, 1.0), (2, None)):
    ...     seconds.add(second, {"peak": peak})
    {'second': 0, 'frames': 2, 'peak': 0.75}
    >>> seconds.end()
    {'second': 2, 'frames': 1, 'peak': None}
    """

    def __init__(self, put: Callable[[dict[str, Any]], None]) -> None:
        self._put = put
        self._second = 0
        self._held: list[dict[str, float | None]] = []

    def add(self, second: int, measured: dict[str, float | None]) -> None:
        """Add a frame's measures; None counts for none."""
        if second != self._second:
            self.end()
        self._second = second
        self._held.append(measured)

    def end(self) -> None:
        """The last second is complete."""
        if self._held:
            known = {key: [row[key] for row in self._held if row[key] is not None] for key in self._held[0]}
            means = {key: float(np.mean(values)) if values else None for key, values in known.items()}  # type: ignore[arg-type]
            self._put({"second": self._second, "frames": len(self._held), **means})
        self._held = []


def _csv_rows(file: Any) -> Callable[[dict[str, Any]], None]:
    writer = csv.writer(file)
    begun = False

    def put(row: dict[str, Any]) -> None:
        nonlocal begun
        if not begun:
            writer.writerow(row)
        begun = True
        writer.writerow([f"{value:.6g}" if isinstance(value, float) else value for value in row.values()])

    return put


def _json_rows(file: Any) -> Callable[[dict[str, Any]], None]:
    before = "[\n"

    def put(row: dict[str, Any]) -> None:
        nonlocal before
        file.write(before + json.dumps(row))
        before = ",\n"

    return put
