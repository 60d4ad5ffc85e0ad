import json
import os
from importlib import metadata
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from salzoo import SalzooError, create_model, load_model
from salzoo.hub.checkpoint import FORMAT_VERSION, load_checkpoint, save_checkpoint, weights_hash
from salzoo.interfaces import Preprocessing
from salzoo.model import SaliencyModel

SLIM = "salgan:width=0.05+ema:learn=true@61"
CARD = "---\nlibrary_name: salzoo\n---\n\n# A model\n"
FILES = {"README.md", "config.json", "model.safetensors"}


def maps_of(model: SaliencyModel) -> torch.Tensor:
    clip = 50 * torch.randn(1, 3, 3, 32, 48, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        maps = model.eval()(clip)[0]
    assert maps.std() > 1e-3 or str(model.spec).startswith("center-bias")
    return maps


@pytest.fixture(scope="module")
def model() -> SaliencyModel:
    torch.manual_seed(0)
    return create_model(SLIM)


@pytest.fixture
def folder(model: SaliencyModel, tmp_path: Path) -> Path:
    save_checkpoint(model, tmp_path / "checkpoint", CARD)
    return tmp_path / "checkpoint"


def test_half_the_size_gives_nearly_the_same_maps(model: SaliencyModel, tmp_path: Path) -> None:
    save_checkpoint(model, tmp_path / "whole", CARD)
    save_checkpoint(model, tmp_path / "half", CARD, half=True)
    sizes = [(tmp_path / each / "model.safetensors").stat().st_size for each in ("whole", "half")]
    assert sizes[1] < 0.6 * sizes[0]
    loaded = load_checkpoint(tmp_path / "half")
    assert {tensor.dtype for tensor in loaded.state_dict().values()} == {torch.float32}
    torch.testing.assert_close(maps_of(loaded), maps_of(model), atol=1e-2, rtol=0)


def test_weights_that_float16_cannot_hold_are_refused(tmp_path: Path) -> None:
    model = create_model(SLIM)
    with torch.no_grad():
        next(model.parameters()).fill_(1e6)
    with pytest.raises(SalzooError, match="float16 cannot hold"):
        save_checkpoint(model, tmp_path / "half", CARD, half=True)
    assert not (tmp_path / "half").exists()


def edit_config(folder: Path, **changes: object) -> None:
    config = json.loads((folder / "config.json").read_text())
    for key, value in changes.items():
        if key in config["preprocessing"]:
            config["preprocessing"][key] = value
        else:
            config[key] = value
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize(
    "spec",
    [
        SLIM,
        "salgan:width=0.05",
        "salgan:width=0.05+convlstm:residual=true@bottleneck+ema:alpha=0.3@-1",
        "salgan:width=0.05+convlstm:hidden=4,project=1@62",
        "spectral-residual+ema@0",
        "center-bias",
    ],
)
def test_a_saved_model_loads_with_the_same_spec_and_maps(spec: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = create_model(spec)
    model.preprocessing = Preprocessing(
        size=(48, 64), channel_order="rgb", mean=(1, 2, 3.5), std=(4, 5, 6), fixed_size=model.preprocessing.fixed_size
    )
    folder = tmp_path / "deep" / "folder"
    save_checkpoint(model, folder, CARD)

    random_state = torch.get_rng_state()
    loaded = load_model(folder)
    assert torch.equal(torch.get_rng_state(), random_state)
    assert {path.name for path in folder.iterdir()} == FILES
    assert [path.name for path in folder.parent.iterdir()] == ["folder"]
    assert (folder / "README.md").read_text() == CARD
    assert not loaded.training
    assert (loaded.spec, loaded.preprocessing) == (model.spec, model.preprocessing)
    assert torch.equal(maps_of(loaded), maps_of(model))
    assert weights_hash(folder) == weights_hash(model) == weights_hash(loaded)


def test_tied_and_non_contiguous_tensors_are_saved_like_others(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = create_model("salgan:width=0.05")
    model.backbone.layers[30].module.weight = model.backbone.layers[32].module.weight
    model = model.to(memory_format=torch.channels_last)
    assert not model.backbone.layers[2].module.weight.is_contiguous()
    save_checkpoint(model, tmp_path / "tied", CARD)
    loaded = load_checkpoint(tmp_path / "tied").state_dict()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in model.state_dict().items())


def test_saving_again_replaces_the_three_files_and_leaves_others_alone(folder: Path) -> None:
    (folder / "metrics.csv").write_text("kept")
    torch.manual_seed(7)
    other = create_model("salgan:width=0.06")
    before = weights_hash(folder)
    save_checkpoint(other, folder, "another card")
    assert {path.name for path in folder.iterdir()} == FILES | {"metrics.csv"}
    assert (folder / "metrics.csv").read_text() == "kept"
    assert (folder / "README.md").read_text() == "another card"
    assert str(load_checkpoint(folder).spec) == "salgan:width=0.06"
    assert weights_hash(folder) == weights_hash(other) != before


@pytest.mark.parametrize("exists", [True, False])
def test_a_disk_that_fills_up_leaves_what_was_there(
    exists: bool, folder: Path, model: SaliencyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = folder if exists else folder.parent / "new"
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    calls = []

    def fill_up(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fill_up)
    with pytest.raises(SalzooError, match=f"cannot write checkpoint {target}: No space left on device"):
        save_checkpoint(create_model("salgan:width=0.05"), target, "half a card")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == files
    assert [path.name for path in folder.parent.iterdir()] == ["checkpoint"]


def test_a_path_that_cannot_be_written_is_named(model: SaliencyModel, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(SalzooError, match=f"cannot write checkpoint {path}: "):
            save_checkpoint(model, path, CARD)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_weights_that_could_not_be_loaded_again_are_not_saved(tmp_path: Path) -> None:
    model = create_model("salgan:width=0.05")
    model.backbone.layers[0].module.bias.data[0] = torch.nan
    with pytest.raises(SalzooError, match=r"backbone\.0\.bias holds values that are not finite"):
        save_checkpoint(model, tmp_path / "out", CARD)
    with pytest.raises(SalzooError, match=r"backbone\.0\.weight is float64 .*needs float32"):
        save_checkpoint(create_model("salgan:width=0.05").double(), tmp_path / "out", CARD)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format_version": FORMAT_VERSION + 1}, r"is of format 2; this salzoo reads up to 1: update it"),
        ({"format_version": 10**30}, "is of format 1000"),
        ({"format_version": "1"}, 'format_version must be a whole number from 1, not "1"'),
        ({"format_version": True}, "format_version must be"),
        ({"spec": 5}, "spec must be a text, not 5"),
        ({"spec": "salgan+"}, "malformed spec"),
        ({"spec": "salgam"}, "unknown backbone 'salgam'; did you mean 'salgan'"),
        ({"spec": "salgan:width=0.05+ema:learn=true@99"}, r"out of range 0\.\.62"),
        ({"spec": "salgan:width=0.05+convlstm:hidden=999999999999999999,project=3@30"}, "cannot be built"),
        ({"spec": "salgan:width=8+ema:learn=true@61"}, "holds weights of .*width=0.05.* but config.json .*width=8"),
        ({"preprocessing": None}, "preprocessing must be an object, not null"),
        ({"size": [48]}, r"size must be \[height, width\] in pixels, not \[48\]"),
        ({"size": [48, 0]}, "size must be"),
        ({"size": [48, 64.0]}, "size must be"),
        ({"size": [True, 64]}, "size must be"),
        ({"fixed_size": "48x64"}, 'fixed_size must be .* not "48x64"'),
        ({"channel_order": "grb"}, 'channel_order must be bgr or rgb, not "grb"'),
        ({"channel_order": ["bgr"]}, "channel_order must be"),
        ({"mean": [1, 2]}, "mean must be three numbers"),
        ({"mean": [1, 2, "3"]}, "mean must be three numbers"),
        ({"mean": [1, 2, 10**400]}, "mean is out of range"),
        ({"mean": [1, 2, float("nan")]}, "mean is out of range"),
        ({"std": [1, 2, float("inf")]}, "std is out of range"),
        ({"std": [1, 2, 0]}, "std must be positive"),
    ],
)
def test_a_config_that_says_something_else_is_refused(folder: Path, changes: dict[str, object], message: str) -> None:
    edit_config(folder, **changes)
    with pytest.raises(SalzooError, match=message) as error:
        load_checkpoint(folder)
    assert str(folder) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", [b"", b"[]", b"null", b"{", b"\xff\xfe", b"[" * 100_000, b'{"format_version": 1}'])
def test_a_config_that_is_no_config_is_refused(folder: Path, text: bytes) -> None:
    (folder / "config.json").write_bytes(text)
    with pytest.raises(SalzooError, match=r"config\.json"):
        load_checkpoint(folder)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(SalzooError, match=f"{folder} is no .*checkpoint.*it has no {name}"):
        load_checkpoint(folder)
    (folder / name).mkdir()
    with pytest.raises(SalzooError, match=f"{folder / name}"):
        load_checkpoint(folder)


def test_the_first_tensor_that_differs_is_named(folder: Path) -> None:
    path = folder / "model.safetensors"
    tensors = load_file(path)

    def load_with(changes: dict[str, torch.Tensor | None]) -> None:
        changed = {name: tensor for name, tensor in {**tensors, **changes}.items() if tensor is not None}
        save_file(changed, path, {"spec": SLIM})
        load_checkpoint(folder)

    load_with({})
    with pytest.raises(SalzooError, match=r"needs backbone\.2\.weight \(float32 3×3×3×3\), which is missing"):
        load_with({"backbone.2.weight": None, "backbone.5.weight": None})
    with pytest.raises(SalzooError, match=r"backbone\.60\.bias is float32 2, but .* needs float32 1"):
        load_with({"backbone.60.bias": torch.zeros(2)})
    with pytest.raises(SalzooError, match=r"temporal\.61\.alpha is float64 1, but .* needs float32 1"):
        load_with({"temporal.61.alpha": torch.zeros(1, dtype=torch.float64)})
    with pytest.raises(SalzooError, match=r"has no tensor temporal\.62\.alpha"):
        load_with({"temporal.62.alpha": torch.zeros(1)})
    with pytest.raises(SalzooError, match=r"temporal\.61\.alpha holds values that are not finite"):
        load_with({"temporal.61.alpha": torch.full((1,), torch.inf)})


def test_weights_of_another_or_no_spec_are_refused(folder: Path) -> None:
    path = folder / "model.safetensors"
    tensors = load_file(path)
    # Same names, shapes and dtypes, yet another model: only the recorded spec tells.
    save_file(tensors, path, {"spec": "salgan:width=0.05+ema:dropout=0.5,learn=true@61"})
    with pytest.raises(
        SalzooError, match=f"holds weights of .*dropout=0.5.*config.json beside it says {SLIM}".replace("+", r"\+")
    ):
        load_checkpoint(folder)
    save_file(tensors, path)
    with pytest.raises(SalzooError, match="holds weights of an unnamed model"):
        load_checkpoint(folder)


@pytest.mark.parametrize(
    "header",
    [
        b'{"a":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,4000000000000]}}',
        b'{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,8]}}',
        b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}',
        b'{"a":{"dtype":"XXX","shape":[2],"data_offsets":[0,8]}}',
        b"not json",
    ],
)
def test_a_lying_safetensors_header_is_refused(folder: Path, header: bytes) -> None:
    for length in (len(header), 1 << 62):
        (folder / "model.safetensors").write_bytes(length.to_bytes(8, "little") + header + bytes(8))
        with pytest.raises(SalzooError, match=r"model\.safetensors cannot be read") as error:
            load_checkpoint(folder)
        assert "\n" not in str(error.value)


def test_a_pickle_is_never_read(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    torch.save(create_model(SLIM).state_dict(), folder / "pytorch_model.bin")
    with pytest.raises(SalzooError, match=r"it has no model\.safetensors"):
        load_checkpoint(folder)
    (folder / "pytorch_model.bin").rename(folder / "model.safetensors")
    with pytest.raises(SalzooError, match="cannot be read"):
        load_checkpoint(folder)


@pytest.fixture(scope="module")
def originals(model: SaliencyModel, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes]]:
    folder = tmp_path_factory.mktemp("broken") / "checkpoint"
    save_checkpoint(model, folder, CARD)
    return folder, {path.name: path.read_bytes() for path in folder.iterdir()}


def load_broken(originals: tuple[Path, dict[str, bytes]], name: str, data: bytes) -> SaliencyModel | None:
    folder, files = originals
    (folder / name).write_bytes(data)
    try:
        return load_checkpoint(folder)
    except SalzooError as error:
        message = str(error)
    finally:
        (folder / name).write_bytes(files[name])
    assert str(folder) in message
    assert "\n" not in message
    return None


@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_a_truncated_file_never_loads(originals: tuple[Path, dict[str, bytes]], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["config.json", "model.safetensors"]))
    original = originals[1][name].rstrip()
    length = data.draw(st.integers(0, len(original) - 1))
    assert load_broken(originals, name, original[:length]) is None


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_a_flipped_byte_in_the_weights_header_is_found_or_harmless(
    originals: tuple[Path, dict[str, bytes]], data: st.DataObject
) -> None:
    original = originals[1]["model.safetensors"]
    end = 8 + int.from_bytes(original[:8], "little")
    index = data.draw(st.integers(0, end - 1))
    broken = bytearray(original)
    broken[index] ^= data.draw(st.integers(1, 255))
    loaded = load_broken(originals, "model.safetensors", bytes(broken))
    if loaded is not None:
        whole = load_checkpoint(originals[0])
        assert loaded.spec == whole.spec
        assert all(torch.equal(tensor, whole.state_dict()[name]) for name, tensor in loaded.state_dict().items())


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_a_flipped_byte_in_the_config_never_reaches_the_weights(
    originals: tuple[Path, dict[str, bytes]], data: st.DataObject
) -> None:
    original = originals[1]["config.json"]
    broken = bytearray(original)
    broken[data.draw(st.integers(0, len(original) - 1))] ^= data.draw(st.integers(1, 255))
    loaded = load_broken(originals, "config.json", bytes(broken))
    if loaded is not None:  # another mean, say, is a valid config
        assert weights_hash(loaded) == weights_hash(originals[0])
        assert min(*loaded.preprocessing.size, *loaded.preprocessing.std) > 0


def test_the_config_names_what_decides_the_network(tmp_path: Path) -> None:
    save_checkpoint(create_model("salgan:width=0.05"), tmp_path / "plain", "# A model\n")
    plain = json.loads((tmp_path / "plain" / "config.json").read_text())["versions"]
    assert plain == {"torch": metadata.version("torch")}
    folder = tmp_path / "timm"
    save_checkpoint(create_model("timm:arch=mobilenetv3_small_050,width=8"), folder, "# A model\n")
    config = json.loads((folder / "config.json").read_text())
    assert config["versions"]["timm"] == metadata.version("timm")
    config["versions"]["timm"] = "0.0.1"
    config["spec"] = "timm:arch=mobilenetv3_small_050,width=16"
    (folder / "config.json").write_text(json.dumps(config))
    tensors = load_file(folder / "model.safetensors")
    save_file(tensors, folder / "model.safetensors", {"spec": config["spec"]})
    with pytest.raises(SalzooError, match=r"it was saved with timm 0\.0\.1 \(here "):
        load_checkpoint(folder)
