"""What a network says of a data set's frames at each of its sizes, beside where people looked."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from salzoo.adapting.backbone import Adapted, AtSizes, feature_grid, feature_position, read_network
from salzoo.adapting.fitting import Looked
from salzoo.gaze.truth import read_fixations
from salzoo.interfaces import SalzooError, Video
from salzoo.model import SaliencyModel
from salzoo.prediction.engines.torch_engine import TorchEngine, torch_engine
from salzoo.runtime.devices import fast_precision
from salzoo.runtime.progress import progress_bar
from salzoo.video.resizing import resize_frame

FRAMES = 20
"""Of each video, evenly spaced: neighbours hardly differ."""

MOST_FEATURES = 2**30
"""Values of features that are kept, as float16; where there were more, they are not read: that many pictures are enough
to train on."""

Counts = NDArray[np.float32]


def look(adapted: SaliencyModel, videos: Sequence[Video]) -> Looked:
    """Run a network at all of its sizes on each picture, and on ``FRAMES`` frames of each video at most; its features
    are read where it has some and they are few enough.

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
    maps, features, fixations, places = [], [], [], []
    position = feature_position(at_sizes.network.backbone)
    if position is not None and _count_features(at_sizes, position, grid, videos) > MOST_FEATURES:
        position = None
    with progress_bar("running the network", total=len(videos), unit="video") as bar:
        for number, video in enumerate(videos):
            for index, frame, counts in _read_frames(video, grid):
                shown = resize_frame(frame, (height, width), adapted.preprocessing.interpolation)
                smaller = [resize_frame(shown, (height // each, width // each)) for each in at_sizes.divisors]
                shrunk = [_run(engine, each, position, grid) for each in smaller]
                maps.append(torch.cat([each for each, _ in shrunk]))
                features.append([inside for _, inside in shrunk if inside is not None])
                fixations.append(torch.from_numpy(counts))
                places.append((number, index))
            bar.update()
    inside = None if position is None else torch.stack([torch.stack(each) for each in features])
    item, frame = np.array(places).T
    return Looked(torch.stack(maps), torch.stack(fixations), item, frame, inside)


def _run(
    engine: TorchEngine, frame: NDArray[np.uint8], position: int | None, grid: tuple[int, int]
) -> tuple[Tensor, Tensor | None]:
    """A network's map of a frame, (1, h, w), as an ``AtSizes`` gives it, and its features for fitting."""
    with engine.set_up():
        maps, inside = read_network(engine.prepared, engine.clip(frame[None])[0], position, grid)
        if inside is not None:
            inside = F.adaptive_avg_pool2d(inside.float(), feature_grid(grid))[0].half().cpu()
    return maps[0].cpu(), inside


def _count_features(at_sizes: AtSizes, position: int, grid: tuple[int, int], videos: Sequence[Video]) -> int:
    """Values of features that all frames have at most."""
    channels = at_sizes.network.backbone.layers[position].channels
    height, width = feature_grid(grid)
    frames = sum(min(FRAMES, video.frames) for video in videos)
    return frames * len(at_sizes.divisors) * channels * height * width


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
