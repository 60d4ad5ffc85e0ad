"""The processes that train together."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist

from salzoo.runtime.devices import device_of_rank, flushed_denormals
from salzoo.runtime.ranks import Rank, join, this_rank


@contextmanager
def joined_ranks(device: str | None) -> Iterator[tuple[Rank, torch.device]]:
    """This process's rank and device, joined to the others that ``torchrun`` started."""
    rank, where = this_rank(), device_of_rank(device)
    joined = rank.size > 1 and not dist.is_initialized()
    if joined:
        if where.type == "cuda":
            torch.cuda.set_device(where)
        join("nccl" if where.type == "cuda" else "gloo")
    with flushed_denormals():
        yield rank, where
    if joined:  # after an error the others are gone, and this would wait for them
        dist.destroy_process_group()
