"""Which engine runs a model: the one asked for, or the fastest of those installed whose maps are right."""

import hashlib
import json
import math
import platform
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from salzoo.datasets.files import cache_folder
from salzoo.hub.checkpoint import weights_hash
from salzoo.interfaces import SalzooError
from salzoo.metrics import cc, kld
from salzoo.model import SaliencyModel
from salzoo.prediction.engines.engine import AUTO, Engine, RunOptions
from salzoo.prediction.engines.names import ENGINES, EngineName, Precision
from salzoo.prediction.engines.programs import is_installed, program_engine, program_precisions
from salzoo.prediction.engines.torch_engine import torch_engine, torch_precisions
from salzoo.runtime.files import read_json, write_text
from salzoo.version import __version__

CORRELATION, DIVERGENCE = 0.9995, 0.001
"""How far the maps of what "auto" takes may be from float32's: correlation at least, KLD at most, on every frame tried.
Of gaze-lite such maps change NSS by less than 0.01 (its card); single values may differ by a few hundredths of the
largest."""

SAMPLE = 4
"""Frames that engines are compared on."""

ROUNDS = 6
"""Most rounds in which they are timed in turn."""

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
    Of those whose maps agree (``CORRELATION``, ``DIVERGENCE``) it takes the fastest, and exports a network for another
    engine only where that pays. The choice is kept in the user's cache, for the model, its size, the machine and the
    versions, so that the same command runs in the same way again; ``forget_choices`` removes it.

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
    if not len(sample) or (frames is not None and frames <= FEW and ("torch", "float32") in offered):
        return Chosen(torch_engine(model), "torch float32")
    path = _choices() / f"{_situation(model, how, sample[0].shape)}.json"
    record = _read_choice(path)
    quick = [each for each in offered if each[0] == "torch"] or offered
    kind = "quick"
    if "quick" not in record:
        record["quick"] = _compare(model, sample, quick, how)
    if len(quick) < len(offered) and frames is not None and frames * record["quick"]["seconds"] > 2 * EXPORTING:
        kind = "best"
        if "best" not in record:
            record["best"] = _compare(model, sample, offered, how)
    with suppress(SalzooError):  # a cache that cannot be written to remembers nothing
        write_text(json.dumps(record), path)
    choice = record[kind]
    made = _make(model, choice["engine"], choice["precision"], sample)
    return Chosen(made, f"{_words(made)} ({choice['note']})")


def forget_choices() -> None:
    """Let "auto" compare anew."""
    shutil.rmtree(_choices(), ignore_errors=True)


def _choices() -> Path:
    return cache_folder() / "engines"


def _situation(model: SaliencyModel, how: RunOptions, shape: tuple[int, ...]) -> str:
    """A name made of all that a choice depends on."""
    device = torch.cuda.get_device_name(model.device) if model.device.type == "cuda" else model.device.type
    versions = []
    for name in ("torch", "onnxruntime", "openvino"):
        with suppress(PackageNotFoundError):
            versions.append(version(name))
    machine = (platform.machine(), platform.processor(), torch.backends.cpu.get_cpu_capability(), device)
    asked = (how.engine, how.precision, shape[:2], torch.get_num_threads())
    parts = (str(model.spec), weights_hash(model), repr(model.preprocessing), machine, asked, __version__, versions)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def _read_choice(path: Path) -> dict[str, Any]:
    """What was chosen before; nothing where nothing was, or it cannot be read."""
    try:
        record = read_json(path)
        for choice in record.values():
            if choice["engine"] not in ENGINES or not float(choice["seconds"]) > 0:
                return {}
            str(choice["note"]), str(choice["precision"])
    except (OSError, SalzooError, ValueError, LookupError, TypeError, AttributeError):
        return {}
    return dict(record)


def _compare(
    model: SaliencyModel,
    sample: Sequence[NDArray[Any]],
    offered: Sequence[tuple[EngineName, Precision]],
    how: RunOptions,
) -> dict[str, Any]:
    """The fastest of those offered whose maps agree with float32's, and what the others did."""
    reference, shown = torch_engine(model), np.stack(sample[:SAMPLE])
    wanted = _try_out(reference, shown)
    agreeing: list[Engine] = []
    others = []
    for name, kind in offered:
        label = f"{name} {kind}"
        try:
            made = reference if label == "torch float32" else _make(model, name, kind, sample)
        except SalzooError as error:
            if how.engine != "auto":
                raise
            others.append(f"{label} not: {str(error).rpartition(': ')[2]}")
            continue
        off = "" if made is reference else _disagreement(_try_out(made, shown), wanted)
        if off:
            others.append(f"{label} {off}")
        else:
            agreeing.append(made)
    if not agreeing:
        raise SalzooError(f"no precision of the engine {how.engine} gives the maps of float32: {'; '.join(others)}")
    seconds = _time_in_turn(agreeing, shown)
    words = [f"{made.name} {made.precision} {1 / each:.1f}" for made, each in zip(agreeing, seconds, strict=True)]
    fastest = agreeing[seconds.index(min(seconds))]
    return {
        "engine": fastest.name,
        "precision": fastest.precision,
        "seconds": min(seconds),
        "note": f"frames/s when first compared: {', '.join([*words, *others])}",
    }


def _time_in_turn(engines: Sequence[Engine], frames: NDArray[Any]) -> list[float]:
    """Seconds a frame of each engine, the shortest of some rounds: what else the machine does slows one engine in one
    round and another in the next. It is enough when the fastest of all was so twice running."""
    shortest, before = [math.inf] * len(engines), -1
    for _ in range(ROUNDS):
        taken = [_seconds(engine, frames) for engine in engines]
        shortest = list(map(min, shortest, taken))
        fastest = taken.index(min(taken))
        if fastest == before == shortest.index(min(shortest)):
            break
        before = fastest
    return shortest


def _disagreement(maps: NDArray[np.float32], wanted: NDArray[np.float32]) -> str:
    """How far maps are from those that are wanted, where that is too far."""
    if np.abs(maps - wanted).max() <= 1e-4 * max(float(wanted.max()), 1e-12):
        return ""  # maps that are the same everywhere have no correlation
    correlation, divergence = float(np.min(cc(maps, wanted))), float(np.max(kld(maps, wanted)))
    if correlation >= CORRELATION and divergence <= DIVERGENCE:
        return ""
    return f"off: correlation {correlation:.4f}, KLD {divergence:.4f}"


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


def _try_out(engine: Engine, frames: NDArray[Any]) -> NDArray[np.float32]:
    """The maps of a few frames."""
    engine, state, maps = engine.at_rate(25), None, []
    for start in range(0, len(frames), engine.batch):
        some, state = engine.run(frames[start : start + engine.batch], state)
        maps.append(some)
    return np.concatenate(maps)


def _seconds(engine: Engine, frames: NDArray[Any]) -> float:
    engine, began = engine.at_rate(25), perf_counter()
    for start in range(0, len(frames), engine.batch):
        engine.run(frames[start : start + engine.batch])  # without the state, for frames may be equal
    return (perf_counter() - began) / len(frames)


def _size_of(frame: NDArray[Any]) -> tuple[int, int]:
    return frame.shape[0], frame.shape[1]
