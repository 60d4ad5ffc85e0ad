"""``salzoo watch``: the page of a camera, and the command."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from browser import WIDTHS, visit
from click.testing import CliRunner
from numpy.typing import NDArray

from salzoo.app.serving import serving
from salzoo.app.watching import WatchPage
from salzoo.cli import cli
from salzoo.prediction.live import Seen
from salzoo.video.writing import video_writer


def picture(level: int) -> NDArray[np.uint8]:
    return np.full((36, 64, 3), level, np.uint8)


def seen(level: int, dropped: int = 0) -> Seen:
    return Seen(picture(level), np.zeros((9, 16), np.float32), 0.05, dropped)


def port_of(address: str) -> int:
    return int(address.rstrip("/").rpartition(":")[2])


def ask(address: str, path: str, **headers: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port_of(address), timeout=10)
    connection.request("GET", f"/{path}", headers=headers)
    reply = connection.getresponse()
    data = reply.read()
    connection.close()
    return reply.status, json.loads(data) if reply.getheader("Content-Type") == "application/json" else data


def test_the_page_shows_what_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("salzoo.app.watching.STREAMS", 1)
    page = WatchPage("gaze-lite", "0")
    with serving(page.answer, "127.0.0.1", 0) as address:
        assert ask(address, "frame.jpg")[0] == 404
        page.show(seen(100))
        page.show(seen(200, dropped=3))
        state = ask(address, "state")[1]
        assert (state["model"], state["camera"], state["frames"], state["dropped"]) == ("gaze-lite", "camera 0", 2, 3)
        assert state["latency"] == [0.05, 0.05]
        connection = http.client.HTTPConnection("127.0.0.1", port_of(address), timeout=10)
        connection.request("GET", "/stream")
        stream = connection.getresponse()
        assert stream.readline() == b"--frame\r\n"
        assert stream.readline() == b"Content-Type: image/jpeg\r\n"
        length = int(stream.readline().split()[1])
        stream.readline()
        image = cv2.imdecode(np.frombuffer(stream.read(length), np.uint8), cv2.IMREAD_COLOR)
        assert image is not None
        assert image.shape == (36, 64, 3)
        assert abs(int(image.mean()) - 200) < 3
        assert ask(address, "stream") == (503, b"1 pages watch already: close one\n")
        assert ask(address, "frame.jpg")[0] == 200
        page.end()
        assert stream.read() == b"\r\n"
        connection.close()
        assert ask(address, "state")[1]["ended"]


def test_a_name_that_points_here_does_not_reach_the_camera() -> None:
    page = WatchPage("gaze-lite", "0")
    page.show(seen(100))
    with serving(page.answer, "127.0.0.1", 0) as address:
        for path in ("", "stream", "frame.jpg", "state"):
            assert ask(address, path, Host="evil.example")[0] == 421


def test_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def camera(source: str) -> Iterator[NDArray[np.uint8]]:
        assert source == "0"
        for level in range(3):
            yield picture(level)
            time.sleep(0.05)

    monkeypatch.setattr("salzoo.prediction.inputs.read_camera", camera)
    done = CliRunner().invoke(cli, ["watch", "center-bias", "--port", "0", "--device", "cpu"])
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("starting center-bias on camera 0\n")
    assert re.search(r"open http://127\.0\.0\.1:\d+/ \(Ctrl-C ends it\)", done.stdout)
    assert re.search(r"frames/s, latency \d+ ms \(median\), .* late and dropped$", done.stdout.strip())


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["a", "b", "c"], 2, "name a MODEL and a CAMERA"),
        (["no-such.mp4", "--port", "0"], 1, "neither the number of a camera, nor a URL, nor a video file"),
        (["center-bias", "97", "--port", "0"], 1, "cannot open camera 97"),
    ],
)
def test_what_cannot_be_watched_is_one_line(words: list[str], status: int, message: str) -> None:
    done = CliRunner().invoke(cli, ["watch", *words])
    assert (done.exit_code, message in done.output) == (status, True), done.output


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "a film with quite a long name that goes on and on.mp4"
    with video_writer(path, (90, 160), 25) as write:
        for number in range(50):
            image = np.full((90, 160, 3), 40, np.uint8)
            cv2.circle(image, (20 + 2 * number, 45), 12, (60, 90, 240), -1)
            write(image)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_film_as_a_camera_in_a_browser(browser: Any, film: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "salzoo", "watch", "spectral-residual", str(film), "--port", "0"]
    process = subprocess.Popen(
        [*command, "--engine", "torch"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ}
    )
    try:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        address = next(line.split()[1] for line in lines if line.startswith("open "))
        for width in WIDTHS:
            with visit(browser, address, width=width, dark=width == 820) as found:
                page = found.page
                page.locator("#says", has_text="live").wait_for()
                for _ in range(100):
                    if page.evaluate("() => document.querySelector('#picture').naturalWidth") == 160:
                        break
                    page.wait_for_timeout(100)
                assert page.locator("#picture").bounding_box()["width"] == 160  # type: ignore[index]
                assert "on and on.mp4" in page.title()
                page.locator("#pause").click()
                page.locator("#says", has_text="paused").wait_for()
                assert found.overflow() <= 0, found.beyond()
                assert found.violations() == []
                assert found.errors == []
                assert [url for url in found.requests if not url.startswith((address, "data:"))] == []
        began = time.perf_counter()
        process.send_signal(number)
        process.wait(20)
        assert time.perf_counter() - began < 2
        assert process.returncode == (0 if number == signal.SIGINT else 128 + number)
    finally:
        process.kill()
        errors = process.communicate()[1]
    assert errors in ("", f"salzoo: ended by {number.name}\n")


def test_an_address_is_shown_without_its_login() -> None:
    page = WatchPage("center-bias", "rtsp://admin:secret@cam/front?token=7")
    assert page.names["camera"] == "rtsp://cam/front"
    assert str(page.keeping) == "no frame was run"
