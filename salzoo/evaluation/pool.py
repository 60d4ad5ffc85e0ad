"""Scoring in worker processes, with memory that does not grow."""

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from salzoo.datasets.processes import no_main_module, start_worker
from salzoo.evaluation.scoring import Chunk, ChunkScores, FrameScorer
from salzoo.interfaces import SalzooError

AHEAD = 3
"""Chunks a worker that wait for it or for their results to be fetched: what bounds the memory."""

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

Submit = Callable[[Chunk], "Future[ChunkScores]"]


@contextmanager
def scoring_pool(scorer: FrameScorer, workers: int) -> Iterator[Submit]:
    """Worker processes that score chunks, one thread each; with one worker, chunks are scored here and at once.

    Processes are spawned: a fork of a process with threads, such as torch's, may hang.

    Raises:
        SalzooError: a worker was killed.
    """
    if workers == 1:
        yield lambda chunk: _done(scorer.score(chunk))
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker, initargs=(scorer,))

    def submit(chunk: Chunk) -> "Future[ChunkScores]":
        with _as_workers_start():
            return pool.submit(_score, chunk)

    try:
        yield submit
    except BrokenProcessPool as error:
        raise SalzooError("a scoring process was killed, perhaps for lack of memory; try fewer --workers") from error
    finally:
        pool.shutdown(cancel_futures=True)


def score_chunks(chunks: Iterable[Chunk], submit: Submit, workers: int) -> Iterator[ChunkScores]:
    """Score chunks as they come, yielding their scores in order; few wait at a time."""
    waiting: deque[Future[ChunkScores]] = deque()
    for chunk in chunks:
        waiting.append(submit(chunk))
        while waiting and (len(waiting) > AHEAD * workers or waiting[0].done()):
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _done(scores: ChunkScores) -> "Future[ChunkScores]":
    future: Future[ChunkScores] = Future()
    future.set_result(scores)
    return future


@contextmanager
def _as_workers_start() -> Iterator[None]:
    """Start processes in their own environment, that do not run the caller's script a second time."""
    before = {name: os.environ.get(name) for name in ENVIRONMENT}
    os.environ.update(ENVIRONMENT)
    try:
        with no_main_module():
            yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


_scorer: FrameScorer


def _start_worker(scorer: FrameScorer) -> None:
    global _scorer
    _scorer = scorer
    start_worker()


def _score(chunk: Chunk) -> ChunkScores:
    return _scorer.score(chunk)
