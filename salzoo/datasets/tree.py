"""A plain tree of one's own frames and maps: a folder a split (train, val, test), in it a folder a video::

    train/street/images/0001.png      frames; or a video file, train/street.mp4 or train/street/street.mp4
    train/street/maps/0001.png        density maps, grey
    train/street/fixation/0001.png    fixation maps, lit where somebody looked

Frames and maps are named by number (a prefix up to an underscore may stand before it), in the same numbers; beside a
video file, number 1 is its first frame. A set may have ``maps`` alone or ``fixation`` alone, in all of its videos.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from salzoo.datasets.files import IMAGES, lacking, listing, names_in, natural_order, numbered
from salzoo.interfaces.dataset import Dataset
from salzoo.interfaces.errors import SalzooError
from salzoo.video.pictures import read_image
from salzoo.video.reading import probe_video, read_video

SPLITS = {"train": "train", "training": "train", "val": "val", "validation": "val", "test": "test", "testing": "test"}
"""Folders of the splits."""

VIDEOS = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv")
"""Endings of video files."""

EXAMPLE = (
    "SPLIT/VIDEO/images/0001.png (or SPLIT/VIDEO.mp4) with SPLIT/VIDEO/maps/0001.png or SPLIT/VIDEO/fixation/0001.png"
)


@dataclass(frozen=True)
class TreeVideo:
    """One video of a tree; see ``salzoo.interfaces.dataset.Video``.

    Attributes:
        id: name of its folder.
        split: "train", "val" or "test".
        source: folder of images, or video file.
        folder: it holds ``maps`` and ``fixation``.
        kinds: those of the two that the set has.
    """

    id: str
    split: str
    source: Path
    folder: Path
    kinds: tuple[str, ...]

    @property
    def annotated(self) -> bool:
        return all((self.folder / kind).is_dir() for kind in self.kinds)

    @property
    def lacks(self) -> tuple[str, ...]:
        """Which of "density" and "fixations" an annotated video lacks."""
        return lacking("maps" in self.kinds, "fixation" in self.kinds, 0) if self.annotated else ()

    @property
    def frames(self) -> int:
        """Number of frames. Raises SalzooError unless frames and maps have the same numbers."""
        return len(self._numbers)

    @cached_property
    def rate(self) -> float:
        """Frames per second; 0 of images, which do not tell."""
        return 0.0 if self.source.is_dir() else probe_video(self.source).fps

    def frame_name(self, index: int) -> str:
        return f"{self._numbers[index]:04d}"

    def read_frames(self, start: int = 0, stop: int | None = None) -> Iterator[NDArray[np.uint8]]:
        chosen = self._numbers[start:stop]
        if not chosen:
            return
        if self.source.is_dir():
            files = numbered(self.source, IMAGES, prefixed=True)
            yield from (read_image(files[number]) for number in chosen)
        else:
            yield from read_video(self.source, chosen[0] - 1, chosen[-1])

    def read_density(self, index: int) -> NDArray[np.uint8]:
        return read_image(self._map_file("maps", index), grey=True)

    def read_fixations(self, index: int) -> NDArray[np.bool_]:
        return read_image(self._map_file("fixation", index), grey=True) > 0

    def _map_file(self, kind: str, index: int) -> Path:
        if not self.annotated:
            raise SalzooError(f"{self.folder} has no {kind}")
        return self._files[kind][self._numbers[index]]

    @cached_property
    def _files(self) -> dict[str, dict[int, Path]]:
        return {kind: numbered(self.folder / kind, IMAGES, prefixed=True) for kind in self.kinds}

    @cached_property
    def _numbers(self) -> list[int]:
        held = {kind: sorted(files) for kind, files in self._files.items()} if self.annotated else {}
        if self.source.is_dir():
            held["images"] = sorted(numbered(self.source, IMAGES, prefixed=True))
        else:
            held["video"] = list(range(1, probe_video(self.source).frames + 1))
        every = sorted({number for numbers in held.values() for number in numbers})
        missing = {kind: sorted(set(every) - set(numbers)) for kind, numbers in held.items()}
        if any(missing.values()) or not every:
            gaps = "; ".join(f"in {kind} {listing(numbers)}" for kind, numbers in missing.items() if numbers)
            raise SalzooError(f"frames and maps of {self.folder} do not agree: {gaps or 'there are none'}")
        return every


def open_tree(root: Path) -> Dataset:
    """The videos of a tree; no file is opened.

    Raises SalzooError where there is no such tree, a video has no frames, or some have maps that others lack.
    """
    found = []
    for folder, split in SPLITS.items():
        for name in natural_order(names_in(root / folder)):
            path = root / folder / name
            if not name.startswith(".") and any((path / kind).is_dir() for kind in ("maps", "fixation", "images")):
                found.append((name, split, _source(path), path))
    kinds = tuple(kind for kind in ("maps", "fixation") if any((each[3] / kind).is_dir() for each in found))
    if not kinds:
        raise SalzooError(
            f"{root} is no data set: it has neither the set.toml that salzoo data import writes nor {EXAMPLE}, where "
            "SPLIT is train, val or test"
        )
    videos = [TreeVideo(name, split, source, path, kinds) for name, split, source, path in found]
    for video in videos:
        some = [kind for kind in kinds if (video.folder / kind).is_dir()]
        if some and len(some) < len(kinds):
            raise SalzooError(f"{video.folder} has {some[0]} alone, where other videos have both {' and '.join(kinds)}")
    names = [video.id for video in videos]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SalzooError(f"{root} has video {twice[0]} twice, in two splits")
    return Dataset("folder", videos, note=root.resolve().name)


def _source(path: Path) -> Path:
    """Where the frames of a video's folder are."""
    if (path / "images").is_dir():
        return path / "images"
    inside = [path / name for name in natural_order(names_in(path)) if Path(name).suffix.lower() in VIDEOS]
    beside = [entry for ending in VIDEOS if (entry := path.with_name(path.name + ending)).is_file()]
    files = [file for file in inside if not file.name.startswith(".")] + beside
    if len(files) != 1:
        what = "has neither images nor a video file" if not files else f"has {len(files)} video files"
        raise SalzooError(f"{path} {what}: expected {path.name}/images/0001.png, or one video file in or beside it")
    return files[0]
