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

from salzoo.datasets.files import lacking, names_in, natural_order
from salzoo.datasets.shots import KINDS, Shot
from salzoo.interfaces.dataset import Dataset
from salzoo.interfaces.errors import SalzooError
from salzoo.video.reading import probe_video, read_video

SPLITS = {"train": "train", "training": "train", "val": "val", "validation": "val", "test": "test", "testing": "test"}
"""Folders of the splits."""

VIDEOS = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv")
"""Endings of video files."""

EXAMPLE = (
    "SPLIT/VIDEO/images/0001.png (or SPLIT/VIDEO.mp4) with SPLIT/VIDEO/maps/0001.png or SPLIT/VIDEO/fixation/0001.png"
)


@dataclass(frozen=True, kw_only=True)
class TreeVideo(Shot):
    """One video of a tree, whose frames may be in a video file; see ``salzoo.interfaces.dataset.Video``.

    Attributes:
        source: folder of images, or video file.
        kinds: of ``maps`` and ``fixation``, those that the set has.
    """

    source: Path
    kinds: tuple[str, ...]

    @property
    def annotated(self) -> bool:
        return all((self.folder / kind).is_dir() for kind in self.kinds)

    @property
    def lacks(self) -> tuple[str, ...]:
        """Which of "density" and "fixations" an annotated video lacks."""
        return lacking("maps" in self.kinds, "fixation" in self.kinds, 0) if self.annotated else ()

    @cached_property
    def rate(self) -> float:
        """Frames per second; 0 of images, which do not tell."""
        return 0.0 if self.source.is_dir() else probe_video(self.source).fps

    def frame_name(self, index: int) -> str:
        return f"{self._numbers[index]:04d}"

    def read_frames(self, start: int = 0, stop: int | None = None) -> Iterator[NDArray[np.uint8]]:
        chosen = self._numbers[start:stop]
        if self.source.is_dir():
            yield from super().read_frames(start, stop)
        elif chosen:
            yield from read_video(self.source, chosen[0] - 1, chosen[-1])

    @cached_property
    def _held(self) -> dict[str, dict[int, str]]:
        """Of each kind that the set has, and of the frames, the names of the files by number."""
        maps = {kind: self._listed(kind) for kind in (self.kinds if self.annotated else ())}
        if self.source.is_dir():
            return {"images": self._listed("images"), **maps}
        name = self.source.name
        return {name: dict.fromkeys(range(1, probe_video(self.source).frames + 1), name), **maps}


def open_tree(root: Path) -> Dataset:
    """The videos of a tree; no file is opened.

    Raises SalzooError where there is no such tree, a video has no frames, or some have maps that others lack.
    """
    found = []
    for folder, split in SPLITS.items():
        for name in natural_order(names_in(root / folder)):
            path = root / folder / name
            if not name.startswith(".") and any((path / kind).is_dir() for kind in KINDS):
                found.append((split, _source(path), path))
    kinds = tuple(kind for kind in ("maps", "fixation") if any((each[-1] / kind).is_dir() for each in found))
    if not kinds:
        raise SalzooError(
            f"{root} is no data set: it has neither the set.toml that salzoo data import writes nor {EXAMPLE}, where "
            "SPLIT is train, val or test"
        )
    videos = [TreeVideo(path, split, source=source, kinds=kinds) for split, source, path in found]
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
