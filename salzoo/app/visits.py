"""Who looks at what: each visit's uploads in a folder of its own, which is removed when the visit ends."""

import os
import secrets
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from salzoo.app.serving import Refused
from salzoo.interfaces.errors import SalzooError, shown
from salzoo.prediction.inputs import IMAGES, VIDEOS
from salzoo.runtime.locking import locked
from salzoo.runtime.ranks import Rank

VISITS = 20
"""Visits at once."""

FILES = 20
"""Files of a visit: pictures that are looked at together."""

MEGABYTES = 200
"""Size of all files of a visit together."""

IDLE = 300.0
"""Seconds without a sign of its page after which a visit ends. Browsers let a page in the background speak rarely."""

PREFIX = "salzoo-app-"


@dataclass
class Visit:
    """A page that somebody looks at.

    Attributes:
        key: nobody else knows it.
        folder: holds its files.
        uploads: their files, by number, and what their visitor calls them.
        taken: bytes of them and of those that still come, by file.
        begun: how many uploads there were, those that failed included.
        seen: when its page last gave a sign.
        look: what the worker says of what is looked at now; "folder" where its files are.
        says: a line for its visitor.
        made: the file to download that was made last.
        ended: whether it is over.
    """

    key: str
    folder: Path
    uploads: list[tuple[Path, str]] = field(default_factory=list)
    taken: dict[Path, int] = field(default_factory=dict)
    begun: int = 0
    seen: float = field(default_factory=monotonic)
    look: dict[str, Any] = field(default_factory=dict)
    says: str = ""
    made: str = ""
    ended: bool = False

    def name_files(self, text: str) -> str:
        """A message, with the visitor's own names of files in the place of those here."""
        for path, name in self.uploads:
            text = text.replace(str(path), name)
        return text


class Visits:
    """All visits.

    Args:
        folder: the one temporary folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._visits: dict[str, Visit] = {}
        self._lock = threading.Lock()

    def begin(self) -> Visit:
        """A new visit; where there is no room, in the place of one that brought nothing. Raises Refused if all did."""
        with self._lock:
            idle = [visit for visit in self._visits.values() if not visit.taken and not visit.look]
        if len(self._visits) >= VISITS and idle:
            self.end(min(idle, key=lambda visit: visit.seen))
        with self._lock:
            if len(self._visits) >= VISITS:
                raise Refused(503, f"{VISITS} people look here now, which is all there is room for: try again later")
            key = secrets.token_urlsafe(16)
            visit = self._visits[key] = Visit(key, Path(tempfile.mkdtemp(dir=self.folder)))
        return visit

    def of(self, key: str) -> Visit:
        """A visit that goes on. Raises Refused where it has ended, or never was."""
        with self._lock:
            visit = self._visits.get(key)
            if visit is None:
                raise Refused(410, "this visit has ended, and its files are removed: drop them again")
            visit.seen = monotonic()
        return visit

    def take(self, visit: Visit, name: str, length: int, pieces: Callable[[], Iterable[bytes]]) -> int:
        """Take an upload as it comes; its number. One that fails leaves nothing, and its room is free again.

        Raises Refused for too many, too large, and one that ends early.
        """
        ending = Path(name).suffix.lower()
        with self._lock:
            if len(visit.taken) >= FILES:
                raise Refused(413, f"drop at most {FILES} files")
            if sum(visit.taken.values()) + length > MEGABYTES * 2**20:
                raise Refused(413, f"files have at most {MEGABYTES} MB together: drop a smaller one, or a part of it")
            number, visit.begun = visit.begun, visit.begun + 1
            path = visit.folder / f"{number}{ending if ending in (*IMAGES, *VIDEOS) else ''}"
            visit.taken[path] = length
        try:
            with path.open("xb") as file:
                for piece in pieces():
                    file.write(piece)
                    visit.seen = monotonic()
        except (OSError, Refused) as error:
            path.unlink(missing_ok=True)
            with self._lock:
                del visit.taken[path]
            if isinstance(error, OSError):
                raise Refused(507, "there is no room for that here") from error
            raise
        visit.uploads.append((path, shown(name, 100)))
        return number

    def new_look(self, visit: Visit) -> Path:
        """A folder for what is looked at now; what was looked at before is removed."""
        for path in visit.folder.glob("look-*"):
            shutil.rmtree(path, ignore_errors=True)
        try:
            folder = Path(tempfile.mkdtemp(prefix="look-", dir=visit.folder))
        except OSError as error:
            raise Refused(507, "there is no room for that here") from error
        visit.look, visit.made, visit.says = {"folder": folder}, "", "waiting …"
        return folder

    def end(self, visit: Visit) -> None:
        """End a visit, and remove its files."""
        with self._lock:
            self._visits.pop(visit.key, None)
        visit.ended = True
        shutil.rmtree(visit.folder, ignore_errors=True)

    def end_idle(self) -> None:
        """End the visits whose pages gave no sign."""
        with self._lock:
            idle = [visit for visit in self._visits.values() if monotonic() - visit.seen > IDLE]
        for visit in idle:
            self.end(visit)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder that is removed at the end. Those of processes that were killed are removed first."""
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(SalzooError, OSError):
            if _may_be_abandoned(path):
                with _held(path):
                    shutil.rmtree(path, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        stack.enter_context(_held(folder))
        yield folder


def _may_be_abandoned(folder: Path) -> bool:
    """Whether it is ours, and its lock says whether somebody uses it, as locks do not on Windows."""
    return hasattr(os, "getuid") and not folder.is_symlink() and folder.stat().st_uid == os.getuid()


def _held(folder: Path) -> AbstractContextManager[None]:
    """The system lets go of it when the process ends, however it does. Raises SalzooError where another holds it."""
    return locked(folder, Rank(0, 1), "is served")
