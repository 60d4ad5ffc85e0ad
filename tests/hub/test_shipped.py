"""gaze-lite, whose weights ship with salzoo, and what is adapted from it, which holds few numbers."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from click.testing import CliRunner

import salzoo
from salzoo.cli import cli
from salzoo.hub import cards
from salzoo.hub.card_checks import check_card
from salzoo.hub.cards import load_card, read_card, shipped_folder
from salzoo.hub.checkpoint import weights_hash
from salzoo.hub.sources import DEFAULT_MODEL
from salzoo.interfaces import SalzooError

MOST_BYTES = 8_000_000
ADAPTED = {"web": "fiwi", "road": "traffic100", "drive": "traffic100:task=drive"}


def disc(x: int, y: int) -> np.ndarray:
    """A red disc on grey."""
    frame = np.full((240, 320, 3), 128, np.uint8)
    cv2.circle(frame, (x, y), 20, (40, 40, 220), -1)
    return frame


def test_it_is_small_and_its_weights_are_those_of_the_card() -> None:
    folder = shipped_folder(DEFAULT_MODEL)
    assert (folder / "model.safetensors").stat().st_size < MOST_BYTES
    assert weights_hash(folder) == load_card(DEFAULT_MODEL).weights.sha256  # type: ignore[union-attr]
    listed = CliRunner().invoke(cli, ["list", "models"])
    assert "ready" in listed.output


@pytest.mark.parametrize(("x", "y"), [(80, 70), (240, 160)])
def test_it_finds_the_thing_on_an_empty_ground(x: int, y: int) -> None:
    model = salzoo.load_model("gaze-lite")
    ((_, saliency),) = salzoo.predict_frames(model, [disc(x, y)])
    row, column = np.unravel_index(saliency.argmax(), saliency.shape)
    assert abs(column - x) < 30
    assert abs(row - y) < 30


def test_predict_needs_no_model(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "disc.png"), disc(80, 70))
    out = tmp_path / "out.png"
    result = CliRunner().invoke(cli, ["predict", str(tmp_path / "disc.png"), "-o", str(out), "--engine", "torch"])
    assert result.exit_code == 0, result.output
    assert cv2.imread(str(out)).shape == (240, 320, 3)


def test_other_weights_in_its_place_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(shipped_folder(DEFAULT_MODEL), tmp_path / DEFAULT_MODEL)
    weights = tmp_path / DEFAULT_MODEL / "model.safetensors"
    damaged = bytearray(weights.read_bytes())
    damaged[-1] ^= 1
    weights.write_bytes(damaged)
    monkeypatch.setattr(cards, "_folder", lambda: tmp_path)
    with pytest.raises(SalzooError, match="are not those that its card names: install salzoo again"):
        salzoo.load_model(DEFAULT_MODEL)


@pytest.mark.parametrize("name", ADAPTED)
def test_what_is_adapted_holds_numbers_alone_and_says_what_they_were_fitted_to(name: str) -> None:
    folder = shipped_folder(name)
    assert (folder / "model.safetensors").stat().st_size < 50_000
    assert weights_hash(folder) == load_card(name).weights.sha256  # type: ignore[union-attr]
    assert check_card(name, read_card(name)) == []
    model, network = salzoo.load_model(name), salzoo.load_model(DEFAULT_MODEL)
    sets = [(each.name, each.split) for each in model.trained_on.sets]
    assert sets == [*((each.name, each.split) for each in network.trained_on.sets), (ADAPTED[name], "train")]
    ours, theirs = model.state_dict(), network.state_dict()
    assert all(torch.equal(ours[f"backbone.network.network.{key}"], tensor) for key, tensor in theirs.items())
    assert f"{len(model.trained_on.sets[-1].items)} of its " in read_card(name)


def test_what_is_adapted_is_a_model_by_its_name(tmp_path: Path) -> None:
    listed = CliRunner().invoke(cli, ["list", "models"])
    assert all(f"\n{name} " in f"\n{listed.output}" for name in ADAPTED)
    cv2.imwrite(str(tmp_path / "disc.png"), disc(80, 70))
    out = tmp_path / "out.png"
    words = ["predict", "web", str(tmp_path / "disc.png"), "-o", str(out), "--engine", "torch"]
    result = CliRunner().invoke(cli, words)
    assert result.exit_code == 0, result.output
    assert cv2.imread(str(out)).shape == (240, 320, 3)
