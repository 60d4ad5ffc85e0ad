"""The window that follows attention."""

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from salzoo.cli import cli
from salzoo.interfaces import SalzooError
from salzoo.video.cropping import CropWindow, crop_size, parse_aspect
from salzoo.video.reading import probe_video
from salzoo.video.writing import video_writer

SIZE = (90, 160)
IMAGE = np.full((*SIZE, 3), 80, np.uint8)


def blob(x: float, width: int = 40) -> NDArray[np.float32]:
    """A map with all attention around a column, in parts of its width."""
    columns = np.exp(-0.5 * ((np.arange(width) + 0.5 - x * width) / 1.5) ** 2)
    return np.tile(columns, (20, 1)).astype(np.float32)


def columns_of(window: CropWindow, places: list[float], image: NDArray[np.uint8] = IMAGE) -> list[int]:
    return [window.place(image, blob(x), index / 25)[1] for index, x in enumerate(places)]


def test_the_window_goes_where_attention_is_smoothly_and_stands_still_there() -> None:
    window = CropWindow(crop_size(SIZE, Fraction(9, 16)))
    assert window.size == (90, 50)
    columns = columns_of(window, [0.2] * 10 + [0.8] * 90)
    assert set(columns[:10]) == {columns[0]}
    assert columns[0] <= 0.2 * 160 <= columns[0] + 50
    assert columns[-1] <= 0.8 * 160 <= columns[-1] + 50
    steps = np.diff(columns)
    assert 0 <= steps.min() <= steps.max() <= 8  # 96 pixels, in a second and more
    assert len(set(columns[-20:])) == 1


def test_it_jumps_at_a_cut_and_stays_within_the_frame() -> None:
    window = CropWindow(crop_size(SIZE, Fraction(9, 16)))
    columns_of(window, [0.0] * 5)
    other = np.full((*SIZE, 3), 200, np.uint8)
    assert window.place(other, blob(1.0), 0.2) == (0, 110)
    rng = np.random.default_rng(0)
    for index in range(200):
        top, left = window.place(other, rng.random((20, 40)).astype(np.float32) ** 8, index / 10)
        assert (top, left) == (0, min(max(left, 0), 110))


def test_rows_are_followed_in_a_tall_frame_and_pixels_need_not_be_square() -> None:
    assert crop_size((160, 90), Fraction(1)) == (90, 90)
    assert crop_size((480, 720), Fraction(9, 16), Fraction(8, 9)) == (480, 302)
    assert crop_size((3, 3), Fraction(20)) == (1, 2)
    window = CropWindow((90, 90))
    assert window.crop(np.zeros((160, 90, 3), np.uint8), blob(0.9).T, 0).shape == (90, 90, 3)
    assert window.place(np.zeros((160, 90, 3), np.uint8), blob(0.9).T, 0)[0] == 70


@pytest.mark.parametrize("text", ["9x16", "0:1", "1:21", "9:16:1", "", "a:b", "١:٢"])
def test_what_is_no_shape_is_refused(text: str) -> None:
    with pytest.raises(SalzooError, match="no shape of a picture"):
        parse_aspect(text)


def test_the_command_crops_videos_and_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with video_writer(Path("a.mp4"), SIZE, 25) as write:
        for _ in range(5):
            write(IMAGE)
    cv2.imwrite("b.png", IMAGE)
    words = ["predict", "spectral-residual", "--view", "crop", "--device", "cpu"]
    for source, out, *more in (("a.mp4", "x.mp4"), ("b.png", "x.png", "--aspect", "1:1")):
        done = CliRunner().invoke(cli, [*words, source, "-o", out, *more])
        assert done.exit_code == 0, done.output
    info = probe_video(Path("x.mp4"))
    assert (info.height, info.width, info.frames) == (90, 50, 5)
    drawn = cv2.imread("x.png")
    assert drawn is not None
    assert drawn.shape == (90, 90, 3)
    wrong = CliRunner().invoke(cli, [*words, "b.png", "-o", "y.png", "--aspect", "9/16"])
    assert (wrong.exit_code, Path("y.png").exists()) == (1, False)
