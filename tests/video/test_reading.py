import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from salzoo.interfaces.errors import SalzooError
from salzoo.video.pictures import read_image
from salzoo.video.reading import probe_video, read_video

FRAMES = 30


def write_video(path: Path, fourcc: str, frames: int = FRAMES) -> Path:
    """A video whose frame i is flat grey of value 8·i, so that a decoded frame tells its number."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*fourcc), 25, (48, 32))
    assert writer.isOpened()
    for index in range(frames):
        writer.write(np.full((32, 48, 3), 8 * index, np.uint8))
    writer.release()
    return path


def frame_numbers(frames) -> list[int]:
    return [round(float(frame.mean()) / 8) for frame in frames]


def truncate(path: Path, share: float) -> Path:
    os.truncate(path, int(path.stat().st_size * share))
    return path


def move_index_to_front(path: Path) -> Path:
    """Order an MP4 as for streaming: the moov box before the mdat box, with chunk offsets moved on."""
    data, boxes, at = path.read_bytes(), {}, 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        boxes[data[at + 4 : at + 8]] = data[at : at + length]
        at += length
    moov = bytearray(boxes[b"moov"])
    table = moov.index(b"stco") + 8
    shift = len(boxes[b"ftyp"]) + len(moov) - data.index(b"mdat") + 4
    for entry in range(int.from_bytes(moov[table : table + 4], "big")):
        place = slice(table + 4 + 4 * entry, table + 8 + 4 * entry)
        moov[place] = (int.from_bytes(moov[place], "big") + shift).to_bytes(4, "big")
    path.write_bytes(boxes[b"ftyp"] + moov + boxes[b"mdat"])
    return path


@pytest.fixture(params=[("a.avi", "MJPG"), ("a.AVI", "XVID"), ("a.mp4", "mp4v")], ids=lambda param: param[1])
def video(request, tmp_path) -> Path:
    return write_video(tmp_path / request.param[0], request.param[1])


def test_probe(video):
    info = probe_video(video)
    assert (info.frames, info.fps, info.height, info.width) == (FRAMES, 25.0, 32, 48)
    assert (info.pixel_aspect, info.has_sound) == (1, False)


def test_frames_are_bgr_images_in_order(video):
    frames = list(read_video(video))
    assert frame_numbers(frames) == list(range(FRAMES))
    assert all(frame.shape == (32, 48, 3) and frame.dtype == np.uint8 for frame in frames)


@pytest.mark.parametrize(("start", "stop"), [(0, 1), (7, 8), (13, 21), (29, 30), (5, 5), (25, 99), (40, None)])
def test_positions_are_exact_as_in_slices(video, start, stop):
    assert frame_numbers(read_video(video, start, stop)) == list(range(FRAMES))[start:stop]


def test_negative_start_is_refused(video):
    with pytest.raises(ValueError, match="start"):
        next(read_video(video, start=-1))


@pytest.mark.parametrize("share", [0.97, 0.9, 0.5, 0.2])
@pytest.mark.parametrize("fourcc", ["MJPG", "XVID"])
def test_truncated_avi_is_noticed(tmp_path, capfd, fourcc, share):
    path = truncate(write_video(tmp_path / "cut.avi", fourcc), share)
    with pytest.raises(SalzooError, match=r"cut\.avi"):
        list(read_video(path))
    with pytest.raises(SalzooError, match=r"cut\.avi"):
        probe_video(path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("fourcc", ["MJPG", "XVID"])
def test_avi_with_fewer_frames_than_its_header_states_is_noticed(tmp_path, fourcc):
    path = truncate(write_video(tmp_path / "short.avi", fourcc), 0.7)
    data = path.read_bytes()
    path.write_bytes(data[:4] + (len(data) - 8).to_bytes(4, "little") + data[8:])
    assert frame_numbers(read_video(path, stop=2)) == [0, 1]
    for start, stop in [(0, None), (0, FRAMES), (FRAMES - 2, FRAMES)]:
        with pytest.raises(SalzooError, match=r"short\.avi .* of 30 frames"):
            list(read_video(path, start, stop))


@pytest.mark.parametrize("share", [0.9, 0.5])
@pytest.mark.parametrize("prepare", [lambda path: path, move_index_to_front], ids=["index last", "index first"])
def test_truncated_mp4_is_noticed(tmp_path, capfd, prepare, share):
    path = truncate(prepare(write_video(tmp_path / "cut.mp4", "mp4v")), share)
    with pytest.raises(SalzooError, match=r"cut\.mp4"):
        list(read_video(path))
    assert capfd.readouterr() == ("", "")


def test_mp4_with_its_index_first_is_read(tmp_path):
    path = move_index_to_front(write_video(tmp_path / "a.mp4", "mp4v"))
    assert frame_numbers(read_video(path)) == list(range(FRAMES))


def test_truncated_webm_is_noticed_by_its_duration(tmp_path):
    path = write_video(tmp_path / "cut.webm", "VP80")
    assert len(list(read_video(path))) == probe_video(path).frames == FRAMES
    with pytest.raises(SalzooError, match=r"cut\.webm"):
        list(read_video(truncate(path, 0.5)))


def test_image_is_a_video_of_one_frame(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.full((6, 8, 3), 40, np.uint8))
    assert probe_video(tmp_path / "a.png").frames == 1
    assert frame_numbers(read_video(tmp_path / "a.png")) == [5]


@pytest.mark.parametrize("read", [probe_video, lambda path: list(read_video(path)), read_image])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "does not exist"),
        (b"", "is empty"),
        (b"no video\n" * 99, "cannot"),
        (bytes(range(256)) * 9, "cannot"),
        ("folder", "not a file"),
    ],
    ids=["missing", "empty", "text", "noise", "folder"],
)
def test_other_files_are_refused_in_one_line(tmp_path, capfd, read, content, message):
    path = tmp_path / "input.txt"
    if content == "folder":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(SalzooError, match=message) as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_truncated_image_is_refused(tmp_path, capfd, ending):
    path = tmp_path / f"cut.{ending}"
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 256, (40, 60), np.uint8))
    assert read_image(path).shape == (40, 60, 3)
    truncate(path, 0.6)
    with pytest.raises(SalzooError, match=f"cut.{ending} is truncated"):
        read_image(path)
    with pytest.raises(SalzooError, match=f"cut.{ending}"):
        list(read_video(path)) if ending == "png" else read_image(path, grey=True)
    assert capfd.readouterr() == ("", "")


def test_every_flipped_byte_of_a_png_is_noticed(tmp_path, capfd):
    path = tmp_path / "map.png"
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 256, (8, 9), np.uint8))
    data = path.read_bytes()
    for place in range(8, len(data)):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        with pytest.raises(SalzooError, match=r"map\.png"):
            read_image(path, grey=True)
    assert capfd.readouterr() == ("", "")


def test_jpeg_with_bytes_after_its_end_is_read(tmp_path):
    path = tmp_path / "a.jpg"
    cv2.imwrite(str(path), np.full((8, 8), 90, np.uint8))
    path.write_bytes(path.read_bytes() + b"more")
    assert (read_image(path, grey=True) == 90).all()


def test_grey_maps(tmp_path):
    values = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5
    opaque = np.full_like(values, 255)
    for name, image in {
        "grey": values,
        "bgr": np.dstack([values] * 3),
        "opaque": np.dstack([values] * 3 + [opaque]),
    }.items():
        path = tmp_path / f"{name} é.png"
        path.write_bytes(cv2.imencode(".png", image)[1].tobytes())
        assert np.array_equal(read_image(path, grey=True), values)
        assert np.array_equal(read_image(path), np.dstack([values] * 3))


def test_one_bit_map_becomes_0_and_255(tmp_path):
    fixations = np.random.default_rng(0).random((6, 9)) < 0.3
    cv2.imwrite(str(tmp_path / "a.png"), fixations.astype(np.uint8) * 255, [cv2.IMWRITE_PNG_BILEVEL, 1])
    assert np.array_equal(read_image(tmp_path / "a.png", grey=True), fixations * 255)


def test_maps_that_are_not_8_bit_grey_are_refused(tmp_path):
    grey = np.full((4, 5), 7, np.uint8)
    for name, image, message in [
        ("deep", grey.astype(np.uint16) * 257, "16 bits"),
        ("colour", np.dstack([grey, grey, grey + 1]), "colour"),
        ("clear", np.dstack([grey, grey, grey, grey]), "transparent"),
    ]:
        cv2.imwrite(str(tmp_path / f"{name}.png"), image)
        with pytest.raises(SalzooError, match=message) as caught:
            read_image(tmp_path / f"{name}.png", grey=True)
        assert f"{name}.png" in str(caught.value)
        assert read_image(tmp_path / f"{name}.png").shape == (4, 5, 3)
