"""What a model costs in memory, known before it is paid: from its outline on the meta device, where nothing is
allocated, and from the channels and strides that its layers state.

What is counted is the least that a use takes; where even that is more than is free, it is refused at once.
"""

import itertools

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
    check_memory(needed, f"{what} at {in_words(size)}", "take a smaller size or model", free_memory(device))


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


def in_words(size: tuple[int, int]) -> str:
    """A (height, width) as options take it: 192x256."""
    return f"{size[0]}x{size[1]}"
