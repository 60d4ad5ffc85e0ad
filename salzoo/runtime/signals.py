"""Signals that ask a process to end: Ctrl-C, SIGTERM (of ``kill`` and schedulers), SIGHUP (a terminal was closed)."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from salzoo.interfaces.errors import EndedBySignal

ENDING = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)
)  # Windows has no SIGHUP
"""Signals besides SIGINT, which Python itself turns into KeyboardInterrupt."""


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Within the block, SIGTERM and SIGHUP end the program as Ctrl-C does: what is half-written is removed, processes
    that work for this one are ended. The exit status is 128 and the signal's number, as shells have it."""

    def leave(number: int, _frame: FrameType | None) -> None:
        for other in ENDING:
            signal.signal(other, signal.SIG_IGN)  # a second one must not break off the tidying
        with suppress(OSError, ValueError, AttributeError):  # the terminal may be gone
            print(f"salzoo: ended by {signal.Signals(number).name}", file=sys.stderr)
        raise EndedBySignal(128 + number)

    with _handled(ENDING, leave):
        yield


@contextmanager
def noted_signals() -> Iterator[Callable[[], bool]]:
    """Within the block, Ctrl-C, SIGTERM and SIGHUP only make the function that it gives answer true; a second one of a
    kind has its usual effect."""
    received = threading.Event()

    def note(number: int, _frame: FrameType | None) -> None:
        received.set()
        signal.signal(number, usual[number])

    with _handled((signal.SIGINT, *ENDING), note) as usual:
        yield received.is_set


@contextmanager
def held_back() -> Iterator[None]:
    """Within the block, Ctrl-C, SIGTERM and SIGHUP wait for its end; processes that start in it never see Ctrl-C, which
    is their parent's to answer."""
    noted: list[int] = []
    mask = getattr(signal, "pthread_sigmask", None)  # not on Windows
    with _handled(ENDING, lambda number, _frame: noted.append(number)):
        before = mask and mask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            yield
        finally:
            if mask:
                mask(signal.SIG_SETMASK, before)
    for number in noted[:1]:
        signal.raise_signal(number)


@contextmanager
def _handled(numbers: tuple[Any, ...], handler: Callable[[int, FrameType | None], None]) -> Iterator[dict[int, Any]]:
    """Handle these signals within the block, but for those that are ignored, as SIGHUP is under ``nohup``. Gives the
    handlers there were."""
    usual: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():  # Python handles signals there alone
        usual = {number: signal.getsignal(number) for number in numbers}
        usual = {number: before for number, before in usual.items() if before not in (signal.SIG_IGN, None)}
    for number in usual:
        signal.signal(number, handler)
    try:
        yield usual
    finally:
        for number, before in usual.items():
            signal.signal(number, before)
