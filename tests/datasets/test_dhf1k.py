import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.io import savemat

from salzoo.datasets.dhf1k import DHF1KVideo, open_dhf1k
from salzoo.interfaces.errors import SalzooError
from salzoo.testing import check_dataset

FRAMES, HEIGHT, WIDTH = 4, 18, 32


def grey(value: int) -> np.ndarray:
    return np.full((HEIGHT, WIDTH), value, np.uint8)


def write_avi(path: Path, frames: int = FRAMES) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 30, (WIDTH, HEIGHT))
    for index in range(frames):
        writer.write(cv2.cvtColor(grey(20 * index), cv2.COLOR_GRAY2BGR))
    writer.release()


def write_images(folder: Path, names: list[str]) -> None:
    """Flat images of value 20·i; a fixation map of it is true everywhere but on the first."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, name in enumerate(names):
        cv2.imwrite(str(folder / name), grey(20 * index))


def write_annotation(root: Path, number: str, frames: int = FRAMES) -> Path:
    folder = root / "annotation" / number
    names = [f"{index:04d}.png" for index in range(1, frames + 1)]
    write_images(folder / "maps", names)
    write_images(folder / "fixation", names)
    return folder


@pytest.fixture
def root(tmp_path) -> Path:
    write_avi(tmp_path / "video" / "001.AVI")
    write_annotation(tmp_path, "0001")
    return tmp_path


def test_it_keeps_the_contract(root: Path) -> None:
    check_dataset("dhf1k", root)


def check_video(video) -> None:
    assert video.frames == FRAMES
    assert video.annotated
    values = [20 * index for index in range(FRAMES)]
    frames = list(video.read_frames())
    assert [round(float(frame.mean()) / 20) for frame in frames] == [0, 1, 2, 3]  # near enough for a lossy codec
    assert all(frame.shape == (HEIGHT, WIDTH, 3) and frame.dtype == np.uint8 for frame in frames)
    assert [round(float(frame.mean()) / 20) for frame in video.read_frames(1, 3)] == [1, 2]
    for index, value in enumerate(values):
        density, fixations = video.read_density(index), video.read_fixations(index)
        assert density.dtype == np.uint8
        assert fixations.dtype == np.bool_
        assert np.array_equal(density, grey(value))
        assert np.array_equal(fixations, grey(value) > 0)


def test_published_layout(root):
    dataset = open_dhf1k(root)
    (video,) = dataset.videos
    assert (dataset.name, dataset.note, video.id, video.split) == ("dhf1k", "", "0001", "train")
    assert [video.frame_name(index) for index in (0, 9, 699)] == ["0001", "0010", "0700"]
    check_video(video)


def test_extracted_images_where_there_is_no_avi(tmp_path):
    folder = write_annotation(tmp_path, "0001")
    write_images(folder / "images", [f"{index:04d}.png" for index in range(1, FRAMES + 1)])
    (video,) = open_dhf1k(tmp_path).videos
    check_video(video)


def test_layout_extracted_by_salema(tmp_path):
    write_images(tmp_path / "frames" / "1", [f"{index}.png" for index in range(1, FRAMES + 1)])
    for kind in ("maps", "fixations"):
        write_images(tmp_path / kind / "1", [f"{index:04d}.png" for index in range(1, FRAMES + 1)])
    (video,) = open_dhf1k(tmp_path).videos
    assert video.id == "0001"
    check_video(video)


def test_frames_and_maps_without_padding_are_sorted_by_number(tmp_path):
    names = [f"{index}.png" for index in range(1, 13)]
    write_images(tmp_path / "frames" / "7", names)
    for kind in ("maps", "fixation"):
        write_images(tmp_path / "annotation" / "7" / kind, names)
    (video,) = open_dhf1k(tmp_path).videos
    assert [int(frame[0, 0, 0]) for frame in video.read_frames()] == [20 * index for index in range(12)]
    assert [int(video.read_density(index)[0, 0]) for index in range(12)] == [20 * index for index in range(12)]


def test_splits_by_number_and_no_video_is_opened(tmp_path):
    (tmp_path / "video").mkdir()
    for number in (1000, 701, 700, 601, 600, 1, 99):
        (tmp_path / "video" / f"{number:03d}.AVI").touch()
    dataset = open_dhf1k(tmp_path)
    assert [video.id for video in dataset.split("train")] == ["0001", "0099", "0600"]
    assert [video.id for video in dataset.split("val")] == ["0601", "0700"]
    assert [video.id for video in dataset.split("test")] == ["0701", "1000"]
    assert len(dataset.videos) == 7


@given(st.dictionaries(st.integers(1, 1000), st.integers(1, 5), min_size=1, max_size=8))
def test_videos_are_listed_by_number_whatever_the_padding(tmp_path_factory, paddings):
    root = tmp_path_factory.mktemp("padding")
    for number, width in paddings.items():
        (root / "frames" / f"{number:0{width}d}").mkdir(parents=True)
    assert [video.id for video in open_dhf1k(root).videos] == [f"{number:04d}" for number in sorted(paddings)]


def test_files_of_other_programs_are_left_out(root):
    for name in (".DS_Store", "Thumbs.db", "._0001.png", "desktop.ini", "list.txt", "0001.mat"):
        for folder in ("video", "annotation", "annotation/0001/maps", "annotation/0001/fixation"):
            (root / folder / name).write_bytes(b"\0")
    (root / "video" / "._001.AVI").write_bytes(b"\0")
    (root / "annotation" / "0001" / "fixation" / "maps").mkdir()
    (video,) = open_dhf1k(root).videos
    check_video(video)


def test_records_survive_pickling(root):
    (video,) = open_dhf1k(root).videos
    copy = pickle.loads(pickle.dumps(video))
    assert copy == video
    check_video(copy)
    check_video(pickle.loads(pickle.dumps(copy)))  # now with its number of frames


def test_test_split_without_annotation(tmp_path):
    write_avi(tmp_path / "video" / "701.AVI")
    (video,) = open_dhf1k(tmp_path).videos
    assert not video.annotated
    assert video.frames == len(list(video.read_frames())) == FRAMES
    for read in (video.read_density, video.read_fixations):
        with pytest.raises(SalzooError, match="0701"):
            read(0)


def test_annotation_alone_counts_its_frames(tmp_path):
    write_annotation(tmp_path, "0001")
    (video,) = open_dhf1k(tmp_path).videos
    assert video.frames == FRAMES
    with pytest.raises(SalzooError, match="no frames of video 0001"):
        list(video.read_frames())


@pytest.mark.parametrize("kind", ["maps", "fixation"])
def test_unequal_numbers_of_frames_and_maps(root, kind):
    folder = root / "annotation" / "0001" / kind
    (folder / "0004.png").unlink()
    (video,) = open_dhf1k(root).videos
    for read in (lambda: video.frames, lambda: list(video.read_frames())):
        with pytest.raises(SalzooError, match=r"4 in .*001\.AVI") as caught:
            read()
        assert f"3 in {folder}" in str(caught.value)


def test_missing_image_between_others(root):
    (root / "annotation" / "0001" / "maps" / "0002.png").unlink()
    (video,) = open_dhf1k(root).videos
    with pytest.raises(SalzooError, match=r"maps .*number 2 is missing"):
        _ = video.frames
    with pytest.raises(SalzooError, match=r"0002\.png does not exist"):
        video.read_density(1)


def test_corrupt_map_is_named(root):
    path = root / "annotation" / "0001" / "fixation" / "0003.png"
    path.write_bytes(path.read_bytes()[:-20])
    (video,) = open_dhf1k(root).videos
    with pytest.raises(SalzooError, match=r"fixation.0003\.png"):
        video.read_fixations(2)


def test_truncated_avi_is_named(root):
    path = root / "video" / "001.AVI"
    path.write_bytes(path.read_bytes()[:-900])
    (video,) = open_dhf1k(root).videos
    with pytest.raises(SalzooError, match=r"001\.AVI"):
        list(video.read_frames())


def test_folders_without_the_data_set(tmp_path):
    with pytest.raises(SalzooError, match="--root"):
        open_dhf1k(None)
    with pytest.raises(SalzooError, match="does not exist"):
        open_dhf1k(tmp_path / "missing")
    with pytest.raises(SalzooError, match=r"expected video/001\.AVI"):
        open_dhf1k(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(SalzooError, match="not a folder"):
        open_dhf1k(tmp_path / "file")


def test_ambiguous_and_impossible_numbers(tmp_path):
    for name in ("1", "0001"):
        (tmp_path / "frames" / name).mkdir(parents=True)
    with pytest.raises(SalzooError, match="number 1 twice"):
        open_dhf1k(tmp_path)
    (tmp_path / "frames" / "1").rename(tmp_path / "frames" / "1001")
    with pytest.raises(SalzooError, match="1001"):
        open_dhf1k(tmp_path)


def test_video_without_anything(tmp_path):
    (tmp_path / "annotation" / "0003").mkdir(parents=True)
    (video,) = open_dhf1k(tmp_path).videos
    with pytest.raises(SalzooError, match="0003 has no frames"):
        _ = video.frames


def test_fixations_from_matlab_where_there_are_no_images(root):
    folder = root / "annotation" / "0001" / "fixation"
    (folder / "maps").mkdir()
    for index in range(FRAMES):
        savemat(folder / "maps" / f"{index + 1:04d}.mat", {"I": grey(20 * index)})
        (folder / f"{index + 1:04d}.png").unlink()
    (video,) = open_dhf1k(root).videos
    check_video(video)
    check_video(pickle.loads(pickle.dumps(video)))
    (folder / "maps" / "0004.mat").unlink()
    (video,) = open_dhf1k(root).videos
    with pytest.raises(SalzooError, match=r"0001 has different numbers of frames.*3 in .*fixation.maps"):
        _ = video.frames


def test_extracted_frames_are_read_rather_than_the_avi(root):
    names = [f"{index:04d}.png" for index in range(1, FRAMES + 1)]
    write_images(root / "annotation" / "0001" / "images", names)
    (video,) = open_dhf1k(root).videos
    check_video(video)
    assert [int(frame[0, 0, 0]) for frame in video.read_frames()] == [0, 20, 40, 60]  # lossless


def test_only_the_test_split_is_held_back(tmp_path):
    for number, held_back in ((1, False), (701, True)):
        video = DHF1KVideo(number, tmp_path, None, tmp_path / "maps", tmp_path / "fixation")
        with pytest.raises(SalzooError, match="has no annotation of video") as caught:
            video.read_density(0)
        assert ("held back" in str(caught.value)) == held_back
