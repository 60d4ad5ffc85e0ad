"""Fixations among samples: what was simulated is found again, and both algorithms are the plain ones."""

import json
from pathlib import Path

import numpy as np
import pytest
from recording import compare, record

from salzoo.gaze.events import SHORTEST, THRESHOLDS, Detection, Method, find_fixations, velocities

DEGREE = 60.0
PYMOVEMENTS = Path(__file__).parents[1] / "data" / "gaze" / "pymovements_ivt.json"


def usual(method: Method, threshold: float | None = None) -> Detection:
    return Detection(method, threshold or THRESHOLDS[method], SHORTEST[method], DEGREE)


@pytest.mark.parametrize(
    ("method", "noise", "rate", "recall", "extra", "error"),
    [
        ("ivt", 0.02, 250.0, 1.0, 1.0, 0.01),
        ("ivt", 0.1, 250.0, 1.0, 1.0, 0.06),
        ("ivt", 0.2, 250.0, 1.0, 1.0, 0.12),
        ("ivt", 0.05, 60.0, 1.0, 1.0, 0.08),
        ("ivt", 0.05, 1000.0, 1.0, 1.0, 0.02),
        ("idt", 0.02, 250.0, 0.99, 1.03, 0.05),
        ("idt", 0.05, 250.0, 0.99, 1.06, 0.06),
    ],
)
def test_what_was_simulated_is_found(
    method: Method, noise: float, rate: float, recall: float, extra: float, error: float
) -> None:
    rng = np.random.default_rng(7)
    results = []
    for _ in range(8):
        times, places, true = record(rng, seconds=20, rate=rate, noise=noise, degree=DEGREE, blinks=3)
        results.append(compare(find_fixations(times, places, usual(method)), true, DEGREE))
    shares, numbers, _, errors = np.array(results).T
    assert shares.mean() >= recall
    assert 0.99 <= numbers.mean() <= extra
    assert errors.max() <= error


def test_blinks_and_gaps_end_a_fixation() -> None:
    times = np.arange(250) / 250
    places = np.full((250, 2), 300.0)
    assert len(find_fixations(times, places, usual("ivt"))) == 1
    places[100:120] = np.nan
    found = find_fixations(times, places, usual("ivt"))
    assert found[:, 0].tolist() == [0, 0.48]
    assert (found[:, 0] + found[:, 1]).tolist() == pytest.approx([99 / 250, 249 / 250])
    seen = np.isfinite(places[:, 0])
    np.testing.assert_array_equal(find_fixations(times[seen], places[seen], usual("ivt")), found)


@pytest.mark.parametrize("method", ["ivt", "idt"])
def test_nothing_comes_of_nothing(method: Method) -> None:
    for count in (0, 1, 2):
        assert find_fixations(np.arange(count) / 250, np.zeros((count, 2)), usual(method)).shape == (0, 4)
    assert find_fixations(np.arange(9) / 250, np.full((9, 2), np.nan), usual(method)).shape == (0, 4)


@pytest.mark.parametrize("method", ["ivt", "idt"])
def test_units_and_origin_make_no_difference(method: Method) -> None:
    times, places, _ = record(np.random.default_rng(3), seconds=10, noise=0.05, degree=DEGREE, blinks=1)
    found = find_fixations(times, places, usual(method))
    other = Detection(method, THRESHOLDS[method], SHORTEST[method], DEGREE / 8)
    moved = find_fixations(times + 5, (places - (100, -50)) / 8, other)
    np.testing.assert_allclose(moved, (found + np.array([5, 0, -100, 50])) / (1, 1, 8, 8), rtol=0, atol=1e-9)


def test_ivt_is_the_plain_algorithm() -> None:
    """Against a loop over samples, at uneven times."""
    rng = np.random.default_rng(5)
    times, places, _ = record(rng, seconds=5, noise=0.1, degree=DEGREE)
    times = times + rng.uniform(-0.001, 0.001, len(times))
    reach = max(1, round(0.02 / np.median(np.diff(times))))
    slow = []
    for i in range(len(times)):
        before, after = slice(max(i - reach, 0), i + 1), slice(i, i + reach + 1)
        way = np.linalg.norm(places[after].mean(0) - places[before].mean(0)) / DEGREE
        slow.append(way / (times[after].mean() - times[before].mean()) < 30)
    expected, start = [], None
    for i, still in enumerate([*slow, False]):
        if still and start is None:
            start = i
        elif not still and start is not None:
            if times[i - 1] - times[start] >= 0.06:
                expected.append((times[start], times[i - 1] - times[start], *places[start:i].mean(0)))
            start = None
    found = find_fixations(times, places, usual("ivt"))
    assert len(found) > 10
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_idt_gives_the_longest_runs_within_the_threshold() -> None:
    """Against a loop that asks for the dispersion of every window."""
    times, places, _ = record(np.random.default_rng(6), seconds=5, noise=0.05, degree=DEGREE)

    def dispersion(first: int, end: int) -> float:
        return float(np.ptp(places[first:end], axis=0).sum() / DEGREE)

    expected, first = [], 0
    while first < len(times):
        end = next((n for n in range(first, len(times)) if times[n] - times[first] >= 0.1 - 1e-9), len(times)) + 1
        if end > len(times):
            break
        if dispersion(first, end) > 1:
            first += 1
            continue
        while end < len(times) and dispersion(first, end + 1) <= 1:
            end += 1
        expected.append((times[first], times[end - 1] - times[first]))
        first = end
    found = find_fixations(times, places, usual("idt"))
    assert len(found) > 10
    np.testing.assert_allclose(found[:, :2], expected, atol=1e-12)


def test_ivt_agrees_with_pymovements() -> None:
    """What pymovements' ivt found among the same samples, given the velocities of ``velocities``; the file says how."""
    stored = json.loads(PYMOVEMENTS.read_text())
    times, places, _ = record(np.random.default_rng(11), seconds=20, noise=0.1, degree=DEGREE)
    assert velocities(times, places / DEGREE).sum() == pytest.approx(stored["sum_of_velocities"])
    found = find_fixations(times, places, usual("ivt"))
    assert np.rint(found[:, 0] * 1000).astype(int).tolist() == stored["onsets_ms"]
    assert np.rint(found[:, :2].sum(1) * 1000).astype(int).tolist() == stored["offsets_ms"]
