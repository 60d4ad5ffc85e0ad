"""A model's kernels recorded once as a CUDA graph, and launched together for each group of frames."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from salzoo.interfaces.temporal import map_state, state_tensors
from salzoo.prediction.engines.torch_engine import TorchEngine


def recorded_runner(engine: TorchEngine, shown: NDArray[Any], group: int) -> Callable[[], NDArray[np.float32]]:
    """What runs frames in groups of one size by a recorded graph; on other devices than CUDA, by the same kernels one
    by one, as they would be recorded.

    A graph reads and writes the same memory each time: frames are copied into it, the state is carried within it.

    Args:
        engine: on the device to measure.
        shown: (n, height, width, 3) frames of a video from its start, n a multiple of ``group``.
        group: frames that run at once.

    Raises:
        RuntimeError: the model does what cannot be recorded.
    """
    with engine.set_up():
        clip = engine.clip(shown[:group]).clone()
        maps, state = engine.prepared(clip)
        kept = map_state(torch.zeros_like, state)  # zeros: the video starts here
        given = torch.empty_like(maps, dtype=torch.float32)

    def step() -> None:
        found, after = engine.prepared(clip, kept)
        given.copy_(engine.prepared.as_maps(found.float()))
        for old, new in zip(state_tensors(kept), state_tensors(after), strict=True):
            old.copy_(new)

    with engine.set_up():
        launch = _recorded(step) if clip.device.type == "cuda" else step

    def run() -> NDArray[np.float32]:
        found = []
        with engine.set_up():
            for tensor in state_tensors(kept):
                tensor.zero_()
            for start in range(0, len(shown), group):
                clip.copy_(engine.clip(shown[start : start + group]))
                launch()
                found.append(given.flatten(0, 2).cpu().numpy().copy())
        return np.concatenate(found)

    return run


def _recorded(step: Callable[[], None]) -> Callable[[], None]:
    """A CUDA graph of what a function launches, after some calls in which libraries choose their kernels."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay
