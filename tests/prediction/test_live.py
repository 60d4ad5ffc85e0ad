"""Live: the newest frame first, late ones counted."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import salzoo
from salzoo.interfaces import SalzooError
from salzoo.prediction.camera import NewestFrames, read_camera
from salzoo.prediction.engines.torch_engine import torch_engine
from salzoo.prediction.inputs import FrameStream
from salzoo.prediction.live import watch
from salzoo.video.writing import video_writer


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


def test_sources_that_are_none() -> None:
    with pytest.raises(SalzooError, match="neither the number of a camera, nor a URL, nor a video file"):
        next(read_camera("video.mp4"))
    with pytest.raises(SalzooError, match="cannot open camera 97"):
        next(read_camera("97"))


def test_a_film_plays_again_and_again_at_its_own_pace(tmp_path: Path) -> None:
    with video_writer(tmp_path / "film.mkv", (36, 64), 20) as write:
        for level in range(4):
            write(picture(60 * level))
    frames = read_camera(str(tmp_path / "film.mkv"))
    began = time.perf_counter()
    levels = [int(next(frames)[0, 0, 0]) for _ in range(9)]
    assert time.perf_counter() - began > 0.35  # the ninth frame is shown at 8 / 20 s
    np.testing.assert_allclose(levels, [0, 60, 120, 180, 0, 60, 120, 180, 0], atol=2)
