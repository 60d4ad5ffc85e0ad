"""Which files a process was reading when it crashed or was killed, which no exception tells: decoders are C."""

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from salzoo.interfaces.errors import shown
from salzoo.runtime.signals import held_back

_WATCH = """
import os, sys
ended = sys.stdin.buffer.read()
with open(sys.argv[1], encoding="utf-8") as file:
    names = file.readline().strip()
os.remove(sys.argv[1])
if not ended and names:
    print("salzoo: the process crashed, or was killed, while it read " + names, file=sys.stderr)
"""


class _Board:
    """A file that names what is being read, and outlives the process."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb", buffering=0)
        self._names: dict[object, str] = {}
        self._lock = threading.Lock()

    def change(self, key: object, name: str | None) -> None:
        with self._lock, suppress(OSError):  # on a full disk nothing is noted
            if name is None:
                del self._names[key]
            else:
                self._names[key] = name
            self._file.seek(0)
            self._file.write(", ".join(self._names.values()).encode() + b"\n")


_board: _Board | None = None


def note_in(path: Path) -> None:
    """From now on, note in a file what this process reads."""
    global _board
    _board = _Board(path)


def noted_in(path: Path) -> str:
    """What a process was reading that is no more; nothing where it read nothing."""
    try:
        return path.read_text().partition("\n")[0]
    except OSError:
        return ""


@contextmanager
def being_read(name: object) -> Iterator[None]:
    """Note, within the block, that a file is read."""
    board, key = _board, object()
    if board is None:
        yield
        return
    board.change(key, shown(str(name), 500))
    try:
        yield
    finally:
        board.change(key, None)


@contextmanager
def crashes_named() -> Iterator[None]:
    """Within the block, should the process crash or be killed, a line on stderr names the files that it was reading:
    a small process that waits for its end says it."""
    global _board
    before = _board
    descriptor, path = tempfile.mkstemp(prefix="salzoo-reading-")
    os.close(descriptor)
    with held_back():
        watch = subprocess.Popen([sys.executable, "-I", "-S", "-c", _WATCH, path], stdin=subprocess.PIPE)
    note_in(Path(path))
    try:
        yield
    finally:
        _board = before
        with suppress(OSError):
            watch.communicate(b"ended")
