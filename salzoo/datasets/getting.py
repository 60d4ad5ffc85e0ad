"""``salzoo data get``: a data set from its authors' repository, whole and checked, or not at all."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from salzoo.datasets.archives import differing, unpack
from salzoo.datasets.downloads import download
from salzoo.datasets.files import cache_folder
from salzoo.datasets.sources import Source, SourceFile, find_sources, read_manifest
from salzoo.interfaces.errors import SalzooError
from salzoo.runtime.files import complete_or_absent, writing

MOST_ARCHIVE = 4 << 30
"""Bytes that the archive of a repository may have."""


def get_dataset(name: str, folder: Path | None, say: Callable[[str], None]) -> tuple[str, Path]:
    """Fetch the files of a data set that are used. The folder appears when all are there and checked.

    Args:
        name: of the data set.
        folder: to make; where it holds the data set already, nothing is fetched. None is a folder of the data set's
            name in ``$SALZOO_DATA``, or in salzoo's cache.
        say: takes the lines for the user: licence and citation before anything is fetched.

    Returns:
        The data set's own name, and its folder.

    Raises:
        SalzooError: it cannot be fetched, or not written, or is not what it must be. A download that broke off is
            kept beside the folder, and goes on next time.
    """
    name, sources = find_sources(name)
    parts = [(source, read_manifest(source.manifest)) for source in sources]
    wanted = [file for _, files in parts for file in files]
    if folder is None:
        folder = Path(os.environ.get("SALZOO_DATA") or cache_folder()) / name
    folder = Path(os.path.abspath(folder.expanduser()))
    for source in sources:
        say(f"{name}: github.com/{source.repository} at commit {source.commit}")
        say(f"licence: {source.licence}")
    for citation in dict.fromkeys(source.citation for source in sources):
        say(f"please cite: {citation}")
    if not _is_there(name, folder, wanted):
        _fetch(name, folder, parts)
    unpinned = [file for file in wanted if file.sha256 is None]
    say(f"{len(wanted)} files in {folder}, {len(wanted) - len(unpinned)} of them checked against their sha256")
    if unpinned:
        say(
            f"{len(unpinned)} files, such as {unpinned[0].path}, have no known checksum: salzoo was made beside copies "
            f"of them that were compressed anew; to see that each can be read, run: salzoo data check {name}"
        )
    return name, folder


def _is_there(name: str, folder: Path, wanted: list[SourceFile]) -> bool:
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return False
    wrong = differing(folder, wanted) if folder.is_dir() else []
    if wrong or not folder.is_dir():
        why = f"{len(wrong)} of the {len(wanted)} files of {name}, such as {wrong[0]}" if wrong else "a folder"
        raise SalzooError(f"{folder} exists, and lacks or differs in {why}; remove it, or name another with --to")
    return True


def _fetch(name: str, folder: Path, parts: list[tuple[Source, list[SourceFile]]]) -> None:
    _check_online(name, parts[0][0])
    archives = [folder.with_name(f"{folder.name}.{source.commit}.tar.gz") for source, _ in parts]
    with writing(folder.parent):
        folder.parent.mkdir(parents=True, exist_ok=True)
    needed = sum(file.size or 0 for _, wanted in parts for file in wanted)
    if shutil.disk_usage(folder.parent).free < 2 * needed:
        raise SalzooError(f"{folder.parent} has not the {2 * needed:,} bytes free that {name} takes on its way")
    with writing(folder):
        for (source, _), archive in zip(parts, archives, strict=True):
            if not archive.is_file():  # of a try that got one repository and not the next
                download(source.url, archive, MOST_ARCHIVE)
        try:
            with complete_or_absent(folder) as unfinished:
                for (_, wanted), archive in zip(parts, archives, strict=True):
                    unpack(archive, wanted, unfinished)
        finally:
            for archive in archives:
                archive.unlink(missing_ok=True)  # if it was wrong, it would stay so


def _check_online(name: str, source: Source) -> None:
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        raise SalzooError(
            f"{name} is wanted from {source.url}, and offline mode is on (HF_HUB_OFFLINE); unset it, or name a "
            f"copy that you have: salzoo config set data.{name} DIR"
        )
