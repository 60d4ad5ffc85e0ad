"""Networks over time and densities under prediction, and frames that are fitted otherwise than stretched."""

import dataclasses

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from salzoo.interfaces import Backbone, Layer, Preprocessing, State, Window
from salzoo.interfaces.backbone import Output
from salzoo.model import SaliencyModel
from salzoo.prediction.engines.preparing import prepare_for_inference
from salzoo.prediction.engines.torch_engine import torch_engine
from salzoo.prediction.maps import predict_maps
from salzoo.spec import parse_spec
from salzoo.video.resizing import input_size, resize_frame

LENGTH = 3
PREPROCESSING = Preprocessing((24, 32), mean=(120, 120, 120), std=(60, 60, 60))


class OverTime(nn.Module):
    def __init__(self, *, normed: bool) -> None:
        super().__init__()
        self.conv = nn.Conv3d(3, 1, (LENGTH, 3, 3), padding=(0, 1, 1))
        self.norm = nn.BatchNorm3d(1) if normed else nn.Identity()
        for tensor in (*self.norm.parameters(), *self.norm.buffers()):
            if tensor.is_floating_point():  # as after training
                nn.init.uniform_(tensor, 0.5, 1.5)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(x.unflatten(1, (LENGTH, -1)).transpose(1, 2))).squeeze(2)


class Softmax(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1).softmax(1).view_as(x)


def make(end: nn.Module, output: Output, *, windows: int = 1, normed: bool = False) -> SaliencyModel:
    torch.manual_seed(0)
    layers = [Layer("window", OverTime(normed=normed), 1, 1, temporal=Window(LENGTH)), Layer("map", end, 1, 1)]
    layers[1:1] = [Layer("pair", nn.Conv2d(2, 1, 3, padding=1), 1, 1, temporal=Window(2)) for _ in range(windows - 1)]
    net = Backbone(layers, landmarks={"output": windows}, preprocessing=PREPROCESSING, output=output)
    return SaliencyModel(parse_spec("net"), net, {}).eval()


@pytest.fixture
def frames() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 24, 32, 3), np.uint8)


@pytest.mark.parametrize("clip_length", [None, 1, 4])
def test_windows_are_streamed(frames: np.ndarray, clip_length: int | None) -> None:
    model = make(nn.Sigmoid(), "map")
    with torch.no_grad():
        wanted = model(model.preprocess(frames))[0][0, :, 0].numpy()
    found = np.stack(list(predict_maps(model, frames, batch=clip_length)))
    np.testing.assert_allclose(found, wanted, atol=1e-6)


class Counting:
    """An engine that counts the frames it is given."""

    def __init__(self, model: SaliencyModel) -> None:
        self.engine, self.ran, self.primed = torch_engine(model), 0, 0
        self.name, self.precision, self.model = self.engine.name, self.engine.precision, model
        self.size, self.batch = self.engine.size, self.engine.batch

    def at_rate(self, rate: float) -> "Counting":
        return self

    def run(self, frames: np.ndarray, state: State = None, *, still: bool = False) -> tuple[np.ndarray, State]:
        self.ran += len(frames)
        return self.engine.run(frames, state, still=still)

    def prime(self, frames: np.ndarray, state: State = None) -> State:
        self.primed += len(frames)
        return self.engine.prime(frames, state)


@pytest.mark.parametrize("clip_length", [1, 4])
@pytest.mark.parametrize(("windows", "primed"), [(1, 1 + 2 + 1 + 2), (2, 1 + 3 + 1 + 3)])
def test_no_more_is_run_than_the_wanted_maps_need(windows: int, primed: int, clip_length: int) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (40, 24, 32, 3), np.uint8)
    model, wanted = make(nn.Sigmoid(), "map", windows=windows), [1, 9, 10, 12, 39]
    maps = np.stack(list(predict_maps(model, frames)))[wanted]
    assert np.abs(np.diff(maps, axis=0)).max() > 0.01
    engine = Counting(model)
    found = np.stack(list(predict_maps(engine, frames, batch=clip_length, wanted=wanted)))
    if clip_length == 1:
        np.testing.assert_array_equal(found, maps)
    np.testing.assert_allclose(found, maps, atol=1e-6)
    assert (engine.ran, engine.primed) == (len(wanted), primed)  # before frames 1, 9, 12 and 39


def test_batch_norms_over_time_are_folded() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (3, 24, 32, 3), np.uint8)
    model = make(nn.Sigmoid(), "map", normed=True)
    prepared = prepare_for_inference(model)
    assert not any(isinstance(module, nn.BatchNorm3d) for module in prepared.modules())
    with torch.no_grad():
        wanted = model(model.preprocess(frames))[0]
        assert wanted.std() > 0.01
        torch.testing.assert_close(prepared(model.preprocess(frames))[0], wanted, atol=1e-6, rtol=0)


def test_a_density_is_predicted_over_its_maximum(frames: np.ndarray) -> None:
    model = make(Softmax(), "density")
    for map_ in predict_maps(model, frames):
        assert map_.max() == 1
        assert map_.min() >= 0


def test_margins_are_black_and_cropped_away(frames: np.ndarray) -> None:
    model = make(nn.Sigmoid(), "map")
    model.preprocessing = dataclasses.replace(PREPROCESSING, fit="pad")
    wide = frames[:, :12]  # half as high: it lies in the middle, between black rows
    padded = np.pad(wide, ((0, 0), (6, 6), (0, 0), (0, 0)))
    with torch.no_grad():
        wanted = model(model.preprocess(padded))[0][0, :, 0, 6:18].numpy()
    np.testing.assert_allclose(np.stack(list(predict_maps(model, wide))), wanted, atol=1e-6)


def test_the_nearest_shape_is_taken() -> None:
    sizes = ((24, 32), (32, 24), (16, 48))
    preprocessing = dataclasses.replace(PREPROCESSING, fit="nearest", sizes=sizes)
    assert input_size((480, 640, 3), preprocessing) == (24, 32)
    assert input_size((640, 480, 3), preprocessing) == (32, 24)
    assert input_size((200, 900, 3), preprocessing) == (16, 48)


def test_interpolations_are_those_they_are_named_after() -> None:
    frame = np.random.default_rng(1).integers(0, 256, (60, 90, 3), np.uint8)
    np.testing.assert_array_equal(
        resize_frame(frame, (20, 31), "opencv-linear"), cv2.resize(frame, (31, 20), interpolation=cv2.INTER_LINEAR)
    )
    np.testing.assert_array_equal(
        resize_frame(frame, (20, 31), "pil-lanczos"),
        np.asarray(Image.fromarray(frame).resize((31, 20), Image.Resampling.LANCZOS)),
    )
    tensor = torch.from_numpy(frame).permute(2, 0, 1)[None].float()
    wanted = F.interpolate(tensor, (20, 31), mode="bilinear", align_corners=False)[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(resize_frame(frame, (20, 31), "opencv-linear-float"), wanted, atol=0.01)
