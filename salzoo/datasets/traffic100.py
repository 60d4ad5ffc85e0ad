"""Pictures of roads (Deng et al., "Where does the driver look?", IEEE TITS 17 (7), 2016): 100 of them, 40 people.

As in the authors' repository::

    data/traffic_images/<n>.bmp
    data/eye_tracking_data/bottom-up attention/<n>.mat     viewed freely: fixationPts (H, W), 1 at fixated pixels
    data/eye_tracking_data/top-down attention/<n>.mat      viewed as if driving

**Splits**: as ``salzoo.datasets.gaze_images`` has them, in five parts of 20; of the part after the test split the first
half is the validation split.

Observers are not told apart, nor which of their fixations was the first: all are kept.

**Density**: degrees per pixel are not stated; sigma is a thirty-second of the width.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from salzoo.datasets.files import check_root, numbered
from salzoo.datasets.gaze_images import split_parts
from salzoo.datasets.matlab import load_mat
from salzoo.datasets.stills import Still
from salzoo.gaze.maps import density_of_fixations
from salzoo.interfaces.dataset import Dataset
from salzoo.interfaces.errors import SalzooError

TASKS = {"free": "bottom-up attention", "drive": "top-down attention"}


@dataclass(frozen=True)
class RoadImage(Still):
    """A picture and the pixels that all observers together fixated.

    Attributes:
        mat: the file of its fixations.
    """

    mat: Path

    @property
    def annotated(self) -> bool:
        return self.mat.is_file()

    def read_density(self, index: int) -> NDArray[np.uint8]:
        fixations = self.read_fixations(index)
        return density_of_fixations(fixations, fixations.shape[1] / 32)

    def read_fixations(self, index: int) -> NDArray[np.bool_]:
        self._check_index(index)
        fixations = load_mat(self.mat, ("fixationPts",)).get("fixationPts")
        if not isinstance(fixations, np.ndarray) or fixations.ndim != 2 or fixations.dtype.kind not in "buif":
            raise SalzooError(f"{self.mat} holds no fixations: expected a map fixationPts")
        return np.asarray(fixations > 0)


def open_traffic100(root: Path | None, *, fold: int = 0, task: str = "free") -> Dataset:
    """100 pictures of roads, 40 people. ``fold`` 0–4 chooses the split; ``task`` is free (viewing) or drive."""
    root = check_root("traffic100", root)
    if task not in TASKS:
        raise SalzooError(f"traffic100: task must be free or drive, not {task}")
    images = numbered(root / "data" / "traffic_images", (".bmp",))
    if not images:
        raise SalzooError(
            f"no images of traffic100 in {root}: expected data/traffic_images/1.bmp, as its repository has"
        )
    folder = root / "data" / "eye_tracking_data" / TASKS[task]
    splits = split_parts("traffic100", len(images), fold)
    shown = zip(images.items(), splits, strict=True)
    videos = [RoadImage(image, split, folder / f"{number}.mat") for (number, image), split in shown]
    return Dataset("traffic100", videos, note="observers are not told apart")
