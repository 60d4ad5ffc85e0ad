"""Curves and event files of a run."""

from pathlib import Path

import cv2
import numpy as np
import pytest

import salzoo
from salzoo.charts.panels import HEIGHT
from salzoo.training.curves import save_curves, smooth
from salzoo.training.session import Session


def test_curves_show_each_log_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    save_curves(tmp_path, tmp_path / "pictures")
    assert not (tmp_path / "pictures" / "curves.png").exists()
    header = "step,loss,network,grad_norm,lr,alpha,epoch,frames,seconds,waited,done\n"
    rows = [
        f"{n},{1 / n:.4f},{'discriminator' if n % 2 else 'generator'},1,1e-5,nan,1,{n},{n},0,0\n" for n in range(1, 90)
    ]
    (tmp_path / "metrics.csv").write_text(header + "".join(rows))
    heights = []
    for scores in ("", "epoch,step,nss\n1,40,0.5\n2,80,1.5\n"):
        if scores:
            (tmp_path / "scores.csv").write_text(scores)
        save_curves(tmp_path, tmp_path / "pictures")
        picture = cv2.imread(str(tmp_path / "pictures" / "curves.png"))
        assert picture is not None
        heights.append(picture.shape[0])
        assert (picture.min((0, 1)) < 100).all()
    assert heights[1] - heights[0] == 2 * (HEIGHT + 18)  # the score, below losses of two networks and the learning rate


def test_smoothing_is_the_mean_of_neighbours() -> None:
    values = np.random.default_rng(0).random(200)
    smoothed = smooth(values)
    assert smoothed[100] == pytest.approx(values[96:105].mean())
    assert smoothed[0] == pytest.approx(values[:5].mean())
    assert smooth(values[:10]).tolist() == pytest.approx(values[:10].tolist())


@pytest.mark.slow
def test_tensorboard_gets_every_step_once(tiny_data: Path, tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    options = {"epochs": 2, "size": (16, 16), "validate": 1, "clip_length": 30}
    spec = "salgan:width=0.05+ema:learn=true@61"
    run = salzoo.train(
        spec, "synthetic", root=tiny_data, out=tmp_path / "run", session=Session(tensorboard=True), **options
    )  # type: ignore[arg-type]
    events = accumulator.EventAccumulator(str(run.folder / "tensorboard"))
    events.Reload()
    assert [event.step for event in events.Scalars("loss/generator")] == list(range(1, run.steps + 1))
    assert len(events.Scalars("validation/nss")) == 1
    assert "alpha" in events.Tags()["scalars"]
