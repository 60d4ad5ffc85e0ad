"""Where data sets come from: repositories that may be cloned, and pages where authors hand theirs out."""

import hashlib
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from urllib.parse import urlsplit

from salzoo.interfaces.errors import SalzooError

VARIABLE = "SALZOO_ARCHIVES"
"""Environment variable that names another server of archives, in the place of ``SERVER``."""

SERVER = "https://codeload.github.com"


@dataclass(frozen=True)
class Source:
    """A data set, or a part of one, in a public repository.

    Attributes:
        manifest: name of the list of its files; of the data set, where that lies in one repository.
        repository: "owner/name".
        commit: that is fetched, and that the manifest was made from.
        licence: what the repository says.
        citation: what its authors ask to cite.
    """

    manifest: str
    repository: str
    commit: str
    licence: str
    citation: str

    @property
    def url(self) -> str:
        """Address of the archive of the commit, a compressed tar file. Raises SalzooError where it is not safe."""
        server = os.environ.get(VARIABLE, SERVER).rstrip("/")
        parts = urlsplit(server)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost")):
            raise SalzooError(f"{VARIABLE} is {server!r}; it must begin with https://")
        return f"{server}/{self.repository}/tar.gz/{self.commit}"


@dataclass(frozen=True)
class SourceFile:
    """A file of a data set that is used, or a whole folder of many small ones.

    Attributes:
        path: in the repository; that of a folder ends in "/".
        sha256, size: what it must be; None where the file as published was never at hand to take them from. Of a
            folder, ``folder_digest`` of its files, and the sum of their sizes.
    """

    path: str
    sha256: str | None
    size: int | None


def folder_digest(digests: Mapping[str, str]) -> str:
    """The sha256 of a folder: of the lines "sha256 path" of its files, in the order of their paths."""
    lines = "".join(f"{digests[path]} {path}\n" for path in sorted(digests))
    return hashlib.sha256(lines.encode("utf-8")).hexdigest()


_STATED = tomllib.loads(files("salzoo.datasets").joinpath("manifests", "sources.toml").read_text(encoding="utf-8"))

SOURCES: dict[str, tuple[Source, ...]] = {}
"""The repositories of each data set that can be fetched."""

for _entry in _STATED["repository"]:
    _name = _entry["manifest"].partition(".")[0]
    SOURCES[_name] = (*SOURCES.get(_name, ()), Source(**_entry))


def find_sources(name: str) -> tuple[str, tuple[Source, ...]]:
    """A data set's own name, and the repositories that it lies in.

    Raises:
        SalzooError: the name is not known, or the data set must be asked for, with where and what to do then.
    """
    if name.lower() in SOURCES:
        return name.lower(), SOURCES[name.lower()]
    form = re.sub("[^a-z0-9]", "", name.lower())
    asked = _STATED["asked"].get(form)
    if asked is None:
        raise SalzooError(f"nothing is known of how to get {name!r}; these can be fetched: {', '.join(SOURCES)}")
    if "folder" in asked:
        then = f"then run: salzoo config set data.{form} DIR, with the folder {asked['folder']}"
    else:
        then = "lay it out as the data set folder reads it (salzoo data --help), and name it with --dataset PATH"
    raise SalzooError(f"{name} cannot be fetched by salzoo: {asked['where']}; {then}")


def read_manifest(name: str) -> list[SourceFile]:
    """The files of a source that are used, with their checksums, by the manifest's name."""
    lines = files("salzoo.datasets").joinpath("manifests", f"{name}.txt").read_text(encoding="utf-8").splitlines()
    found = []
    for line in lines:
        sha256, size, path = line.split(" ", 2)
        found.append(SourceFile(path, None if sha256 == "-" else sha256, None if size == "-" else int(size)))
    return found
