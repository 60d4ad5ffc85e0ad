"""The processes that ``torchrun`` starts: which share of the work is this one's, and what all of them found."""

import os
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Rank:
    """This process among those of ``torchrun``; alone without it.

    Attributes:
        number: counted from 0.
        size: how many there are.
    """

    number: int
    size: int

    @property
    def first(self) -> bool:
        """Whether this is the process that speaks and writes."""
        return self.number == 0


def this_rank() -> Rank:
    """The rank that the environment states."""
    return Rank(int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1)))


def gather(mine: list[T]) -> list[T]:
    """What all ranks found, one after the other, on every rank. All of them must call it equally often."""
    rank = this_rank()
    if rank.size == 1:
        return mine
    import torch.distributed as dist

    if not dist.is_initialized():
        dist.init_process_group("gloo")
    found: list[list[T]] = [[] for _ in range(rank.size)]
    dist.all_gather_object(found, mine)
    return [item for part in found for item in part]
