"""From a stream of frames to a stream of maps."""

from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray

from salzoo.footprint import check_running
from salzoo.interfaces import SalzooError, State
from salzoo.model import SaliencyModel
from salzoo.video.resizing import fit_frame, free_map, input_size


def predict_maps(
    model: SaliencyModel, frames: Iterable[NDArray[np.uint8]], *, clip_length: int | None = None, still: bool = False
) -> Iterator[NDArray[np.float32]]:
    """Predict the map of each frame of one video, in order, with a clip's worth of frames in memory.

    Args:
        model: a model in eval mode; it runs where its weights are.
        frames: (H, W, 3) uint8, BGR, of any size, each its own.
        clip_length: frames that run together, by default 8, or 1 where each looks at a window of others, which takes as
            much memory. The maps do not depend on it, beyond rounding.
        still: take each frame for a still image, as ``SaliencyModel.forward`` does with ``bypass``.

    Yields:
        Maps in [0, 1], float32, of the model's input size ``model.preprocessing.size``, whatever the frame's (another
        where the preprocessing's ``fit`` says so): ``salzoo.video.overlay.resize_map`` brings one back. A density is
        divided by its maximum.

    Raises:
        SalzooError: the model gives NaN, as one does whose training diverged; or it takes more memory than there is.
    """
    if model.training:
        raise ValueError("the model is in training mode: call model.eval() first")
    frames = iter(frames)
    if clip_length is None:
        clip_length = 1 if any(hasattr(module, "length") for module in model.modules_over_time.values()) else 8
    check_running(model, model.backbone, model.preprocessing.size, clip_length, str(model.spec))
    state: State = None
    size: tuple[int, int] | None = None
    while clip := list(islice(frames, clip_length)):
        size = size or input_size(clip[0].shape, model.preprocessing)
        shown = np.stack([fit_frame(frame, size, model.preprocessing) for frame in clip])
        with torch.inference_mode():
            maps, state = model(model.preprocess(shown), state, bypass=still)
            maps = model.as_maps(maps)[0, :, 0].float().cpu()
        if not torch.isfinite(maps).all():
            raise SalzooError(f"{model.spec} gives maps that are not finite: its weights are broken; train it again")
        for frame, map_ in zip(clip, maps.numpy(), strict=True):
            yield free_map(map_, frame.shape[:2], model.preprocessing)
