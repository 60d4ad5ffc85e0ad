"""PASCAL-S (Li et al., "The secrets of salient object segmentation", CVPR 2014): 850 photographs, 8 observers for 2 s.

Gaze and photographs lie in two public repositories; both go into one folder::

    pascalFix.mat            MATLAB 7.3: fixCell{i}, rows of y, x (pixels counted from 1) and observer, of picture i
    config/pascal/<i>.jpg

**Splits**: as ``salzoo.datasets.gaze_images`` has them, in ten parts of 85; of the part after the test split all is the
validation split.

**The first fixation** lies where the cross was in half of the trials, of later ones 16 % do; it is left out unless
``first=true``.

**Density**: degrees per pixel are not stated; sigma is a thirty-second of the width.
"""

from pathlib import Path
from typing import Any

import numpy as np

from salzoo.datasets.files import check_root, numbered
from salzoo.datasets.gaze_images import Recorded, gaze_images
from salzoo.datasets.matlab import open_mat73
from salzoo.interfaces.dataset import Dataset
from salzoo.interfaces.errors import SalzooError

MAT = "pascalFix.mat"


def open_pascals(root: Path | None, *, fold: int = 0, first: bool = False) -> Dataset:
    """PASCAL-S: 850 photographs, two thirds without faces or people, 8 observers. ``fold`` 0–9 chooses the split."""
    root = check_root("pascals", root)
    with open_mat73(root / MAT) as file:
        recorded = [_read_cell(file[cell][()], root / MAT) for cell in file["fixCell"][()].ravel()]
    images = numbered(root / "config" / "pascal", (".jpg",))
    missing = set(range(1, len(recorded) + 1)) - images.keys()
    if missing:
        raise SalzooError(f"{root} lacks {len(missing)} images of pascals, first config/pascal/{min(missing)}.jpg")
    shown = {images[number]: each for number, each in enumerate(recorded, start=1)}
    return gaze_images("pascals", shown, 1 / 32, fold=fold, first=first)


def _read_cell(rows: Any, mat: Path) -> Recorded:
    if rows.ndim != 2 or len(rows) != 3:
        raise SalzooError(f"fixCell of {mat} is not as pascals has it: expected rows of y, x and observer")
    y, x, observer = rows.astype(np.float32)
    points = np.stack([x, y], 1) - np.float32(0.5)
    return tuple(points[observer == each] for each in np.unique(observer))
