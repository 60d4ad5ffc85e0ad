"""Files appear complete or not at all."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from salzoo import SalzooError
from salzoo.video.pictures import image_folder, read_image, write_image
from salzoo.video.reading import probe_video, read_video
from salzoo.video.writing import VIDEO_ENDINGS, video_writer

SIZE = (48, 64)


def frames(count: int, size: tuple[int, int] = SIZE) -> list[NDArray[np.uint8]]:
    """A bright square that moves right over a colour ramp."""
    ramp = np.linspace(40, 160, size[1])[None, :, None] * np.array([1.0, 0.6, 0.3])
    made = []
    for index in range(count):
        frame = np.repeat(ramp, size[0], axis=0).astype(np.uint8)
        frame[8:24, index : index + 16] = 230
        made.append(frame)
    return made


@pytest.mark.parametrize("ending", VIDEO_ENDINGS)
def test_video_reads_back(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"video{ending}"
    with video_writer(path, SIZE, 12.5) as write:
        for frame in frames(20):
            write(frame)
    info = probe_video(path)
    assert (info.frames, info.fps, info.height, info.width) == (20, 12.5, *SIZE)
    back = list(read_video(path))
    assert len(back) == 20
    for written, read in zip(frames(20), back, strict=True):
        assert np.abs(written.astype(int) - read).mean() < 6
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("ending", VIDEO_ENDINGS)
def test_odd_sizes_are_kept_where_browsers_take_them(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"video{ending}"
    written = frames(3, (49, 65))
    with video_writer(path, (49, 65), 25) as write:
        for frame in written:
            write(frame)
    back = list(read_video(path))
    assert [frame.shape for frame in back] == [(50, 66, 3) if ending == ".mp4" else (49, 65, 3)] * 3
    for frame, read in zip(written, back, strict=True):
        assert np.abs(frame.astype(int) - read[:49, :65]).mean() < 6


@pytest.mark.parametrize("ending", VIDEO_ENDINGS)
def test_nothing_is_printed(tmp_path: Path, ending: str, capfd: pytest.CaptureFixture[str]) -> None:
    with video_writer(tmp_path / f"video{ending}", SIZE, 30) as write:
        write(frames(1)[0])
    assert capfd.readouterr() == ("", "")


def test_failure_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "video.mp4"
    path.write_bytes(b"precious")

    def write_and_stop() -> None:
        with video_writer(path, SIZE, 30) as write:
            write(frames(1)[0])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_and_stop()
    assert path.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [path]


def test_frame_of_another_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="shape"), video_writer(tmp_path / "video.mp4", SIZE, 30) as write:
        write(frames(1, (64, 48))[0])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "size", "fps", "message"),
    [
        ("video.mov", SIZE, 30, "ends in .mp4, .webm, .mkv, .gif, .avi"),
        ("video", SIZE, 30, "ends in"),
        ("missing/video.mp4", SIZE, 30, "No such file or directory"),
        ("video.avi", (48, 70_000), 30, "does not take 70000×48 pixels"),
    ],
)
def test_video_errors(tmp_path: Path, name: str, size: tuple[int, int], fps: float, message: str) -> None:
    with pytest.raises(SalzooError, match=message) as raised, video_writer(tmp_path / name, size, fps) as write:
        write(np.zeros((*size, 3), np.uint8))
    assert str(tmp_path / name) in str(raised.value)
    assert not list(tmp_path.iterdir())


def test_video_without_frames_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SalzooError, match="video"), video_writer(tmp_path / "video.mp4", SIZE, 30):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name != "posix", reason="limits the size of files as POSIX does")
@pytest.mark.parametrize("ending", [".mp4", ".mkv"])
def test_full_disk_is_noticed(tmp_path: Path, ending: str) -> None:
    script = """
import resource, sys
from pathlib import Path
import numpy as np
from salzoo import SalzooError
from salzoo.video.writing import video_writer

path = Path(sys.argv[1])
noise = np.random.default_rng(0).integers(0, 256, (20, 120, 160, 3), dtype=np.uint8)

def write_all():
    with video_writer(path, (120, 160), 30) as write:
        for frame in noise:
            write(frame)

write_all()
size = path.stat().st_size
path.unlink()
for limit in (0, 1000, size // 4, size // 2, size - 20_000, size - 1000, size - 1):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        write_all()
    except SalzooError as error:
        print(error)
    assert not path.exists()
"""
    path = tmp_path / f"video{ending}"
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True)
    assert done.stderr == ""
    messages = done.stdout.splitlines()
    assert len(messages) == 7
    assert all(message.startswith(f"cannot write {path}: ") for message in messages)
    assert all(message.endswith("File too large") for message in messages)
    assert not list(tmp_path.iterdir())


def test_image_folder_numbers_from_one(tmp_path: Path) -> None:
    grey = [np.full((5, 7), value, np.uint8) for value in (0, 90, 255)]
    with image_folder(tmp_path / "maps") as write:
        for image in grey:
            write(image)
        assert not (tmp_path / "maps").exists()
    assert sorted(path.name for path in (tmp_path / "maps").iterdir()) == ["0001.png", "0002.png", "0003.png"]
    for index, image in enumerate(grey, start=1):
        np.testing.assert_array_equal(read_image(tmp_path / "maps" / f"{index:04d}.png", grey=True), image)


def test_image_folder_may_be_empty_but_not_full(tmp_path: Path) -> None:
    folder = tmp_path / "maps"
    folder.mkdir()
    with image_folder(folder) as write:
        write(np.zeros((5, 7), np.uint8))
    with pytest.raises(SalzooError, match="not an empty folder"), image_folder(folder):
        pytest.fail("a full folder was accepted")
    assert [path.name for path in tmp_path.iterdir()] == ["maps"]
    assert [path.name for path in folder.iterdir()] == ["0001.png"]


def test_image_folder_is_gone_after_an_error(tmp_path: Path) -> None:
    def write_an_image_and_nothing() -> None:
        with image_folder(tmp_path / "maps") as write:
            write(np.zeros((5, 7), np.uint8))
            write(np.zeros((0, 7), np.uint8))

    with pytest.raises(SalzooError, match="cannot be encoded"):
        write_an_image_and_nothing()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("place", "message"), [("missing/maps", "No such file"), ("file/maps", "Not a directory")])
def test_image_folder_errors(tmp_path: Path, place: str, message: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SalzooError, match=message), image_folder(tmp_path / place):
        pytest.fail("an impossible place was accepted")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("name", ["image.png", "image.PNG", "a:b %03d.png"])
def test_image_reads_back(tmp_path: Path, name: str) -> None:
    image = frames(1)[0]
    write_image(tmp_path / name, image)
    np.testing.assert_array_equal(read_image(tmp_path / name), image)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["a:b.mp4", "100% done.webm", "ünï.avi"])
def test_names_that_mean_something_to_ffmpeg(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with video_writer(Path(name), SIZE, 30) as write:
        write(frames(1)[0])
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("image.gif", (5, 7), "ends in .png, .jpg, .jpeg"),
        ("missing/image.png", (5, 7), "No such file"),
        ("image.png", (0, 7), "cannot be encoded"),
    ],
)
def test_image_errors(tmp_path: Path, name: str, shape: tuple[int, int], message: str) -> None:
    with pytest.raises(SalzooError, match=message):
        write_image(tmp_path / name, np.zeros(shape, np.uint8))
    assert not list(tmp_path.iterdir())


def test_an_mp4_begins_with_its_index(tmp_path: Path) -> None:
    with video_writer(tmp_path / "a.mp4", SIZE, 25) as write:
        for frame in frames(30):
            write(frame)
    data = (tmp_path / "a.mp4").read_bytes()
    assert 0 < data.find(b"moov") < data.find(b"mdat")  # a page plays it before all of it has come
