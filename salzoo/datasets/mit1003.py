"""MIT1003 (Judd et al., "Learning to predict where humans look", ICCV 2009): 1003 photographs, 15 observers, 3 s each.

As FixaTons (Zanca et al., arXiv 1802.02534) hands it out::

    data/FixaTons/MIT1003/STIMULI/<name>.jpeg
    data/FixaTons/MIT1003/SCANPATHS/<name>/<observer>      a row a fixation: x, y in pixels of the image, start, end (s)

**Splits**: as ``salzoo.datasets.gaze_images`` has them, in ten parts of 100; of the part after the test split all is
the validation split.

**The first fixation** lies where the cross was in 98 % of the trials, and is left out unless ``first=true``.

**Density**: a degree was 35 pixels; sigma is a thirtieth of the width, which is about that at 1024 pixels.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from salzoo.datasets.files import check_root, names_in
from salzoo.datasets.gaze_images import Recorded, gaze_images
from salzoo.interfaces.dataset import Dataset
from salzoo.interfaces.errors import SalzooError
from salzoo.runtime.files import read_text

FOLDER = "data/FixaTons/MIT1003"


def open_mit1003(root: Path | None, *, fold: int = 0, first: bool = False) -> Dataset:
    """MIT1003: 1003 photographs of many kinds, 15 observers. ``fold`` 0–9 chooses the split."""
    folder = check_root("mit1003", root) / FOLDER
    images = sorted(name for name in names_in(folder / "STIMULI") if name.endswith(".jpeg") and name[0] != ".")
    if not images:
        raise SalzooError(f"no images of mit1003 in {root}: expected {FOLDER}/STIMULI/*.jpeg, as FixaTons has them")
    recorded = {
        folder / "STIMULI" / image: _read_scanpaths(folder / "SCANPATHS" / Path(image).stem) for image in images
    }
    return gaze_images("mit1003", recorded, 1 / 30, fold=fold, first=first)


def _read_scanpaths(folder: Path) -> Recorded:
    observers = sorted(name for name in names_in(folder) if name[0] != ".")
    if not observers:
        raise SalzooError(f"no scanpaths in {folder}: expected a file for each observer")
    rows = [_read_scanpath(folder / each) for each in observers]
    return tuple(np.column_stack([each[:, :3], each[:, 3] - each[:, 2]]) for each in rows)


def _read_scanpath(path: Path) -> NDArray[np.float32]:
    try:
        rows = np.array(read_text(path).split(), np.float32).reshape(-1, 4)
    except ValueError as error:
        raise SalzooError(f"{path} is no scanpath: expected rows of x, y, start and end") from error
    if not np.isfinite(rows).all():
        raise SalzooError(f"{path} is no scanpath: it holds a value that is no number")
    return rows
