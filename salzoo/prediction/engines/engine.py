"""What an engine is, and how a model is asked to run."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from salzoo.interfaces import State
from salzoo.model import SaliencyModel
from salzoo.prediction.engines.names import EngineName, Precision
from salzoo.runtime.devices import device_of_rank


@dataclass(frozen=True)
class RunOptions:
    """How a model runs.

    Attributes:
        device: "cpu", "cuda", "cuda:1", "mps"; None for the best one here, under ``torchrun`` this process's own.
        engine: what runs it; "auto" takes the fastest that is installed and keeps the maps (``choose_engine``).
        precision: of the layers; "auto" lets the engine choose.
        size: (height, width) to run at; None for the model's own.
        run_every: the network sees one frame of a video in so many (``spaced_maps``).
    """

    device: str | None = None
    engine: EngineName | Literal["auto"] = "auto"
    precision: Precision | Literal["auto"] = "auto"
    size: tuple[int, int] | None = None
    run_every: int = 1

    def place(self) -> torch.device:
        """The device. Raises SalzooError where it is unknown, or not here."""
        return device_of_rank(self.device)


AUTO = RunOptions()

EXACT = RunOptions(engine="torch", precision="float32")
"""As every machine can: scores do not depend on what is installed."""


class Engine(Protocol):
    """A network made ready to run. It keeps nothing between calls: the temporal state is passed in and out.

    Attributes:
        name: the program that runs it.
        precision: of the layers; maps and state are float32.
        model: whose maps it gives, as its user knows it: for spec and preprocessing.
        size: (height, width) that it runs at; None for any.
        batch: frames that run at once at best. Another number gives other roundings.
    """

    @property
    def name(self) -> EngineName: ...
    @property
    def precision(self) -> Precision: ...
    @property
    def model(self) -> SaliencyModel: ...
    @property
    def size(self) -> tuple[int, int] | None: ...
    @property
    def batch(self) -> int: ...

    def at_rate(self, rate: float) -> "Engine":
        """The engine for a video of so many frames per second, 0 where that is not known."""
        ...

    def run(
        self, frames: NDArray[Any], state: State = None, *, still: bool = False
    ) -> tuple[NDArray[np.float32], State]:
        """Run over the next frames of a video.

        Args:
            frames: (T, H, W, 3), BGR, at the input size; uint8, or float32 on that scale.
            state: what the call before returned; None where the video starts. Each engine has a state of its own kind.
            still: take each frame for a still image: it takes the network's own path for these
                (``SaliencyModel.has_still_path``), or is a video of one frame; the state stays as it is.

        Returns:
            Maps (T, H, W) in [0, 1], and the state for the frames that follow.
        """
        ...

    def prime(self, frames: NDArray[Any], state: State = None) -> State:
        """The state that ``run`` would return, where nobody wants the maps."""
        ...
