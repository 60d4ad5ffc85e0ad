"""Scoring models on a data set."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from salzoo.datasets.synthetic import open_synthetic
from salzoo.evaluation.baselines import center_bias_model, mean_density
from salzoo.evaluation.fixations import index_fixations
from salzoo.evaluation.models import Scoring, evaluate, prepare, score_model
from salzoo.evaluation.results import results_json, summarise, write_results
from salzoo.evaluation.tables import format_table
from salzoo.interfaces import SalzooError
from salzoo.metrics import auc_judd, cc, nss, resize_prediction
from salzoo.model import create_model
from salzoo.prediction.maps import predict_maps


def test_scores_are_those_of_the_metrics_frame_by_frame(tiny_data: Path) -> None:
    task = prepare(Scoring(root=tiny_data))
    model = create_model("spectral-residual").eval()
    result = score_model(task, model, "sr")
    video = task.videos[0]
    maps = list(predict_maps(model, video.read_frames()))
    truth = [(video.read_fixations(i), video.read_density(i)) for i in range(video.frames)]
    resized = [resize_prediction(map_, fixations.shape) for map_, (fixations, _) in zip(maps, truth, strict=True)]
    assert result.frames == video.frames == 60
    expected = np.nanmean([nss(map_, fixations) for map_, (fixations, _) in zip(resized, truth, strict=True)])
    assert result.mean["nss"] == pytest.approx(expected, abs=1e-12)
    expected = np.nanmean([cc(map_, density) for map_, (_, density) in zip(resized, truth, strict=True)])
    assert result.mean["cc"] == pytest.approx(expected, abs=1e-12)
    expected = np.nanmean([auc_judd(map_, fixations) for map_, (fixations, _) in zip(resized, truth, strict=True)])
    assert result.mean["auc_judd"] == pytest.approx(expected, abs=1e-12)


def test_the_same_evaluation_gives_the_same_bits(tiny_data: Path) -> None:
    first, second = (evaluate([], Scoring(root=tiny_data)) for _ in range(2))
    assert results_json(first) == results_json(second)
    assert [result.model for result in first] == ["center-bias (fitted to train)", "spectral-residual"]
    assert all("synthetic" in result.note for result in first)


def test_only_the_seed_moves_shuffled_auc(tiny_data: Path) -> None:
    (first, *_), (second, *_) = (evaluate([], Scoring(root=tiny_data, seed=seed)) for seed in (0, 1))
    assert first.mean["auc_shuffled"] != second.mean["auc_shuffled"]
    assert {**first.mean, "auc_shuffled": 0} == {**second.mean, "auc_shuffled": 0}


def test_the_fitted_center_bias_is_the_mean_density(tiny_data: Path) -> None:
    data = open_synthetic(tiny_data)
    model = center_bias_model(mean_density(data.split("train")))
    fitted = next(predict_maps(model, data.videos[0].read_frames(0, 1)))
    # the same mean over all frames, not twenty a video
    mean = np.mean([v.read_density(i) for v in data.split("train") for i in range(v.frames)], axis=0)
    assert fitted.max() == 1
    assert np.corrcoef(resize_prediction(fitted, mean.shape).ravel(), mean.ravel())[0, 1] > 0.97


def test_center_bias_gains_nothing_over_itself(tiny_data: Path) -> None:
    fitted, _ = evaluate([], Scoring(root=tiny_data))
    assert fitted.mean["ig"] == pytest.approx(0, abs=1e-9)


def test_other_fixations_depend_on_seed_and_frame_alone(tiny_data: Path) -> None:
    videos = open_synthetic(tiny_data).videos
    index, again = index_fixations(videos), index_fixations(videos)
    size = videos[0].read_fixations(0).shape
    drawn = index.draw_others(7, size)
    assert drawn.any()
    assert np.array_equal(drawn, again.draw_others(7, size))
    assert not np.array_equal(drawn, index.draw_others(8, size))
    assert not np.array_equal(drawn, index.draw_others(7, size, seed=1))


def test_other_fixations_are_a_union_of_frames(tiny_data: Path) -> None:
    videos = open_synthetic(tiny_data).split("val")
    index = index_fixations(videos, first=3)
    assert index.frames_of(0) == 3
    everything = np.any([videos[0].read_fixations(i) for i in range(3)], axis=0)
    assert np.array_equal(index.draw_others(0, everything.shape, count=10), everything)
    half = index.draw_others(0, (everything.shape[0] // 2, everything.shape[1] // 2), count=10)
    assert np.array_equal(half, everything.reshape(half.shape[0], 2, half.shape[1], 2).any((1, 3)))


def test_a_part_of_the_frames_is_said_in_the_note(tiny_data: Path) -> None:
    task = prepare(Scoring(root=tiny_data, first=5))
    result = score_model(task, create_model("center-bias"), "cb")
    assert result.frames == 5
    assert result.note.endswith("only the first 5 frames of each video are scored")


def test_undefined_scores_are_left_out_and_counted(tmp_path: Path) -> None:
    scores = {"a": np.array([[1.0, np.nan], [3.0, np.nan]]), "b": np.array([[np.nan, np.nan], [5.0, np.nan]])}
    summary = summarise(scores, ["nss", "cc"])
    assert summary["mean"]["nss"] == 3
    assert math.isnan(summary["mean"]["cc"])
    assert summary["left_out"] == {"nss": 1, "cc": 4}
    assert summary["per_video"]["a"]["nss"] == 2
    assert summary["frames"] == 4


def test_the_results_file_says_what_was_scored(tiny_data: Path, tmp_path: Path) -> None:
    results = evaluate([], Scoring(root=tiny_data))
    path = tmp_path / "deep" / "results.json"
    write_results(results, path)
    fitted, residual = json.loads(path.read_text())["results"]
    assert fitted["spec"] == "center-bias"
    assert len(fitted["weights_sha256"]) == 64
    assert residual["weights_sha256"] is None
    assert residual["protocol"] == "dhf1k v1"
    assert set(residual["versions"]) == {"salzoo", "python", "torch", "numpy", "opencv-python"}
    assert list(residual["per_video"]) == ["0601"]
    assert list(path.parent.iterdir()) == [path]
    table = format_table(results)
    assert "AUC-J" in table
    assert "synthetic data made by salzoo" in table


def test_a_results_file_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SalzooError, match="cannot write"):
        write_results([], tmp_path / "file" / "results.json")


@pytest.mark.parametrize(
    ("models", "options", "message"),
    [
        (["salgan"], {}, "salgan is a spec without weights"),
        ([], {"split": "dev"}, "synthetic has no split 'dev' here; it has test, train, val"),
        ([], {"protocol": "dhfk1"}, "unknown protocol 'dhfk1'; did you mean 'dhf1k'"),
        ([], {"dataset": "dhf2k"}, "unknown data set 'dhf2k'; did you mean 'dhf1k'"),
        ([], {"dataset": "dhf1k", "root": "/nowhere"}, "/nowhere does not exist"),
    ],
)
def test_what_cannot_be_scored_says_why(
    tiny_data: Path, models: list[str], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(SalzooError, match=message):
        evaluate(models, Scoring(**{"root": tiny_data, **options}))
