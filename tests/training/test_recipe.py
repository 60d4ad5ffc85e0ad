"""Recipes: the shipped ones, files, and overriding."""

import dataclasses
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from salzoo.cli import cli
from salzoo.interfaces import SalzooError
from salzoo.model import canonical_spec
from salzoo.training.recipe import choose_recipe, list_recipes, load_recipe, override, parse_change, read_recipe


def test_every_shipped_recipe_loads_and_states_its_source() -> None:
    names = list_recipes()
    assert {"salgan-bce", "salgan-adversarial", "salicon-baseline", "dhf1k-static",
        "human",
        "human-video", "salema", "salema-release",
            "salclstm", "salclstm-thaw", "videosalgan", "modern", "scratch", "synthetic"} <= set(names)  # fmt: skip
    for name in names:
        recipe = load_recipe(name)
        assert recipe.name == name
        assert recipe.summary
        assert recipe.source


def test_the_papers_values() -> None:
    salema, release = load_recipe("salema"), load_recipe("salema-release")
    assert (salema.epochs, salema.clip_length, salema.batch, salema.lr) == (7, 10, 1, 1e-6)
    assert (salema.optimizer, salema.weight_decay, salema.clip_norm, salema.shuffle) == ("adam", 1e-4, 10.0, False)
    assert (release.lr, release.alpha_lr) == (1e-7, 0.1)
    bce, adversarial = load_recipe("salgan-bce"), load_recipe("salgan-adversarial")
    assert (bce.optimizer, bce.momentum, bce.lr, bce.still_batch) == ("nesterov", 0.5, 1e-3, 32)
    assert bce.losses == {"bce-pooled": 1}
    assert (adversarial.optimizer, adversarial.lr) == ("adagrad", 3e-4)
    assert adversarial.losses == {"adversarial": 1, "bce-pooled": 0.05}
    video = load_recipe("videosalgan")
    assert (video.optimizer, video.lr, video.momentum, video.epochs) == ("sgd", 1e-5, 0.9, 9)
    assert load_recipe("modern").losses == {"kld": 1, "cc": -0.1, "nss": -0.1}
    assert load_recipe("salicon-baseline").epochs == 27


@pytest.mark.parametrize(
    ("spec", "data", "init", "name"),
    [
        ("salgan+ema@61", "synthetic", None, "synthetic"),
        ("salgan+ema@61", "dhf1k", "imagenet", "scratch"),
        ("salgan", "salicon", None, "salicon-baseline"),
        ("salgan", "dhf1k", "runs/x", "dhf1k-static"),
        ("salgan+ema@30", "dhf1k", "runs/x", "salema"),
        ("salgan+ema:learn=true@30", "dhf1k", "runs/x", "salema-release"),
        ("salgan+convlstm@30", "dhf1k", "runs/x", "salclstm"),
        ("salgan+convlstm:hidden=128,project=1@62", "dhf1k", "runs/x", "videosalgan"),
    ],
)
def test_spec_and_data_choose(spec: str, data: str, init: str | None, name: str) -> None:
    assert choose_recipe(canonical_spec(spec), (data,), init) == name


HEAD = 'summary = "s"\nsource = "t"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD + 'lr = "fast"', r"mine.toml, line 3: lr must be a number, not 'fast'"),
        (HEAD + "\nepochs = 1.5", r"mine.toml, line 4: epochs must be a whole number, not 1.5"),
        (HEAD + "freeze = [1]", r"line 3: freeze must be a list, each item a text"),
        (HEAD + 'optimizer = "adan"', r"line 3: optimizer must be one of adam, adamw"),
        (HEAD + "leraning_rate = 1", r"line 3: a recipe has no 'leraning_rate'"),
        (HEAD + "shuffle = 1", r"line 3: shuffle must be true or false, not 1"),
        (HEAD + "lr = nan", r"line 3: lr must be finite"),
        (HEAD + "stills = 2.0", r"recipe mine: stills must be between 0 and 1, not 2"),
        (HEAD + "size = [1]", r"size must be a height and a width"),
        (HEAD + 'loss = "kdl"', r"unknown loss 'kdl'"),
        ("lr = 1.0", r"recipe mine.toml must state its summary and source"),
        ("lr = \n", r"mine.toml is not TOML: .*line 1"),
        ("\udcff", r"cannot read .*mine\.toml: it is not UTF-8"),
    ],
)
def test_a_file_that_is_no_recipe_says_where(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(SalzooError, match=message):
        load_recipe(str(path))


@given(st.binary(max_size=60))
def test_any_file_is_a_recipe_or_an_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("recipes") / "any.toml"
    path.write_bytes(HEAD.encode() + data)
    try:
        assert read_recipe(path).name == "any"
    except SalzooError as error:
        told = str(error)
        assert "any" in told


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [("lr=1e-5", "lr", 1e-5), ("loss=kld,cc=-1", "loss", "kld,cc=-1"), ("freeze=['a','b']", "freeze", ["a", "b"])],
)
def test_values_on_the_command_line(text: str, key: str, value: object) -> None:
    assert parse_change(text) == (key, value)
    changed = override(load_recipe("salema"), {key: value})
    assert dataclasses.asdict(changed)[key] == (tuple(value) if isinstance(value, list) else value)


def test_the_command_shows_them() -> None:
    listed = CliRunner().invoke(cli, ["recipes"])
    assert listed.exit_code == 0
    assert all(name in listed.output for name in list_recipes())
    shown = CliRunner().invoke(cli, ["recipes", "salema"])
    assert "lr = 1e-06" in shown.output
    assert "arXiv 1907.01869" in shown.output
    wrong = CliRunner().invoke(cli, ["recipes", "salem"])
    assert wrong.exit_code == 1
    assert "did you mean 'salema'" in wrong.output


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("lr=1e300", "lr must be at most 1000, not 1e+300"),
        (f"lr={'9' * 400}", "lr is a number of more than 64 bits"),
        (f"lr={'9' * 5000}", "lr must be a number, not '999"),
        (f"lr=0.{'9' * 5000}e400", "lr must be finite"),
        (f"batch={2**64}", "batch is a number of more than 64 bits"),
        (f"seed={2**63}", "seed is a number of more than 64 bits"),
        ("seed=-1", "seed must be at least 0, not -1"),
        ("batch=10000000000", "batch must be at most 1e+06"),
        ("optimizer=nesterov", "nesterov needs a momentum above 0"),
        (f"loss={'[' * 5000}", "known: adversarial, bce"),
        (f"loss={'[' * 200}{']' * 200}", "loss must be a text, not [[["),
        (f"thaw={'[' * 700}{']' * 700}", "thaw"),
        ("loss=bce=1e7", "the weight of bce must lie between -1e6 and 1e6"),
        ("size=[100000, 1]", "size must be a height and a width"),
        ("lr=1\nbatch=2", "lr must be a number"),
    ],
)
def test_hostile_values_are_refused_in_one_line(change: str, message: str) -> None:
    with pytest.raises(SalzooError) as caught:
        override(load_recipe("scratch"), dict([parse_change(change)]))
    assert message in str(caught.value)
    assert "Error" not in str(caught.value)
    assert len(str(caught.value)) <= 1000
