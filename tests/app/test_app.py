"""The page as people use it: the command in a process of its own, and Chromium before it."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from browser import WIDTHS, visit

pytest.importorskip("gradio")

FRAMES = 12


@dataclass
class Running:
    """The command, its page, and the folder that its temporary files go to."""

    process: "subprocess.Popen[str]"
    address: str
    folder: Path

    def interrupt(self) -> float:
        """Ctrl-C; the seconds until the process has ended."""
        began = time.perf_counter()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)
        return time.perf_counter() - began


@contextmanager
def app(folder: Path, *words: str) -> Iterator[Running]:
    environment = os.environ | {"TMPDIR": str(folder), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "salzoo", "app", "--port", "0", *words]
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8"
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.fullmatch(r"open (http://127\.0\.0\.1:\d+/) \(Ctrl-C ends it\)\n", line)
        assert found, line + process.stdout.read()
        yield Running(process, found[1], folder)
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with app(tmp_path_factory.mktemp("app")) as started:
        yield started


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from salzoo.video.writing import video_writer

    path = tmp_path_factory.mktemp("clip") / "a <b> clip.mp4"
    with video_writer(path, (90, 160), 25) as write:
        for number in range(FRAMES):
            image = np.full((90, 160, 3), 40, np.uint8)
            cv2.circle(image, (20 + 8 * number, 45), 12, (60, 90, 240), -1)
            write(image)
    return path


@pytest.mark.slow
def test_ctrl_c_ends_it_and_leaves_nothing(tmp_path: Path) -> None:
    with app(tmp_path, "center-bias") as started:
        with urllib.request.urlopen(started.address) as answer:
            assert answer.status == 200
        with pytest.raises(urllib.error.HTTPError, match="400"):  # a name of elsewhere that points here
            urllib.request.urlopen(urllib.request.Request(started.address, headers={"Host": "elsewhere.example"}))
        assert len(list(tmp_path.glob("salzoo-*"))) == 1
        assert started.interrupt() < 2
        assert list(tmp_path.glob("salzoo-*")) == []


def drop(page: Any, *files: Path) -> None:
    page.locator("input[type=file]").first.set_input_files([str(file) for file in files])


def says(page: Any, text: str) -> None:
    page.locator(".says", has_text=text).wait_for(timeout=60_000)


@pytest.mark.slow
@pytest.mark.parametrize("width", WIDTHS)
def test_a_dropped_video_is_shown(browser, running: Running, clip: Path, width: int) -> None:
    with visit(browser, running.address, width=width) as seen:
        drop(seen.page, clip)
        says(seen.page, f"{FRAMES} of {FRAMES} frames")
        picture = seen.page.locator(".looks img")
        assert picture.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [160, 90]
        assert seen.overflow() <= 0, seen.beyond()
        assert seen.errors == []
        assert [url for url in seen.requests if not url.startswith((running.address, "data:", "blob:"))] == []
        if "SALZOO_SCREENSHOTS" in os.environ:
            seen.page.screenshot(path=f"{os.environ['SALZOO_SCREENSHOTS']}/app-{width}.png", full_page=True)
