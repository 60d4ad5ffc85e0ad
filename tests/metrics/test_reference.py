"""The metrics against the published values of the DHF1K benchmark's MATLAB code."""

import csv
from pathlib import Path

import numpy as np
import plain_metrics as plain
import pytest
import torch

from salzoo import metrics

DATA = Path(__file__).parents[1] / "data" / "metrics"
TRUTHS = {
    "auc_judd": ("fixations",),
    "auc_shuffled": ("fixations", "other_fixations"),
    "nss": ("fixations",),
    "cc": ("density",),
    "sim": ("density",),
    "kld": ("density",),
    "ig": ("fixations", "baseline"),
}
# The AUCs of the file are means of random runs.
TOLERANCE = {"auc_judd": 5e-4, "auc_shuffled": 5e-3}


@pytest.fixture(scope="module")
def cases():
    with np.load(DATA / "cases.npz") as arrays:
        arrays = dict(arrays)
    with (DATA / "expected.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    names = ("prediction", "density", "baseline", "fixations", "other_fixations")
    return [({name: arrays[f"{name}_{row['case']}"] for name in names}, row) for row in rows]


def score(name, maps):
    return getattr(metrics, name)(maps["prediction"], *(maps[truth] for truth in TRUTHS[name]))


@pytest.mark.parametrize("name", TRUTHS)
def test_published_values(cases, name):
    assert len(cases) == 6
    for maps, row in cases:
        maps = {**maps, "density": maps["density"] / 255}
        expected = float(row[name])
        # The file gives eight digits: that is coarser than 1e-6 for none of its values.
        assert score(name, maps) == pytest.approx(expected, abs=TOLERANCE.get(name, 1e-6), rel=0)


@pytest.mark.parametrize("name", TRUTHS)
@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int32, torch.uint8, torch.float32, torch.float64])
def test_every_kind_of_array_gives_the_same_value(cases, name, kind):
    for maps, _ in cases[:3]:
        expected = score(name, maps)
        assert type(expected) is np.float64
        if isinstance(kind, torch.dtype):
            given = score(name, {key: torch.from_numpy(value).to(kind) for key, value in maps.items()})
            assert isinstance(given, torch.Tensor)
            assert given.dtype == torch.float64
            assert given.shape == ()
        else:
            given = score(name, {key: value.astype(kind) for key, value in maps.items()})
        assert float(given) == pytest.approx(float(expected), abs=1e-9, rel=1e-9)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", TRUTHS)
@pytest.mark.parametrize("kind", [torch.uint8, torch.float32])
def test_cuda_gives_the_same_value(cases, name, kind):
    for maps, _ in cases:
        given = score(name, {key: torch.from_numpy(value).to("cuda", kind) for key, value in maps.items()})
        assert given.device.type == "cuda"
        assert float(given) == pytest.approx(float(score(name, maps)), abs=1e-6)


@pytest.mark.parametrize("name", TRUTHS)
def test_a_repeat_gives_the_same_bits(cases, name):
    for maps, _ in cases:
        for prediction in (maps["prediction"], maps["prediction"].astype(np.float32) / 7):
            scores = {float(score(name, {**maps, "prediction": prediction})).hex() for _ in range(3)}
            assert len(scores) == 1


@pytest.mark.parametrize("name", ["nss", "cc", "sim", "kld", "ig"])
def test_the_plain_definition_gives_the_same_value(cases, name):
    for maps, _ in cases:
        expected = getattr(plain, name)(maps["prediction"], *(maps[truth] for truth in TRUTHS[name]))
        assert score(name, maps) == pytest.approx(expected, abs=1e-9, rel=1e-9)
