"""``salzoo data check``: what is wrong with a data set, video by video."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from salzoo.cli import cli
from salzoo.data import open_dataset
from salzoo.datasets.checking import check_dataset
from salzoo.datasets.synthetic import make_synthetic


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "set"
    make_synthetic(folder, videos=3, processes=1)
    return folder


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    """Videos 1, 601 and 701 of 60 frames, in DHF1K's layout."""
    return Path(shutil.copytree(made, tmp_path / "set"))


def check(root: Path, name: str = "dhf1k", *options: str) -> Result:
    return CliRunner().invoke(cli, ["data", "check", name, "--root", str(root), *options])


def problems(root: Path, name: str = "dhf1k") -> dict[str, list[str]]:
    result = check(root, name, "--json")
    report = json.loads(result.stdout)
    wrong = {video["id"]: video["problems"] for video in report["videos"] if video["problems"]}
    assert report["wrong"] == len(wrong)
    assert result.exit_code == (1 if wrong else 0)
    return wrong


def test_nothing_is_wrong(root: Path) -> None:
    result = check(root)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "dhf1k train: 1 of 600 videos, 60 frames",
        "dhf1k val: 1 of 100 videos, 60 frames",
        "dhf1k test: 1 of 300 videos, 60 frames",
        "nothing is wrong",
    ]
    assert check(root, "synthetic").exit_code == 0


def test_each_fault_is_listed_by_video_and_file(root: Path) -> None:
    first, second = root / "annotation" / "0001", root / "annotation" / "0601"
    for path in (first / "maps" / "0007.png", first / "fixation" / "0009.png"):
        path.write_bytes(path.read_bytes()[:-30])
    cv2.imwrite(str(first / "maps" / "0011.png"), np.zeros((90, 160), np.uint8))
    cv2.imwrite(str(first / "maps" / "0012.png"), np.zeros((90, 160), np.uint8))
    cv2.imwrite(str(first / "fixation" / "0013.png"), np.zeros((180, 320), np.uint16))
    (second / "fixation" / "0030.png").unlink()
    (second / "maps" / "0031.png").write_bytes(b"")
    avi = root / "video" / "701.AVI"
    avi.write_bytes(avi.read_bytes()[:-5000])
    found = problems(root)
    assert list(found) == ["0001", "0601", "0701"]
    unreadable, sizes, fixation, deep = found["0001"]
    assert f"{first / 'maps' / '0007.png'} is truncated" in unreadable
    assert sizes == "density map of frame 0011 (and of 1 more) has 90×160 pixels, the frame 180×320"
    assert f"{first / 'fixation' / '0009.png'} is truncated" in fixation
    assert f"{first / 'fixation' / '0013.png'} is an image of 16 bits" in deep
    assert any("number 30 is missing" in line for line in found["0601"])
    assert any(line.endswith("0031.png is empty") for line in found["0601"])
    assert all("701.AVI" in line for line in found["0701"])
    text = check(root)
    assert text.exit_code == 1
    assert "val 0601:\n  " in text.stdout
    assert text.stdout.endswith("3 of 3 videos have problems\n")


def test_unequal_counts_name_video_and_counts(root: Path) -> None:
    for kind in ("maps", "fixation"):
        (root / "annotation" / "0001" / kind / "0060.png").unlink()
    (line,) = problems(root)["0001"]
    assert "video 0001 has different numbers of frames: 60 in" in line
    assert "59 in" in line


def test_annotation_may_lack_in_the_whole_test_split_alone(root: Path) -> None:
    shutil.rmtree(root / "annotation" / "0701")
    assert problems(root) == {}
    assert "dhf1k test: 1 of 300 videos, 60 frames, 1 without annotation" in check(root).stdout
    shutil.copytree(root / "annotation" / "0001", root / "kept")
    shutil.rmtree(root / "annotation" / "0001" / "fixation")
    assert problems(root) == {"0001": ["it has no fixation maps, which others have"]}
    shutil.rmtree(root / "annotation" / "0001")
    shutil.copytree(root / "kept", root / "annotation" / "0001")
    shutil.rmtree(root / "annotation" / "0601")
    assert problems(root) == {"0601": ["it has no density maps and no fixation maps"]}


def test_missing_video_file(root: Path) -> None:
    (root / "video" / "001.AVI").unlink()
    (line,) = problems(root)["0001"]
    assert "no frames of video 0001" in line


def test_images_after_an_unreadable_one_are_read_too(tmp_path: Path) -> None:
    for kind in ("images", "maps", "fixation"):
        folder = tmp_path / "training" / "Run-Side-001" / kind
        folder.mkdir(parents=True)
        for number in range(1, 31):
            cv2.imwrite(str(folder / f"Run-Side_001_{number:03d}.png"), np.full((18, 32), 9, np.uint8))
    assert problems(tmp_path, "ucfsports") == {}
    bad = [tmp_path / "training" / "Run-Side-001" / "images" / f"Run-Side_001_{n:03d}.png" for n in range(2, 26, 2)]
    for path in bad:
        path.write_bytes(b"\0")
    lines = problems(tmp_path, "ucfsports")["Run-Side-001"]
    assert len(lines) == len(bad) == 12
    assert all(path.name in line for path, line in zip(bad, lines, strict=True))
    assert "  and 2 more (--json lists all)" in check(tmp_path, "ucfsports").stdout
    bad[0].unlink()  # the counts disagree, and the files are read nevertheless
    lines = problems(tmp_path, "ucfsports")["Run-Side-001"]
    assert "in images number 2 is missing" in lines[0]
    assert len(lines) == 12


def test_every_number_of_processes_finds_the_same(root: Path) -> None:
    (root / "annotation" / "0601" / "maps" / "0031.png").write_bytes(b"")
    dataset = open_dataset("dhf1k", root)
    assert check_dataset(dataset, processes=1) == check_dataset(dataset, processes=2)


def test_folders_that_hold_no_data_set(tmp_path: Path) -> None:
    result = check(tmp_path)
    assert result.exit_code == 1
    assert "no DHF1K videos in" in result.stderr
    result = CliRunner().invoke(cli, ["data", "check", "dhf1k"])
    assert result.exit_code == 1
    assert "--root DIR" in result.stderr
