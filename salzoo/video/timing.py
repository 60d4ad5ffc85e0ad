"""When the frames of a video are shown, by its own times."""

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from salzoo.runtime.files import reading
from salzoo.video.reading import probe_video, timed_frames
from salzoo.video.seeking import index_video


def frame_times(path: Path) -> NDArray[np.float64]:
    """When each of n frames begins to be shown, and the last one ends: (n + 1,) seconds from the first, rising.

    What ``read_timed`` gives, without its pictures; once in a process unless the file changes.

    Raises:
        SalzooError: the file is missing, damaged or truncated, or not a video.
    """
    with reading(path):
        status = path.stat()
    return _remembered(path.absolute(), status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=4096)
def _remembered(path: Path, changed: int, size: int) -> NDArray[np.float64]:
    times: NDArray[np.float64]
    index = index_video(path)
    info = probe_video(path)
    usual = 1 / info.fps if info.fps else 0.04
    if index.exact:
        times = (np.asarray(index.times, np.float64) - index.times[0]) * float(info.time_base)
    elif index.even:
        times = np.arange(len(index.times), dtype=np.float64) * usual
    else:
        times = np.array([float(time) for time, _ in timed_frames(path)], np.float64)
    last = max(index.last * float(info.time_base), 1e-6) if index.exact and index.last else usual
    times = np.asarray([*times, times[-1] + last], np.float64)
    times.flags.writeable = False
    return times
