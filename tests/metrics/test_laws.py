"""What holds for every map: invariances, bounds, and independence of what a map is stored in or batched with."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from salzoo import metrics
from salzoo.metrics import auc_judd, auc_shuffled, cc, ig, kld, nss, sim
from salzoo.plugins import registry

NAMES = ("auc_judd", "auc_shuffled", "nss", "cc", "sim", "kld", "ig")
TRUTHS = {"auc_judd": "f", "auc_shuffled": "fo", "nss": "f", "cc": "d", "sim": "d", "kld": "d", "ig": "fb"}

# The pixels come from a seed: hypothesis varies sizes and grey levels, and shrinks those.
sizes = st.tuples(st.integers(1, 12), st.integers(2, 13))
seeds = st.integers(0, 2**32 - 1)
levels = st.integers(2, 256)


class Scene:
    """A prediction of few or many grey levels, its truths, and every score of it."""

    def __init__(self, seed, size, levels):
        rng = np.random.default_rng(seed)
        pixels = size[0] * size[1]
        self.rng, self.size = rng, size
        self.prediction = self.varied(levels)
        self.truths = {
            "f": self.scatter(rng.integers(1, pixels)),
            "o": self.scatter(rng.integers(1, pixels)),
            "d": self.varied(256),
            "b": self.varied(256),
        }

    def varied(self, levels):
        grey = self.rng.integers(0, levels, self.size).astype(np.uint8)
        grey.flat[self.rng.permutation(grey.size)[:2]] = 0, levels - 1
        return grey

    def scatter(self, count):
        fixations = np.zeros(self.size, bool)
        fixations.flat[self.rng.choice(fixations.size, count, replace=False)] = True
        return fixations

    def score(self, name, prediction):
        return getattr(metrics, name)(prediction, *(self.truths[truth] for truth in TRUTHS[name]))


scenes = st.builds(Scene, seeds, sizes, levels)


@given(scenes, st.integers(-20, 20), st.integers(-1000, 1000))
def test_exact_scale_and_shift_change_no_bit_of_the_aucs(scene, power, shift):
    moved = (scene.prediction.astype(np.float64) + shift) * 2.0**power
    for name in ("auc_judd", "auc_shuffled"):
        assert scene.score(name, moved) == scene.score(name, scene.prediction)


@given(scenes, st.floats(1e-3, 1e3), st.floats(-1e3, 1e3))
def test_scale_and_shift(scene, scale, shift):
    moved = scene.prediction * scale + shift
    # A shuffled AUC jumps where a value meets a threshold, which rounding can decide: see the exact scales for it.
    for name in ("auc_judd", "nss", "cc", "sim"):
        assert scene.score(name, moved) == pytest.approx(scene.score(name, scene.prediction), rel=1e-7, abs=1e-7)


@given(scenes, st.floats(1e-3, 1e3))
def test_kld_and_cc_are_unchanged_by_the_scale_of_either_map(scene, scale):
    density = scene.truths["d"]
    for score in (kld, cc, sim):
        expected = pytest.approx(score(scene.prediction, density), rel=1e-9, abs=1e-9)
        assert score(scene.prediction * scale, density) == expected
        assert score(scene.prediction, density * scale) == expected


@given(seeds, sizes, st.sampled_from([np.sqrt, np.square, lambda x: np.exp(x / 20), lambda x: -1 / (1 + x)]))
def test_auc_judd_by_a_monotone_map_of_untied_values(seed, size, monotone):
    scene = Scene(seed, size, 256)
    untied = scene.rng.permutation(size[0] * size[1]).reshape(size).astype(np.float64)
    assert scene.score("auc_judd", monotone(untied)) == scene.score("auc_judd", untied)


@given(scenes)
def test_a_map_against_itself(scene):
    for map_ in (scene.prediction, scene.prediction.astype(np.float32) / 3):
        assert cc(map_, map_) == pytest.approx(1, abs=1e-12)
        assert sim(map_, map_) == 1
        assert kld(map_, map_) == pytest.approx(0, abs=1e-12)


@given(scenes)
def test_the_density_against_itself_bounds_every_prediction(scene):
    density = scene.truths["d"]
    assert cc(scene.prediction, density) <= cc(density, density) + 1e-12
    assert sim(scene.prediction, density) <= sim(density, density) + 1e-12
    assert kld(scene.prediction, density) >= kld(density, density) - 1e-12


@given(scenes)
def test_ranges_and_opposites(scene):
    score = scene.score("auc_judd", scene.prediction)
    assert 0 <= score <= 1
    assert 0 <= scene.score("auc_shuffled", scene.prediction) <= 1
    opposite = 255.0 - scene.prediction
    assert scene.score("cc", opposite) == pytest.approx(-scene.score("cc", scene.prediction), abs=1e-12)
    assert scene.score("nss", opposite) == pytest.approx(-scene.score("nss", scene.prediction), abs=1e-9)
    # IG over the prediction is the other way round that over the baseline.
    fixations, baseline = scene.truths["f"], scene.truths["b"]
    assert ig(scene.prediction, fixations, baseline) == pytest.approx(-ig(baseline, fixations, scene.prediction))


@given(scenes, st.sampled_from(NAMES))
def test_other_kinds_of_array_give_the_same_bits(scene, name):
    expected = scene.score(name, scene.prediction)
    for dtype in (np.float16, np.float32, np.float64, np.int16, np.uint16, ">f4", ">f8"):
        assert scene.score(name, scene.prediction.astype(dtype)) == pytest.approx(expected, rel=1e-12, abs=1e-12)
    for dtype in (torch.uint8, torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int64):
        tensor = torch.from_numpy(scene.prediction).to(dtype)  # bfloat16 holds integers up to 256 exactly
        given = scene.score(name, tensor)
        assert (given.dtype, given.device, given.shape) == (torch.float64, tensor.device, ())
        assert given.item() == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_whole_frames_of_8_bits_score_as_in_floating_point():
    scene = Scene(0, (360, 640), 256)
    for name in NAMES:
        expected = scene.score(name, scene.prediction.astype(np.float64))
        assert scene.score(name, scene.prediction) == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_more_pixels_of_a_value_than_float32_counts():
    prediction = np.zeros((4098, 4099), np.uint8)
    prediction.flat[: 2**24 + 3] = 1
    fixations = np.zeros(prediction.shape, bool)
    fixations[0, 0] = True
    tied, others = 2**24 + 2, prediction.size - 1
    assert auc_judd(prediction, fixations) == pytest.approx(1 - tied / 2 / others / 2, rel=0, abs=1e-15)


@settings(max_examples=30)
@given(seeds, sizes, levels, st.sampled_from(NAMES), st.sampled_from([np.uint8, np.float32, np.float64]))
def test_a_score_does_not_depend_on_what_stands_beside_it(seed, size, levels, name, dtype):
    scenes = [Scene(seed + k, size, levels) for k in range(6)]
    predictions = np.stack([scene.prediction.astype(dtype) / (1 if dtype == np.uint8 else 3) for scene in scenes])
    predictions = predictions.astype(dtype)
    truths = [np.stack([scene.truths[truth] for scene in scenes]) for truth in TRUTHS[name]]
    score = getattr(metrics, name)
    alone = np.array([score(*frame) for frame in zip(predictions, *truths, strict=True)])
    batch = [maps.reshape(2, 3, *size) for maps in (predictions, *truths)]
    np.testing.assert_array_equal(score(*batch), alone.reshape(2, 3))
    np.testing.assert_array_equal(score(*(maps[::-1] for maps in (predictions, *truths))), alone[::-1])
    flipped = [np.asfortranarray(maps) for maps in batch]
    np.testing.assert_array_equal(score(*flipped), alone.reshape(2, 3))
    tensors = [torch.from_numpy(maps) for maps in batch]
    np.testing.assert_array_equal(score(*tensors).numpy(), alone.reshape(2, 3))


@given(scenes)
def test_leading_dimensions_are_broadcast(scene):
    predictions = np.stack([scene.prediction, scene.prediction[::-1], scene.prediction[:, ::-1]])
    fixations, baseline = scene.truths["f"], scene.truths["b"]
    scores = ig(predictions, fixations, baseline)
    np.testing.assert_array_equal(scores, [ig(prediction, fixations, baseline) for prediction in predictions])
    grid = nss(predictions[:, None], np.stack([fixations, fixations[::-1]]))
    assert grid.shape == (3, 2)
    assert grid[2, 1] == nss(predictions[2], fixations[::-1])


def test_tensors_that_need_gradients_and_empty_batches():
    prediction = torch.rand(2, 5, 6, requires_grad=True)
    fixations = torch.zeros(2, 5, 6)
    fixations[:, 2, 3] = 1
    scores = nss(prediction, fixations)
    assert scores.shape == (2,)
    assert not scores.requires_grad
    assert nss(np.zeros((0, 5, 6)), np.zeros((0, 5, 6))).shape == (0,)


def test_many_pixels_tied_with_a_fixation_and_values_near_one():
    """Values closer than 1e-6 on the scale of 0 to 255 are ties, values further apart are not."""
    prediction = np.zeros((40, 50))
    prediction[0, 0] = 255
    prediction[1] = 100
    prediction[2] = 100 + 3e-7
    prediction[3] = 100 + 3e-6
    fixations = np.zeros((40, 50), bool)
    fixations[1, 7] = True
    # 1,998 other pixels of 1,999 are not below: 51 above, 99 tied, of which half count above.
    assert auc_judd(prediction, fixations) == pytest.approx(1 - (51 + 99 / 2) / 1999 / 2, abs=1e-15)


def test_thresholds_of_the_shuffled_auc_are_multiples_of_a_tenth_in_float64():
    """6·0.1 lies above 0.6 and 3·0.1 above 0.3: values of 0.6 and 0.3 do not reach them."""
    prediction = np.array([[0, 3, 6, 10]], np.uint8)
    fixations = np.array([[0, 0, 1, 0]], bool)
    at_five_tenths = np.array([[0, 5, 6, 10]], np.uint8)
    other = np.array([[0, 1, 0, 0]], bool)
    assert auc_shuffled(prediction, fixations, other) == 1
    # 0.5 reaches 5·0.1 and 0.6 only that too.
    assert auc_shuffled(at_five_tenths, fixations, other) == 0.5


@pytest.mark.parametrize("size", [(37, 53), (64, 48)])
def test_the_number_of_threads_changes_no_bit(size):
    program = f"""
import numpy as np
from salzoo.metrics import *
rng = np.random.default_rng(1)
p = resize_prediction(rng.random({size}), (360, 640))
q, f = rng.random((360, 640)), rng.random((360, 640)) > 0.999
scores = [nss(p, f), cc(p, q), sim(p, q), kld(p, q), ig(p, f, q), auc_judd(p, f), auc_shuffled(p, f, f[::-1])]
print(p.sum().hex(), *(float(score).hex() for score in scores))
"""
    outputs = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads in ("1", "4")
    ]
    assert len(outputs[0].split()) == 8
    assert outputs[0] == outputs[1]


@given(scenes, st.sampled_from(["auc_judd", "auc_shuffled", "cc", "sim", "kld"]), st.floats(1e-6, 1e6), seeds)
def test_documented_bounds_hold_to_the_last_bit(scene, name, scale, seed):
    low, high = registry().find("metrics", name).load().bounds
    density = scene.truths["d"].astype(np.float64)
    noise = np.random.default_rng(seed).normal(0, 1e-15, density.shape)
    nearly = scale * (density / 255 + noise) + scale
    for prediction in (nearly, -nearly, nearly.astype(np.float32), scene.prediction):
        score = scene.score(name, prediction)
        assert np.isnan(score) or low <= score <= high
    scene.truths["d"] = nearly
    assert low <= scene.score(name, scale / 3 * nearly) <= high
