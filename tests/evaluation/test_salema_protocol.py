"""The protocol of the SalEMA authors' script, against its definition done plainly with random draws."""

from typing import Any

import cv2
import numpy as np
import pytest
from made_results import score_saved_maps

from salzoo.datasets.dhf1k import open_dhf1k
from salzoo.evaluation import salema
from salzoo.evaluation.fixations import index_fixations
from salzoo.evaluation.tasks import Scoring
from salzoo.metrics import auc_judd


def plain_auc_shuffled(prediction: Any, fixations: Any, others: Any, rng: np.random.Generator, draws: int) -> Any:
    """The script's shuffled AUC over many draws: mean and standard error."""
    p = (prediction - prediction.min()) / np.ptp(prediction)
    fixated, pool = p[fixations], p[others]
    scores = []
    for _ in range(draws):
        drawn = rng.permutation(pool)[: fixated.size]
        thresholds = np.arange(0, max(fixated.max(), drawn.max()), 0.1)[::-1]
        tp = [0, *((fixated >= t).sum() / fixated.size for t in thresholds), 1]
        fp = [0, *((drawn >= t).sum() / fixated.size for t in thresholds), 1]
        scores.append(np.trapezoid(tp, fp) if hasattr(np, "trapezoid") else np.trapz(tp, fp))
    return np.mean(scores), np.std(scores) / np.sqrt(draws)


@pytest.mark.parametrize("others", [3, 12, 60])
def test_shuffled_auc_is_the_expected_value_of_the_scripts(others: int) -> None:
    rng = np.random.default_rng(others)
    prediction = rng.random((18, 32)) ** 2
    fixations, other = (np.zeros(prediction.shape, bool) for _ in range(2))
    fixations.flat[rng.choice(prediction.size, 12, replace=False)] = True
    other.flat[rng.choice(prediction.size, others, replace=False)] = True
    exact = salema.auc_shuffled(prediction, fixations, other)
    mean, error = plain_auc_shuffled(prediction, fixations, other, rng, 4000)
    assert abs(exact - mean) < 5 * error + 1e-12


def test_the_largest_value_is_no_threshold() -> None:
    prediction = np.array([[1.0, 0.95, 0.0]])
    fixations, others = np.array([[1, 0, 0]], bool), np.array([[0, 1, 0]], bool)
    # at 0.9 both are reached; a threshold of 1.0 would tell the two apart, and score 1
    assert salema.auc_shuffled(prediction, fixations, others) == 0.5


def test_few_other_fixations_are_divided_by_the_number_of_fixations() -> None:
    prediction = np.array([[4.0, 3.0, 2.0, 0.0]])
    fixations, others = np.array([[1, 1, 1, 0]], bool), np.array([[0, 0, 0, 1]], bool)
    # tp rises to 1 while fp is 0; at threshold 0, fp is 1/3 and not 1
    assert salema.auc_shuffled(prediction, fixations, others) == pytest.approx(1)
    # the other fixation lies highest: fp is 1/3 from the first threshold on, tp 0 until the end
    assert salema.auc_shuffled(-prediction, fixations, others) == pytest.approx(
        plain_auc_shuffled(-prediction, fixations, others, np.random.default_rng(0), 2)[0]
    )


def test_half_a_map_of_fixations_marks_every_pixel_that_holds_one() -> None:
    fixations = np.random.default_rng(0).random((36, 64)) < 0.05
    assert np.array_equal(salema.halve(fixations), fixations.reshape(18, 2, 32, 2).any((1, 3)))


def test_scores_follow_the_script(gaze: Any) -> None:
    for path in list(gaze.all_maps()):
        gaze.write(path, cv2.resize(cv2.imread(str(path), 0), (24, 18)))
    result = score_saved_maps(gaze.maps, Scoring("dhf1k", root=gaze.root, protocol="salema", per_frame=True), workers=1)
    assert result.protocol == "salema v2"
    assert result.per_frame is not None
    per_video = []
    for video in ("0601", "0602", "0603"):
        scores = []
        for frame in range(1, 9):
            prediction = cv2.imread(str(gaze.map_file(f"{video}/{frame:04d}")), 0)
            fixations = cv2.imread(str(gaze.fixation_file(f"{video}/{frame:04d}")), 0)
            prediction = cv2.resize(prediction, (64, 36), interpolation=cv2.INTER_LINEAR)
            prediction, fixations = (cv2.resize(m, (0, 0), fx=0.5, fy=0.5) for m in (prediction, fixations))
            here = fixations > 0.5
            p = prediction.astype(np.float64)
            nss = ((p - p.mean()) / p.std())[here].mean()
            got = dict(zip(result.metrics, result.per_frame[video][f"{frame:04d}"], strict=True))
            assert got["nss"] == pytest.approx(nss, abs=1e-9)
            assert got["auc_judd"] == pytest.approx(auc_judd(prediction, here), abs=1e-12)
            scores.append(nss)
        per_video.append(np.mean(scores))
    assert result.mean["nss"] == pytest.approx(np.mean(per_video), abs=1e-9)


def test_other_fixations_are_of_other_videos_alone(gaze: Any) -> None:
    videos = open_dhf1k(gaze.root).split("val")
    index = index_fixations(videos)
    drawn = index.draw_from_other_videos(0)
    per_frame = [[video.read_fixations(i) for i in range(video.frames)] for video in videos]
    pairs = [(a, b) for a in per_frame[1] for b in per_frame[2] if np.array_equal(a | b, drawn)]
    assert pairs
    assert np.array_equal(drawn, index.draw_from_other_videos(0))
    assert not np.array_equal(drawn, index.draw_from_other_videos(0, seed=1))


def test_the_mean_is_that_of_the_videos_means(gaze: Any) -> None:
    for frame in ("0601/0001", "0601/0002", "0602/0005"):
        gaze.map_file(frame).unlink()
    by_protocol = {
        name: score_saved_maps(gaze.maps, Scoring("dhf1k", root=gaze.root, protocol=name), partial=True, workers=1)
        for name in ("dhf1k", "salema")
    }
    salema_result, frames = by_protocol["salema"], by_protocol["dhf1k"]
    means = [video["cc"] for video in salema_result.per_video.values()]
    assert salema_result.mean["cc"] == pytest.approx(np.mean(means), abs=1e-12)
    weighted = np.average([v["cc"] for v in frames.per_video.values()], weights=[6, 7, 8])
    assert frames.mean["cc"] == pytest.approx(weighted, abs=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_maps_are_quantised_over_their_own_range(dtype: type) -> None:
    rng = np.random.default_rng(2)
    softmax = np.exp(rng.normal(0, 2, (18, 32)))
    softmax = (softmax / softmax.sum()).astype(dtype)
    expected = np.rint((softmax - softmax.min()) / np.ptp(softmax) * 255)
    assert np.abs(salema.resize(softmax, (18, 32)) - expected).max() <= (dtype is np.float32)  # a tie may round up
    deep = (1000 + 60000 * softmax / softmax.max()).astype(np.uint16)
    assert np.abs(salema.resize(deep, (18, 32)) - expected).max() <= 1
    fixations = np.zeros((18, 32), bool)
    fixations[np.unravel_index(softmax.argmax(), softmax.shape)] = True
    assert salema.nss_population(salema.resize(softmax, (18, 32)), fixations) > 1


def test_a_flat_map_stays_flat() -> None:
    assert not salema.resize(np.full((4, 6), 0.3), (8, 12)).any()
