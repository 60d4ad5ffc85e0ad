"""Exported programs against the models they are of, frame by frame."""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from click.testing import CliRunner

import salzoo
from salzoo.cli import cli
from salzoo.hub.exporting import export_model
from salzoo.interfaces import Finishing, SalzooError
from salzoo.model import SaliencyModel
from salzoo.training.initialization import initialize_from_nothing


def model_of(spec: str) -> SaliencyModel:
    """A model whose maps vary."""
    torch.manual_seed(0)
    model = salzoo.create_model(spec)
    initialize_from_nothing(model, np.random.default_rng(0).integers(0, 256, (4, 32, 48, 3), np.uint8))
    return model.eval()


@pytest.mark.parametrize("to", ["torch-export", "onnx"])
@pytest.mark.parametrize("spec", ["salgan:width=0.05+ema@61", "salgan:width=0.05+convlstm@30+ema:learn=true@54"])
def test_a_program_streams_as_the_model_does(tmp_path: Path, spec: str, to: str) -> None:
    model = model_of(spec)
    clip = 100 * torch.randn(1, 5, 3, 40, 50)
    wanted, _ = model(clip)
    assert wanted.std() > 0.01
    done = export_model(model, tmp_path / "program", to=to, size=(40, 50))  # type: ignore[arg-type]
    assert done.difference < 1e-4
    state = [torch.zeros(shape) for name, shape in done.inputs.items() if name != "frame"]
    assert list(done.outputs) == ["map", *(f"new_{name}" for name in list(done.inputs)[1:])]
    program = torch.export.load(tmp_path / "program").module() if to == "torch-export" else None
    session = None if program else onnxruntime.InferenceSession(str(tmp_path / "program"))
    for index in range(5):
        frame = clip[:, index]
        if program:
            map_, *state = program(frame, *state)
        else:
            assert session is not None
            feed = {name: x.numpy() for name, x in zip(done.inputs, [frame, *state], strict=True)}
            map_, *state = map(torch.from_numpy, session.run(None, feed))
        torch.testing.assert_close(map_, wanted[:, index].detach(), atol=1e-4, rtol=0)
    assert [path.name for path in tmp_path.iterdir()] == ["program"]


@pytest.mark.parametrize("to", ["torch-export", pytest.param("onnx", marks=pytest.mark.slow)])
@pytest.mark.parametrize("spec", ["salgan:width=0.05", "salgan:width=0.05+convlstm@30+ema@61"])
def test_one_program_for_all_sizes_and_batches(tmp_path: Path, spec: str, to: str) -> None:
    model = model_of(spec)
    done = export_model(model, tmp_path / "program", to=to, size=(32, 48), dynamic=True)  # type: ignore[arg-type]
    assert done.difference < 1e-4  # it is compared at two sizes, with one video and with three
    if to == "onnx":
        shape = onnx.load(tmp_path / "program").graph.input[0].type.tensor_type.shape
        assert [bool(each.dim_param) for each in shape.dim] == [True, False, True, True]
        frame = 100 * torch.randn(2, 1, 3, 37, 50)  # which the stride does not divide: padded as the model pads it
        session = onnxruntime.InferenceSession(str(tmp_path / "program"))
        feed = {each.name: np.zeros((2, *each.shape[1:2], 1, 1), np.float32) for each in session.get_inputs()[1:]}
        feed |= {name: np.zeros(_state_shape(name, array), np.float32) for name, array in feed.items()}
        (map_, *_) = session.run(None, {"frame": frame[:, 0].numpy(), **feed})
        np.testing.assert_allclose(map_, model(frame)[0][:, 0].detach(), atol=1e-4)
    with pytest.raises(SalzooError, match="must be a multiple of 16, from 32, not 40x48"):
        export_model(model, tmp_path / "x", to="onnx", size=(40, 48), dynamic=True)


def _state_shape(name: str, like: np.ndarray[Any, Any]) -> tuple[int, ...]:
    """Of a state for frames of 37×50, padded to 48×64."""
    position, number = map(int, name.split("_")[1:])
    sizes = {(30, 0): (3, 4), (30, 1): (3, 4), (61, 0): (48, 64), (61, 1): (1, 1)}
    return (*like.shape[:2], *sizes[position, number])


def test_the_file_says_what_it_takes(tmp_path: Path) -> None:
    model_of("salgan:width=0.05+ema@61").save_pretrained(str(tmp_path / "model"))
    out = tmp_path / "model.onnx"
    result = CliRunner().invoke(
        cli, ["export", str(tmp_path / "model"), "--to", "onnx", "-o", str(out), "--size", "32x32"]
    )
    assert result.exit_code == 0, result.output
    assert "in  state_61_0  1x1x32x32" in result.output
    found = {prop.key: prop.value for prop in onnx.load(out).metadata_props}
    assert found["spec"] == "salgan:width=0.05+ema@61"
    assert json.loads(found["finishing"]) == {"blur": 1, "sigma": 0.0}
    assert "Note" not in result.output
    assert json.loads(found["preprocessing"])["mean"] == [103.939, 116.779, 123.68]
    assert json.loads(found["state"]) == {"state_61_0": [1, 1, 32, 32], "state_61_1": [1, 1, 1, 1]}


def test_what_authors_do_to_maps_is_said_and_stands_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = model_of("salgan:width=0.05")
    model.backbone.finishing = Finishing(blur=11, sigma=3.0)
    monkeypatch.setattr("salzoo.hub.sources.load_model", lambda name: model)
    out = tmp_path / "x.onnx"
    result = CliRunner().invoke(cli, ["export", "finished", "--to", "onnx", "-o", str(out), "--size", "32x32"])
    assert result.exit_code == 0, result.output
    assert "Note: salzoo blurs its maps at the frame's size, 11×11" in result.output
    found = {prop.key: prop.value for prop in onnx.load(out).metadata_props}
    assert json.loads(found["finishing"]) == {"blur": 11, "sigma": 3.0}


@pytest.mark.parametrize("spec", ["salgan:width=0.05", "spectral-residual"])
def test_models_without_state(tmp_path: Path, spec: str) -> None:
    model = model_of(spec) if spec != "spectral-residual" else salzoo.load_model(spec)
    done = export_model(model, tmp_path / "x.onnx", to="onnx", size=(32, 48))
    assert list(done.inputs) == ["frame"]
    assert list(done.outputs) == ["map"]
    assert done.difference < 1e-4


def test_any_name_is_written_without_a_warning(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        export_model(model_of("salgan:width=0.05"), tmp_path / "x.pt", to="torch-export", size=(32, 48))
    assert [path.name for path in tmp_path.iterdir()] == ["x.pt"]


def test_what_cannot_be_exported_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unwritable = CliRunner().invoke(cli, ["export", "center-bias", "--to", "torch-export", "-o", "/proc/x/y"])
    assert unwritable.exit_code == 1
    assert "/proc/x/y" in unwritable.output
    model = model_of("salgan:width=0.05")
    monkeypatch.setattr("salzoo.hub.exporting.TOLERANCE", -1.0)
    with pytest.raises(SalzooError, match="the maps of the exported program differ by"):
        export_model(model, tmp_path / "x.pt2", to="torch-export", size=(32, 48))
    plain = model.backbone.layers[0].module.forward
    monkeypatch.setattr(model.backbone.layers[0].module, "forward", lambda x: plain(x) if x.sum() > 0 else plain(-x))
    with pytest.raises(SalzooError, match=r"salgan:width=0\.05 cannot be exported to torch-export"):
        export_model(model, tmp_path / "x.pt2", to="torch-export", size=(32, 48))
    assert not list(tmp_path.iterdir())
