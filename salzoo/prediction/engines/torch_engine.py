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
from salzoo.temporal.ema import EMA

_TYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class TorchEngine:
    """A prepared copy of a model, run by PyTorch where the model is; see ``Engine``.

    ``still_network`` is that copy without what averages its finished maps, where nothing else in it looks over time:
    of frames that all equal the one before, the network's map is known.
    """

    model: SaliencyModel
    prepared: SaliencyModel
    still_network: SaliencyModel | None
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
            if still:
                maps, _ = self.prepared(self.clip(frames).transpose(0, 1), bypass=self.model.has_still_path)
            elif self.still_network is None:
                maps, state = self.prepared(self.clip(frames), state)
            else:
                before: Any = state or (None, None, None)
                last, known, averages = before
                if last is None or not all(np.array_equal(frame, last) for frame in frames):
                    maps = self.still_network(self.clip(frames))[0]
                else:
                    maps = known.expand(-1, len(frames), -1, -1, -1)
                known = maps[:, -1:].clone()
                for average in self.prepared.temporal.values():
                    maps, averages = average(maps, lambda x: x, averages)
                state = (frames[-1].copy(), known, averages)  # copies: whoever has them may change them
            maps = self.prepared.as_maps(maps.float()).flatten(0, 2).cpu()
        return maps.numpy(), state

    def prime(self, frames: NDArray[Any], state: State = None) -> State:
        if self.still_network is not None:
            return self.run(frames, state)[1]
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
    prepared = pack_convolutions(prepare_for_inference(model))
    return TorchEngine(model, prepared, _still_network(prepared), precision, batch)


def _still_network(model: SaliencyModel) -> SaliencyModel | None:
    """The network of a model that does no more over time than to average its maps, without the average; else None."""
    last = len(model.backbone.layers) - 1
    for position, module in model.modules_over_time.items():
        if position < last or not isinstance(module, EMA) or module.acts_on != "output":
            return None
    if model.backbone.output != "map":
        return None
    network = SaliencyModel(replace(model.spec, temporal=()), model.backbone, {})
    network.preprocessing = model.preprocessing
    return network.eval()


def torch_precisions(device: torch.device) -> tuple[Precision, ...]:
    """The precisions that a device computes in by instructions of its own."""
    wide: tuple[Precision, ...] = ("float32",)
    if device.type == "cuda":
        wide += ("float16",)
    return (*wide, "bfloat16") if fast_precision(device) == "bfloat16" else wide
