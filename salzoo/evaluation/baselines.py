"""The center bias fitted to a data set's training split: the best map that ignores the frame."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from salzoo.gaze.truth import read_density
from salzoo.interfaces import Video
from salzoo.runtime.progress import progress_bar
from salzoo.video.resizing import resize_frame

if TYPE_CHECKING:
    from salzoo.model import SaliencyModel

FRAMES_PER_VIDEO = 20
"""Evenly spaced frames of each video that the center bias is fitted to: neighbours hardly differ."""

GRID = (72, 128)
"""Height and width of the mean map, that of the ``center-bias`` model."""


def mean_density(videos: Sequence[Video]) -> NDArray[np.float32]:
    """The mean density of these videos, (72, 128), scaled to a maximum of 1."""
    total = np.zeros(GRID)
    with progress_bar("fitting the center bias", total=len(videos), unit="video") as bar:
        for video in videos:
            for index in np.unique(np.linspace(0, video.frames - 1, FRAMES_PER_VIDEO).astype(int)):
                total += resize_frame(read_density(video, int(index)), GRID)
            bar.update()
    mean = total.astype(np.float32)
    scaled: NDArray[np.float32] = mean / max(float(mean.max()), float(np.finfo(np.float32).tiny))
    return scaled


def center_bias_model(density: NDArray[np.float32]) -> "SaliencyModel":
    """The ``center-bias`` model with this map."""
    import torch

    from salzoo.backbones.center_bias import CenterBias
    from salzoo.model import create_model

    model = create_model("center-bias").eval()
    assert isinstance(model.backbone, CenterBias)
    model.backbone.fit(torch.from_numpy(density))
    return model
