"""What a model costs in memory, known before it is paid: from its outline on the meta device, where nothing is
allocated, and from the channels and strides that its layers state.

What is counted is the least that a use takes; where even that is more than is free, it is refused at once.
"""

import itertools
import math

import torch
from torch import nn

from salzoo.interfaces import Backbone
from salzoo.runtime.memory import available_memory, check_memory

FLOAT = 4
"""Bytes of a float32."""


def check_weights(model: nn.Module, what: str, copies: int = 1) -> None:
    """Raise SalzooError where so many copies of a model's weights are more than fits into memory. The model may be an
    outline."""
    count = sum(tensor.numel() for tensor in itertools.chain(model.parameters(), model.buffers()))
    needed = copies * weight_bytes(model)
    check_memory(needed, f"{what} with {count:,} weights", "take a smaller one", available_memory())


def check_running(model: nn.Module, backbone: Backbone, size: tuple[int, int], frames: int, what: str) -> None:
    """Raise SalzooError where running a model on so many frames of a (height, width) at once cannot fit into the memory
    of the device that it is on."""
    device = _device(model)
    needed = frames * 2 * max(layer_bytes(backbone, size))
    check_memory(needed, f"{what} at {_text(size)}", "take a smaller size or model", free_memory(device))


def check_training(
    model: nn.Module,
    backbone: Backbone,
    size: tuple[int, int],
    *,
    frames: int,
    moments: int,
    recomputed: bool,
    device: torch.device,
    what: str,
) -> None:
    """Raise SalzooError where training cannot fit into memory.

    Args:
        model: its outline will do.
        backbone: of the model.
        size: (height, width) of its input.
        frames: that go through it at once, on this rank.
        moments: tensors that the optimiser keeps of each weight.
        recomputed: whether activations are computed again in the backward pass.
        device: where it is trained.
        what: trains, for the message.
    """
    layers = layer_bytes(backbone, size)
    activations = 2 * max(layers) if recomputed else sum(layers)
    advice = "lower --batch, --clip-length, --size or the model's width"
    weights = (2 + moments) * weight_bytes(model)  # with their gradients
    check_memory(weights + frames * activations, f"{what} at {_text(size)}", advice, free_memory(device))
    held = 3 * frames * math.prod(size) * 8  # batches that are read ahead: BGR, density, fixations
    check_memory(held, f"reading {frames:,} frames at {_text(size)} for a batch", advice, available_memory())


def weight_bytes(model: nn.Module) -> int:
    """Bytes of all parameters and buffers."""
    return sum(
        tensor.numel() * tensor.element_size() for tensor in itertools.chain(model.parameters(), model.buffers())
    )


def layer_bytes(backbone: Backbone, size: tuple[int, int]) -> list[int]:
    """Bytes of what leaves each layer for one frame of a (height, width), which the input is resized to where the
    network has one fixed size."""
    height, width = backbone.preprocessing.fixed_size or size
    return [
        FLOAT * layer.channels * -(-height // layer.stride) * -(-width // layer.stride) for layer in backbone.layers
    ]


def free_memory(device: torch.device) -> int | None:
    """Bytes that can still be taken on a device; None where nothing tells."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return available_memory() if device.type == "cpu" else None


def _device(model: nn.Module) -> torch.device:
    tensors = itertools.chain(model.parameters(), model.buffers())
    return next((tensor.device for tensor in tensors), torch.device("cpu"))


def _text(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
