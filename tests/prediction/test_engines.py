"""Engines: each gives the model's maps, within its bound, frame by frame, and leaves the model as it was."""

import copy
import itertools
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from numpy.typing import NDArray

from salzoo import SaliencyModel, SalzooError, create_model
from salzoo.prediction.engines import choosing
from salzoo.prediction.engines.choosing import choose_engine
from salzoo.prediction.engines.engine import RunOptions
from salzoo.prediction.engines.names import EngineName, Precision
from salzoo.prediction.engines.preparing import PackedConvolution, pack_convolutions, prepare_for_inference
from salzoo.prediction.engines.programs import program_engine
from salzoo.prediction.engines.torch_engine import torch_engine, torch_precisions
from salzoo.prediction.inputs import stream_of
from salzoo.prediction.maps import frames_to_maps, predict_maps
from salzoo.runtime.devices import flushed_denormals
from salzoo.training.initialization import initialize_from_nothing

SIZE = (48, 64)
CPU = torch.device("cpu")


def scene(count: int, size: tuple[int, int] = SIZE) -> list[NDArray[np.uint8]]:
    """Frames of something bright that moves over a ground that does not."""
    ground = np.random.default_rng(0).integers(0, 120, (*size, 3), np.uint8)
    frames = []
    for index in range(count):
        frame = ground.copy()
        frame[12:28, 5 + index : 20 + index] = 230
        frames.append(frame)
    return frames


def model_of(spec: str) -> SaliencyModel:
    torch.manual_seed(0)
    model = create_model(spec)
    initialize_from_nothing(model, np.stack(scene(4)))
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):  # as after training: folding must see all four
            for tensor in (module.weight, module.running_var, module.bias, module.running_mean):
                assert tensor is not None
                torch.nn.init.uniform_(tensor, 0.5, 1.5)
    model.preprocessing = replace(model.preprocessing, size=SIZE)
    return model.eval()


SLIM = "salgan:width=0.05+ema@61"
NORMED = "timm:arch=mobilenetv3_small_050,width=16+ema@output"


def plain_maps(model: SaliencyModel, frames: list[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """Frame by frame, as the model itself does it."""
    state, maps = None, []
    with torch.inference_mode():
        for frame in frames:
            map_, state = model(model.preprocess(frame[None]), state)
            maps.append(map_[0, 0, 0].numpy())
    return np.stack(maps)


@pytest.mark.parametrize("threaded", [False, True])
@pytest.mark.parametrize("group", [1, 7, 32])
@pytest.mark.parametrize(
    ("spec", "rounding"),
    [(SLIM, 1e-5), ("salgan:width=0.05+convlstm@bottleneck", 1e-4)],  # a cell feeds rounding back, frame after frame
)
def test_groups_and_threads_change_nothing(spec: str, rounding: float, group: int, threaded: bool) -> None:
    model, frames = model_of(spec), scene(34)
    engine = torch_engine(model)
    if threaded:
        maps = np.stack([map_ for _, _, map_ in frames_to_maps(engine, stream_of(frames), batch=group)])
    else:
        maps = np.stack(list(predict_maps(engine, frames, batch=group)))
    one_by_one = np.stack(list(predict_maps(engine, frames, batch=1)))
    assert one_by_one.std() > 0.01
    np.testing.assert_allclose(maps, one_by_one, atol=rounding)
    np.testing.assert_allclose(one_by_one, plain_maps(model, frames), atol=1e-4)


@pytest.mark.parametrize("spec", [NORMED, NORMED.replace("output", "bottleneck"), NORMED.partition("+")[0], SLIM])
def test_a_frame_equal_to_the_one_before_is_not_run_again(spec: str) -> None:
    model, moving = model_of(spec), scene(3)
    frames = [moving[0]] * 3 + [moving[1]] + [moving[2]] * 4
    engine, runs = torch_engine(model), []
    engine.prepared.backbone.layers[0].module.register_forward_hook(lambda *_: runs.append(1))
    maps = np.stack(list(predict_maps(engine, frames, batch=1)))
    assert len(runs) == (8 if "bottleneck" in spec else 3)  # there, what an average gave goes on through layers
    np.testing.assert_allclose(maps, plain_maps(model, frames), atol=1e-5)
    assert (maps[5] != maps[4]).any() == ("ema" in spec)
    pairs = np.stack(list(predict_maps(engine, frames, batch=2)))
    np.testing.assert_allclose(pairs, maps, atol=1e-5)


@pytest.mark.parametrize("spec", [SLIM, SLIM.partition("+")[0]])
def test_arrays_may_be_filled_again(spec: str) -> None:
    """What the caller does to a frame and its map is nothing to the next."""
    model, frames = model_of(spec), np.stack([*scene(3), scene(3)[2]])
    engine, same, state, maps = torch_engine(model), np.empty_like(frames[:1]), None, []
    for frame in frames:
        same[0] = frame
        map_, state = engine.run(same, state)
        maps.append(map_[0].copy())
        map_[:] = 0
    np.testing.assert_allclose(np.stack(maps), plain_maps(model, frames), atol=1e-5)


def test_a_stream_pairs_frames_with_their_maps() -> None:
    frames = scene(9, (60, 90))
    pairs = list(frames_to_maps(torch_engine(model_of(SLIM)), stream_of(iter(frames))))
    assert [frame.image is given for (_, frame, _), given in zip(pairs, frames, strict=True)] == [True] * 9
    assert {map_.shape for _, _, map_ in pairs} == {SIZE}


def test_batch_norms_are_folded_on_a_copy() -> None:
    model = model_of(NORMED)
    before = copy.deepcopy(model.state_dict())
    prepared = prepare_for_inference(model)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in prepared.modules())
    np.testing.assert_allclose(plain_maps(prepared, scene(3)), plain_maps(model, scene(3)), atol=1e-5)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert any(isinstance(module, timm.layers.BatchNormAct2d) for module in model.modules())


def test_a_norm_that_is_not_alone_behind_its_convolution_stays() -> None:
    class Shared(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm = torch.nn.Conv2d(3, 1, 1), torch.nn.BatchNorm2d(1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.conv(x / 255)
            return torch.sigmoid(self.norm(y) + 3 * y)

    model = model_of("center-bias")
    object.__setattr__(model.backbone.layers[0], "module", Shared())
    model.backbone.add_module("shared", model.backbone.layers[0].module)
    torch.nn.init.constant_(model.backbone.get_submodule("shared.norm").get_parameter("weight"), 2.0)
    model.eval()
    np.testing.assert_allclose(
        plain_maps(prepare_for_inference(model), scene(2)), plain_maps(model, scene(2)), atol=1e-6
    )


def test_norms_behind_convolutions_that_pad_for_themselves_are_folded_too() -> None:
    model = model_of("timm:arch=tf_efficientnet_lite0,width=16")
    prepared = prepare_for_inference(model)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in prepared.modules())
    run = [module for layer in prepared.backbone.layers for module in layer.module.modules()]
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in run)  # not by their names alone
    np.testing.assert_allclose(plain_maps(prepared, scene(2)), plain_maps(model, scene(2)), atol=1e-5)


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="PyTorch was built without oneDNN")
def test_a_network_that_is_run_at_two_sizes_is_prepared_for_both() -> None:
    model = model_of("adapted:arch=mobilenetv3_small_050,features=true,of=timm,sizes=2,width=16")
    packed = pack_convolutions(prepare_for_inference(model))
    run = list(packed.backbone.at_sizes.network.modules())  # type: ignore[operator,union-attr]
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in run)
    found = [module for module in run if isinstance(module, PackedConvolution)]
    assert "hardswish" in {module.activation for module in found}
    frames = scene(2, (384, 512))
    np.testing.assert_allclose(plain_maps(packed, frames), plain_maps(model, frames), atol=1e-5)
    kept = [dict(module._packed) for module in found]
    assert {len(each) for each in kept} == {1, 2}  # those of squeezed channels see one size alone
    plain_maps(packed, frames[:1])
    for module, before in zip(found, kept, strict=True):
        assert all(module._packed[key][0] is weight for key, (weight, _) in before.items())


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="PyTorch was built without oneDNN")
@pytest.mark.parametrize("spec", [NORMED, "salgan:width=0.05+convlstm@bottleneck"])
def test_convolutions_are_packed_with_their_activations(spec: str) -> None:
    model = model_of(spec)
    packed = pack_convolutions(prepare_for_inference(model))
    found = [module for module in packed.backbone.modules() if isinstance(module, PackedConvolution)]
    assert {"none", *(["hardswish"] if spec == NORMED else ["relu"])} <= {module.activation for module in found}
    assert not any(isinstance(module, PackedConvolution) for module in packed.temporal.modules())
    for frames in (scene(3), scene(2, (64, 96))):
        np.testing.assert_allclose(plain_maps(packed, frames), plain_maps(model, frames), atol=1e-5)


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="PyTorch was built without oneDNN")
def test_what_is_read_before_its_activation_is_not_packed_with_it() -> None:
    class Shared(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.activation = torch.nn.Conv2d(3, 1, 1), torch.nn.ReLU()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.conv(x / 255 - 0.5)
            return torch.sigmoid(self.activation(y) + 3 * y)

    model = model_of("center-bias")
    object.__setattr__(model.backbone.layers[0], "module", Shared())
    model.backbone.add_module("shared", model.backbone.layers[0].module)
    model.eval()
    packed = pack_convolutions(prepare_for_inference(model))
    np.testing.assert_allclose(plain_maps(packed, scene(2)), plain_maps(model, scene(2)), atol=1e-6)


@pytest.mark.skipif("bfloat16" not in torch_precisions(CPU), reason="this processor only emulates bfloat16")
def test_bfloat16_is_near_float32() -> None:
    model = model_of(NORMED)
    maps = np.stack(list(predict_maps(torch_engine(model, "bfloat16"), scene(8))))
    assert 0 < np.abs(maps - plain_maps(model, scene(8))).max() < 0.05


@pytest.mark.parametrize("name", ["onnx", "openvino"])
@pytest.mark.parametrize("spec", [SLIM, pytest.param("salgan:width=0.05+convlstm@30", marks=pytest.mark.slow)])
def test_programs_carry_the_state(spec: str, name: EngineName) -> None:
    pytest.importorskip({"onnx": "onnxruntime"}.get(name, name))
    model, frames = model_of(spec), scene(6)
    engine = program_engine(model, name, "float32", SIZE)
    maps = np.stack(list(predict_maps(engine, frames)))
    np.testing.assert_allclose(maps, plain_maps(model, frames), atol=1e-4)
    assert np.abs(maps[-1] - next(predict_maps(engine, frames[-1:]))).max() > 1e-3  # which differ without the past
    np.testing.assert_array_equal(next(predict_maps(engine, frames, wanted={5})), maps[-1])


def test_a_program_is_exported_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SALZOO_CACHE", str(tmp_path))
    model = model_of(SLIM)
    program_engine(model, "onnx", "float32", SIZE)
    (kept,) = (tmp_path / "programs").iterdir()
    monkeypatch.setattr("salzoo.prediction.engines.programs.export_model", None)
    program_engine(model, "onnx", "float32", SIZE)
    with torch.no_grad():
        model.get_parameter("backbone.0.bias").add_(1)
    with pytest.raises(TypeError):  # other weights, another program
        program_engine(model, "onnx", "float32", SIZE)
    assert list((tmp_path / "programs").iterdir()) == [kept]


def test_auto_takes_the_fastest_that_keeps_the_bound() -> None:
    model = model_of(SLIM)
    chosen = choose_engine(model, scene(4), frames=10**6)
    assert chosen.engine.name in ("torch", "onnx", "openvino")
    assert f"{chosen.engine.name} {chosen.engine.precision}" in chosen.note
    maps = np.stack(list(predict_maps(chosen.engine, scene(8))))
    for map_, wanted in zip(maps, plain_maps(model, scene(8)), strict=True):
        assert np.corrcoef(map_.ravel(), wanted.ravel())[0, 1] > 0.999
    few = choose_engine(model, scene(4), frames=3)
    assert (few.engine.name, few.engine.precision) == ("torch", "float32")


def test_a_choice_is_remembered_for_a_model_until_it_is_forgotten(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SALZOO_CACHE", str(tmp_path))
    model, compared = model_of(NORMED), []
    compare = choosing._compare
    monkeypatch.setattr(choosing, "_compare", lambda *given: compared.append(1) or compare(*given))
    first = choose_engine(model, scene(4), frames=20)
    assert len(compared) == 1
    again = choose_engine(model, scene(4), frames=20)
    assert (again.note, len(compared)) == (first.note, 1)
    choose_engine(model, scene(4, (64, 96)), frames=20)  # another size, another choice
    assert len(compared) == 2
    for kept in (tmp_path / "engines").iterdir():
        kept.write_text('{"quick": 3}')
    choose_engine(model, scene(4), frames=20)
    assert len(compared) == 3
    choosing.forget_choices()
    choose_engine(model, scene(4), frames=20)
    assert len(compared) == 4


def test_what_slows_an_engine_for_a_while_does_not_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    times = {"slow": [2.0, 2.0, 6.0, 2.1, 2.0], "fast": [5.0, 1.0, 1.1, 9.0, 9.0]}  # fast is held up in the first round
    rounds = {name: iter(each) for name, each in times.items()}
    engines: Any = ["slow", "fast"]
    monkeypatch.setattr(choosing, "_seconds", lambda engine, frames: next(rounds[engine]))
    assert choosing._time_in_turn(engines, np.zeros(1)) == [2.0, 1.0]
    assert next(rounds["fast"]) == 9.0  # three rounds were enough
    endless = {name: itertools.cycle(each) for name, each in {"slow": [1.0, 3.0], "fast": [2.0, 0.5]}.items()}
    monkeypatch.setattr(choosing, "_seconds", lambda engine, frames: next(endless[engine]))
    assert choosing._time_in_turn(engines, np.zeros(1)) == [1.0, 0.5]


TWO_PROGRAMS = """
import os, signal
import torch
from salzoo import create_model
from salzoo.prediction.engines.programs import program_engine

signal.signal(signal.SIGTERM, lambda *_: print("noted"))
model = create_model("center-bias")
first, second = (program_engine(model, "openvino", "float32", (48, 64)) for _ in range(2))
del first
del second
memory = [bytearray(2**16) for _ in range(2**12)]  # what they freed is somebody else's now
signal.raise_signal(signal.SIGTERM)
"""


def test_a_signal_after_engines_have_gone_reaches_python() -> None:
    pytest.importorskip("openvino")
    pytest.importorskip("onnxscript")
    done = subprocess.run([sys.executable, "-c", TWO_PROGRAMS], capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout) == (0, "noted\n"), done.stderr


def test_what_an_engine_cannot_run_is_said_in_our_words() -> None:
    pytest.importorskip("openvino")
    pytest.importorskip("onnxscript")
    with pytest.raises(SalzooError, match=r"openvino cannot run spectral-residual: it lacks some of its operations$"):
        program_engine(model_of("spectral-residual"), "openvino", "float32", SIZE)


def test_maps_that_no_score_tells_apart_agree_and_others_do_not() -> None:
    wanted = np.stack(plain_maps(model_of(SLIM), scene(3)))
    noise = np.random.default_rng(0).normal(0, 1, wanted.shape).astype(np.float32)
    assert choosing._disagreement(wanted + 0.001 * wanted.max() * noise, wanted) == ""
    assert "correlation" in choosing._disagreement(np.clip(wanted + 0.1 * wanted.max() * noise, 0, 1), wanted)


@pytest.mark.parametrize(
    ("engine", "precision", "message"),
    [
        ("torch", "float16", "not in float16"),
        ("onnx", "bfloat16", "onnx runs in float32 here, not in bfloat16"),
    ],
)
def test_what_an_engine_lacks_is_said(engine: EngineName, precision: Precision, message: str) -> None:
    with pytest.raises(SalzooError, match=message):
        choose_engine(model_of(SLIM), scene(4), RunOptions(engine=engine, precision=precision))


def test_an_engine_that_is_not_installed_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SalzooError, match=r'pip install "salzoo\[openvino\]"'):
        choose_engine(model_of(SLIM), scene(4), RunOptions(engine="openvino", precision="float32"))


def test_numbers_near_zero_are_flushed_only_while_a_model_runs() -> None:
    tiny = 5e-324
    with flushed_denormals():
        assert tiny * 1.0 == 0
        list(predict_maps(torch_engine(model_of("center-bias")), scene(1)))
        assert tiny * 1.0 == 0  # as it was before
    list(predict_maps(torch_engine(model_of("center-bias")), scene(1)))
    assert tiny * 1.0 > 0
