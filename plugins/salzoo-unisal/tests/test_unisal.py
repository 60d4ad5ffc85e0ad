"""UNISAL keeps salzoo's contracts and gives the authors' densities, from a file in their layout."""

import csv
import io
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import salzoo_unisal
import torch
from click.testing import CliRunner
from salzoo_unisal.network import WEIGHTS
from torch import Tensor

from salzoo import SaliencyModel, create_model, load_model
from salzoo.cli import cli
from salzoo.interfaces import packaged_file
from salzoo.testing import check_backbone, convert_record, make_tensors

DATA = Path(__file__).parent / "data"

NAMES = {"dhf1k": "DHF1K", "hollywood2": "Hollywood", "ucfsports": "UCFSports", "salicon": "SALICON"}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint that was converted from a file as the authors' is."""
    folder = tmp_path_factory.mktemp("unisal") / "checkpoint"
    _, report = convert_record(make_tensors(json.loads((DATA / "keys.json").read_text())), folder)
    assert (len(report.mapped), report.ignored) == (834, ("rnn.cell_list.0.drop_mask_1",))
    return folder


@pytest.fixture(scope="module")
def state(checkpoint: Path) -> dict[str, Tensor]:
    return load_model(checkpoint).state_dict()


def make(state: dict[str, Tensor], spec: str) -> SaliencyModel:
    model = create_model(spec).eval()
    model.load_state_dict(state)
    return model


@pytest.mark.parametrize("source", NAMES)
def test_it_gives_the_authors_densities(state: dict[str, Tensor], source: str) -> None:
    model = make(state, f"unisal:interval=1,source={source}")
    with np.load(DATA / "unisal.npz") as arrays, torch.no_grad():
        frames = model.preprocess(arrays["frames"][:3])
        # Within the rounding of the authors' own float32 in the 41×41 filter, of log densities about -9.
        maps, _ = model(frames)
        torch.testing.assert_close(maps[0, :, 0], torch.from_numpy(arrays[f"clip_{NAMES[source]}"]), atol=2e-5, rtol=0)
        still, _ = model(frames[:, :1], bypass=True)
        torch.testing.assert_close(
            still[0, :, 0], torch.from_numpy(arrays[f"static_{NAMES[source]}"]), atol=2e-5, rtol=0
        )


@pytest.mark.parametrize("source", ["dhf1k", "ucfsports"])
def test_its_states_take_turns(state: dict[str, Tensor], source: str) -> None:
    model = make(state, f"unisal:source={source}")
    with np.load(DATA / "unisal.npz") as arrays, torch.no_grad():
        maps, _ = model(model.preprocess(arrays["frames"]))
        shown = arrays[f"interleaved_{NAMES[source]}_frames"]
        wanted = torch.from_numpy(arrays[f"interleaved_{NAMES[source]}"])
    torch.testing.assert_close(maps[0, shown, 0], wanted, atol=2e-5, rtol=0)


def test_an_image_file_passes_the_gru_by(checkpoint: Path, tmp_path: Path) -> None:
    with np.load(DATA / "unisal.npz") as arrays:
        frame, density = arrays["frames"][0], arrays["static_DHF1K"][0]
    cv2.imwrite(str(tmp_path / "picture.png"), frame)
    height, width = frame.shape[:2]
    words = ["predict", str(checkpoint), str(tmp_path / "picture.png"), "--size", f"{height}x{width}"]
    done = CliRunner().invoke(cli, [*words, "-o", str(tmp_path / "map.npy")])
    assert done.exit_code == 0, done.output
    np.testing.assert_allclose(np.load(tmp_path / "map.npy")[0], np.exp(density - density.max()), atol=1e-4)


@pytest.mark.skipif(packaged_file(WEIGHTS) is None, reason=f"needs {WEIGHTS}")
def test_the_encoder_begins_with_imagenet() -> None:
    model = create_model("unisal")
    assert WEIGHTS in model.backbone.load_imagenet()
    path = packaged_file(WEIGHTS)
    assert path is not None
    wanted = torch.load(io.BytesIO(path.read_bytes()), weights_only=True)
    taken = model.backbone.state_dict()
    for ours, theirs in (
        ("features0.0.weight", "0.0.weight"),
        ("features1.conv.3.weight", "1.conv.1.weight"),
        ("features14.conv.4.running_var", "14.conv.1.1.running_var"),
        ("features18.1.bias", "18.1.bias"),
    ):
        assert torch.equal(taken[ours], wanted[f"features.{theirs}"]), ours


def test_there_is_a_card_for_each_data_set() -> None:
    checked = CliRunner().invoke(cli, ["cards", "check"]).output
    for name, spec in (
        ("unisal-four-sets", "unisal"),
        ("unisal-hollywood2", "unisal:source=hollywood2"),
        ("unisal-mit1003", "unisal:source=salicon"),
        ("unisal-salicon", "unisal:source=salicon"),
        ("unisal-ucfsports", "unisal:source=ucfsports"),
    ):
        assert f"{name}: ok" in checked
        text = salzoo_unisal.read_card(name)
        file = "weights_ft_mit1003.pth" if "mit" in name else "weights_best.pth"
        assert f"\n  spec: {spec}\n" in text
        assert f"{file}, blob: " in text
        assert f"{file} -o {name}" in text or f"{file} --spec {spec} -o {name}" in text


@pytest.mark.slow
def test_conformance() -> None:
    check_backbone("unisal")
    check_backbone("unisal", source="salicon")


@pytest.mark.slow
def test_training_lowers_the_loss(tmp_path: Path) -> None:
    data, run = tmp_path / "data", tmp_path / "run"
    train = (
        f"train unisal --dataset synthetic --root {data} -o {run} --init random --no-score --recipe unisal "
        "--batch 4 --set clip_length=3 --size 64x96 --set frames=240"
    )
    for command in (f"data make synthetic --videos 8 --out {data}", train):
        done = CliRunner().invoke(cli, command.split())
        assert done.exit_code == 0, done.output
    with (run / "metrics.csv").open() as file:
        losses = [float(row["loss"]) for row in csv.DictReader(file)]
    assert len(losses) == 20
    assert np.mean(losses[-6:]) < np.mean(losses[:6])
