"""Sweeps over specs."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from salzoo.cli import cli
from salzoo.interfaces import SalzooError
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
    assert sorted(path.name for path in out.iterdir()) == specs
    table = output[output.index("model  ") :].splitlines()
    assert [line.split()[0] for line in table[1:5]] == [*specs, "center-bias", "spectral-residual"]

    weights = (out / specs[0] / "model.safetensors").stat().st_mtime_ns
    (out / specs[1] / "results.json").unlink()  # as if it had been interrupted while it was scored
    again = run(tiny_data, out, pattern)
    assert f"{out / specs[0]} is finished" in again
    assert f"resuming {out / specs[1]}" in again
    assert again[again.index("model  ") :] == output[output.index("model  ") :]
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
