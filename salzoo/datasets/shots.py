"""A folder a video, with images, maps and fixations in it: Hollywood-2, UCF-Sports, and trees of one's own."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from salzoo.datasets.files import IMAGES, check_root, check_sigma, lacking, listing, names_in, natural_order, numbered
from salzoo.gaze.maps import density_of_fixations
from salzoo.interfaces.dataset import Dataset
from salzoo.interfaces.errors import SalzooError
from salzoo.video.pictures import read_image

SPLITS = {"training": "train", "testing": "test"}
"""Folders of the splits. There is no validation split."""

_FRAMES, _MAPS, _FIXATIONS = KINDS = ("images", "maps", "fixation")


@dataclass(frozen=True)
class Shot:
    """A folder with the images of one video; see ``salzoo.interfaces.dataset.Video``.

    The number of a frame is the last part of its file's name. Numbers need not begin at 1.

    Attributes:
        folder: it holds ``images``, ``maps`` and ``fixation``.
        split: "train" or "test".
        sigma: of the density that is made where there are fixation maps alone, in pixels; 0 makes none.
    """

    folder: Path
    split: str
    sigma: float = 0.0

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def annotated(self) -> bool:
        return not {_MAPS, _FIXATIONS}.isdisjoint(self._held)

    @property
    def frames(self) -> int:
        """Number of frames. Raises SalzooError unless images and the maps that there are have the same numbers."""
        return len(self._numbers)

    @property
    def lacks(self) -> tuple[str, ...]:
        """Which of "density" and "fixations" an annotated video lacks."""
        return lacking(_MAPS in self._held, _FIXATIONS in self._held, self.sigma) if self.annotated else ()

    def frame_name(self, index: int) -> str:
        names = next(iter(self._held.values()))
        return Path(names[self._numbers[index]]).stem.rpartition("_")[2]

    def read_frames(self, start: int = 0, stop: int | None = None) -> Iterator[NDArray[np.uint8]]:
        names = self._held.get(_FRAMES)
        if not names:
            raise SalzooError(f"{self.folder / _FRAMES} holds no frames")
        yield from (read_image(self.folder / _FRAMES / names[number]) for number in self._numbers[start:stop])

    def read_density(self, index: int) -> NDArray[np.uint8]:
        if self.sigma and _MAPS not in self._held:
            return density_of_fixations(self.read_fixations(index), self.sigma)
        return self._read_map(_MAPS, index)

    def read_fixations(self, index: int) -> NDArray[np.bool_]:
        return self._read_map(_FIXATIONS, index) > 0

    def files(self) -> list[Path]:
        """Every file there is of this video, whether or not their numbers agree."""
        return [self.folder / kind / name for kind in KINDS for name in self._held.get(kind, {}).values()]

    def _read_map(self, kind: str, index: int) -> NDArray[np.uint8]:
        if not self.annotated:
            raise SalzooError(f"{self.folder} holds no density maps and no fixation maps")
        return read_image(self.folder / kind / self._held[kind][self._numbers[index]], grey=True)

    @cached_property
    def _held(self) -> dict[str, dict[int, str]]:
        """Names of the files of each kind that there is, by number."""
        return {kind: names for kind in KINDS if (names := self._listed(kind))}

    def _listed(self, kind: str) -> dict[int, str]:
        """Names of the files of a kind, by number. Folders in them, such as fixation/maps, are left out."""
        return {number: path.name for number, path in numbered(self.folder / kind, IMAGES, prefixed=True).items()}

    @cached_property
    def _numbers(self) -> list[int]:
        every = sorted({number for names in self._held.values() for number in names})
        if not every:
            raise SalzooError(f"video {self.id} has no frames: {self.folder} holds no images or maps")
        missing = {kind: sorted(set(every) - set(names)) for kind, names in self._held.items()}
        if any(missing.values()):
            counts = ", ".join(f"{len(names)} in {self.folder / kind}" for kind, names in self._held.items())
            gaps = "; ".join(f"in {kind} {listing(numbers)}" for kind, numbers in missing.items() if numbers)
            raise SalzooError(f"video {self.id} has different numbers of frames: {counts}; {gaps}")
        return every


def open_shots(name: str, root: Path | None, example: str, sigma: float = 0.0) -> Dataset:
    """The videos in the folders ``training`` and ``testing``, in the order of the numbers in their names.

    Args:
        name: of the data set.
        root: its folder.
        example: of a file, for the error message.
        sigma: of the density that is made of videos that have fixation maps alone, in pixels; 0 makes none.

    Raises:
        SalzooError: no root is named, or it has none of the videos, or one video twice.
    """
    root = check_root(name, root)
    check_sigma(name, sigma)
    videos: dict[str, Shot] = {}
    for folder, split in SPLITS.items():
        for shot in natural_order(names_in(root / folder)):
            path = root / folder / shot
            if shot.startswith(".") or not any((path / kind).is_dir() for kind in KINDS):
                continue
            if shot in videos:
                raise SalzooError(f"{root} has video {shot} twice, in training and in testing")
            videos[shot] = Shot(path, split, sigma)
    if not videos:
        raise SalzooError(f"no videos of {name} in {root}: expected {example}, and maps and fixation beside images")
    return Dataset(name=name, videos=list(videos.values()))
