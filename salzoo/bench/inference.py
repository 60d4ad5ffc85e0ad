"""Running a model: each engine and precision against the plain way, frame by frame in float32."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.flop_counter import FlopCounterMode

from salzoo.bench.graphs import recorded_runner
from salzoo.bench.machine import peaks
from salzoo.bench.measuring import Row, Table, time_in_turn
from salzoo.footprint import check_weights
from salzoo.hub.sources import load_model
from salzoo.interfaces import SalzooError
from salzoo.interfaces.errors import one_line
from salzoo.model import SaliencyModel, create_model, describe_shapes
from salzoo.prediction.engines.engine import Engine
from salzoo.prediction.engines.names import ENGINES
from salzoo.prediction.engines.programs import is_installed, program_engine, program_precisions
from salzoo.prediction.engines.torch_engine import TorchEngine, torch_engine, torch_precisions
from salzoo.prediction.maps import fit_frames
from salzoo.training.initialization import initialize_from_nothing

FRAMES, FRAMES_OF_GPU = 8, 32
"""Frames of a round."""


def bench_inference(model: SaliencyModel, frames: Sequence[NDArray[np.uint8]], *, rounds: int = 5) -> Table:
    """Time every engine and precision that is installed, on the same frames, with what their maps differ by.

    Args:
        model: in eval mode, on the device to measure.
        frames: of a video, real ones best; too few are repeated.
        rounds: how often each is timed.
    """
    count = FRAMES if model.device.type == "cpu" else FRAMES_OF_GPU
    shown = np.stack(list(islice(cycle(fit_frames(model, frames)), count)))
    plain = _plain(model, shown)
    wanted = plain()
    variants: dict[str, Callable[[], Any]] = {"plain": plain}
    notes: list[str] = []
    for engine in _engines(model, shown, notes):
        for label, run in _variants(engine, shown, notes).items():
            variants[label] = run
            if "at once" not in label or " 1 at once" in label:
                maps = run()
                notes.append(
                    f"{label.replace(', 1 at once', '')}: maps differ from the plain ones by at most "
                    f"{np.abs(maps - wanted).max():.1e}, correlation {_correlation(maps, wanted):.5f}"
                )
    most = peaks(model.device)
    flops = _flops(model, shown)
    rows = time_in_turn(variants, rounds=rounds, units=count)
    shares = [_with_share(row, flops, most) for row in rows]
    notes.append("measured peak: " + ", ".join(f"{kind} {1e-9 * value:.0f} GFLOP/s" for kind, value in most.items()))
    size = "x".join(map(str, shown.shape[1:3]))
    return Table(f"inference of {model.spec} at {size}, {1e-9 * flops:.1f} GFLOP a frame", "frame", shares, notes)


def frames_per_second(spec: str, *, rounds: int = 3) -> float:
    """How fast a model runs here: PyTorch on the CPU in float32, made ready as ``predict`` does, moving shapes at the
    model's input size one after the other, the median of some rounds of eight frames. Weights are random where it has
    any."""
    model = model_for_bench(spec)
    shown = np.stack(fit_frames(model, read_sample(None, model.preprocessing.size)))
    (row,) = time_in_turn({"": _runner(torch_engine(model), shown, 1)}, rounds=rounds, units=len(shown))
    return 1 / row.seconds


COPIES = 4
"""How often the weights of a model are in memory while engines are compared: its own, and those prepared to run."""


def model_for_bench(name: str, size: tuple[int, int] | None = None) -> SaliencyModel:
    """A model with its weights, or of a spec with weights drawn at random, for frames of a (height, width)."""
    try:
        model = load_model(name)
    except SalzooError as error:
        try:
            outline = describe_shapes(name)[0]
        except SalzooError:
            raise error from None
        check_weights(outline, name, COPIES)
        torch.manual_seed(0)
        model = create_model(name)
        initialize_from_nothing(model, np.stack(read_sample(None, (64, 64))[:2]))
    if size is not None:
        model.preprocessing = replace(model.preprocessing, size=size)
    return model.eval()


def read_sample(path: Path | None, size: tuple[int, int]) -> list[NDArray[np.uint8]]:
    """The first frames of a video; without one, moving shapes."""
    if path is not None:
        from salzoo.video.reading import read_video

        return list(read_video(path, 0, FRAMES))
    ground = np.random.default_rng(0).integers(0, 90, (*size, 3), np.uint8)
    frames = []
    for index in range(FRAMES):
        frame = ground.copy()
        top, left = size[0] // 3, size[1] // 4 + 4 * index
        frame[top : top + size[0] // 4, left : left + size[1] // 4] = 220
        frames.append(frame)
    return frames


def _plain(model: SaliencyModel, shown: NDArray[Any]) -> Callable[[], NDArray[np.float32]]:
    def run() -> NDArray[np.float32]:
        state, maps = None, []
        with torch.inference_mode():
            for frame in shown:
                output, state = model(model.preprocess(frame[None]), state)
                maps.append(model.as_maps(output)[0, 0, 0].float().cpu().numpy())
        return np.stack(maps)

    return run


def _runner(engine: Engine, shown: NDArray[Any], group: int) -> Callable[[], NDArray[np.float32]]:
    def run() -> NDArray[np.float32]:
        state, maps = None, []
        for start in range(0, len(shown), group):
            found, state = engine.run(shown[start : start + group], state)
            maps.append(found)
        return np.concatenate(maps)

    return run


def _variants(engine: Engine, shown: NDArray[Any], notes: list[str]) -> dict[str, Callable[[], NDArray[np.float32]]]:
    """An engine by how many frames run at once, on CUDA also by a recorded graph."""
    device = engine.model.device.type
    found: dict[str, Callable[[], NDArray[np.float32]]] = {}
    for batch in sorted({1, engine.batch} if device == "cpu" else {1, 4, engine.batch}):
        label = f"{engine.name} {engine.precision}" + (f", {batch} at once" if engine.batch > 1 else "")
        found[label] = _runner(engine, shown, batch)
        if device == "cuda" and isinstance(engine, TorchEngine):
            try:
                found[f"{label}, CUDA graph"] = recorded_runner(engine, shown, batch)
            except RuntimeError as error:
                notes.append(f"{label}, CUDA graph: not, {one_line(error)}")
    return found


def _engines(model: SaliencyModel, shown: NDArray[Any], notes: list[str]) -> list[Engine]:
    engines: list[Engine] = [torch_engine(model, precision) for precision in torch_precisions(model.device)]
    for name in ENGINES[1:]:
        if model.device.type != "cpu" or not is_installed(name):
            continue
        for precision in program_precisions(name):
            try:
                engines.append(program_engine(model, name, precision, (shown.shape[1], shown.shape[2])))
            except SalzooError as error:
                notes.append(f"{name} {precision} not: {error}")
    return engines


def _flops(model: SaliencyModel, shown: NDArray[Any]) -> float:
    """Operations of one frame: two for each multiplication with addition in convolutions and matrix products."""
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        model(model.preprocess(shown[:1]))
    return float(counter.get_total_flops())


def _with_share(row: Row, flops: float, most: dict[str, float]) -> Row:
    """With the share of the peak of the row's own precision, where that was measured."""
    kind = "float32" if row.name == "plain" else row.name.partition(",")[0].split()[-1]
    share = flops / row.seconds / most[kind] if kind in most else None
    return Row(row.name, row.seconds, row.spread, row.ratio, row.ratio_spread, share)


def _correlation(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])
