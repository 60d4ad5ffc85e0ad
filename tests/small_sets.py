"""Small folders in the layouts of published data sets."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from scipy.io import savemat

HEIGHT, WIDTH, COUNT = 48, 64, 15


def cell(items: list[Any]) -> Any:
    made = np.empty((len(items), 1), object)
    for row, item in zip(made, items, strict=True):
        row[0] = item
    return made


def write_images(root: Path) -> list[str]:
    (root / "data" / "stimuli").mkdir(parents=True)
    names = [f"{1001 + number}.jpg" for number in range(COUNT)]
    for number, name in enumerate(names):
        picture = np.full((HEIGHT, WIDTH, 3), 16 * number, np.uint8)
        cv2.imwrite(str(root / "data" / "stimuli" / name), picture)
    return names


def write_osie(root: Path) -> None:
    """Two observers: one looks at the pixel (number + 1, 3), counted from 1, and outside; the other at the last one."""
    images = []
    for number, name in enumerate(write_images(root)):
        subjects = [
            {"fix_x": [[number + 1.0, -5.0]], "fix_y": [[3.0, 20.0]], "fix_duration": [[200, 300]]},
            {"fix_x": [[float(WIDTH)]], "fix_y": [[float(HEIGHT)]], "fix_duration": [[100]]},
        ]
        images.append({"img": name, "subjects": cell(subjects)})
    images.reverse()  # the file's order is not that of the names
    (root / "data" / "eye").mkdir()
    savemat(root / "data" / "eye" / "fixations.mat", {"fixations": cell(images)})
