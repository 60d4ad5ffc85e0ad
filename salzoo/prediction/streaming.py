"""From a stream of frames to a stream of maps."""

from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray

from salzoo.interfaces import SalzooError, State
from salzoo.model import SaliencyModel
from salzoo.video.resizing import resize_frame


def predict_maps(
    model: SaliencyModel, frames: Iterable[NDArray[np.uint8]], *, clip_length: int = 8
) -> Iterator[NDArray[np.float32]]:
    """Predict the map of each frame of one video, in order, with a clip's worth of frames in memory.

    Args:
        model: a model in eval mode; it runs where its weights are.
        frames: (H, W, 3) uint8, BGR, of any size, each its own.
        clip_length: frames that run together. The maps do not depend on it, beyond rounding.

    Yields:
        Maps in [0, 1], float32, all of the model's input size ``model.preprocessing.size``, whatever the frame's:
        ``salzoo.video.overlay.resize_map`` brings one back.

    Raises:
        SalzooError: the model gives NaN, as one does whose training diverged.
    """
    if model.training:
        raise ValueError("the model is in training mode: call model.eval() first")
    frames = iter(frames)
    state: State = None
    while clip := [resize_frame(frame, model.preprocessing.size) for frame in islice(frames, clip_length)]:
        with torch.inference_mode():
            maps, state = model(model.preprocess(np.stack(clip)), state)
            maps = maps[0, :, 0].float().cpu()
        if not torch.isfinite(maps).all():
            raise SalzooError(f"{model.spec} gives maps that are not finite: its weights are broken; train it again")
        yield from maps.numpy()
