"""What the scores are where a definition gives no number, and what is refused."""

import math
import subprocess
import sys

import numpy as np
import pytest
import torch

import salzoo.metrics
from salzoo import metrics, plugins
from salzoo.interfaces.errors import SalzooError

SIZE = (6, 8)
RNG = np.random.default_rng(3)
VARIED = RNG.integers(0, 256, SIZE).astype(np.uint8)
DENSITY = RNG.integers(0, 256, SIZE).astype(np.uint8)
BASELINE = RNG.integers(0, 256, SIZE).astype(np.uint8)
FIXATIONS = np.zeros(SIZE, bool)
FIXATIONS[1, 2] = FIXATIONS[3, 4] = FIXATIONS[5, 7] = True
OTHERS = np.roll(FIXATIONS, 3)
EMPTY = np.zeros(SIZE, np.uint8)
NONE = np.zeros(SIZE, bool)
FLAT = np.full(SIZE, 9, np.uint8)
NEGATIVE = -1.0 - VARIED
TRUTHS = {
    "auc_judd": (FIXATIONS,),
    "auc_shuffled": (FIXATIONS, OTHERS),
    "auc_borji": (FIXATIONS,),
    "nss": (FIXATIONS,),
    "cc": (DENSITY,),
    "sim": (DENSITY,),
    "kld": (DENSITY,),
    "ig": (FIXATIONS, BASELINE),
}
NAN = math.nan
Q = DENSITY[DENSITY > 0] / DENSITY.sum()
EPS = 2.0**-52
FLAT_KLD = (Q * np.log(EPS + Q / (1 / DENSITY.size + EPS))).sum()
EMPTY_KLD = (Q * np.log(EPS + Q / EPS)).sum()


@pytest.mark.parametrize("kind", [np.asarray, lambda a: a.astype(np.float32), lambda a: a.astype(np.float64)])
@pytest.mark.parametrize(
    ("name", "prediction", "truths", "expected"),
    [
        # No fixations.
        ("auc_judd", VARIED, (NONE,), NAN),
        ("auc_shuffled", VARIED, (NONE, OTHERS), NAN),
        ("auc_shuffled", VARIED, (FIXATIONS, NONE), NAN),
        ("nss", VARIED, (NONE,), NAN),
        ("ig", VARIED, (NONE, BASELINE), NAN),
        # Nothing but fixations.
        ("auc_judd", VARIED, (~NONE,), NAN),
        # A density that is flat or empty.
        ("cc", VARIED, (FLAT,), NAN),
        ("cc", VARIED, (EMPTY,), NAN),
        ("sim", VARIED, (EMPTY,), 0),
        ("sim", VARIED, (FLAT,), NAN),
        ("kld", VARIED, (EMPTY,), 0),
        ("kld", VARIED, (-DENSITY.astype(np.float64),), NAN),
        # A flat prediction.
        ("auc_judd", FLAT, (FIXATIONS,), (3 + 2) / (2 * (3 + 1))),
        ("auc_shuffled", FLAT, (FIXATIONS, OTHERS), NAN),
        ("nss", FLAT, (FIXATIONS,), NAN),
        ("cc", FLAT, (DENSITY,), NAN),
        ("sim", FLAT, (DENSITY,), NAN),
        ("sim", FLAT, (EMPTY,), 0),
        ("kld", FLAT, (DENSITY,), FLAT_KLD),
        ("ig", FLAT, (FIXATIONS, BASELINE), NAN),
        ("ig", VARIED, (FIXATIONS, FLAT), NAN),
        # An empty prediction.
        ("auc_judd", EMPTY, (FIXATIONS,), (3 + 2) / (2 * (3 + 1))),
        ("nss", EMPTY, (FIXATIONS,), NAN),
        ("cc", EMPTY, (DENSITY,), NAN),
        ("sim", EMPTY, (DENSITY,), 0),
        ("sim", EMPTY, (EMPTY,), 0),
        ("kld", EMPTY, (DENSITY,), EMPTY_KLD),
        ("kld", EMPTY, (EMPTY,), 0),
    ],
)
def test_undefined_values(name, prediction, truths, expected, kind):
    score = getattr(metrics, name)(kind(prediction), *truths)
    assert score == pytest.approx(expected, rel=1e-12, nan_ok=True)
    tensors = [torch.from_numpy(np.ascontiguousarray(maps)) for maps in (kind(prediction), *truths)]
    assert getattr(metrics, name)(*tensors).item() == pytest.approx(expected, rel=1e-12, nan_ok=True)


@pytest.mark.parametrize("value", [0.1, 1 / 3, 1e-30, 1e30, -7.7, 123456.789])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_flat_is_flat_at_any_value_and_after_resizing(value, dtype):
    flat = np.full((7, 9), value, dtype)
    resized = metrics.resize_prediction(flat, SIZE)
    assert np.unique(resized).tolist() == [float(dtype(value))]
    for prediction in (resized, np.full(SIZE, value, dtype)):
        for name in ("auc_shuffled", "nss", "cc", "sim", "ig"):
            assert math.isnan(getattr(metrics, name)(prediction, *TRUTHS[name]))
        assert metrics.auc_judd(prediction, FIXATIONS) == 5 / 8


@pytest.mark.parametrize("name", TRUTHS)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_value_that_is_no_number_never_gives_a_score(name, bad, dtype):
    prediction = np.stack([VARIED, VARIED]).astype(dtype)
    prediction[1, 2, 2] = bad
    scores = getattr(metrics, name)(prediction, *TRUTHS[name])
    assert np.isnan(scores).tolist() == [False, True]
    assert np.isnan(getattr(metrics, name)(metrics.resize_prediction(prediction[1, :-1], SIZE), *TRUTHS[name]))
    for place in range(len(TRUTHS[name])):
        truths = [maps.astype(dtype) for maps in TRUTHS[name]]
        truths[place][0, 0] = bad
        assert np.isnan(getattr(metrics, name)(VARIED, *truths))


@pytest.mark.parametrize("name", ["auc_judd", "auc_shuffled", "nss", "cc", "sim", "ig"])
@pytest.mark.parametrize("scale", [1e-310, 1e-200, 1e200, 6e305])
def test_extreme_scales_give_the_score_or_none(name, scale):
    expected = getattr(metrics, name)(VARIED, *TRUTHS[name])
    given = getattr(metrics, name)(VARIED * scale, *TRUTHS[name])
    assert np.isnan(given) or given == pytest.approx(expected, rel=1e-4)


def test_kld_counts_undershoot_as_zero_and_refuses_negative_maps():
    undershoot = VARIED.astype(np.float64) - 3
    assert undershoot.min() < 0
    assert metrics.kld(undershoot, DENSITY) == metrics.kld(np.maximum(undershoot, 0), DENSITY)
    assert np.isnan(metrics.kld(NEGATIVE, DENSITY))


@pytest.mark.parametrize("name", TRUTHS)
def test_maps_that_do_not_fit_are_refused(name):
    score, truths = getattr(metrics, name), TRUTHS[name]
    with pytest.raises(SalzooError, match=r"6×8 pixels, the prediction of 5×8: .*resize_prediction"):
        score(VARIED[:-1], *truths)
    with pytest.raises(SalzooError, match=r"prediction has shape \(0, 8\)"):
        score(VARIED[:0], *(maps[:0] for maps in truths))
    with pytest.raises(SalzooError, match=r"prediction has shape \(8,\)"):
        score(VARIED[0], *truths)
    with pytest.raises(SalzooError, match="complex128"):
        score(VARIED.astype(complex), *truths)
    with pytest.raises(SalzooError, match="prediction is a list"):
        score(VARIED.tolist(), *truths)
    with pytest.raises(SalzooError, match=r"leading dimensions do not fit together: prediction \(3, 6, 8\)"):
        score(np.stack([VARIED] * 3), *(np.stack([maps] * 2) for maps in truths))


@pytest.mark.parametrize("size", [(0, 4), (4, -1)])
def test_sizes_without_pixels_are_refused(size):
    with pytest.raises(SalzooError, match="at least 1"):
        metrics.resize_prediction(VARIED, size)


def test_every_metric_is_registered_with_what_it_needs():
    entries = {entry.name: entry for entry in plugins.collect(salzoo.metrics, "salzoo")}
    assert list(entries) == list(TRUTHS)
    maps = {"density": DENSITY, "fixations": FIXATIONS, "other_fixations": OTHERS, "baseline": BASELINE}
    for name, entry in entries.items():
        metric = entry.load()
        assert metric.name == name
        assert metric.higher_is_better == (name != "kld")
        truths = [maps[truth][None] for truth in metric.requires]
        scores = metric(VARIED[None], *truths)
        assert scores.shape == (1,)
        assert scores.item() == getattr(metrics, name)(VARIED, *TRUTHS[name])
    assert {"auc-j", "s-auc"} <= {alias for entry in entries.values() for alias in entry.aliases}


def test_numpy_maps_are_scored_without_torch():
    program = """
import sys
import salzoo.metrics
assert "numpy" not in sys.modules
assert set(salzoo.metrics.__all__) <= set(dir(salzoo.metrics))
import numpy as np
print(float(salzoo.metrics.nss(np.eye(4), np.eye(4))))
assert "torch" not in sys.modules
try:
    salzoo.metrics.auc_jud
except AttributeError as error:
    print(error)
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == ["1.6770509831248424", "module 'salzoo.metrics' has no attribute 'auc_jud'"]
