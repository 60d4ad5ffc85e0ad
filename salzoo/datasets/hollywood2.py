"""Hollywood-2 with eye movements (Mathe and Sminchisescu, "Actions in the Eye", TPAMI 2015), cut into shots as released
with DHF1K: 2,699 shots of 747 clips for training, 3,558 of 884 for testing; there is no validation split.

Layout, a folder a shot, with the frames numbered through the whole clip::

    training/actioncliptrain00001_1/images/actioncliptrain00001_00001.png      frame; .jpg too
    training/actioncliptrain00001_1/maps/actioncliptrain00001_00001.png        density map
    training/actioncliptrain00001_1/fixation/actioncliptrain00001_00001.png    fixation map
    testing/…

So the frames of a shot need not begin at 1, and some shots have a single frame. Sizes vary from shot to shot.
"""

from pathlib import Path

from salzoo.datasets.shots import open_shots
from salzoo.interfaces.dataset import Dataset

PUBLISHED = {"train": 2699, "test": 3558}
"""Shots in each split as published."""


def open_hollywood2(root: Path | None, *, sigma: float = 0.0) -> Dataset:
    """The Hollywood-2 shots under a root folder; no image is opened. ``sigma`` as for ``open_shots``.

    Raises:
        SalzooError: no root is named, or it has not the layout above.
    """
    return open_shots(
        "hollywood2", root, "training/actioncliptrain00001_1/images/actioncliptrain00001_00001.png", sigma
    )
