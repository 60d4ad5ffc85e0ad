"""``salzoo pull`` of files that authors published, from a server that serves, breaks off and lies."""

import hashlib
import io
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import torch
from archive_server import Server, serve
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from salzoo import SalzooError, create_model, load_model
from salzoo.cli import cli
from salzoo.datasets import downloads
from salzoo.hub.authors_file import VARIABLE, parse_authors_file
from salzoo.hub.card_checks import check_card
from salzoo.plugins import load_plugins, registry
from salzoo.registry import Entry

SPEC = "salgan:width=0.05"
COMMIT = "2657310d41501384fc367b4615bc9f27e679b09b"

CARD = """---
library_name: salzoo
license: mit
salzoo:
  spec: {spec}
  file: {file}
  terms: "{terms}"
  trained_on: [SALICON, Their Own]
  published: in https://github.com/lab/net, net.pth
  convert: salzoo convert net.pth --spec {spec} -o made
  sources: ["https://example.org/paper"]
---

# A network of which the weights were made for a test
"""


def blob(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def published() -> bytes:
    """A file as SalGAN's port is published."""
    torch.manual_seed(0)
    return saved({name.removeprefix("backbone."): each for name, each in create_model(SPEC).state_dict().items()})


def saved(state: dict[str, object]) -> bytes:
    file = io.BytesIO()
    torch.save(state, file)
    return file.getvalue()


def register(file: str, spec: str = SPEC, terms: str = "MIT") -> None:
    text = CARD.format(spec=spec, file=file, terms=terms)
    assert check_card("made", text) == []
    registry().add(Entry("models", "made", lambda: text, "made for a test", (), "test"))


def in_git(data: bytes, **changes: str | int) -> str:
    fields = {"git": "lab/net", "commit": COMMIT, "path": "weights/net.pth", "blob": blob(data), "most": 2_000_000}
    return json.dumps({**fields, **changes})


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    """A server of one file of weights, which the card ``made`` declares."""
    monkeypatch.setattr(downloads, "PAUSE", 0.0)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setenv("SALZOO_CACHE", str(tmp_path / "cache"))
    with serve() as served:
        served.content = published()
        monkeypatch.setenv(VARIABLE, served.address)
        load_plugins.cache_clear()
        yield served
    load_plugins.cache_clear()


def pull(*words: str) -> Result:
    return CliRunner().invoke(cli, ["pull", "made", *words])


def kept(tmp_path: Path) -> list[str]:
    found = {path.name for path in (tmp_path / "cache").rglob("*") if path.is_file()}
    return sorted(found - {".lock", "seen.json"})


def test_a_file_becomes_a_model_once_its_terms_were_shown(server: Server, tmp_path: Path) -> None:
    register(in_git(server.content), terms="MIT, as their LICENSE says")
    with pytest.raises(SalzooError, match=r"not here yet: salzoo pull made .*MIT, as their LICENSE says"):
        load_model("made")
    assert "one command away: salzoo pull made" in CliRunner().invoke(cli, ["list", "models", "made"]).output
    assert server.paths == []
    done = pull()
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[0] == "made: github.com/lab/net at commit 2657310d4150, weights/net.pth"
    assert lines[1] == "terms of its authors: MIT, as their LICENSE says"
    assert server.paths == [f"/lab/net/{COMMIT}/weights/net.pth"]
    record = json.loads(pull("--json").stdout)[0]
    assert len(server.paths) == 1
    assert record["sha256"] == hashlib.sha256(server.content).hexdigest() == lines[3].split()[-1]
    model = load_model("made+ema@output")
    assert str(model.spec) == f"{SPEC}+ema@output"
    assert model.trained_on.stated == ("SALICON", "Their Own")
    assert "  SALICON, Their Own  mit " in CliRunner().invoke(cli, ["list", "models", "made", "--long"]).output
    wanted = torch.load(io.BytesIO(server.content), weights_only=True)
    assert torch.equal(model.state_dict()["backbone.30.weight"], wanted["30.weight"])
    assert kept(tmp_path) == ["README.md", "config.json", "model.safetensors", "source.json"]
    assert "# A network of which" in (Path(record["folder"]) / "README.md").read_text()
    assert "at hand:" in CliRunner().invoke(cli, ["list", "models", "made"]).output


def test_a_backbones_name_is_all_that_was_published_of_it(server: Server) -> None:
    register(in_git(server.content))
    done = CliRunner().invoke(cli, ["pull", "salgan"])
    assert done.exit_code == 0, done.output
    assert "made is ready" in done.output
    refused = CliRunner().invoke(cli, ["predict", "salgan", "x.mp4", "-o", "y.mp4"])
    assert refused.exit_code == 1
    with pytest.raises(SalzooError, match=r"its authors published some: salzoo pull NAME, then that NAME, of made"):
        load_model("salgan")


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"release": "lab/net", "tag": "v1.0", "path": "net.pth"}, "/lab/net/releases/download/v1.0/net.pth"),
        ({"hub": "lab/net", "revision": COMMIT, "path": "a/net.pth"}, f"/lab/net/resolve/{COMMIT}/a/net.pth"),
    ],
)
def test_a_file_of_a_release_and_of_the_hub(server: Server, fields: dict[str, str], path: str) -> None:
    register(json.dumps({**fields, "sha256": hashlib.sha256(server.content).hexdigest(), "most": 2_000_000}))
    assert pull().exit_code == 0
    assert server.paths == [path]


def test_a_download_that_broke_off_goes_on(server: Server, tmp_path: Path) -> None:
    register(in_git(server.content))
    server.cuts = [70_000] * 5
    assert pull().exit_code == 0
    assert [each for each in server.asked if each][:2] == ["bytes=70000-", "bytes=140000-"]


def drip(address: list[str], stop: threading.Event) -> None:
    """Send a byte in each of many connections, and never the rest."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address.append(f"http://127.0.0.1:{listening.getsockname()[1]}")
        listening.settimeout(0.05)
        while not stop.is_set():
            try:
                with listening.accept()[0] as one:
                    one.recv(10_000)
                    one.sendall(b'HTTP/1.1 200 OK\r\nETag: "a"\r\nContent-Length: 100000\r\n\r\nx')
            except OSError:
                continue


LIES = {
    "a byte flipped": ({"flip": True}, "is another file: git blob"),
    "another file": ({"content": b"<html>moved</html>"}, "is another file: git blob"),
    "too long": ({"claim": 3_000_000}, "more than the 2,000,000"),
    "too long, unannounced": ({"content": bytes(2_100_000), "claim": -1}, "more than the 2,000,000"),
    "gone": ({"status": 404}, "answered 404"),
    "failing": ({"status": 500}, "failed 5 times"),
    "redirected": ({"redirect": "ftp://example.org/net.pth"}, "is not followed"),
    "ending early": ({"cuts": [1000] * 9}, "failed 5 times"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_server_that_lies_leaves_nothing(server: Server, tmp_path: Path, lie: str) -> None:
    changes, message = LIES[lie]
    register(in_git(server.content))
    if changes.pop("flip", False):  # type: ignore[attr-defined]
        server.content = server.content[:-1] + bytes([server.content[-1] ^ 1])
    server.etag = ""
    for name, value in changes.items():  # type: ignore[attr-defined]
        setattr(server, name, value)
    done = pull()
    assert done.exit_code == 1
    (line,) = (line for line in done.output.splitlines() if line.startswith("salzoo: "))
    assert message in line
    assert [name for name in kept(tmp_path) if not name.endswith(".part")] == []
    assert not (tmp_path / "cache" / "models").exists()


def test_a_server_that_drips_is_given_up(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register(in_git(server.content))
    address: list[str] = []
    stop = threading.Event()
    thread = threading.Thread(target=drip, args=(address, stop))
    thread.start()
    try:
        while not address:
            pass
        monkeypatch.setenv(VARIABLE, address[0])
        done = pull()
    finally:
        stop.set()
        thread.join()
    assert done.exit_code == 1
    assert "failed 5 times: the connection broke off" in done.output


def test_a_byte_at_a_time_is_too_slow(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register(in_git(server.content))
    monkeypatch.setattr(downloads, "TIMEOUT", 0.3)
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        monkeypatch.setenv(VARIABLE, f"http://127.0.0.1:{listening.getsockname()[1]}")

        def trickle() -> None:
            with listening.accept()[0] as one:
                one.recv(10_000)
                one.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                while not stop.wait(0.02):
                    one.sendall(b"x")

        thread = threading.Thread(target=trickle)
        thread.start()
        try:
            done = pull()
        finally:
            stop.set()
            thread.join()
    assert done.exit_code == 1
    assert "comes too slowly" in done.output


RAW = {
    "a length that is no number": b"HTTP/1.1 200 OK\r\nContent-Length: \xb2\r\n\r\n" + b"x" * 99,
    "a length of 5,000 digits": b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n" + b"x" * 99,
    "nowhere": b"HTTP/1.1 302 Found\r\nLocation: http://[nowhere/net.pth\r\n\r\n",
    "a port beyond all": b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:99999/net.pth\r\n\r\n",
    "a colour": b"HTTP/1.1 404 \x1b[31mred\r\n\r\n",
    "no answer": b"\x00\xff" * 9 + b"\r\n\r\n",
    "a part of nothing": b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 7-\r\n\r\nxxx",
    "chunks of no size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nxxx",
}


@contextmanager
def answering(first: bytes, again: bytes = b"") -> Iterator[str]:
    """A server that gives each connection the same bytes, and then others again and again; its address."""
    stop = threading.Event()

    def answer(one: socket.socket) -> None:
        with one, suppress(OSError):
            one.recv(10_000)
            one.sendall(first)
            while again and not stop.wait(0.01):
                one.sendall(again)

    def accept(listening: socket.socket) -> None:
        while not stop.is_set():
            with suppress(TimeoutError):
                threading.Thread(target=answer, args=(listening.accept()[0],)).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.05)
        thread = threading.Thread(target=accept, args=(listening,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            stop.set()
            thread.join()


@pytest.mark.parametrize("said", RAW)
def test_an_answer_that_makes_no_sense_is_one_line(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    register(in_git(server.content))
    with answering(RAW[said]) as address:
        monkeypatch.setenv(VARIABLE, address)
        done = pull()
    assert done.exit_code == 1
    (line,) = (line for line in done.output.splitlines() if line.startswith("salzoo: "))
    assert "did not expect" not in line
    assert line.isprintable()
    assert [name for name in kept(tmp_path) if not name.endswith(".part")] == []


@pytest.mark.parametrize(
    ("first", "again"), [(b"HTTP/1.1 200 OK\r\nX: ", b"x"), (b"", b"HTTP/1.1 100 Continue\r\n\r\n")]
)
def test_a_head_without_an_end_is_given_up(
    server: Server, monkeypatch: pytest.MonkeyPatch, first: bytes, again: bytes
) -> None:
    register(in_git(server.content))
    monkeypatch.setattr(downloads, "TIMEOUT", 0.3)
    with answering(first, again) as address:
        monkeypatch.setenv(VARIABLE, address)
        done = pull()
    assert done.exit_code == 1
    assert "failed 5 times: nothing came for 0.3 seconds" in done.output


class Code:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, ("ran",)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("content", "spec", "message"),
    [
        (saved({"0.weight": Code()}), SPEC, "nothing in it was run"),
        (b"PK\x03\x04 no archive", SPEC, "cannot be read as a weights file"),
        (None, "salgan:width=0.1", "needs float32"),
    ],
)
def test_what_is_no_weights_of_the_card_is_not_kept(
    server: Server, tmp_path: Path, content: bytes | None, spec: str, message: str
) -> None:
    server.content = content or server.content
    register(in_git(server.content), spec)
    done = pull()
    assert done.exit_code == 1
    assert message in done.output
    assert kept(tmp_path) == []


def test_weights_that_were_changed_in_the_cache_are_refused(server: Server, tmp_path: Path) -> None:
    register(in_git(server.content))
    folder = Path(json.loads(pull("--json").stdout)[0]["folder"])
    data = bytearray((folder / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (folder / "model.safetensors").write_bytes(data)
    with pytest.raises(SalzooError, match=r"is not what salzoo pull made made: remove it, and pull again"):
        load_model("made")


def test_offline_mode_is_kept(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    register(in_git(server.content))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert "offline mode is on" in pull().output
    assert server.paths == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"path": "../net.pth"}, "salzoo.file.path"),
        ({"path": "/etc/passwd"}, "salzoo.file.path"),
        ({"git": "lab/net/../../x"}, "salzoo.file.git"),
        ({"commit": "main"}, "salzoo.file.commit"),
        ({"blob": "0" * 64}, "salzoo.file.blob"),
        ({"most": -1}, "a number of bytes"),
        ({"most": "1e9"}, "a number of bytes"),
        ({"sha256": "0" * 64}, "must have exactly"),
    ],
)
def test_a_declaration_that_leads_elsewhere_is_refused(changes: dict[str, str | int], message: str) -> None:
    with pytest.raises(SalzooError, match=message):
        parse_authors_file("made", {"file": json.loads(in_git(b"", **changes)), "terms": "MIT"})
    with pytest.raises(SalzooError, match=r"salzoo\.terms"):
        parse_authors_file("made", {"file": json.loads(in_git(b""))})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["git", "path", "blob", "most", "tag"]), inner)
    ),
    max_leaves=6,
)


@given(json_values, json_values)
def test_anything_else_in_a_card_is_one_error(file: object, terms: object) -> None:
    try:
        found = parse_authors_file("made", {"file": file, "terms": terms})
    except SalzooError:
        return
    assert found is None
