"""Silence for C libraries: libpng, libjpeg, libtiff and OpenCV print lines of their own about a damaged file, which
salzoo reports itself."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_inside = 0
_stderr: int | None = None


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Within the block, what is written to descriptor 2 goes nowhere, whichever thread writes it; several threads may
    be inside at once. The command's own messages have another descriptor (``salzoo.cli.terminal``)."""
    global _inside, _stderr
    with _lock:
        if _inside == 0:
            _stderr = _mute()
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0 and _stderr is not None:
                os.dup2(_stderr, 2)
                os.close(_stderr)


def _mute() -> int | None:
    """Send descriptor 2 nowhere. Returns what it was, None where it was closed."""
    try:
        stderr = os.dup(2)
    except OSError:
        return None
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    os.close(null)
    return stderr
