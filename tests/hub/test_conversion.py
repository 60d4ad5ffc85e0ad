import io
import os
import pickle
import re
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from salzoo import SalzooError, create_model, load_model
from salzoo.cli import cli
from salzoo.hub import declared
from salzoo.hub.conversion import convert_weights
from salzoo.interfaces import PublishedWeights
from salzoo.model import SaliencyModel, canonical_spec

# "frames" (4, 48, 64, 3), uint8 BGR, and what the papers' own PyTorch code answers to them frame by frame, (4, 48, 64),
# with weights made by the rule of ``published_tensor``.
PARITY = Path(__file__).parents[1] / "data" / "parity" / "outputs.npz"
SLIM = "salgan:width=0.05"


def published_tensor(key: str, shape: tuple[int, ...]) -> Tensor:
    bound = np.sqrt(6 / np.prod(shape[1:])) if len(shape) > 1 else 0.05
    if key == "salgan.0.weight":
        bound *= 0.01
    random = np.random.RandomState(zlib.crc32(key.encode()))
    return torch.from_numpy(random.uniform(-bound, bound, shape).astype(np.float32))


def published_state(spec: str, rename: Callable[[str], str]) -> dict[str, Tensor]:
    with torch.device("meta"):
        state = create_model(spec).state_dict()
    return {rename(name): published_tensor(rename(name), tuple(tensor.shape)) for name, tensor in state.items()}


def convert(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["convert", *map(str, arguments)])


def check_parity(folder: Path, name: str) -> None:
    with np.load(PARITY) as arrays:
        frames, wanted = arrays["frames"], torch.from_numpy(arrays[name])
    model = load_model(folder)
    assert wanted.std() > 1e-3
    with torch.no_grad():
        maps, _ = model(model.preprocess(frames))
        torch.testing.assert_close(maps[0, :, 0], wanted, rtol=0, atol=1e-5)
        state = None
        for frame, map_ in zip(frames, wanted, strict=True):
            maps, state = model(model.preprocess(frame[None]), state)
            torch.testing.assert_close(maps[0, 0, 0], map_, rtol=0, atol=1e-5)


@pytest.fixture(scope="module")
def salgan() -> dict[str, Tensor]:
    return published_state("salgan", lambda name: name.replace("backbone", "salgan"))


@pytest.fixture(scope="module")
def salgan_folder(salgan: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("salgan")
    torch.save(salgan, folder / "salgan.pt")
    result = convert(folder / "salgan.pt", "--spec", "salgan", "-o", folder / "salgan")
    assert result.exit_code == 0, result.output
    (folder / "salgan.pt").unlink()
    yield folder / "salgan"
    _remove_weights(folder)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A temporary folder that does not keep hundreds of megabytes after the test."""
    yield tmp_path
    _remove_weights(tmp_path)


def _remove_weights(folder: Path) -> None:
    for path in [*folder.rglob("*.pt"), *folder.rglob("*.safetensors"), *folder.rglob("*.npz")]:
        path.unlink()


def test_salgan_gives_the_published_outputs(salgan_folder: Path) -> None:
    check_parity(salgan_folder, "salgan")


def test_salema61_with_a_constant_gives_the_published_outputs(salgan: dict[str, Tensor], folder: Path) -> None:
    record = {"epoch": 7, "state_dict": {f"module.{key}": tensor for key, tensor in salgan.items()}, "optimizer": {}}
    torch.save(record, folder / "SalEMA61.pt")
    result = convert(
        folder / "SalEMA61.pt", "--spec", "salgan+ema:alpha=0.52497918747894@61", "-o", folder / "salema61"
    )
    assert result.exit_code == 0, result.output
    assert "epoch, optimizer" in result.output
    assert "takes the spec's constant a = 0.524979" in result.output
    check_parity(folder / "salema61", "salema61")


def test_salclstm30_gives_the_published_outputs_its_spec_inferred(salgan: dict[str, Tensor], folder: Path) -> None:
    gates = {"Gates.weight": (2048, 1024, 3, 3), "Gates.bias": (2048,)}
    state = {**salgan, **{key: published_tensor(key, shape) for key, shape in gates.items()}}
    torch.save({"epoch": 7, "state_dict": state, "optimizer": {}}, folder / "SalCLSTM30.pt")
    result = convert(folder / "SalCLSTM30.pt", "-o", folder / "salclstm30")
    assert result.exit_code == 0, result.output
    assert f"{folder / 'salclstm30'}: salgan+convlstm@30" in result.output
    assert "was inferred" in result.output
    assert "mapped   56 tensors" in result.output
    check_parity(folder / "salclstm30", "salclstm30")


def test_videosalgan_on_a_salgan_gives_the_published_outputs(salgan_folder: Path, folder: Path) -> None:
    shapes = {
        "Gates.weight": (512, 129, 3, 3),
        "Gates.bias": (512,),
        "conv1x1.weight": (1, 128, 1, 1),
        "conv1x1.bias": (1,),
    }
    state = {f"module.{key}": published_tensor(key, shape) for key, shape in shapes.items()}
    torch.save({"epoch": 9, "state_dict": state, "optimizer": {}}, folder / "videosalgan.pt")
    result = convert(folder / "videosalgan.pt", "--backbone", salgan_folder, "-o", folder / "videosalgan")
    assert result.exit_code == 0, result.output
    assert "salgan+convlstm:hidden=128,project=1@62" in result.output
    check_parity(folder / "videosalgan", "videosalgan")


def test_salclstm56_is_inferred_and_its_last_layers_found(salgan: dict[str, Tensor], folder: Path) -> None:
    state = {key: tensor for key, tensor in salgan.items() if int(key.split(".")[1]) < 56}
    for index, layer in enumerate((56, 58, 60)):
        for part in ("weight", "bias"):
            state[f"final_convs.{2 * index}.{part}"] = salgan[f"salgan.{layer}.{part}"]
    state |= {"Gates.weight": torch.zeros(512, 256, 3, 3), "Gates.bias": torch.zeros(512)}
    torch.save({"state_dict": state}, folder / "SalCLSTM56.pt")
    model, report = convert_weights(folder / "SalCLSTM56.pt")
    assert report.spec == "salgan+convlstm@56"
    assert torch.equal(model.state_dict()["backbone.58.weight"], salgan["salgan.58.weight"])
    assert report.mapped["backbone.60.bias"] == "final_convs.4.bias"


def slim_model(temporal: str = "") -> SaliencyModel:
    torch.manual_seed(0)
    return create_model(SLIM + temporal).eval()


def chain_of(model: SaliencyModel, prefix: str = "salgan.") -> dict[str, Tensor]:
    state: dict[str, Tensor] = model.backbone.state_dict(prefix=prefix)
    return dict(state)


def maps_of(model: SaliencyModel) -> Tensor:
    clip = 50 * torch.randn(1, 3, 3, 32, 48, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        maps: Tensor = model(clip)[0]
    assert maps.std() > 1e-3
    return maps


def save(record: object, path: Path, **options: Any) -> Path:
    torch.save(record, path, **options)
    return path


def prefixed(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"module.{key}": tensor for key, tensor in state.items()}


OPTIMIZER = torch.optim.Adam(nn.Linear(2, 2).parameters()).state_dict()
LAYOUTS: dict[str, Callable[[dict[str, Tensor]], object]] = {
    "bare": lambda state: state,
    "ordered": OrderedDict,
    "parameters": lambda state: {key: nn.Parameter(tensor) for key, tensor in state.items()},
    "doubles": lambda state: {key: tensor.double() for key, tensor in state.items()},
    "prefixed": prefixed,
    "wrapped": lambda state: {"epoch": 3, "state_dict": state, "optimizer": OPTIMIZER},
    "wrapped and prefixed": lambda state: {"epoch": 3, "state_dict": prefixed(state), "optimizer": OPTIMIZER},
}


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("prefix", ["salgan.", ""])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_of_a_chain_is_read(layout: str, prefix: str, zipped: bool, tmp_path: Path) -> None:
    model = slim_model()
    record = LAYOUTS[layout](chain_of(model, prefix))
    file = save(record, tmp_path / "file.pt", _use_new_zipfile_serialization=zipped)
    converted, report = convert_weights(file, SLIM)
    assert not converted.training
    assert torch.equal(maps_of(converted), maps_of(model))
    assert len(report.mapped) == 54
    assert report.mapped["backbone.60.bias"].endswith(f"{prefix}60.bias")
    assert report.ignored == (("epoch", "optimizer") if "wrapped" in layout else ())


def test_a_bare_chain_is_the_static_network_and_other_files_ask_for_a_spec(
    salgan: dict[str, Tensor], folder: Path
) -> None:
    bare = {key.removeprefix("salgan."): tensor for key, tensor in salgan.items()}
    _, report = convert_weights(save({"state_dict": bare}, folder / "SalBCE.pt"))
    assert report.spec == "salgan"
    chain = chain_of(slim_model())
    with pytest.raises(SalzooError, match=r"an EMA with a constant alpha, which no file tells.*--spec salgan"):
        convert_weights(save(chain, folder / "a.pt"))
    with pytest.raises(SalzooError, match=r"holds an EMA, and no file tells on which layer it stands: .*--spec"):
        convert_weights(save({**chain, "alpha": torch.zeros(1)}, folder / "b.pt"))
    with pytest.raises(SalzooError, match=r"holds a ConvLSTM of another size than the published ones.*--spec"):
        convert_weights(save({**chain, "Gates.bias": torch.zeros(8)}, folder / "c.pt"))


@pytest.mark.parametrize("shape", [(1,), ()])
@pytest.mark.parametrize(
    ("spec", "wanted"),
    [
        ("+ema@30", "+ema:learn=true@30"),
        ("+ema:alpha=0.1,dropout=0.5@-1", "+ema:dropout=0.5,learn=true@-1"),
        ("+ema:alpha=0.3,learn=true@output", "+ema:alpha=0.3,learn=true@output"),
    ],
)
def test_a_stored_alpha_is_a_logit(shape: tuple[int, ...], spec: str, wanted: str, tmp_path: Path) -> None:
    state = {**chain_of(slim_model()), "alpha": torch.full(shape, -2.197)}
    model, report = convert_weights(save(state, tmp_path / "file.pt"), SLIM + spec)
    assert str(model.spec) == report.spec == SLIM + wanted
    (ema,) = model.temporal.values()
    assert ema.weight.item() == pytest.approx(0.1, abs=1e-4)
    assert any("a = sigmoid(alpha) = 0.100" in note for note in report.notes)
    assert any("the spec became" in note for note in report.notes) == (spec != wanted)


def test_without_a_stored_alpha_the_spec_gives_the_constant(tmp_path: Path) -> None:
    file = save(chain_of(slim_model()), tmp_path / "file.pt")
    for text, constant in (("+ema@30", 0.1), ("+ema:alpha=0.3@7+ema:alpha=0.3@54", 0.3)):
        model, report = convert_weights(file, SLIM + text)
        assert report.spec == SLIM + text
        assert {ema.weight for ema in model.temporal.values()} == {constant}
        assert len(report.notes) == len(model.temporal)
        assert all(f"constant a = {constant}" in note for note in report.notes)
    with pytest.raises(SalzooError, match=r"stores no alpha, .* for example ema:alpha=0.1@30"):
        convert_weights(file, f"{SLIM}+ema:learn=true@30")


def test_a_convlstm_goes_where_the_spec_says(tmp_path: Path) -> None:
    model = slim_model("+convlstm@44")
    gates = model.temporal["44"].gates.state_dict(prefix="Gates.")
    converted, _ = convert_weights(save({**chain_of(model), **gates}, tmp_path / "file.pt"), f"{SLIM}+convlstm@44")
    assert torch.equal(maps_of(converted), maps_of(model))


@pytest.mark.parametrize("backbone", ["file", "folder"])
def test_a_temporal_module_alone_takes_its_backbone_from_elsewhere(backbone: str, tmp_path: Path) -> None:
    spec = f"{SLIM}+convlstm:hidden=3,project=1@62"
    model = slim_model("+convlstm:hidden=3,project=1@62")
    module = model.temporal["62"].state_dict()
    state = {key.replace("gates", "module.Gates").replace("project", "module.conv1x1"): module[key] for key in module}
    file = save({"epoch": 9, "state_dict": state}, tmp_path / "top.pt")
    below = save(chain_of(model), tmp_path / "below.pt")
    with pytest.raises(SalzooError, match=r"holds a temporal module alone: .*--backbone"):
        convert_weights(file, spec)
    if backbone == "folder":
        assert convert(below, "--spec", SLIM, "-o", tmp_path / "below").exit_code == 0
        below = tmp_path / "below"
    converted, report = convert_weights(file, spec, backbone=below)
    assert torch.equal(maps_of(converted), maps_of(model))
    assert report.mapped["temporal.62.project.bias"] == "module.conv1x1.bias"
    assert str(below) in report.mapped["backbone.0.weight"]
    with pytest.raises(SalzooError, match="holds SalGAN's layers itself"):
        convert_weights(tmp_path / "below.pt", SLIM, backbone=below)


def test_a_backbone_of_another_spec_is_refused(tmp_path: Path) -> None:
    below = save(chain_of(slim_model()), tmp_path / "below.pt")
    assert convert(below, "--spec", f"{SLIM}+ema@61", "-o", tmp_path / "below").exit_code == 0
    file = save({"Gates.bias": torch.zeros(12), "conv1x1.bias": torch.zeros(1)}, tmp_path / "top.pt")
    with pytest.raises(SalzooError, match=r"below is a checkpoint of .*ema@61; the backbone must be of"):
        convert_weights(file, f"{SLIM}+convlstm:hidden=3,project=1@62", backbone=tmp_path / "below")


@pytest.mark.parametrize(
    ("change", "spec", "message"),
    [
        ({"salgan.30.weight": None, "salgan.32.bias": None}, "", r"needs backbone\.30\.weight .* missing"),
        ({"salgan.2.bias": torch.zeros(4)}, "", r"salgan\.2\.bias \(backbone\.2\.bias\) is float32 4, but .*float32 3"),
        ({"salgan.1.weight": torch.zeros(4)}, "", r"has no tensor salgan\.1\.weight"),
        ({"salgan.62.weight": torch.zeros(4)}, "", r"has no tensor salgan\.62\.weight"),
        ({"salgan.2.bias": torch.full((3,), torch.nan)}, "", r"salgan\.2\.bias .*not finite"),
        ({"salgan.2.bias": torch.zeros(3, dtype=torch.int64)}, "", r"salgan\.2\.bias holds torch\.int64"),
        ({"salgan.2.bias": torch.zeros(3).to_sparse()}, "", r"salgan\.2\.bias holds .*sparse"),
        ({"2.bias": torch.zeros(3)}, "", r"holds one tensor twice, as salgan\.2\.bias and as 2\.bias"),
        ({"final_convs.0.bias": torch.zeros(3)}, "", r"twice, as salgan\.56\.bias and as final_convs\.0\.bias"),
        ({"alpha": torch.zeros(1)}, "", "alpha belongs to one ema, but .* has none"),
        ({"alpha": torch.zeros(1)}, "+ema@7+ema@54", "alpha belongs to one ema, but .* has 2"),
        ({"alpha": torch.zeros(2)}, "+ema@7", r"alpha \(temporal\.7\.alpha\) is float32 2"),
        ({"alpha": torch.full((1,), torch.inf)}, "+ema@7", "alpha .*not finite"),
        ({"Gates.bias": torch.zeros(8)}, "+ema@7", r"Gates\.bias belongs to one convlstm, but .* has none"),
        ({}, "+convlstm@30", r"needs temporal\.30\.gates\.weight .* missing"),
        ({}, "+ema@99", r"out of range 0\.\.62"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(
    change: dict[str, Tensor | None], spec: str, message: str, tmp_path: Path
) -> None:
    state = {key: tensor for key, tensor in {**chain_of(slim_model()), **change}.items() if tensor is not None}
    with pytest.raises(SalzooError, match=message) as error:
        convert_weights(save(state, tmp_path / "file.pt"), SLIM + spec)
    assert "\n" not in str(error.value)


def test_unknown_keys_are_ignored_and_reported(tmp_path: Path) -> None:
    state = {**chain_of(slim_model()), "criterion.weight": torch.zeros(2), "note": "text", 5: 7}
    _, report = convert_weights(save(state, tmp_path / "file.pt"), SLIM)
    assert report.ignored == ("criterion.weight", "note", "5")


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ([torch.zeros(2)], "holds a list, not tensors by name"),
        (torch.zeros(2), "holds a Tensor, not tensors by name"),
        ({}, r"needs backbone\.0\.weight, .* the file has nothing besides"),
        ({"layer1.0.conv1.weight": torch.zeros(2)}, r"the file has layer1\.0\.conv1\.weight besides"),
        ({"state_dict": {"fc.bias": torch.zeros(2)}}, r"the file has fc\.bias besides"),
    ],
)
def test_files_of_another_kind_are_refused(record: object, message: str, tmp_path: Path) -> None:
    with pytest.raises(SalzooError, match=message):
        convert_weights(save(record, tmp_path / "file.pt"), SLIM)


def test_a_file_of_another_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SalzooError, match=r"center-bias needs backbone\.0\.density, which is missing"):
        convert_weights(save({"0.weight": torch.zeros(1)}, tmp_path / "file.pt"), "center-bias")


class Malice:
    """A pickle that makes a folder when it is read."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.marker),)


@pytest.mark.parametrize("kind", ["zipped", "legacy", "plain pickle", "npz"])
def test_code_in_a_file_is_never_run(kind: str, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    file = tmp_path / ("file.npz" if kind == "npz" else "file.pt")
    state: dict[str, object] = {**chain_of(slim_model()), "malice": Malice(marker)}
    if kind == "npz":
        np.savez(file, *[np.array([Malice(marker)], dtype=object)] * 54)
    elif kind == "plain pickle":
        file.write_bytes(pickle.dumps({"malice": Malice(marker)}, protocol=2))
    else:
        torch.save({"state_dict": state}, file, _use_new_zipfile_serialization=kind == "zipped")

    result = convert(file, "--spec", SLIM, "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert len(result.output.splitlines()) == 1
    assert str(file) in result.output
    if kind != "npz":
        assert "mkdir, which is no tensor; nothing in it was run" in result.output
    assert not marker.exists()
    assert not (tmp_path / "out").exists()

    # The file is malicious indeed: a reader that trusts it runs the code.
    if kind == "npz":
        np.load(file, allow_pickle=True)["arr_0"]
    elif kind == "plain pickle":
        pickle.loads(file.read_bytes())
    else:
        torch.load(file, weights_only=False)
    assert marker.exists()


def lasagne_arrays(model: SaliencyModel) -> list[np.ndarray]:
    """The arrays of the Lasagne release: W and b of 13 encoder convolutions, stored as PyTorch has them, and of 14
    decoder convolutions, whose kernels stand the other way round."""
    arrays = []
    layers = [layer.module for layer in model.backbone.layers if isinstance(layer.module, nn.Conv2d)]
    for number, layer in enumerate(layers):
        kernel = layer.weight.detach().numpy()
        arrays += [kernel if number < 13 else kernel[:, :, ::-1, ::-1], layer.bias.detach().numpy()]
    return arrays


def true_convolution(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """What a Lasagne layer computes: (C, H, W) convolved with (C', C, 3, 3), the output of the input's size.

    y[o, r, s] = b[o] + sum over c, i, j of kernel[o, c, i, j] · x[c, r + 1 − i, s + 1 − j]
    """
    height, width = x.shape[1:]
    y = np.zeros((len(kernel), height, width)) + bias[:, None, None]
    for r in range(height):
        for s in range(width):
            for i in range(3):
                for j in range(3):
                    if 0 <= r + 1 - i < height and 0 <= s + 1 - j < width:
                        y[:, r, s] += kernel[:, :, i, j] @ x[:, r + 1 - i, s + 1 - j]
    return y


def test_lasagne_decoder_kernels_are_flipped_and_encoder_kernels_are_not(tmp_path: Path) -> None:
    original = slim_model()
    arrays = lasagne_arrays(original)
    np.savez(tmp_path / "file.npz", *arrays)
    model, report = convert_weights(tmp_path / "file.npz", SLIM)
    assert torch.equal(maps_of(model), maps_of(original))
    assert report.mapped["backbone.30.weight"] == "arr_26"
    assert report.mapped["backbone.60.bias"] == "arr_53"

    random = np.random.default_rng(0)
    for number, index in ((13, 30), (19, 44), (25, 58)):
        kernel, bias = arrays[2 * number].astype(float), arrays[2 * number + 1].astype(float)
        x = random.normal(size=(kernel.shape[1], 6, 7))
        wanted = true_convolution(x, kernel, bias)
        layer = model.backbone.layers[index].module
        with torch.no_grad():
            found = layer(torch.from_numpy(x).float()[None])[0].numpy()
        np.testing.assert_allclose(found, wanted, atol=1e-5)
        unflipped = true_convolution(x, kernel[:, :, ::-1, ::-1], bias)
        assert np.abs(unflipped - wanted).max() > 0.1  # so the comparison tells the two apart
    encoder = model.backbone.layers[2].module.weight.detach().numpy()
    np.testing.assert_array_equal(encoder, arrays[2])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda arrays: arrays[:-1], r"holds 53 arrays, not SalGAN's 54 \(arr_0 to arr_53\)"),
        (lambda arrays: [np.zeros(3, np.int64), *arrays[1:]], "arr_0 holds int64"),
        (lambda arrays: [arrays[0][:, :2], *arrays[1:]], r"arr_0 \(backbone\.0\.weight\) is float32 3×2×3×3"),
        (lambda arrays: [*arrays[:26], np.zeros(3), *arrays[27:]], r"arr_26 \(backbone\.30\.weight\) is float32 3,"),
    ],
)
def test_other_npz_files_are_refused(
    change: Callable[[list[np.ndarray]], list[np.ndarray]], message: str, tmp_path: Path
) -> None:
    np.savez(tmp_path / "file.npz", *change(lasagne_arrays(slim_model())))
    with pytest.raises(SalzooError, match=message):
        convert_weights(tmp_path / "file.npz", SLIM)


def test_lasagne_arrays_of_doubles_and_the_other_byte_order_are_read(tmp_path: Path) -> None:
    original = slim_model()
    np.savez_compressed(tmp_path / "file.npz", *(array.astype(">f8") for array in lasagne_arrays(original)))
    model, _ = convert_weights(tmp_path / "file.npz", SLIM)
    assert torch.equal(maps_of(model), maps_of(original))


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    state = chain_of(slim_model())
    packed, legacy, arrays = io.BytesIO(), io.BytesIO(), io.BytesIO()
    torch.save({"epoch": 1, "state_dict": state}, packed)
    torch.save({"epoch": 1, "state_dict": state}, legacy, _use_new_zipfile_serialization=False)
    np.savez(arrays, *lasagne_arrays(slim_model()))
    return {"packed": packed.getvalue(), "legacy": legacy.getvalue(), "npz": arrays.getvalue()}


def convert_bytes(data: bytes, path: Path) -> SaliencyModel | None:
    path.write_bytes(data)
    try:
        return convert_weights(path, SLIM)[0]
    except SalzooError as error:
        message = str(error)
    assert str(path) in message
    assert "\n" not in message
    return None


@settings(deadline=None, max_examples=40)
@given(data=st.data(), kind=st.sampled_from(["packed", "legacy", "npz"]))
def test_a_truncated_file_is_refused(
    files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, kind: str
) -> None:
    length = data.draw(st.integers(0, len(files[kind]) - 1))
    assert convert_bytes(files[kind][:length], tmp_path_factory.getbasetemp() / "truncated") is None


@settings(deadline=None, max_examples=60)
@given(data=st.data(), kind=st.sampled_from(["packed", "npz"]))
def test_a_flipped_byte_gives_one_clear_line_or_a_model(
    files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, kind: str
) -> None:
    broken = bytearray(files[kind])
    broken[data.draw(st.integers(0, len(broken) - 1))] ^= data.draw(st.integers(1, 255))
    model = convert_bytes(bytes(broken), tmp_path_factory.getbasetemp() / "flipped")
    if model is not None:
        assert all(torch.isfinite(tensor).all() for tensor in model.state_dict().values())


def test_the_command_writes_a_checkpoint_with_a_card(tmp_path: Path) -> None:
    model = slim_model()
    file = save({"epoch": 3, "state_dict": chain_of(model)}, tmp_path / "file.pt")
    (tmp_path / "empty").mkdir()
    for out in (tmp_path / "new" / "folder", tmp_path / "empty"):
        result = convert(file, "--spec", SLIM, "-o", out)
        assert result.exit_code == 0, result.output
        assert "mapped   54 tensors" in result.output
        assert "ignored  epoch" in result.output
        assert torch.equal(maps_of(load_model(out)), maps_of(model))
        assert "Imported with `salzoo convert` from file.pt" in (out / "README.md").read_text()


def test_the_command_overwrites_nothing(tmp_path: Path) -> None:
    file = save(chain_of(slim_model()), tmp_path / "file.pt")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("years")
    for out in (tmp_path / "full", file):
        before = file.read_bytes()
        result = convert(file, "--spec", SLIM, "-o", out)
        assert result.exit_code == 1
        assert (
            result.output
            == f"salzoo: {out} is there already and not an empty folder: choose another name, or remove it\n"
        )
        assert file.read_bytes() == before
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("name", ["missing.pt", "."])
def test_a_path_that_is_no_file_is_named(name: str, tmp_path: Path) -> None:
    result = convert(tmp_path / name, "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert re.match(rf"salzoo: (cannot read )?{re.escape(str(tmp_path / name))}(: | is not a file)", result.output)


def own_file(
    folder: Path, change: Callable[[dict[str, Tensor]], Any], spec: str = "timm-small"
) -> tuple[Path, SaliencyModel]:
    """A file as a training script of one's own writes it, and the model that it is of."""
    torch.manual_seed(3)
    model = create_model(spec)
    torch.save(change(dict(model.backbone.state_dict())), folder / "mine.pt")
    return folder / "mine.pt", model


OWN: dict[str, tuple[Callable[[dict[str, Tensor]], Any], tuple[str, ...], str]] = {
    "as it is": (lambda state: state, (), "read as a state dict whose names and shapes fit"),
    "of data parallel": (lambda state: {f"module.{k}": v for k, v in state.items()}, (), "names and shapes fit"),
    "of the whole model": (lambda state: {f"backbone.{k}": v for k, v in state.items()}, (), "names and shapes fit"),
    "wrapped": (
        lambda state: {"model_state_dict": state, "epoch": 3, "optimizer_state_dict": {"state": {}}},
        (),
        "its tensors are in 'model_state_dict'",
    ),
    "beside numbers of NumPy": (
        lambda state: {"state_dict": state, "best": np.float64(0.1), "losses": np.ones(3), "kind": np.dtype("f4")},
        (),
        "its tensors are in 'state_dict'",
    ),
    "in half precision": (
        lambda state: {k: v.half() if v.is_floating_point() else v for k, v in state.items()},
        (),
        "names and shapes fit",
    ),
    "under other names": (
        lambda state: {f"net.body.{k}": v for k, v in state.items()} | {"head.loss": torch.zeros(1)},
        ("--rename", "net.body.="),
        "ignored  head.loss",
    ),
}


@pytest.mark.parametrize("name", OWN)
def test_a_state_dict_of_ones_own_network_is_read(folder: Path, name: str) -> None:
    change, options, said = OWN[name]
    file, model = own_file(folder, change)
    result = convert(file, "--spec", "timm-small", *options, "-o", folder / "out")
    assert result.exit_code == 0, result.output
    assert said in result.output
    loaded = load_model(folder / "out").state_dict()
    tolerance = 1e-3 if "half" in name else 0
    for key, tensor in model.state_dict().items():
        torch.testing.assert_close(loaded[key], tensor, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (
            lambda state: {f"net.{k}": v for k, v in state.items()},
            ("--spec", "timm-small"),
            r"timm-small needs backbone.*, which is missing .*the file has net\..* besides; --rename OLD=NEW says",
        ),
        (
            lambda state: {"model_state_dict": {f"net.{k}": v for k, v in state.items()}},
            (),
            "holds no tensor under a published name .*its tensors are in 'model_state_dict'; one of your own network",
        ),
        (lambda state: state | {next(iter(state)): torch.zeros(5)}, ("--spec", "timm-small"), r"is float32 5, but"),
        (lambda state: [1, 2], ("--spec", "timm-small"), "holds a list, not tensors by name"),
        (lambda state: state, ("--rename", "a=b"), "say which with --spec"),
    ],
)
def test_a_state_dict_that_does_not_fit_is_refused_in_words(
    folder: Path, change: Callable[[dict[str, Tensor]], Any], options: tuple[str, ...], message: str
) -> None:
    file, _ = own_file(folder, change)
    result = convert(file, *options, "-o", folder / "out")
    assert result.exit_code == 1
    assert re.search(message, result.output), result.output
    assert not (folder / "out").exists()


def test_of_two_declarations_with_equal_keys_that_with_these_shapes_is_taken(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of two sizes of a network, or of two packages' networks of one family."""
    specs = ["timm:arch=mobilenetv3_small_050,width=8", "timm:arch=mobilenetv3_small_050,width=16"]
    declarations = [PublishedWeights(spec, {"net.": "backbone."}) for spec in specs]
    entries = [SimpleNamespace(name=each.spec, load=lambda each=each: each) for each in declarations]
    monkeypatch.setattr(declared, "registry", lambda: SimpleNamespace(entries=lambda kind: entries))
    for spec in specs:
        file, _ = own_file(folder, lambda state: {f"net.{k}": v for k, v in state.items()}, spec)
        record = torch.load(file, weights_only=True)
        found = declared.find_declaration(record, None)
        assert found is not None
        assert found.weights.spec == spec
        named = declared.find_declaration(record, canonical_spec(spec))
        assert named is not None
        assert named.fits(canonical_spec(spec))
