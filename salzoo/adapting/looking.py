"""What a network says of a data set's frames at each of its sizes, beside where people looked."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from salzoo.adapting.backbone import Adapted
from salzoo.adapting.fitting import Looked
from salzoo.gaze.truth import read_fixations
from salzoo.interfaces import SalzooError, Video
from salzoo.model import SaliencyModel
from salzoo.prediction.engines.torch_engine import torch_engine
from salzoo.runtime.devices import fast_precision
from salzoo.runtime.progress import progress_bar
from salzoo.video.resizing import resize_frame

FRAMES = 20
"""Of each video, evenly spaced: neighbours hardly differ."""

Counts = NDArray[np.float32]


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
    at_sizes, (height, width) = backbone.at_sizes, adapted.preprocessing.size
    engine = torch_engine(at_sizes.network, "bfloat16" if fast_precision(adapted.device) == "bfloat16" else "float32")
    grid = height // at_sizes.stride, width // at_sizes.stride
    maps, fixations, places = [], [], []
    with progress_bar("running the network", total=len(videos), unit="video") as bar:
        for number, video in enumerate(videos):
            for index, frame, counts in _read_frames(video, grid):
                shown = resize_frame(frame, (height, width), adapted.preprocessing.interpolation)
                smaller = [resize_frame(shown, (height // each, width // each)) for each in at_sizes.divisors]
                maps.append([_shrink(engine.run(each[None])[0], grid) for each in smaller])
                fixations.append(torch.from_numpy(counts))
                places.append((number, index))
            bar.update()
    return Looked(torch.stack([torch.cat(each) for each in maps]), torch.stack(fixations), *np.array(places).T)


def _shrink(maps: NDArray[np.float32], grid: tuple[int, int]) -> torch.Tensor:
    """A map (1, H, W) as an ``AtSizes`` gives it."""
    return F.interpolate(torch.from_numpy(maps)[None], grid, mode="bilinear", align_corners=False)[0]


def _read_frames(video: Video, grid: tuple[int, int]) -> Iterator[tuple[int, NDArray[np.uint8], Counts]]:
    """Frames of a video, numbered, with how many fixations each cell of a grid has; those without any are left out."""
    wanted = set(np.unique(np.linspace(0, video.frames - 1, FRAMES).astype(int)).tolist())
    some = False
    for index, frame in enumerate(video.read_frames()):
        if index in wanted and (counts := _count(read_fixations(video, index), grid)).any():
            some = True
            yield index, frame, counts
    if not some:
        raise SalzooError(f"nobody looked at {video.id}: there is nothing to fit to")


def _count(fixations: NDArray[np.bool_], grid: tuple[int, int]) -> Counts:
    rows, columns = np.nonzero(fixations)
    counts = np.zeros(grid, np.float32)
    np.add.at(counts, (rows * grid[0] // fixations.shape[0], columns * grid[1] // fixations.shape[1]), 1)
    return counts
