"""The processes that train together, and the lock that keeps two trainings out of one run folder."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch
import torch.distributed as dist

from salzoo.evaluation.runs import device_of_rank
from salzoo.interfaces import SalzooError
from salzoo.runtime.devices import flushed_denormals
from salzoo.runtime.ranks import Rank, gather, this_rank

LOCK = ".lock"


def on_first_rank(rank: Rank, action: Callable[[], None]) -> None:
    """Do something on the first rank; where it fails there, all ranks raise."""
    problem = None
    if rank.first:
        try:
            action()
        except SalzooError as error:
            problem = error
    failed = gather([str(problem) if problem else ""])[0] if rank.size > 1 else problem and str(problem)
    if problem:
        raise problem
    if failed:
        raise SalzooError(f"the first rank failed: {failed}")


@contextmanager
def joined_ranks(device: str | None) -> Iterator[tuple[Rank, torch.device]]:
    """This process's rank and device, joined to the others that ``torchrun`` started."""
    rank, where = this_rank(), device_of_rank(device)
    joined = rank.size > 1 and not dist.is_initialized()
    if joined:
        if where.type == "cuda":
            torch.cuda.set_device(where)
        dist.init_process_group("nccl" if where.type == "cuda" else "gloo")
    with flushed_denormals():
        yield rank, where
    if joined:  # after an error the others are gone, and this would wait for them
        dist.destroy_process_group()


@contextmanager
def locked(run: Path, rank: Rank) -> Iterator[None]:
    """Keep a run folder to this job: a second one that trains in it would write into the same files.

    The system lets go of the lock when the process ends, however it does.

    Raises:
        SalzooError: another process trains in it, or the folder cannot be written.
    """
    path = run / LOCK
    descriptor, mine = -1, False

    def lock() -> None:
        nonlocal descriptor, mine
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            _lock_file(descriptor)
            if os.fstat(descriptor).st_ino != path.stat().st_ino:  # its last holder has just removed it
                raise BlockingIOError
            mine = True
        except BlockingIOError:
            raise SalzooError(f"{run} is being trained by another process: wait for it, or end it first") from None
        except OSError as error:
            raise SalzooError(f"cannot write run folder {run}: {error.strerror or error}") from error

    try:
        on_first_rank(rank, lock)
        yield
    finally:
        with suppress(OSError):
            if mine:
                path.unlink(missing_ok=True)
            if descriptor >= 0:
                os.close(descriptor)


def _lock_file(descriptor: int) -> None:
    try:
        import fcntl
    except ImportError:  # Windows, where a file that is open cannot be removed: another process would fail there
        return
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
