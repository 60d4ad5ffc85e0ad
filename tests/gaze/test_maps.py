"""Fixation and density maps against direct sums, by their laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from salzoo.gaze.maps import clip_points, density_map, fixation_map, gaussian_sum

POINTS = arrays(np.float64, st.tuples(st.integers(0, 6), st.just(2)), elements=st.floats(-20, 60))


@given(POINTS, st.floats(0.5, 20))
def test_gaussian_sum_is_the_direct_sum(points: np.ndarray, sigma: float) -> None:
    points = points.astype(np.float32)
    y, x = np.mgrid[:23, :31] + 0.5
    direct = np.zeros((23, 31))
    for px, py in points.astype(float):
        away = np.maximum(np.abs(x - px), np.abs(y - py)) / sigma
        direct += np.where(away <= 5, np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * sigma**2)), 0)
    edge = 2 * len(points) * np.exp(-12.5)  # where rounding puts a pixel on the other side of the Gaussian's end
    assert np.abs(gaussian_sum(points, (23, 31), sigma) - direct).max(initial=0) <= 1e-6 * max(1, len(points)) + edge


@given(POINTS)
def test_every_point_inside_marks_its_pixel_and_no_other(points: np.ndarray) -> None:
    marked = {(int(np.floor(y)), int(np.floor(x))) for x, y in points if 0 <= x < 31 and 0 <= y < 23}
    assert set(zip(*np.nonzero(fixation_map(points, (23, 31))), strict=True)) == marked


@given(POINTS)
def test_clipped_points_are_inside(points: np.ndarray) -> None:
    assert fixation_map(clip_points(points, (23, 31)), (23, 31)).sum() == len(
        {(int(y), int(x)) for x, y in clip_points(points, (23, 31))}
    )


def test_weights_are_factors() -> None:
    points = np.array([[5.0, 5.0], [20.0, 12.0]])
    weighted = gaussian_sum(points, (23, 31), 3.0, [2, 0.5])
    alone = [gaussian_sum(point[None], (23, 31), 3.0) for point in points]
    assert np.allclose(weighted, 2 * alone[0] + 0.5 * alone[1], atol=1e-6)
    assert density_map(points, (23, 31), 3.0, [2, 0.5])[12, 20] == pytest.approx(255 / 4, abs=1)


def test_density_is_scaled_to_255_and_empty_without_points() -> None:
    assert density_map(np.array([[4.5, 3.5]]), (8, 9), 2.0).max() == 255
    assert not density_map(np.zeros((0, 2)), (8, 9), 2.0).any()
    assert not density_map(np.array([[np.nan, 1.0], [50.0, 2.0]]), (8, 9), 2.0).any()
