"""The page as people use it: the command in a process of its own, and Chromium before it."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest
from browser import WIDTHS, visit

pytestmark = pytest.mark.slow

FRAMES = 12


@dataclass
class Running:
    """The command, its page, and the folder that its temporary files go to."""

    process: "subprocess.Popen[str]"
    address: str
    folder: Path

    def ask(self, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Any]:
        """GET, or POST with a body: status and answer."""
        connection = http.client.HTTPConnection("127.0.0.1", urlsplit(self.address).port or 0, timeout=60)
        connection.request("GET" if body is None else "POST", f"/{path}", body, headers)
        reply = connection.getresponse()
        data = reply.read()
        connection.close()
        return reply.status, json.loads(data) if reply.getheader("Content-Type") == "application/json" else data

    def look(self, name: str, data: bytes) -> tuple[str, dict[str, Any]]:
        """Upload a file, and wait until it was looked at: the visit, and its state."""
        key = self.ask("visits", b"{}")[1]["visit"]
        assert self.ask(f"visits/{key}/files?name={name}", data)[0] == 200
        assert self.ask(f"visits/{key}/look", b'{"models": ["center-bias"]}')[0] == 200
        return key, self.wait(key)

    def wait(self, key: str) -> dict[str, Any]:
        for _ in range(3000):  # a new worker imports PyTorch, which a busy machine takes minutes for
            state: dict[str, Any] = self.ask(f"visits/{key}/state")[1]
            if state["before"] is None:
                return state
            time.sleep(0.1)
        raise AssertionError("that never ended")

    def worker(self) -> int:
        """The process that runs models."""
        children = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        (pid,) = {int(pid) for path in children for pid in path.read_text().split() if _is_worker(pid)}
        return pid


def _is_worker(pid: str) -> bool:
    return b"salzoo.app.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()


def has_ended(pid: int) -> bool:
    """Whether a process ends within two seconds; what is left of one that nobody asks for has ended."""
    for _ in range(20):
        with suppress(FileNotFoundError):
            if "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text():
                time.sleep(0.1)
                continue
        return True
    return False


@contextmanager
def app(folder: Path, *words: str) -> Iterator[Running]:
    environment = os.environ | {"TMPDIR": str(folder), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "salzoo", "app", "--port", "0", *words]
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8"
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("starting")
        line = process.stdout.readline()
        found = re.fullmatch(r"open (http://127\.0\.0\.1:\d+/) \(Ctrl-C ends it\)\n", line)
        assert found, line + process.stdout.read()
        yield Running(process, found[1], folder)
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with app(tmp_path_factory.mktemp("app"), "center-bias") as started:
        yield started


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from salzoo.video.writing import video_writer

    path = tmp_path_factory.mktemp("clip") / "a <b>clip.mp4"
    with video_writer(path, (90, 160), 25) as write:
        for number in range(FRAMES):
            image = np.full((90, 160, 3), 40, np.uint8)
            cv2.circle(image, (20 + 8 * number, 45), 12, (60, 90, 240), -1)
            write(image)
    return path


def test_no_request_reaches_another_file(running: Running, tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    cv2.imwrite(str(secret), np.full((20, 20, 3), 255, np.uint8))
    key, state = running.look("a.png", cv2.imencode(".png", np.zeros((20, 20, 3), np.uint8))[1].tobytes())
    assert state["says"].startswith("1 of 1 pictures")
    for path in (str(secret), "/dev/zero", "../secret.png", "%2e%2e/%2e%2e/secret.png", "0.maps", "0.png"):
        for before in (f"visits/{key}/", f"visits/{key}/made/", f"visits/{key}/maps/", "", "visits/x/"):
            assert running.ask(f"{before}{path}")[0] in (404, 410)
    for message in (
        {"models": ["center-bias"], "files": [str(secret)], "video": str(secret)},
        {"models": ["center-bias"], "video": "/dev/zero"},
        {"models": [str(tmp_path)]},
        {"models": ["center-bias"] * 4},
        {"models": "center-bias"},
        {},
    ):
        assert running.ask(f"visits/{key}/look", json.dumps(message).encode())[0] in (400, 404)
    for make in (
        {"kind": "csv", "model": 9, "source": 0, "opacity": 1, "regions": [], "average": {}},
        {"kind": "/dev/zero", "model": 0, "source": 0, "opacity": 1, "regions": [], "average": {}},
        {"kind": "csv", "model": 0, "source": 0, "opacity": "x", "regions": {}, "average": []},
    ):
        assert running.ask(f"visits/{key}/make", json.dumps(make).encode())[0] == 400
    assert running.ask(f"visits/{key}/0.jpg")[0] == 200
    assert running.ask("visits", b"{}", Origin="http://evil.example")[0] == 403
    assert running.ask("", Host="evil.example")[0] == 421


def test_a_file_that_ends_the_worker_ends_that_visit_s_work_alone(running: Running) -> None:
    picture = cv2.imencode(".png", np.zeros((20, 20, 3), np.uint8))[1].tobytes()
    _, state = running.look("a.mp4", b"no video")
    assert (state["look"]["failed"], state["says"]) == (
        True,
        "cannot open a.mp4 as a video: not a video, truncated, or of an unknown format",
    )
    os.kill(running.worker(), signal.SIGKILL)
    assert running.look("a.png", picture)[1]["says"].startswith("1 of 1")
    os.kill(running.worker(), signal.SIGSTOP)  # as a decoder that never comes back
    other = running.ask("visits", b"{}")[1]["visit"]
    running.ask(f"visits/{other}/files?name=b.png", picture)
    running.ask(f"visits/{other}/look", b'{"models": ["center-bias"]}')
    assert running.ask(f"visits/{other}/look", b'{"models": ["center-bias"]}')[0] == 409
    running.ask(f"visits/{other}/stop", b"{}")
    assert "took too long" in running.wait(other)["says"]
    assert running.look("c.png", picture)[1]["says"].startswith("1 of 1")


def test_a_visit_that_ends_leaves_nothing(running: Running) -> None:
    before = {path.name for path in next(running.folder.glob("salzoo-app-*")).iterdir()}
    key, _ = running.look("a.png", cv2.imencode(".png", np.zeros((20, 20, 3), np.uint8))[1].tobytes())
    assert running.ask(f"visits/{key}/end", b"{}")[0] == 200
    assert running.ask(f"visits/{key}/state")[0] == 410
    assert {path.name for path in next(running.folder.glob("salzoo-app-*")).iterdir()} == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_every_signal_ends_it_whatever_the_worker_does(tmp_path: Path, number: signal.Signals) -> None:
    with app(tmp_path, "center-bias") as started:
        worker = started.worker()
        os.kill(worker, signal.SIGSTOP)
        assert len(list(tmp_path.glob("salzoo-app-*"))) == 1
        began = time.perf_counter()
        started.process.send_signal(number)
        started.process.wait(20)
        assert time.perf_counter() - began < 2
        assert list(tmp_path.glob("salzoo-app-*")) == []
        assert has_ended(worker)


def test_what_kill_9_leaves_the_next_start_removes(tmp_path: Path) -> None:
    with app(tmp_path, "center-bias") as started:
        worker = started.worker()
        started.process.kill()
        started.process.wait()
        assert has_ended(worker)
        (left,) = tmp_path.glob("salzoo-app-*")
    with app(tmp_path, "center-bias"):
        assert not left.exists()
        assert len(list(tmp_path.glob("salzoo-app-*"))) == 1


def until(page: Any, text: str) -> None:
    for _ in range(600):
        if page.evaluate(f"() => Boolean({text})"):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"never {text}: {page.locator('#says').inner_text()}")


@pytest.mark.parametrize("width", WIDTHS)
def test_a_dropped_video_is_shown(browser: Any, running: Running, clip: Path, width: int) -> None:
    with visit(browser, running.address, width=width, dark=width == 820) as seen:
        page = seen.page
        page.locator("#files").set_input_files(str(clip))
        until(page, "look && look.times && !document.querySelector('#downloads').hidden")
        assert page.locator("#says").inner_text().startswith(f"{FRAMES} of {FRAMES} frames")
        picture = page.locator("#looks canvas").first
        assert picture.evaluate("each => [each.width, each.height, each.clientWidth]") == [160, 90, 160]
        box = picture.bounding_box()
        assert box is not None
        assert box["y"] < 250  # the picture first
        page.locator("#place").fill("7")
        until(page, "index === 7 && document.querySelector('#clock').textContent.includes('frame 8 of 12')")
        page.locator("#draw").click()
        page.mouse.move(box["x"] + 1, box["y"] + 1)
        page.mouse.down()
        page.mouse.move(box["x"] + 80, box["y"] + 89)
        page.mouse.up()
        assert re.search(r"(4|5)\d\.\d % now", page.locator("#areas tbody").inner_text())
        ball = [{"time": 0, "rectangle": [0, 0, 20, 90]}, {"time": 0.4, "rectangle": [80, 0, 20, 90]}]
        halves = [[[x, 0], [x + 40, 0], [x + 40, 90], [x, 90]] for x in (0, 40)]
        listed = [{"name": "ball", "places": ball}, {"name": "left", "polygon": halves}]
        (regions := clip.with_name("regions.json")).write_text(json.dumps({"salzoo_regions": 1, "regions": listed}))
        page.locator("#file").set_input_files(str(regions))
        until(page, "regions.length === 2 && document.querySelector('#areas tbody').innerText.includes('50.0 % now')")
        page.get_by_label("Name of region 2").fill("<b>left</b>")
        page.locator("#play").click()
        until(page, "document.querySelector('#video').paused && index === 11")
        with page.expect_download() as download:
            page.get_by_role("button", name="Numbers (csv)").click()
        assert "<b>left</b>" in Path(download.value.path()).read_text().partition("\n")[0]
        assert seen.overflow() <= 0, seen.beyond()
        assert seen.violations() == []
        assert seen.errors == []
        assert [url for url in seen.requests if not url.startswith((running.address, "data:", "blob:"))] == []
