"""Reading from the middle, and when frames are shown: as the whole video read from its start has it."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from test_containers import make_sound, picture

from salzoo.interfaces.errors import SalzooError
from salzoo.video.pictures import read_image
from salzoo.video.reading import probe_video, read_timed
from salzoo.video.sound import Sound
from salzoo.video.timing import frame_times
from salzoo.video.writing import video_writer

SIZE = (144, 176)


def moving(index: int) -> np.ndarray:
    image = np.full((*SIZE, 3), 90, np.uint8)
    cv2.circle(image, (10 + index, 60), 9, (255, 255, 255), -1)
    return image


def encode(path: Path, codec: str, container: str, frames: int = 60, times: Sequence[int] = (), **how: str) -> Path:
    """Frames at 25 a second, or at times in 40 ms."""
    with av.open(str(path), "w", format=container, options=how) as out:
        stream = out.add_stream(codec, rate=25)
        stream.width, stream.height = SIZE[1], SIZE[0]
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.options, stream.bit_rate = {"g": "12", "strict": "-2"}, 8_000_000
        for index in range(frames):
            frame = av.VideoFrame.from_ndarray(moving(index), format="bgr24")
            frame.pts, frame.time_base = times[index] if times else index, Fraction(1, 25)
            for packet in stream.encode(frame):
                out.mux(packet)
        for packet in stream.encode(None):
            out.mux(packet)
    return path


@pytest.mark.parametrize(
    ("name", "codec", "container"),
    [
        ("a.mjpeg", "mjpeg", "mjpeg"),
        ("a.h261", "h261", "h261"),
        ("a.m4v", "mpeg4", "m4v"),
        ("a.m2v", "mpeg2video", "mpeg2video"),
        ("a.mkv", "vc2", "matroska"),
        ("b.mkv", "mpeg4", "matroska"),
        ("a.ts", "mpeg2video", "mpegts"),
    ],
)
def test_the_middle_is_that_of_the_whole(tmp_path: Path, name: str, codec: str, container: str) -> None:
    path = encode(tmp_path / name, codec, container)
    whole = [frame.image for frame in read_timed(path)]
    assert len(whole) == len(frame_times(path)) - 1 == 60
    for start in (24, 30, 47, 59):
        part = [frame.image for frame in read_timed(path, start, start + 3)]
        assert len(part) == len(whole[start : start + 3])
        assert all((one == other).all() for one, other in zip(part, whole[start:], strict=False))


def test_fragments_beyond_the_index_count(tmp_path: Path) -> None:
    """An MP4 of fragments behind an index, as DASH and CMAF have it."""
    path = encode(tmp_path / "a.mp4", "libx264", "mp4", movflags="dash+frag_keyframe")
    assert probe_video(path).frames == sum(1 for _ in read_timed(path)) == len(frame_times(path)) - 1 == 60


def test_times_are_those_of_the_frames(tmp_path: Path) -> None:
    steps = [*range(10), *range(15, 65, 5)]
    path = encode(tmp_path / "a.mkv", "mpeg4", "matroska", frames=20, times=steps)
    times = frame_times(path)
    np.testing.assert_allclose(times[:-1], np.array(steps) / 25, atol=2e-3)
    assert times[-1] > times[-2]
    np.testing.assert_allclose(times[:-1], [float(frame.time) for frame in read_timed(path)], atol=1e-9)
    with pytest.raises(SalzooError, match=r"none\.mkv"):
        frame_times(tmp_path / "none.mkv")


def test_sound_begins_with_the_first_frame_shown(tmp_path: Path) -> None:
    """From 1.01 s on at 5 frames a second, the first frame is that of 1.2 s, and so is the sound."""
    slow = tmp_path / "slow.mp4"
    beeps = make_sound(tmp_path / "sound.mkv", 3, "aac")
    with video_writer(slow, (48, 64), 5, sound=Sound(beeps)) as put:
        for index in range(15):
            put(picture(index), Fraction(index, 5))

    def first_sound(start: Fraction) -> list[float]:
        out = tmp_path / "out.mp4"
        out.unlink(missing_ok=True)
        with video_writer(out, (48, 64), 5, sound=Sound(slow, start)) as put:
            for index in range(9):
                put(picture(index), Fraction(index, 5))
        with av.open(str(out)) as container:
            return [packet.pts for packet in container.demux(container.streams.audio) if packet.pts is not None]

    exact = first_sound(Fraction(6, 5))
    assert len(exact) > 10
    assert first_sound(Fraction(101, 100)) == exact


def test_transparent_pixels_are_white(tmp_path: Path) -> None:
    """What stands in them is not to be seen; the same in pictures and in videos."""
    stored = np.zeros((20, 30, 4), np.uint8)
    stored[..., 2], stored[:10, :, 3] = 200, 255
    expected = np.full((20, 30, 3), 255, np.uint8)
    expected[:10] = (0, 0, 200)
    for name in ("a.png", "a.webp", "a.tif"):
        cv2.imwrite(str(tmp_path / name), stored, [cv2.IMWRITE_WEBP_QUALITY, 101] if name == "a.webp" else [])
        np.testing.assert_array_equal(read_image(tmp_path / name), expected)
    with av.open(str(tmp_path / "a.mkv"), "w") as out:
        stream = out.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 30, 20, "bgra"
        for packet in [*stream.encode(av.VideoFrame.from_ndarray(stored, format="bgra")), *stream.encode(None)]:
            out.mux(packet)
    np.testing.assert_array_equal(next(read_timed(tmp_path / "a.mkv")).image, expected)
