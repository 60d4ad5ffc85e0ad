"""Sweeps over specs."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from salzoo.cli import cli
from salzoo.data import open_dataset
from salzoo.evaluation.models import evaluate
from salzoo.evaluation.pooling import pool_results
from salzoo.evaluation.results import read_results
from salzoo.evaluation.tasks import Scoring
from salzoo.interfaces import SalzooError
from salzoo.training.folder import read_experiment
from salzoo.training.sweep import expand


@pytest.mark.parametrize(
    ("pattern", "specs"),
    [
        ("salgan", ["salgan"]),
        ("salgan+ema@{30,44}", ["salgan+ema@30", "salgan+ema@44"]),
        ("a@{2..4}", ["a@2", "a@3", "a@4"]),
        ("a@{4..2}", ["a@4", "a@3", "a@2"]),
        ("a:w={1,2}@{x,y}", ["a:w=1@x", "a:w=1@y", "a:w=2@x", "a:w=2@y"]),
        ("a{1,1}", ["a1"]),
    ],
)
def test_patterns(pattern: str, specs: list[str]) -> None:
    assert expand(pattern) == specs


@pytest.mark.parametrize("pattern", ["a{", "a}", "a{{1}}", "a{}", "a{1,}", "a{1,2", "{1..200}{1..200}"])
def test_patterns_that_are_none(pattern: str) -> None:
    with pytest.raises(SalzooError, match="pattern"):
        expand(pattern)


@given(st.text(alphabet="ab{},.01", max_size=12))
def test_any_text_is_a_pattern_or_an_error(pattern: str) -> None:
    try:
        specs = expand(pattern)
    except SalzooError:
        return
    assert specs
    assert not any(set("{}") & set(spec) for spec in specs)


def run(data: Path, out: Path, pattern: str, *more: str, status: int = 0) -> str:
    options = ["--dataset", "synthetic", "--root", str(data), "--size", "16x16", "--epochs", "1", "-o", str(out)]
    result = CliRunner().invoke(cli, ["sweep", pattern, *options, *more])
    assert result.exit_code == status, result.output
    return result.output


def test_a_sweep_trains_each_once_and_prints_one_table(tiny_data: Path, tmp_path: Path) -> None:
    pattern = "salgan:width=0.05+ema@{30,61}"
    out = tmp_path / "sweep"
    output = run(tiny_data, out, pattern)
    specs = [f"salgan:width=0.05+ema@{index}" for index in (30, 61)]
    assert sorted(path.name for path in out.iterdir()) == ["layers.svg", "results.json", *specs]
    assert [result.model for result in read_results(out / "results.json")][:2] == specs
    assert ">layer<" in (out / "layers.svg").read_text()
    table = output[output.index("model  ") :].splitlines()
    assert [line.split()[0] for line in table[1:5]] == [*specs, "center-bias", "spectral-residual"]

    weights = (out / specs[0] / "model.safetensors").stat().st_mtime_ns
    (out / specs[1] / "results.json").unlink()  # as if it had been interrupted while it was scored
    again = run(tiny_data, out, pattern)
    assert f"{out / specs[0]} is finished" in again
    assert f"resuming {out / specs[1]}" in again
    assert again[again.index("model  ") :] == output[output.index("model  ") :]
    assert "difference from 1, paired by video, and p of a permutation test" in " ".join(output.split())
    assert (out / specs[0] / "model.safetensors").stat().st_mtime_ns == weights
    options = ["--root", str(tiny_data), "-o", str(out), "--json"]
    as_json = CliRunner().invoke(cli, ["sweep", pattern, *options])
    assert [record["model"] for record in json.loads(as_json.stdout)["results"]][:2] == specs

    assert "was trained with seed 0, not 1" in run(tiny_data, out, pattern, "--seed", "1", status=1)
    assert "was trained by recipe synthetic, not modern" in run(tiny_data, out, pattern, "--recipe", "modern", status=1)


def test_one_failed_run_does_not_end_a_sweep(tiny_data: Path, tmp_path: Path) -> None:
    out = tmp_path / "sweep"
    bad = out / "salgan:width=0.05+ema@30"
    bad.mkdir(parents=True)
    (bad / "notes.txt").write_text("mine")
    output = run(tiny_data, out, "salgan:width=0.05+ema@{30,61}", status=1)
    assert f"{bad} is there already" in output
    assert "salgan:width=0.05+ema@61 " in output[output.index("model  ") :]
    assert (bad / "notes.txt").read_text() == "mine"


def test_a_spec_that_cannot_be_built_ends_a_sweep_before_it_starts(tiny_data: Path, tmp_path: Path) -> None:
    output = run(tiny_data, tmp_path / "sweep", "salgan:width=0.05+ema@{61,99}", status=1)
    assert "position 99 is out of range" in output
    assert not (tmp_path / "sweep").exists()


def test_folds_and_seeds_are_swept_and_pooled(tiny_gaze: Path, tmp_path: Path) -> None:
    """Every photograph is scored once a seed, by a model that has not seen it."""
    spec, data = "salgan:width=0.05", "osie:fold={0,1}"
    options = [
        "--root",
        str(tiny_gaze),
        "--size",
        "16x16",
        "--epochs",
        "1",
        "--set",
        "seed={0,1}",
        "--set",
        "stills=1.0",
    ]
    arguments = ["sweep", spec, "--dataset", data, *options, "--init", "random", "--split", "test", "-o", str(tmp_path)]
    result = CliRunner().invoke(cli, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    ours = json.loads(result.stdout)["results"][0]
    assert (ours["model"], ours["dataset"], ours["split"]) == (spec, data, "test")
    folds = [open_dataset(f"osie:fold={fold}", tiny_gaze).split("test") for fold in (0, 1)]
    assert set(ours["per_video"]) == {video.id for videos in folds for video in videos}
    runs = sorted(tmp_path.glob("*/*/results-test.json"))
    assert [path.parent.name for path in runs] == [f"osie:fold={f},seed={s}" for f in (0, 1) for s in (0, 1)]
    for video in ours["per_video"]:
        scores = [json.loads(path.read_text())["results"][0]["per_video"].get(video) for path in runs]
        assert ours["per_video"][video]["sim"] == pytest.approx(np.mean([each["sim"] for each in scores if each]))
    weights = [(path.parent / "model.safetensors").stat().st_mtime_ns for path in runs]
    again = CliRunner().invoke(cli, arguments)
    assert again.exit_code == 0, again.output
    assert [(path.parent / "model.safetensors").stat().st_mtime_ns for path in runs] == weights


def test_each_fold_begins_from_weights_of_its_own(tiny_gaze: Path, tmp_path: Path) -> None:
    """``--init RUNS/{fold}``: not every fold from every run, of which most have seen its test split."""
    options = ["--root", str(tiny_gaze), "--size", "16x16", "--epochs", "1", "--set", "stills=1.0"]
    spec = "salgan:width=0.05"
    for fold in (0, 1):
        begun = ["train", spec, "--dataset", f"osie:fold={fold}", *options, "--init", "random", "--no-score"]
        result = CliRunner().invoke(cli, [*begun, "-o", str(tmp_path / "begun" / str(fold))])
        assert result.exit_code == 0, result.output
    swept = ["sweep", f"{spec}+ema:alpha={{0.2,0.5}}@output", "--dataset", "osie:fold={0,1}", *options]
    swept += ["--init", f"{tmp_path}/begun/{{fold}}", "--split", "test", "-o", str(tmp_path / "swept")]
    for _ in range(2):  # the second time nothing is trained again, and nothing is another run's
        result = CliRunner().invoke(cli, swept)
        assert result.exit_code == 0, result.output
    runs = sorted((tmp_path / "swept").glob("*/*"))
    assert [run.name for run in runs] == 2 * ["osie:fold=0", "osie:fold=1"]
    for run in runs:
        init = json.loads((run / "training.json").read_text())["recipe"]["init"]
        assert init == f"{tmp_path}/begun/{run.name[-1]}"


@pytest.mark.parametrize(
    ("dataset", "there"), [(["--dataset", "osie:fold={0,1}"], "it has fold"), ([], "the data set has no")]
)
def test_a_misspelt_parameter_is_found_before_anything_is_trained(
    dataset: list[str], there: str, tmp_path: Path
) -> None:
    swept = ["sweep", "salgan:width=0.05", *dataset, "--init", "runs/{flod}", "-o", str(tmp_path / "swept")]
    result = CliRunner().invoke(cli, swept)
    assert result.exit_code == 1
    assert "init 'runs/{flod}'" in result.output
    assert there in result.output
    assert not (tmp_path / "swept").exists()


def test_results_of_other_frames_or_metrics_are_not_pooled(tiny_data: Path) -> None:
    results = evaluate([], Scoring(root=tiny_data, max_frames=4), workers=1)
    others = evaluate([], Scoring(root=tiny_data, max_frames=5), workers=1)
    with pytest.raises(SalzooError, match="cannot be pooled: other frames"):
        pool_results([results[0], others[0]], model="x", dataset="y")
    with pytest.raises(SalzooError, match="cannot be pooled: metrics"):
        pool_results([results[0], replace(results[1], metrics=("nss",))], model="x", dataset="y")
    alone = pool_results([results[0], results[0]], model="x", dataset="y")
    assert alone.mean == pytest.approx(results[0].mean, nan_ok=True)
    assert alone.interval_95["nss"] == pytest.approx(results[0].interval_95["nss"], nan_ok=True)


def test_each_data_set_is_left_out_once(tiny_gaze: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sets").mkdir()
    for name in ("osie", "eyecrowd"):  # one layout
        (tmp_path / "sets" / name).symlink_to(tiny_gaze)
    monkeypatch.setenv("SALZOO_DATA", str(tmp_path / "sets"))
    spec, out = "salgan:width=0.05", tmp_path / "out"
    arguments = ["sweep", spec, "--dataset", "osie,eyecrowd", "--leave-one-out", "--split", "test", "-o", str(out)]
    arguments += ["--init", "random", "--size", "16x16", "--epochs", "1", "--set", "stills=1.0"]
    result = CliRunner().invoke(cli, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    records = [record for record in json.loads(result.stdout)["results"] if record["model"] == spec]
    assert [record["dataset"] for record in records] == ["osie", "eyecrowd"]
    for left, other in (("osie", "eyecrowd"), ("eyecrowd", "osie")):
        assert [name for name, _ in read_experiment(out / f"without-{left}" / spec).datasets] == [other]
    weights = {path: path.stat().st_mtime_ns for path in out.rglob("model.safetensors")}
    again = CliRunner().invoke(cli, arguments)
    assert again.exit_code == 0, again.output
    assert "osie test, " in again.output
    assert "eyecrowd test, " in again.output
    assert {path: path.stat().st_mtime_ns for path in out.rglob("model.safetensors")} == weights
    alone = CliRunner().invoke(cli, [*arguments[:3], "osie", *arguments[4:]])
    assert alone.exit_code == 1
    assert "two different data sets" in alone.output
