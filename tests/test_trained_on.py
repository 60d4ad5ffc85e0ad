"""What a checkpoint knows of its training, and what is said where it is tested on that."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salzoo import SalzooError, load_model
from salzoo.hub.checkpoint import load_checkpoint, save_checkpoint
from salzoo.model import create_model
from salzoo.trained_on import UNKNOWN, TrainedOn, describe_trained_on, overlap, read_trained_on


def videos(*names: str, frames: int = 25) -> list[Any]:
    return [SimpleNamespace(id=name, frames=frames) for name in names]


names = st.text(max_size=20)


@given(st.lists(names, max_size=8), st.lists(names, max_size=8))
def test_a_record_comes_back_and_counts_what_both_hold(trained: list[str], tested: list[str]) -> None:
    known = TrainedOn().and_stated("ImageNet").and_on("osie", "train", videos(*trained), videos(*trained))
    assert read_trained_on(json.loads(json.dumps(known.as_record()))) == known
    found = overlap(known, "osie:first=false", videos(*tested))
    assert (found.seen, found.of) == (sum(name in trained for name in tested), len(tested))
    assert overlap(known, "eyecrowd", videos(*tested)).seen == 0


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda each: st.lists(each) | st.dictionaries(st.text(max_size=8), each),
)


@given(st.fixed_dictionaries({"sets": json_values, "stated": json_values, "unknown": json_values}) | json_values)
def test_no_record_is_believed_that_is_none(record: Any) -> None:
    try:
        known = read_trained_on(record)
    except SalzooError:
        return
    assert read_trained_on(known.as_record()) == known


@pytest.mark.parametrize(
    ("known", "dataset", "words"),
    [
        (UNKNOWN, "osie", "what it was trained on is unknown"),
        (
            TrainedOn(stated=("DHF1K",)),
            "dhf1k",
            "trained on DHF1K, as stated with its weights: on which images is not recorded",
        ),
        (
            TrainedOn(stated=("UCF Sports",)),
            "ucfsports",
            "trained on UCF Sports, as stated with its weights: on which images is not recorded",
        ),
        (TrainedOn(stated=("DHF1K",)), "osie", "trained on DHF1K, as stated with its weights: on none of these images"),
        (TrainedOn().and_on("osie", "train", videos("1"), videos("1", "2")), "osie", "trained on none of these images"),
        (
            UNKNOWN.and_on("osie", "train", videos("1"), videos("1")),
            "osie",
            "trained on none of these images; what the weights before had seen is unknown",
        ),
        (
            TrainedOn().and_on("folder", "train", videos("2"), videos("2")),
            "folder",
            "trained on images of one's own of which 1 have the names of these 1: no test if the same",
        ),
    ],
)
def test_what_is_not_known_is_said(known: TrainedOn, dataset: str, words: str) -> None:
    assert overlap(known, dataset, videos("2", frames=1)).words == words


def test_a_folder_of_ones_own_is_known_under_another_name() -> None:
    known = TrainedOn().and_on("my-set", "train", videos("1", "2"), videos("1", "2", "3"))
    assert [each.name for each in known.sets] == ["my-set"]
    for name in ("my-set", "my-set:fold=1"):
        assert overlap(known, name, videos("1", "2", "3")).words == "trained on 2 of these 3 videos: not a test"
    for name in ("renamed", "folder"):
        words = "trained on videos of one's own of which 2 have the names of these 3: no test if the same"
        assert overlap(known, name, videos("1", "2", "3")).words == words
    assert overlap(known, "osie", videos("1", "2")).seen == 0
    before = {"name": "my-set", "split": "train", "version": "", "items": "vgM5llRt"}  # saved with the folder's name
    known = read_trained_on({"sets": [before], "stated": [], "unknown": False})
    assert (overlap(known, "my-set", videos("1")).seen, overlap(known, "renamed", videos("1")).seen) == (1, 0)


def test_a_checkpoint_keeps_it(tmp_path: Any) -> None:
    model = create_model("salgan:width=0.05")
    model.trained_on = TrainedOn().and_on("osie", "train", videos("1"), videos("1", "2"))
    save_checkpoint(model, tmp_path / "one", "# One\n")
    assert load_checkpoint(tmp_path / "one").trained_on == model.trained_on
    config = json.loads((tmp_path / "one" / "config.json").read_text())
    del config["trained_on"]  # as salzoo wrote it before
    (tmp_path / "one" / "config.json").write_text(json.dumps(config))
    assert load_checkpoint(tmp_path / "one").trained_on == UNKNOWN


def test_the_networks_in_the_box_know_theirs() -> None:
    known = load_model("gaze-lite").trained_on
    assert {each.name: len(each.items) for each in known.sets} == {
        "osie": 500,
        "eyecrowd": 350,
        "sun500": 350,
        "mit1003": 803,
        "pascals": 680,
        "hevc33:fold=5": 30,
    }
    assert describe_trained_on(known).endswith("pascals train (680 items) and ImageNet (as stated)")
    assert overlap(known, "hevc33:fold=0", videos("Couple")).words == "trained on 1 of these 1 videos: not a test"
