"""Baselines that need a data set: the center bias fitted to its training split."""

from collections.abc import Sequence

import numpy as np
import torch
from tqdm import tqdm

from salzoo.backbones.center_bias import GRID, CenterBias
from salzoo.interfaces import Video
from salzoo.model import SaliencyModel, create_model
from salzoo.video.resizing import resize_frame

FRAMES_PER_VIDEO = 20
"""Evenly spaced frames of each video that the center bias is fitted to: neighbours hardly differ."""


def fit_center_bias(videos: Sequence[Video]) -> SaliencyModel:
    """The ``center-bias`` model whose map is the mean density of these videos: the best map that ignores the frame."""
    total = np.zeros(GRID)
    for video in tqdm(videos, "center bias", unit="video", leave=False, disable=None):
        for index in np.unique(np.linspace(0, video.frames - 1, FRAMES_PER_VIDEO).astype(int)):
            total += resize_frame(video.read_density(int(index)), GRID)
    model = create_model("center-bias").eval()
    assert isinstance(model.backbone, CenterBias)
    model.backbone.fit(torch.from_numpy(total))
    return model
