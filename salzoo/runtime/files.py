"""Files: written, they appear under their name only once they are complete; read, they are known to be files and no
larger than they should be."""

import functools
import hashlib
import json
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from salzoo.interfaces.errors import SalzooError, one_line

ABANDONED = 24 * 60 * 60
"""Seconds since the last change after which a temporary file is that of a process that was killed."""


@contextmanager
def reading(what: object) -> Iterator[None]:
    """Raise SalzooError, naming what cannot be read, where the system refuses."""
    try:
        yield
    except OSError as error:
        raise SalzooError(f"cannot read {what}: {error.strerror or error}") from error


@contextmanager
def writing(what: object) -> Iterator[None]:
    """Raise SalzooError, naming what cannot be written, where the system refuses."""
    try:
        yield
    except OSError as error:
        raise SalzooError(f"cannot write {what}: {error.strerror or error}") from error


def check_output(path: Path) -> None:
    """Raise SalzooError where a file could not be written under a name: to be asked before the work, not after it.

    Symbolic links and what is no plain file (a device, a pipe, a folder) are not replaced.
    """
    _check_replaceable(path)
    if path.is_dir():
        raise SalzooError(f"cannot write {path}: it is a folder; name a file")
    folder = next(each for each in Path(os.path.abspath(path)).parents if os.path.lexists(each))
    if not folder.is_dir():
        raise SalzooError(f"cannot write {path}: {folder} is not a folder")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SalzooError(f"cannot write {path}: the folder {folder} cannot be written to")


def _check_replaceable(path: Path) -> None:
    if path.is_symlink():
        raise SalzooError(f"cannot write {path}: it is a symbolic link, which is not replaced; name the file itself")
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise SalzooError(f"cannot write {path}: it is a device or a pipe, which is not replaced; name another file")


def sweep(folder: Path, older: float) -> None:
    """Remove what killed processes left in a folder.

    Args:
        folder: where; what is in folders within it stays.
        older: seconds since the last change; 0 where it is known that no other process writes there.
    """
    with suppress(OSError):
        for path in folder.iterdir():
            if re.match(r"\.salzoo-[0-9a-f]{8}(\.|$)", path.name):
                with suppress(OSError):
                    if not older or time.time() - path.lstat().st_mtime > older:
                        _remove(path)


@functools.cache
def _sweep_once(folder: Path) -> None:
    sweep(folder, ABANDONED)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)


@contextmanager
def complete_or_absent(path: Path) -> Iterator[Path]:
    """Give a temporary name beside a path, with its ending. The file or folder made there takes the path's place when
    the block ends well; after an error or Ctrl-C it is removed.

    What a process that was killed long ago left in the folder is removed.

    Raises SalzooError when the path cannot be replaced, as a symbolic link and a device cannot.
    """
    _check_replaceable(path)
    with temporary_beside(path) as temporary:
        yield temporary
        with writing(path):
            _reach_disk(temporary)
            if temporary.is_dir() and path.is_dir():
                path.rmdir()  # an empty one: rename would refuse it on Windows
            temporary.replace(path)


@contextmanager
def temporary_beside(path: Path) -> Iterator[Path]:
    """A name beside a path, with its ending; what is there after the block is removed."""
    # From the root: FFmpeg would take "a:b.mp4" for a protocol.
    temporary = Path(os.path.abspath(path)).with_name(f".salzoo-{secrets.token_hex(4)}{path.suffix}")
    _sweep_once(temporary.parent)
    try:
        yield temporary
    finally:
        _remove(temporary)


def _reach_disk(path: Path) -> None:
    """Wait until a file, or all in a folder and in those within, is on the disk; what links lead to is another's."""
    for each in [path] if path.is_file() else path.rglob("*"):
        if each.is_file() and not each.is_symlink():
            with each.open("r+b") as file:
                os.fsync(file.fileno())


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files of a folder, which is made where it is missing: all are on the disk before the first takes its place,
    in this order. One that is there with this content stays. Raises OSError."""
    there = folder.is_dir()
    changed = {name: data for name, data in files.items() if not _holds(folder / name, data)}
    folder.parent.mkdir(parents=True, exist_ok=True)
    with temporary_beside(folder / "files" if there else folder) as temporary:
        temporary.mkdir()
        for name, data in changed.items():
            (temporary / name).write_bytes(data)
        _reach_disk(temporary)
        for name in changed if there else ():
            (temporary / name).replace(folder / name)
        if not there:
            temporary.rename(folder)


def _holds(path: Path, data: bytes) -> bool:
    return path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data


def write_text(text: str, path: Path) -> None:
    """Write a text file, whole or not at all. Raises SalzooError if it cannot."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with complete_or_absent(path) as temporary:
            temporary.write_text(text, encoding="utf-8")


def check_regular(path: Path) -> None:
    """Raise SalzooError where a path is there but no regular file: reading a pipe would wait, a device never end."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        raise SalzooError(f"cannot read {path}: {one_line(error)}") from error
    if not stat.S_ISREG(mode):
        raise SalzooError(f"{path} is not a file" if stat.S_ISDIR(mode) else f"{path} is not a regular file")


def read_text(path: Path, limit: int = 2**20) -> str:
    """Read a small text file, UTF-8.

    Args:
        path: of the file.
        limit: bytes that it may have.

    Raises:
        FileNotFoundError: there is none.
        SalzooError: naming the path, for a folder, pipe or device, and a file that is larger, unreadable or no UTF-8.
    """
    check_regular(path)
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise SalzooError(f"{path} is larger than {limit:,} bytes: it is not what its name says")
        return data.decode("utf-8")
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise SalzooError(f"cannot read {path}: {one_line(error)}") from error


def parse_json(text: str | bytes) -> Any:
    """What JSON from outside says. Raises ValueError for what is none, a number of thousands of digits, and what is
    nested so deep that reading it would end the program."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read_json(path: Path, limit: int = 2**20) -> Any:
    """What a JSON file says. Raises as ``read_text`` and ``parse_json`` do."""
    return parse_json(read_text(path, limit))


def file_sha256(path: Path) -> str:
    """The sha256 of a file's bytes. Raises SalzooError, naming the path, for what is no file or cannot be read."""
    check_regular(path)
    with reading(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_file(path: Path) -> None:
    """Raise SalzooError unless a path is a file that holds something."""
    with reading(path):
        if not path.exists():
            raise SalzooError(f"{path} does not exist")
        if not path.is_file():
            raise SalzooError(f"{path} is not a file")
        if path.stat().st_size == 0:
            raise SalzooError(f"{path} is empty")
