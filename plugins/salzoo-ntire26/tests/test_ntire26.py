"""The challenge's layout is read, and what is written for it is checked."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from salzoo_ntire26.dataset import read_fixations

from salzoo import SalzooError, open_dataset
from salzoo.cli import cli
from salzoo.testing import check_dataset

HEIGHT, WIDTH, FRAMES = 48, 64, 6
SUBSETS = {"train": ["one"], "public_test": ["two"], "private_test": ["three"]}


def write_video(path: Path, frames: list[np.ndarray[Any, Any]], kind: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"crf": "0"}
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format=kind)))
        container.mux(stream.encode())


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("challenge")
    (folder / "TrainTestSplit.json").write_text(json.dumps(SUBSETS))
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    for number, name in enumerate(name for names in SUBSETS.values() for name in names):
        part = "Train" if name == "one" else "Test"
        centres = [(10 + 3 * t, 12 + 7 * t + number) for t in range(FRAMES)]
        maps = [np.exp(-((y - r) ** 2 + (x - c) ** 2) / 60) for r, c in centres]
        pictures = [np.repeat((60 + 150 * m)[..., None], 3, 2).astype(np.uint8) for m in maps]
        write_video(folder / "Videos" / f"{name}.mp4", pictures, "bgr24")
        write_video(
            folder / f"Saliency{part}" / part / f"{name}.mp4", [(255 * m).astype(np.uint8) for m in maps], "gray"
        )
        gaze = folder / f"Fixations{part}" / part / name / "fixations.json"
        gaze.parent.mkdir(parents=True)
        gaze.write_text(json.dumps([[[r, c], [r + 1, c - 2]] for r, c in centres]))
    return folder


def test_the_layout_is_a_data_set(root: Path) -> None:
    dataset = open_dataset("avimos", root)
    assert {video.id: video.split for video in dataset.videos} == {"one": "train", "two": "val", "three": "test"}
    (video,) = dataset.split("val")
    assert (video.frames, video.rate) == (FRAMES, 25.0)  # type: ignore[attr-defined]
    fixated = np.argwhere(video.read_fixations(2)).tolist()  # type: ignore[attr-defined]
    assert fixated == [[16, 27], [17, 25]]
    for index in (4, 1, 2, 3):  # in any order
        density = video.read_density(index)  # type: ignore[attr-defined]
        assert np.unravel_index(density.argmax(), density.shape) == pytest.approx(
            (10 + 3 * index, 13 + 7 * index), abs=1
        )
    assert len(list(video.read_frames(1, 4))) == 3
    check_dataset("ntire26", str(root))


def test_it_is_scored(root: Path, tmp_path: Path) -> None:
    words = ["eval", "spectral-residual", "--dataset", "ntire26", "--root", str(root), "-o", str(tmp_path / "a.json")]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 0, done.output
    assert "6 frames" in done.output


def test_a_submission_is_checked(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "maps"
    words = ["predict", "center-bias", str(root / "Videos" / "two.mp4"), "-o", str(out), "--as", "mp4", "--view", "map"]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 0, done.output

    def check(split: str) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-m", "salzoo_ntire26", str(out), "--root", str(root), "--split", split]
        return subprocess.run(words, capture_output=True, text=True)

    (out / "salzoo.json").unlink(missing_ok=True)
    assert check("val").stdout.endswith("maps: a video of maps for each of the 1 videos of val\n")
    assert "lacks three.mp4" in check("test").stderr
    write_video(out / "two.mp4", [np.zeros((HEIGHT, WIDTH), np.uint8)] * 3, "gray")
    assert "have 3 frames, its video 6" in check("val").stderr


@settings(deadline=None)
@given(text=st.text(max_size=40) | st.recursive(st.integers() | st.none(), st.lists, max_leaves=8).map(json.dumps))
def test_any_other_json_is_one_line(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("gaze") / "fixations.json"
    path.write_text(text, encoding="utf-8")
    try:
        points = read_fixations(path)
    except SalzooError:
        return
    assert all(each.shape == (len(each), 2) for each in points)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(SalzooError, match=r"cannot read .*TrainTestSplit\.json"):
        open_dataset("ntire26", tmp_path)
    (tmp_path / "TrainTestSplit.json").write_text('{"train": ["one"]}')
    with pytest.raises(SalzooError, match="has none of the videos"):
        open_dataset("ntire26", tmp_path)
