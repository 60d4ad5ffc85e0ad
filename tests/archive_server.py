"""A small server on 127.0.0.1 that hands out one archive, and breaks off, lies or refuses as it is told."""

import gzip
import io
import re
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Server:
    """What is served, and how.

    Attributes:
        content: of the archive.
        etag: sent with it; "" sends none.
        cuts: after how many bytes each of the first answers breaks off.
        status: answer every request with this instead.
        ranges: whether parts may be asked for.
        shift: answer for bytes so much later than those asked for, and say so.
        claim: the length that is claimed; None is the true one, -1 is chunked, without a length.
        redirect: send every request there.
        asked: the Range of each request, None where it had none.
        paths: of each request.
        address: of the server.
    """

    content: bytes = b""
    etag: str = '"one"'
    cuts: list[int] = field(default_factory=list)
    status: int = 200
    ranges: bool = True
    shift: int = 0
    claim: int | None = None
    redirect: str = ""
    asked: list[str | None] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    address: str = ""


@contextmanager
def serve() -> Iterator[Server]:
    server = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            server.asked.append(self.headers.get("Range"))
            server.paths.append(self.path)
            self.close_connection = True
            if server.redirect or server.status != 200:
                self.send_response(302 if server.redirect else server.status)
                self.send_header("Location", server.redirect)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
            same = self.headers.get("If-Range") == server.etag
            start = int(match[1]) if match and same and server.ranges else 0
            if start > len(server.content):
                self.send_response(416)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            start += server.shift if start else 0
            body = server.content[start:]
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(server.content) - 1}/{len(server.content)}")
            if server.etag:
                self.send_header("ETag", server.etag)
            if server.claim == -1:
                self.send_header("Transfer-Encoding", "chunked")
            else:
                self.send_header("Content-Length", str(len(body) if server.claim is None else server.claim))
            self.end_headers()
            cut = server.cuts.pop(0) if server.cuts else len(body)
            part = body[:cut]
            if server.claim == -1:
                end = b"0\r\n\r\n" if cut >= len(body) else b""
                part = b"%x\r\n%s\r\n%s" % (len(part), part, end) if part else end
            self.wfile.write(part)

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    server.address = f"http://127.0.0.1:{httpd.server_port}"
    try:
        yield server
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()


def archive(files: dict[str, bytes], *members: tuple[tarfile.TarInfo, bytes], top: str = "repo-4a46789/") -> bytes:
    """A .tar.gz as of a commit: the given members, then the files under one folder."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1, format=tarfile.PAX_FORMAT) as tar:
        for info, data in members:
            tar.addfile(info, io.BytesIO(data) if info.isreg() else None)
        for path, data in files.items():
            info = tarfile.TarInfo(top + path)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return packed.getvalue()


def member(
    name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = ""
) -> tuple[tarfile.TarInfo, bytes]:
    """An entry of an archive, of any kind."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, len(data)
    return info, data


def compressed(data: bytes) -> bytes:
    return gzip.compress(data, 1)
