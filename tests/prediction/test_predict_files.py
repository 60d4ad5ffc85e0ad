"""From a video or image file to what is written for it."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import salzoo
from salzoo import SaliencyModel, SalzooError
from salzoo.interfaces import Backbone, Layer, Preprocessing
from salzoo.prediction.engines.engine import EXACT
from salzoo.prediction.maps import predict_maps
from salzoo.prediction.outputs import OutputOptions
from salzoo.spec import parse_spec
from salzoo.video.overlay import map_to_grey, resize_map
from salzoo.video.pictures import read_image, write_image
from salzoo.video.reading import probe_video, read_video
from salzoo.video.writing import video_writer

SIZE = (72, 96)


def scene(index: int) -> NDArray[np.uint8]:
    """A dark frame with a bright disc that moves to the right."""
    frame = np.full((*SIZE, 3), 60, np.uint8)
    return np.asarray(cv2.circle(frame, (20 + 3 * index, 30), 8, (40, 80, 230), -1), np.uint8)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "input" / "video.avi"
    path.parent.mkdir()
    with video_writer(path, SIZE, 15) as write:
        for index in range(20):
            write(scene(index))
    return path


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "input" / "image.png"
    path.parent.mkdir(exist_ok=True)
    write_image(path, scene(0))
    return path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "output"
    folder.mkdir()
    return folder


@pytest.fixture
def slim() -> SaliencyModel:
    torch.manual_seed(0)
    return salzoo.create_model("salgan:width=0.05+ema@61")


@pytest.mark.parametrize("ending", [".mp4", ".webm", ".avi", ".MP4"])
def test_overlay_video(video: Path, out: Path, ending: str) -> None:
    done = salzoo.predict("spectral-residual", video, out / f"overlay{ending}")
    assert (done.out, done.frames) == (out / f"overlay{ending}", 20)
    assert done.seconds > 0
    info = probe_video(done.out)
    assert (info.frames, info.fps, info.height, info.width) == (20, 15, *SIZE)
    for index, drawn in enumerate(read_video(done.out)):
        # heat lies on the disc and leaves the rest as it was
        change = np.abs(drawn.astype(int) - scene(index)).sum(axis=-1)
        assert change[22:38, 12 + 3 * index : 28 + 3 * index].mean() > 2 * change.mean()
        assert np.median(change) < 60
    assert list(out.iterdir()) == [done.out]


def test_maps_are_the_models_at_the_frames_size(video: Path, out: Path, slim: SaliencyModel) -> None:
    done = salzoo.predict(slim, str(video), str(out / "maps"), EXACT)
    assert done.frames == 20
    files = sorted((out / "maps").iterdir())
    assert [file.name for file in files] == [f"{number:04d}.png" for number in range(1, 21)]
    expected = [map_to_grey(resize_map(map_ / map_.max(), SIZE)) for map_ in predict_maps(slim, read_video(video))]
    assert np.stack(expected).std() > 2
    for file, grey in zip(files, expected, strict=True):
        np.testing.assert_array_equal(read_image(file, grey=True), grey)


def test_maps_may_go_to_an_empty_folder(image: Path, out: Path) -> None:
    done = salzoo.predict("center-bias", image, out)
    assert done.frames == 1
    assert [path.name for path in out.iterdir()] == ["0001.png"]
    grey = read_image(out / "0001.png", grey=True)
    assert grey.shape == SIZE
    assert grey[36, 48] > 250 > 100 > grey[0, 0]


@pytest.mark.parametrize("ending", [".png", ".jpg"])
def test_overlay_image(image: Path, out: Path, ending: str) -> None:
    salzoo.predict("spectral-residual", image, out / f"overlay{ending}")
    drawn = read_image(out / f"overlay{ending}")
    assert drawn.shape == (*SIZE, 3)
    change = np.abs(drawn.astype(int) - scene(0)).sum(axis=-1)
    assert change[22:38, 12:28].mean() > 2 * change.mean() > 0


def test_heat_does_not_flicker_on_a_scale_of_the_video(out: Path, tmp_path: Path) -> None:
    """What is as salient as before is drawn as before, though something stronger came and went."""

    class Levels(torch.nn.Module):
        def forward(self, frames: torch.Tensor) -> torch.Tensor:
            return frames[:, :1] / 255

    backbone = Backbone(
        [Layer("levels", Levels(), 1, 1)], landmarks={"output": 0}, preprocessing=Preprocessing(size=SIZE)
    )
    steady, flash = np.full((*SIZE, 3), 60, np.uint8), np.full((*SIZE, 3), 60, np.uint8)
    steady[10:30, 10:30] = 120
    flash[10:30, 10:30] = 120
    flash[40:60, 60:80] = 240
    with video_writer(tmp_path / "flash.avi", SIZE, 25) as write:
        for frame in [steady] * 5 + [flash] + [steady] * 200:
            write(frame)
    model = SaliencyModel(parse_spec("levels"), backbone, {})
    done = salzoo.predict(model, tmp_path / "flash.avi", out / "o.avi", options=OutputOptions(scale="video"))
    heat = [float(frame[15:25, 15:25].mean()) for frame in read_video(done.out)]
    assert abs(heat[5] - heat[6]) < 3  # not brighter at once when the flash is gone
    assert abs(heat[205] - heat[0]) < 3  # but in the end
    assert np.abs(np.diff(heat[6:])).max() < (heat[0] - heat[6]) / 8  # bit by bit


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("overlay.mov", "name a file that ends in .mp4, .webm, .mkv, .gif, .avi"),
        ("overlay.png", "name a file that ends in .mp4, .webm, .mkv, .gif, .avi"),
    ],
)
def test_outputs_that_cannot_be(video: Path, out: Path, name: str, message: str) -> None:
    with pytest.raises(SalzooError, match=message) as raised:
        salzoo.predict("center-bias", video, out / name)
    assert str(out / name) in str(raised.value)
    assert not list(out.iterdir())


def test_an_image_gives_no_video(image: Path, out: Path) -> None:
    with pytest.raises(SalzooError, match=r"for an image name a file that ends in \.png, \.jpg, \.jpeg"):
        salzoo.predict("center-bias", image, out / "overlay.mp4")
    assert not list(out.iterdir())


def test_a_full_folder_and_the_input_are_not_overwritten(video: Path) -> None:
    before = video.read_bytes()
    with pytest.raises(SalzooError, match="not an empty folder"):
        salzoo.predict("center-bias", video, video.parent)
    with pytest.raises(SalzooError, match="is the input"):
        salzoo.predict("center-bias", video, video.parent / ".." / "input" / "video.avi")
    assert list(video.parent.iterdir()) == [video]
    assert video.read_bytes() == before


@pytest.mark.parametrize("out_name", ["overlay.mp4", "maps"])
@pytest.mark.parametrize("damage", ["truncated", "text", "empty", "missing"])
def test_unreadable_input_leaves_nothing(video: Path, out: Path, damage: str, out_name: str) -> None:
    if damage == "missing":
        video.unlink()
    else:
        content = video.read_bytes()
        video.write_bytes({"truncated": content[: len(content) // 2], "text": b"hello\n" * 99, "empty": b""}[damage])
    with pytest.raises(SalzooError, match=r"video\.avi"):
        salzoo.predict("center-bias", video, out / out_name)
    assert not list(out.iterdir())


def test_an_older_overlay_survives_a_failure(video: Path, out: Path) -> None:
    salzoo.predict("center-bias", video, out / "overlay.mp4")
    before = (out / "overlay.mp4").read_bytes()
    content = video.read_bytes()
    video.write_bytes(content[: len(content) // 2])
    with pytest.raises(SalzooError, match="truncated"):
        salzoo.predict("center-bias", video, out / "overlay.mp4")
    assert (out / "overlay.mp4").read_bytes() == before
    assert len(list(out.iterdir())) == 1


@pytest.mark.parametrize(
    ("model", "device", "message"),
    [
        ("spectral-residua", None, "did you mean 'spectral-residual'"),
        ("salgan", None, "without weights"),
        ("center-bias", "gpu", "unknown device"),
    ],
)
def test_unknown_models_and_devices(video: Path, out: Path, model: str, device: str | None, message: str) -> None:
    with pytest.raises(SalzooError, match=message):
        salzoo.predict(model, video, out / "overlay.mp4", salzoo.RunOptions(device=device))
    assert not list(out.iterdir())
