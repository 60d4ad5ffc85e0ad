"""PyTorch as an engine."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from salzoo.footprint import check_running
from salzoo.interfaces import SalzooError, State
from salzoo.model import SaliencyModel
from salzoo.prediction.engines.names import Precision
from salzoo.prediction.engines.preparing import pack_convolutions, prepare_for_inference
from salzoo.runtime.devices import fast_precision, flushed_denormals
from salzoo.runtime.memory import keep_freed_memory

_TYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class TorchEngine:
    """A prepared copy of a model, run by PyTorch where the model is; see ``Engine``."""

    model: SaliencyModel
    prepared: SaliencyModel
    precision: Precision
    batch: int
    name: Literal["torch"] = "torch"
    size: None = None

    def at_rate(self, rate: float) -> "TorchEngine":
        return replace(self, prepared=self.prepared.at_rate(rate))

    def run(
        self, frames: NDArray[Any], state: State = None, *, still: bool = False
    ) -> tuple[NDArray[np.float32], State]:
        with self.set_up():
            clip = self.clip(frames)
            if still:
                maps, _ = self.prepared(clip.transpose(0, 1), bypass=self.model.has_still_path)
            else:
                maps, state = self.prepared(clip, state)
            maps = self.prepared.as_maps(maps.float()).flatten(0, 2).cpu()
        return maps.numpy(), state

    def prime(self, frames: NDArray[Any], state: State = None) -> State:
        with self.set_up():
            return self.prepared.prime(self.clip(frames), state)

    @contextmanager
    def set_up(self) -> Iterator[None]:
        """Within the block, PyTorch computes as this engine does."""
        device, kind = self.prepared.device, _TYPES.get(self.precision)
        autocast = torch.autocast(device.type, kind, enabled=kind is not None)
        with flushed_denormals(), torch.inference_mode(), autocast:
            yield

    def clip(self, frames: NDArray[Any]) -> Tensor:
        """Frames (n, height, width, 3) as the network takes them: (1, n, 3, height, width)."""
        clip = self.prepared.preprocess(frames)
        ordered: Tensor = clip.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        return ordered.unflatten(0, clip.shape[:2])  # type: ignore[no-any-return]


def torch_engine(model: SaliencyModel, precision: Precision = "float32") -> TorchEngine:
    """A model as an engine on PyTorch, on the device where it is.

    Raises:
        SalzooError: a precision that the device has no instructions for; more memory than there is.
    """
    device = model.device
    if precision not in torch_precisions(device):
        known = ", ".join(torch_precisions(device))
        raise SalzooError(f"the engine torch runs in {known} on this {device.type}, not in {precision}")
    whole_windows = any(hasattr(module, "length") for module in model.modules_over_time.values())
    batch = 1 if whole_windows else 2 if device.type == "cpu" else 16  # each frame takes a window's memory
    check_running(model, model.backbone, model.preprocessing.size, 1, str(model.spec))
    if device.type == "cpu":
        keep_freed_memory()
    return TorchEngine(model, pack_convolutions(prepare_for_inference(model)), precision, batch)


def torch_precisions(device: torch.device) -> tuple[Precision, ...]:
    """The precisions that a device computes in by instructions of its own."""
    wide: tuple[Precision, ...] = ("float32",)
    if device.type == "cuda":
        wide += ("float16",)
    return (*wide, "bfloat16") if fast_precision(device) == "bfloat16" else wide
