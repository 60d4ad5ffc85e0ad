"""TinyHD keeps salzoo's contracts and gives the authors' maps, from a file in their layout."""

import csv
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from salzoo import load_model
from salzoo.cli import cli
from salzoo.testing import check_backbone, check_package

sys.path.insert(0, str(Path(__file__).parent))
from rule import DATA, authors_file


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint folder converted from a file as the authors' is."""
    folder = tmp_path_factory.mktemp("tinyhd")
    torch.save({"student_model": authors_file()}, folder / "file.pth")
    done = CliRunner().invoke(cli, ["convert", str(folder / "file.pth"), "-o", str(folder / "checkpoint")])
    assert done.exit_code == 0, done.output
    assert "mapped   980 tensors\n  ignored  nothing\n" in done.output
    return folder / "checkpoint"


def test_it_gives_the_authors_maps_from_the_first_frame_on(checkpoint: Path) -> None:
    model = load_model(checkpoint)
    with np.load(DATA / "tinyhd.npz") as arrays:
        frames, wanted, shown = arrays["frames"], torch.from_numpy(arrays["maps"]), arrays["maps_frames"].tolist()
    state = None
    for index, frame in enumerate(frames):
        clip = model.preprocess(frame[None])
        if index not in shown:
            state = model.prime(clip, state)
            continue
        with torch.no_grad():
            maps, state = model(clip, state)
        torch.testing.assert_close(maps[0, 0, 0], wanted[shown.index(index)], atol=2e-6, rtol=0)


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
