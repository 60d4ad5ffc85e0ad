"""What the command prints: shown, never obeyed by the terminal; and what happens where it cannot be printed."""

import contextlib
import io
import os
import re
import sys
from collections.abc import Iterator
from typing import Any, TextIO

import click

from salzoo.interfaces.errors import LIMIT, shown
from salzoo.runtime.ranks import this_rank

_MOVES = re.compile(r"(\x1b\[A)+|\r")
"""What a progress bar writes by itself to move between lines."""


class Failure(click.ClickException):
    """A message on one line of stderr, and exit status 1."""

    def show(self, file: Any = None) -> None:
        rank = this_rank()
        who = f"salzoo, rank {rank.number}" if rank.size > 1 else "salzoo"
        click.echo(f"{who}: {shown(' '.join(self.message.split()), LIMIT)}", err=True, file=file)


class Shown(io.TextIOBase):
    """A text stream to a terminal or file that writes control characters as escapes, line ends and tabs apart, and
    characters that the stream's encoding lacks likewise.

    Args:
        stream: where to.
        bars: whether progress bars are drawn there: a write may begin with a carriage return, or be a movement alone.
    """

    def __init__(self, stream: TextIO, *, bars: bool) -> None:
        self.stream = stream
        self.bars = bars

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self.stream.encoding or "utf-8"

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        return self.stream.errors

    def write(self, text: str) -> int:
        safe = text
        if not text.replace("\n", "").isprintable() and not (self.bars and _MOVES.fullmatch(text)):
            start = "\r" if self.bars and text.startswith("\r") else ""
            safe = start + shown(text.removeprefix(start), keep="\n\t")
        if safe:  # click tries out streams by writing nothing, which a full disk refuses as well
            self.write_raw(safe)
        return len(text)

    def write_raw(self, text: str) -> None:
        """Write what salzoo itself has made, styles and all."""
        with self._reported():
            self.stream.write(text.encode(self.encoding, "backslashreplace").decode(self.encoding))

    def flush(self) -> None:
        with self._reported():
            self.stream.flush()

    def isatty(self) -> bool:
        return self.stream.isatty()

    def fileno(self) -> int:
        return self.stream.fileno()

    def writable(self) -> bool:
        return True

    @contextlib.contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            raise
        except OSError as error:
            if self.bars:
                return  # stderr itself: there is nowhere left to say so
            drop_output(self.stream)
            raise Failure(f"the output cannot be written: {error.strerror}") from error


def drop_output(stream: TextIO) -> None:
    """Send what a stream still holds nowhere, so that the end of the program does not fail to write it again."""
    with contextlib.suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)


def heading(text: str) -> None:
    """Print a line in bold, where the output is a terminal."""
    out = sys.stdout
    if isinstance(out, Shown) and out.isatty():
        out.write_raw(click.style(shown(text), bold=True) + "\n")
        out.flush()
    else:
        click.echo(text)


@contextlib.contextmanager
def guarded_streams() -> Iterator[None]:
    """Within the block, stdout and stderr show what they are given (``Shown``); a closed stderr swallows it.

    Python's stderr then has a descriptor of its own, so that silencing C libraries (``salzoo.video.quiet``) in one
    thread never swallows the message of another.
    """
    _fill_standard_descriptors()
    before = sys.stdout, sys.stderr, sys.stdin
    with contextlib.ExitStack() as stack:
        if sys.stdin is None:
            sys.stdin = stack.enter_context(open(os.devnull))
        stderr: TextIO | None = sys.stderr
        if stderr is None:
            stderr = stack.enter_context(open(os.devnull, "w"))
        elif stderr is sys.__stderr__ and stderr is not None:
            stderr = stack.enter_context(
                open(os.dup(stderr.fileno()), "w", encoding=stderr.encoding, errors="backslashreplace", buffering=1)
            )
        if before[0] is not None:
            sys.stdout = Shown(before[0], bars=False)
        sys.stderr = Shown(stderr, bars=True)
        try:
            yield
        finally:
            sys.stdout, sys.stderr, sys.stdin = before


def _fill_standard_descriptors() -> None:
    """Open /dev/null for each of stdin, stdout and stderr that is closed: the next file opened would take its number,
    and what libraries print would stand in that file."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
