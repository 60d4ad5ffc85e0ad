"""ONNX Runtime and OpenVINO as engines: a model exported once, kept in the user's cache, run frame by frame."""

import functools
import hashlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from salzoo.datasets.files import cache_folder
from salzoo.hub.checkpoint import weights_hash
from salzoo.hub.exporting import export_model
from salzoo.interfaces import SalzooError, State
from salzoo.model import SaliencyModel
from salzoo.prediction.engines.names import EngineName, Precision
from salzoo.prediction.engines.preparing import prepare_for_inference
from salzoo.prediction.engines.torch_engine import TorchEngine, torch_engine
from salzoo.runtime.devices import fast_precision
from salzoo.version import __version__

Step = Callable[[list[NDArray[Any]]], list[NDArray[Any]]]

_EXPORTER = ("onnxruntime", "onnx", "onnxscript")
_MODULES = {"onnx": _EXPORTER, "openvino": ("openvino", *_EXPORTER)}


@dataclass(frozen=True)
class ProgramEngine:
    """A model as a program of one frame and the state; see ``Engine``.

    Attributes:
        stills: runs still images, where the network has a path of its own for them, which the program has not.
    """

    model: SaliencyModel
    name: EngineName
    precision: Precision
    size: tuple[int, int]
    step: Step
    state_shapes: tuple[tuple[int, ...], ...]
    stills: TorchEngine | None
    batch: int = 1

    def at_rate(self, rate: float) -> "ProgramEngine":
        return self  # no timed model is exported

    def run(
        self, frames: NDArray[Any], state: State = None, *, still: bool = False
    ) -> tuple[NDArray[np.float32], State]:
        if still and self.stills is not None:
            return self.stills.run(frames, state, still=True)
        begin = [np.zeros(shape, np.float32) for shape in self.state_shapes]
        clip = np.ascontiguousarray(self.model.preprocess(frames)[0].numpy())
        maps = []
        for index in range(len(clip)):
            map_, *after = self.step([clip[index : index + 1], *(begin if still or state is None else state)])
            maps.append(map_[0, 0])
            state = state if still else after
        return np.stack(maps), state

    def prime(self, frames: NDArray[Any], state: State = None) -> State:
        return self.run(frames, state)[1]


def is_installed(name: EngineName) -> bool:
    """Whether what an engine needs is installed."""
    return all(importlib.util.find_spec(module) for module in _MODULES.get(name, ()))


def program_precisions(name: EngineName) -> tuple[Precision, ...]:
    """The precisions that a program runs in here, on the CPU."""
    if name == "openvino" and fast_precision(torch.device("cpu")) == "bfloat16":
        return ("float32", "bfloat16")
    return ("float32",)


def program_engine(
    model: SaliencyModel,
    name: EngineName,
    precision: Precision,
    size: tuple[int, int],
) -> ProgramEngine:
    """A model as an engine on ONNX Runtime or OpenVINO, on the CPU.

    Args:
        model: any; it stays as it is.
        name: "onnx" or "openvino".
        precision: one of ``program_precisions``.
        size: (height, width) of the input.

    Raises:
        SalzooError: not installed, another device than the CPU, a precision that it lacks, a model that cannot be
            exported.
    """
    if not is_installed(name):
        raise SalzooError(f'the engine {name} is not installed: pip install "salzoo[{name}]"')
    if model.device.type != "cpu":
        raise SalzooError(
            f"the engine {name} runs on the CPU, not on {model.device}: add --device cpu, or leave it out"
        )
    if precision not in program_precisions(name):
        known = ", ".join(program_precisions(name))
        raise SalzooError(f"the engine {name} runs in {known} here, not in {precision}")
    path = _program_path(model, size)
    if not path.exists():
        export_model(prepare_for_inference(model), path, to="onnx", size=size)
    open_program = _open_onnx if name == "onnx" else _open_openvino
    try:
        step, shapes = open_program(path, precision)
    except RuntimeError as error:  # an operator that it does not know
        raise SalzooError(f"the engine {name} cannot run {model.spec}: it lacks some of its operations") from error
    return ProgramEngine(
        model, name, precision, size, step, shapes, torch_engine(model) if model.has_still_path else None
    )


def _program_path(model: SaliencyModel, size: tuple[int, int]) -> Path:
    """Where the program of a model lies: a name made of all that it follows from."""
    parts = (
        str(model.spec),
        weights_hash(model),
        repr(model.preprocessing),
        repr(size),
        __version__,
        torch.__version__,
    )
    return cache_folder() / "programs" / f"{hashlib.sha256(' '.join(parts).encode()).hexdigest()[:32]}.onnx"


def _open_onnx(path: Path, precision: Precision) -> tuple[Step, tuple[tuple[int, ...], ...]]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    inputs = session.get_inputs()
    names = [each.name for each in inputs]

    def step(tensors: list[NDArray[Any]]) -> list[NDArray[Any]]:
        found: list[NDArray[Any]] = session.run(None, dict(zip(names, tensors, strict=True)))
        return found

    return step, tuple(tuple(each.shape) for each in inputs[1:])


def _open_openvino(path: Path, precision: Precision) -> tuple[Step, tuple[tuple[int, ...], ...]]:
    settings = {
        "INFERENCE_PRECISION_HINT": "bf16" if precision == "bfloat16" else "f32",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "NUM_STREAMS": "1",
        "PERFORMANCE_HINT": "LATENCY",
        "ENABLE_CPU_PINNING": False,  # it would bind the thread that calls to one core, for all that comes after
    }
    core = _openvino_core()
    compiled = core.compile_model(core.read_model(path), "CPU", settings)
    request = compiled.create_infer_request()

    def step(tensors: list[NDArray[Any]]) -> list[NDArray[Any]]:
        found = request.infer(tensors)
        return [np.array(found[output], np.float32) for output in compiled.outputs]  # copies: the next call overwrites

    return step, tuple(tuple(each.shape) for each in compiled.inputs[1:])


@functools.cache
def _openvino_core() -> Any:
    """One for the process: each sets a stack of its own for signals and puts back, when it goes, the one that it found,
    so that of two the second leaves the first's freed memory, on which the next signal ends the process."""
    import openvino

    return openvino.Core()
