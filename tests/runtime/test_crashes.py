"""A decoder that crashes takes its process along: the file is named all the same."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from salzoo.interfaces import SalzooError
from salzoo.runtime.crashes import being_read
from salzoo.runtime.pool import worker_pool


def crash_on(item: tuple[str, int]) -> str:
    name, number = item
    with being_read(name):
        if number:
            os.kill(os.getpid(), number)
            time.sleep(60)
    return name


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (signal.SIGSEGV, r"^a worker process crashed \(SIGSEGV\) while it read maps/0007.png; repair that file"),
        (signal.SIGKILL, "^a worker process was killed while it read maps/0007.png, perhaps for lack of memory"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_worker_that_dies_names_what_it_read(number: signal.Signals, message: str) -> None:
    items = [("maps/0001.png", 0), ("maps/0007.png", int(number)), ("maps/0009.png", 0)]
    with pytest.raises(SalzooError, match=message), worker_pool(crash_on, 2) as pool:
        list(pool.map_in_order(items))


SCRIPT = """
import os, sys
from salzoo.runtime.crashes import being_read, crashes_named
with crashes_named():
    with being_read("first.mp4"):
        pass
    with being_read("video/\\x1b[31m0601.avi"), being_read("maps/0001.png"):
        {how}
    with being_read("later.mp4"):
        pass
"""


@pytest.mark.parametrize("how", ["os.kill(os.getpid(), 11)", "raise SystemExit(3)", "pass"])
def test_a_process_that_crashes_names_what_it_read(how: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(how=how)], capture_output=True, text=True, timeout=60, check=False
    )
    if how.startswith("os.kill"):
        line = "salzoo: the process crashed, or was killed, while it read video/\\x1b[31m0601.avi, maps/0001.png"
        assert (ended.returncode, ended.stderr.splitlines()) == (-11, [line])
    else:
        assert (ended.returncode, ended.stderr) == (3 if "Exit" in how else 0, "")


@pytest.mark.slow
def test_eval_says_which_video_crashed_it(tiny_data: Path, tmp_path: Path) -> None:
    script = tmp_path / "crash.py"
    script.write_text(
        "import os\n"
        "from salzoo.cli import cli\n"
        "from salzoo.prediction import maps\n"
        "fit, fitted = maps.fit_frame, []\n"
        "def crash(*given):\n"
        "    fitted.append(1)\n"
        "    if len(fitted) == 3: os.kill(os.getpid(), 11)\n"
        "    return fit(*given)\n"
        "maps.fit_frame = crash\n"
        "cli()\n"
    )
    words = ["eval", "spectral-residual", "--dataset", "dhf1k", "--root", str(tiny_data), "--workers", "1"]
    ended = subprocess.run(
        [sys.executable, str(script), *words, "-o", str(tmp_path / "x.json")],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == -11
    (line,) = [line for line in ended.stderr.splitlines() if line.startswith("salzoo: ")]
    assert line.startswith("salzoo: the process crashed, or was killed, while it read ")
    assert ".AVI" in line
