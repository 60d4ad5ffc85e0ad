"""What the table is fitted to: shares and chances, boxes, things followed through a film; and the fit itself."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from detecting import Detector, random_boxes
from films import follow, overlap, people_in
from fitting import fit, fit_band, fit_logistic, fit_widths, holds, save, shortest_range
from judging import format_judged
from sampling import BASELINES, SETS, Picture, Samples, people_on

from salzoo.data import open_dataset
from salzoo.interfaces import SalzooError, Viewing
from salzoo.regions.calibration import TARGETS, apart, read_calibration, shipped_calibration
from salzoo.regions.region import Region
from salzoo.regions.shapes import Rectangle


def test_people_on_a_picture(tiny_gaze: Path) -> None:
    """Observer 1 looks at (4.5, 2.5) at 0.28 s and outside at 0.54 s, observer 2 at the last pixel."""
    video = open_dataset("osie", tiny_gaze).videos[4]
    found = people_on(
        video, [Rectangle(0, 0, 10, 10), Rectangle(40, 30, 24, 18), Rectangle(10, 0, 5, 5)], (48, 64), True
    )
    np.testing.assert_allclose(found[:, 0], [1 / 3, 1 / 3, 0])
    np.testing.assert_allclose(found[:, 1], [0.5, 0.5, 0])
    assert np.isnan(found[:, 2:]).all()  # the picture was not watched that long


def test_random_boxes_lie_within_the_frame() -> None:
    drawn = np.array([[0, 0, 500, 30], [100, 100, 20, 20]], float)
    boxes = random_boxes(drawn, (300, 400), np.random.default_rng(0))
    assert boxes.shape == (5, 4)
    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, :2] + boxes[:, 2:] <= (400, 300)).all()
    assert (boxes[:, 2:] >= 4).all()


def test_a_thing_is_followed_as_long_as_its_boxes_overlap() -> None:
    walker = [np.array([10 + 5 * step, 20, 30, 40], float) for step in range(8)]
    gone = np.array([200, 20, 30, 40], float)
    frames = [np.stack([gone, box]) if step < 3 else box[None] for step, box in enumerate(walker)]
    (region,) = follow(frames)  # what is gone after a second is not kept
    assert region.times == tuple(0.5 * step for step in range(8))
    assert region.at(1.0) == Rectangle(20, 20, 30, 40)
    assert region.at(1.25) == Rectangle(22.5, 20, 30, 40)
    assert overlap(np.array([0, 0, 2, 2.0]), np.array([1, 0, 2, 2.0])) == pytest.approx(1 / 3)


def test_gaze_in_a_window_counts_from_its_beginning() -> None:
    region = [Region("a", (Rectangle(0, 0, 10, 10),))]
    viewings = [
        Viewing("anna", np.array([[4.5, 1.0, 5, 5], [6.0, 0.5, 50, 5]])),  # is there when the window begins
        Viewing("ben", np.array([[1.0, 1.0, 5, 5], [7.5, 0.5, 5, 5], [8.5, 0.5, 50, 5]])),
        Viewing("eva", np.array([[1.0, 1.0, 5, 5]])),  # saw nothing of it
    ]
    (found,) = people_in(viewings, region, 5.0)
    np.testing.assert_allclose(found, [0.5, 0.5, 0.5, 1, 1])


def test_a_detector_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SalzooError, match=r"gone.onnx does not exist"):
        Detector(tmp_path / "gone.onnx", tmp_path / "gone.onnx")


def test_the_shortest_range_holds_four_fifths() -> None:
    values = np.random.default_rng(0).gamma(1, 1, 1000)
    low, high = shortest_range(values)
    assert ((values >= low) & (values <= high)).mean() == pytest.approx(0.8, abs=0.002)
    assert low < 0.05


def test_the_difference_of_two_numbers() -> None:
    one, other = np.array([[0.1], [0.07], [0.15]]), np.array([[0.3], [0.26], [0.42]])
    change, low, high = apart(one, other, 1.0)
    side = np.hypot(0.03, 0.12)
    np.testing.assert_allclose([change[0], low[0], high[0]], [0.2, 0.2 - side, 0.2 + side])


def made_pictures(rng: np.random.Generator, count: int, drawn: bool = False) -> list[Picture]:
    """Maps of one bump, and people whose shares stray from it; of drawn pictures more, and their traits differ."""
    pictures = []
    for number in range(count):
        rows, columns = np.indices((24, 32))
        at = rng.uniform((4, 4), (20, 28))
        map_ = np.exp(-((rows - at[0]) ** 2 + (columns - at[1]) ** 2) / rng.uniform(20, 120)).astype(np.float16)
        boxes = random_boxes(np.tile([0.0, 0, 60, 60], (5, 1)), (240, 320), rng)
        maps = dict.fromkeys(("model", *BASELINES), map_)
        split = ("train", "train", "val", "test")[number % 4]
        people, traits = np.zeros((8, 5)), rng.random(4) + 9 * drawn
        blank = Picture(str(number), split, (240, 320), boxes, np.arange(8) < 5, people, traits, maps)
        share = blank.see("model")[:, :1]
        chance = np.clip(1 - (1 - share) ** np.array([[1, 2, 5, 8, 12]]), 0.001, 0.999)
        alike = 1 if drawn else 10
        people = rng.binomial(15, rng.beta(alike * chance, alike * (1 - chance))) / 15
        pictures.append(Picture(blank.id, split, blank.size, boxes, blank.found, people, blank.traits, maps))
    return pictures


def test_a_table_is_fitted_and_judged() -> None:
    rng = np.random.default_rng(0)
    samples = Samples(
        {name: made_pictures(rng, 160, name == "fiwi") for name in (*SETS, "pascals", "fiwi")},
        "model",
        "0" * 16,
        frozenset(),
        None,
    )
    samples = replace(samples, films=samples.of("osie", "test"))
    table = fit(samples, "model", samples.weights)
    assert table.measured["films"]["share"]["holds"] == table.measured["osie"]["share"]["holds"]
    assert list(table.curves) == list(TARGETS)
    judged = table.measured["osie"]
    assert judged["pictures"] == 40
    assert judged["share"]["correlation"] > 0.7
    assert table.curves["seen_2s"].unlike > 1.5
    assert (table.measured["osie"]["unlike"], table.measured["fiwi"]["unlike"]) == (pytest.approx(0, abs=0.05), 1)
    assert table.measured["fiwi"]["pictures"] == 40  # of its test split alone
    for name in ("osie", "pascals", "fiwi"):
        assert 0.74 < table.measured[name]["share"]["holds"] < 0.92
        assert 0.72 < table.measured[name]["seen_3s"]["differences"] < 0.9
    assert judged["seen_3s"]["brier"] < judged["seen_3s"]["brier_of_mean"]
    assert table.measured["pascals"]["pictures"] == 160
    assert "pascals | 160, 1280" in format_judged(table)


def test_a_table_comes_back_as_it_was_written(tmp_path: Path) -> None:
    save(shipped_calibration(), tmp_path / "table.json")
    assert read_calibration(tmp_path / "table.json") == shipped_calibration()


def test_ranges_hold_as_often_as_they_say() -> None:
    """Shares that stray from a known curve as binomial draws do: four fifths of new ones lie in the ranges."""
    rng = np.random.default_rng(0)
    columns = np.stack([np.ones(6000), rng.normal(0, 1.5, 6000)], 1)
    chance = 1 / (1 + np.exp(-(columns @ [-0.5, 1.0])))
    did = rng.binomial(15, rng.beta(8 * chance, 8 * (1 - chance))) / 15
    weights = fit_logistic(columns[:2000], did[:2000])
    np.testing.assert_allclose(weights, [-0.5, 1.0], atol=0.1)
    expected = 1 / (1 + np.exp(-(columns @ weights)))
    band = fit_widths(fit_band(expected[:2000], did[:2000]), expected[2000:4000], did[2000:4000])
    assert 0.77 < holds(*band.around(expected[4000:]), did[4000:]) < 0.86
