"""What a network says of a data set's frames at each of its sizes, beside where people looked."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from salzoo.adapting.backbone import Adapted
from salzoo.adapting.fitting import Looked
from salzoo.gaze.truth import read_fixations
from salzoo.interfaces import SalzooError, Video
from salzoo.model import SaliencyModel
from salzoo.runtime.progress import progress_bar
from salzoo.video.resizing import resize_frame

FRAMES = 20
"""Of each video, evenly spaced: neighbours hardly differ."""

Counts = NDArray[np.float32]


@torch.no_grad()
def look(adapted: SaliencyModel, videos: Sequence[Video]) -> Looked:
    """Run a network at all of its sizes on each picture, and on ``FRAMES`` frames of each video at most.

    Args:
        adapted: in evaluation mode; its backbone is an ``Adapted`` of the most sizes.
        videos: annotated.

    Raises:
        SalzooError: nobody looked at any frame of one of them.
    """
    backbone = adapted.backbone
    assert isinstance(backbone, Adapted)
    at_sizes, given = backbone.at_sizes, adapted.preprocessing
    grid = given.size[0] // at_sizes.stride, given.size[1] // at_sizes.stride
    maps, fixations, items = [], [], []
    with progress_bar("running the network", total=len(videos), unit="video") as bar:
        for number, video in enumerate(videos):
            for frame, counts in _read_frames(video, grid):
                shown = resize_frame(frame, given.size, given.interpolation)
                maps.append(at_sizes(adapted.preprocess(shown[None])[0]).float().cpu())
                fixations.append(torch.from_numpy(counts))
                items.append(number)
            bar.update()
    return Looked(torch.cat(maps), torch.stack(fixations), np.array(items))


def _read_frames(video: Video, grid: tuple[int, int]) -> Iterator[tuple[NDArray[np.uint8], Counts]]:
    """Frames of a video with how many fixations each cell of a grid has; those without any are left out."""
    wanted = set(np.unique(np.linspace(0, video.frames - 1, FRAMES).astype(int)).tolist())
    some = False
    for index, frame in enumerate(video.read_frames()):
        if index in wanted and (counts := _count(read_fixations(video, index), grid)).any():
            some = True
            yield frame, counts
    if not some:
        raise SalzooError(f"nobody looked at {video.id}: there is nothing to fit to")


def _count(fixations: NDArray[np.bool_], grid: tuple[int, int]) -> Counts:
    rows, columns = np.nonzero(fixations)
    counts = np.zeros(grid, np.float32)
    np.add.at(counts, (rows * grid[0] // fixations.shape[0], columns * grid[1] // fixations.shape[1]), 1)
    return counts
