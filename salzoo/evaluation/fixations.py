"""The fixations of a whole split in memory, and the other-fixations maps drawn from them."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from salzoo.interfaces import Video


@dataclass(frozen=True)
class FixationIndex:
    """Every fixated pixel of a list of videos, packed: about 4 bytes a fixation.

    Attributes:
        first_frame: (videos + 1,) number, counted over the whole list, of each video's first frame.
        offsets: (frames + 1,) where each frame's fixations begin in ``rows`` and ``columns``.
        rows, columns: pixel coordinates of the fixations.
        sizes: (videos, 2) height and width of each video's fixation maps.
    """

    first_frame: NDArray[np.int64]
    offsets: NDArray[np.int64]
    rows: NDArray[np.uint16]
    columns: NDArray[np.uint16]
    sizes: NDArray[np.int64]

    def frames_of(self, video: int) -> int:
        """Number of indexed frames of the list's video of that number."""
        return int(self.first_frame[video + 1] - self.first_frame[video])

    def draw_others(self, frame: int, size: tuple[int, int], *, count: int = 10, seed: int = 0) -> NDArray[np.bool_]:
        """The union of the fixations of ``count`` random frames of the list, as the benchmark's shuffled AUC takes it.

        The draw depends on the seed and the frame's number alone, so that the same frame is scored against the same
        map in any subset, order or process. The scored frame itself is not excluded, as in the benchmark.

        Args:
            frame: number of the scored frame, counted over the whole list.
            size: (height, width) of the map; fixations of frames of another size are scaled to it.
            count: frames to draw, without replacement (all of them if there are fewer).
            seed: of the draw.

        Returns:
            (height, width) bool.
        """
        total = len(self.offsets) - 1
        drawn = np.random.default_rng([seed, frame]).choice(total, min(count, total), replace=False)
        others = np.zeros(size, bool)
        for number in drawn:
            part = slice(self.offsets[number], self.offsets[number + 1])
            height, width = self.sizes[np.searchsorted(self.first_frame, number, side="right") - 1]
            rows = (self.rows[part].astype(np.int64) * 2 + 1) * size[0] // (2 * height)
            columns = (self.columns[part].astype(np.int64) * 2 + 1) * size[1] // (2 * width)
            others[rows, columns] = True
        return others


def index_fixations(videos: Sequence[Video], first: int | None = None) -> FixationIndex:
    """Read the fixation maps of a list of annotated videos, a few at once, with a progress bar.

    Args:
        videos: the list.
        first: read the first so many frames of each video alone.
    """
    with ThreadPoolExecutor() as pool:
        reading = pool.map(lambda video: _read(video, first), videos)
        per_video = list(tqdm(reading, "fixations", total=len(videos), unit="video", leave=False, disable=None))
    frames = [points for video in per_video for points in video.points]
    return FixationIndex(
        first_frame=np.cumsum([0, *(len(video.points) for video in per_video)]),
        offsets=np.cumsum([0, *map(len, frames)]),
        rows=np.concatenate([points[:, 0] for points in frames]),
        columns=np.concatenate([points[:, 1] for points in frames]),
        sizes=np.array([video.size for video in per_video]),
    )


@dataclass(frozen=True)
class _VideoFixations:
    size: tuple[int, int]
    points: list[NDArray[np.uint16]]


def _read(video: Video, first: int | None) -> _VideoFixations:
    points = []
    size = (0, 0)
    for index in range(video.frames if first is None else min(first, video.frames)):
        fixations = video.read_fixations(index)
        size = (fixations.shape[0], fixations.shape[1])
        points.append(np.argwhere(fixations).astype(np.uint16))
    return _VideoFixations(size, points)
