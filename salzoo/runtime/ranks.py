"""The processes that ``torchrun`` starts: which share of the work is this one's, and what all of them found."""

import ctypes
import functools
import itertools
import os
import pickle
import secrets
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from salzoo.interfaces.errors import SalzooError

T = TypeVar("T")

CONNECTING = timedelta(minutes=5)
"""For how long a process looks for the others: where ``torchrun`` was killed, it would for ever."""


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


def _distributed() -> Any:
    """``torch.distributed``, imported where there is a rank beside this one; its stubs lack the stores."""
    import torch.distributed

    return torch.distributed


def fresh_store() -> Any:
    """An empty ``torch.distributed.Store`` for one piece of work, common to all ranks; alone, in this process. All of
    them must call it equally often."""
    dist = _distributed()
    return dist.HashStore() if this_rank().size == 1 else dist.PrefixStore(f"work/{next(_pieces)}", _store())


_pieces = itertools.count()


@functools.cache
def _store() -> Any:
    """The store of all ranks of this start.

    That of ``torchrun`` keeps what it holds when processes are started again, and counts those starts differently on
    each machine. So the first rank gives each start a name of its own, and everything in it stands under that.
    """
    dist, rank, mine = _distributed(), this_rank(), secrets.token_hex(8)
    with connected():
        store, _, _ = next(dist.rendezvous("env://", timeout=CONNECTING))
        if not rank.first:
            store.set(f"salzoo/hello/{rank.number}", mine)  # where one of a start before stands, it is replaced
            while not store.check([f"salzoo/welcome/{mine}"]):
                time.sleep(0.02)
            start = store.get(f"salzoo/welcome/{mine}").decode()
            store.set(f"salzoo/{start}/joined/{rank.number}", "")
            return dist.PrefixStore(f"salzoo/{start}", store)
        missing = set(range(1, rank.size))
        while missing:
            for number in missing:
                if store.check([f"salzoo/hello/{number}"]):
                    store.set(f"salzoo/welcome/{store.get(f'salzoo/hello/{number}').decode()}", mine)
            missing = {number for number in missing if not store.check([f"salzoo/{mine}/joined/{number}"])}
            time.sleep(0.02)
        return dist.PrefixStore(f"salzoo/{mine}", store)


@contextmanager
def connected() -> Iterator[None]:
    """Within the block, a store that is gone is one line: the process that kept it has ended."""
    try:
        yield
    except RuntimeError as error:  # torch.distributed.DistError, or what older stores raise
        raise SalzooError("the connection to the other processes is lost: one of them has ended") from error


def take_in_turn(store: Any, count: int) -> Iterator[int]:
    """Numbers below ``count``, each given to one rank alone: the next to the first that is free.

    Args:
        store: of this piece of work (``fresh_store``).
        count: how many numbers there are.
    """
    while True:
        with connected():
            number = store.add("taken", 1) - 1
        if number >= count:
            return
        yield number


def await_all(store: Any) -> None:
    """Wait for all ranks to come here, however long that takes."""
    with connected():
        store.add("ended", 1)
        while store.add("ended", 0) < this_rank().size:
            time.sleep(0.02)


def gather(mine: list[T]) -> list[T]:
    """What all ranks found, one after the other, on every rank. All of them must call it equally often.

    It goes through the store: the thread of a collective may still hold Python's tensors when the interpreter ends,
    and its attempt to give them back then aborts the process. The barriers of a process group hold none, and tell at
    once where another rank has ended.

    Raises:
        SalzooError: another rank has ended.
    """
    rank = this_rank()
    if rank.size == 1:
        return mine
    dist, store = _distributed(), fresh_store()

    def meet(where: str) -> None:
        if dist.is_initialized():
            dist.barrier()
        else:
            await_all(dist.PrefixStore(where, store))

    numbers = [str(number) for number in range(rank.size)]
    with connected():
        store.set(numbers[rank.number], pickle.dumps(mine))
        meet("set")
        found = [item for number in numbers for item in pickle.loads(store.get(number))]
        meet("read")
        if rank.first:
            for number in numbers:
                store.delete_key(number)
    return found


def join(backend: str) -> None:
    """Make the process group of ``torch.distributed`` with this backend."""
    dist, rank = _distributed(), this_rank()
    dist.init_process_group(backend, store=dist.PrefixStore("group", _store()), rank=rank.number, world_size=rank.size)


def on_first_rank(rank: Rank, action: Callable[[], T]) -> T:
    """Do something on the first rank, and give what it gives on every rank; where it fails there, all ranks raise."""
    problem, found = None, []
    if rank.first:
        try:
            found = [action()]
        except SalzooError as error:
            problem = error
    if rank.size > 1:
        ((failed, found),) = gather([(problem and str(problem), found)] if rank.first else [])
        if failed and not problem:
            raise SalzooError(f"the first rank failed: {failed}")
    if problem:
        raise problem
    return found[0]


def end_with_parent() -> None:
    """Ask the system to end this process, as SIGTERM does, when the one that started it ends: when ``torchrun`` is
    killed, nobody else would. On Linux alone."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
