"""The lock that keeps two jobs out of one folder."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from salzoo.interfaces.errors import SalzooError
from salzoo.runtime.files import writing
from salzoo.runtime.ranks import Rank, on_first_rank

LOCK = ".lock"


@contextmanager
def locked(folder: Path, rank: Rank, doing: str) -> Iterator[None]:
    """Keep a folder to this job: a second one would write into the same files.

    The system lets go of the lock when the process ends, however it does.

    Args:
        folder: it is made where it is missing.
        rank: of this process; the first one's has the lock.
        doing: what is done to the folder ("is being trained").

    Raises:
        SalzooError: another process does it, or the folder cannot be written.
    """
    path = folder / LOCK
    descriptor, mine = -1, False

    def lock() -> None:
        nonlocal descriptor, mine
        with writing(f"folder {folder}"):
            folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                _lock_file(descriptor)
                if os.fstat(descriptor).st_ino != path.stat().st_ino:  # its last holder has just removed it
                    raise BlockingIOError
            except BlockingIOError:
                raise SalzooError(f"{folder} {doing} by another process: wait for it, or end it first") from None
            mine = True

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
