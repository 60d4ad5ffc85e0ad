"""A file in which authors published their weights, as a card declares it: in a git tree, in a release, or on the Hub.

In the block ``salzoo:`` of a card's front matter, with the terms beside it, one of::

    file: {git: owner/name, commit: 40 hexadecimal digits, path: net.pth, blob: 40 of them, most: 20000000}
    file: {release: owner/name, tag: v1.0, path: net.pth, sha256: 64 of them, most: 20000000}
    file: {hub: org/repo, revision: 40 of them, path: net.pth, sha256: 64 of them, most: 20000000}
    terms: what the authors allow, in their words

``blob`` is what the git tree calls the file: the SHA-1 of ``blob SIZE`` and a zero byte before its content. ``most`` is
how many bytes it may have.
"""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from salzoo.interfaces.errors import SalzooError

VARIABLE = "SALZOO_ARCHIVES"
"""Environment variable that names another server of data sets and files, in the place of those below."""

_REPOSITORY, _PATH, _SHA1, _SHA256 = r"\w[\w.-]*/\w[\w.-]*", r"\w[\w.-]*(/\w[\w.-]*)*", "[0-9a-f]{40}", "[0-9a-f]{64}"

_FORMS = {
    "git": {"git": _REPOSITORY, "commit": _SHA1, "path": _PATH, "blob": _SHA1},
    "release": {"release": _REPOSITORY, "tag": r"\w[\w.-]*", "path": _PATH, "sha256": _SHA256},
    "hub": {"hub": _REPOSITORY, "revision": _SHA1, "path": _PATH, "sha256": _SHA256},
}
"""The fields of each form, and what they must match."""

_ADDRESSES = {
    "git": ("https://raw.githubusercontent.com", "{git}/{commit}/{path}"),
    "release": ("https://github.com", "{release}/releases/download/{tag}/{path}"),
    "hub": ("", "{hub}/resolve/{revision}/{path}"),  # the server is the Hub's client's
}


@dataclass(frozen=True)
class AuthorsFile:
    """A file of published weights.

    Attributes:
        form: "git", "release" or "hub".
        fields: of that form.
        most: bytes that it may have.
        terms: what its authors allow.
    """

    form: str
    fields: dict[str, str]
    most: int
    terms: str

    @property
    def digest(self) -> str:
        """What the file is known by: its git blob's name, or its sha256."""
        return self.fields["blob" if self.form == "git" else "sha256"]

    @property
    def where(self) -> str:
        """Where it is, in words."""
        fields = self.fields
        at = {"git": "commit", "release": "tag", "hub": "revision"}[self.form]
        host = "huggingface.co" if self.form == "hub" else "github.com"
        return f"{host}/{fields[self.form]} at {at} {fields[at][:12]}, {fields['path']}"

    @property
    def url(self) -> str:
        """Its address. Raises SalzooError where the server that the environment names is not safe."""
        from huggingface_hub import constants

        server, path = _ADDRESSES[self.form]
        server = (os.environ.get(VARIABLE) or server or constants.ENDPOINT).rstrip("/")
        parts = urlsplit(server)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost")):
            raise SalzooError(f"the server {server!r} must begin with https://")
        return f"{server}/{path.format(**self.fields)}"

    def check(self, path: Path) -> str:
        """The sha256 of the file that was fetched. Raises SalzooError where it is not the declared one."""
        size = path.stat().st_size
        sha256, blob = hashlib.sha256(), hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                sha256.update(block)
                blob.update(block)
        found = blob.hexdigest() if self.form == "git" else sha256.hexdigest()
        if found != self.digest:
            kind = "git blob" if self.form == "git" else "sha256"
            raise SalzooError(
                f"what came for {self.where} ({size:,} bytes) is another file: {kind} {found}, not {self.digest}; "
                "nothing of it is kept"
            )
        return sha256.hexdigest()


def parse_authors_file(name: str, block: dict[str, Any]) -> AuthorsFile | None:
    """The file that the block of a card declares, None where it declares none. Raises SalzooError naming the first
    field that is missing or not as it should be."""
    record = block.get("file")
    if record is None:
        return None
    form = next((form for form in _FORMS if isinstance(record, dict) and form in record), None)
    if form is None or record.keys() != {*_FORMS[form], "most"}:
        forms = "; or ".join(", ".join((*fields, "most")) for fields in _FORMS.values())
        raise SalzooError(f"card {name}: salzoo.file must have exactly {forms}")
    for key, pattern in _FORMS[form].items():
        if not (isinstance(record[key], str) and re.fullmatch(pattern, record[key], re.ASCII)):
            raise SalzooError(f"card {name}: salzoo.file.{key} must match {pattern}, not {str(record[key])[:100]!r}")
    if type(record["most"]) is not int or not 0 < record["most"] <= 1 << 36:
        raise SalzooError(f"card {name}: salzoo.file.most must be a number of bytes")
    terms = block.get("terms")
    if not (isinstance(terms, str) and terms.strip()):
        raise SalzooError(f"card {name}: salzoo.terms must say what the authors of salzoo.file allow")
    return AuthorsFile(form, {key: record[key] for key in _FORMS[form]}, record["most"], " ".join(terms.split()))
