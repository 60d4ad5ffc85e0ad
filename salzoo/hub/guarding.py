"""What a server says, checked before it becomes a path, a size or a wait.

The Hub's client builds paths from headers (ETag, X-Repo-Commit), writes for as long as bytes come, and waits for as
long as it is told. While a file is fetched here, a hook on the client's session checks each answer.
"""

import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from salzoo.hub.checkpoint import CARD, CONFIG, WEIGHTS
from salzoo.interfaces import SalzooError
from salzoo.interfaces.errors import shown

LARGEST = {CONFIG: 1 << 20, CARD: 1 << 24, WEIGHTS: 1 << 36}
"""Bytes that each file of a checkpoint may have."""

PATIENCE, PACE = 30.0, 1 << 10
"""A download goes on while each so many seconds bring so many bytes a second."""

LONGEST_WAIT = 60
"""Seconds that a server may ask to wait for."""


class HostileAnswerError(SalzooError):
    """An answer of a server that is not believed."""


@dataclass
class _Fetch:
    """A file that is being fetched: its name, and the bytes that it may have, fewer once the server has declared so."""

    file: str
    allowed: int


_fetching: ContextVar[_Fetch | None] = ContextVar("fetching", default=None)


@contextmanager
def guarded(file: str) -> Iterator[None]:
    """Within the block, which fetches a file of a checkpoint with the Hub's client, check what the server says, and
    keep the client from printing. Raises HostileAnswerError."""
    from huggingface_hub import utils
    from huggingface_hub.utils import get_session  # type: ignore[attr-defined]

    _watch(get_session())
    verbosity = utils.logging.get_verbosity()
    utils.logging.set_verbosity(logging.CRITICAL)
    token = _fetching.set(_Fetch(file, LARGEST.get(file, 1 << 20)))
    try:
        yield
    finally:
        _fetching.reset(token)
        utils.logging.set_verbosity(verbosity)


def _watch(session: Any) -> None:
    """Hook into a client's session: one of requests (huggingface_hub before 1.0) or of httpx."""
    hooks: list[Any] | Any
    if hasattr(session, "event_hooks"):
        hooks = session.event_hooks
        if _check not in hooks["response"]:
            session.event_hooks = {**hooks, "response": [*hooks["response"], _check]}
    elif _check not in session.hooks["response"]:
        session.hooks["response"].append(_check)


def _check(response: Any, *_: Any, **__: Any) -> None:
    fetch = _fetching.get()
    if fetch is None:
        return
    headers = response.headers
    commit = headers.get("X-Repo-Commit")
    if commit is not None and not re.fullmatch("[0-9a-f]{40}", commit):
        raise HostileAnswerError(f"the server names a commit that is none: {shown(commit, 60)}")
    wait = headers.get("Retry-After", "0")
    if response.status_code >= 400 and not (wait.isdecimal() and len(wait) < 10 and int(wait) <= LONGEST_WAIT):
        raise HostileAnswerError(
            f"the server answered {response.status_code} and asks to wait {shown(wait, 60)} seconds"
        )
    if response.request.method == "HEAD" and response.status_code < 400:
        for name in ("ETag", "X-Linked-ETag"):
            tag = headers.get(name, "0").removeprefix("W/").strip('"')
            if not re.fullmatch(r"\w[\w.+-]{0,200}", tag, re.ASCII):
                raise HostileAnswerError(f"the server gives a file an {name} that is no hash: {shown(tag, 60)}")
        if fetch.file != WEIGHTS:
            for name in [name for name in headers if name.lower().startswith("x-xet")]:
                del headers[name]  # that transport is for large files, and bounds nothing
    _check_size(response, fetch)


def _check_size(response: Any, fetch: _Fetch) -> None:
    length = response.headers.get("X-Linked-Size")
    if length is None and response.status_code == 200:
        length = response.headers.get("Content-Length")
    if length is not None:
        if not (length.isdecimal() and len(length) < 19):
            raise HostileAnswerError(f"the server gives {fetch.file} a size that is none: {shown(length, 60)}")
        if int(length) > fetch.allowed:
            raise HostileAnswerError(
                f"{fetch.file} is to have {int(length):,} bytes; at most {fetch.allowed:,} are read"
            )
    if response.request.method == "HEAD":
        if length is not None and response.status_code < 400:
            fetch.allowed = int(length)
    elif hasattr(response, "iter_raw"):
        response.iter_raw = _bounded(response.iter_raw, fetch)
    else:
        response.iter_content = _bounded(response.iter_content, fetch)


def _bounded(read: Callable[..., Iterator[bytes]], fetch: _Fetch) -> Callable[..., Iterator[bytes]]:
    """The chunks of a body as they come, no more bytes than may be, no more slowly than makes sense."""

    def chunks(*arguments: Any, **named: Any) -> Iterator[bytes]:
        total = window = 0
        began = time.monotonic()
        for chunk in read(*arguments, **named):
            total += len(chunk)
            window += len(chunk)
            if total > fetch.allowed:
                raise HostileAnswerError(
                    f"the server sends more of {fetch.file} than the {fetch.allowed:,} bytes it has"
                )
            if time.monotonic() - began > PATIENCE:
                if window < PATIENCE * PACE:
                    raise HostileAnswerError(f"{fetch.file} comes too slowly: {window:,} bytes in {PATIENCE:.0f} s")
                began, window = time.monotonic(), 0
            yield chunk

    return chunks
