"""The process that runs models for a page: one piece of work at a time, and whatever it does, it can be ended."""

import itertools
import json
import queue
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from salzoo.app.serving import Refused
from salzoo.app.visits import Visit
from salzoo.interfaces.errors import SalzooError

WAITING = 10
"""Pieces of work that may wait."""

LONGEST = 600.0
"""Seconds after which a piece of work makes room for the next."""

SILENT = 90.0
"""Seconds without a word from the process after which it is ended: a decoder may never come back."""

LEAVE = 3.0
"""Seconds that it has to stop when it is told to."""

_TOO_LONG = f"that took longer than {LONGEST / 60:.0f} minutes, and was stopped"
_numbers = itertools.count()


@dataclass
class Job:
    """A piece of work.

    Attributes:
        visit: whose it is.
        message: to the process.
        told: given each of its answers.
        stopped: when its visitor had enough of it.
    """

    visit: Visit
    message: dict[str, Any]
    told: Callable[[dict[str, Any]], None]
    stopped: float | None = None
    number: int = field(default_factory=lambda: next(_numbers))

    def stop(self) -> None:
        """Ask for its end."""
        self.stopped = self.stopped or monotonic()


class Work:
    """Runs jobs in a process of its own, ``salzoo.app.worker``, which is started again where it crashes.

    Args:
        models: that the process knows.
        dataset: whose videos can be looked at: name, root and split.
        at_hand: whether it knows those that need no download, too.
    """

    def __init__(self, models: Sequence[str], dataset: Sequence[str | None] = (), at_hand: bool = False) -> None:
        self._words = [json.dumps({"models": list(models), "dataset": list(dataset), "at_hand": at_hand})]
        self._jobs: list[Job] = []
        self._changed = threading.Condition()
        self._process: subprocess.Popen[str] | None = None
        self._ready: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._began = self._ended = False
        threading.Thread(target=self._run, daemon=True).start()

    def about(self) -> dict[str, Any]:
        """What the process says of models and data set once it is there. Raises SalzooError where it cannot begin."""
        about = self._ready.get()
        if "error" in about:
            raise SalzooError(about["error"])
        return about

    def add(self, job: Job) -> None:
        """Put a job behind those that wait. Raises Refused where too many do, or one of its visit's."""
        with self._changed:
            if any(other.visit is job.visit for other in self._jobs):
                raise Refused(409, "one thing at a time: stop what runs, or wait for it")
            if len(self._jobs) >= WAITING:
                raise Refused(503, "too many people wait for their maps here: try again later")
            self._jobs.append(job)
            self._changed.notify()

    def before(self, visit: Visit) -> int | None:
        """How many are served before a visit's job, the one at hand included; None where it has none."""
        with self._changed:
            return next((number for number, job in enumerate(self._jobs) if job.visit is visit), None)

    def stop(self, visit: Visit) -> None:
        """Stop the job of a visit, if there is one."""
        with self._changed:
            for job in list(self._jobs):
                if job.visit is visit:
                    job.stop()
                    if job is not self._jobs[0]:  # which runs, and is told so
                        self._jobs.remove(job)

    def end(self) -> None:
        """End the process, whatever it does."""
        self._ended = True
        if self._process is not None:
            self._process.kill()

    def _run(self) -> None:
        # The process is asked to end with the thread that starts it: this one.
        lines = self._start()
        while not self._ended:
            with self._changed:
                while not self._jobs:
                    self._changed.wait()
                job = self._jobs[0]
            wanted = job.stopped is None and not job.visit.ended
            if wanted and (self._process is None or self._process.poll() is not None or not self._do(job, lines)):
                lines = self._start()
                self._do(job, lines)
            with self._changed:
                self._jobs.remove(job)
            if job.visit.ended:  # what it wrote behind the visit's end
                shutil.rmtree(job.visit.folder, ignore_errors=True)

    def _start(self) -> "queue.SimpleQueue[dict[str, Any] | None]":
        lines: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        process = subprocess.Popen(
            [sys.executable, "-m", "salzoo.app.worker", *self._words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=True,  # Ctrl-C is this process's to answer
        )

        def read() -> None:
            assert process.stdout is not None
            with suppress(ValueError, OSError):
                for line in process.stdout:
                    lines.put(json.loads(line))
            lines.put(None)

        threading.Thread(target=read, daemon=True).start()
        self._process = process
        if self._ended:
            process.kill()
        first = lines.get() or {"error": "the process that runs models ended as it began"}
        if not self._began:
            self._began = True
            self._ready.put(first)
        return lines

    def _do(self, job: Job, lines: "queue.SimpleQueue[dict[str, Any] | None]") -> bool:
        """Do a job; whether the process was there to take it."""
        began = heard = monotonic()
        self._send({"job": job.number} | job.message)
        told_to_stop = False
        while True:
            try:
                answer = lines.get(timeout=0.2)
            except queue.Empty:
                answer = {}
            now = monotonic()
            if answer is None:
                job.told(
                    {"error": "that file, or the memory it takes, ended the process that runs models", "done": True}
                )
                return heard > began
            if answer:
                heard = now
                job.told(answer)
                if answer.get("done"):
                    return True
            if now - began > LONGEST and job.stopped is None:
                job.stop()
                job.told({"says": _TOO_LONG})
            if (job.stopped is not None or job.visit.ended) and not told_to_stop:
                told_to_stop, job.stopped = True, now
                self._send({"stop": job.number})
            if now - heard > SILENT or (told_to_stop and job.stopped is not None and now - job.stopped > LEAVE):
                self._kill()
                job.told({"error": "that took too long, and was ended", "done": True})
                return True

    def _send(self, message: dict[str, Any]) -> None:
        with suppress(OSError):  # it has just ended, which its lines will say
            assert self._process is not None
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()

    def _kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()
