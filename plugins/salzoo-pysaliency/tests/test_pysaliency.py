"""pysaliency both ways. What needs pysaliency itself runs where it is installed: in an environment of its own."""

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import salzoo_pysaliency.hdf5
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from salzoo import SalzooError, open_dataset
from salzoo.cli import cli

with_pysaliency = pytest.mark.skipif(importlib.util.find_spec("pysaliency") is None, reason="needs pysaliency")

SIZES = ((40, 60), (48, 32), (40, 60))
TRAINS = [  # stimulus, subject, rows of t, x, y
    (0, 0, [(0.0, 3.25, 4.5), (0.31, 50.0, 30.0), (0.6, 59.75, 39.5)]),
    (0, 1, [(0.0, 20.0, 20.0)]),
    (1, 0, [(0.0, 10.0, 40.0), (0.25, 11.0, 41.0)]),
    (2, 1, [(0.1, 30.0, 10.0), (0.5, 31.5, 11.0), (0.9, 7.0, 2.0)]),
    (2, 0, [(0.0, 5.0, 35.0)]),
    (0, 1, [(0.0, 44.0, 5.0), (0.4, 41.0, 8.0)]),  # who has seen it before
]


def pictures() -> list[np.ndarray[Any, Any]]:
    rng = np.random.default_rng(0)
    blocks = [rng.integers(0, 256, (5, 5, 3)).astype(np.uint8) for _ in SIZES]
    return [np.kron(b, np.ones((10, 12, 1), np.uint8))[:h, :w] for b, (h, w) in zip(blocks, SIZES, strict=True)]


def padded(column: int) -> np.ndarray[Any, Any]:
    table = np.full((len(TRAINS), 3), np.nan)
    for number, (_, _, rows) in enumerate(TRAINS):
        table[number, : len(rows)] = [row[column] for row in rows]
    return table


def write_hdf5(folder: Path) -> None:
    """The two files as pysaliency 0.2.22 writes them."""
    with h5py.File(folder / "stimuli.hdf5", "w") as file:
        file.attrs["type"], file.attrs["version"], file.attrs["size"] = b"Stimuli", b"1.1", len(SIZES)
        file.attrs["__attributes__"] = b"[]"
        for number, picture in enumerate(pictures()):
            file.create_dataset(str(number), data=picture)
    with h5py.File(folder / "fixations.hdf5", "w") as file:
        file.attrs["type"], file.attrs["version"], file.attrs["__attributes__"] = b"FixationTrains", b"1.2", b"[]"
        for column, name in enumerate(("train_ts", "train_xs", "train_ys")):
            file.create_dataset(name, data=padded(column))
        file.create_dataset("train_ns", data=[stimulus for stimulus, _, _ in TRAINS])
        file.create_dataset("train_subjects", data=[subject for _, subject, _ in TRAINS])
        file.attrs["scanpath_attribute_mapping"] = b"{}"
        for name in ("scanpath_attributes", "scanpath_fixation_attributes"):
            file.create_group(name).attrs["__attributes__"] = b"[]"


def test_its_files_are_a_data_set(tmp_path: Path) -> None:
    write_hdf5(tmp_path)
    dataset = open_dataset("pysaliency:sigma=4", tmp_path)
    assert [(video.id, video.size, video.sigma) for video in dataset.split("val")] == [  # type: ignore[attr-defined]
        (f"{number:04d}", size, 4.0) for number, size in enumerate(SIZES)
    ]
    for video, picture in zip(dataset.videos, pictures(), strict=True):
        (frame,) = video.read_frames()
        assert np.array_equal(frame[..., ::-1], picture)
    first = dataset.videos[0].read_gaze(0)  # type: ignore[attr-defined]
    assert [points.tolist() for points in first] == [
        [[3.25, 4.5], [50.0, 30.0], [59.75, 39.5]],
        [[20.0, 20.0], [44.0, 5.0], [41.0, 8.0]],
    ]
    done = CliRunner().invoke(cli, ["eval", "spectral-residual", "--dataset", "pysaliency", "--root", str(tmp_path),
                                    "--protocol", "mit", "-o", str(tmp_path / "scores.json")])  # fmt: skip
    assert done.exit_code == 0, done.output
    scored = json.loads((tmp_path / "scores.json").read_text())["results"]
    assert {result["frames"] for result in scored} == {3}


@pytest.mark.parametrize("name", ["stimuli.hdf5", "fixations.hdf5"])
@settings(deadline=None, max_examples=25)  # a process is begun for each file
@given(where=st.integers(0, 3000), value=st.integers(0, 255))
def test_a_damaged_file_is_one_line(
    tmp_path_factory: pytest.TempPathFactory, name: str, where: int, value: int
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    write_hdf5(folder)
    data = bytearray((folder / name).read_bytes())
    data[where % len(data)] ^= value
    (folder / name).write_bytes(data)
    said = ""
    try:
        for video in open_dataset("pysaliency", folder).videos:
            list(video.read_frames())
            video.read_gaze(0)  # type: ignore[attr-defined]
    except SalzooError as error:
        said = str(error)
    assert "\n" not in said


@pytest.mark.parametrize(("name", "where"), [("stimuli.hdf5", 2120), ("fixations.hdf5", 2105)])
def test_a_file_without_an_end_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, where: int
) -> None:
    """A length in its heap of texts leads HDF5 in a circle."""
    write_hdf5(tmp_path)
    data = bytearray((tmp_path / name).read_bytes())
    assert b"GCOL" in data[:where]
    data[where] ^= 32 if name == "stimuli.hdf5" else 4
    (tmp_path / name).write_bytes(data)
    monkeypatch.setattr(salzoo_pysaliency.hdf5, "PATIENCE", 3.0)
    with pytest.raises(SalzooError, match=rf"{name} is (damaged|not as pysaliency writes it)"):
        open_dataset("pysaliency", tmp_path)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(SalzooError, match=r"fixations\.hdf5 is missing"):
        open_dataset("pysaliency", tmp_path)
    write_hdf5(tmp_path)
    (tmp_path / "fixations.hdf5").write_bytes((tmp_path / "stimuli.hdf5").read_bytes())
    with pytest.raises(SalzooError, match=r"fixations\.hdf5 is not as pysaliency writes it: it holds Stimuli"):
        open_dataset("pysaliency", tmp_path)


def test_what_stands_for_a_stimulus_may_be_none(tmp_path: Path) -> None:
    write_hdf5(tmp_path)
    with h5py.File(tmp_path / "stimuli.hdf5", "a") as file:
        del file["0"]
        file["0"] = np.dtype("u1")  # a type of its own, which has no shape
    with pytest.raises(SalzooError, match=r"stimuli\.hdf5 is not as pysaliency writes it"):
        open_dataset("pysaliency", tmp_path)


def test_without_pysaliency_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pysaliency", "salzoo_pysaliency.models"):
        monkeypatch.setitem(sys.modules, name, None) if "." not in name else sys.modules.pop(name, None)
    import salzoo_pysaliency

    with pytest.raises(SalzooError, match=r"pip install 'salzoo-pysaliency\[pysaliency\]'"):
        salzoo_pysaliency.SalzooModel  # noqa: B018


@pytest.fixture
def theirs() -> tuple[Any, Any]:
    pysaliency = pytest.importorskip("pysaliency")
    durations = [[0.2 + 0.01 * step for step in range(len(rows))] for _, _, rows in TRAINS]
    fixations = pysaliency.FixationTrains.from_fixation_trains(
        **{f"{name}s": [[row[k] for row in rows] for _, _, rows in TRAINS] for k, name in enumerate("txy")},
        ns=[stimulus for stimulus, _, _ in TRAINS],
        subjects=[subject for _, subject, _ in TRAINS],
        scanpath_fixation_attributes={"durations": durations},
    )
    return pysaliency.Stimuli(pictures(), attributes={"id": ["wide", "tall", "again"]}), fixations


def rows_of(fixations: Any) -> list[tuple[Any, ...]]:
    durations = fixations.scanpath_fixation_attributes["durations"]
    return sorted(
        (int(fixations.train_ns[i]), int(fixations.train_subjects[i]), *np.round(
            [a[i, step] for a in (fixations.train_ts, fixations.train_xs, fixations.train_ys, durations)], 9
        ).tolist())
        for i in range(len(fixations.train_ns))
        for step in np.flatnonzero(~np.isnan(fixations.train_xs[i]))
    )  # fmt: skip


@with_pysaliency
def test_a_round_trip_keeps_every_fixation(theirs: tuple[Any, Any], tmp_path: Path) -> None:
    from salzoo_pysaliency import from_pysaliency, to_pysaliency

    stimuli, fixations = theirs
    folder = from_pysaliency(stimuli, fixations, tmp_path / "set", sigma=3.0)
    checked = CliRunner().invoke(cli, ["data", "check", "folder", "--root", str(folder)])
    assert checked.exit_code == 0, checked.output
    back, again = to_pysaliency(str(folder))
    assert list(back.attributes["id"]) == ["wide", "tall", "again"]
    for one, other in zip(stimuli, back, strict=True):
        assert np.array_equal(one.stimulus_data, other.stimulus_data)
    assert rows_of(again) == rows_of(fixations)
    assert len(again.x) == len(fixations.x) == 12
    assert len(again.train_xs) == len(fixations.train_xs) == len(TRAINS)
    with pytest.raises(SalzooError, match="cannot write"):
        from_pysaliency(stimuli, fixations, folder)


@with_pysaliency
def test_both_give_equal_scores(theirs: tuple[Any, Any], tmp_path: Path) -> None:
    """Protocol mit has pysaliency's definitions; maps that are not flat, and fixations on pixels of their own."""
    import pysaliency
    from salzoo_pysaliency import SalzooModel, SalzooSaliencyMapModel, from_pysaliency, save_maps

    stimuli, fixations = theirs
    folder = from_pysaliency(stimuli, fixations, tmp_path / "set", sigma=3.0)
    model = SalzooModel("gaze-lite")
    maps = SalzooSaliencyMapModel("gaze-lite")
    for stimulus in stimuli:
        logs = model.log_density(stimulus)
        assert logs.shape == stimulus.size
        assert np.exp(logs).sum() == pytest.approx(1, abs=1e-9)
    saved = save_maps(model, stimuli, tmp_path / "maps")
    words = ["--dataset", str(folder), "--protocol", "mit", "--per-frame"]
    done = CliRunner().invoke(cli, ["eval", "--predictions", str(saved), *words, "-o", str(tmp_path / "a.json")])
    assert done.exit_code == 0, done.output
    results = json.loads((tmp_path / "a.json").read_text())["results"]
    (result,) = (each for each in results if each["model"] == str(saved))
    scores = result["per_video"]
    uniform = pysaliency.UniformModel()
    for n, name in enumerate(stimuli.attributes["id"]):
        mine = fixations[fixations.n == n]
        ours = scores[name]
        assert ours["nss"] == pytest.approx(maps.NSS(stimuli, mine), abs=1e-6)
        assert ours["auc"] == pytest.approx(maps.AUC(stimuli, mine, nonfixations="uniform"), abs=1e-6)
        gain = model.information_gain(stimuli, mine, uniform)
        (values,) = np.load(saved / name / f"{name}.npy")[None]
        assert np.log2(values[mine.y_int, mine.x_int] * values.size).mean() == pytest.approx(gain, abs=1e-6)
