"""TASED-Net keeps salzoo's contracts and gives the authors' maps, from a file in their layout."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from torch import Tensor

from salzoo import SaliencyModel, create_model, load_model
from salzoo.cli import cli
from salzoo.testing import check_backbone, convert_record, make_tensors

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint folder converted from a file as the authors' is."""
    tensors = make_tensors(json.loads((DATA / "keys.json").read_text()))
    folder = tmp_path_factory.mktemp("tased") / "checkpoint"
    _, report = convert_record({f"module.{key}": tensor for key, tensor in tensors.items()}, folder)
    assert (len(report.mapped), report.ignored) == (513, ())
    return folder


def map_of(model: SaliencyModel, frames: np.ndarray, index: int) -> Tensor:
    state = model.prime(model.preprocess(frames[:index])) if index else None
    with torch.no_grad():
        maps, _ = model(model.preprocess(frames[index : index + 1]), state)
    return maps[0, 0, 0]


def test_it_gives_the_authors_maps(checkpoint: Path) -> None:
    smoothed = load_model(checkpoint)
    model = create_model("tased-net:smooth=0").eval()
    model.load_state_dict(smoothed.state_dict())
    with np.load(DATA / "tased-net.npz") as arrays:
        frames = arrays["frames"]
        for kind in ("maps", "padded"):  # whole windows, and such before whose first frame the first is repeated
            for index, wanted in zip(arrays[f"{kind}_frames"][:2], arrays[kind][:2], strict=True):
                torch.testing.assert_close(
                    map_of(model, frames, int(index)), torch.from_numpy(wanted), atol=1e-5, rtol=0
                )
        first = int(arrays["maps_frames"][0])
        found = map_of(smoothed, frames, first)
        # The authors round to 256 levels before they smooth, and after.
        assert (found / found.max() * 255 - torch.from_numpy(arrays["postprocessed"])).abs().max() < 2


@pytest.mark.slow
def test_conformance() -> None:
    check_backbone("tased-net", width=0.1)


@pytest.mark.slow
def test_training_lowers_the_loss(tmp_path: Path) -> None:
    data, run = tmp_path / "data", tmp_path / "run"
    train = (
        f"train tased-net:width=0.25 --dataset synthetic --root {data} -o {run} --init random --no-score "
        "--recipe tased-net --batch 2 --accumulate 1 --size 64x96 --set frames=60"
    )
    for command in (f"data make synthetic --videos 8 --out {data}", train):
        done = CliRunner().invoke(cli, command.split())
        assert done.exit_code == 0, done.output
    with (run / "metrics.csv").open() as file:
        losses = [float(row["loss"]) for row in csv.DictReader(file)]
    assert len(losses) == 30
    assert np.mean(losses[-10:]) < np.mean(losses[:10])
