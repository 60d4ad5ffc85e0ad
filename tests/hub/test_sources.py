import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

import salzoo
from salzoo import SalzooError, create_model, load_model
from salzoo.cli import cli
from salzoo.hub.cards import converted_card
from salzoo.hub.checkpoint import save_checkpoint, weights_hash
from salzoo.hub.sources import ModelSource, names_model, resolve_source

SLIM = "salgan:width=0.05+ema@61"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkpoint folder "mine" in the current directory."""
    monkeypatch.chdir(tmp_path)
    save_checkpoint(create_model(SLIM), tmp_path / "mine", converted_card(SLIM, file="x", sha256="0", notes=[]))
    return tmp_path / "mine"


def test_a_path_is_a_checkpoint_folder(folder: Path) -> None:
    for source in (folder, str(folder), "mine", "./mine"):
        found = resolve_source(source)
        assert (found.label, found.spec) == (str(source), SLIM)
        assert found.weights_sha256 == weights_hash(folder)
        model = load_model(source)
        assert not model.training
        assert str(model.spec) == SLIM
        assert weights_hash(model) == found.weights_sha256


def test_a_cards_name_comes_before_a_path_and_a_path_before_a_spec(folder: Path) -> None:
    shutil.copytree(folder, "gaze-lite")
    assert "timm" in resolve_source("gaze-lite").spec
    assert "timm" in resolve_source("gaze-lite+none@output").spec
    for path in ("./gaze-lite", Path("gaze-lite"), str(Path("gaze-lite").absolute())):
        assert str(load_model(path).spec) == SLIM
    shutil.rmtree("gaze-lite")
    Path("gaze-lite").write_bytes(b"")
    assert names_model("gaze-lite")
    assert "timm" in resolve_source("gaze-lite").spec
    shutil.copytree(folder, "center-bias")
    assert str(load_model("center-bias").spec) == SLIM
    shutil.rmtree("center-bias")
    Path("center-bias").mkdir()
    with pytest.raises(SalzooError, match=r"center-bias is a folder, but no checkpoint: it has no config\.json"):
        load_model("center-bias")


def test_what_a_user_converted_is_named_where_the_card_has_no_weights(folder: Path) -> None:
    shutil.copytree(folder, "salema61")
    with pytest.raises(SalzooError, match=r"not published.*The folder of that name here is \./salema61\)"):
        load_model("salema61")
    assert str(load_model("./salema61").spec) == SLIM
    listed = CliRunner().invoke(cli, ["list", "models", "salema61"])
    assert "the folder of that name here is ./salema61" in listed.output


def test_a_path_that_is_no_checkpoint_says_why(folder: Path) -> None:
    Path("weights.pt").write_bytes(b"")
    with pytest.raises(SalzooError, match=r"weights\.pt is a file, not a checkpoint folder; salzoo convert"):
        load_model("weights.pt")
    with pytest.raises(SalzooError, match=r"\. is a folder, but no checkpoint"):
        load_model(".")
    with pytest.raises(SalzooError, match="name is empty"):
        load_model("")
    (folder / "config.json").write_text(json.dumps({"format_version": 1, "spec": "salgam", "preprocessing": {}}))
    with pytest.raises(SalzooError, match=r"mine/config\.json: unknown backbone 'salgam'"):
        resolve_source("mine")


def test_modules_without_weights_are_added_to_a_model(folder: Path) -> None:
    source = resolve_source("mine+ema:alpha=0.3@bottleneck")
    assert (source.spec, source.folder) == ("salgan:width=0.05+ema@61+ema:alpha=0.3@bottleneck", Path("mine"))
    model, base = load_model(source.label), load_model("mine")
    assert not model.training
    assert all(torch.equal(tensor, base.state_dict()[name]) for name, tensor in model.state_dict().items())
    with pytest.raises(SalzooError, match=r"needs weights that salgan:width=0\.05\+ema@61 has not \(temporal\.30\."):
        load_model("mine+convlstm@30")


def test_a_module_behind_a_name_replaces_the_one_at_its_place(folder: Path) -> None:
    for place in ("61", "-1", "output"):
        found = resolve_source(f"mine+ema:alpha=0.2@{place}")
        assert found.spec == f"salgan:width=0.05+ema:alpha=0.2@{place}"
        assert str(found.load().spec) == found.spec
    save_checkpoint(create_model("salgan:width=0.05+ema:learn=true@61+ema@7"), "learned", "# Card\n")
    assert load_model("learned+ema:tau=0.2@-1").temporal.state_dict() == {}
    assert str(load_model("learned+ema:tau=0.2@61").spec) == "salgan:width=0.05+ema:tau=0.2@61+ema@7"
    with pytest.raises(SalzooError, match=r"needs weights that .* has not \(temporal\.61\.alpha\)"):
        load_model("learned+ema:alpha=0.2,learn=true@61")  # not the weights of the one that stood there


def test_none_takes_the_module_at_a_place_off(folder: Path) -> None:
    model = load_model("mine+none@output")
    assert str(model.spec) == "salgan:width=0.05"
    assert str(load_model("mine+none@output+ema@7").spec) == "salgan:width=0.05+ema@7"
    lite = resolve_source("gaze-lite+none@output")
    assert "+" not in lite.spec
    assert lite.weights_sha256 == resolve_source("gaze-lite").weights_sha256
    for name, message in (
        ("mine+none@7", "has no module at 7 to take off"),
        ("gaze-lite+none@bottleneck", r"gaze-lite\+none@bottleneck: .* has no module at bottleneck to take off"),
        ("gaze-lite+none@output+ema@-1", r"gaze-lite\+none@output\+ema@-1: two modules at one position"),
        ("gaze-lite+ema", r"malformed spec 'gaze-lite\+ema': expected '@'"),
        ("mine+ema@nowhere", "no landmark 'nowhere'"),
        ("salgan+none@61", "unknown temporal module 'none'"),
    ):
        with pytest.raises(SalzooError, match=message):
            resolve_source(name)


def test_a_spec_that_needs_no_weights_is_a_model() -> None:
    for source, spec in (("centre-bias", "center-bias"), ("spectral-residual+ema@0", "spectral-residual+ema@0")):
        assert resolve_source(source) == ModelSource(source, spec, None)
        assert resolve_source(source).weights_sha256 is None
        model = load_model(source)
        assert not model.training
        assert str(model.spec) == spec


@pytest.mark.parametrize("spec", ["salgan", "salgan+ema@61", "spectral-residual+ema:learn=true@0"])
def test_a_spec_that_needs_weights_says_how_to_get_them(spec: str) -> None:
    with pytest.raises(SalzooError) as error:
        load_model(spec)
    assert str(error.value) == (
        f"{spec} is a spec without weights: train it (salzoo train {spec}) or give a checkpoint folder"
    )


def test_a_card_without_published_weights_says_where_the_authors_are_and_what_to_do() -> None:
    with pytest.raises(SalzooError) as error:
        load_model("salema30")
    message = str(error.value)
    assert "https://arxiv.org/abs/1907.01869" in message
    assert message.endswith("salzoo convert SalEMA30.pt --spec salgan+ema:alpha=0.1@30 -o salema30")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("unisal", "unknown backbone 'unisal': it comes with the package salzoo-unisal, which is not installed"),
        ("salema6", "unknown model 'salema6': no card, no such path and no spec; did you mean 'salema61'"),
        ("salgam", "unknown model 'salgam': .*did you mean 'salgan'"),
        ("centrebias", "did you mean .*'centre-bias'"),
        ("org/repo", "unknown model 'org/repo': .* not in the cache, and offline mode is on"),
        ("org/repo@main", "unknown model 'org/repo@main': .* offline mode is on"),
        ("runs/gone/", "unknown model 'runs/gone/': no card, no such path"),
        ("salgan+ema", "malformed spec 'salgan\\+ema': expected '@' and a position at its end"),
        ("salgan+em@61", "unknown temporal module 'em'; did you mean 'ema'"),
        ("salgan+ema@63", r"position 63 is out of range 0\.\.62"),
        ("x" * 5000, "unknown model"),
        ("a\0b", "unknown model"),
    ],
)
def test_an_unknown_name_gets_one_clear_line(source: str, message: str) -> None:
    for load in (resolve_source, load_model):
        with pytest.raises(SalzooError, match=message) as error:
            load(source)
        assert "\n" not in str(error.value)


def test_the_device_is_where_the_weights_go(folder: Path) -> None:
    assert load_model(folder).device == torch.device("cpu")
    assert load_model(folder, device="meta").device == torch.device("meta")


def test_the_public_functions_are_these() -> None:
    assert salzoo.load_model is load_model
    assert salzoo.list_models("*ema*") == ["salema30", "salema54", "salema61", "salema7-54"]


def test_listing_models_imports_nothing_heavy() -> None:
    code = (
        "import sys, salzoo; salzoo.list_models(); "
        "print([m for m in ('torch', 'cv2', 'timm', 'huggingface_hub', 'yaml') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"
