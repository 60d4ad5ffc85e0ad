"""Which engine runs a model: the one asked for, or the fastest of those installed whose maps are right."""

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salzoo.interfaces import SalzooError
from salzoo.model import SaliencyModel
from salzoo.prediction.engines.engine import AUTO, ENGINES, Engine, EngineName, Precision, RunOptions
from salzoo.prediction.engines.programs import is_exported, is_installed, program_engine, program_precisions
from salzoo.prediction.engines.torch_engine import torch_engine, torch_precisions

BOUND = 1e-2
"""Largest difference of a map from float32's, as a share of the largest value, that "auto" lets pass."""

SAMPLE = 4
"""Frames that engines are compared on."""

EXPORTING = 20.0
"""Seconds that exporting a network takes: "auto" exports where running it on PyTorch would take twice that."""

FEW = 8
"""Frames up to which comparing would take longer than running."""


@dataclass(frozen=True)
class Chosen:
    """An engine, and a line that says how it was chosen."""

    engine: Engine
    note: str


def choose_engine(
    model: SaliencyModel, sample: Sequence[NDArray[Any]], how: RunOptions = AUTO, frames: int | None = None
) -> Chosen:
    """Make a model ready to run.

    "auto" compares what is installed on the sample: each engine's maps with those of float32 on PyTorch, and its time.
    Of those within ``BOUND`` it takes the fastest, and exports a network for another engine only where that pays.

    Args:
        model: in eval mode, where it is to run.
        sample: first frames of the input, (height, width, 3) at the input size.
        how: the engine and the precision that are asked for.
        frames: how many will be run, where that is known.

    Raises:
        SalzooError: an engine that is not installed, or lacks the precision.
    """
    offered = _offered(model, how)
    if len(offered) == 1:
        made = _make(model, *offered[0], sample)
        return Chosen(made, _words(made))
    reference = torch_engine(model)
    if not len(sample) or (frames is not None and frames <= FEW and ("torch", "float32") in offered):
        return Chosen(reference, "torch float32")
    shown = np.stack(sample[:SAMPLE])
    wanted, seconds = _try_out(reference, shown)
    worth = frames is None or frames * seconds > 2 * EXPORTING
    found: list[tuple[float, Engine]] = []
    words = []
    for name, kind in offered:
        if name != "torch" and how.engine == "auto" and not (worth or is_exported(model, _size_of(sample[0]))):
            continue
        label = f"{name} {kind}"
        try:
            made = reference if label == "torch float32" else _make(model, name, kind, sample)
        except SalzooError as error:
            if how.engine != "auto":
                raise
            words.append(f"{label} not: {error}")
            continue
        maps, seconds = (wanted, seconds) if made is reference else _try_out(made, shown)
        difference = float(np.abs(maps - wanted).max() / max(float(wanted.max()), 1e-12))
        if difference > BOUND:
            words.append(f"{label} off by {difference:.2g}")
            continue
        words.append(f"{label} {1 / seconds:.1f}")
        found.append((seconds, made))
    if not found:
        raise SalzooError(f"no precision of the engine {how.engine} keeps maps within {BOUND:g}: {'; '.join(words)}")
    best = min(found, key=lambda each: each[0])[1]
    return Chosen(best, f"{_words(best)} (frames/s on the first frames: {', '.join(words)})")


def _words(engine: Engine) -> str:
    apart = engine.name != "torch" and engine.model.has_still_path
    return f"{engine.name} {engine.precision}" + (", still images torch float32" if apart else "")


def _offered(model: SaliencyModel, how: RunOptions) -> list[tuple[EngineName, Precision]]:
    """Engines and precisions that answer what was asked for. One that was named whole is offered as it is: making it
    says what is wrong with it."""
    if how.engine != "auto" and how.precision != "auto":
        return [(how.engine, how.precision)]
    offered: list[tuple[EngineName, Precision]] = []
    for name in ENGINES if how.engine == "auto" else (how.engine,):
        fits = name == "torch" or (model.device.type == "cpu" and is_installed(name) and not model.timed)
        if how.engine == "auto" and not fits:
            continue
        known = torch_precisions(model.device) if name == "torch" else program_precisions(name)
        offered += [(name, kind) for kind in known if how.precision in ("auto", kind)]
    if not offered:
        raise SalzooError(f"no installed engine runs in {how.precision} on this {model.device.type}")
    return offered


def _make(model: SaliencyModel, name: EngineName, precision: Precision, sample: Sequence[NDArray[Any]] = ()) -> Engine:
    """An engine by its name; a program has the size of the sample's frames, by default the model's.

    Raises SalzooError where it is not installed, or lacks the precision.
    """
    if name == "torch":
        return torch_engine(model, precision)
    return program_engine(model, name, precision, _size_of(sample[0]) if len(sample) else model.preprocessing.size)


def _try_out(engine: Engine, frames: NDArray[Any]) -> tuple[NDArray[np.float32], float]:
    """The maps of a few frames one by one, and seconds a frame."""
    engine = engine.at_rate(25)
    state, maps, times = None, [], []
    for frame in frames:
        began = perf_counter()
        map_, state = engine.run(frame[None], state)
        times.append(perf_counter() - began)
        maps.append(map_[0])
    return np.stack(maps), min(times)


def _size_of(frame: NDArray[Any]) -> tuple[int, int]:
    return frame.shape[0], frame.shape[1]
