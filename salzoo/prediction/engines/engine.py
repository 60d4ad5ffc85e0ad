"""What an engine is."""

from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from salzoo.interfaces import State
from salzoo.model import SaliencyModel

EngineName = Literal["torch", "onnx", "openvino"]
Precision = Literal["float32", "bfloat16", "float16", "int8"]

ENGINES: tuple[EngineName, ...] = ("torch", "onnx", "openvino")
PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16", "float16", "int8")


class Engine(Protocol):
    """A network made ready to run. It keeps nothing between calls: the temporal state is passed in and out.

    Attributes:
        name: the program that runs it.
        precision: of the layers; maps and state are float32.
        model: whose maps it gives, as its user knows it: for spec and preprocessing.
        size: (height, width) that it runs at; None for any.
        groups: numbers of frames that may run at once, of which ``salzoo.prediction.pace`` finds the fastest.
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
    def groups(self) -> tuple[int, ...]: ...

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
