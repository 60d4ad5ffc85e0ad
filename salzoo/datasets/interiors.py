"""Rooms that people search (Sclar et al., arXiv 2009.08373): 134 grey pictures of interiors, 57 observers.

As in the authors' repository::

    MatlabCode/data_images/images/<name>.jpg
    MatlabCode/matrix/images/info_per_subj_img_<n>.mat       info_per_subj: a struct an observer, with image (its
                                                             name) and fixations (x, y)

Each looks for an object that was shown before, until it is found or some saccades are made: a task, no free viewing.

**Splits**: as ``salzoo.datasets.gaze_images`` has them, in five parts of 26; of the part after the test split the first
half is the validation split.

**The first fixation** began before the picture came, where the observer was told to look, a place anew in each trial;
it is left out unless ``first=true``.

**Density**: degrees per pixel are not stated; sigma is a thirty-second of the width.
"""

from pathlib import Path

import numpy as np

from salzoo.datasets.files import check_root, names_in
from salzoo.datasets.gaze_images import Recorded, gaze_images
from salzoo.datasets.matlab import load_mat
from salzoo.interfaces.dataset import Dataset
from salzoo.interfaces.errors import SalzooError

IMAGES, MATRIX = "MatlabCode/data_images/images", "MatlabCode/matrix/images"


def open_interiors(root: Path | None, *, fold: int = 0, first: bool = False) -> Dataset:
    """134 grey rooms of 1024×768, searched by 57 observers. ``fold`` 0–4 chooses the split."""
    root = check_root("interiors", root)
    files = sorted(name for name in names_in(root / MATRIX) if name.endswith(".mat") and name[0] != ".")
    if not files:
        raise SalzooError(f"no gaze of interiors in {root}: expected {MATRIX}/info_per_subj_img_1.mat")
    read = dict(_read_trials(root / MATRIX / name) for name in files)
    recorded = {root / IMAGES / image: read[image] for image in sorted(read)}
    return gaze_images("interiors", recorded, 1 / 32, fold=fold, first=first)


def _read_trials(path: Path) -> tuple[str, Recorded]:
    """The name of the picture, and where each observer looked."""
    try:
        trials = load_mat(path, ("info_per_subj",))["info_per_subj"].ravel()
        points = tuple(np.asarray(trial["fixations"], np.float32).reshape(-1, 2) for trial in trials)
        return str(trials[0]["image"].ravel()[0]), points
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise SalzooError(f"the variable info_per_subj of {path} is not as interiors has it") from error
