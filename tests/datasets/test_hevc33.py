"""hevc33 as its authors publish it, made small: MATLAB 7.3 and short videos."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from salzoo.data import open_dataset
from salzoo.datasets.hevc33 import read_table, split_folds
from salzoo.evaluation.models import Scoring, evaluate
from salzoo.gaze.truth import read_density
from salzoo.interfaces import SalzooError
from salzoo.testing import check_dataset
from salzoo.video.writing import video_writer

HEIGHT, WIDTH, RATE, FRAMES = 48, 64, 25.0, 12
NAMES = ["BasketballDrive", "Kimono", "Yan", "Lee", "Male", "Tennis", "Keiba", "Simo"]

ROWS = [  # observer, video, start and duration in ms, x, y
    (1, 1, 0, 60, 10.0, 20.0),  # frames 0 and 1: until 60 ms
    (1, 1, 90, 100, 30.0, 20.0),  # frames 2 to 4: from 90 to 190 ms
    (2, 1, 40, 40, 70.0, 20.0),  # frame 1 alone, and outside
    (2, 2, 0, 480, 5.0, 5.0),
    (1, 1, np.nan, 10, 1.0, 1.0),
]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("hevc33")
    (root / "videos").mkdir()
    rng = np.random.default_rng(0)
    for name in NAMES:
        with video_writer(root / "videos" / f"{name.replace('llD', 'll D')}.avi", (HEIGHT, WIDTH), RATE) as write:
            for _ in range(FRAMES):
                write(rng.integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8))
    rows = [*ROWS, *((1, number, 0, 400, 8.0, 8.0) for number in range(3, len(NAMES) + 1))]
    with h5py.File(root / "video_database.mat", "w") as file:

        def texts(path: str, values: list[str]) -> None:
            refs = []
            for number, value in enumerate(values):
                file[f"#refs#/{path}{number}"] = np.array([[ord(each)] for each in value], np.uint16)
                refs.append(file[f"#refs#/{path}{number}"].ref)
            file.create_dataset(f"video_database/{path}", data=np.array([refs], h5py.ref_dtype))

        texts("video_names_list", NAMES)
        texts("subj_names_list", ["A", "B"])
        file["video_database/fixdata"] = np.array(rows, float).T
        file["video_database/videos_info/size"] = np.array([[WIDTH] * len(NAMES), [HEIGHT] * len(NAMES)], float)
        file["video_database/videos_info/framerate_fps"] = np.full((1, len(NAMES)), RATE)
    return root


def test_it_keeps_the_contract(root: Path) -> None:
    assert not check_dataset("hevc33", root).findings


def test_a_fixation_lies_on_the_frames_during_which_it_lasts(root: Path) -> None:
    video: Any = open_dataset("hevc33", root).videos[0]
    assert (video.id, video.size, video.frames, video.observers) == ("BasketballDrive", (HEIGHT, WIDTH), FRAMES, 2)
    seen = [[points.tolist() for points in video.read_gaze(index)] for index in range(6)]
    border = float(np.nextafter(np.float32(WIDTH), np.float32(0)))
    assert seen[0] == [[[10.0, 20.0]], []]
    assert seen[1] == [[[10.0, 20.0]], [[border, 20.0]]]
    assert seen[2] == seen[3] == seen[4] == [[[30.0, 20.0]], []]
    assert seen[5] == [[], []]
    assert not read_density(video, 5).any()


def test_frames_without_gaze_are_not_scored(root: Path) -> None:
    (result, *_) = evaluate(["center-bias"], Scoring("hevc33:fold=3", root=root, split="train"), workers=1)
    videos: list[Any] = open_dataset("hevc33:fold=3", root).split("train")
    looked = sum(any(map(len, video.read_gaze(index))) for video in videos for index in range(FRAMES))
    assert result.frames == looked < FRAMES * len(videos)


def test_the_first_fixation_of_an_observer_can_be_left_out(root: Path) -> None:
    video: Any = open_dataset("hevc33:first=false", root).videos[0]
    assert [len(points) for points in video.read_gaze(0)] == [0, 0]
    assert [len(points) for points in video.read_gaze(2)] == [1, 0]


def test_every_video_is_held_out_once() -> None:
    tests = [split_folds(33, fold) for fold in range(5)]
    order = np.random.RandomState(0).permutation(33)
    assert [number for number, split in enumerate(tests[2]) if split == "test"] == sorted(order[2::5])
    assert all(sum(each[number] == "test" for each in tests) == 1 for number in range(33))
    assert all(each.count("val") == 3 for each in tests)
    assert set(split_folds(33, 5)) == {"train", "val"}


def test_what_is_wrong_is_said(root: Path, tmp_path: Path) -> None:
    with pytest.raises(SalzooError, match="fold must be 0 to 4, or 5"):
        open_dataset("hevc33:fold=6", root)
    with pytest.raises(SalzooError, match=r"video_database\.mat does not exist"):
        open_dataset("hevc33", tmp_path)
    (tmp_path / "video_database.mat").write_bytes(b"no HDF5")
    with pytest.raises(SalzooError, match=r"not a MATLAB file of version 7\.3"):
        open_dataset("hevc33", tmp_path)
    (tmp_path / "video_database.mat").write_bytes((root / "video_database.mat").read_bytes())
    read_table.cache_clear()
    with pytest.raises(SalzooError, match=r"lacks BasketballDrive\.avi and 7 more of the 8 videos"):
        open_dataset("hevc33", tmp_path)
