"""Training by several processes: they equal one with larger batches."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import salzoo
from salzoo.datasets.synthetic import make_synthetic
from salzoo.interfaces import SalzooError
from salzoo.runtime.ranks import Rank
from salzoo.training.recipe import load_recipe
from salzoo.training.state import begin_training

SPEC = "salgan:width=0.05+ema:learn=true@61+convlstm@bottleneck"


def start(arguments: list[str], ranks: int, log: Path) -> "subprocess.Popen[bytes]":
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(ranks)] if ranks > 1 else []
    environment = {**os.environ, "PYTHONPATH": str(Path(salzoo.__file__).parents[1]), "OMP_NUM_THREADS": "1"}
    with log.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, *launcher, "-m", "salzoo", "train", *arguments],
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
        )


def run(arguments: list[str], ranks: int, log: Path) -> str:
    assert start(arguments, ranks, log).wait(timeout=300) == 0, log.read_text()
    return log.read_text()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five videos to train on: two ranks get uneven shares."""
    folder = tmp_path_factory.mktemp("ranks") / "synthetic"
    make_synthetic(folder, videos=7, seed=1, processes=1)
    return folder


def arguments(data: Path, out: Path, *more: str) -> list[str]:
    names = [SPEC, "--dataset", "synthetic", "--root", str(data), "-o", str(out), "--recipe", "salema"]
    names += ["--init", "random", "--precision", "float32", "--size", "16x16", "--set", "validate=0"]
    return [*names, *more]


@pytest.mark.slow
@pytest.mark.parametrize("more", [[], ["--set", "stills=0.5", "--set", "still_batch=2", "--set", "bypass=true"]])
def test_two_ranks_are_one_process_with_twice_the_batch(data: Path, tmp_path: Path, more: list[str]) -> None:
    plain = ["--set", "optimizer=sgd", "--lr", "1e-5", "--alpha-lr", "1e-2", "--epochs", "1", *more]
    run(arguments(data, tmp_path / "two", *plain), 2, tmp_path / "two.log")
    doubled = [change.replace("still_batch=2", "still_batch=4") for change in plain]
    run(arguments(data, tmp_path / "one", *doubled, "--batch", "2"), 1, tmp_path / "one.log")
    two, one = (load_file(tmp_path / name / "model.safetensors") for name in ("two", "one"))
    run(arguments(data, tmp_path / "begun", *doubled, "--batch", "2", "--set", "frames=1"), 1, tmp_path / "begun.log")
    begun = load_file(tmp_path / "begun" / "model.safetensors")  # after a first step
    assert max((begun[name] - one[name]).abs().max() for name in one) > 1e-4
    assert two.keys() == one.keys()
    for name in two:
        torch.testing.assert_close(two[name], one[name], atol=1e-5, rtol=1e-5)
    first, last = ((tmp_path / name / "metrics.csv").read_text().splitlines() for name in ("two", "one"))
    assert len(first) == len(last)
    norms = [[float(line.split(",")[3]) for line in lines[1:]] for lines in (first, last)]
    assert norms[0][0] == pytest.approx(norms[1][0], rel=1e-5)
    assert norms[0] == pytest.approx(norms[1], rel=1e-2)
    assert "2 ranks" in (tmp_path / "two.log").read_text()
    scores = [json.loads((tmp_path / name / "results.json").read_text()) for name in ("two", "one")]
    assert scores[0] is not None
    assert (tmp_path / "two.log").read_text().count("training salgan") == 1


@pytest.mark.slow
def test_a_rank_that_dies_ends_the_job_which_can_be_resumed(data: Path, tmp_path: Path) -> None:
    log, out = tmp_path / "log", tmp_path / "run"
    process = start(arguments(data, out, "--epochs", "200", "--set", "save_every=2"), 2, log)
    deadline = time.monotonic() + 120
    while not (out / "metrics.csv").exists() or len((out / "metrics.csv").read_text().splitlines()) < 8:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    workers = subprocess.run(
        ["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=True
    ).stdout.split()
    os.kill(int(workers[-1]), signal.SIGKILL)
    assert process.wait(timeout=120) != 0
    text = log.read_text()
    assert f"salzoo train --resume {out}" in text or "interrupted" in text
    saved = sorted((out / "resume").glob("step-*"))
    assert saved
    again = start(["--resume", str(out)], 2, tmp_path / "again")
    resumed_from = int(saved[-1].name.removeprefix("step-"))
    deadline = time.monotonic() + 120
    while max((int(p.name.removeprefix("step-")) for p in (out / "resume").glob("step-*")), default=0) <= resumed_from:
        assert again.poll() is None, (tmp_path / "again").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    again.send_signal(signal.SIGTERM)
    again.wait(timeout=120)


def test_more_ranks_than_videos_are_refused(data: Path) -> None:
    videos = salzoo.datasets.synthetic.open_synthetic(data).split("train")  # type: ignore[attr-defined]
    model = salzoo.create_model("salgan:width=0.05")
    with pytest.raises(SalzooError, match="9 ranks with batches of 1 need as many videos; there are 5"):
        begin_training(model, {"videos": videos}, load_recipe("salema"), Rank(0, 9))
