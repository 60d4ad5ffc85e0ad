"""DHF1K (Wang et al., "Revisiting Video Saliency", CVPR 2018): 1000 videos, eye movements of 17 observers.

Layouts read, in one root folder::

    video/001.AVI   annotation/0001/maps/0001.png   annotation/0001/fixation/0001.png     as published
    annotation/0001/images/0001.png                                                       extracted frames
    annotation/0001/fixation/maps/0001.mat                                                where there is no PNG
    frames/1/1.png  maps/1/0001.png                 fixations/1/0001.png                  as SalEMA extracts it

Folders and files are numbered from 1, with or without leading zeros, and sorted by number. Extracted frames are read
rather than the AVI. Videos 1–600 are the training split, 601–700 validation, 701–1000 test, whose annotations the
authors hold back.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from salzoo.datasets.files import IMAGES, check_root, check_sigma, frame_files, lacking, numbered
from salzoo.datasets.matlab import read_mat_fixations
from salzoo.gaze.maps import density_of_fixations
from salzoo.interfaces.dataset import Dataset
from salzoo.interfaces.errors import SalzooError
from salzoo.video.pictures import read_image
from salzoo.video.reading import probe_video, read_video

LAST_TRAIN, LAST_VAL, LAST_TEST = 600, 700, 1000
PUBLISHED = {"train": LAST_TRAIN, "val": LAST_VAL - LAST_TRAIN, "test": LAST_TEST - LAST_VAL}
"""Videos in each split as published."""

_MAT = (".mat",)


@dataclass(frozen=True)
class DHF1KVideo:
    """One video in DHF1K's numbering; see ``salzoo.interfaces.dataset.Video``.

    Attributes:
        number: number of the video, from 1.
        root: root folder of the data set.
        source: AVI file, or folder of numbered frames; None where the root has neither.
        maps: folder of density maps, which need not exist.
        fixations: folder of fixation maps, which need not exist.
        sigma: of the density that is made where there are fixation maps alone, in pixels; 0 makes none.
    """

    number: int
    root: Path
    source: Path | None
    maps: Path
    fixations: Path
    sigma: float = 0.0

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
        """Number of frames. Raises SalzooError unless video and the kinds of maps that there are agree on it."""
        counts: dict[Path, int] = {}
        if self.source is not None:
            is_folder = self.source.is_dir()
            counts[self.source] = len(frame_files(self.source)) if is_folder else probe_video(self.source).frames
        if self.annotated:
            folder, endings = self._fixation_files
            maps, fixations = len(frame_files(self.maps)), len(frame_files(folder, endings))
            if maps or not fixations:
                counts[self.maps] = maps
            if fixations or not maps:
                counts[folder] = fixations
        found = ", ".join(f"{count} in {path}" for path, count in counts.items())
        if len(set(counts.values())) > 1:
            raise SalzooError(f"video {self.id} has different numbers of frames: {found}")
        frames = next(iter(counts.values()), 0)
        if not frames:
            raise SalzooError(f"video {self.id} has no frames: {found or f'no AVI, images or maps in {self.root}'}")
        return frames

    @cached_property
    def lacks(self) -> tuple[str, ...]:
        """Which of "density" and "fixations" an annotated video lacks."""
        if not self.annotated:
            return ()
        return lacking(bool(numbered(self.maps, IMAGES)), bool(numbered(*self._fixation_files)), self.sigma)

    @cached_property
    def rate(self) -> float:
        """Frames per second: where the frames are images, those of the videos that they are of."""
        return probe_video(self.source).fps if self.source is not None and self.source.is_file() else 30.0

    def frame_name(self, index: int) -> str:
        return f"{index + 1:04d}"

    def read_frames(self, start: int = 0, stop: int | None = None) -> Iterator[NDArray[np.uint8]]:
        if self.source is None:
            raise SalzooError(f"{self.root} has no frames of video {self.id}: neither an AVI nor a folder of images")
        stop = self.frames if stop is None else min(stop, self.frames)
        if self.source.is_dir():
            yield from (read_image(path) for path in frame_files(self.source)[start:stop])
        else:
            yield from read_video(self.source, start, stop)

    def read_density(self, index: int) -> NDArray[np.uint8]:
        if self.sigma and not numbered(self.maps, IMAGES):
            return density_of_fixations(self.read_fixations(index), self.sigma)
        return read_image(self._map_file(self.maps, IMAGES, index), grey=True)

    def read_fixations(self, index: int) -> NDArray[np.bool_]:
        folder, endings = self._fixation_files
        path = self._map_file(folder, endings, index)
        return read_mat_fixations(path) if endings == _MAT else read_image(path, grey=True) > 0

    def files(self) -> list[Path]:
        """Every file there is of this video, whether or not their numbers agree."""
        source: list[Path] = []
        if self.source is not None:
            source = [*numbered(self.source, IMAGES).values()] if self.source.is_dir() else [self.source]
        return [*source, *numbered(self.maps, IMAGES).values(), *numbered(*self._fixation_files).values()]

    @cached_property
    def _fixation_files(self) -> tuple[Path, tuple[str, ...]]:
        """Folder and endings of the fixation maps: images, or where there are none the MATLAB files beside them."""
        if not numbered(self.fixations, IMAGES) and numbered(self.fixations / "maps", _MAT):
            return self.fixations / "maps", _MAT
        return self.fixations, IMAGES

    def _map_file(self, folder: Path, endings: tuple[str, ...], index: int) -> Path:
        if not self.annotated:
            held_back = " (those of the test split are held back)" if self.split == "test" else ""
            raise SalzooError(f"{self.root} has no annotation of video {self.id}{held_back}")
        path = folder / f"{index + 1:04d}{endings[0]}"
        return path if path.exists() else numbered(folder, endings).get(index + 1, path)


def open_dhf1k(root: Path | None, *, sigma: float = 0.0) -> Dataset:
    """The DHF1K videos under a root folder; no video is opened.

    Args:
        root: its folder.
        sigma: of the density that is made of videos that have fixation maps alone, in pixels; 0 makes none.

    Raises:
        SalzooError: no root is named, or it has none of the layouts above.
    """
    check_sigma("dhf1k", sigma)
    videos = [replace(video, sigma=sigma) for video in list_videos(check_root("dhf1k", root))]
    return Dataset(name="dhf1k", videos=videos)


def list_videos(root: Path) -> list[DHF1KVideo]:
    """All videos under a folder in one of DHF1K's layouts, by number. Raises SalzooError when there are none."""
    avis = numbered(root / "video", (".avi",))
    annotations, frames, maps, fixations = (
        numbered(root / name, ("",)) for name in ("annotation", "frames", "maps", "fixations")
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
        images = annotation / "images"
        source = images if images.is_dir() else frames.get(number) or avis.get(number)
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
