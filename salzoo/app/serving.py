"""The one HTTP server of this project's pages: it answers by its own names, to its own pages, in bounded time."""

import hmac
import json
import math
import os
import re
import secrets
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlsplit

from salzoo.interfaces.errors import SalzooError
from salzoo.runtime.files import parse_json

CONNECTIONS = 128
"""Connections at once; a further one takes the place of the oldest that has asked for nothing, else it is closed."""

HEAD = 10.0
"""Seconds in which a request's head must be there."""

SLOWEST = 50_000
"""Bytes a second that an upload or an answer must reach, after ``HEAD`` seconds."""

TOLD = 2.0
"""Seconds in which one that is late can be told so."""

JSON_BYTES = 2**20
"""Bytes of a message from a page."""

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors {framed}",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",  # the address may hold a secret
    "X-Content-Type-Options": "nosniff",
}
_PIECE = 2**18


class Refused(SalzooError):  # noqa: N818
    """What a client asks for is not given: a line for its user, and an HTTP status."""

    def __init__(self, status: int, line: str) -> None:
        super().__init__(line)
        self.status = status


@dataclass(frozen=True)
class Request:
    """What a page asks for.

    Attributes:
        method: GET or POST.
        parts: of the path, behind the secret.
        query: its parameters.
        length: bytes of its body.
        pieces: reads the body, whose bytes come as they arrive.
    """

    method: str
    parts: tuple[str, ...]
    query: dict[str, str]
    length: int
    pieces: Callable[[], Iterator[bytes]]

    def json(self) -> dict[str, Any]:
        """Its body, a JSON object. Raises Refused where it is none, or a large one."""
        if self.length > JSON_BYTES:
            raise Refused(413, f"a message has at most {JSON_BYTES:,} bytes")
        try:
            found = parse_json(b"".join(self.pieces()))
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise Refused(400, "a message is a JSON object")
        return found


@dataclass(frozen=True)
class Reply:
    """An answer.

    Attributes:
        body: its bytes; or a file, of which parts can be asked for; or a stream, which ends when its reader goes.
        kind: its media type.
        saved_as: the name that a browser saves it under, in place of showing it.
    """

    body: bytes | Path | Iterator[bytes]
    kind: str = "application/json"
    saved_as: str = ""


Answer = Callable[[Request], Reply]


def reply_json(value: object) -> Reply:
    """A value as JSON."""
    return Reply(json.dumps(value).encode())


@contextmanager
def serving(
    answer: Answer, host: str, port: int, *, public: bool = False, each_second: Callable[[], None] = lambda: None
) -> Iterator[str]:
    """Serve in a thread of its own, within a ``with`` block.

    At a loopback address the server answers to the names of this machine alone, so that no page elsewhere reaches it by
    a name that it points here. Elsewhere its address holds a secret, which whoever opens it must know.

    Args:
        answer: to a request; a Refused or another SalzooError that it raises is told to the page.
        host: address to listen at.
        port: 0 for any that is free.
        public: open to everybody, with no secret, as a Space is.
        each_second: called about twice a second.

    Yields:
        The address to open.

    Raises:
        SalzooError: the port is taken, or the address is none of this machine.
    """
    server = _Server(answer, each_second, host, port, public)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.address
    finally:
        server.shutdown()
        server.server_close()


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError as error:
        raise Refused(400, "that is no address") from error


def is_loopback(host: str) -> bool:
    """Whether an address is seen by this machine alone."""
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, answer: Answer, each_second: Callable[[], None], host: str, port: int, public: bool) -> None:
        self.answer, self.each_second = answer, each_second
        self.secret = "" if public or is_loopback(host) else secrets.token_urlsafe(16)
        self._until: dict[Any, float] = {}
        self._silent: dict[Any, None] = {}  # in the order in which they came
        self._lock = threading.Lock()
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            super().__init__((host, port), _Handler)
        except (OSError, TypeError) as error:  # TypeError: a name that no encoding of host names holds
            why = isinstance(error, OSError) and error.strerror
            raise SalzooError(f"port {port} of {host} cannot be used: {why or error}") from error
        port = self.server_address[1]
        self.names = (
            {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]", host)} if is_loopback(host) else None
        )
        anywhere = host in ("0.0.0.0", "::")
        shown = socket.gethostname() if anywhere else f"[{host}]" if ":" in host else host
        self.address = f"http://{shown}:{port}/" + (f"{self.secret}/" if self.secret else "")
        self.space = os.environ.get("SPACE_HOST", "") if public else ""
        self.headers = {
            name: value.format(framed="https://huggingface.co" if self.space else "'none'")
            for name, value in _HEADERS.items()
        }

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)  # HTTPServer's asks the network for this machine's name

    def allow(self, connection: Any, seconds: float) -> None:
        """Give a connection so many seconds from now on; after these it is closed."""
        with self._lock:
            self._until[connection] = monotonic() + seconds

    def heard(self, connection: Any) -> None:
        """Note that a connection has sent the head of a request."""
        with self._lock:
            self._silent.pop(connection, None)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            full = len(self._until) >= CONNECTIONS
            oldest = next(iter(self._silent), None) if full else None
            if oldest is not None:
                del self._silent[oldest], self._until[oldest]
            if oldest is not None or not full:
                self._silent[request] = None
        if oldest is not None:
            with suppress(OSError):
                oldest.shutdown(socket.SHUT_RDWR)
        elif full:
            self.shutdown_request(request)
            return
        self.allow(request, HEAD)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._until.pop(request, None)
            self._silent.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        now = monotonic()
        with self._lock:
            late = [(connection, now - until) for connection, until in self._until.items() if until < now]
        for connection, seconds in late:
            with suppress(OSError):  # at first nothing more is read, so that it can be told
                connection.shutdown(socket.SHUT_RD if seconds < TOLD else socket.SHUT_RDWR)
        self.each_second()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away, or sent no HTTP, is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    server_version, sys_version = "salzoo", ""
    protocol_version = "HTTP/1.1"
    timeout = HEAD

    def do_GET(self) -> None:
        self._respond()

    def do_POST(self) -> None:
        self._respond()

    def _respond(self) -> None:
        self.close_connection = True
        self.server.heard(self.connection)
        try:
            reply = self.server.answer(self._request())
        except Refused as error:
            self.send_error(error.status, str(error))
        except SalzooError as error:
            self.send_error(400, str(error))
        else:
            self._send(reply)

    def _request(self) -> Request:
        """What is asked for. Raises Refused where it is not for this server, or comes from a page elsewhere."""
        hosts = self.headers.get_all("Host") or [""]
        host = hosts[0].lower()
        if len(hosts) > 1 or (self.server.names is not None and host not in self.server.names):
            raise Refused(421, f"this page is {self.server.address}, and answers to no other name")
        for origin in self.headers.get_all("Origin") or []:
            if _split(origin).netloc.lower() not in {host, self.server.space} - {""}:
                raise Refused(403, "that comes from a page elsewhere")
        if self.command == "POST" and self.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
            raise Refused(403, "that comes from a page elsewhere")
        url = _split(self.path)
        secret, _, rest = url.path.removeprefix("/").partition("/") if self.server.secret else ("", "", url.path[1:])
        if not hmac.compare_digest(secret.encode(), self.server.secret.encode()):
            raise Refused(403, "open the whole address that the terminal shows: it holds a secret")
        if "Transfer-Encoding" in self.headers:
            raise Refused(411, "say how long it is")
        length = self.headers.get("Content-Length", "0")
        if not re.fullmatch(r"[0-9]{1,15}", length):
            raise Refused(400, "that is no length")
        return Request(
            self.command,
            tuple(rest.split("/")),
            dict(parse_qsl(url.query)),
            int(length),
            lambda: self._pieces(int(length)),
        )

    def _pieces(self, length: int) -> Iterator[bytes]:
        self.server.allow(self.connection, HEAD + length / SLOWEST)
        while length > 0:
            try:
                piece = self.rfile.read1(min(length, _PIECE))
            except OSError:
                piece = b""
            if not piece:
                raise Refused(408, "that ended early")
            length -= len(piece)
            yield piece

    def _send(self, reply: Reply) -> None:
        if isinstance(reply.body, bytes):
            self._begin(200, reply, len(reply.body))
            self.wfile.write(reply.body)
        elif isinstance(reply.body, Path):
            self._send_file(reply, reply.body)
        else:
            self._begin(200, reply, None)
            for piece in reply.body:
                self.wfile.write(piece)

    def _send_file(self, reply: Reply, path: Path) -> None:
        try:
            file = path.open("rb")
        except OSError:
            self.send_error(404, "that is not here")
            return
        with file:
            size = os.fstat(file.fileno()).st_size
            first, last, status = 0, size - 1, 200
            asked = re.fullmatch(r"bytes=(\d{0,15})-(\d{0,15})", self.headers.get("Range", ""))
            if asked and (asked[1] or asked[2]):
                first = int(asked[1]) if asked[1] else max(size - int(asked[2]), 0)
                last = min(int(asked[2]), size - 1) if asked[1] and asked[2] else size - 1
                status = 206
                if first > last:
                    self.send_error(416, "that part is not there")
                    return
            self._begin(status, reply, last - first + 1, f"bytes {first}-{last}/{size}" if status == 206 else "")
            file.seek(first)
            left = last - first + 1
            while left > 0 and (piece := file.read(min(left, _PIECE))):
                self.wfile.write(piece)
                left -= len(piece)

    def _begin(self, status: int, reply: Reply, length: int | None, part: str = "") -> None:
        self.server.allow(self.connection, math.inf if length is None else HEAD + length / SLOWEST)
        self.send_response(status)
        self.send_header("Content-Type", reply.kind)
        self.send_header("Connection", "close")
        if length is not None:
            self.send_header("Content-Length", str(length))
        if isinstance(reply.body, Path):
            self.send_header("Accept-Ranges", "bytes")
        if part:
            self.send_header("Content-Range", part)
        if reply.saved_as:
            self.send_header("Content-Disposition", f'attachment; filename="{reply.saved_as}"')
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """A line of plain text."""
        self.close_connection = True
        body = f"{message or HTTPStatus(code).phrase}\n".encode()
        with suppress(OSError):
            self.send_response(code)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Connection", "close")
            self.send_header("Content-Length", str(len(body)))
            for name, value in self.server.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            self._drain()

    def _drain(self) -> None:
        """Read a little of what still comes: closing at once would take the answer away from its reader."""
        self.connection.shutdown(socket.SHUT_WR)
        self.connection.settimeout(0.5)
        for _ in range(64):
            if not self.rfile.read1(_PIECE):
                return

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing of what is asked for."""
