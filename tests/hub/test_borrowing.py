"""Checkpoint folders that hold few numbers, and take the rest of a model that ships with salzoo."""

import copy
import json
import re
from pathlib import Path

import pytest
import torch

import salzoo
from salzoo.adapting.choosing import behind
from salzoo.hub.borrowing import Borrowed
from salzoo.hub.cards import load_card, run_card
from salzoo.hub.checkpoint import CONFIG, WEIGHTS, load_checkpoint, save_checkpoint
from salzoo.hub.pushing import push
from salzoo.interfaces import SalzooError
from salzoo.model import SaliencyModel

UNDER = "backbone.network.network."


def of_gaze_lite() -> Borrowed:
    weights = load_card("gaze-lite").weights
    assert weights is not None
    return Borrowed("gaze-lite", weights.sha256, UNDER)


@pytest.fixture(scope="module")
def adapted() -> SaliencyModel:
    model = behind(salzoo.load_model("gaze-lite"), 1)
    model.backbone.numbers.weights.data.fill_(0.7)  # type: ignore[union-attr]
    return model


def save(model: SaliencyModel, folder: Path) -> Path:
    save_checkpoint(model, folder, run_card(str(model.spec), data="", training=[]), borrowed=of_gaze_lite())
    return folder


def test_it_holds_its_numbers_alone_and_loads_whole(adapted: SaliencyModel, tmp_path: Path) -> None:
    folder = save(adapted, tmp_path / "numbers")
    assert (folder / WEIGHTS).stat().st_size < 50_000
    loaded = load_checkpoint(folder).state_dict()
    assert loaded.keys() == adapted.state_dict().keys()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in adapted.state_dict().items())


def test_what_is_not_the_lenders_is_not_borrowed(adapted: SaliencyModel, tmp_path: Path) -> None:
    adapted = copy.deepcopy(adapted)
    adapted.state_dict()[UNDER + "backbone.score.bias"].add_(1)
    with pytest.raises(SalzooError, match=r"score\.bias is not that of gaze-lite"):
        save(adapted, tmp_path / "numbers")
    assert not (tmp_path / "numbers").exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"of": "salema30"}, "salema30, which does not ship with this salzoo"),
        ({"of": "nothing"}, "nothing, which does not ship with this salzoo"),
        ({"of": "../gaze-lite"}, "borrowed must name"),
        ({"of": 3}, "borrowed must name"),
        ({"sha256": "0" * 64}, "weights of gaze-lite that this salzoo does not bring"),
        ({"under": "backbone.network."}, "backbone.network.network.backbone.encoder_conv_stem.weight"),
        ({"more": "of it"}, "borrowed must name"),
    ],
)
def test_a_lender_that_is_none_is_one_line(
    adapted: SaliencyModel, tmp_path: Path, changes: dict[str, object], words: str
) -> None:
    folder = save(adapted, tmp_path / "numbers")
    record = json.loads((folder / CONFIG).read_text())
    record["borrowed"] |= changes
    (folder / CONFIG).write_text(json.dumps(record))
    with pytest.raises(SalzooError, match=re.escape(words)) as raised:
        load_checkpoint(folder)
    assert "\n" not in str(raised.value)
    assert CONFIG in str(raised.value) or WEIGHTS in str(raised.value)


def test_a_repository_gets_all_weights(adapted: SaliencyModel, tmp_path: Path) -> None:
    pushed = push(save(adapted, tmp_path / "numbers"), "me/adapted", dry_run=True).files
    (tmp_path / "whole").mkdir()
    for name, data in pushed.items():
        (tmp_path / "whole" / name).write_bytes(data)
    assert "borrowed" not in json.loads((tmp_path / "whole" / CONFIG).read_text())
    whole = load_checkpoint(tmp_path / "whole").state_dict()
    assert all(torch.equal(whole[name], tensor) for name, tensor in adapted.state_dict().items())
