"""Who looks at what: a folder for each visitor, removed when the page is closed."""

import os
import shutil
import tempfile
from collections.abc import Generator, Sequence
from contextlib import closing, suppress
from functools import lru_cache
from pathlib import Path
from threading import Event, Lock

from salzoo.app.look import Look
from salzoo.interfaces.errors import SalzooError
from salzoo.prediction.runs import Runner

RUNNERS = 6
"""Models that stay in memory, the last used."""


class Visit:
    """A page that is open.

    Attributes:
        folder: holds its files.
        look: what is looked at now.
        origins: the uploads that these files are copies of.
        ended: set once the page is closed, which ends its work.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.ended = folder, Event()
        self.look: Look | None = None
        self.origins: dict[Path, Path] = {}
        self.titles: dict[Path, str] = {}

    def name_files(self, text: str) -> str:
        """A message, with the visitor's own names of files in the place of those here."""
        for copy, title in self.titles.items():
            text = text.replace(str(copy), title)
        return text


class Visits:
    """All pages that are open.

    Args:
        folder: the one temporary folder; uploads arrive in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._visits: dict[str, Visit] = {}
        self._lock = Lock()

    def of(self, key: str | None) -> Visit:
        """The visit of a page, by the key that it gave itself."""
        with self._lock:
            key = key or ""
            if key not in self._visits:
                self._visits[key] = Visit(Path(tempfile.mkdtemp(prefix="visit-", dir=self.folder)))
            return self._visits[key]

    def end(self, key: str | None) -> None:
        """Stop the work of a page that was closed, and remove its files."""
        with self._lock:
            visit = self._visits.pop(key or "", None)
        if visit is not None:
            visit.ended.set()
            shutil.rmtree(visit.folder, ignore_errors=True)

    def end_all(self) -> None:
        """End every visit."""
        for key in list(self._visits):
            self.end(key)

    def begin(self, visit: Visit, uploads: Sequence[Path], names: Sequence[str]) -> Look:
        """Take uploads into a visit, in the place of what was looked at before.

        Raises SalzooError where there is none, or it is no longer there; as ``Look`` does.
        """
        if not uploads:
            raise SalzooError("drop a video or pictures first")
        here = Path(tempfile.mkdtemp(dir=visit.folder))
        copies = {upload: here / f"{number}{upload.suffix.lower()}" for number, upload in enumerate(uploads)}
        for upload, copy in copies.items():
            self._take(upload, copy)
        for path in visit.folder.iterdir():
            if path != here:
                shutil.rmtree(path, ignore_errors=True)
        visit.look, visit.origins = None, copies
        visit.titles = {copy: upload.name for upload, copy in copies.items()}
        visit.look = Look(list(copies.values()), names, here)
        return visit.look

    def _take(self, upload: Path, copy: Path) -> None:
        """Link an upload to its place in a visit. What was taken before is linked from there: equal uploads have one
        name, whoever sent them."""
        if not upload.resolve().is_relative_to(self.folder):
            raise SalzooError("that file was not uploaded here")
        with self._lock:
            there = [each.origins[upload] for each in self._visits.values() if upload in each.origins]
        for path in (upload, *there):
            with suppress(FileNotFoundError):
                os.link(path, copy)
                upload.unlink(missing_ok=True)
                return
        raise SalzooError(f"{upload.name} is no longer here: drop it again")


@lru_cache(maxsize=RUNNERS)
def runner_of(name: str) -> Runner:
    """What runs a model: loaded once, with PyTorch, so that the first frame need not wait for the trial of engines."""
    return Runner(name, engine="torch", count=lambda: None)


def run(
    visits: Visits, visit: Visit, uploads: Sequence[Path], names: Sequence[str]
) -> Generator[tuple[Look, int], None, None]:
    """Look at uploads with models: each frame's number once all models gave its map."""
    look = visits.begin(visit, uploads, names)
    with closing(look.run([runner_of(name) for name in names], visit.ended)) as frames:
        for index in frames:
            yield look, index
