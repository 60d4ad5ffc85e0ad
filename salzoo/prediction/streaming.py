"""From a stream of frames to a stream of maps."""

from collections import deque
from collections.abc import Container, Iterable, Iterator
from itertools import groupby, islice
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salzoo.interfaces import SalzooError, State
from salzoo.model import SaliencyModel
from salzoo.prediction.engines.engine import Engine
from salzoo.prediction.engines.torch_engine import torch_engine
from salzoo.prediction.pace import Pace
from salzoo.runtime.prefetching import read_ahead
from salzoo.video.resizing import fit_frame, free_map, input_size

AHEAD = 4
"""Frames that wait between two stages of the pipeline."""

Frame = NDArray[np.uint8]
Map = NDArray[np.float32]


def predict_maps(
    model: SaliencyModel | Engine,
    frames: Iterable[Frame],
    *,
    clip_length: int | None = None,
    still: bool = False,
    wanted: Container[int] | None = None,
) -> Iterator[Map]:
    """Predict the map of each frame of one video, in order, with a clip's worth of frames in memory.

    Args:
        model: an engine; or a model in eval mode, of which a copy then runs where its weights are, in float32.
        frames: (H, W, 3) uint8, BGR, of any size, each its own.
        clip_length: frames that run together, by default the least that the engine offers. The maps do not depend on
            it, beyond rounding.
        still: take each frame for a still image (``SaliencyModel.has_still_path``).
        wanted: the numbers of the frames whose maps are wanted, from 0; by default all. Of the other frames no more is
            computed than those maps need.

    Yields:
        Maps in [0, 1], float32, of the model's input size ``model.preprocessing.size``, whatever the frame's (another
        where the preprocessing's ``fit`` says so): ``salzoo.video.overlay.resize_map`` brings one back. A density is
        divided by its maximum.

    Raises:
        SalzooError: the model gives NaN, as one does whose training diverged; or it takes more memory than there is.
    """
    engine = as_engine(model)
    pace = Pace((clip_length or engine.groups[0],))
    back = engine.model.looks_back
    asked: deque[bool] = deque()

    def needed(wanted: Container[int]) -> Iterator[Frame]:
        for index, frame in enumerate(frames):
            if back is None or any(later in wanted for later in range(index, index + back + 1)):
                asked.append(index in wanted)
                yield frame
            del frame

    fitted = fit_frames(engine.model, frames if wanted is None else needed(wanted))
    for _, map_ in _run(engine, fitted, pace, still, None if wanted is None else asked):
        yield map_


def as_engine(model: SaliencyModel | Engine) -> Engine:
    """An engine as it is; of a model in eval mode a copy in float32."""
    if not isinstance(model, SaliencyModel):
        return model
    if model.training:
        raise ValueError("the model is in training mode: call model.eval() first")
    return torch_engine(model)


def stream_maps(
    engine: Engine, frames: Iterable[Frame], pace: Pace | None = None, *, still: bool = False
) -> Iterator[tuple[Frame, Map]]:
    """Each frame of one video with its map, as ``predict_maps`` gives it: read, run and taken in three threads at once.

    Args:
        engine: what runs.
        frames: (H, W, 3) uint8, BGR; a thread reads them, a few before they are needed.
        pace: how many frames run together; one that goes on from video to video need not measure again.
        still: take each frame for a still image.

    Yields:
        (frame, map).
    """
    pace = Pace(engine.groups) if pace is None else pace
    fitted = read_ahead(fit_frames(engine.model, frames), AHEAD)
    pairs = read_ahead(_run(engine, fitted, pace, still), AHEAD)
    try:
        yield from pairs
    finally:
        pairs.close()
        fitted.close()


def fit_frames(model: SaliencyModel, frames: Iterable[Frame]) -> Iterator[tuple[Frame, NDArray[Any]]]:
    """Frames of one video, each with what the model takes of it."""
    size: tuple[int, int] | None = None
    for frame in frames:
        size = size or input_size(frame.shape, model.preprocessing)
        yield frame, fit_frame(frame, size, model.preprocessing)
        del frame


def _run(
    engine: Engine,
    fitted: Iterable[tuple[Frame, NDArray[Any]]],
    pace: Pace,
    still: bool = False,
    asked: deque[bool] | None = None,
) -> Iterator[tuple[Frame, Map]]:
    """Each frame with its map, without margins, at the input's size; only those whose turn in ``asked`` is true."""
    state: State = None
    for is_wanted, part in groupby(fitted, key=lambda _: asked is None or asked.popleft()):
        while clip := list(islice(part, pace.group)):
            shown, frames = np.stack([shown for _, shown in clip]), [frame for frame, _ in clip]
            del clip
            if not is_wanted:
                state = engine.prime(shown, state)
                continue
            began = perf_counter()
            maps, state = engine.run(shown, state, still=still)
            pace.note(len(frames), perf_counter() - began)
            if not np.isfinite(maps).all():
                spec = engine.model.spec
                raise SalzooError(f"{spec} gives maps that are not finite: its weights are broken; train it again")
            for map_ in maps:
                frame = frames.pop(0)
                yield frame, free_map(map_, frame.shape[:2], engine.model.preprocessing)
                del frame
