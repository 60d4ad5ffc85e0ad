"""DHF1K (Wang et al., "Revisiting Video Saliency", CVPR 2018): 1000 videos, eye movements of 17 observers.

Layouts read, in one root folder::

    video/001.AVI   annotation/0001/maps/0001.png   annotation/0001/fixation/0001.png     as published
    annotation/0001/images/0001.png                                                       frames, where there is no AVI
    frames/1/1.png  maps/1/0001.png                 fixations/1/0001.png                  as SalEMA extracts it

Folders and files are numbered from 1, with or without leading zeros, and sorted by number. Videos 1–600 are the
training split, 601–700 validation, 701–1000 test, whose annotations the authors hold back.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from salzoo.interfaces.dataset import Dataset
from salzoo.interfaces.errors import SalzooError
from salzoo.video.reading import probe_video, read_image, read_video

LAST_TRAIN, LAST_VAL, LAST_TEST = 600, 700, 1000
_IMAGES = (".png", ".jpg", ".jpeg")


@dataclass(frozen=True)
class DHF1KVideo:
    """One video in DHF1K's numbering; see ``salzoo.interfaces.dataset.Video``.

    Attributes:
        number: number of the video, from 1.
        root: root folder of the data set.
        source: AVI file, or folder of numbered frames; None where the root has neither.
        maps: folder of density maps, which need not exist.
        fixations: folder of fixation maps, which need not exist.
    """

    number: int
    root: Path
    source: Path | None
    maps: Path
    fixations: Path

    @property
    def id(self) -> str:
        return f"{self.number:04d}"

    @property
    def split(self) -> str:
        if self.number <= LAST_TRAIN:
            return "train"
        return "val" if self.number <= LAST_VAL else "test"

    @property
    def annotated(self) -> bool:
        return self.maps.is_dir() or self.fixations.is_dir()

    @cached_property
    def frames(self) -> int:
        """Number of frames. Raises SalzooError unless video, density maps and fixation maps agree on it."""
        counts: dict[Path, int] = {}
        if self.source is not None:
            is_folder = self.source.is_dir()
            counts[self.source] = len(_frame_files(self.source)) if is_folder else probe_video(self.source).frames
        if self.annotated:
            counts[self.maps] = len(_frame_files(self.maps))
            counts[self.fixations] = len(_frame_files(self.fixations))
        found = ", ".join(f"{count} in {path}" for path, count in counts.items())
        if len(set(counts.values())) > 1:
            raise SalzooError(f"video {self.id} has different numbers of frames: {found}")
        frames = next(iter(counts.values()), 0)
        if not frames:
            raise SalzooError(f"video {self.id} has no frames: {found or f'no AVI, images or maps in {self.root}'}")
        return frames

    def frame_name(self, index: int) -> str:
        return f"{index + 1:04d}"

    def read_frames(self, start: int = 0, stop: int | None = None) -> Iterator[NDArray[np.uint8]]:
        if self.source is None:
            raise SalzooError(f"{self.root} has no frames of video {self.id}: neither an AVI nor a folder of images")
        stop = self.frames if stop is None else min(stop, self.frames)
        if self.source.is_dir():
            yield from (read_image(path) for path in _frame_files(self.source)[start:stop])
        else:
            yield from read_video(self.source, start, stop)

    def read_density(self, index: int) -> NDArray[np.uint8]:
        return read_image(self._map_file(self.maps, index), grey=True)

    def read_fixations(self, index: int) -> NDArray[np.bool_]:
        return read_image(self._map_file(self.fixations, index), grey=True) > 0

    def _map_file(self, folder: Path, index: int) -> Path:
        if not self.annotated:
            raise SalzooError(
                f"{self.root} has no annotation of video {self.id} (those of the test split are held back)"
            )
        path = folder / f"{index + 1:04d}.png"
        return path if path.exists() else _numbered(folder, _IMAGES).get(index + 1, path)


def open_dhf1k(root: Path | None) -> Dataset:
    """The DHF1K videos under a root folder; no video is opened.

    Raises:
        SalzooError: no root is named, or it has none of the layouts above.
    """
    if root is None:
        raise SalzooError("data set dhf1k needs the folder that holds it: name it with --root DIR or SALZOO_DATA")
    return Dataset(name="dhf1k", videos=list_videos(root))


def list_videos(root: Path) -> list[DHF1KVideo]:
    """All videos under a folder in one of DHF1K's layouts, by number. Raises SalzooError when there are none."""
    if not root.is_dir():
        raise SalzooError(f"data set folder {root} does not exist" if not root.exists() else f"{root} is not a folder")
    avis = _numbered(root / "video", (".avi",))
    annotations, frames, maps, fixations = (
        _numbered(root / name, ("",)) for name in ("annotation", "frames", "maps", "fixations")
    )
    numbers = sorted({*avis, *annotations, *frames})
    if not numbers:
        raise SalzooError(
            f"no DHF1K videos in {root}: expected video/001.AVI, annotation/0001/maps/0001.png and "
            "annotation/0001/fixation/0001.png, or frames/1/1.png, maps/1/0001.png and fixations/1/0001.png"
        )
    if not 1 <= numbers[0] <= numbers[-1] <= LAST_TEST:
        wrong = numbers[0] if numbers[0] < 1 else numbers[-1]
        raise SalzooError(f"{root} has a video number {wrong}; DHF1K numbers its videos 1 to {LAST_TEST}")
    videos = []
    for number in numbers:
        annotation = annotations.get(number, root / "annotation" / f"{number:04d}")
        source = avis.get(number) or frames.get(number)
        if source is None and (annotation / "images").is_dir():
            source = annotation / "images"
        videos.append(
            DHF1KVideo(
                number=number,
                root=root,
                source=source,
                maps=maps.get(number, annotation / "maps"),
                fixations=fixations.get(number, annotation / "fixation"),
            )
        )
    return videos


def _numbered(folder: Path, endings: tuple[str, ...]) -> dict[int, Path]:
    """Entries of a folder named by a number and one of the endings: not ".DS_Store", "._1.png" and the like."""
    found: dict[int, Path] = {}
    if not folder.is_dir():
        return found
    with os.scandir(folder) as entries:
        for entry in entries:
            stem, ending = os.path.splitext(entry.name)
            if not (stem.isascii() and stem.isdigit() and ending.lower() in endings):
                continue
            if int(stem) in found:
                raise SalzooError(f"{folder} has number {int(stem)} twice: {found[int(stem)].name} and {entry.name}")
            found[int(stem)] = folder / entry.name
    return found


def _frame_files(folder: Path) -> list[Path]:
    """Images 1, 2, ... of a folder in order. Raises SalzooError when a number is missing."""
    found = _numbered(folder, _IMAGES)
    missing = set(range(1, len(found) + 1)) - set(found)
    if missing:
        raise SalzooError(f"{folder} must hold images 1 to {len(found)}, but number {min(missing)} is missing")
    return [found[number] for number in sorted(found)]
