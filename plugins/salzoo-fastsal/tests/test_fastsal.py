"""FastSal keeps salzoo's contracts and gives the authors' maps, from a file in their layout."""

import csv
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
import salzoo_fastsal
import torch
from click.testing import CliRunner
from salzoo_fastsal.network import WEIGHTS
from torch import Tensor

from salzoo import create_model, load_model
from salzoo.cli import cli
from salzoo.interfaces import packaged_file
from salzoo.testing import check_backbone, make_tensors

DATA = Path(__file__).parent / "data"
SPECS = {"A": "fastsal", "C": "fastsal:head=c"}


def authors_file(head: str) -> dict[str, Tensor]:
    """Every tensor of the authors' file of a head, A or C; as drawn, head A would be 0 or 1 everywhere."""
    return make_tensors(json.loads((DATA / "keys.json").read_text())[head], {"comb.layers.0.0": 0.02})


def convert(tmp_path: Path, head: str, state: dict[str, Tensor]) -> Path:
    torch.save({"student_model": state, "optimizer": {}}, tmp_path / "file.pth")
    done = CliRunner().invoke(cli, ["convert", str(tmp_path / "file.pth"), "-o", str(tmp_path / "made")])
    assert done.exit_code == 0, done.output
    assert f"made: {SPECS[head]}\n  mapped   {len(state)} tensors\n  ignored  optimizer\n" in done.output
    return tmp_path / "made"


@pytest.mark.parametrize("head", SPECS)
def test_it_gives_the_authors_maps(tmp_path: Path, head: str) -> None:
    model = load_model(convert(tmp_path, head, authors_file(head)))
    with np.load(DATA / "fastsal.npz") as arrays, torch.no_grad():
        maps, _ = model(model.preprocess(arrays["frames"]))
        wanted = torch.sigmoid(torch.from_numpy(arrays[head]))
    assert wanted.std() > 0.1
    torch.testing.assert_close(maps[0, :, 0], wanted, atol=1e-5, rtol=0)


@pytest.mark.parametrize("head", SPECS)
def test_a_file_may_call_convolutions_as_the_authors_older_code_does(tmp_path: Path, head: str) -> None:
    state = authors_file(head)
    older = {
        name: name.replace("layers.0.0.", "layers.0.conv0.").replace("layers.3.0.", "layers.3.conv0.") for name in state
    }
    assert sum(name != new for name, new in older.items()) >= 4
    model = load_model(convert(tmp_path, head, {older[name]: tensor for name, tensor in state.items()}))
    wanted = state["adaptation_layer.layers.3.0.weight"]
    assert torch.equal(model.state_dict()["backbone.adapt4.adapt.conv.weight"], wanted)


def test_the_cards_name_the_authors_four_files() -> None:
    checked = CliRunner().invoke(cli, ["cards", "check"]).output
    found = set()
    for name in ("fastsal-coco-a", "fastsal-coco-c", "fastsal-salicon-a", "fastsal-salicon-c"):
        assert f"{name}: ok" in checked
        text = salzoo_fastsal.read_card(name)
        file = re.search(r"path: weights/(\w+\.pth), blob: ([0-9a-f]{40})", text)
        assert file is not None
        assert f"\n  spec: {SPECS[file[1][-5]]}\n" in text
        assert f"salzoo convert {file[1]} -o {name}\n" in text
        assert name.removeprefix("fastsal-").replace("-", "_") == file[1].removesuffix(".pth").lower()
        found.add(file.groups())
    assert len({path for path, _ in found}) == len({blob for _, blob in found}) == 4


@pytest.mark.skipif(packaged_file(WEIGHTS) is None, reason=f"needs {WEIGHTS}")
@pytest.mark.parametrize("spec", SPECS.values())
def test_the_encoder_begins_with_imagenet(spec: str) -> None:
    model = create_model(spec)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    assert WEIGHTS in model.backbone.load_imagenet()
    path = packaged_file(WEIGHTS)
    assert path is not None
    wanted = torch.load(io.BytesIO(path.read_bytes()), weights_only=True)
    for name, tensor in model.state_dict().items():
        number, _, rest = name.removeprefix("backbone.encoder").partition(".")
        theirs = wanted[f"features.{number}.{rest}"] if "encoder" in name else before[name]
        assert torch.equal(tensor, theirs), name


@pytest.mark.slow
def test_conformance() -> None:
    check_backbone("fastsal")
    check_backbone("fastsal:head=c")


@pytest.mark.slow
def test_its_recipe_lowers_the_loss(tmp_path: Path) -> None:
    data, run = tmp_path / "data", tmp_path / "run"
    train = (
        f"train fastsal --dataset synthetic --root {data} -o {run} --init random --no-score --recipe fastsal "
        "--set still_batch=6 --size 64x96 --set frames=180"
    )
    for command in (f"data make synthetic --videos 8 --out {data}", train):
        done = CliRunner().invoke(cli, command.split())
        assert done.exit_code == 0, done.output
    with (run / "metrics.csv").open() as file:
        losses = [float(row["loss"]) for row in csv.DictReader(file)]
    assert len(losses) == 30
    assert np.mean(losses[-8:]) < np.mean(losses[:8])
