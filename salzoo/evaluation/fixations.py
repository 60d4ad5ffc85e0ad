"""The fixations of a whole split in memory, and the other-fixations maps drawn from them."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from salzoo.gaze.maps import inside, join_observers
from salzoo.gaze.truth import has_fixations, has_gaze, read_density, read_fixations
from salzoo.interfaces import SalzooError, Video
from salzoo.interfaces.dataset import GazeVideo
from salzoo.metrics.frames import positions
from salzoo.runtime.progress import progress_bar


@dataclass(frozen=True)
class FixationIndex:
    """Every fixated pixel of a list of videos, packed: about 4 bytes a fixation.

    Maps of fixations are (height, width) bool; where each fixation counts, int32, how many there are at a pixel.

    Attributes:
        first_frame: (videos + 1,) number, counted over the whole list, of each video's first frame.
        offsets: (frames + 1,) where each frame's fixations begin in ``rows`` and ``columns``.
        rows, columns: pixel coordinates of the fixations.
        each: whether several fixations at one pixel count each.
        sizes: (videos, 2) height and width of each video's fixation maps.
    """

    first_frame: NDArray[np.int64]
    offsets: NDArray[np.int64]
    rows: NDArray[np.uint16]
    columns: NDArray[np.uint16]
    sizes: NDArray[np.int64]
    each: bool = False

    def frames_of(self, video: int) -> int:
        """Number of indexed frames of the list's video of that number."""
        return int(self.first_frame[video + 1] - self.first_frame[video])

    def size_of(self, video: int) -> tuple[int, int]:
        """(height, width) of a video's fixation maps."""
        return int(self.sizes[video, 0]), int(self.sizes[video, 1])

    def fixated_frames(self, video: int) -> NDArray[np.intp]:
        """The frames of a video, counted from 0, that have fixations."""
        first, end = self.first_frame[video], self.first_frame[video + 1]
        return np.nonzero(np.diff(self.offsets[first : end + 1]))[0]

    def fixations_of(self, frame: int) -> NDArray[Any]:
        """The fixation map of a frame, (height, width), as it was read."""
        video = int(np.searchsorted(self.first_frame, frame, side="right")) - 1
        return self._union([frame], self.size_of(video))

    def draw_others(self, frame: int, size: tuple[int, int], *, count: int = 10, seed: int = 0) -> NDArray[Any]:
        """The union of the fixations of ``count`` random frames of the list, as the benchmark's shuffled AUC takes it.

        The draw depends on the seed and the frame's number alone, so that the same frame is scored against the same
        map in any subset, order or process. The scored frame itself is not excluded, as in the benchmark.

        Args:
            frame: number of the scored frame, counted over the whole list.
            size: (height, width) of the map; fixations of frames of another size are scaled to it.
            count: frames to draw, without replacement (all of them if there are fewer).
            seed: of the draw.

        Returns:
            (height, width).
        """
        total = len(self.offsets) - 1
        return self._union(np.random.default_rng([seed, frame]).choice(total, min(count, total), replace=False), size)

    def draw_from_other_videos(self, video: int, *, count: int = 40, seed: int = 0) -> NDArray[Any]:
        """The union of the fixations of one random frame in each of ``count`` random other videos.

        This is how SalEMA's script draws the map of all frames of a video. It depends on the seed and the video's
        number alone, and is empty where there is no other video.

        Args:
            video: number of the scored video.
            count: videos to draw, without replacement (all others if there are fewer).
            seed: of the draw.

        Returns:
            (height, width), of the scored video's size.
        """
        rng = np.random.default_rng([seed, video, count])
        others = np.delete(np.arange(len(self.sizes)), video)
        drawn = rng.choice(others, min(count, others.size), replace=False)
        frames = rng.integers(self.first_frame[drawn], self.first_frame[drawn + 1]) if drawn.size else drawn
        return self._union(frames, self.size_of(video))

    def _union(self, frames: Iterable[int], size: tuple[int, int]) -> NDArray[Any]:
        union = np.zeros(size, np.int32 if self.each else bool)
        for number in frames:
            part = slice(self.offsets[number], self.offsets[number + 1])
            rows, columns = self.rows[part], self.columns[part]
            height, width = self.sizes[np.searchsorted(self.first_frame, number, side="right") - 1]
            if (height, width) != size:
                rows = (rows.astype(np.int64) * 2 + 1) * size[0] // (2 * height)
                columns = (columns.astype(np.int64) * 2 + 1) * size[1] // (2 * width)
            if self.each:
                np.add.at(union, (rows, columns), 1)
            else:
                union[rows, columns] = True
        return union


def index_fixations(videos: Sequence[Video], first: int | None = None, *, each: bool = False) -> FixationIndex:
    """Read the fixation maps of a list of annotated videos, a few at once, with a progress bar.

    Videos without fixations are indexed with none, of the size of their first density map.

    Args:
        videos: the list.
        first: read the first so many frames of each video alone.
        each: whether several fixations at one pixel count each, which takes the gaze of observers to tell.

    Raises:
        SalzooError: maps that cannot be read, with their number and the first of them, or that differ in size.
    """
    with ThreadPoolExecutor() as pool:
        try:
            per_video = []
            with progress_bar("reading fixations", total=len(videos), unit="video") as bar:
                for found in pool.map(lambda video: _read(video, first, each), videos):
                    per_video.append(found)
                    bar.update()
        except BaseException:  # Ctrl-C: do not read the rest first
            pool.shutdown(cancel_futures=True)
            raise
    problems = [problem for video in per_video for problem in video.problems]
    if problems:
        raise SalzooError(f"{len(problems)} fixation maps cannot be used, first: {problems[0]}")
    frames = [points for video in per_video for points in video.points]
    flat = np.concatenate(frames)
    widths = np.repeat([video.size[1] for video in per_video], [sum(map(len, v.points)) for v in per_video])
    return FixationIndex(
        first_frame=np.cumsum([0, *(len(video.points) for video in per_video)]),
        offsets=np.cumsum([0, *map(len, frames)]),
        rows=(flat // widths).astype(np.uint16),
        columns=(flat % widths).astype(np.uint16),
        sizes=np.array([video.size for video in per_video]),
        each=each,
    )


@dataclass(frozen=True)
class _VideoFixations:
    size: tuple[int, int]
    points: list[NDArray[np.uint32]]
    problems: list[str]


def _read(video: Video, first: int | None, each: bool) -> _VideoFixations:
    points, problems = [], []
    size = (0, 0)
    if not has_fixations(video):
        try:
            density = read_density(video, 0)
        except SalzooError as error:
            return _VideoFixations(size, [], [str(error)])
        frames = video.frames if first is None else min(first, video.frames)
        return _VideoFixations((density.shape[0], density.shape[1]), [np.zeros(0, np.uint32)] * frames, [])
    for index in range(video.frames if first is None else min(first, video.frames)):
        try:
            fixations = read_fixations(video, index)
        except SalzooError as error:
            problems.append(str(error))
            continue
        height, width = fixations.shape
        size = size if size != (0, 0) else (height, width)
        if (height, width) != size:
            name = f"{video.id}/{video.frame_name(index)}"
            problems.append(f"that of {name} has {height}×{width} pixels, those before it {size[0]}×{size[1]}")
        if each and has_gaze(video):
            points.append(_pixels(cast(GazeVideo, video), index))
            continue
        points.append(positions(np.ascontiguousarray(fixations).view(np.uint8)).astype(np.uint32))
    return _VideoFixations(size, points, problems)


def _pixels(video: GazeVideo, index: int) -> NDArray[np.uint32]:
    """Positions in the flat map of all fixations on a frame, those at one pixel each."""
    points = join_observers(video.read_gaze(index))
    columns, rows = np.floor(points[inside(points, video.size)]).astype(np.intp).T
    return np.sort(rows * video.size[1] + columns).astype(np.uint32)
