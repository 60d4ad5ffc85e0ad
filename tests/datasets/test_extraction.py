"""``salzoo data prepare dhf1k``: frames of AVI files as images."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import salzoo
from salzoo.cli import cli
from salzoo.data import open_dataset
from salzoo.datasets.synthetic import make_synthetic


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "set"
    make_synthetic(folder, videos=2, processes=1)
    return folder


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    """Videos 1 and 601 of 60 frames."""
    return Path(shutil.copytree(made, tmp_path / "set"))


def prepare(root: Path, *options: str) -> Result:
    return CliRunner().invoke(cli, ["data", "prepare", "dhf1k", "--root", str(root), *options])


def test_frames_are_those_of_the_video(root: Path) -> None:
    before = [list(video.read_frames()) for video in open_dataset("dhf1k", root).videos]
    result = prepare(root)
    assert result.exit_code == 0
    assert "frames of 2 videos extracted, of 0 there already, of 0 failed" in result.stdout
    images = root / "annotation" / "0601" / "images"
    assert sorted(path.name for path in images.iterdir()) == [f"{index:04d}.png" for index in range(1, 61)]
    shutil.rmtree(root / "video")
    for video, frames in zip(open_dataset("dhf1k", root).videos, before, strict=True):
        assert video.frames == 60
        assert all(np.array_equal(a, b) for a, b in zip(video.read_frames(), frames, strict=True))


def test_what_is_complete_is_kept(root: Path) -> None:
    prepare(root)
    kept = root / "annotation" / "0001" / "images"
    times = {path: path.stat().st_mtime_ns for path in kept.iterdir()}
    shutil.rmtree(root / "annotation" / "0601" / "images")
    result = prepare(root)
    assert "frames of 1 videos extracted, of 1 there already, of 0 failed" in result.stdout
    assert times == {path: path.stat().st_mtime_ns for path in kept.iterdir()}


def test_another_folder_becomes_a_root_of_its_own(root: Path, tmp_path: Path) -> None:
    before = sorted(root.rglob("*"))
    out = tmp_path / "deep" / "out"
    assert prepare(root, "--out", str(out)).exit_code == 0
    assert prepare(root, "--out", str(out)).stdout.startswith("frames of 0 videos extracted, of 2 there already")
    assert sorted(root.rglob("*")) == before
    for video, original in zip(open_dataset("dhf1k", out).videos, open_dataset("dhf1k", root).videos, strict=True):
        assert video.id == original.id
        assert all(np.array_equal(a, b) for a, b in zip(video.read_frames(), original.read_frames(), strict=True))
        assert np.array_equal(video.read_density(5), original.read_density(5))
        assert np.array_equal(video.read_fixations(5), original.read_fixations(5))


def test_a_damaged_video_does_not_stop_the_others(root: Path) -> None:
    avi = root / "video" / "001.AVI"
    avi.write_bytes(avi.read_bytes()[:-5000])
    result = prepare(root)
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1].startswith("0001: ")
    assert "001.AVI" in result.stderr
    assert "frames of 1 videos extracted, of 0 there already, of 1 failed" in result.stdout
    assert sorted(path.name for path in (root / "annotation" / "0001").iterdir()) == ["fixation", "maps"]


def test_images_of_another_number_are_not_touched(root: Path) -> None:
    prepare(root)
    (root / "annotation" / "0001" / "images" / "0060.png").unlink()
    result = prepare(root)
    assert result.exit_code == 1
    assert "holds 59 images" in result.stderr
    assert "has 60 frames; remove the folder" in result.stderr
    assert len(list((root / "annotation" / "0001" / "images").iterdir())) == 59


def test_interrupt_leaves_only_complete_videos(tmp_path: Path, made: Path) -> None:
    root = tmp_path / "set"
    (root / "video").mkdir(parents=True)
    for number in range(1, 201):
        (root / "video" / f"{number:03d}.AVI").symlink_to(made / "video" / "001.AVI")
    environment = {**os.environ, "PYTHONPATH": str(Path(salzoo.__file__).parents[1])}
    command = [sys.executable, "-m", "salzoo", "data", "prepare", "dhf1k", "--root", str(root)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not list(root.glob("annotation/*/images")):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode not in (0, None)
    assert "Traceback" not in errors
    written = list(root.glob("annotation/*/*"))
    assert {path.name for path in written} == {"images"}
    assert 0 < len(written) < 200
    assert all(len(list(path.iterdir())) == 60 for path in written)


def test_roots_without_avi(tmp_path: Path) -> None:
    result = prepare(tmp_path)
    assert result.exit_code == 1
    assert "has no AVI files" in result.stderr
    assert "--root DIR" in CliRunner().invoke(cli, ["data", "prepare", "dhf1k"]).stderr
    assert CliRunner().invoke(cli, ["data", "prepare", "salicon"]).exit_code == 2
