"""Augmentation: what belongs together stays together."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from salzoo.training.augmentation import Augmentation, Transform

FULL = Augmentation(flip=0.5, zoom=2.0, jitter=0.5)


@given(st.integers(0, 2**32), st.integers(8, 40), st.integers(8, 40), st.floats(0.2, 0.8), st.floats(0.2, 0.8))
def test_frames_density_and_fixations_stay_aligned(seed: int, height: int, width: int, y: float, x: float) -> None:
    transform = Augmentation(flip=0.5, zoom=2.0).draw(np.random.default_rng(seed))
    row, column = int(y * height), int(x * width)
    frames = np.zeros((2, height, width, 3), np.uint8)
    density = np.zeros((2, height, width), np.uint8)
    fixations = np.zeros((2, height, width), bool)
    frames[:, row, column], density[:, row, column], fixations[:, row, column] = 255, 255, True
    moved_frames, moved_density, moved_fixations = transform.apply(frames, density, fixations)
    assert moved_fixations is not None
    assert moved_frames.shape == frames.shape
    assert np.array_equal(moved_frames[..., 0], moved_density)
    for frame, points in zip(moved_density, moved_fixations, strict=True):
        assert np.array_equal(moved_fixations[0], points)
        assert points.sum() == (frame.max() == 255 or points.any())
        if points.any():
            peak = np.unravel_index(frame.argmax(), frame.shape)
            place = np.argwhere(points)[0]
            assert np.abs(place - peak).max() <= 1


def test_all_points_of_the_part_that_is_kept_are_kept() -> None:
    fixations = np.ones((1, 20, 30), bool)
    images = np.zeros((1, 20, 30, 3), np.uint8)
    _, _, moved = Transform(zoom=1.5, x=0.3, y=0.7).apply(images, images[..., 0], fixations)
    assert moved is not None
    assert moved.sum() == round(20 / 1.5) * round(30 / 1.5)


def test_twice_mirrored_is_the_same() -> None:
    rng = np.random.default_rng(0)
    clip = rng.integers(0, 256, (3, 8, 10, 3), np.uint8)
    once = Transform(flip=True).apply(clip, clip[..., 0], clip[..., 1] > 99)
    assert np.array_equal(once[0][:, :, 0], clip[:, :, -1])
    assert once[2] is not None
    twice = Transform(flip=True).apply(*once)
    assert np.array_equal(twice[0], clip)
    assert np.array_equal(twice[1], clip[..., 0])
    assert np.array_equal(twice[2], clip[..., 1] > 99)


def test_the_seed_decides_and_nothing_changes_nothing() -> None:
    clip = np.random.default_rng(0).integers(0, 256, (3, 8, 10, 3), np.uint8)
    draws = [FULL.draw(np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]
    assert {FULL.draw(np.random.default_rng(seed)).flip for seed in range(20)} == {True, False}
    assert Augmentation().draw(np.random.default_rng(0)).apply(clip, clip[..., 0])[0] is clip


def test_colours_change_alike_in_all_frames_and_density_never() -> None:
    clip = np.random.default_rng(0).integers(50, 200, (1, 8, 10, 3), np.uint8).repeat(3, 0)
    transform = Augmentation(jitter=0.3).draw(np.random.default_rng(3))
    frames, density, _ = transform.apply(clip, clip[..., 0])
    assert not np.array_equal(frames, clip)
    assert np.array_equal(frames[0], frames[2])
    assert np.array_equal(density, clip[..., 0])
    brighter, _, _ = Transform(brightness=1.2).apply(clip, clip[..., 0])
    assert brighter.mean() > clip.mean() * 1.15
    grey, _, _ = Transform(saturation=0.0).apply(clip, clip[..., 0])
    assert (grey.max(-1) - grey.min(-1)).max() <= 1


@given(st.integers(0, 2**32), st.integers(1, 11))
def test_a_video_is_changed_alike_however_it_is_cut(seed: int, cut: int) -> None:
    rng = np.random.default_rng(seed)
    levels = rng.integers(0, 256, (12, 1, 1, 3))  # a video whose light changes from frame to frame
    video = np.clip(levels + rng.integers(-40, 40, (12, 8, 10, 3)), 0, 255).astype(np.uint8)
    density, fixations = video[..., 0], video[..., 1] > 200
    transform = FULL.draw(rng)
    whole = transform.apply(video, density, fixations)
    parts = [transform.apply(video[part], density[part], fixations[part]) for part in (slice(cut), slice(cut, None))]
    for together, first, second in zip(whole, *parts, strict=True):
        assert np.array_equal(together, np.concatenate([first, second]))


def test_contrast_spreads_about_grey() -> None:
    clip = np.full((1, 4, 4, 3), 115, np.uint8)
    clip[0, 0] = 95
    clip[0, 1] = 135
    spread, density, _ = Transform(contrast=1.5).apply(clip, clip[..., 0])
    assert np.array_equal(np.unique(spread), (85, 115, 145))
    assert np.array_equal(density, clip[..., 0])
