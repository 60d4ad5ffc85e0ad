"""TinyHD keeps salzoo's contracts and gives the authors' maps, from a file in their layout."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from salzoo.cli import cli
from salzoo.testing import check_backbone, check_maps, check_package, convert_record, make_tensors

DATA = Path(__file__).parent / "data"


def test_it_gives_the_authors_maps_from_the_first_frame_on(tmp_path: Path) -> None:
    tensors = make_tensors(json.loads((DATA / "keys.json").read_text()))
    model, report = convert_record({"student_model": tensors}, tmp_path / "checkpoint")
    assert (len(report.mapped), report.ignored) == (980, ())
    with np.load(DATA / "tinyhd.npz") as arrays:
        wanted = dict(zip(arrays["maps_frames"].tolist(), arrays["maps"], strict=True))
        check_maps(model, arrays["frames"], wanted, tolerance=2e-6)


@pytest.mark.slow
def test_conformance() -> None:
    check_backbone("tinyhd")
    for report in check_package("salzoo-tinyhd"):
        report.raise_findings()


@pytest.mark.slow
def test_training_lowers_the_loss(tmp_path: Path) -> None:
    data, run = tmp_path / "data", tmp_path / "run"
    train = (
        f"train tinyhd --dataset synthetic --root {data} -o {run} --init random --no-score --recipe human-video "
        "--set windows=true --set stills=0 --set clip_length=16 --set primes=15 --set loss=kld --set optimizer=sgd "
        "--set momentum=0.9 --set weight_decay=0 --set precision=float32 --lr 0.01 --batch 2 --accumulate 1 "
        "--size 64x96 --set frames=42"
    )
    for command in (f"data make synthetic --videos 8 --out {data}", train):
        done = CliRunner().invoke(cli, command.split())
        assert done.exit_code == 0, done.output
    with (run / "metrics.csv").open() as file:
        losses = [float(row["loss"]) for row in csv.DictReader(file)]
    assert len(losses) == 21
    assert np.mean(losses[-7:]) < np.mean(losses[:7])
