"""One's own data set: the folder that ``salzoo data import`` makes, or a plain tree of frames and maps.

**Recordings**, as made by ``salzoo data import``::

    set.toml     each video's file, split, size, frame rate and sigma; how the gaze was made. Splits may be changed
    gaze.csv     video, observer, start_ms, duration_ms, x, y: a row a fixation, in pixels of the video
    videos/      the videos or images, or links to them

A fixation lies on every frame during which it lasts, wholly or in part. The video's own times say
when a frame is shown.

**A plain tree** is read by ``salzoo.datasets.tree``.
"""

import csv
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salzoo.datasets.files import check_root
from salzoo.datasets.tree import open_tree
from salzoo.gaze.maps import clip_points, lasting
from salzoo.interfaces.dataset import Dataset, Viewing
from salzoo.interfaces.errors import SalzooError
from salzoo.video.pictures import read_image
from salzoo.video.reading import read_video
from salzoo.video.timing import frame_times

SETTINGS, GAZE = "set.toml", "gaze.csv"

FORMAT = 1
"""Version of the layout of recordings."""

COLUMNS = ("video", "observer", "start_ms", "duration_ms", "x", "y")
"""Of ``gaze.csv``."""

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Recording:
    """A video or image and the gaze on it; see ``salzoo.interfaces.dataset.GazeVideo``.

    Attributes:
        id: its name.
        split: "train", "val" or "test".
        path: the file.
        size: height and width.
        rate: frames per second; 0 for an image.
        sigma: standard deviation of the density's Gaussian in pixels.
        table: the file with the gaze.
        first: whether the first fixation of each observer counts.
    """

    id: str
    split: str
    path: Path
    size: tuple[int, int]
    rate: float
    sigma: float
    table: Path
    first: bool = True

    @cached_property
    def frames(self) -> int:
        return len(frame_times(self.path)) - 1 if self.rate else 1

    @property
    def annotated(self) -> bool:
        return True

    @property
    def observers(self) -> int:
        return len(self._gaze.observers)

    def frame_name(self, index: int) -> str:
        return f"{index + 1:04d}" if self.rate else self.id

    def read_frames(self, start: int = 0, stop: int | None = None) -> Iterator[NDArray[np.uint8]]:
        if self.rate:
            yield from read_video(self.path, start, self.frames if stop is None else min(stop, self.frames))
        elif range(1)[start:stop]:
            yield read_image(self.path)

    def read_gaze(self, index: int) -> list[NDArray[np.float32]]:
        """Where each observer looked at a frame: (n, 2) x and y for each of them."""
        shown = self._shown(index)
        return [clip_points(shown[shown[:, 0] == each, 3:], self.size) for each in range(self.observers)]

    def read_viewings(self) -> list[Viewing]:
        """The fixations of each observer in order of time."""
        rows = self._fixations
        return [Viewing(name, rows[rows[:, 0] == each, 1:]) for each, name in enumerate(self._gaze.observers)]

    @property
    def _gaze(self) -> "GazeTable":
        return read_gaze_table(self.table)

    @property
    def _fixations(self) -> NDArray[np.float64]:
        """All that count: (n, 5) observer, start, duration, x, y."""
        fixations = self._gaze.fixations.get(self.id, np.zeros((0, 5)))
        return fixations if self.first else fixations[np.diff(fixations[:, 0], prepend=-1) == 0]

    def _shown(self, index: int) -> NDArray[np.float64]:
        """The fixations that last while a frame is shown: (n, 5) observer, start, duration, x, y."""
        if not 0 <= index < self.frames:
            raise SalzooError(f"{self.id} has frames 0 to {self.frames - 1}, and no frame {index}")
        fixations = self._fixations
        if not self.rate:
            return fixations
        return fixations[lasting(fixations[:, 1], fixations[:, 2], frame_times(self.path)[index : index + 2])]


def open_folder(root: Path | None, *, first: bool = True) -> Dataset:
    """The videos of one's own folder; no video is opened.

    Args:
        root: a folder made by ``salzoo data import``, or a plain tree.
        first: whether the first fixation of an observer on a video, often still on the cross, counts. In a plain tree,
            where observers are not known, it always does.

    Raises:
        SalzooError: no root is named, it is neither, or a file is missing or damaged.
    """
    root = check_root("folder", root)
    path = root / SETTINGS
    if not path.exists():
        dataset = open_tree(root)
        if not first:
            raise SalzooError(f"{root} has maps, not the gaze of observers: the first fixation cannot be left out")
        return dataset
    with _checked(path):
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
        if settings["format"] != FORMAT:
            raise SalzooError(f"{path} is of format {settings['format']}, this salzoo reads format {FORMAT}")
        kept = settings["gaze"]["first_fixations"] is True
        videos = [_recording(root, entry, first or not kept) for entry in settings["videos"]]
        notes = [root.resolve().name, f"{int(settings['observers'])} observers", str(settings["sigma"])]
    if not videos or len({video.id for video in videos}) < len(videos):
        raise SalzooError(f"{path} names a video twice, or none")
    if not first or not kept:
        notes.append("the first fixation of each observer is left out")
    return Dataset("folder", videos, note=", ".join(notes))


def _recording(root: Path, entry: Mapping[str, Any], first: bool) -> Recording:
    """A video as the settings have it. Raises KeyError, TypeError or ValueError where they do not."""
    recording = Recording(
        id=str(entry["id"]),
        split=str(entry["split"]),
        path=root / entry["file"],
        size=(int(entry["height"]), int(entry["width"])),
        rate=float(entry["rate"]),
        sigma=float(entry["sigma"]),
        table=root / GAZE,
        first=first,
    )
    inside = Path(entry["file"])
    if inside.is_absolute() or ".." in inside.parts or recording.split not in SPLITS or min(recording.size) < 1:
        raise ValueError(f"{recording.id!r} has another file, split or size than can be")
    if not (0 <= recording.rate < 1e6 and 0 < recording.sigma < 1e6):
        raise ValueError(f"{recording.id!r} has another rate or sigma than can be")
    return recording


@dataclass(frozen=True)
class GazeTable:
    """What ``gaze.csv`` holds.

    Attributes:
        observers: names, sorted.
        fixations: by video, (n, 5) number of the observer, start and duration in seconds, x, y; by observer and start.
    """

    observers: tuple[str, ...]
    fixations: dict[str, NDArray[np.float64]]


def read_gaze_table(path: Path) -> GazeTable:
    """Read ``gaze.csv``, once in a process unless it changes. Raises SalzooError if it is missing or damaged."""
    try:
        return _read_gaze_table(path, path.stat().st_mtime_ns)
    except OSError as error:
        raise SalzooError(f"cannot read {path}: {error.strerror or error}") from error


@lru_cache(maxsize=4)
def _read_gaze_table(path: Path, changed: int) -> GazeTable:
    rows: dict[str, list[tuple[str, float, float, float, float]]] = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            if tuple(next(reader, ())) != COLUMNS:
                raise SalzooError(f"{path} does not begin with the line {','.join(COLUMNS)}")
            for video, observer, start, duration, x, y in reader:
                row = (observer, float(start) / 1000, float(duration) / 1000, float(x), float(y))
                rows.setdefault(video, []).append(row)
    except (csv.Error, ValueError) as error:
        raise SalzooError(f"{path} is damaged in line {reader.line_num}: {error}") from error
    observers = tuple(sorted({row[0] for video in rows.values() for row in video}))
    number = {name: index for index, name in enumerate(observers)}
    fixations = {}
    for video, of_video in rows.items():
        values = np.array([(number[name], *numbers) for name, *numbers in of_video], np.float64)
        fixations[video] = values[np.lexsort((values[:, 1], values[:, 0]))]
    return GazeTable(observers, fixations)


@contextmanager
def _checked(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SalzooError(f"cannot read {path}: {error.strerror or error}") from error
    except KeyError as error:
        raise SalzooError(f"{path} lacks {error}, which salzoo data import writes") from error
    except (ValueError, TypeError) as error:
        raise SalzooError(f"{path} is not as salzoo data import writes it: {error}") from error
