"""Training runs from names to a run folder."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from huggingface_hub import ModelCard

import salzoo
from salzoo.datasets.synthetic import open_synthetic
from salzoo.interfaces import SalzooError
from salzoo.prediction.maps import predict_maps
from salzoo.training.session import Run, Session

SLIM = "salgan:width=0.05+ema:learn=true@61"


@pytest.fixture(scope="module")
def run(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("runs") / "slim"
    return salzoo.train(SLIM, root=tiny_data, dataset="synthetic", epochs=1, size=(24, 32), out=out)


def test_a_run_folder_is_a_checkpoint_folder(run: Run, tiny_data: Path) -> None:
    loaded = salzoo.load_model(run.folder)
    assert loaded.preprocessing.size == (24, 32)
    frames = list(open_synthetic(tiny_data).videos[0].read_frames(0, 12))
    for ours, theirs in zip(predict_maps(run.model, frames), predict_maps(loaded, frames), strict=True):
        assert np.array_equal(ours, theirs)


def test_a_run_folder_holds_what_happened(run: Run) -> None:
    names = {str(path.relative_to(run.folder)) for path in run.folder.rglob("*") if path.is_file()}
    files = {"model.safetensors", "config.json", "README.md", "metrics.csv", "training.json", "results.json"}
    assert names == files | {"pictures/0601.png", "pictures/curves.png"}
    rows = list(csv.DictReader((run.folder / "metrics.csv").open()))
    assert len(rows) == run.steps
    assert [int(row["step"]) for row in rows] == list(range(1, run.steps + 1))
    assert all(float(row["loss"]) > 0 for row in rows)
    record = json.loads((run.folder / "training.json").read_text())
    assert record["spec"] == SLIM
    assert record["recipe"]["name"] == "synthetic"
    assert record["recipe"]["size"] == [24, 32]
    assert record["recipe"]["init"] == "random"
    assert record["recipe"]["frames"] == 0  # epochs were named: the recipe's own length does not hold


def test_the_card_of_a_run_is_a_model_card_that_says_synthetic(run: Run) -> None:
    card = ModelCard.load(run.folder / "README.md")
    assert card.data.to_dict()["library_name"] == "salzoo"
    assert "synthetic data made by salzoo" in card.text
    scores = card.text.partition("## Measured results")[2]
    assert "- synthetic val, 1 video, " in scores
    assert f"{SLIM}: trained on none of these videos" in scores


def test_the_table_of_a_run(run: Run) -> None:
    assert [result.model for result in run.results] == [
        SLIM,
        f"{SLIM} untrained",
        "center-bias (fitted to train)",
        "spectral-residual",
    ]
    assert run.results[0].mean != run.results[1].mean


@pytest.mark.slow
def test_the_seed_decides_a_run(tiny_data: Path, tmp_path: Path) -> None:
    def weights(seed: int, name: str) -> bytes:
        salzoo.train(
            SLIM, "synthetic", root=tiny_data, epochs=1, size=(16, 16), seed=seed, out=tmp_path / name, clip_length=30
        )
        return (tmp_path / name / "model.safetensors").read_bytes()

    first = weights(1, "a")
    assert first == weights(1, "b")
    assert first != weights(2, "c")


def test_a_run_can_start_from_the_backbone_of_another(run: Run, tiny_data: Path, tmp_path: Path) -> None:
    spec = "salgan:width=0.05+convlstm@bottleneck"
    lines: list[str] = []
    second = salzoo.train(
        spec,
        "synthetic",
        root=tiny_data,
        init=str(run.folder),
        lr=0,
        epochs=1,
        out=tmp_path / "x",
        session=Session(report=lines.append),
    )
    ours, theirs = second.model.backbone.state_dict(), run.model.backbone.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    [data] = salzoo.load_model(second.folder).trained_on.sets
    count = len(open_synthetic(tiny_data).split("train"))
    assert (data.name, data.split, len(data.items)) == ("synthetic", "train", count)
    assert "training salgan" in lines[0]
    assert "synthetic" in lines[0]
    assert "the input stays 24x32, the size that" in lines[1]
    assert [result.model for result in second.results][1] == f"{run.folder}, before"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"spec": "center-bias"}, "training-free: there is nothing to train"),
        ({"spec": "salgan+ema@63"}, "out of range 0..62"),
        ({"spec": "salgan+ema:tau=0.2@61"}, "tau is not trained with"),
        ({"root": "/nowhere", "dataset": None}, "/nowhere does not exist"),
        ({"init": "/nowhere"}, "/nowhere"),
        ({"init": "center-bias"}, "does not fit"),
        ({"out": "/proc/here"}, "cannot write run folder /proc/here"),
        ({"session": Session(device="tpu9")}, "unknown device 'tpu9'"),
        ({"recipe": "salemma"}, "unknown recipe 'salemma'; did you mean 'salema'"),
        ({"recipe": "salema"}, "starts from a trained model: name it with --init"),
        ({"loss": "bec"}, "unknown loss 'bec'; did you mean 'bce'"),
        ({"clip_length": 0}, "clip_length must be at least 1, not 0"),
        ({"lr": "fast"}, "lr must be a number, not 'fast'"),
        ({"best": "psnr"}, "best must be one of"),
        ({"dataset": "synthetic,synthetic", "root": None}, "names a data set twice"),
    ],
)
def test_what_does_not_fit_says_so(tiny_data: Path, tmp_path: Path, arguments: dict[str, object], message: str) -> None:
    values = {"spec": SLIM, "dataset": "synthetic", "root": tiny_data, "out": tmp_path / "run", **arguments}
    with pytest.raises(SalzooError, match=message):
        salzoo.train(**values)  # type: ignore[arg-type]
    assert not (tmp_path / "run").exists()


def test_a_folder_with_something_in_it_is_not_touched(tiny_data: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(SalzooError, match="is there already"):
        salzoo.train(SLIM, "synthetic", root=tiny_data, out=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(signal.SIGINT, marks=pytest.mark.slow),
        signal.SIGTERM,
        pytest.param(signal.SIGHUP, marks=pytest.mark.slow),
    ],
)
def test_a_signal_leaves_a_loadable_checkpoint(tiny_data: Path, tmp_path: Path, number: int) -> None:
    command = [sys.executable, "-m", "salzoo", "train", SLIM, "--dataset", "synthetic", "--root", str(tiny_data)]
    command += ["--epochs", "1000", "--minutes", "5", "--size", "16x16", "--out", str(tmp_path / "run")]
    environment = {**os.environ, "PYTHONPATH": str(Path(salzoo.__file__).parents[1])}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes, text=True, env=environment) as process:
        log = tmp_path / "run" / "metrics.csv"
        deadline = time.monotonic() + 120
        while not (log.exists() and len(log.read_text().splitlines()) > 3):
            assert process.poll() is None, process.stderr and process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the checkpoint is in" in errors
    assert "Traceback" not in errors
    assert str(salzoo.load_model(tmp_path / "run").spec) == SLIM
    assert not [path for path in (tmp_path / "run").iterdir() if path.name.endswith(".tmp")]
