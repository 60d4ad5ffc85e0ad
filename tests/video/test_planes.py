"""Frames that stay as they were decoded: shrunk, drawn on and written without becoming images."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import Colorspace, Interpolation
from numpy.typing import NDArray

from salzoo.prediction.inputs import FrameStream
from salzoo.prediction.outputs import OutputOptions, open_output
from salzoo.video.overlay import COLORMAPS, draw_heat, map_to_grey, resize_map
from salzoo.video.pixels import Decoded, pixels_of
from salzoo.video.planes import draw_heat_in_planes
from salzoo.video.reading import probe_video, read_timed, read_video
from salzoo.video.resizing import resize_frame
from salzoo.video.writing import video_writer

SIZE = (96, 160)


def video(path: Path, size: tuple[int, int] = SIZE, tagged: bool = True, pixels: str = "yuv420p") -> Path:
    """Four frames of soft colours, which say that they are BT.709, or say nothing."""
    y, x = np.mgrid[: size[0], : size[1]]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "1"})
        stream.height, stream.width, stream.pix_fmt = *size, pixels
        stream.codec_context.colorspace = 1 if tagged else 2
        for index in range(4):
            image = np.stack([128 + 100 * np.sin(x / 30 + index), 60 + y, 200 - x], 2).clip(0, 255).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(image, "bgr24")
            converted = frame.reformat(format=pixels, dst_colorspace=Colorspace.ITU709)
            converted.pts, converted.time_base = index, Fraction(1, 25)
            container.mux(stream.encode(converted))
        container.mux(stream.encode(None))
    return path


def blob() -> NDArray[np.float32]:
    y, x = np.mgrid[:36, :48]
    return np.exp(-((y - 12) ** 2 + (x - 30) ** 2) / 60).astype(np.float32)


def test_what_is_no_plain_hd_becomes_an_image_at_once(tmp_path: Path) -> None:
    kinds = {
        "plain": video(tmp_path / "a.mp4"),
        "hd": video(tmp_path / "b.mp4", (720, 64), tagged=False),
        "small": video(tmp_path / "c.mp4", tagged=False),
        "deep": video(tmp_path / "d.mp4", pixels="yuv420p10le"),
        "444": video(tmp_path / "e.mp4", (95, 159), pixels="yuv444p"),
        "full": video(tmp_path / "f.mp4", pixels="yuvj420p"),
    }
    decoded = {name for name, path in kinds.items() if isinstance(next(read_timed(path)).picture, Decoded)}
    assert decoded == {"plain", "hd"}


def test_a_decoded_frame_has_its_image_and_shrinks_like_it(tmp_path: Path) -> None:
    path = video(tmp_path / "a.mp4")
    for frame, image in zip(read_timed(path), read_video(path), strict=True):
        assert frame.size == SIZE
        small = resize_frame(frame.picture, (30, 50))
        np.testing.assert_array_equal(frame.image, image)
        off = np.abs(small.astype(int) - resize_frame(image, (30, 50)))
        assert off.mean() < 2
        assert off.max() < 12  # an image has chroma in squares of two pixels
        np.testing.assert_array_equal(resize_frame(frame.picture, SIZE), image)


@pytest.mark.parametrize("colormap", COLORMAPS)
def test_heat_in_planes_is_heat_on_the_image(tmp_path: Path, colormap: str) -> None:
    frame = next(read_timed(video(tmp_path / "a.mp4")))
    assert isinstance(frame.picture, Decoded)
    before = frame.picture.planes.to_ndarray()
    drawn = draw_heat_in_planes(frame.picture.planes, map_to_grey(blob()), colormap)
    image = av.VideoFrame.from_ndarray(draw_heat(frame.image, map_to_grey(resize_map(blob(), SIZE)), colormap), "bgr24")
    wanted = image.reformat(
        format="yuv420p",
        dst_colorspace=Colorspace.ITU709,
        interpolation=Interpolation.AREA | Interpolation.ACCURATE_RND,
    )
    for ours, others in zip(pixels_of(drawn), pixels_of(wanted), strict=True):
        off = np.abs(ours.astype(int) - others)
        assert off.mean() < 1.5
        assert np.quantile(off, 0.99) <= 4
    np.testing.assert_array_equal(frame.picture.planes.to_ndarray(), before)
    cold = draw_heat_in_planes(frame.picture.planes, np.zeros((36, 48), np.uint8), colormap)
    np.testing.assert_array_equal(cold.to_ndarray(), before)


@pytest.mark.parametrize("ending", [".mp4", ".webm", ".mkv", ".avi"])
def test_what_is_written_is_the_same_from_planes_and_from_images(tmp_path: Path, ending: str) -> None:
    path = video(tmp_path / "a.mp4")
    info, found = probe_video(path), []
    for kind in ("planes", "images"):
        out = tmp_path / f"{kind}{ending}"
        with open_output(out, FrameStream(iter(()), info), OutputOptions(view="heat")) as put:
            for frame in read_timed(path):
                image = type(frame)(frame.image, frame.time, frame.duration)
                put(frame if kind == "planes" else image, blob())
        found.append(list(read_timed(out)))
    for planes, images in zip(*found, strict=True):
        assert (planes.time, planes.duration) == (images.time, images.duration)
        assert np.abs(planes.image.astype(int) - images.image).mean() < 3


def test_frames_that_an_encoder_does_not_take_are_refused(tmp_path: Path) -> None:
    planes = av.VideoFrame(64, 48, "yuv420p")
    for name, size in (("a.mp4", (48, 62)), ("a.mkv", (48, 64))):
        with pytest.raises(ValueError, match="not taken as it is"), video_writer(tmp_path / name, size, 25) as write:
            write(planes)
    assert not list(tmp_path.iterdir())
