"""Streaming: maps in order, state carried on, little in memory."""

import weakref
from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from salzoo import SaliencyModel, SalzooError, create_model
from salzoo.interfaces import Finishing
from salzoo.prediction.engines.torch_engine import torch_engine
from salzoo.prediction.inputs import stream_of
from salzoo.prediction.maps import predict_maps, spaced_maps
from salzoo.runtime.devices import choose_device
from salzoo.video.overlay import resize_map


def model(spec: str, size: tuple[int, int] = (32, 48)) -> SaliencyModel:
    torch.manual_seed(0)
    made = create_model(spec).eval()
    if spec.startswith("salgan"):
        with torch.no_grad():  # an untrained score is near 0 everywhere: spread it, or the maps would hardly vary
            made.get_parameter("backbone.60.weight").mul_(20)
    made.preprocessing = replace(made.preprocessing, size=size)
    return made


def frames(count: int, size: tuple[int, int] = (40, 60)) -> list[NDArray[np.uint8]]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (*size, 3), dtype=np.uint8) for _ in range(count)]


@pytest.mark.parametrize("spec", ["salgan:width=0.05+ema@61", "salgan:width=0.05+convlstm@bottleneck"])
@pytest.mark.parametrize("clip_length", [2, 3, 8, 50])
def test_maps_do_not_depend_on_the_clip_length(spec: str, clip_length: int) -> None:
    runner = model(spec)
    one_by_one = np.stack(list(predict_maps(runner, frames(11), batch=1)))
    clips = np.stack(list(predict_maps(runner, frames(11), batch=clip_length)))
    assert one_by_one.std() > 0.01
    np.testing.assert_allclose(clips, one_by_one, atol=1e-5)


@pytest.mark.parametrize(
    "spec", ["salgan:width=0.05", "salgan:width=0.05+ema@30", "salgan:width=0.05+convlstm@bottleneck+ema@61"]
)
@pytest.mark.parametrize("wanted", [{0}, {3, 4, 10}, set(range(11)), range(4, 99), set()])
def test_wanted_maps_are_those_of_all(spec: str, wanted: set[int] | range) -> None:
    runner = model(spec)
    maps = list(predict_maps(runner, frames(11)))
    found = list(predict_maps(runner, frames(11), wanted=wanted))
    assert len(found) == len([index for index in range(11) if index in wanted])
    for map_, index in zip(found, sorted(wanted), strict=False):
        np.testing.assert_array_equal(map_, maps[index])  # frame by frame, to the bit
    clips = list(predict_maps(runner, frames(11), wanted=wanted, batch=4))
    np.testing.assert_allclose(clips, found, atol=1e-5)


def test_maps_are_finished_at_the_frames_size_as_their_authors_do() -> None:
    plain, finished = model("salgan:width=0.05"), model("salgan:width=0.05")
    finished.backbone.finishing = Finishing(blur=11, sigma=3)
    for before, after in zip(predict_maps(plain, frames(3)), predict_maps(finished, frames(3)), strict=True):
        assert before.shape == (32, 48)
        wanted = cv2.GaussianBlur(resize_map(before, (40, 60)), (11, 11), 3)
        np.testing.assert_allclose(after, wanted, atol=1e-6)
        assert np.abs(after - resize_map(before, (40, 60))).max() > 0.01
    picture = frames(1)[0]
    np.testing.assert_allclose(finished.predict(picture, order="bgr"), next(predict_maps(finished, [picture])))
    for blur, sigma in ((10, 0.0), (0, 0.0), (-3, 1.0), (3, -1.0), (3, float("nan"))):
        with pytest.raises(ValueError, match="a kernel is of odd width"):
            Finishing(blur, sigma)


@pytest.mark.parametrize(
    "modules", ["", "+ema@61", "+ema@30", "+ema:dropout=0.5,residual=true@30", "+convlstm@bottleneck", "+ema@62"]
)
def test_to_a_network_without_a_path_for_stills_they_are_first_frames(modules: str) -> None:
    runner, pictures = model("salgan:width=0.05" + modules), frames(3)
    firsts = [next(predict_maps(runner, [picture])) for picture in pictures]
    for length in (1, 3):
        stills = np.stack(list(predict_maps(runner, pictures, batch=length, still=True)))
        assert stills.std() > 0.01
        np.testing.assert_allclose(stills, np.stack(firsts), atol=1e-5 if length > 1 else 0)


def test_maps_are_those_of_the_model() -> None:
    runner = model("salgan:width=0.05+ema@61", size=(40, 60))
    with torch.inference_mode():
        expected, _ = runner(runner.preprocess(np.stack(frames(5))))
    maps = list(predict_maps(runner, frames(5)))
    assert all(map_.dtype == np.float32 and map_.shape == (40, 60) for map_ in maps)
    np.testing.assert_allclose(np.stack(maps), expected[0, :, 0].numpy(), atol=1e-5)  # other convolutions


def test_each_call_is_a_new_video() -> None:
    runner = model("salgan:width=0.05+ema@61")
    first, second = (np.stack(list(predict_maps(runner, frames(3)))) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_frames_may_change_their_size() -> None:
    runner = model("salgan:width=0.05+ema@61")
    sizes = [(40, 60), (41, 59), (20, 30), (96, 144)]
    mixed = [frame for size in sizes for frame in frames(2, size)]
    assert [map_.shape for map_ in predict_maps(runner, mixed)] == [(32, 48)] * 8


def test_frames_are_read_as_maps_are_taken_and_then_forgotten() -> None:
    alive: list[weakref.ref[NDArray[np.uint8]]] = []

    def count_alive() -> int:
        return sum(reference() is not None for reference in alive)

    def stream() -> Iterator[NDArray[np.uint8]]:
        for index in range(200):
            frame = np.full((40, 60, 3), index, np.uint8)
            alive.append(weakref.ref(frame))
            yield frame

    most = 0
    for index, _ in enumerate(predict_maps(model("center-bias"), stream(), batch=4)):
        assert len(alive) <= index + 4
        most = max(most, count_alive())
    assert len(alive) == 200
    assert most <= 5


@pytest.mark.parametrize("every", [2, 3, 5])
def test_maps_of_frames_that_the_network_does_not_see_lie_between(every: int) -> None:
    ground = frames(1)[0] // 4
    film = [ground + np.uint8(2 * index) for index in range(7)]
    film += [255 - ground - np.uint8(2 * index) for index in range(6)]  # a cut before frame 7
    engine = torch_engine(model("spectral-residual"))
    found = list(spaced_maps(engine, stream_of(film), every))
    assert [each.number for each in found] == list(range(13))
    assert all(each.frame.image is given for each, given in zip(found, film, strict=True))
    seen = [index for index in range(7) if index % every == 0] + [7 + index for index in range(6) if index % every == 0]
    own = dict(zip(seen, predict_maps(engine, [film[index] for index in seen]), strict=True))
    for index, each in enumerate(found):
        before = max(at for at in seen if at <= index)
        after = min((at for at in seen if at > before), default=None)
        wanted = own[before]
        if after not in (None, 7):
            wanted = wanted + (index - before) / (after - before) * (own[after] - wanted)
        np.testing.assert_allclose(each.map, wanted, atol=1e-5)


def test_no_frames_give_no_maps() -> None:
    assert list(predict_maps(model("center-bias"), [])) == []


def test_a_model_in_training_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="eval"):
        next(predict_maps(model("salgan:width=0.05").train(), frames(1)))


def test_broken_weights_are_told() -> None:
    broken = model("salgan:width=0.05")
    with torch.no_grad():
        next(broken.parameters()).fill_(float("nan"))
    with pytest.raises(SalzooError, match=r"salgan:width=0\.05 gives maps that are not finite"):
        next(predict_maps(broken, frames(1)))


def test_the_device_is_one_that_works() -> None:
    assert torch.zeros(1, device=choose_device()).item() == 0
    assert choose_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gpu", "unknown device 'gpu'"),
        ("", "unknown device ''"),
        ("meta", "unknown device 'meta'"),
        ("cuda:99", "'cuda:99' cannot be used here"),
    ],
)
def test_other_devices_are_refused(name: str, message: str) -> None:
    with pytest.raises(SalzooError, match=message) as raised:
        choose_device(name)
    assert "\n" not in str(raised.value)
