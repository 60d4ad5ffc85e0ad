"""What a model is made of and takes, told from its outline: no weights are made, nothing is computed."""

from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from salzoo.hub.checkpoint import outline_model
from salzoo.model import canonical_spec


@dataclass(frozen=True)
class Measures:
    """Of a model at one input size.

    Attributes:
        size: (height, width) of the input.
        parameters: how many.
        window: frames that a map depends on where the network looks through windows; 1 without any. What recurrent
            modules remember is no window.
        gflops: billions of floating-point operations for a frame, convolutions and products of matrices alone: a
            multiplication with an addition counts as two.
    """

    size: tuple[int, int]
    parameters: int
    window: int
    gflops: float


def measure(spec: str, size: tuple[int, int] | None = None) -> Measures:
    """Measure the model of a spec, for an input of (height, width), by default the backbone's own. Raises SalzooError
    as ``create_model`` does.

    >>> measure("salgan:width=0.05").window
    1
    """
    model = outline_model(canonical_spec(spec)).eval()
    size = size or model.preprocessing.size
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, 1, 3, *size, device="meta"))
    own = [getattr(module, "length", 1) for module in model.modules_over_time.values()]
    return Measures(
        size=size,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        window=1 + sum(length - 1 for length in own),
        gflops=counter.get_total_flops() / 1e9,
    )
