"""Downloading one large file, going on where an earlier try broke off."""

import contextlib
import http.client
import os
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import Future
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tqdm import tqdm

from salzoo.interfaces.errors import SalzooError
from salzoo.runtime.files import writing

TRIES = 5
"""Tries in a row that bring next to nothing new before a download is given up."""

PAUSE = 1.0
"""Seconds to wait before another try; twice as long after each that brought nothing new."""

TIMEOUT = 30
"""Seconds without a byte after which a connection counts as broken."""

PACE = 1 << 10
"""Bytes a second, over so many seconds, below which it does too."""

BLOCK = 1 << 16


def download(url: str, path: Path, most: int) -> None:
    """Fetch a file, with a progress bar.

    What has come is kept in ``path`` with ``.part`` added, beside it the server's name for its content (the strong
    ETag). A later call goes on from there if the server still has the same content, and begins anew if not.

    Args:
        url: https, or http on this machine.
        path: appears when the file is complete.
        most: bytes that are taken at most.

    Raises:
        SalzooError: the server cannot be reached, refuses, sends too much, or breaks off ``TRIES`` times in a row.
    """
    part, tag = Path(f"{path}.part"), Path(f"{path}.etag")
    failed, why = 0, ""
    while failed < TRIES:
        if why:
            time.sleep(PAUSE * 2 ** max(failed - 1, 0))
        before = _size(part)
        try:
            _fetch(url, part, tag, most)
        except (OSError, http.client.HTTPException, ValueError, OverflowError) as error:
            _refuse(url, error, tag)
            failed, why = (0 if _size(part) - before >= BLOCK else failed + 1), _reason(error)
            continue
        part.replace(path)
        tag.unlink(missing_ok=True)
        return
    kept = f"; {_size(part):,} bytes are kept, run it again to go on" if _size(part) and tag.exists() else ""
    raise SalzooError(f"downloading {url} failed {TRIES} times: {why}{kept}")


def _fetch(url: str, part: Path, tag: Path, most: int) -> None:
    """One try. It returns when the file is complete; OSError and HTTPException mean that another try may help, as do
    ValueError and OverflowError, of an answer that makes no sense."""
    have = _size(part) if tag.exists() else 0
    headers = {"User-Agent": "salzoo", "Accept-Encoding": "identity"}
    if have:
        # If the content has changed meanwhile, If-Range makes the server send all of it (RFC 9110, section 13.1.5).
        headers |= {"Range": f"bytes={have}-", "If-Range": tag.read_text(encoding="utf-8")}
    opener = urllib.request.build_opener(_SafeRedirects)
    with _ask(opener, urllib.request.Request(url, headers=headers)) as response:
        start = have if response.status == 206 else 0
        if response.status == 206 and not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            tag.unlink(missing_ok=True)  # it answered for other bytes than those asked for: begin anew
            raise http.client.HTTPException("the server sent another part of the file than was asked for")
        if not start:
            _keep_tag(tag, response.headers.get("ETag", ""))
        total = None if response.length is None else start + response.length
        if total is not None and total > most:
            _forget(part, tag)
            raise SalzooError(f"{url} is {total:,} bytes long, more than the {most:,} that it may be")
        with (
            _opened(part, "r+b" if start else "wb") as file,
            tqdm(total=total, initial=start, unit="B", unit_scale=True, desc="downloading", disable=None) as bar,
        ):
            file.seek(start)
            file.truncate()
            began, before = time.monotonic(), start
            while block := response.read1(BLOCK):  # read() would drop what came before a connection broke
                start += len(block)
                if time.monotonic() - began > TIMEOUT:
                    if start - before < PACE * TIMEOUT:
                        raise SalzooError(f"{url} comes too slowly: {start - before:,} bytes in {TIMEOUT} s")
                    began, before = time.monotonic(), start
                if start > most:
                    _forget(part, tag)
                    raise SalzooError(f"{url} sends more than the {most:,} bytes that it may have")
                with writing(part):
                    file.write(block)
                bar.update(len(block))
        if total is not None and start < total:
            raise http.client.HTTPException(f"the connection broke off after {start:,} of {total:,} bytes")


def _ask(opener: urllib.request.OpenerDirector, request: urllib.request.Request) -> Any:
    """The answer to a request, as soon as its head is whole. Raises TimeoutError where that takes longer than
    ``TIMEOUT``, however steadily a head without an end may come."""
    answer: Future[Any] = Future()

    def ask() -> None:
        try:
            answer.set_result(opener.open(request, timeout=TIMEOUT))
        except Exception as error:
            answer.set_exception(error)

    threading.Thread(target=ask, daemon=True).start()
    return answer.result(TIMEOUT)


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but not from https to anything else."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if urlsplit(newurl).scheme != urlsplit(req.full_url).scheme:
            raise SalzooError(f"{req.full_url} leads to {newurl}, which is not followed")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _refuse(url: str, error: Exception, tag: Path) -> None:
    """Raise SalzooError for what no further try mends."""
    if isinstance(error, urllib.error.HTTPError):
        error.close()
        if error.code == 416:  # what we have is no part of what the server has: begin anew
            tag.unlink(missing_ok=True)
        elif error.code < 500 and error.code not in (408, 429):
            raise SalzooError(f"{url}: the server answered {error.code} {error.reason}; it may have moved") from error


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answered {error.code} {error.reason}"
    if isinstance(error, urllib.error.URLError):
        return f"the server cannot be reached ({error.reason})"
    if isinstance(error, TimeoutError):
        return f"nothing came for {TIMEOUT} seconds"
    return " ".join(str(error).split()) or "the connection broke off"


def _keep_tag(tag: Path, etag: str) -> None:
    """Keep a strong ETag; without one, nothing says that a later part belongs to this content."""
    if etag.startswith('"') and etag.isprintable():
        tag.write_text(etag, encoding="utf-8")
    else:
        tag.unlink(missing_ok=True)


@contextlib.contextmanager
def _opened(path: Path, mode: str) -> Any:
    with writing(path):
        file = path.open(mode)
    with file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _forget(*paths: Path) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
