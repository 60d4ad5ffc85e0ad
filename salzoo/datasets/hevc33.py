"""HEVC33 (Xu et al., "Learning to Detect Video Saliency With HEVC Features", TIP 2017): 33 videos, 32 observers.

Read from a checkout of its public repository: ``video_database.mat`` (MATLAB 7.3) and ``videos/*.avi``.

A fixation lies on every frame during which it lasts, wholly or in part: from the frame shown at its start to that shown
at its end, as in the authors' demonstration. Videos that run longer than the gaze have frames without truth.

**Splits.** The videos, in the order of the authors' list, are put into the order
``numpy.random.RandomState(0).permutation(33)``. Those whose place in it is ``fold`` modulo 5 are the test split; of
those whose place is ``fold + 1`` modulo 5, the first three are the validation split; all others are the training split.
``fold=5`` has no test split: for a model that is to be scored elsewhere.

**Density**: sigma is a thirty-sixth of the width, about a degree on the larger videos.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salzoo.datasets.files import check_root, names_in
from salzoo.datasets.matlab import open_mat73
from salzoo.gaze.maps import clip_points, lasting
from salzoo.interfaces.dataset import Dataset, Viewing
from salzoo.interfaces.errors import SalzooError
from salzoo.video.reading import probe_video, read_video
from salzoo.video.timing import frame_times

FOLDS = 5
VALIDATION = 3
"""Videos of the validation split."""

PUBLISHED = {"train": 23, "val": 3, "test": 7}
"""Videos in each split of the set as published, without parameters."""


@dataclass(frozen=True)
class HEVC33Video:
    """One video and its gaze; see ``salzoo.interfaces.dataset.GazeVideo``.

    Attributes:
        id: the authors' name.
        split: "train", "val" or "test".
        path: the file.
        size: height and width.
        rate: frames per second.
        observers: how many people watched.
        table: the authors' file with the gaze.
        number: of the video in that file, from 1.
        first: whether the first fixation of each observer counts.
    """

    id: str
    split: str
    path: Path
    size: tuple[int, int]
    rate: float
    observers: int
    table: Path
    number: int
    first: bool = True

    @cached_property
    def frames(self) -> int:
        return probe_video(self.path).frames

    @property
    def annotated(self) -> bool:
        return True

    @cached_property
    def fixations(self) -> NDArray[np.float32]:
        """All fixations on the video by observer and time: (n, 5) observer from 0, start and duration in seconds,
        x and y in pixels."""
        rows = read_table(self.table).rows
        own = rows[rows[:, 1] == self.number]
        own = own[np.lexsort((own[:, 2], own[:, 0]))]
        if not self.first:
            own = own[np.diff(own[:, 0], prepend=-1) == 0]
        own = own[:, [0, 2, 3, 4, 5]] / (1, 1000, 1000, 1, 1) - (1, 0, 0, 0, 0)
        return np.asarray(own, np.float32)

    def read_viewings(self) -> list[Viewing]:
        """The fixations of each observer in order of time."""
        rows = self.fixations.astype(np.float64)
        return [Viewing(str(each + 1), rows[rows[:, 0] == each, 1:]) for each in range(self.observers)]

    @property
    def sigma(self) -> float:
        return self.size[1] / 36

    def frame_name(self, index: int) -> str:
        return f"{index + 1:04d}"

    def read_frames(self, start: int = 0, stop: int | None = None) -> Iterator[NDArray[np.uint8]]:
        yield from read_video(self.path, start, self.frames if stop is None else min(stop, self.frames))

    def read_gaze(self, index: int) -> list[NDArray[np.float32]]:
        """Where each observer looked at a frame: (n, 2) x and y for each of them."""
        shown = self._shown(index)
        points = clip_points(shown[:, 3:], self.size)
        return [points[shown[:, 0] == each] for each in range(self.observers)]

    def _shown(self, index: int) -> NDArray[np.float32]:
        """The fixations that last while a frame is shown."""
        if not 0 <= index < self.frames:
            raise SalzooError(f"video {self.id} has frames 0 to {self.frames - 1}, and no frame {index}")
        fixations = self.fixations
        start, duration = fixations[:, 1].astype(float), fixations[:, 2].astype(float)
        return fixations[lasting(start, duration, frame_times(self.path)[index : index + 2])]


def open_hevc33(root: Path | None, *, fold: int = 0, first: bool = True) -> Dataset:
    """The videos of HEVC33; no video is opened.

    Args:
        root: a checkout of the repository.
        fold: which videos are held out, 0–4; 5 for none.
        first: whether the first fixation of an observer in a video, often still on the cross, counts.

    Raises:
        SalzooError: no root is named, a file is missing or damaged, or there is no such fold.
    """
    root = check_root("hevc33", root)
    if not 0 <= fold <= FOLDS:
        raise SalzooError(f"hevc33: fold must be 0 to {FOLDS - 1}, or {FOLDS} for no test split, not {fold}")
    path = root / "video_database.mat"
    table = read_table(path)
    files = {name.removesuffix(".avi").replace(" ", ""): name for name in names_in(root / "videos")}
    missing = [name for name in table.names if name not in files]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise SalzooError(f"{root / 'videos'} lacks {missing[0]}.avi{more} of the {len(table.names)} videos")
    splits = split_folds(len(table.names), fold)
    videos = [
        HEVC33Video(
            id=name,
            split=split,
            path=root / "videos" / files[name],
            size=size,
            rate=rate,
            observers=table.observers,
            table=path,
            number=number,
            first=first,
        )
        for number, (name, split, size, rate) in enumerate(
            zip(table.names, splits, table.sizes, table.rates, strict=True), start=1
        )
    ]
    return Dataset("hevc33", videos, note="" if first else "the first fixation of each observer is left out")


@dataclass(frozen=True)
class Table:
    """What the authors' file holds.

    Attributes:
        names, sizes, rates: of the videos, in order: id, (height, width), frames per second.
        observers: how many people there are.
        rows: (n, 6): observer from 1, video from 1, start and duration in ms, x, y; rows with NaN left out.
    """

    names: list[str]
    sizes: list[tuple[int, int]]
    rates: list[float]
    observers: int
    rows: NDArray[np.float64]


@lru_cache(maxsize=4)
def read_table(path: Path) -> Table:
    """Read ``video_database.mat``, once in a process. Raises SalzooError as ``open_mat73`` does."""
    with open_mat73(path) as file:
        held = file["video_database"]
        rows = np.asarray(held["fixdata"], np.float64).T
        widths, heights = np.asarray(held["videos_info/size"], np.int64)
        return Table(
            names=[_text(file[each]) for each in np.ravel(held["video_names_list"])],
            sizes=[(int(height), int(width)) for height, width in zip(heights, widths, strict=True)],
            rates=[float(rate) for rate in np.ravel(held["videos_info/framerate_fps"])],
            observers=int(np.size(held["subj_names_list"])),
            rows=rows[np.isfinite(rows).all(1)],
        )


def split_folds(count: int, fold: int) -> list[str]:
    """The split of each of ``count`` videos, by the rule above."""
    splits = ["train"] * count
    order = np.random.RandomState(0).permutation(count)
    for number in order[(fold + 1) % FOLDS :: FOLDS][:VALIDATION]:
        splits[number] = "val"
    for number in order[fold::FOLDS] if fold < FOLDS else ():
        splits[number] = "test"
    return splits


def _text(characters: Any) -> str:
    return "".join(map(chr, np.ravel(characters)))
