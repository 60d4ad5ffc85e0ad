"""Many inputs in one folder: each output once, whole, the same whatever the number of processes; failures by name."""

import csv
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from salzoo.cli import cli
from salzoo.prediction import corpus
from salzoo.runtime.locking import locked
from salzoo.runtime.ranks import Rank
from salzoo.video.pictures import write_image
from salzoo.video.writing import video_writer

SIZE = (32, 48)
PLAIN = ("spectral-residual", "--device", "cpu", "--engine", "torch", "--precision", "float32")


def write_clips(folder: Path, count: int) -> None:
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(count):
        with video_writer(folder / f"v{number:02d}.avi", SIZE, 10) as write:
            for _ in range(2 + number * 7 % 5):
                write(rng.integers(0, 255, (*SIZE, 3), np.uint8))


def plant_damaged(folder: Path) -> set[str]:
    """Files that are no videos; their names."""
    whole = (folder / "v00.avi").read_bytes()
    (folder / "empty.avi").touch()
    (folder / "cut.avi").write_bytes(whole[:300])
    (folder / "text.mp4").write_text("no video")
    (folder / "picture.png").write_text("no picture")
    return {"empty", "cut", "text", "picture"}


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "failed.csv"}


def failed_of(folder: Path) -> set[str]:
    with (folder / "failed.csv").open(newline="") as file:
        return {row["id"] for row in csv.DictReader(file)}


def run(*arguments: str, status: int = 0) -> str:
    result = CliRunner().invoke(cli, ["predict", *PLAIN, *arguments])
    assert result.exit_code == status, result.output
    return result.output


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_clips(Path("in"), 3)
    return tmp_path


def test_what_is_complete_stays_and_what_failed_is_named(folder: Path) -> None:
    damaged = plant_damaged(Path("in"))
    said = run("in", "-o", "out", "--as", "mkv", "--log-json", "log", status=3)
    assert said.splitlines()[-1] == "3 done, 12 frames; 0 were there; 4 failed (out/failed.csv)"
    assert failed_of(Path("out")) == damaged
    last = json.loads(Path("log").read_text().splitlines()[-1])
    assert (last["videos"], last["done"], last["failed"]) == (7, 3, 4)
    before = files_of(Path("out"))
    Path("out/v01.mkv").unlink()
    Path("out/.salzoo-00000000.mkv").touch()  # of a process that was killed
    Path("out/.in-flight").mkdir()
    Path("out/.in-flight/v00").touch()
    assert "1 done, 4 frames; 2 were there; 0 failed" in run("in", "-o", "out", "--as", "mkv")
    assert files_of(Path("out")) == before
    write_clips(Path("more"), 1)
    (Path("more") / "v00.avi").replace("in/text.mp4")
    said = run("in", "-o", "out", "--as", "mkv", "--retry-failed", status=3)
    assert "1 done, 2 frames; 0 were there; 3 failed" in said
    assert failed_of(Path("out")) == damaged - {"text"}
    assert Path("out/text.mkv").exists()


@pytest.mark.parametrize(("kind", "colours"), [("mp4", 3), ("mkv", 1), ("png", 1)])
def test_a_picture_among_videos_becomes_a_picture(folder: Path, kind: str, colours: int) -> None:
    for number in (1, 2):
        write_image(Path(f"in/photo {number}.png"), np.random.default_rng(0).integers(0, 255, (*SIZE, 3), np.uint8))
    Path("in/more").mkdir()
    said = run("in", "-o", "out", "--as", kind)
    assert "in: 1 folder passed over (more): name them too" in said
    assert "in: 2 numbered pictures, each by itself; with --sequence, frames of one video" in said
    assert "inputs: 3 videos, 2 pictures" in said
    assert "5 done, 14 frames; 0 were there; 0 failed" in said
    drawn = cv2.imread("out/photo 1.png", cv2.IMREAD_UNCHANGED)
    assert drawn is not None
    assert drawn.shape == ((*SIZE, 3) if colours == 3 else SIZE)
    assert Path("out/photo 1.png").read_bytes() == Path("out/photo 2.png").read_bytes()  # nothing of the one before
    assert {path.name for path in Path("out").glob("v00*")} == {"v00" if kind == "png" else f"v00.{kind}"}


def test_another_model_or_option_is_refused_by_name(folder: Path) -> None:
    run("in", "-o", "out", "--as", "csv")
    assert 'holds outputs of kind "csv", not "npz"' in run("in", "-o", "out", "--as", "npz", status=1)
    assert "holds outputs of selection" in run("in", "-o", "out", "--as", "csv", "--every", "2", status=1)
    result = CliRunner().invoke(cli, ["predict", "center-bias", *PLAIN[1:], "in", "-o", "out", "--as", "csv"])
    assert 'holds outputs of spec "spectral-residual", not "center-bias"' in result.output
    assert "holds files and no salzoo.json" in run("in", "-o", "in", status=1)


@pytest.mark.parametrize(
    "damage",
    [
        lambda record: {**record, "chosen": {"engine": "tensorrt", "precision": "float32"}},
        lambda record: {**record, "chosen": {"engine": "torch", "precision": ["float32"]}},
        lambda record: {**record, "chosen": "torch"},
        lambda record: [record],
    ],
)
def test_a_record_whose_values_cannot_be_is_damaged(folder: Path, damage: Callable[[Any], Any]) -> None:
    run("in", "-o", "out", "--as", "csv")
    path = Path("out/salzoo.json")
    path.write_text(json.dumps(damage(json.loads(path.read_text()))))
    assert "salzoo.json is damaged" in run("in", "-o", "out", "--as", "csv", status=1)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"asked": ' + "9" * 5000 + "}"])
def test_a_record_nested_without_end_is_damaged(folder: Path, text: str) -> None:
    Path("out").mkdir()
    Path("out/salzoo.json").write_text(text)
    assert "salzoo.json is damaged" in run("in", "-o", "out", "--as", "csv", status=1)


def test_a_folder_that_is_removed_ends_the_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The inputs are good: none of them has failed."""
    monkeypatch.setattr(corpus, "_run", lambda settled, *_: (shutil.rmtree(settled.folder), settled.out("x").touch()))
    assert "out was removed while outputs were written to it" in run("in", "-o", "out", "--as", "csv", status=1)
    assert not Path("out").exists()


def test_a_second_run_on_a_folder_says_so(folder: Path) -> None:
    Path("out").mkdir()
    with locked(Path("out"), Rank(0, 1), "is being written to"):
        assert "out is being written to by another process" in run("in", "-o", "out", status=1)
    assert not any(Path("out").iterdir())


def test_lists_of_inputs(folder: Path) -> None:
    Path("plain.txt").write_text("in/v00.avi\nin/gone.avi\n")
    run("--inputs", "plain.txt", "-o", "out", "--as", "npz", status=3)
    assert failed_of(Path("out")) == {"gone"}
    Path("named.csv").write_text("id,path\na.b,in/v00.avi\nc,in/v01.avi\n")
    run("--inputs", "named.csv", "-o", "named")
    assert {path.name for path in Path("named").iterdir()} == {"a.b", "c", "salzoo.json"}
    Path("bad.csv").write_text("id,path\n../a,in/v00.avi\n")
    assert "no output can be called '../a'" in run("--inputs", "bad.csv", "-o", "bad", status=1)
    Path("twice.txt").write_text("in/v00.avi\nin/../in/v00.avi\n")
    assert "would both be called v00" in run("--inputs", "twice.txt", "-o", "bad", status=1)
    assert not Path("bad").exists()


BOMB = """
import os, signal, salzoo.prediction.inputs as inputs
opened = inputs.Input.open
def open(self, *arguments):
    if self.name == "v01":
        os.kill(os.getpid(), signal.SIGKILL)
    return opened(self, *arguments)
inputs.Input.open = open
"""


@pytest.mark.slow
def test_a_video_that_kills_its_process_twice_is_passed_by(folder: Path) -> None:
    Path("site").mkdir()
    Path("site/sitecustomize.py").write_text(BOMB)
    command = [sys.executable, "-m", "salzoo", "predict", *PLAIN, "in", "-o", "out", "--as", "mkv"]
    environment = {**os.environ, "PYTHONPATH": "site"}
    killed = subprocess.run(command, env=environment, timeout=100)
    assert killed.returncode == -signal.SIGKILL
    assert subprocess.run(command, env=environment, timeout=100).returncode in (3, -signal.SIGKILL)
    assert subprocess.run(command, env=environment, timeout=100).returncode in (0, 3)
    assert failed_of(Path("out")) == {"v01"}
    assert {"v00.mkv", "v02.mkv"} <= files_of(Path("out")).keys()
    assert not Path("out/.in-flight").exists()


def launch(processes: int, restarts: int, out: str, log: Path, *agent: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "torch.distributed.run", "--max-restarts", str(restarts)]
    command += agent or ["--standalone"]
    command += ["--nproc-per-node", str(processes), "-m", "salzoo", "predict", *PLAIN, "in", "-o", out, "--as", "mkv"]
    with log.open("ab") as file:
        return subprocess.Popen(command, stdout=file, stderr=file, env={**os.environ, "OMP_NUM_THREADS": "1"})


def add_clips(count: int) -> None:
    """Put so many more videos among the inputs."""
    write_clips(Path("more"), count)
    for path in Path("more").iterdir():
        path.replace(Path("in") / path.name)


def workers_of(launcher: "subprocess.Popen[bytes]") -> list[int]:
    text = Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children").read_text()
    return [int(word) for word in text.split()]


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds processes in /proc")
def test_two_processes_and_kills_give_the_files_of_one(folder: Path) -> None:
    add_clips(30)
    damaged = plant_damaged(Path("in"))
    run("in", "-o", "one", "--as", "mkv", status=3)
    assert launch(2, 0, "two", Path("log")).wait(timeout=120) == 0, Path("log").read_text()
    assert files_of(Path("two")) == files_of(Path("one"))
    assert "4 failed (two/failed.csv)" in Path("log").read_text()

    rng = random.Random(0)
    launcher = launch(2, 20, "killed", Path("killed.log"))
    for kill in range(4):
        before = len(list(Path("killed").glob("*.mkv"))) if Path("killed").exists() else 0
        until = time.monotonic() + 60
        while launcher.poll() is None and time.monotonic() < until:
            if len(list(Path("killed").glob("*.mkv"))) > before:
                break
            time.sleep(0.05)
        time.sleep(rng.random() / 10)
        workers = workers_of(launcher) if launcher.poll() is None else []
        if kill == 3:
            launcher.kill()
            launcher.wait()
            while any(Path(f"/proc/{worker}").exists() for worker in workers):  # they end with it
                time.sleep(0.1)
        elif workers:
            os.kill(rng.choice(workers), signal.SIGKILL)
    assert launch(3, 0, "killed", Path("killed.log")).wait(timeout=120) == 0, Path("killed.log").read_text()
    assert files_of(Path("killed")) == files_of(Path("one"))
    assert failed_of(Path("killed")) == damaged


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds processes in /proc")
def test_two_agents_and_a_kill_give_the_files_of_one(folder: Path) -> None:
    add_clips(20)
    run("in", "-o", "one", "--as", "mkv")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    agent = ["--nnodes", "2", "--rdzv-backend", "c10d", "--rdzv-endpoint", f"127.0.0.1:{port}", "--rdzv-id", "corpus"]
    agent += ["--local-addr", "127.0.0.1"]
    first = launch(1, 3, "two", Path("first.log"), *agent)
    time.sleep(1)
    second = launch(1, 3, "two", Path("second.log"), *agent)
    until = time.monotonic() + 60
    while not list(Path("two").glob("*.mkv")) and time.monotonic() < until:
        time.sleep(0.05)
    os.kill(workers_of(second)[0], signal.SIGKILL)
    assert first.wait(timeout=120) == 0, Path("first.log").read_text()
    assert second.wait(timeout=120) == 0, Path("second.log").read_text()
    assert files_of(Path("two")) == files_of(Path("one"))
