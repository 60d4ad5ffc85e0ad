"""Maps drawn over frames."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salzoo.video.overlay import OPACITY, draw_heat, map_to_grey, resize_map
from salzoo.video.resizing import resize_frame

FRAME = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)


def test_no_heat_leaves_the_frame() -> None:
    np.testing.assert_array_equal(draw_heat(FRAME, np.zeros((24, 32), np.uint8)), FRAME)


def test_heat_changes_its_own_pixels_alone() -> None:
    before = FRAME.copy()
    grey_map = np.zeros((24, 32), np.uint8)
    grey_map[5:9, 10:20] = 255
    drawn = draw_heat(FRAME, grey_map)
    np.testing.assert_array_equal(drawn[grey_map == 0], FRAME[grey_map == 0])
    assert (drawn[grey_map == 255] != FRAME[grey_map == 255]).any(axis=-1).mean() > 0.9
    np.testing.assert_array_equal(FRAME, before)


def test_more_heat_is_lighter_on_black_and_the_frame_shows_through() -> None:
    ramp = np.arange(256, dtype=np.uint8)[None]
    on_black, on_white = (draw_heat(np.full((1, 256, 3), value, np.uint8), ramp) for value in (0, 255))
    lightness = on_black[0] @ [0.114, 0.587, 0.299]
    assert (np.diff(lightness) > -1).all()  # rounding
    assert lightness[255] > 100
    shown = on_white[0].astype(int) - on_black[0]
    assert (np.diff(shown, axis=0) <= 0).all()
    np.testing.assert_allclose(shown[255], 255 * (1 - OPACITY), atol=1)


@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_resized_maps_stay_in_range(height: int, width: int, new_height: int, new_width: int, seed: int) -> None:
    map_ = (np.random.default_rng(seed).random((height, width)) > 0.5).astype(np.float32)
    resized = resize_map(map_, (new_height, new_width))
    assert resized.shape == (new_height, new_width)
    assert resized.dtype == np.float32
    assert 0 <= resized.min() <= resized.max() <= 1
    if map_.min() == map_.max():
        np.testing.assert_allclose(resized, map_[0, 0], atol=1e-6)


def test_a_peak_stays_where_it_is() -> None:
    y, x = np.mgrid[:48, :64]
    map_ = np.exp(-((y - 12) ** 2 + (x - 40) ** 2) / 50).astype(np.float32)
    big = resize_map(map_, (96, 128))
    row, column = divmod(int(big.argmax()), 128)
    assert (row // 2, column // 2) == (12, 40)


@pytest.mark.parametrize(("value", "grey"), [(0.0, 0), (0.5, 128), (0.4 / 255, 0), (0.6 / 255, 1), (1.0, 255)])
def test_grey_is_rounded(value: float, grey: int) -> None:
    assert map_to_grey(np.full((2, 2), value, np.float32)).tolist() == [[grey, grey], [grey, grey]]


def test_resized_frames_are_means_of_the_pixels_they_cover() -> None:
    halved = resize_frame(FRAME, (12, 16))
    means = FRAME.reshape(12, 2, 16, 2, 3).mean((1, 3))
    assert np.abs(halved - means).max() <= 0.5
    assert resize_frame(FRAME, (24, 32)) is FRAME
    assert resize_frame(FRAME[..., 0], (12, 16)).shape == (12, 16)
