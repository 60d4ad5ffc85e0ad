"""A camera with its saliency as it comes, and how well a model keeps up with it."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from salzoo.prediction.engines.engine import Engine
from salzoo.prediction.inputs import FrameStream
from salzoo.prediction.maps import frames_to_maps

REMEMBERED = 300
"""Frames that rate and latency are told of: the last so many."""


@dataclass(frozen=True)
class Seen:
    """A live frame with its map.

    Attributes:
        frame: (H, W, 3) uint8, BGR.
        saliency: (h, w) float32 in [0, 1], of the model's input size.
        latency: seconds from the frame's arrival to its map.
        dropped: frames, of all since the first, that came too late to be run.
    """

    frame: NDArray[np.uint8]
    saliency: NDArray[np.float32]
    latency: float
    dropped: int


class KeepingUp:
    """How a model keeps up with a camera.

    >>> keeping = KeepingUp()
    >>> for milliseconds in range(1, 101):
    ...     keeping.add(milliseconds / 1000, dropped=25, now=milliseconds / 50)
    >>> str(keeping)
    '50.0 frames/s, latency 50 ms (median), 95 ms (95 %), 25 of 125 late and dropped'

    Attributes:
        frames: run so far.
        dropped: of all so far, that came too late.
    """

    def __init__(self) -> None:
        self.frames = self.dropped = 0
        self._latencies: deque[float] = deque(maxlen=REMEMBERED)
        self._moments: deque[float] = deque(maxlen=REMEMBERED)

    def add(self, latency: float, dropped: int, now: float) -> None:
        """Take note of a frame: seconds until its map, frames dropped so far, and the time in seconds."""
        self.frames, self.dropped = self.frames + 1, dropped
        self._latencies.append(latency)
        self._moments.append(now)

    @property
    def rate(self) -> float:
        """Frames run a second, 0 before the second one."""
        moments = self._moments
        return (len(moments) - 1) / max(moments[-1] - moments[0], 1e-9) if len(moments) > 1 else 0.0

    @property
    def latency(self) -> tuple[float, float]:
        """The median and the 95 % quantile of seconds until the map; 0 before the first one."""
        if not self._latencies:
            return 0.0, 0.0
        half, most = np.quantile(list(self._latencies), [0.5, 0.95], method="inverted_cdf").tolist()
        return half, most

    def __str__(self) -> str:
        if not self.frames:
            return "no frame was run"
        half, most = self.latency
        return (
            f"{self.rate:.1f} frames/s, latency {1e3 * half:.0f} ms (median), {1e3 * most:.0f} ms (95 %), "
            f"{self.dropped} of {self.frames + self.dropped} late and dropped"
        )


def watch(engine: Engine, stream: FrameStream) -> Iterator[Seen]:
    """Run a model on the newest frame, again and again; the temporal state goes on from one that was run to the next.

    Args:
        engine: what runs.
        stream: of a camera.
    """
    before = None  # those that came while the engine was made ready are nobody's fault
    for _, frame, map_ in frames_to_maps(engine, stream):
        dropped = getattr(stream.frames, "dropped", 0)
        before = dropped if before is None else before
        yield Seen(frame.image, map_, perf_counter() - float(frame.time), dropped - before)
