"""SALICON: still images with fixations in MATLAB files of both published forms."""

import pickle
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from scipy.io import savemat

from salzoo.cli import cli
from salzoo.data import open_dataset
from salzoo.datasets.matlab import read_mat_fixations
from salzoo.interfaces import SalzooError
from salzoo.testing import check_dataset

HEIGHT, WIDTH = 48, 64


def write_gaze(path: Path, observers: list[list[tuple[int, int]]]) -> None:
    """A file as SALICON has them now: one row of the struct array an observer."""
    gaze = np.zeros((len(observers), 1), [("location", "O"), ("timestamp", "O"), ("fixations", "O")])
    for row, points in zip(gaze[:, 0], observers, strict=True):
        row["location"] = np.full((3, 2), 7.5)
        row["timestamp"] = np.arange(3)[:, None]
        row["fixations"] = np.array(points, np.uint16) if points else np.zeros((0, 0))
    savemat(path, {"image": path.stem, "resolution": [[HEIGHT, WIDTH]], "gaze": gaze}, do_compression=True)


def name(split: str, number: int) -> str:
    return f"COCO_{split}2014_{number:012d}"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for split, numbers in (("train", (581, 9)), ("val", (42,)), ("test", (1,))):
        for folder in ("images", f"maps/{split}", f"fixations/{split}"):
            if folder == "images" or split != "test":
                (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        for number in numbers:
            grey = np.full((HEIGHT, WIDTH), number % 256, np.uint8)
            cv2.imwrite(str(tmp_path / "images" / f"{name(split, number)}.jpg"), grey)
            if split != "test":
                cv2.imwrite(str(tmp_path / "maps" / split / f"{name(split, number)}.png"), grey)
                path = tmp_path / "fixations" / split / f"{name(split, number)}.mat"
                write_gaze(path, [[(1, 1), (WIDTH, HEIGHT)], [], [(10, 20), (1, 1)]])
    return tmp_path


EXPECTED = np.zeros((HEIGHT, WIDTH), bool)
EXPECTED[[0, HEIGHT - 1, 19], [0, WIDTH - 1, 9]] = True


def test_it_keeps_the_contract(root: Path) -> None:
    check_dataset("salicon", root)


def test_images_are_videos_of_one_frame(root: Path) -> None:
    dataset = open_dataset("salicon", root)
    assert [(video.id, video.split) for video in dataset.videos] == [
        (name("train", 9), "train"),
        (name("train", 581), "train"),
        (name("val", 42), "val"),
        (name("test", 1), "test"),
    ]
    video = dataset.videos[0]
    assert (video.frames, video.annotated, video.frame_name(0)) == (1, True, video.id)
    for start, stop, count in ((0, None, 1), (0, 1, 1), (0, 5, 1), (1, None, 0), (0, 0, 0)):
        assert len(list(video.read_frames(start, stop))) == count
    (frame,) = video.read_frames()
    assert frame.shape == (HEIGHT, WIDTH, 3)
    assert abs(float(frame.mean()) - 9) < 2
    assert np.array_equal(video.read_density(0), np.full((HEIGHT, WIDTH), 9, np.uint8))
    assert np.array_equal(video.read_fixations(0), EXPECTED)


def test_older_files_hold_the_map_itself(root: Path) -> None:
    path = root / "fixations" / "val" / f"{name('val', 42)}.mat"
    savemat(path, {"I": EXPECTED.astype(np.uint8)})
    (video,) = open_dataset("salicon", root).split("val")
    assert np.array_equal(video.read_fixations(0), EXPECTED)


def test_fixation_maps_as_images_and_images_in_folders_of_splits(root: Path) -> None:
    folder = root / "fixations" / "val"
    (folder / f"{name('val', 42)}.mat").unlink()
    cv2.imwrite(str(folder / f"{name('val', 42)}.png"), EXPECTED.astype(np.uint8) * 255)
    (root / "images" / "val").mkdir()
    image = root / "images" / f"{name('val', 42)}.jpg"
    image.rename(root / "images" / "val" / image.name)
    (video,) = open_dataset("salicon", root).split("val")
    assert np.array_equal(video.read_fixations(0), EXPECTED)
    assert len(list(video.read_frames())) == 1


def test_the_test_split_has_no_annotation(root: Path) -> None:
    (video,) = open_dataset("salicon", root).split("test")
    assert not video.annotated
    assert len(list(video.read_frames())) == 1
    for read in (video.read_density, video.read_fixations):
        with pytest.raises(SalzooError, match=f"{video.id} has no annotation"):
            read(0)


def test_files_of_other_programs_are_left_out(root: Path) -> None:
    for folder in ("images", "maps/train", "fixations/train"):
        for junk in (".DS_Store", f"._{name('train', 9)}.png", "index.html", "picture.jpg", f"{name('train', 3)}.txt"):
            (root / folder / junk).write_bytes(b"\0")
    assert len(open_dataset("SALICON", root).videos) == 4


def test_missing_files_are_named(root: Path) -> None:
    for file in (f"images/{name('train', 9)}.jpg", f"maps/train/{name('train', 581)}.png"):
        (root / file).unlink()
    first, second = open_dataset("salicon", root).split("train")
    with pytest.raises(SalzooError, match=r"images.COCO_train2014_000000000009\.jpg does not exist"):
        list(first.read_frames())
    with pytest.raises(SalzooError, match=r"maps.train.COCO_train2014_000000000581\.png does not exist"):
        second.read_density(0)
    (root / "fixations" / "val" / f"{name('val', 42)}.mat").unlink()
    (video,) = open_dataset("salicon", root).split("val")
    with pytest.raises(SalzooError, match=r"000000000042\.mat does not exist"):
        video.read_fixations(0)


def test_records_survive_pickling(root: Path) -> None:
    for video in open_dataset("salicon", root).videos:
        assert pickle.loads(pickle.dumps(video)) == video


def test_folders_without_the_data_set(tmp_path: Path) -> None:
    with pytest.raises(SalzooError, match="expected images/COCO_train2014"):
        open_dataset("salicon", tmp_path)
    with pytest.raises(SalzooError, match="--root"):
        open_dataset("salicon")


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"J": np.eye(3)}, "holds no fixations"),
        ({"I": "text"}, "not a map of numbers"),
        ({"I": np.zeros((2, 3, 4))}, "not a map of numbers"),
        ({"gaze": np.eye(3), "resolution": [[3, 4]]}, "no field of fixations"),
    ],
)
def test_matlab_files_that_hold_something_else(tmp_path: Path, variables: dict[str, object], message: str) -> None:
    savemat(tmp_path / "a.mat", variables)
    with pytest.raises(SalzooError, match=rf"a\.mat.*{message}|{message}.*|variable I of .*a\.mat"):
        read_mat_fixations(tmp_path / "a.mat")


@pytest.mark.parametrize("point", [(0, 5), (5, 0), (WIDTH + 1, 5), (5, HEIGHT + 1)])
def test_fixations_outside_the_image_are_errors(tmp_path: Path, point: tuple[int, int]) -> None:
    write_gaze(tmp_path / "a.mat", [[(3, 3)], [point]])
    with pytest.raises(SalzooError, match=rf"a\.mat has a fixation at x {point[0]}, y {point[1]}, outside"):
        read_mat_fixations(tmp_path / "a.mat")


def test_damaged_matlab_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    write_gaze(path, [[(3, 3)]])
    whole = path.read_bytes()
    for data in (b"", b"text", whole[:60], whole[: len(whole) // 2], whole[:-9]):
        path.write_bytes(data)
        with pytest.raises(SalzooError, match=r"a\.mat"):
            read_mat_fixations(path)
    path.write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + bytes(512))
    with pytest.raises(SalzooError, match=r"a\.mat: .*7\.3"):
        read_mat_fixations(path)


def test_scipy_is_asked_for_by_name(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (video,) = open_dataset("salicon", root).split("val")
    monkeypatch.setitem(sys.modules, "scipy.io", None)
    assert video.read_density(0).shape == (HEIGHT, WIDTH)
    with pytest.raises(SalzooError, match=r"needs scipy.*pip install 'salzoo\[mat\]'"):
        video.read_fixations(0)


def test_scoring_the_test_split_says_why_not(root: Path) -> None:
    result = CliRunner().invoke(
        cli, ["eval", "spectral-residual", "--dataset", "salicon", "--root", str(root), "--split", "test"]
    )
    assert result.exit_code == 1
    assert "salicon test cannot be scored: no annotation of 1 videos" in result.stderr
