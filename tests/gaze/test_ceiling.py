"""People scored by people, against an independent loop over observers and pixels."""

from typing import Any

import numpy as np
import pytest

from salzoo.evaluation.humans import PRIORS, SCALES, choose_others
from salzoo.gaze.ceiling import as_distribution, join_gaze, score_people
from salzoo.metrics import auc_shuffled, ig, nss

SIZE = (45, 60)


def simulate(seed: int, size: tuple[int, int] = SIZE, observers: int = 6) -> list[np.ndarray]:
    """Observers who look around two places, one of them at nothing."""
    rng = np.random.default_rng(seed)
    places = rng.uniform(0.2, 0.8, (2, 2)) * size[::-1]
    gaze = [places[rng.integers(0, 2, n)] + rng.normal(0, 3, (n, 2)) for n in rng.integers(1, 5, observers)]
    return [np.clip(points, 0, np.subtract(size[::-1], 1e-3)) for points in gaze] + [np.zeros((0, 2))]


def bias_of(size: tuple[int, int] = SIZE) -> np.ndarray:
    y, x = np.mgrid[: size[0], : size[1]]
    return as_distribution(np.exp(-((x / size[1] - 0.5) ** 2 + (y / size[0] - 0.5) ** 2) * 4), size)


def plain_density(gaze: list[np.ndarray], left_out: int, sigma: float, prior: float, bias: np.ndarray) -> np.ndarray:
    """p_k pixel by pixel."""
    total = np.zeros(bias.shape)
    for observer, points in enumerate(gaze):
        if observer == left_out:
            continue
        for x, y in points:
            for row in range(bias.shape[0]):
                away = (np.arange(bias.shape[1]) + 0.5 - x) ** 2 + (row + 0.5 - y) ** 2
                total[row] += np.exp(-away / (2 * sigma**2))
    return (1 - prior) * total / total.sum() + prior * bias


@pytest.mark.parametrize("prior", [0.0, 0.2])
def test_scores_are_those_of_a_plain_loop(prior: float) -> None:
    gaze, bias = simulate(3), bias_of()
    others = np.random.default_rng(4).random(SIZE) < 0.02
    people = join_gaze(gaze, SIZE, 3.5)
    assert people is not None
    found = score_people(people, prior, bias, others)
    expected: dict[str, list[float]] = {"nss": [], "ig": [], "auc_judd": [], "auc_shuffled": []}
    for observer, points in enumerate(gaze):
        for x, y in points:
            density = plain_density(gaze, observer, 3.5, prior, bias)
            fixated = np.zeros(SIZE, bool)
            fixated[int(y), int(x)] = True
            at = density[int(y), int(x)]
            expected["nss"].append(float(nss(density, fixated)))
            eps = 2.0**-52
            expected["ig"].append(np.log2(eps + at) - np.log2(eps + bias[int(y), int(x)]))
            expected["auc_judd"].append(((density < at).mean() + (density <= at).mean()) / 2)
            expected["auc_shuffled"].append(float(auc_shuffled(density, fixated, others)))
    for metric, scores in expected.items():  # sigma is under 8: every pixel is looked at
        # a pixel on an edge of the AUCs may fall to its other side by rounding
        tolerance = 1e-9 if metric in ("nss", "ig") else 1e-3
        assert found[metric] == pytest.approx(np.mean(scores), abs=tolerance)


def test_gain_is_that_of_the_metric_where_densities_touch_zero() -> None:
    bias = bias_of()
    gaze = [np.array([[20.2, 20.7]]), np.array([[24.0, 22.0]])]
    people = join_gaze(gaze, SIZE, 3.0)
    assert people is not None
    gains = []
    for observer, points in enumerate(gaze):
        fixated = np.zeros(SIZE, bool)
        fixated[int(points[0, 1]), int(points[0, 0])] = True
        gains.append(float(ig(plain_density(gaze, observer, 3.0, 0.0, bias), fixated, bias)))
    assert score_people(people, 0.0, bias)["ig"] == pytest.approx(np.mean(gains), abs=1e-6)


def test_every_fourth_of_sigma_is_enough_for_the_areas() -> None:
    size = (180, 240)
    others = np.random.default_rng(1).random(size) < 0.01
    for seed in range(4):
        gaze = [4 * points for points in simulate(seed)]
        people = join_gaze(gaze, size, 20.0)
        assert people is not None
        bias = bias_of(size)
        found = score_people(people, 0.1, bias, others)
        exact = []
        for k, observer in enumerate(points for points in gaze if len(points)):
            density = plain_density([points for points in gaze if len(points)], k, 20.0, 0.1, bias)
            exact += [(density < density[int(y), int(x)]).mean() for x, y in observer]
        assert found["auc_judd"] == pytest.approx(np.mean(exact), abs=2e-3)


def test_people_who_agree_score_above_those_who_do_not() -> None:
    together = [np.array([[30.0, 20.0]]), np.array([[31.0, 21.0]]), np.array([[29.0, 20.0]])]
    apart = [np.array([[5.0, 5.0]]), np.array([[55.0, 40.0]]), np.array([[5.0, 40.0]])]
    scores = []
    for gaze in (together, apart):
        people = join_gaze(gaze, SIZE, 3.0)
        assert people is not None
        scores.append(score_people(people, 0.1, bias_of()))
    assert all(scores[0][metric] > scores[1][metric] for metric in ("nss", "ig", "auc_judd"))
    assert np.isnan(scores[0]["auc_shuffled"])


def test_one_observer_alone_has_no_score() -> None:
    assert join_gaze([np.array([[3.0, 4.0]]), np.zeros((0, 2))], SIZE, 3.0) is None


class Looked:
    """A video of twelve frames whose observers scatter by a sigma of 6 around what they look at."""

    frames, size, sigma, observers = 12, (120, 160), 3.0, 8

    def __init__(self, scatter: float) -> None:
        self.scatter = scatter

    def read_gaze(self, index: int) -> list[np.ndarray]:
        rng = np.random.default_rng(index)
        middle = rng.uniform(30, 90, 2)
        points = middle + rng.normal(0, self.scatter, (self.observers, 2))
        return [np.clip(point, 0, 119)[None] for point in points]


def test_sigma_is_chosen_by_how_well_observers_predict_each_other() -> None:
    videos: Any = [Looked(2.0)], [Looked(8.0)]
    near, far = (choose_others(each, np.ones((9, 12), np.float32)) for each in videos)
    assert near.scale < far.scale
    assert {near.scale, far.scale} <= set(SCALES)
    assert {near.prior, far.prior} <= set(PRIORS)
    assert choose_others([], None).scale == 1
