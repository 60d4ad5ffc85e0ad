"""``salzoo predict`` as a user meets it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from click.testing import CliRunner

from salzoo import create_model
from salzoo.cli import cli
from salzoo.hub.checkpoint import save_checkpoint
from salzoo.video.reading import probe_video
from salzoo.video.writing import video_writer


def write_video(path: Path, frames: int, size: tuple[int, int] = (48, 64)) -> Path:
    with video_writer(path, size, 25) as write:
        for index in range(frames):
            frame = np.full((*size, 3), 90, np.uint8)
            frame[10:20, index % 40 : index % 40 + 10] = 220
            write(frame)
    return path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "output"
    folder.mkdir()
    return folder


def test_overlay_of_a_checkpoint(tmp_path: Path, out: Path) -> None:
    torch.manual_seed(0)
    save_checkpoint(create_model("salgan:width=0.05+ema@61"), tmp_path / "checkpoint", "# Slim\n")
    video = write_video(tmp_path / "video.avi", 10)
    command = ["predict", str(tmp_path / "checkpoint"), str(video), "-o", str(out / "overlay.webm"), "--device", "cpu"]
    result = CliRunner().invoke(cli, command)
    assert result.exit_code == 0, result.output
    device, engine, summary = result.stdout.splitlines()
    assert device == "device: cpu"
    assert engine.startswith("engine: ")
    assert summary.startswith(f"{out / 'overlay.webm'}: 10 frames in ")
    assert summary.endswith(" frames/s")
    assert result.stderr == ""  # no progress bar where no terminal is
    assert probe_video(out / "overlay.webm").frames == 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["spectral-residual", "video.avi", "-o", "overlay.mov"], "salzoo: cannot write overlay.mov: "),
        (["spectral-residual", "video.avi", "-o", "video.avi/x.mp4"], "salzoo: cannot write video.avi/x.mp4: "),
        (["spectral-residual", "truncated.avi", "-o", "overlay.mp4"], "salzoo: truncated.avi is truncated"),
        (["spectral-residual", "nothing.avi", "-o", "overlay.mp4"], "salzoo: nothing.avi does not exist"),
        (["spectral-residual", "video.avi", "-o", "overlay.mp4", "--device", "tpu"], "salzoo: unknown device 'tpu'"),
        (["salgan+ema@61", "video.avi", "-o", "overlay.mp4"], "salzoo: salgan+ema@61 is a spec without weights"),
    ],
)
def test_errors_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    content = write_video(Path("video.avi"), 30).read_bytes()
    Path("truncated.avi").write_bytes(content[: len(content) // 2])
    result = CliRunner().invoke(cli, ["predict", *arguments])
    assert result.exit_code == 1
    assert result.stderr.startswith(message)
    assert result.stderr.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["truncated.avi", "video.avi"]


def test_a_name_with_modules_behind_it_is_told_as_a_spec(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "in.png"), np.full((48, 64, 3), 90, np.uint8))
    words = ["predict", "gaze-lite+none@output", str(tmp_path / "in.png"), "-o", str(tmp_path / "out.png")]
    done = CliRunner().invoke(cli, [*words, "--engine", "torch", "--precision", "float32"])
    assert done.exit_code == 0, done.output
    (line,) = (line for line in done.output.splitlines() if line.startswith("model: "))
    assert line.startswith("model: timm:arch=")
    assert "ema" not in line


def test_wrong_usage_has_status_2() -> None:
    assert CliRunner().invoke(cli, ["predict", "spectral-residual", "video.avi"]).exit_code == 2


@pytest.mark.skipif(os.name != "posix", reason="sends a signal as POSIX does")
@pytest.mark.parametrize("name", ["overlay.webm", pytest.param("maps", marks=pytest.mark.slow)])
def test_ctrl_c_leaves_nothing(tmp_path: Path, out: Path, name: str) -> None:
    video = write_video(tmp_path / "video.mp4", 8000)
    command = [sys.executable, "-m", "salzoo", "predict", "spectral-residual", str(video), "-o", str(out / name)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 120
        while not any(path.is_file() and path.stat().st_size for path in out.rglob("*")):  # until frames come out
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1, stderr
    assert stderr.split() == ["Aborted!"]
    assert not list(out.iterdir())
