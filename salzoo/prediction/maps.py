"""From frames to maps: the one way in which a prepared engine runs over an input."""

import math
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from itertools import count, groupby, islice
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from salzoo.interfaces import Finishing, SalzooError, State
from salzoo.model import SaliencyModel
from salzoo.prediction.engines.engine import Engine
from salzoo.prediction.engines.torch_engine import torch_engine
from salzoo.prediction.inputs import FrameStream, stream_of
from salzoo.runtime.prefetching import read_ahead
from salzoo.video.cuts import Thumbnail, is_cut, thumbnail
from salzoo.video.overlay import resize_map
from salzoo.video.pixels import Decoded
from salzoo.video.reading import TimedFrame
from salzoo.video.resizing import fit_frame, free_map, input_size

AHEAD = 4
"""Frames that wait between two stages of the pipeline."""

Frame = NDArray[np.uint8]
Map = NDArray[np.float32]


class FrameMap(NamedTuple):
    """A frame with its map.

    Attributes:
        number: of the frame in its stream, from 0.
        frame: as it came.
        map: in [0, 1], float32, of the model's input size ``model.preprocessing.size``, whatever the frame's (another
            where the preprocessing's ``fit`` says so): ``salzoo.video.overlay.resize_map`` brings it back; of the
            frame's where the network's authors finish maps there (``Backbone.finishing``). A density is divided by
            its maximum.
    """

    number: int
    frame: TimedFrame
    map: Map


def frames_to_maps(
    engine: Engine,
    stream: FrameStream,
    *,
    wanted: Collection[int] | None = None,
    batch: int | None = None,
    ahead: int = AHEAD,
) -> Iterator[FrameMap]:
    """Each frame of a stream with its map, in order: read, run and taken in three threads at once.

    Args:
        engine: what runs.
        stream: of one input. One whose frames come as they come is run frame by frame, and a model whose constants
            are in seconds goes by the time between them.
        wanted: the numbers of the frames whose maps are wanted, from 0; by default all. Of the other frames no more is
            read and computed than those maps need.
        batch: frames that run together; by default one on the CPU, elsewhere what the engine does best. The maps do
            not depend on it, beyond rounding.
        ahead: frames that wait between two stages; 0 for no threads.

    Raises:
        SalzooError: the model gives NaN, as one does whose training diverged.
    """
    live = stream.rate is None
    batch = 1 if live else batch or (1 if engine.model.device.type == "cpu" else engine.batch)
    running = engine if stream.rate is None else engine.at_rate(stream.rate)
    fitted = _fit(engine.model, stream, wanted)
    if live or not ahead:
        yield from _run(running, fitted, stream, batch)
        return
    there = read_ahead(fitted, ahead)
    maps = read_ahead(_run(running, there, stream, batch), ahead)
    try:
        yield from maps
    finally:
        maps.close()
        there.close()


def spaced_maps(engine: Engine, stream: FrameStream, every: int) -> Iterator[FrameMap]:
    """As ``frames_to_maps``, for a network that sees one frame in so many, and the first after each cut.

    The maps of the frames between lie on a straight line from one to the next; before a cut, and at the end, the last
    one stands.
    """
    kept: deque[tuple[TimedFrame, bool, bool]] = deque()  # with whether it is seen, and comes after a cut

    def seen() -> Iterator[TimedFrame]:
        before: Thumbnail | None = None
        since = 0
        for frame in stream.frames:
            small = thumbnail(frame.picture)
            cut = before is not None and is_cut(before, small)
            since = 0 if cut or since == every else since
            kept.append((frame, since == 0, cut))
            if since == 0:
                yield frame
            before, since = small, since + 1

    thin = replace(stream, frames=seen(), rate=(stream.rate or 0.0) / every)
    numbers, last = count(), np.zeros(0, np.float32)
    for _, _, map_ in frames_to_maps(engine, thin, batch=min(engine.batch, 2), ahead=1):
        between: list[TimedFrame] = []
        while not kept[0][1]:
            between.append(kept.popleft()[0])
        frame, _, cut = kept.popleft()
        for step, other in enumerate(between, 1):
            share = np.float32(0 if cut else step / (len(between) + 1))
            yield FrameMap(next(numbers), other, last + share * (map_ - last))
        yield FrameMap(next(numbers), frame, map_)
        last = map_
    for frame, *_ in kept:
        yield FrameMap(next(numbers), frame, last)


def predict_maps(
    model: SaliencyModel | Engine,
    frames: Iterable[Frame],
    *,
    still: bool = False,
    wanted: Collection[int] | None = None,
    batch: int | None = None,
) -> Iterator[Map]:
    """The map of each frame of one video in memory; see ``frames_to_maps``. Nothing is read before it is needed.

    Args:
        model: an engine; or a model in eval mode, of which a copy then runs where its weights are, in float32.
        frames: (H, W, 3) uint8, BGR, of any size, each its own.
        still: take each frame for a still image (``SaliencyModel.has_still_path``).
        wanted, batch: as for ``frames_to_maps``.
    """
    stream = stream_of(frames, still=still)
    for _, _, map_ in frames_to_maps(as_engine(model), stream, wanted=wanted, batch=batch, ahead=0):
        yield map_


def filter_maps(module: nn.Module, maps: Map, state: State = None) -> tuple[Map, State]:
    """What a temporal module makes of finished maps, as it would at the end of the model that gave them.

    Args:
        module: one that acts on its layer's output alone.
        maps: (T, h, w), the next of a video.
        state: what the call before returned; None where the video starts.

    Returns:
        The maps (T, h, w), and the state for those that follow.
    """
    device = next((buffer.device for buffer in module.buffers()), torch.device("cpu"))
    with torch.inference_mode():
        clip = torch.from_numpy(maps)[None, :, None].to(device)
        filtered, state = module(clip, lambda x: x, state)
    return filtered[0, :, 0].cpu().numpy(), state


def as_engine(model: SaliencyModel | Engine) -> Engine:
    """An engine as it is; of a model in eval mode a copy in float32."""
    if not isinstance(model, SaliencyModel):
        return model
    if model.training:
        raise ValueError("the model is in training mode: call model.eval() first")
    return torch_engine(model)


def fit_frames(model: SaliencyModel, frames: Iterable[Frame | Decoded]) -> list[NDArray[Any]]:
    """What a model takes of the frames of one video: (h, w, 3) each, at its input size."""
    size: tuple[int, int] | None = None
    fitted = []
    for frame in frames:
        size = size or input_size(frame.shape, model.preprocessing)
        fitted.append(fit_frame(frame, size, model.preprocessing))
    return fitted


def _fit(
    model: SaliencyModel, stream: FrameStream, wanted: Collection[int] | None
) -> Iterator[tuple[int, bool, TimedFrame, NDArray[Any]]]:
    """The frames that must be run: number, whether its map is wanted, frame, and what the model takes of it."""
    back = model.looks_back
    size: tuple[int, int] | None = None
    numbers = count()  # ``enumerate`` would keep the frame alive
    for frame in stream.frames if wanted is None else islice(stream.frames, max(wanted, default=-1) + 1):
        index = next(numbers)
        if wanted is None or back is None or any(later in wanted for later in range(index, index + back + 1)):
            size = size or input_size(frame.size, model.preprocessing)
            yield index, wanted is None or index in wanted, frame, fit_frame(frame.picture, size, model.preprocessing)
        del frame


def _run(
    engine: Engine,
    fitted: Iterable[tuple[int, bool, TimedFrame, NDArray[Any]]],
    stream: FrameStream,
    batch: int,
) -> Iterator[FrameMap]:
    state: State = None
    before = -math.inf
    for is_wanted, part in groupby(fitted, key=lambda each: each[1]):
        while clip := list(islice(part, batch)):
            shown, frames = np.stack([shown for *_, shown in clip]), [(index, frame) for index, _, frame, _ in clip]
            del clip
            if stream.rate is None:
                now = float(frames[0][1].time)
                running, before = engine.at_rate(1 / max(now - before, 1e-6)), now
            else:
                running = engine
            if not is_wanted:
                state = running.prime(shown, state)
                continue
            maps, state = running.run(shown, state, still=stream.still)
            if not np.isfinite(maps).all():
                spec = engine.model.spec
                raise SalzooError(f"{spec} gives maps that are not finite: its weights are broken; train it again")
            for map_ in maps:
                index, frame = frames.pop(0)
                free = free_map(map_, frame.size, engine.model.preprocessing)
                yield FrameMap(index, frame, _finish(free, frame.size, engine.model.backbone.finishing))
                del frame


def _finish(map_: Map, size: tuple[int, int], finishing: Finishing) -> Map:
    if finishing.blur == 1:
        return map_
    blurred = cv2.GaussianBlur(resize_map(map_, size), (finishing.blur, finishing.blur), finishing.sigma)
    return np.asarray(blurred, np.float32)
