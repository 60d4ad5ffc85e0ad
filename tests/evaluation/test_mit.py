"""Protocol mit and AUC-Borji: against plain definitions, and against pysaliency where a Python that has it is named."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from salzoo.evaluation import mit
from salzoo.evaluation.protocols import PROTOCOLS
from salzoo.metrics import auc_borji

SIZE = (18, 32)


def draw(seed: int) -> tuple[Any, Any, Any, Any]:
    """A density with ties, counts of fixations and of others with several at one pixel, and a baseline."""
    rng = np.random.default_rng(seed)
    density = np.round(rng.random(SIZE) ** 3, 2) + 0.01
    fixations, others = (np.zeros(SIZE, np.int32) for _ in range(2))
    np.add.at(fixations.ravel(), rng.choice(density.size, 12, p=density.ravel() / density.sum()), 1)
    fixations.flat[5] += 3
    np.add.at(others.ravel(), rng.integers(0, density.size, 40), 1)
    return density, fixations, others, rng.random(SIZE) + 0.1


def area(positives: np.ndarray, negatives: np.ndarray) -> float:
    return float(np.mean([[(p > n) + 0.5 * (p == n) for n in negatives] for p in positives]))


@pytest.mark.parametrize("seed", range(3))
def test_every_fixation_counts(seed: int) -> None:
    density, fixations, others, baseline = draw(seed)
    at = [pixel for pixel, count in enumerate(fixations.ravel()) for _ in range(count)]
    values = density.ravel()[at]
    assert mit.auc(density, fixations) == pytest.approx(area(values, density.ravel()), abs=1e-12)
    elsewhere = np.repeat(density.ravel(), others.ravel())
    assert mit.auc_shuffled(density, fixations, others) == pytest.approx(area(values, elsewhere), abs=1e-12)
    expected = ((values - density.mean()) / density.std()).mean()
    assert mit.nss(density, fixations) == pytest.approx(expected, abs=1e-12)
    gain = np.log2(values / density.sum()) - np.log2(baseline.ravel()[at] / baseline.sum())
    assert mit.ig(density, fixations, baseline) == pytest.approx(gain.mean(), abs=1e-9)


def test_a_density_is_scored_as_it_is() -> None:
    """Information gain of softmax over its maximum, as ``predict_maps`` gives it, is that of the log-density."""
    density, fixations, _, baseline = draw(7)
    logs = np.log(density / density.sum())
    shown = np.exp(logs - logs.max())
    at = np.repeat(logs.ravel(), fixations.ravel()).mean() / np.log(2)
    floor = np.repeat(np.log2(baseline / baseline.sum()).ravel(), fixations.ravel()).mean()
    assert mit.ig(shown, fixations, baseline) == pytest.approx(at - floor, abs=1e-9)


def test_what_is_undefined_is_nan() -> None:
    density, fixations, _, baseline = draw(1)
    none = np.zeros(SIZE, np.int32)
    assert np.isnan(mit.auc(density, none))
    assert np.isnan(mit.auc_shuffled(density, fixations, none))
    assert np.isnan(mit.nss(np.ones(SIZE), fixations))
    assert np.isnan(mit.ig(np.zeros(SIZE), fixations, baseline))
    assert mit.auc(np.ones(SIZE), fixations) == 0.5
    assert PROTOCOLS["mit"].version == 1


def test_borji_is_the_expected_value_of_the_benchmarks_draws() -> None:
    rng = np.random.default_rng(5)
    prediction = rng.random(SIZE) ** 2
    fixations = np.zeros(SIZE, bool)
    fixations.flat[rng.choice(prediction.size, 12, replace=False)] = True
    p = (prediction - prediction.min()) / np.ptp(prediction)
    scores = []
    for _ in range(4000):
        drawn = p.ravel()[rng.integers(0, p.size, 12)]
        thresholds = np.arange(0, max(p[fixations].max(), drawn.max()), 0.1)[::-1]
        tp = [0, *((p[fixations] >= t).mean() for t in thresholds), 1]
        fp = [0, *((drawn >= t).mean() for t in thresholds), 1]
        scores.append(float((np.diff(fp) * (np.add(tp[1:], tp[:-1]))).sum() / 2))
    error = np.std(scores) / np.sqrt(len(scores))
    assert abs(float(auc_borji(prediction, fixations)) - np.mean(scores)) < 5 * error


SCRIPT = """
import json, sys
import numpy as np
import pysaliency
from pysaliency.roc import general_roc
held = np.load(sys.argv[1])
found = []
for n in range(3):
    density, fixations, baseline = held[f"d{n}"], held[f"f{n}"], held[f"b{n}"]
    ys, xs = np.nonzero(fixations)
    counts = fixations[ys, xs]
    ys, xs = np.repeat(ys, counts), np.repeat(xs, counts)
    stimuli = pysaliency.Stimuli([np.zeros((*density.shape, 3), np.uint8)])
    fixed = pysaliency.Fixations.create_without_history(xs, ys, np.zeros(len(xs), int))
    class Fixed(pysaliency.SaliencyMapModel):
        def _saliency_map(self, stimulus):
            return density
    class Dense(pysaliency.Model):
        def __init__(self, held):
            super().__init__()
            self.held = held
        def _log_density(self, stimulus):
            return np.log(self.held / self.held.sum())
    model = Fixed()
    gain = Dense(density).information_gain(stimuli, fixed, baseline_model=Dense(baseline))
    found.append([model.AUC(stimuli, fixed), model.NSS(stimuli, fixed), gain])
print(json.dumps(np.array(found, float).tolist()))
"""


@pytest.mark.slow
@pytest.mark.skipif("SALZOO_PYSALIENCY" not in os.environ, reason="name a Python with pysaliency in SALZOO_PYSALIENCY")
def test_scores_are_pysaliencys(tmp_path: Path) -> None:
    drawn = [draw(seed) for seed in range(3)]
    held = {f"{key}{n}": each[at] for n, each in enumerate(drawn) for key, at in (("d", 0), ("f", 1), ("b", 3))}
    np.savez(tmp_path / "maps.npz", **held)
    (tmp_path / "theirs.py").write_text(SCRIPT)
    command = [os.environ["SALZOO_PYSALIENCY"], str(tmp_path / "theirs.py"), str(tmp_path / "maps.npz")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    theirs = np.array(json.loads(done.stdout.splitlines()[-1]))
    ours = [[mit.auc(d, f), mit.nss(d, f), mit.ig(d, f, b)] for d, f, _, b in drawn]
    assert np.abs(theirs - np.array(ours, float)).max() < 1e-6
