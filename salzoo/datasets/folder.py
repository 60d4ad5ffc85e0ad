"""One's own data set: the folder that ``salzoo data import`` makes, or a plain tree of frames and maps.

**Recordings**, as made by ``salzoo data import``::

    set.toml     each video's file, split, size, frame rate and sigma; how the gaze was made. Splits may be changed
    gaze.csv     video, observer, viewing, start_ms, duration_ms, x, y: a row a fixation, in pixels of the video;
    viewings
                 of an observer count from 1
    videos/      the videos or images, or links to them

A fixation lies on every frame during which it lasts, wholly or in part. The video's own times say
when a frame is shown.

**A plain tree** is read by ``salzoo.datasets.tree``.
"""

import csv
import hashlib
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salzoo.datasets.files import check_root, is_safe_id
from salzoo.datasets.splits import split_folds
from salzoo.datasets.tree import open_tree
from salzoo.gaze.maps import clip_points, lasting
from salzoo.interfaces.dataset import Dataset, Viewing
from salzoo.interfaces.errors import SalzooError, one_line
from salzoo.runtime.files import check_regular, reading
from salzoo.video.pictures import read_image
from salzoo.video.reading import read_video
from salzoo.video.timing import frame_times

SETTINGS, GAZE = "set.toml", "gaze.csv"

FORMAT = 2
"""Version of the layout of recordings; 1 had no column of viewings, and is read too."""

COLUMNS = ("video", "observer", "viewing", "start_ms", "duration_ms", "x", "y")
"""Of ``gaze.csv``."""

ENDS = 2**16
"""Bytes at a file's start and end that tell whether it is another."""

LARGEST = 2**26
"""Bytes that a set.toml has at most."""

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
        first: whether the first fixation of each viewing counts.
        count: number of frames when it was imported; 0 where that is not known.
    """

    id: str
    split: str
    path: Path
    size: tuple[int, int]
    rate: float
    sigma: float
    table: Path
    first: bool = True
    count: int = 0

    @cached_property
    def frames(self) -> int:
        found = len(frame_times(self.path)) - 1 if self.rate else 1
        if self.count and found != self.count:
            raise SalzooError(
                f"{self.path} has {found} frames, and had {self.count} when its gaze was imported: another video?"
            )
        return found

    @property
    def annotated(self) -> bool:
        return True

    @cached_property
    def digest(self) -> str:
        """Of the gaze and of the file's length, start and end."""
        held = hashlib.sha256(b"".join(values.tobytes() for values in self._counted))
        with reading(self.path), self.path.open("rb") as file:
            size = file.seek(0, 2)
            held.update(str(size).encode())
            for place in (0, max(size - ENDS, 0)):
                file.seek(place)
                held.update(file.read(ENDS))
        return held.hexdigest()[:16]

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
        """The fixations of each viewing in order of time, by observer."""
        fixations, viewings = self._counted
        found = []
        for each, name in enumerate(self._gaze.observers):
            own = fixations[:, 0] == each
            numbers = np.unique(viewings[own]).tolist() or [1]
            found += [Viewing(name, fixations[own & (viewings == number), 1:], int(number)) for number in numbers]
        return found

    @property
    def _gaze(self) -> "GazeTable":
        return read_gaze_table(self.table)

    @property
    def _counted(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """All fixations that count, (n, 5) observer, start, duration, x, y, and the viewing of each, (n,)."""
        if self.id not in self._gaze.fixations:
            return np.zeros((0, 5)), np.zeros(0)
        fixations, viewings = self._gaze.fixations[self.id], self._gaze.viewings[self.id]
        if not self.first:
            later = (np.diff(np.column_stack([fixations[:, 0], viewings]), axis=0, prepend=-1) == 0).all(1)
            return fixations[later], viewings[later]
        return fixations, viewings

    def _shown(self, index: int) -> NDArray[np.float64]:
        """The fixations that last while a frame is shown: (n, 5) observer, start, duration, x, y."""
        if not 0 <= index < self.frames:
            raise SalzooError(f"{self.id} has frames 0 to {self.frames - 1}, and no frame {index}")
        fixations, _ = self._counted
        if not self.rate:
            return fixations
        return fixations[lasting(fixations[:, 1], fixations[:, 2], frame_times(self.path)[index : index + 2])]


def open_folder(root: Path | None, *, first: bool = True, folds: int = 0, fold: int = 0) -> Dataset:
    """The videos of one's own folder; no video is opened.

    Args:
        root: a folder made by ``salzoo data import``, or a plain tree.
        first: whether the first fixation of each viewing, often still on the cross, counts. In a plain tree, where
            observers are not known, it always does.
        folds: parts that the videos are put into, by ``salzoo.datasets.splits``; 0 for the splits as they
            stand.
        fold: which part is the test split; the next is the validation split.

    Raises:
        SalzooError: no root is named, it is neither, or a file is missing or damaged; there is no such fold.
    """
    root = check_root("folder", root)
    path = root / SETTINGS
    if not path.exists():
        dataset, seed = open_tree(root), 0
        if not first:
            raise SalzooError(f"{root} has maps, not the gaze of observers: the first fixation cannot be left out")
    else:
        dataset, seed = _open_recordings(root, path, first)
    if not folds:
        if fold:
            raise SalzooError(f"fold={fold} of how many? Name them both, such as folds=5,fold={fold}")
        return dataset
    splits = split_folds([video.id for video in dataset.videos], folds, fold, seed)
    videos = [replace(video, split=splits[video.id]) for video in dataset.videos]  # type: ignore[type-var]
    return replace(dataset, videos=videos, note=f"{dataset.note}, fold {fold} of {folds}")


def _open_recordings(root: Path, path: Path, first: bool) -> tuple[Dataset, int]:
    """The data set of a set.toml, and the seed of its splits."""
    with _checked(path):
        if path.stat().st_size > LARGEST:
            raise ValueError(f"it has more than {LARGEST} bytes")
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
        if settings["format"] not in (1, FORMAT):
            raise SalzooError(f"{path} is of format {str(settings['format'])[:20]}, this salzoo reads format {FORMAT}")
        kept = settings["gaze"]["first_fixations"] is True
        videos = [_recording(root, entry, first or not kept) for entry in settings["videos"]]
        people = _whole(settings["observers"], 1, 10**6)
        notes = [root.resolve().name, f"{people} observers", str(settings["sigma"])[:200]]
        seed = _whole(settings.get("seed", 0), 0, 2**63)
        sha256 = settings["gaze"].get("sha256")
        fixations = settings.get("fixations")
    if not videos or len({video.id for video in videos}) < len(videos):
        raise SalzooError(f"{path} names a video twice, or none")
    _check_gaze(root / GAZE, path, {video.id for video in videos}, sha256, fixations)
    if not first or not kept:
        notes.append("the first fixation of each viewing is left out")
    return Dataset("folder", videos, note=", ".join(notes)), seed


def _check_gaze(table: Path, settings: Path, ids: set[str], sha256: object, fixations: object) -> None:
    """Raise SalzooError where a table of gaze is not the one that was imported with these settings."""
    gaze = read_gaze_table(table)
    if sha256 is not None and sha256 != gaze.sha256:
        raise SalzooError(
            f"{table} is not as it was imported: cut, damaged or changed (its sha256 is another than {settings.name} "
            f"has); import again, or take sha256 out of {settings} where you changed it yourself"
        )
    count = sum(map(len, gaze.fixations.values()))
    if sha256 is None and fixations is not None and fixations != count:
        raise SalzooError(
            f"{table} has {count} fixations, and {settings.name} says {str(fixations)[:20]}: it was cut or changed"
        )
    strange = sorted(gaze.fixations.keys() - ids)
    if strange:
        raise SalzooError(f"{table} has fixations on {strange[0][:80]!r}, which is no video of {settings}")


def _recording(root: Path, entry: Mapping[str, Any], first: bool) -> Recording:
    """A video as the settings have it. Raises KeyError, TypeError or ValueError where they do not."""
    name, inside = entry["id"], entry["file"]
    if not isinstance(name, str) or not isinstance(inside, str):
        raise ValueError("a video's id and file must be text")
    if not is_safe_id(name):
        raise ValueError(f"{name[:80]!r} cannot be the id of a video: it is no name of a folder")
    recording = Recording(
        id=name,
        split=str(entry["split"]),
        path=root / inside,
        size=(_whole(entry["height"], 1, 10**6), _whole(entry["width"], 1, 10**6)),
        rate=float(entry["rate"]),
        sigma=float(entry["sigma"]),
        table=root / GAZE,
        first=first,
        count=_whole(entry.get("frames", 0), 0, 10**9),
    )
    parts = Path(inside)
    if parts.is_absolute() or ".." in parts.parts or "\0" in inside or recording.split not in SPLITS:
        raise ValueError(f"{name!r} has another file, split or size than can be")
    if not (0 <= recording.rate < 1e6 and 0 < recording.sigma < 1e6):
        raise ValueError(f"{name!r} has another rate or sigma than can be")
    return recording


def _whole(value: object, least: int, most: int) -> int:
    """A number of things. Raises ValueError where it is none, or is more than can be."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"{str(value)[:20]} is another size or number than can be")
    return int(value)


@dataclass(frozen=True)
class GazeTable:
    """What ``gaze.csv`` holds.

    Attributes:
        observers: names, sorted.
        fixations: by video, (n, 5) number of the observer, start and duration in seconds, x, y; by observer, viewing
            and start.
        viewings: by video, (n,) in which of the observer's viewings each was, from 1.
        sha256: of the file.
    """

    observers: tuple[str, ...]
    fixations: dict[str, NDArray[np.float64]]
    viewings: dict[str, NDArray[np.float64]]
    sha256: str


def read_gaze_table(path: Path) -> GazeTable:
    """Read ``gaze.csv``, once in a process unless it changes. Raises SalzooError if it is missing or damaged."""
    with reading(path):
        status = path.stat()
        return _read_gaze_table(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=4)
def _read_gaze_table(path: Path, changed: int, size: int) -> GazeTable:
    rows: dict[str, list[tuple[str, float, float, float, float, float]]] = {}
    check_regular(path)
    data = path.read_bytes()
    number = 0
    try:
        reader = csv.reader(data.decode().splitlines())
        header = tuple(next(reader, ()))
        if header not in (COLUMNS, (*COLUMNS[:2], *COLUMNS[3:])):
            raise SalzooError(f"{path} does not begin with the line {','.join(COLUMNS)}")
        for number, row in enumerate(reader, 2):  # noqa: B007
            video, observer, *values = row
            viewing, start, duration, x, y = map(float, values if header == COLUMNS else ["1", *values])
            if not isfinite(viewing + start + duration + x + y) or duration < 0 or start < 0:
                raise ValueError("a value is no number, or less than can be")
            rows.setdefault(video, []).append((observer, viewing, start / 1000, duration / 1000, x, y))
    except (csv.Error, ValueError) as error:
        raise SalzooError(f"{path} is damaged in line {number}: {one_line(error)[:80]}") from error
    observers = tuple(sorted({row[0] for video in rows.values() for row in video}))
    numbers = {name: index for index, name in enumerate(observers)}
    fixations, viewings = {}, {}
    for video, of_video in rows.items():
        held = np.array([(numbers[name], *values) for name, *values in of_video], np.float64)
        held = held[np.lexsort((held[:, 2], held[:, 1], held[:, 0]))]
        fixations[video], viewings[video] = np.delete(held, 1, axis=1), held[:, 1]
    return GazeTable(observers, fixations, viewings, hashlib.sha256(data).hexdigest())


@contextmanager
def _checked(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SalzooError(f"cannot read {path}: {error.strerror or error}") from error
    except KeyError as error:
        raise SalzooError(f"{path} lacks {str(error)[:80]}, which salzoo data import writes") from error
    except (ValueError, TypeError, OverflowError, RecursionError, AttributeError) as error:
        raise SalzooError(f"{path} is not as salzoo data import writes it: {one_line(error)[:200]}") from error
