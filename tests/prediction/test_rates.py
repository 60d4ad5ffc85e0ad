"""An average over seconds: ``ema:tau=…`` is ``ema:alpha=1 − exp(−1 / (rate·tau))`` at each video's own rate."""

import math
import threading
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from numpy.typing import NDArray

import salzoo
from salzoo import SalzooError, create_model, load_model
from salzoo.cli import cli
from salzoo.evaluation import filtering
from salzoo.evaluation.models import Scoring, evaluate
from salzoo.prediction.camera import NewestFrames
from salzoo.prediction.engines.choosing import choose_engine
from salzoo.prediction.engines.engine import EXACT, RunOptions
from salzoo.prediction.engines.torch_engine import torch_engine
from salzoo.prediction.inputs import FrameStream
from salzoo.prediction.live import watch
from salzoo.prediction.maps import predict_maps
from salzoo.video.writing import video_writer

RATES = {"slow": 12.5, "fast": 50.0}
TAU = "spectral-residual+ema:tau=0.2@output"


def alpha(rate: float) -> str:
    return f"spectral-residual+ema:alpha={1 - math.exp(-1 / (rate * 0.2))!r}@output"


def scene(count: int = 12) -> list[NDArray[np.uint8]]:
    frames = np.random.default_rng(0).integers(0, 120, (1, 48, 64, 3), np.uint8).repeat(count, 0)
    for index, frame in enumerate(frames):
        frame[12:28, 3 * index : 3 * index + 12] = 230
    return list(frames)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of the same frames at two rates, with density maps."""
    folder = tmp_path_factory.mktemp("set")
    for name, rate in RATES.items():
        (folder / "val" / name / "maps").mkdir(parents=True)
        with video_writer(folder / "val" / f"{name}.mp4", (48, 64), rate) as write:
            for index, frame in enumerate(scene(), start=1):
                write(frame)
                density = np.zeros((48, 64), np.uint8)
                density[16:24, 3 * index : 3 * index + 8] = 255
                cv2.imwrite(str(folder / "val" / name / "maps" / f"{index:04}.png"), density)
    return folder


@pytest.mark.parametrize(("name", "every"), [("slow", 1), ("fast", 1), ("fast", 2)])
def test_each_video_is_filtered_by_its_own_rate(root: Path, tmp_path: Path, name: str, every: int) -> None:
    maps = []
    for number, model in enumerate((TAU, alpha(RATES[name] / every))):
        out = tmp_path / f"{number}.npy"
        words = ["predict", model, root / "val" / f"{name}.mp4", "-o", out, "--every", every, "--engine", "torch"]
        done = CliRunner().invoke(cli, [*map(str, words), "--precision", "float32"])
        assert done.exit_code == 0, done.output
        maps.append(np.load(out))
    assert len(maps[0]) == 12 // every
    np.testing.assert_allclose(*maps, atol=1e-6)  # how many frames run together, the machine decides
    (_, first), *_, (_, last) = salzoo.predict_frames("spectral-residual", root / "val" / f"{name}.mp4", EXACT)
    assert np.abs(maps[0][-1] - last).max() > 0.1  # it does filter
    np.testing.assert_allclose(maps[0][0], first, atol=1e-6)


def test_an_evaluation_filters_each_video_by_its_rate_and_runs_the_network_once(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[int] = []
    stream = filtering.frames_to_maps
    monkeypatch.setattr(filtering, "frames_to_maps", lambda *given, **how: runs.append(1) or stream(*given, **how))
    scoring = Scoring("folder", root)
    names = ["spectral-residual", TAU, *map(alpha, RATES.values())]
    plain, timed, slow, fast = evaluate(names, scoring, workers=1)
    assert len(runs) == len(RATES)
    assert timed.per_video == {"slow": slow.per_video["slow"], "fast": fast.per_video["fast"]}
    assert timed.mean["cc"] != pytest.approx(plain.mean["cc"], abs=1e-3)
    assert slow.mean["cc"] != pytest.approx(fast.mean["cc"], abs=1e-3)
    alone, *_ = evaluate([TAU], scoring, workers=1)
    assert alone.mean == pytest.approx(timed.mean, abs=1e-6)


def test_a_video_without_a_rate_is_refused_and_a_picture_needs_none(tmp_path: Path) -> None:
    frames = scene(3)
    for index, frame in enumerate(frames):
        cv2.imwrite(str(tmp_path / f"{index:04}.png"), frame)
    done = CliRunner().invoke(cli, ["predict", TAU, str(tmp_path / "%04d.png"), "-o", str(tmp_path / "out.npy")])
    assert done.exit_code == 1
    assert done.output.splitlines()[-1].endswith(
        "tau needs a video's rate, which is not known here: give alpha instead (alpha=0.181 at 25 frames/s)"
    )
    with pytest.raises(SalzooError, match="give alpha instead"):
        load_model(TAU).predict(np.stack(frames), order="bgr")
    picture = load_model(TAU).predict(frames[0], order="bgr")
    np.testing.assert_array_equal(picture, load_model("spectral-residual").predict(frames[0], order="bgr"))


def test_a_model_is_told_a_rate_and_stays_as_it_was() -> None:
    torch.manual_seed(0)
    spec = "salgan:width=0.05+{}@30+ema:alpha=0.3@61"
    model = create_model(spec.format("ema:tau=0.1,dropout=0.5")).eval()
    other = create_model(spec.format(f"ema:alpha={1 - math.exp(-1 / 2.4)!r},dropout=0.5")).eval()
    other.load_state_dict(model.state_dict())
    told = model.at_rate(24)
    assert str(told.spec) == str(model.spec)
    assert other.at_rate(24) is other
    clip = 50 * torch.randn(1, 4, 3, 32, 48)
    with torch.no_grad():
        assert torch.equal(told(clip)[0], other(clip)[0])
        with pytest.raises(SalzooError, match="the module at 30 does not fit: ema: tau needs a video's rate"):
            model(clip)


def test_live_the_time_between_frames_counts() -> None:
    first, last = scene()[0], scene()[-1]
    for tau, wanted in (("1e6", first), ("1e-6", last)):
        was_seen = threading.Event()

        def camera(was_seen: threading.Event = was_seen) -> Iterator[NDArray[np.uint8]]:
            yield first
            was_seen.wait(10)
            yield last

        seen = watch(
            torch_engine(load_model(f"spectral-residual+ema:tau={tau}@output")),
            FrameStream(NewestFrames(camera()), rate=None),
        )
        next(seen)
        was_seen.set()
        (after,) = seen
        (map_,) = predict_maps(load_model("spectral-residual"), [wanted])
        np.testing.assert_allclose(after.saliency, map_, atol=1e-3)


def test_no_program_is_made(tmp_path: Path) -> None:
    model = load_model(TAU)
    assert choose_engine(model, scene()).engine.name == "torch"
    done = CliRunner().invoke(cli, ["export", TAU, "--to", "torch-export", "-o", str(tmp_path / "x.pt2")])
    assert (done.exit_code, list(tmp_path.iterdir())) == (1, [])
    assert "depends on a video's rate, which no program is told: give alpha, not tau" in done.output


@pytest.mark.parametrize("params", ["alpha=0.1,tau=0.2", "learn=true,tau=0.2", "tau=0", "tau=-1", "tau=1e9"])
def test_tau_stands_alone_and_is_positive(params: str) -> None:
    with pytest.raises(SalzooError, match="tau, from 1e-6 to 1e6 seconds, stands in place of alpha and learn"):
        create_model(f"salgan:width=0.05+ema:{params}@61")


def test_an_average_keeps_its_length_where_the_network_sees_one_frame_in_some() -> None:
    film, every, alpha = np.stack(scene(9)), 3, 0.2
    how = RunOptions(engine="torch", precision="float32", run_every=every)
    found = [map_ for _, map_ in salzoo.predict_frames(f"spectral-residual+ema:alpha={alpha}@output", film, how)]
    own = [map_ for _, map_ in salzoo.predict_frames("spectral-residual", film, EXACT)]
    average = own[0]
    for index in range(every, len(film), every):
        average = average + (1 - (1 - alpha) ** every) * (own[index] - average)
        np.testing.assert_allclose(found[index], average, atol=1e-5)
    np.testing.assert_allclose(found[1], found[0] + (found[3] - found[0]) / 3, atol=1e-5)
