"""How far all processes of a corpus have come: counted in their common store, shown by the first of them."""

import json
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from salzoo.interfaces.errors import shown
from salzoo.prediction.inputs import Input
from salzoo.runtime.files import write_text, writing
from salzoo.runtime.progress import progress_bar
from salzoo.runtime.ranks import connected, fresh_store, this_rank
from salzoo.runtime.texts import csv_text

SECONDS = 0.5
"""From one look at the counters to the next."""

LOGGED = 5.0
"""Seconds from one line of the log to the next."""


@dataclass(frozen=True)
class Counts:
    """What all processes have done: inputs that got an output, had one, or failed; frames; bytes of the inputs that
    are over."""

    done: int = 0
    there: int = 0
    failed: int = 0
    frames: int = 0
    bytes: int = 0


class Counting:
    """Tells all processes what this one has done.

    Attributes:
        store: common to all of them.
    """

    def __init__(self, failed: dict[str, str]) -> None:
        self.store = fresh_store()
        self._failed = failed

    def frame(self) -> None:
        self._add(frames=1)

    def done(self, source: Input) -> None:
        if shown(source.name) in self._failed:
            self._tell(source, "")
        self._add(done=1, bytes=source.size())

    def there(self, source: Input) -> None:
        self._add(there=1, bytes=source.size())

    def failed(self, source: Input, error: str) -> None:
        self._tell(source, error)
        self._add(failed=1, bytes=source.size())

    def counts(self) -> Counts:
        with connected():
            return Counts(**{name: self.store.add(f"count/{name}", 0) for name in asdict(Counts())})

    def news(self, after: int) -> list[tuple[str, str]]:
        """Inputs that failed, each with its error, or no longer do, with none: those after so many."""
        found: list[tuple[str, str]] = []
        with connected():
            while self.store.check([f"news/{after + len(found) + 1}"]):
                found.append(json.loads(self.store.get(f"news/{after + len(found) + 1}")))
        return found

    def _tell(self, source: Input, error: str) -> None:
        with connected():
            self.store.set(f"news/{self.store.add('news', 1)}", json.dumps([shown(source.name), error]))

    def _add(self, **counts: int) -> None:
        with connected():
            for name, count in counts.items():
                self.store.add(f"count/{name}", count)


@contextmanager
def followed(
    sources: Sequence[Input], failed: dict[str, str], file: Path, log: Path | None = None
) -> Iterator[Counting]:
    """Within the block, the first process shows how far all have come, and keeps the list of failures.

    Args:
        sources: all inputs.
        failed: those that failed before, with the error of each.
        file: the list of failures, a CSV file.
        log: gets a line of JSON every few seconds.

    Raises:
        SalzooError: the list or the log cannot be written.
    """
    counting = Counting(failed)
    if not this_rank().first:
        yield counting
        return
    over = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(_follow, counting, sources, failed, file, log, over)
        try:
            yield counting
        finally:
            over.set()
        following.result()


def _follow(
    counting: Counting,
    sources: Sequence[Input],
    failed: dict[str, str],
    file: Path,
    log: Path | None,
    over: threading.Event,
) -> None:
    began, logged, seen = time.perf_counter(), 0.0, 0
    rows, size = dict(failed), sum(source.size() for source in sources)
    shape = "{desc}: {n_fmt} of {total_fmt} videos{postfix}"
    with progress_bar("corpus", total=len(sources), bar_format=shape, line_format=shape) as bar:
        last = False
        while not last:
            last = over.wait(SECONDS)
            counts, seconds = counting.counts(), time.perf_counter() - began
            news = counting.news(seen)
            seen += len(news)
            rows |= dict(news)
            if news:
                _write_failed({name: error for name, error in rows.items() if error}, file)
            rate = counts.frames / seconds
            left = seconds * (size / counts.bytes - 1) if counts.bytes else None
            bar.set_postfix_str(
                f"{counts.failed} failed, {rate:.1f} frames/s in all, {_clock(left)} left", refresh=False
            )
            bar.update(counts.done + counts.there + counts.failed - bar.n)
            if log is not None and (last or seconds - logged >= LOGGED):
                logged = seconds
                state: dict[str, Any] = {"videos": len(sources), **asdict(counts), "seconds": round(seconds, 3)}
                _append(log, json.dumps({**state, "frames_per_second": rate, "seconds_left": left}))


def _clock(seconds: float | None) -> str:
    if seconds is None:
        return "?"
    return f"{int(seconds) // 3600}:{int(seconds) // 60 % 60:02d}:{int(seconds) % 60:02d}"


def _append(log: Path, line: str) -> None:
    with writing(log), log.open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def _write_failed(failed: dict[str, str], file: Path) -> None:
    if not failed:
        file.unlink(missing_ok=True)
        return
    write_text(csv_text(("id", "error"), sorted(failed.items())), file)
