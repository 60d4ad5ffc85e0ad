"""Live: the newest frame first, late ones counted, a page that shows them."""

import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

import salzoo
from salzoo.cli import cli
from salzoo.interfaces import SalzooError
from salzoo.prediction.camera import NewestFrames, read_camera
from salzoo.prediction.engines.torch_engine import torch_engine
from salzoo.prediction.inputs import FrameStream
from salzoo.prediction.live import live_page, watch


def picture(level: int) -> NDArray[np.uint8]:
    return np.full((36, 64, 3), level, np.uint8)


def test_late_frames_are_dropped_and_counted() -> None:
    may_go_on, all_there = threading.Event(), threading.Event()

    def camera() -> Iterator[NDArray[np.uint8]]:
        yield picture(0)
        may_go_on.wait(10)
        for level in (1, 2, 3, 4):
            yield picture(level)
        all_there.set()

    seen = watch(torch_engine(salzoo.load_model("center-bias")), FrameStream(NewestFrames(camera()), rate=None))
    first = next(seen)
    assert (int(first.frame[0, 0, 0]), first.dropped) == (0, 0)
    may_go_on.set()
    assert all_there.wait(10)
    (last,) = seen  # of four frames that came meanwhile, the newest
    assert (int(last.frame[0, 0, 0]), last.dropped) == (4, 3)
    assert 0 < last.latency < 60
    assert last.saliency.max() > last.saliency.min()


def test_what_a_camera_raises_is_raised() -> None:
    def camera() -> Iterator[NDArray[np.uint8]]:
        yield picture(0)
        raise SalzooError("the cable is out")

    with pytest.raises(SalzooError, match="the cable is out"):
        list(watch(torch_engine(salzoo.load_model("center-bias")), FrameStream(NewestFrames(camera()), rate=None)))


def test_the_page_shows_what_comes() -> None:
    with live_page() as (address, show):
        assert address.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(address, timeout=10) as page:
            assert b'src="/stream"' in page.read()
        show(picture(200))
        with urllib.request.urlopen(f"{address}stream", timeout=10) as stream:
            assert stream.readline() == b"--frame\r\n"
            assert stream.readline() == b"Content-Type: image/jpeg\r\n"
            length = int(stream.readline().split()[1])
            stream.readline()
            image = cv2.imdecode(np.frombuffer(stream.read(length), np.uint8), cv2.IMREAD_COLOR)
        assert image is not None
        assert image.shape == (36, 64, 3)
        assert abs(int(image.mean()) - 200) < 3
        with pytest.raises(SalzooError, match="cannot be used"), live_page(int(address.split(":")[2].strip("/"))):
            pass
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(address, timeout=2)


def test_sources_that_are_none() -> None:
    with pytest.raises(SalzooError, match="neither the number of a camera nor a URL"):
        next(read_camera("video.mp4"))
    with pytest.raises(SalzooError, match="cannot open camera 97"):
        next(read_camera("97"))


def test_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def camera(source: str) -> Iterator[NDArray[np.uint8]]:
        assert source == "0"
        for level in range(3):
            yield picture(level)
            time.sleep(0.05)

    monkeypatch.setattr("salzoo.prediction.inputs.read_camera", camera)
    result = CliRunner().invoke(cli, ["predict", "center-bias", "--live", "0", "--device", "cpu"])
    assert result.exit_code == 0, result.output
    assert "live at http://127.0.0.1:" in result.stdout
    assert "latency" in result.stdout.splitlines()[-1]
    assert "dropped" in result.stdout.splitlines()[-1]
    wrong = CliRunner().invoke(cli, ["predict", "center-bias", "video.mp4", "--live", "0"])
    assert wrong.exit_code == 2
    wrong = CliRunner().invoke(cli, ["predict", "center-bias", "video.mp4"])
    assert wrong.exit_code == 2
    assert "--out" in wrong.stderr
