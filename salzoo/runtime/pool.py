"""A stream of work in worker processes, in order, with memory that does not grow."""

import multiprocessing
import os
import signal
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, TypeVar

import cv2
from tqdm import tqdm

from salzoo.interfaces.errors import SalzooError
from salzoo.runtime.crashes import note_in, noted_in
from salzoo.runtime.processes import cores
from salzoo.runtime.signals import held_back

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 3
"""Items a worker that wait for it or for their results to be fetched: what bounds the memory."""

ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    # glibc gives the memory of every freed map back to the system, which must clear it for the next one. Keeping it
    # takes 6.6 ms a frame instead of 13.8 (seven scores at 640×360, decoding included).
    "MALLOC_TRIM_THRESHOLD_": str(1 << 28),
    "MALLOC_MMAP_THRESHOLD_": str(1 << 28),
}
"""What worker processes start with."""

Submit = Callable[[Item], Future[Result]]


@dataclass(frozen=True)
class WorkerPool(Generic[Item, Result]):
    """So many workers that apply a function: ``submit`` takes an item and gives the future of its result."""

    submit: Submit[Item, Result]
    workers: int

    def map_in_order(self, items: Iterable[Item]) -> Iterator[Result]:
        """Submit items as they come, yielding their results in order; few wait at a time."""
        waiting: deque[Future[Result]] = deque()
        for item in items:
            waiting.append(self.submit(item))
            while waiting and (len(waiting) > AHEAD * self.workers or waiting[0].done()):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


@contextmanager
def worker_pool(function: Callable[[Item], Result], workers: int) -> Iterator[WorkerPool[Item, Result]]:
    """Worker processes of one thread each that apply a function; with one worker it is applied here and at once.

    Processes are spawned: a fork of a process with threads, such as torch's, may hang.

    Args:
        function: picklable; it travels to each process once. What it takes and gives is pickled for each item.

    Raises:
        SalzooError: a worker crashed or was killed; it says on which file. Ctrl-C, or a signal that ends the program,
            ends the workers at once.
    """
    if workers == 1:
        yield WorkerPool(lambda item: _done(function(item)), 1)
        return
    most = max(16, 4 * cores())
    if workers > most:
        raise SalzooError(f"{workers} worker processes would only wait for {cores()} cores: at most {most} --workers")
    context = multiprocessing.get_context("spawn")
    processes: dict[int, Any] = {}
    with tempfile.TemporaryDirectory(prefix="salzoo-reading-", ignore_cleanup_errors=True) as folder:
        pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker, initargs=(function, folder))

        def submit(item: Item) -> Future[Result]:
            with held_back(), _as_workers_start():
                future = pool.submit(_apply, item)
            processes.update(getattr(pool, "_processes", None) or {})
            return future

        try:
            yield WorkerPool(submit, workers)
        except BrokenProcessPool as error:
            pool.shutdown()  # which waits until the other processes have ended too
            ends = {pid: process.exitcode for pid, process in processes.items()}
            raise SalzooError(_how_it_ended(ends, Path(folder))) from error
        except Exception:
            raise
        except BaseException:  # Ctrl-C, or a signal: nobody waits for what the workers are at
            for process in processes.values():
                process.terminate()
            raise
        finally:
            pool.shutdown(cancel_futures=True)


def map_in_processes(
    function: Callable[[Item], Result], items: Sequence[Item], *, label: str, unit: str, processes: int | None = None
) -> list[Result]:
    """What a function gives for each item, in their order, with a progress bar.

    Args:
        function, items: as ``worker_pool`` takes them.
        label, unit: of the progress bar.
        processes: that work; None is one a core, fewer for few items.

    Raises SalzooError as ``worker_pool`` does, and whatever the function raises.
    """
    if processes is None:
        processes = max(min(cores(), len(items) // 4), 1)
    with worker_pool(function, processes) as pool:
        found = pool.map_in_order(items)
        return list(tqdm(found, total=len(items), desc=label, unit=unit, disable=None))


def _how_it_ended(ends: dict[int, int | None], folder: Path) -> str:
    """What became of the worker that ended first: the executor then ends the others by SIGTERM."""
    first = next((pid for pid, end in ends.items() if end not in (None, 0, -signal.SIGTERM)), None)
    if first is None:
        return "a worker process was killed; fewer workers need less memory"
    end, names = ends[first] or 0, noted_in(folder / str(first))
    where = f" while it read {names}" if names else ""
    if end == -9:
        return f"a worker process was killed{where}, perhaps for lack of memory, of which fewer workers need less"
    how = signal.Signals(-end).name if end < 0 else f"status {end}"
    return f"a worker process crashed ({how}){where}" + ("; repair that file, or leave it out" if names else "")


def _done(result: Result) -> Future[Result]:
    future: Future[Result] = Future()
    future.set_result(result)
    return future


@contextmanager
def _as_workers_start() -> Iterator[None]:
    """Start processes in their own environment, that do not run the caller's script a second time."""
    before = {name: os.environ.get(name) for name in ENVIRONMENT}
    main = sys.modules["__main__"]
    os.environ.update(ENVIRONMENT)
    sys.modules["__main__"] = ModuleType("__main__")  # spawn would import the file of the true one
    try:
        yield
    finally:
        sys.modules["__main__"] = main
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


_function: Callable[[Any], Any]


def _start_worker(function: Callable[[Any], Any], folder: str) -> None:
    global _function
    _function = function
    note_in(Path(folder, str(os.getpid())))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is left to the parent
    cv2.setNumThreads(1)


def _apply(item: Any) -> Any:
    return _function(item)
