"""Hollywood-2 and UCF-Sports: a folder a video."""

import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest

from salzoo.data import open_dataset
from salzoo.interfaces import SalzooError, Video
from salzoo.testing import check_dataset

KINDS = ("images", "maps", "fixation")


def write_shot(folder: Path, prefix: str, numbers: list[int], size: tuple[int, int], width: int) -> Path:
    """Flat images, whose value is the frame's number."""
    for kind in KINDS:
        (folder / kind).mkdir(parents=True)
        for number in numbers:
            name = f"{prefix}_{number:0{width}d}.png"
            cv2.imwrite(str(folder / kind / name), np.full(size, number, np.uint8))
    return folder


@pytest.fixture
def hollywood2(tmp_path: Path) -> Path:
    for split, clip, shot, numbers, size in (
        ("training", "actioncliptrain00001", 2, [95, 96], (18, 32)),
        ("training", "actioncliptrain00001", 10, [97, 98, 99, 100, 101], (18, 32)),
        ("training", "actioncliptrain00002", 1, [1], (20, 24)),
        ("testing", "actioncliptest00001", 1, [1, 2], (24, 20)),
    ):
        write_shot(tmp_path / split / f"{clip}_{shot}", clip, numbers, size, 5)
    return tmp_path


@pytest.fixture
def ucfsports(tmp_path: Path) -> Path:
    for split, video, prefix, size in (
        ("training", "Swing-Bench-010", "Swing-Bench_010", (18, 32)),
        ("training", "Diving-Side-005", "Diving-Side_005", (24, 20)),
        ("testing", "Diving-Side-001", "Diving-Side_001", (20, 24)),
    ):
        write_shot(tmp_path / split / video, prefix, [1, 2, 3], size, 3)
    return tmp_path


def check_video(video: Video, numbers: list[int], size: tuple[int, int]) -> None:
    assert video.frames == len(numbers)
    assert video.annotated
    frames = list(video.read_frames())
    assert [int(frame[0, 0, 0]) for frame in frames] == numbers
    assert all(frame.shape == (*size, 3) and frame.dtype == np.uint8 for frame in frames)
    assert [int(frame[0, 0, 0]) for frame in video.read_frames(1, 3)] == numbers[1:3]
    for index, number in enumerate(numbers):
        density, fixations = video.read_density(index), video.read_fixations(index)
        assert np.array_equal(density, np.full(size, number, np.uint8))
        assert fixations.dtype == np.bool_
        assert fixations.shape == size
        assert fixations.all()


def test_hollywood2_keeps_the_contract(hollywood2: Path) -> None:
    check_dataset("hollywood2", hollywood2)


def test_ucfsports_keeps_the_contract(ucfsports: Path) -> None:
    check_dataset("ucfsports", ucfsports)


def test_hollywood2(hollywood2: Path) -> None:
    dataset = open_dataset("hollywood2", hollywood2)
    assert dataset.name == "hollywood2"
    assert [(video.id, video.split) for video in dataset.videos] == [
        ("actioncliptrain00001_2", "train"),
        ("actioncliptrain00001_10", "train"),
        ("actioncliptrain00002_1", "train"),
        ("actioncliptest00001_1", "test"),
    ]
    check_video(dataset.videos[0], [95, 96], (18, 32))
    check_video(dataset.videos[1], [97, 98, 99, 100, 101], (18, 32))
    check_video(dataset.videos[2], [1], (20, 24))
    check_video(dataset.split("test")[0], [1, 2], (24, 20))


def test_frames_are_named_as_the_clip_numbers_them(hollywood2: Path) -> None:
    shot = open_dataset("hollywood2", hollywood2).videos[1]
    assert [shot.frame_name(index) for index in range(5)] == ["00097", "00098", "00099", "00100", "00101"]


def test_ucfsports(ucfsports: Path) -> None:
    dataset = open_dataset("ucf-sports", ucfsports)
    assert dataset.name == "ucfsports"
    assert [(video.id, video.split) for video in dataset.videos] == [
        ("Diving-Side-005", "train"),
        ("Swing-Bench-010", "train"),
        ("Diving-Side-001", "test"),
    ]
    for video, size in zip(dataset.videos, [(24, 20), (18, 32), (20, 24)], strict=True):
        check_video(video, [1, 2, 3], size)
        assert [video.frame_name(index) for index in range(3)] == ["001", "002", "003"]


def test_there_is_no_validation_split(ucfsports: Path) -> None:
    with pytest.raises(SalzooError, match="ucfsports has no split 'val' here; it has test, train"):
        open_dataset("ucfsports", ucfsports).split("val")


def test_numbers_without_padding_are_sorted_by_value(tmp_path: Path) -> None:
    write_shot(tmp_path / "training" / "Run-Side-001", "Run-Side_001", list(range(8, 13)), (18, 32), 1)
    (video,) = open_dataset("ucfsports", tmp_path).videos
    check_video(video, [8, 9, 10, 11, 12], (18, 32))
    assert video.frame_name(2) == "10"


def test_files_of_other_programs_are_left_out(hollywood2: Path) -> None:
    shot = hollywood2 / "training" / "actioncliptrain00001_2"
    for folder in (hollywood2, hollywood2 / "training", *(shot / kind for kind in KINDS)):
        for name in (".DS_Store", "Thumbs.db", "._actioncliptrain00001_00095.png", "list.txt"):
            (folder / name).write_bytes(b"\0")
    (hollywood2 / "training" / "__MACOSX").mkdir()
    matlab = shot / "fixation" / "maps"
    matlab.mkdir()
    (matlab / "actioncliptrain00001_00095.mat").write_bytes(b"\0")
    dataset = open_dataset("hollywood2", hollywood2)
    assert len(dataset.videos) == 4
    check_video(dataset.videos[0], [95, 96], (18, 32))


def test_records_survive_pickling(hollywood2: Path) -> None:
    for video in open_dataset("hollywood2", hollywood2).videos:
        frames = video.frames
        copy = pickle.loads(pickle.dumps(video))
        assert copy == video
        assert copy.frames == frames == len(list(copy.read_frames()))


@pytest.mark.parametrize("kind", KINDS)
def test_missing_files_are_named(hollywood2: Path, kind: str) -> None:
    (hollywood2 / "training" / "actioncliptrain00001_10" / kind / "actioncliptrain00001_00099.png").unlink()
    video = open_dataset("hollywood2", hollywood2).videos[1]
    for read in (lambda: video.frames, lambda: list(video.read_frames()), lambda: video.read_density(0)):
        with pytest.raises(SalzooError, match=f"actioncliptrain00001_10.*in {kind} number 99 is missing") as caught:
            read()
        assert "4 in" in str(caught.value)
        assert "5 in" in str(caught.value)


def test_corrupt_files_are_named(ucfsports: Path) -> None:
    video = open_dataset("ucfsports", ucfsports).videos[0]
    for kind, read in (("images", video.read_frames), ("maps", video.read_density), ("fixation", video.read_fixations)):
        path = ucfsports / "training" / "Diving-Side-005" / kind / "Diving-Side_005_002.png"
        path.write_bytes(path.read_bytes()[:-20])
        with pytest.raises(SalzooError, match=rf"{kind}.Diving-Side_005_002\.png"):
            list(read(1))


def test_images_without_annotation(ucfsports: Path) -> None:
    folder = ucfsports / "testing" / "Diving-Side-001"
    for kind in ("maps", "fixation"):
        for path in (folder / kind).iterdir():
            path.unlink()
    (video,) = open_dataset("ucfsports", ucfsports).split("test")
    assert not video.annotated
    assert video.frames == len(list(video.read_frames())) == 3
    for read in (video.read_density, video.read_fixations):
        with pytest.raises(SalzooError, match="Diving-Side-001 holds no density maps"):
            read(0)


def test_annotation_without_images(ucfsports: Path) -> None:
    folder = ucfsports / "testing" / "Diving-Side-001"
    for path in (folder / "images").iterdir():
        path.unlink()
    (video,) = open_dataset("ucfsports", ucfsports).split("test")
    assert (video.frames, video.frame_name(0)) == (3, "001")
    with pytest.raises(SalzooError, match="images holds no frames"):
        list(video.read_frames())
    for kind in ("maps", "fixation"):
        for path in (folder / kind).iterdir():
            path.unlink()
    (video,) = open_dataset("ucfsports", ucfsports).split("test")
    with pytest.raises(SalzooError, match="Diving-Side-001 has no frames"):
        _ = video.frames


def test_two_files_of_one_number(ucfsports: Path) -> None:
    folder = ucfsports / "testing" / "Diving-Side-001" / "images"
    (folder / "Diving-Side_001_0002.png").write_bytes((folder / "Diving-Side_001_002.png").read_bytes())
    (video,) = open_dataset("ucfsports", ucfsports).split("test")
    with pytest.raises(SalzooError, match="images has number 2 twice"):
        _ = video.frames


def test_folders_without_the_data_set(tmp_path: Path, ucfsports: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        SalzooError, match=r"expected training/actioncliptrain00001_1/images/actioncliptrain00001_00001"
    ):
        open_dataset("hollywood2", tmp_path / "empty")
    with pytest.raises(SalzooError, match=r"--root DIR.*SALZOO_DATA/ucfsports.*config set data\.ucfsports DIR"):
        open_dataset("ucfsports")
    write_shot(ucfsports / "testing" / "Diving-Side-005", "Diving-Side_005", [1], (18, 32), 3)
    with pytest.raises(SalzooError, match="Diving-Side-005 twice"):
        open_dataset("ucfsports", ucfsports)
