"""``salzoo bench``: what it prints is about the machine; what can be tested is what it says and how it counts."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from salzoo import load_model
from salzoo.bench.graphs import recorded_runner
from salzoo.bench.inference import model_for_bench
from salzoo.bench.measuring import time_in_turn
from salzoo.bench.pipeline import plain_script
from salzoo.cli import cli
from salzoo.prediction.engines.torch_engine import torch_engine
from salzoo.video.reading import probe_video
from salzoo.video.writing import video_writer


def bench(*arguments: str) -> str:
    result = CliRunner().invoke(cli, ["bench", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_variants_take_turns_and_ratios_are_of_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, calls = [0.0], []
    monkeypatch.setattr("salzoo.bench.measuring.perf_counter", lambda: clock[0])
    slow_rounds = iter([1, 1, 10, 1])  # the machine is busy in the second round that counts

    def first() -> None:
        calls.append("first")
        clock[0] += 4 * busy()

    def second() -> None:
        calls.append("second")
        clock[0] += 2 * now[0]

    now = [1]

    def busy() -> int:
        now[0] = next(slow_rounds)
        return now[0]

    rows = time_in_turn({"first": first, "second": second}, rounds=3, units=2)
    assert calls == ["first", "second"] * 4
    assert [row.seconds for row in rows] == [2.0, 1.0]
    assert [row.ratio for row in rows] == [1.0, 2.0]
    assert rows[1].ratio_spread == (2.0, 2.0)  # though one round took ten times as long


@pytest.mark.parametrize("extras", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_inference_compares_engines_with_the_plain_way(monkeypatch: pytest.MonkeyPatch, extras: bool) -> None:
    if not extras:
        monkeypatch.setattr("salzoo.bench.inference.is_installed", lambda name: False)
    found = json.loads(
        bench("inference", "salgan:width=0.05+ema@61", "--size", "32x48", "--rounds", "1", "--json", "--device", "cpu")
    )
    (table,) = found["tables"]
    names = [row["name"] for row in table["rows"]]
    assert names[:2] == ["plain", "torch float32, 1 at once"]
    assert not extras or "onnx float32" in names
    assert table["rows"][0]["ratio"] == 1
    assert all(0 < row["peak"] < 1 for row in table["rows"] if row["name"] == "plain")
    assert any(note.startswith("torch float32: maps differ from the plain ones by at most") for note in table["notes"])
    assert found["machine"]["threads"] >= 1
    assert found["peak_memory_mib"] > 10
    assert "torch" in found["machine"]["versions"]


def test_training_of_several_models_and_frame_by_frame() -> None:
    text = bench("train", "salgan:width=0.05+ema@61", "salgan:width=0.05", "--size", "32x32", "--rounds", "1")
    for name in ("ema@61, frame by frame", "ema@61, clip at once", "salgan:width=0.05, clip at once"):
        assert name in text


@pytest.mark.parametrize(
    ("what", "row"),
    [
        pytest.param("metrics", "five scores", marks=pytest.mark.slow),
        pytest.param("data", "decode and resize", marks=pytest.mark.slow),
    ],
)
def test_metrics_and_data(what: str, row: str) -> None:
    assert row in bench(what, "--rounds", "1")


@pytest.mark.slow
def test_startup() -> None:
    assert "salzoo --help" in bench("startup", "--rounds", "1")


def test_a_model_belongs_to_what_runs_one() -> None:
    result = CliRunner().invoke(cli, ["bench", "metrics", "salgan"])
    assert result.exit_code == 2
    assert "metrics takes no MODEL" in result.stderr
    result = CliRunner().invoke(cli, ["bench", "inference", "salgna"])
    assert result.exit_code == 1
    assert "did you mean" in result.stderr


def test_the_pipeline_is_timed_against_a_plain_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    video = tmp_path / "clip.mp4"
    with video_writer(video, (48, 64), 25) as write:
        for level in range(12):
            write(np.full((48, 64, 3), 10 * level, np.uint8))
    printed = bench("pipeline", "center-bias", "--video", str(video), "--rounds", "1", "--json")
    (table,) = json.loads(printed)["tables"]
    names = [row["name"] for row in table["rows"]]
    assert names[0] == "plain script, .mp4"
    assert {"predict, .mp4", "predict, .mkv", "predict, .csv", "predict --run-every 3, .mp4"} <= set(names)
    assert all(row["seconds"] > 0 for row in table["rows"])
    plain_script(load_model("center-bias"), video, tmp_path / "plain.mp4", 12)
    assert probe_video(tmp_path / "plain.mp4").frames == 12
    assert CliRunner().invoke(cli, ["bench", "pipeline", "center-bias"]).exit_code == 2


@pytest.mark.parametrize("spec", ["salgan:width=0.05+ema@61", "salgan:width=0.05"])
def test_a_graph_would_give_the_engine_s_maps_each_time(spec: str) -> None:
    model = model_for_bench(spec, (32, 48))
    shown = np.random.default_rng(0).integers(0, 256, (8, 32, 48, 3), np.uint8)
    engine = torch_engine(model)
    wanted, _ = engine.run(shown)
    assert wanted.std() > 0.001
    for group in (1, 4):
        run = recorded_runner(engine, shown, group)
        assert np.abs(run() - wanted).max() < 1e-5
        assert np.abs(run() - wanted).max() < 1e-5  # from the video's start again


def test_a_card_s_table_of_a_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("salzoo.bench.inference.is_installed", lambda name: False)
    monkeypatch.setattr("salzoo.bench.scoring.REPEATS", 1)
    monkeypatch.setattr("salzoo.bench.machine.measured_peak", lambda device, precision: 1e12)
    text = bench("device", "salgan:width=0.05+ema@61", "--size", "32x48", "--rounds", "1", "--device", "cpu")
    titles = [line for line in text.splitlines() if line.endswith(":")]
    assert titles[0].startswith("Inference of salgan:width=0.05+ema@61 at 32x48")
    assert "Training steps on clips of 10 frames, float32:" in titles
    assert titles[-1] == "Scores of a float32 map of 640x360, one thread:"
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert all(line.count("|") == 8 for line in rows)
    for name in ("plain", "torch float32, 1 at once", "torch float32, 2 at once", "five scores, torch on cpu"):
        assert any(line.startswith(f"| {name} |") for line in rows), name
    assert "- CUDA: unmeasured, for this ran on no such device" in text


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_recorded_graphs_on_cuda() -> None:
    model = model_for_bench("salgan:width=0.05+ema@61", (32, 48)).to("cuda")
    shown = np.random.default_rng(0).integers(0, 256, (8, 32, 48, 3), np.uint8)
    engine = torch_engine(model)
    wanted, _ = engine.run(shown)
    run = recorded_runner(engine, shown, 4)
    for _ in range(2):
        assert np.abs(run() - wanted).max() < 1e-4
