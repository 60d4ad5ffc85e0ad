"""Pictures in memory, as people have them, to maps."""

import numpy as np
import pytest
import torch

import salzoo
from salzoo.interfaces import SalzooError
from salzoo.model import SaliencyModel, create_model
from salzoo.prediction.maps import predict_maps
from salzoo.training.initialization import initialize_from_nothing
from salzoo.video.overlay import resize_map


@pytest.fixture(scope="module")
def model() -> SaliencyModel:
    torch.manual_seed(0)
    model = create_model("salgan:width=0.05+ema:alpha=0.3@61")
    object.__setattr__(model.preprocessing, "size", (32, 48))
    initialize_from_nothing(model, np.random.default_rng(0).integers(0, 256, (4, 32, 48, 3), np.uint8))
    return model.eval()


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (3, 40, 60, 3), np.uint8)


def test_frames_of_a_video_give_the_maps_that_the_stream_gives(model: SaliencyModel, frames: np.ndarray) -> None:
    wanted = np.stack([resize_map(map_, (40, 60)) for map_ in predict_maps(model, frames)])
    assert wanted.std() > 0.01
    found = model.predict(frames, order="bgr")
    assert found.dtype == np.float32
    assert found.min() >= 0
    assert found.max() <= 1
    np.testing.assert_array_equal(found, wanted)
    for same in (frames[..., ::-1], torch.from_numpy(frames[..., ::-1].copy()), frames[..., ::-1] / 255):
        np.testing.assert_array_equal(model.predict(same, order="rgb"), wanted)
    np.testing.assert_array_equal(np.stack(model.predict(list(frames), order="bgr")), wanted)
    assert np.abs(model.predict(frames, order="rgb") - wanted).max() > 1e-3


def test_pictures_that_are_no_video_do_not_know_of_each_other(model: SaliencyModel, frames: np.ndarray) -> None:
    pictures = [frames[0], frames[1][:20]]
    alone = [model.predict(picture, order="bgr") for picture in pictures]
    assert [map_.shape for map_ in alone] == [(40, 60), (20, 60)]
    for ours, theirs in zip(model.predict(pictures, order="bgr", video=False), alone, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert not np.array_equal(model.predict(frames, order="bgr")[1], model.predict(frames[1], order="bgr"))


def test_a_model_in_training_mode_predicts_and_stays_so(frames: np.ndarray) -> None:
    model = create_model("salgan:width=0.05")
    object.__setattr__(model.preprocessing, "size", (16, 16))
    assert model.training
    assert model.predict(frames[0], order="rgb").shape == (40, 60)
    assert model.training
    assert model.predict(frames[:0], order="rgb").shape == (0, 40, 60)


@pytest.mark.parametrize(
    ("frames", "order", "message"),
    [
        (np.zeros((4, 4, 3), np.uint8), "RGB", "order must be 'rgb' or 'bgr', not 'RGB'"),
        (np.zeros((4, 4), np.uint8), "rgb", r"not \(4, 4\)"),
        (np.zeros((3, 4, 5), np.uint8), "rgb", r"not \(3, 4, 5\): move its channels to the end"),
        (np.zeros((2, 4, 5, 4), np.uint8), "rgb", r"frame 0 has shape \(H, W, 3\), not \(4, 5, 4\)"),
        (np.zeros((1, 2, 4, 5, 3), np.uint8), "rgb", r"not \(1, 2, 4, 5, 3\)"),
        (np.full((4, 4, 3), 200.0), "rgb", "is of float64 and not within 0 to 1; give values of 0 to 255 as uint8"),
        (np.full((4, 4, 3), np.nan, np.float32), "rgb", "not within 0 to 1"),
        (np.zeros((4, 4, 3), np.int64), "rgb", "is of int64; pictures are uint8"),
        (np.zeros((4, 0, 3), np.uint8), "rgb", r"not \(4, 0, 3\)"),
        ([np.zeros((4, 4, 3), np.uint8), "x"], "rgb", "frame 1 has shape"),
        (None, "rgb", r"not \(\)"),
        ([[1], [1, 2]], "rgb", "frame 0 has shape"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(frames: object, order: str, message: str) -> None:
    with pytest.raises(SalzooError, match=message):
        salzoo.create_model("center-bias").predict(frames, order=order)


@pytest.mark.parametrize(
    ("clip", "message"),
    [
        (torch.zeros(1, 1, 3, 16, 16, dtype=torch.uint8), r"not a tensor of torch\.uint8; model\.predict"),
        (np.zeros((1, 1, 3, 16, 16), np.float32), r"not of type ndarray; model\.predict\(frames, order="),
        (torch.zeros(3, 16, 16), r"not \(3, 16, 16\); model\.predict"),
        ([], "not of type list"),
    ],
)
def test_the_network_itself_takes_preprocessed_clips_alone(clip: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        create_model("salgan:width=0.05")(clip)
