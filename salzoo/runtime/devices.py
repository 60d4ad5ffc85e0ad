"""Where a model runs."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from salzoo.interfaces.errors import SalzooError, one_line
from salzoo.runtime.processes import cores
from salzoo.runtime.ranks import Rank, join, this_rank

KINDS = ("cpu", "cuda", "mps", "xpu")
"""Devices that models run on. PyTorch knows more names, and warns of some."""


def choose_device(name: str | None = None) -> torch.device:
    """The device of that name, checked; without a name the best one here: CUDA, then MPS, then the CPU.

    Args:
        name: what ``torch.device`` takes: "cpu", "cuda", "cuda:1", "mps".

    Raises:
        SalzooError: unknown to PyTorch, or not available here.
    """
    if name is None:
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name if name.partition(":")[0] in KINDS else "unknown")
    except RuntimeError:
        raise SalzooError(f"unknown device {name!r}: name one such as cpu, cuda, cuda:1 or mps") from None
    try:
        torch.zeros(1, device=device).item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise SalzooError(f"device {name!r} cannot be used here ({one_line(error)}); --device cpu works") from error
    return device


def device_of_rank(name: str | None) -> torch.device:
    """The device of that name; without one the best here, under ``torchrun`` the GPU that is this process's own."""
    if name is None and this_rank().size > 1 and torch.cuda.is_available():
        name = f"cuda:{int(os.environ.get('LOCAL_RANK', 0)) % torch.cuda.device_count()}"
    return choose_device(name)


@contextmanager
def joined_ranks(name: str | None) -> Iterator[tuple[Rank, torch.device]]:
    """This process's rank and device (see ``device_of_rank``), joined to the others that ``torchrun`` started."""
    rank, device = this_rank(), device_of_rank(name)
    joined = rank.size > 1 and not torch.distributed.is_initialized()
    if joined:
        if device.type == "cuda":
            torch.cuda.set_device(device)
        join("nccl" if device.type == "cuda" else "gloo")
    with flushed_denormals():
        yield rank, device
    if joined:  # after an error the others are gone, and this would wait for them
        torch.distributed.destroy_process_group()


def share_cores() -> None:
    """Give this process its part of the processor's cores, where ``torchrun`` has started several on this machine."""
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    if processes > 1:
        torch.set_num_threads(max(cores() // processes, 1))


def fast_precision(device: torch.device) -> str:
    """The precision to train in on a device: "bfloat16" where it has instructions for it, else "float32"."""
    if device.type == "cuda":
        fast = torch.cuda.get_device_capability(device) >= (8, 0)  # before Ampere it is emulated
    else:
        supported = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
        fast = device.type == "cpu" and supported is not None and supported()
    return "bfloat16" if fast else "float32"


_SUBNORMAL = 5e-324


@contextmanager
def flushed_denormals() -> Iterator[None]:
    """Take numbers below 1e-38 for 0 in a ``with`` block, in this thread and those that its work begins (best in one
    that has not computed yet): processors are many times slower on them. Afterwards the thread is as before."""
    before = _SUBNORMAL * 1.0 == 0
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)
