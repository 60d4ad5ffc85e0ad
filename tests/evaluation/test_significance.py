"""Permutation tests, paired by video."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salzoo.evaluation.bootstrap import VideoScores
from salzoo.evaluation.significance import DRAWN, holm, paired_p


def scores(values: np.ndarray, frames: np.ndarray | None = None, *, of_videos: bool = False) -> VideoScores:
    counts = np.ones_like(values) if frames is None else frames
    return VideoScores(values * counts, counts, of_videos)


@pytest.mark.parametrize("of_videos", [False, True])
def test_p_is_the_share_of_all_exchanges(of_videos: bool) -> None:
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 4, (7, 1)).astype(float)  # two of the videos have no score
    ours, theirs = rng.normal(0.5, 1, (7, 1)), rng.normal(0, 1, (7, 1))
    other_frames = np.maximum(frames - (np.arange(7)[:, None] == 6), 0)
    one, two = scores(ours, frames, of_videos=of_videos), scores(theirs, other_frames, of_videos=of_videos)

    def difference(kept: tuple[bool, ...]) -> float:
        pairs = [((ours, frames), (theirs, other_frames))[:: 1 if keep else -1] for keep in kept]
        means = []
        for side in (0, 1):
            values, counts = (np.array([pair[side][what][n, 0] for n, pair in enumerate(pairs)]) for what in (0, 1))
            some = counts > 0
            means.append(values[some].mean() if of_videos else (values * counts).sum() / counts.sum())
        return abs(means[0] - means[1])

    found = difference((True,) * 7)
    all_of_them = [difference(kept) for kept in itertools.product((True, False), repeat=7)]
    assert found == pytest.approx(abs(one.mean()[0] - two.mean()[0]))
    assert paired_p(one, two)[0] == np.mean([each >= found - 1e-12 for each in all_of_them])


def test_what_is_the_same_is_never_told_apart_and_the_clearest_difference_is_as_small_as_can_be() -> None:
    values = np.random.default_rng(0).normal(size=(6, 2))
    assert paired_p(scores(values), scores(values)).tolist() == [1, 1]
    assert paired_p(scores(values), scores(values + 1)).tolist() == [2 / 2**6] * 2
    many = np.random.default_rng(0).normal(size=(40, 1))
    assert paired_p(scores(many), scores(many + 5)) == [1 / DRAWN]
    assert np.isnan(paired_p(scores(many), scores(many, np.zeros_like(many))))


def test_false_alarms_are_as_rare_as_they_say() -> None:
    rng = np.random.default_rng(2)
    found = [paired_p(*(scores(rng.normal(size=(8, 1))) for _ in range(2)))[0] for _ in range(200)]
    assert 0.01 <= np.mean(np.array(found) < 0.05) <= 0.1


@given(st.lists(st.one_of(st.floats(0, 1), st.just(np.nan)), min_size=1, max_size=8))
def test_correction_only_raises_and_keeps_the_order(values: list[float]) -> None:
    p = np.array(values)
    corrected = holm(p)
    some = ~np.isnan(p)
    assert (np.isnan(corrected) == ~some).all()
    assert (corrected[some] >= p[some]).all()
    assert (corrected[some] <= 1).all()
    if some.any():
        assert corrected[some].min() == pytest.approx(min(1, some.sum() * p[some].min()))
        assert (np.diff(corrected[some][np.argsort(p[some], kind="stable")]) >= 0).all()
