"""What containers say: times, rotation, sound, where they end, and which names they may not make FFmpeg follow."""

import io
import os
import struct
import sys
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from salzoo.interfaces.errors import SalzooError
from salzoo.video.reading import probe_video, read_timed, read_video
from salzoo.video.sound import Sound
from salzoo.video.writing import video_writer

SIZE = (48, 64)


def picture(index: int) -> np.ndarray:
    """Bars that spell the index in binary, which no encoder changes, and a white upper left corner."""
    image = np.zeros((*SIZE, 3), np.uint8)
    image[:8, :8] = 255
    for bit in range(8):
        image[16:, 8 * bit : 8 * bit + 8] = 255 * (index >> bit & 1)
    return image


def number(image: np.ndarray) -> int:
    return sum((image[24:44, 8 * bit + 2 : 8 * bit + 6].mean() > 128) << bit for bit in range(8))


def write(path: Path, count: int = 100, times: list[Fraction] | None = None, sound: Path | None = None) -> Path:
    with video_writer(path, SIZE, 25, sound=Sound(sound) if sound else None) as put:
        for index in range(count):
            put(picture(index), times[index] if times else None)
    return path


def make(path: Path, container: str, codec: str, pixels: str, count: int = 60, rotation: int = 0) -> Path:
    """A video of noise in a container that the writer does not offer."""
    noise = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    with av.open(str(path), "w", format=container) as opened:
        stream = opened.add_stream(codec, rate=25)
        stream.height, stream.width, stream.pix_fmt = *SIZE, pixels
        if rotation:
            stream.set_display_rotation(rotation)
        for index in range(count):
            image = picture(0) if rotation else np.roll(noise, index, 1)
            frame = av.VideoFrame.from_ndarray(image, "bgr24").reformat(format=pixels)
            frame.pts, frame.time_base = index, Fraction(1, 25)
            opened.mux(stream.encode(frame))
        opened.mux(stream.encode(None))
    return path


def make_sound(path: Path, seconds: float, codec: str) -> Path:
    with av.open(str(path), "w") as opened:
        pictures = opened.add_stream("mpeg4", rate=25)
        pictures.height, pictures.width, pictures.pix_fmt = *SIZE, "yuv420p"
        stream = opened.add_stream(codec, rate=48_000, layout="mono")
        for index in range(round(seconds * 25)):
            frame = av.VideoFrame.from_ndarray(picture(index), "bgr24").reformat(format="yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            opened.mux(pictures.encode(frame))
        wave = (0.3 * np.sin(np.arange(round(seconds * 48_000)) / 20)).astype(np.float32)[None]
        samples = av.AudioFrame.from_ndarray(wave, "fltp", "mono")
        samples.sample_rate, samples.pts = 48_000, 0
        opened.mux(stream.encode(samples))
        opened.mux(pictures.encode(None))
        opened.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("ending", [".mp4", ".webm", ".mkv"])
def test_frames_keep_their_times(tmp_path: Path, ending: str) -> None:
    times = [Fraction(i, 25) if i < 10 else Fraction(2, 5) + Fraction(i - 10, 5) for i in range(20)]
    path = write(tmp_path / f"a{ending}", 20, times)
    frames = list(read_timed(path))
    assert [frame.time for frame in frames] == times
    assert frames[10].time == Fraction(2, 5)
    assert [number(frame.image) for frame in frames] == list(range(20))
    assert probe_video(path).frames == 20  # which duration times rate is not


def test_a_frame_that_is_never_shown_is_not_counted(tmp_path: Path) -> None:
    whole, path = make(tmp_path / "a.webm", "webm", "libvpx", "yuv420p"), tmp_path / "hidden.webm"
    with av.open(str(whole)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for count, packet in enumerate(source.demux(video=0)):
            data = bytearray(packet)
            if count == 30:
                data[0] &= ~0x10  # the bit that shows it
            if data:
                copy = av.Packet(bytes(data))
                copy.pts, copy.dts, copy.time_base = packet.pts, packet.dts, packet.time_base
                copy.is_keyframe, copy.stream = packet.is_keyframe, stream
                target.mux(copy)
    assert probe_video(path).frames == len(list(read_video(path))) == 59
    assert len(list(read_video(path, 50))) == 9


@pytest.mark.parametrize(("start", "stop"), [(30, 40), (63, None), (99, None), (50, 51), (60, 200), (100, None)])
def test_reading_from_the_middle_is_exact(tmp_path: Path, start: int, stop: int | None) -> None:
    for name in ("a.mp4", "a.webm", "a.mkv", "a.avi"):
        path = tmp_path / name
        if not path.exists():
            write(path)
        found = list(read_timed(path, start, stop))
        assert [number(frame.image) for frame in found] == list(range(100))[start:stop], name
        assert [frame.time for frame in found] == [Fraction(i, 25) for i in range(100)[start:stop]], name


def test_frames_are_turned_as_the_file_asks(tmp_path: Path) -> None:
    corners = {90: (-1, 0), -90: (0, -1), 180: (-1, -1)}  # counter-clockwise
    for rotation, corner in corners.items():
        path = make(tmp_path / "a.mp4", "mp4", "mpeg4", "yuv420p", 3, rotation)
        image = next(read_video(path))
        assert image.shape[:2] == (SIZE if rotation == 180 else SIZE[::-1])
        assert (probe_video(path).height, probe_video(path).width) == image.shape[:2]
        rows, columns = (slice(-4, None) if side else slice(4) for side in corner)
        assert image[rows, columns].mean() > 200


def test_frames_are_mirrored_as_the_file_asks(tmp_path: Path) -> None:
    plain = make(tmp_path / "plain.mp4", "mp4", "mpeg4", "yuv420p", 1)
    stored, data = next(read_video(plain)), plain.read_bytes()
    place = data.index(b"tkhd") + 44  # of the matrix, whose rows say where x and y go
    asked = {
        (-1, 0, 0, 1): stored[:, ::-1],  # as a front camera's
        (1, 0, 0, -1): stored[::-1],
        (0, 1, 1, 0): stored.swapaxes(0, 1),
        (0, -1, -1, 0): stored[::-1, ::-1].swapaxes(0, 1),
    }
    for (xx, xy, yx, yy), wanted in asked.items():
        matrix = struct.pack(">9i", xx << 16, xy << 16, 0, yx << 16, yy << 16, 0, 0, 0, 1 << 30)
        path = tmp_path / "a.mp4"
        path.write_bytes(data[:place] + matrix + data[place + 36 :])
        assert np.array_equal(next(read_video(path)), wanted)


def test_a_frame_may_carry_what_pyav_does_not_know(tmp_path: Path) -> None:
    """The decoder of JPEG hands EXIF on, of which PyAV has no name."""
    picture = cv2.imencode(".jpg", np.full((48, 64, 3), 90, np.uint8))[1].tobytes()
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    path = tmp_path / "a.mjpeg"
    path.write_bytes(picture[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + picture[2:])
    assert next(read_video(path)).mean() == pytest.approx(90, abs=2)


def test_a_photograph_in_tiles_is_not_its_first_tile() -> None:
    with pytest.raises(SalzooError, match=r"tiles.heic is a photograph in tiles, .* save it as JPEG or PNG"):
        next(read_video(Path(__file__).parents[1] / "data" / "video" / "tiles.heic"))


@pytest.mark.parametrize(("ending", "codec", "kept"), [(".mp4", "aac", "aac"), (".mp4", "ac3", "aac")])
def test_sound_goes_with_the_pictures(tmp_path: Path, ending: str, codec: str, kept: str) -> None:
    source = make_sound(tmp_path / "in.mkv", 2, codec)
    out = write(tmp_path / f"out{ending}", 50, sound=source)
    with av.open(str(out)) as container:
        (sound,) = container.streams.audio
        assert sound.codec_context.name == kept
        assert container.streams.video[0].codec_context.name == "h264"
        assert container.streams.video[0].frames == 50
        assert container.duration / av.time_base == pytest.approx(2, abs=0.04)
        heard = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(sound)])
    assert np.sqrt((heard[4800:90_000] ** 2).mean()) == pytest.approx(0.3 / 2**0.5, rel=0.1)


@pytest.mark.parametrize("name", ["2024-01-01T12:30.mp4", "p%03d.mp4", "-a.mp4", "http:x.mp4", "a b?.mp4"])
def test_no_character_of_a_name_means_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path(name), 3)
    assert len(list(read_video(Path(name)))) == 3


@pytest.mark.skipif(sys.platform != "linux", reason="other systems' names are text")
def test_names_may_be_any_bytes(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"\xff.mp4")
    write(path, 3)
    assert len(list(read_video(path))) == 3


@pytest.mark.parametrize("name", ["list.m3u8", "list.mp4", "list.txt"])
def test_a_file_opens_no_other(tmp_path: Path, name: str) -> None:
    other = make(tmp_path / "other.ts", "mpegts", "mpeg2video", "yuv420p", 10)
    playlist = f"#EXTM3U\n#\xff\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{other}\n#EXT-X-ENDLIST\n"
    for text in (playlist, "ffconcat version 1.0\nfile other.ts\n#\xff\n"):
        (tmp_path / name).write_text(text, encoding="latin-1")
        with pytest.raises(SalzooError, match="not a video"):
            list(read_video(tmp_path / name))


CONTAINERS = [
    ("a.mp4", "mp4", "mpeg4", "yuv420p"),
    ("a.mov", "mov", "mjpeg", "yuvj420p"),
    ("a.mkv", "matroska", "mpeg4", "yuv420p"),
    ("a.flv", "flv", "flv", "yuv420p"),
    ("a.gif", "gif", "gif", "rgb8"),
    ("a.wmv", "asf", "wmv2", "yuv420p"),
    ("a.mpg", "mpeg", "mpeg2video", "yuv420p"),
]


@pytest.mark.parametrize(("name", "container", "codec", "pixels"), CONTAINERS, ids=[case[0] for case in CONTAINERS])
def test_files_cut_short_are_noticed(tmp_path: Path, name: str, container: str, codec: str, pixels: str) -> None:
    path = make(tmp_path / name, container, codec, pixels)
    assert len(list(read_video(path))) == 60
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(SalzooError, match=name):
        list(read_video(path))


def test_flipped_bits_end_well_or_with_one_line(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    whole = write(tmp_path / "a.mp4", 12).read_bytes()
    for _ in range(40):
        damaged = bytearray(whole)
        for place in rng.integers(0, len(damaged), 5):
            damaged[place] ^= 1 << int(rng.integers(8))
        (tmp_path / "b.mp4").write_bytes(damaged)
        try:
            assert len(list(read_video(tmp_path / "b.mp4"))) <= 12
        except SalzooError as error:
            assert "b.mp4" in str(error)  # noqa: PT017
            assert "\n" not in str(error)  # noqa: PT017


def test_a_pipe_is_read(tmp_path: Path) -> None:
    class Pipe(io.RawIOBase):
        def __init__(self, data: bytes) -> None:
            self.rest = io.BytesIO(data)

        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            return self.rest.read(size)

    data = write(tmp_path / "a.mkv", 10).read_bytes()
    assert [number(image) for image in read_video(Pipe(data))] == list(range(10))


def test_frames_too_large_are_refused_before_they_are_decoded(tmp_path: Path) -> None:
    path = make(tmp_path / "a.gif", "gif", "gif", "rgb8", 3)
    data = bytearray(path.read_bytes())
    data[6:10] = (16_000).to_bytes(2, "little") * 2
    path.write_bytes(data)
    with pytest.raises(SalzooError, match="16000×16000 pixels"):
        list(read_video(path))
