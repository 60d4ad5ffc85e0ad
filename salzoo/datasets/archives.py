"""Taking known files out of an archive that anybody may have made."""

import gzip
import hashlib
import os
import tarfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from salzoo.datasets.sources import SourceFile, folder_digest
from salzoo.interfaces.errors import SalzooError
from salzoo.runtime.files import file_sha256

MOST_UNPACKED = 8 << 30
"""Bytes that an archive may unpack to."""

MOST_FILE = 64 << 20
"""Bytes that a file without a known size may have."""

MOST_MEMBERS = 100_000
"""Entries that an archive may have."""

_BLOCK = 1 << 20
_DAMAGED = (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, ValueError, OverflowError, RecursionError)


def unpack(archive: Path, wanted: Sequence[SourceFile], folder: Path) -> None:
    """Write the wanted files of a compressed tar file into a new folder; each is checked as it comes.

    The first part of a name, the folder that everything in the archive of a commit lies in, is left out. Whatever else
    the archive holds is passed over and never written. No link is followed or made.

    Args:
        archive: .tar.gz
        wanted: files and whole folders to take.
        folder: to write into; it is made where it does not exist, and must hold none of them.

    Raises:
        SalzooError: the archive is damaged, unpacks to more than ``MOST_UNPACKED`` bytes, has a name that leads out of
            it, has something else where a wanted file should be, or lacks one, or a file is not what it must be.
    """
    missing = {file.path: file for file in wanted if not file.path.endswith("/")}
    whole: dict[str, dict[str, str]] = {file.path: {} for file in wanted if file.path.endswith("/")}
    above = {str(parent) for each in wanted for parent in PurePosixPath(each.path).parents} - {"."}
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tqdm(total=len(missing), unit="file", desc="unpacking", disable=None) as bar,
        archive.open("rb") as file,
    ):
        try:
            with tarfile.open(fileobj=_Bounded(fileobj=file), mode="r:") as tar:
                for number, member in enumerate(tar):
                    if number == MOST_MEMBERS or member.size < 0:
                        raise tarfile.ReadError("it has too many entries, or one of a negative size")
                    path = _inner_path(archive, member.name)
                    if path in above and not member.isdir():
                        raise SalzooError(f"{archive}: {path} must be a folder, and is {_kind(member)}")
                    if path in missing:
                        _take(archive, tar, member, missing.pop(path), folder)
                        bar.update()
                    elif not member.isdir() and (folder_path := next(filter(path.startswith, whole), None)):
                        found = _take(archive, tar, member, SourceFile(path, None, None), folder)
                        whole[folder_path][path] = found
        except _DAMAGED as error:
            raise SalzooError(f"{archive} is damaged, or not a .tar.gz file: {error}") from error
    if missing:
        first, *more = sorted(missing)
        raise SalzooError(f"{archive} lacks {first}{f' and {len(more)} more files' if more else ''}")
    for each in wanted:
        if each.path in whole and folder_digest(whole[each.path]) != each.sha256:
            raise SalzooError(f"{archive}: the files in {each.path} are not those of that commit")


def differing(folder: Path, wanted: Sequence[SourceFile]) -> list[str]:
    """Paths of the files in a folder that are missing, or not what they must be."""
    files = tqdm(wanted, unit="file", desc="checking", disable=None)
    return [file.path for file in files if _differs(folder, file)]


def _differs(folder: Path, file: SourceFile) -> bool:
    path = folder / file.path
    if file.path.endswith("/"):
        inside = [each for each in path.rglob("*") if each.is_file()]
        return folder_digest({each.relative_to(folder).as_posix(): file_sha256(each) for each in inside}) != file.sha256
    if not path.is_file() or (file.size is not None and path.stat().st_size != file.size):
        return True
    return file.sha256 is not None and file_sha256(path) != file.sha256


class _Bounded(gzip.GzipFile):
    """A file of which no more is read than an archive may hold, and never much at once: headers state their length."""

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= _BLOCK:
            raise tarfile.ReadError(f"a header is {size} bytes long")
        _check_position(self.tell() + size)
        return super().read(size)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        # tarfile seeks forward alone, over a member's content, which is unpacked and dropped in blocks.
        _check_position(offset)
        return super().seek(offset, whence)


def _check_position(position: int) -> None:
    if position > MOST_UNPACKED:
        raise SalzooError(f"the archive unpacks to more than {MOST_UNPACKED:,} bytes, and was left there")


def _inner_path(archive: Path, name: str) -> str:
    """A member's name without its first part. Raises SalzooError where it leads out of the archive's folder."""
    if name.startswith("/") or ".." in name.split("/"):
        raise SalzooError(f"{archive} is not the archive of a commit: it holds a file named {name!r}")
    return name.partition("/")[2].rstrip("/")


def _take(archive: Path, tar: tarfile.TarFile, member: tarfile.TarInfo, file: SourceFile, folder: Path) -> str:
    """Write one file and return its sha256."""
    if not member.isreg() or member.issparse():
        raise SalzooError(f"{archive}: {file.path} must be a file, and is {_kind(member)}")
    if (file.size is not None and member.size != file.size) or member.size > max(MOST_FILE, file.size or 0):
        expected = f"{file.size:,}" if file.size is not None else f"at most {MOST_FILE:,}"
        raise SalzooError(f"{archive}: {file.path} has {member.size:,} bytes, not {expected}")
    source = tar.extractfile(member)
    assert source is not None  # a regular file
    target, digest = folder / file.path, hashlib.sha256()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as out:
            while block := source.read(_BLOCK):
                digest.update(block)
                out.write(block)
    except gzip.BadGzipFile:  # an OSError too, but not of writing
        raise
    except OSError as error:
        raise SalzooError(f"cannot write {target}: {error.strerror}") from error
    if file.sha256 is not None and digest.hexdigest() != file.sha256:
        raise SalzooError(f"{archive}: {file.path} is not the file of that commit: its sha256 is {digest.hexdigest()}")
    return digest.hexdigest()


def _kind(member: tarfile.TarInfo) -> str:
    return "a link" if member.issym() or member.islnk() else "a folder" if member.isdir() else "something else"
