"""UCF-Sports with eye movements (Mathe and Sminchisescu, "Actions in the Eye", TPAMI 2015), as released with DHF1K:
103 videos for training, 47 for testing; there is no validation split.

Layout, where class names may hold hyphens::

    training/Diving-Side-005/images/Diving-Side_005_001.png      frame; .jpg too
    training/Diving-Side-005/maps/Diving-Side_005_001.png        density map
    training/Diving-Side-005/fixation/Diving-Side_005_001.png    fixation map
    testing/…

Sizes vary from video to video.
"""

from pathlib import Path

from salzoo.datasets.shots import open_shots
from salzoo.interfaces.dataset import Dataset

PUBLISHED = {"train": 103, "test": 47}
"""Videos in each split as published."""


def open_ucfsports(root: Path | None, *, sigma: float = 0.0) -> Dataset:
    """The UCF-Sports videos under a root folder; no image is opened. ``sigma`` as for ``open_shots``.

    Raises:
        SalzooError: no root is named, or it has not the layout above.
    """
    return open_shots("ucfsports", root, "training/Diving-Side-001/images/Diving-Side_001_001.png", sigma)
