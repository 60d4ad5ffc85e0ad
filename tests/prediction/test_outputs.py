"""Views, scales, files of values and measures."""

import csv
import json
import zlib
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from salzoo.cli import cli
from salzoo.cli.output_options import _COLORMAPS, _VIEWS
from salzoo.interfaces import SalzooError
from salzoo.prediction.inputs import FrameStream
from salzoo.prediction.measures import measure_map
from salzoo.prediction.outputs import OutputOptions, open_output
from salzoo.video.overlay import COLORMAPS
from salzoo.video.pictures import read_image, read_map
from salzoo.video.reading import TimedFrame, VideoInfo, probe_video, read_timed
from salzoo.video.views import VIEWS, make_view

SIZE = (48, 64)
INFO = VideoInfo(frames=6, fps=25.0, height=48, width=64)


def blob(index: int, height: float) -> NDArray[np.float32]:
    """A map whose peak moves right."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    return (height * np.exp(-((y - 20) ** 2 + (x - 10 - 6 * index) ** 2) / 60)).astype(np.float32)


def frame(index: int) -> TimedFrame:
    image = np.full((*SIZE, 3), (90, 120, 60), np.uint8)
    return TimedFrame(image, Fraction(index, 25), Fraction(1, 25))


def write(out: Path, heights: list[float], options: OutputOptions, info: VideoInfo | None = INFO) -> None:
    with open_output(out, FrameStream(iter(()), info), options) as put:
        for index, height in enumerate(heights):
            put(frame(index), blob(index, height))


def comment(path: Path) -> str:
    data = path.read_bytes()
    assert data[37:49] == b"tEXtComment\0"
    length = int.from_bytes(data[33:37], "big")
    assert zlib.crc32(data[37 : 41 + length]) == int.from_bytes(data[41 + length : 45 + length], "big")
    return data[49 : 41 + length].decode()


def test_the_command_offers_what_there_is() -> None:
    assert tuple(_VIEWS) == VIEWS
    assert tuple(_COLORMAPS) == COLORMAPS


@pytest.mark.parametrize("view", VIEWS)
def test_views_show_where_the_map_is(view: str) -> None:
    image = frame(0).image
    map_ = np.rint(255 * blob(3, 1)).astype(np.uint8)
    before = image.copy()
    drawn = make_view(view, "viridis")(image, map_)
    np.testing.assert_array_equal(image, before)
    assert drawn.shape == ((48, 128, 3) if view == "side-by-side" else (48, 64, 3))
    shown = drawn[:, -64:].astype(int)
    far, near = shown[40:, :10], shown[12:28, 20:36]
    assert np.abs(near - near.mean((0, 1))).sum() > 10 * np.abs(far - far.mean((0, 1))).sum()
    if view == "side-by-side":
        np.testing.assert_array_equal(drawn[:, :64], image)
    if view in ("heat", "contours"):
        np.testing.assert_array_equal(drawn[40:, :10], image[40:, :10])
    if view == "alpha":
        np.testing.assert_allclose(drawn[20, 28], image[20, 28], atol=1)
        np.testing.assert_allclose(drawn[47, 0], image[47, 0] * 0.25, atol=1)


@pytest.mark.parametrize("bits", [8, 16])
def test_maps_of_a_softmax_are_readable_and_say_their_scale(tmp_path: Path, bits: int) -> None:
    white = 2**bits - 1
    heights = [3e-4, 6e-4]
    write(tmp_path / "maps", heights, OutputOptions(bits=bits))
    for index, height in enumerate(heights):
        path = tmp_path / "maps" / f"{index + 1:04d}.png"
        kept = read_map(path)
        assert kept.dtype == f"uint{bits}"
        assert kept.max() == white
        said = comment(path)
        assert said.startswith(f"salzoo map: {white} is ")
        factor = float(said.rsplit(" ", 1)[1]) / white
        np.testing.assert_allclose(kept * factor, blob(index, height), atol=factor)


@pytest.mark.parametrize(("scale", "peaks"), [("none", [51, 204, 51]), ("frame", [255] * 3), ("video", [255, 255, 64])])
def test_scales(tmp_path: Path, scale: str, peaks: list[int]) -> None:
    write(tmp_path / "maps", [0.2, 0.8, 0.2], OutputOptions(scale=scale))
    assert [int(read_image(tmp_path / "maps" / f"{n:04d}.png", grey=True).max()) for n in (1, 2, 3)] == peaks


@pytest.mark.parametrize("bits", [8, 16])
def test_mkv_keeps_maps_without_loss(tmp_path: Path, bits: int) -> None:
    write(tmp_path / "maps.mkv", [1.0] * 4, OutputOptions(bits=bits, scale="none"))
    with av.open(str(tmp_path / "maps.mkv")) as container:
        assert container.streams.video[0].codec_context.name == "ffv1"
        assert container.metadata["COMMENT"] == "salzoo: view map, scale none"
        for index, kept in enumerate(container.decode(video=0)):
            np.testing.assert_array_equal(kept.to_ndarray(), np.rint(blob(index, 1.0) * (2**bits - 1)))
    assert index == 3


def test_side_by_side_is_twice_as_wide(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", [1.0] * 3, OutputOptions(view="side-by-side"))
    info = probe_video(tmp_path / "a.mp4")
    assert (info.height, info.width, info.frames) == (48, 128, 3)


def test_values(tmp_path: Path) -> None:
    for name in ("a.npy", "a.npz"):
        write(tmp_path / name, [0.1, 0.2, 0.3], OutputOptions())
        kept = np.load(tmp_path / name)
        if name == "a.npz":
            np.testing.assert_array_equal(kept["times"], [0, 0.04, 0.08])
            kept = kept["maps"]
        assert kept.dtype == np.float32
        np.testing.assert_array_equal(kept, np.stack([blob(i, h) for i, h in enumerate([0.1, 0.2, 0.3])]))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npy", "a.npz"]


@pytest.mark.parametrize(("values", "base"), [("log-density", np.e), ("log2-density", 2.0)])
def test_log_densities_sum_to_one_and_say_their_unit(tmp_path: Path, values: str, base: float) -> None:
    write(tmp_path / "maps.npz", [0.5, 0.001], OutputOptions(values=values))
    with np.load(tmp_path / "maps.npz") as held:
        logs, said = held["maps"], str(held["values"])
    assert said == values
    density = base ** logs.astype(np.float64)
    assert density.sum((1, 2)) == pytest.approx([1, 1], abs=1e-5)
    shown = blob(0, 0.5).astype(np.float64)
    np.testing.assert_allclose(density[0], shown / shown.sum(), atol=1e-8)
    with pytest.raises(SalzooError, match=f"{values} is for values"):
        write(tmp_path / "maps.mkv", [0.5], OutputOptions(values=values))
    refused = CliRunner().invoke(
        cli, ["predict", "center-bias", str(tmp_path), "-o", "x", "--as", "png", "--values", values]
    )
    assert refused.exit_code == 1
    assert "is for values" in refused.output


def test_measures_of_a_known_map() -> None:
    rng = np.random.default_rng(0)
    map_ = rng.random((30, 50)).astype(np.float32)
    found = measure_map(map_)
    mass = map_.astype(float) / map_.astype(float).sum()
    y, x = np.mgrid[:30, :50] + 0.5
    assert found["centroid_x"] == pytest.approx((mass * x).sum())
    assert found["spread"] == pytest.approx(
        np.sqrt((mass * ((x - (mass * x).sum()) ** 2 + (y - (mass * y).sum()) ** 2)).sum())
    )
    assert found["entropy"] == pytest.approx(-(mass * np.log2(mass)).sum())
    flat = measure_map(np.ones((4, 8), np.float32))
    assert flat["entropy"] == pytest.approx(5)
    nothing = measure_map(np.zeros((4, 8), np.float32))
    assert nothing["peak"] == 0
    assert nothing["centroid_x"] is nothing["peak_x"] is None


def test_measures_of_each_frame(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", [1.0] * 6, OutputOptions())
    write(tmp_path / "a.json", [1.0] * 6, OutputOptions())
    with (tmp_path / "a.csv").open() as file:
        rows = list(csv.DictReader(file))
    objects = json.loads((tmp_path / "a.json").read_text())
    assert [row["frame"] for row in rows] == ["1", "2", "3", "4", "5", "6"]
    for index, (row, found) in enumerate(zip(rows, objects, strict=True)):
        assert {key: float(value) for key, value in row.items()} == pytest.approx(found, rel=1e-4)
        assert found["time"] == pytest.approx(index / 25)
        assert (found["peak_x"], found["peak_y"]) == (10.5 + 6 * index, 20.5)
    write(tmp_path / "s.json", [1.0] * 6, OutputOptions(per="second"))
    (second,) = json.loads((tmp_path / "s.json").read_text())
    assert (second["second"], second["frames"]) == (0, 6)
    assert second["entropy"] == pytest.approx(np.mean([each["entropy"] for each in objects]))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("a.mp4", OutputOptions(bits=16), "16 bits are for grey maps alone"),
        ("a.mkv", OutputOptions(bits=16, view="heat"), "16 bits are for grey maps alone"),
        ("a.mp4", OutputOptions(per="second"), "seconds are measured, not drawn"),
        ("a.csv", OutputOptions(view="crop"), "holds numbers, for which no view"),
        ("a.npz", OutputOptions(scale="none"), "holds numbers, for which no view"),
        ("missing/a.csv", OutputOptions(), "No such file or directory"),
        ("missing/a.npy", OutputOptions(), "No such file or directory"),
        ("a.txt", OutputOptions(), "name a file that ends in"),
    ],
)
def test_outputs_that_cannot_be(tmp_path: Path, name: str, options: OutputOptions, message: str) -> None:
    with pytest.raises(SalzooError, match=message):
        write(tmp_path / name, [1.0], options)
    assert not list(tmp_path.iterdir())


def test_the_options_of_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "in.mp4", [1.0] * 4, OutputOptions())
    for arguments in (
        ["-o", "out.webm", "--view", "contours", "--colormap", "turbo", "--opacity", "0.5", "--scale", "frame"],
        ["-o", "out.csv"],
        ["-o", "maps", "--bits", "16"],
    ):
        result = CliRunner().invoke(cli, ["predict", "spectral-residual", "in.mp4", *arguments, "--device", "cpu"])
        assert result.exit_code == 0, result.output
    assert len(list(read_timed(tmp_path / "out.webm"))) == 4
    assert (tmp_path / "out.csv").read_text().startswith("frame,time,peak,")
    assert read_map(tmp_path / "maps" / "0001.png").dtype == np.uint16


def test_what_is_there_is_replaced_only_where_asked(tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    cv2.imwrite(str(picture), np.full((40, 60, 3), 90, np.uint8))
    out = tmp_path / "out.png"
    out.write_bytes(b"my own")
    words = ["predict", "center-bias", str(picture), "-o", str(out), "--engine", "torch"]
    result = CliRunner().invoke(cli, words)
    assert result.exit_code == 1
    assert f"{out} is there already: name another output, remove it, or replace it with --overwrite" in result.stderr
    assert out.read_bytes() == b"my own"
    assert CliRunner().invoke(cli, [*words, "--overwrite"]).exit_code == 0
    assert cv2.imread(str(out)).shape == (40, 60, 3)
