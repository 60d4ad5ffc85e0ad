"""FiWI (Shen and Zhao, "Webpage saliency", ECCV 2014): 149 web pages, 11 observers, 5 s each.

As in the public repository::

    dataset/stimuli/<name>.png
    fixations.csv             a row a fixation: columns stimuliName, name (of the observer), xAvg, yAvg, duration (ms)

**Splits**: as ``salzoo.datasets.gaze_images`` has them, in five parts of 29; of the part after the test split the first
half is the validation split.

**The first fixation** lies in the middle hardly more often than later ones; it is kept unless ``first=false``.

**Density**: degrees per pixel are not stated; sigma is a thirty-second of the width.
"""

import csv
from pathlib import Path

import numpy as np

from salzoo.datasets.files import check_root, names_in
from salzoo.datasets.gaze_images import Recorded, gaze_images, in_order
from salzoo.interfaces.dataset import Dataset
from salzoo.interfaces.errors import SalzooError

TABLE, STIMULI = "fixations.csv", "dataset/stimuli"


def open_fiwi(root: Path | None, *, fold: int = 0, first: bool = True) -> Dataset:
    """FiWI: 149 web pages of text, pictures and both, 11 observers. ``fold`` 0–4 chooses the split."""
    root = check_root("fiwi", root)
    images = sorted(name for name in names_in(root / STIMULI) if name.endswith(".png") and name[0] != ".")
    if not images:
        raise SalzooError(f"no pages of fiwi in {root}: expected {STIMULI}/*.png and {TABLE}, as its repository has")
    table = _read_table(root / TABLE)
    recorded = {root / STIMULI / image: table.get(image, ()) for image in images}
    return gaze_images("fiwi", recorded, 1 / 32, fold=fold, first=first)


def _read_table(path: Path) -> dict[str, Recorded]:
    """Where each page's observers looked, in the order of the rows."""
    rows: dict[str, dict[str, list[tuple[float, float, float]]]] = {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                point = float(row["xAvg"]), float(row["yAvg"]), float(row["duration"]) / 1000
                if not np.isfinite(point).all():
                    raise ValueError("a place is not finite")
                rows.setdefault(row["stimuliName"], {}).setdefault(row["name"], []).append(point)
    except OSError as error:
        raise SalzooError(f"cannot read {path}: {error.strerror}") from error
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise SalzooError(f"{path} is not the table of fixations that fiwi has") from error
    return {
        page: tuple(
            in_order(each[:, :2], each[:, 2]) for each in (np.array(observers[name]) for name in sorted(observers))
        )
        for page, observers in rows.items()
    }
