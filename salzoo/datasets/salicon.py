"""SALICON (Jiang et al., "SALICON: Saliency in Context", CVPR 2015): images of COCO with mouse-tracked fixations.

10,000 images for training, 5,000 for validation, 5,000 for testing, whose annotations the authors hold back. Each is a
video of one frame. Layout::

    images/COCO_train2014_000000000009.jpg             or images/train/COCO_….jpg
    maps/train/COCO_train2014_000000000009.png         density map
    fixations/train/COCO_train2014_000000000009.mat    fixations, in either published form, or a fixation map .png
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from salzoo.datasets.files import IMAGES, check_root, check_sigma, lacking, names_in
from salzoo.datasets.matlab import read_mat_fixations
from salzoo.datasets.stills import Still
from salzoo.gaze.maps import density_of_fixations
from salzoo.interfaces.dataset import Dataset
from salzoo.interfaces.errors import SalzooError
from salzoo.video.pictures import read_image

PUBLISHED = {"train": 10000, "val": 5000, "test": 5000}
"""Images in each split as published."""

_NAME = re.compile(r"COCO_(train|val|test)2014_([0-9]{12})")


@dataclass(frozen=True)
class StillImage(Still):
    """An image, which need not exist.

    Attributes:
        density: its density map, which need not exist.
        fixations: its fixations, which need not exist: MATLAB file or image.
        sigma: of the density that is made where there are fixations alone, in pixels; 0 makes none.
    """

    density: Path
    fixations: Path
    sigma: float = 0.0

    @property
    def annotated(self) -> bool:
        return self.density.is_file() or self.fixations.is_file()

    @property
    def lacks(self) -> tuple[str, ...]:
        """Which of "density" and "fixations" an annotated video lacks."""
        return lacking(self.density.is_file(), self.fixations.is_file(), self.sigma) if self.annotated else ()

    def read_density(self, index: int) -> NDArray[np.uint8]:
        self._check_annotated(index)
        if self.sigma and not self.density.is_file():
            return density_of_fixations(self.read_fixations(index), self.sigma)
        return read_image(self.density, grey=True)

    def read_fixations(self, index: int) -> NDArray[np.bool_]:
        self._check_annotated(index)
        if self.fixations.suffix.lower() == ".mat":
            return read_mat_fixations(self.fixations)
        return read_image(self.fixations, grey=True) > 0

    def _check_annotated(self, index: int) -> None:
        self._check_index(index)
        if not self.annotated:
            held_back = " (those of the test split are held back)" if self.split == "test" else ""
            raise SalzooError(
                f"image {self.id} has no annotation{held_back}: {self.density} and {self.fixations} do not exist"
            )


def open_salicon(root: Path | None, *, sigma: float = 0.0) -> Dataset:
    """The SALICON images under a root folder, by split and number; no file is opened.

    Args:
        root: its folder.
        sigma: of the density that is made of images that have fixations alone, in pixels; 0 makes none.

    Raises:
        SalzooError: no root is named, or it has not the layout above.
    """
    root = check_root("salicon", root)
    check_sigma("salicon", sigma)
    videos = []
    for split in PUBLISHED:
        images = _named([root / "images", root / "images" / split], split, IMAGES)
        density = _named([root / "maps" / split], split, IMAGES)
        fixations = _named([root / "fixations" / split], split, (".mat", *IMAGES))
        for name in sorted({*images, *density, *fixations}):
            videos.append(
                StillImage(
                    image=images.get(name, root / "images" / f"{name}.jpg"),
                    split=split,
                    density=density.get(name, root / "maps" / split / f"{name}.png"),
                    fixations=fixations.get(name, root / "fixations" / split / f"{name}.mat"),
                    sigma=sigma,
                )
            )
    if not videos:
        raise SalzooError(
            f"no images of salicon in {root}: expected images/COCO_train2014_000000000009.jpg, and maps/train and "
            "fixations/train with files of this name"
        )
    return Dataset(name="salicon", videos=videos)


def _named(folders: list[Path], split: str, endings: tuple[str, ...]) -> dict[str, Path]:
    """Files of one split by the name of their image; where one has two endings, the first of ``endings``."""
    found: dict[str, Path] = {}
    for folder in folders:
        for name in names_in(folder):
            stem, ending = os.path.splitext(name)
            match = _NAME.fullmatch(stem)
            if match is None or match[1] != split or ending.lower() not in endings:
                continue
            held = found.get(stem)
            if held is None or endings.index(ending.lower()) < endings.index(held.suffix.lower()):
                found[stem] = folder / name
    return found
