"""The server of the pages: whom it answers, what it refuses, and that rude clients cost others nothing."""

import http.client
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from salzoo.app import serving as module
from salzoo.app.serving import Refused, Reply, Request, reply_json, serving
from salzoo.interfaces import SalzooError


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(bytes(range(200)))
    return path


@pytest.fixture
def address(film: Path) -> Iterator[str]:
    def answer(request: Request) -> Reply:
        match request.method, *request.parts:
            case "GET", "":
                return Reply(b"page", "text/html")
            case "GET", "film":
                return Reply(film, "video/mp4")
            case "GET", "gone":
                return Reply(film.with_name("gone.mp4"), "video/mp4")
            case "POST", "count":
                return reply_json({"bytes": sum(len(piece) for piece in request.pieces())})
            case "POST", "json":
                return reply_json(request.json())
        raise Refused(404, "there is nothing here")

    with serving(answer, "127.0.0.1", 0) as found:
        yield found


def ask(
    address: str, path: str = "", method: str = "GET", body: bytes | None = None, **headers: str
) -> tuple[int, bytes, http.client.HTTPMessage]:
    url = urlsplit(address)
    connection = http.client.HTTPConnection("127.0.0.1", url.port or 80, timeout=10)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, url.path + path, body, named)
    reply = connection.getresponse()
    found = reply.status, reply.read(), reply.headers
    connection.close()
    return found


def port_of(address: str) -> int:
    return urlsplit(address).port or 0


def test_it_answers_to_its_own_names_alone(address: str) -> None:
    port = port_of(address)
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", f"LOCALHOST:{port}", f"[::1]:{port}"):
        assert ask(address, Host=host)[0] == 200
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1", f"127.0.0.1.evil.example:{port}", ""):
        assert ask(address, Host=host)[0] == 421
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sender:
        sender.sendall(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nHost: evil.example\r\n\r\n".encode())
        assert b" 421 " in sender.recv(100)


def test_what_changes_anything_comes_from_its_own_page(address: str) -> None:
    own = address.rstrip("/")
    assert ask(address, "count", "POST", b"12345", Origin=own)[:2] == (200, b'{"bytes": 5}')
    assert ask(address, "count", "POST", b"12345")[0] == 200  # no browser
    for origin in ("http://evil.example", "null", f"http://127.0.0.1:{port_of(address) + 1}", "https://127.0.0.1"):
        status, body, _ = ask(address, "count", "POST", b"12345", Origin=origin)
        assert (status, body) == (403, b"that comes from a page elsewhere\n")
    assert ask(address, "count", "POST", b"1", Sec_Fetch_Site="cross-site")[0] == 403


def test_an_address_that_is_none_is_answered(address: str) -> None:
    assert ask(address, Origin="http://[::1")[:2] == (400, b"that is no address\n")
    port = port_of(address)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sender:
        sender.sendall(f"GET http://[::1/ HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        assert b" 400 " in sender.recv(100)


def test_elsewhere_the_address_holds_a_secret(film: Path) -> None:
    with serving(lambda request: Reply("/".join(request.parts).encode()), "0.0.0.0", 0) as address:
        secret = urlsplit(address).path.strip("/")
        assert len(secret) > 20
        assert ask(address, "film", Host="any.example")[:2] == (200, b"film")
        for path in ("/", "/film", f"/{secret[:-1]}/film", f"/{secret}x/", "/%ff/"):
            status, body, _ = ask(f"http://127.0.0.1:{port_of(address)}", path)
            assert (status, b"holds a secret" in body, secret.encode() in body) == (403, True, False)
    with serving(lambda request: Reply(b"open"), "0.0.0.0", 0, public=True) as address:
        assert ask(address)[:2] == (200, b"open")


def test_parts_of_files(address: str) -> None:
    whole = bytes(range(200))
    for asked, status, part in (
        ("bytes=0-9", 206, whole[:10]),
        ("bytes=190-", 206, whole[190:]),
        ("bytes=-5", 206, whole[-5:]),
        ("bytes=150-900", 206, whole[150:]),
        ("bytes=-", 200, whole),
        ("lines=1-2", 200, whole),
        (f"bytes={'9' * 5000}-", 200, whole),
    ):
        found, body, _ = ask(address, "film", Range=asked)
        assert (found, body) == (status, part)
    assert ask(address, "film", Range="bytes=1-3")[2]["Content-Range"] == "bytes 1-3/200"
    assert ask(address, "film", Range="bytes=200-")[0] == 416
    assert ask(address, "gone")[0] == 404


def test_every_answer_keeps_other_pages_out(address: str) -> None:
    for path in ("", "film", "nothing"):
        headers = ask(address, path)[2]
        assert "script-src 'self'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "Access-Control-Allow-Origin" not in headers


def test_bodies_that_are_none(address: str) -> None:
    for body in (b"", b"[]", b"{", b"\xff", b"[" * 60_000):
        assert ask(address, "json", "POST", body)[0] == 400
    assert ask(address, "json", "POST", b" " * (module.JSON_BYTES + 1))[0] == 413
    for length in ("-1", "1e3", "9" * 5000, "x"):
        assert ask(address, "json", "POST", None, Content_Length=length)[0] == 400
    assert ask(address, "json", "POST", None, Transfer_Encoding="chunked")[0] == 411
    assert ask(address, "json", "DELETE")[0] == 501


def test_noise_and_floods_cost_others_nothing(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for noise in (
        b"\0" * 5000,
        b"GET\r\n\r\n",
        b"GET " + b"x" * 100_000,
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02",
    ):
        with socket.create_connection(("127.0.0.1", port_of(address)), timeout=10) as sender:
            sender.sendall(noise)
            sender.shutdown(socket.SHUT_WR)
            while sender.recv(10_000):
                pass
    monkeypatch.setattr(module, "CONNECTIONS", 5)
    with ExitStack() as stack:
        idle = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port_of(address)), timeout=10)) for _ in range(8)
        ]
        assert [each.recv(1) for each in idle[:3]] == [b""] * 3
        assert ask(address)[0] == 200  # in the place of the oldest that says nothing
        idle[-1].settimeout(0.2)
        with pytest.raises(TimeoutError):
            idle[-1].recv(1)


def test_slow_clients_are_let_go(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEAD", 0.5)
    with socket.create_connection(("127.0.0.1", port_of(address)), timeout=10) as sender:
        began = time.monotonic()
        with suppress(OSError):
            while time.monotonic() - began < 8:
                sender.sendall(b"G")  # never silent for long
                time.sleep(0.1)
    assert time.monotonic() - began < 5
    with socket.create_connection(("127.0.0.1", port_of(address)), timeout=10) as sender:
        head = f"POST /count HTTP/1.1\r\nHost: 127.0.0.1:{port_of(address)}\r\nContent-Length: 100\r\n\r\n"
        sender.sendall(head.encode() + b"12345")
        sender.settimeout(6)
        assert b" 408 " in sender.recv(100)


def test_a_port_that_is_taken_is_one_line(address: str) -> None:
    with (
        pytest.raises(SalzooError, match="cannot be used"),
        serving(lambda _: Reply(b""), "127.0.0.1", port_of(address)),
    ):
        pass
