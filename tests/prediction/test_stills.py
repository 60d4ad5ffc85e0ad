"""Still images take the path that a network has for them, whatever reads and runs them."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from torch import Tensor, nn

from salzoo import predict_frames
from salzoo.cli import cli
from salzoo.evaluation.results import read_results
from salzoo.hub.checkpoint import save_checkpoint
from salzoo.interfaces import Backbone, Layer, LayerCall, Preprocessing, State
from salzoo.model import SaliencyModel, create_model
from salzoo.plugins import registry
from salzoo.prediction.engines.choosing import choose_engine
from salzoo.prediction.engines.engine import RunOptions
from salzoo.prediction.engines.names import EngineName
from salzoo.prediction.inputs import stream_of
from salzoo.prediction.maps import frames_to_maps, predict_maps
from salzoo.registry import Entry

SIZE = (24, 32)


class Memory(nn.Module):
    """Adds what it remembers to the layer's input: from the first frame on, but nothing to stills."""

    acts_on = "input"

    def forward(self, x: Tensor, layer: LayerCall, state: State) -> tuple[Tensor, State]:
        memories = [x.new_zeros(x[:, 0].shape) if state is None else state]
        for frame in x.unbind(1):
            memories.append(torch.tanh(memories[-1] + frame))
        return layer(x + torch.stack(memories[1:], 1)), memories[-1]


def network(*, memory: bool = True) -> Backbone:
    layers = [
        Layer("conv", nn.Conv2d(3, 4, 3, padding=1), 4, 1),
        Layer("memory", nn.Conv2d(4, 1, 3, padding=1), 1, 1, temporal=Memory() if memory else None),
        Layer("map", nn.Sigmoid(), 1, 1),
    ]
    size = Preprocessing(SIZE, mean=(120, 120, 120), std=(60, 60, 60))
    return Backbone(layers, landmarks={"output": 2}, preprocessing=size)


@pytest.fixture(scope="module", autouse=True)
def _known() -> Iterator[None]:
    registry().add(Entry("backbones", "remembering", network, "a network with a path for stills", (), "test"))
    yield
    del registry()._names["backbones"]["remembering"]


@pytest.fixture(scope="module")
def model() -> SaliencyModel:
    torch.manual_seed(0)
    return create_model("remembering").eval()


@pytest.fixture(scope="module")
def saved(model: SaliencyModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stills") / "saved"
    save_checkpoint(model, folder, "# A model\n")
    return folder


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)


def paths(model: SaliencyModel, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The maps of a still and of a video's first frame."""
    clip = model.preprocess(picture[None])
    with torch.no_grad():
        still, first = (model(clip, bypass=bypass)[0][0, 0, 0].numpy() for bypass in (True, False))
    assert np.abs(still - first).max() > 0.01
    return still, first


def test_an_image_file_is_a_still_and_a_video_of_one_frame_is_none(
    model: SaliencyModel, saved: Path, picture: np.ndarray, tmp_path: Path
) -> None:
    still, first = paths(model, picture)
    cv2.imwrite(str(tmp_path / "picture.png"), picture)
    (tmp_path / "film").mkdir()
    for number in (1, 2):
        cv2.imwrite(str(tmp_path / "film" / f"{number:04}.png"), picture)
    for name, wanted in (("picture.png", still), ("film/%04d.png", first)):
        out = tmp_path / f"{name[:4]}.npy"
        done = CliRunner().invoke(cli, ["predict", str(saved), str(tmp_path / name), "-o", str(out)])
        assert done.exit_code == 0, done.output
        np.testing.assert_allclose(np.load(out)[0], wanted, atol=1e-5)
    for given, wanted in (((tmp_path / "picture.png"), still), (picture, still), ([picture], first)):
        np.testing.assert_allclose(next(predict_frames(model, given))[1], wanted, atol=1e-5)


def test_pictures_in_memory_are_stills(model: SaliencyModel, picture: np.ndarray) -> None:
    still, first = paths(model, picture)
    np.testing.assert_allclose(model.predict(picture, order="bgr"), still, atol=1e-5)
    np.testing.assert_allclose(model.predict([picture] * 2, order="bgr", video=False), [still] * 2, atol=1e-5)
    np.testing.assert_allclose(model.predict([picture] * 2, order="bgr")[0], first, atol=1e-5)


@pytest.mark.parametrize("name", ["torch", "onnx"])
def test_every_engine_treats_stills_alike(model: SaliencyModel, picture: np.ndarray, name: EngineName) -> None:
    if name == "onnx":
        pytest.importorskip("onnxscript")
        pytest.importorskip("onnxruntime")
    chosen = choose_engine(model, [picture], RunOptions(engine=name, precision="float32"))
    assert chosen.note == "torch float32" if name == "torch" else "onnx float32, still images torch float32"
    still, first = paths(model, picture)
    pictures = [picture, picture[::-1].copy()]
    found = list(predict_maps(chosen.engine, pictures, still=True, batch=2))
    stream = stream_of(pictures, still=True)
    for (_, _, map_), wanted in zip(frames_to_maps(chosen.engine, stream), found, strict=True):
        np.testing.assert_allclose(map_, wanted, atol=1e-6)
    np.testing.assert_allclose(found[0], still, atol=1e-5)
    np.testing.assert_allclose(next(predict_maps(chosen.engine, pictures)), first, atol=1e-5)


def test_the_scores_of_images_are_those_of_stills(
    model: SaliencyModel, saved: Path, tiny_gaze: Path, tmp_path: Path
) -> None:
    without = create_model("remembering:memory=false")
    without.load_state_dict(model.state_dict())
    save_checkpoint(without, tmp_path / "without", "# A model\n")
    out = tmp_path / "scores.json"
    names = [str(saved), str(tmp_path / "without")]
    done = CliRunner().invoke(cli, ["eval", *names, "--dataset", "osie", "--root", str(tiny_gaze), "-o", str(out)])
    assert done.exit_code == 0, done.output
    ours, theirs, *_ = read_results(out)
    assert ours.mean == pytest.approx(theirs.mean, abs=1e-6)
