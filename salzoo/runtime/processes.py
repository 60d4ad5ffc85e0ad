"""The same work on many videos, in as many processes as there are processor cores."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from types import ModuleType
from typing import TypeVar

import cv2
from tqdm import tqdm

from salzoo.interfaces.errors import SalzooError

Item = TypeVar("Item")
Result = TypeVar("Result")


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def map_in_processes(
    function: Callable[[Item], Result], items: Sequence[Item], *, label: str, unit: str, processes: int | None = None
) -> list[Result]:
    """What a function gives for each item, in their order, with a progress bar.

    After an error or Ctrl-C no further item is begun, and those at hand are finished.

    Args:
        function: of a module, so that processes can import it.
        items: what it takes, picklable.
        label, unit: of the progress bar.
        processes: that work; None is one a core, fewer for few items.

    Raises:
        SalzooError: a process was killed, or whatever the function raises.
    """
    if processes is None:
        processes = max(min(cores(), len(items) // 4), 1)
    if processes == 1:
        return [function(item) for item in tqdm(items, desc=label, unit=unit, disable=None)]
    context = multiprocessing.get_context("spawn")  # a fork of a process with threads, such as torch's, may hang
    with ProcessPoolExecutor(processes, mp_context=context, initializer=start_worker) as pool:
        try:
            with no_main_module():
                jobs = [pool.submit(function, item) for item in items]
            for job in tqdm(as_completed(jobs), total=len(jobs), desc=label, unit=unit, disable=None):
                job.result()
            return [job.result() for job in jobs]
        except BrokenProcessPool as error:
            raise SalzooError(f"{label}: a working process was killed, perhaps for lack of memory") from error
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def no_main_module() -> Iterator[None]:
    """Start processes that do not run the caller's script a second time, as the spawn method does by itself."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def start_worker() -> None:
    """What a worker process does first: leave Ctrl-C to its parent, and keep OpenCV to one thread."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
