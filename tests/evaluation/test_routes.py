"""A model gets the same scores through every route, and the leaderboard shows all there is."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from made_results import score_saved_maps

from salzoo.cli import cli
from salzoo.datasets.dhf1k import open_dhf1k
from salzoo.evaluation.leaderboard import format_leaderboard, leaderboard
from salzoo.evaluation.models import Scoring, evaluate
from salzoo.evaluation.reported import reported_scores
from salzoo.evaluation.results import results_json
from salzoo.hub.cards import list_models, load_card
from salzoo.hub.checkpoint import save_checkpoint
from salzoo.model import create_model
from salzoo.prediction.maps import predict_maps
from salzoo.video.overlay import map_to_grey
from salzoo.video.pictures import write_image
from salzoo.video.reading import read_video


@pytest.fixture(scope="module")
def small_root(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One training and one validation video of the synthetic set, as a DHF1K folder with AVI files."""
    root = tmp_path_factory.mktemp("avi")
    for name in ("video", "annotation"):
        (root / name).mkdir()
    for number in (1, 601):
        (root / "video" / f"{number:03d}.AVI").symlink_to(tiny_data / "video" / f"{number:03d}.AVI")
        (root / "annotation" / f"{number:04d}").symlink_to(tiny_data / "annotation" / f"{number:04d}")
    return root


def test_frames_give_the_scores_of_the_avi(small_root: Path, tmp_path: Path) -> None:
    other = tmp_path / "frames"
    for number in (1, 601):
        (other / "frames" / str(number)).mkdir(parents=True)
        for index, frame in enumerate(read_video(small_root / "video" / f"{number:03d}.AVI"), start=1):
            write_image(other / "frames" / str(number) / f"{index}.png", frame)
        for name, source in (("maps", "maps"), ("fixations", "fixation")):
            (other / name).mkdir(exist_ok=True)
            (other / name / str(number)).symlink_to(small_root / "annotation" / f"{number:04d}" / source)
    first, second = (evaluate([], Scoring("dhf1k", root=root, max_frames=20)) for root in (small_root, other))
    assert results_json(first) == results_json(second)


def test_worker_processes_do_not_change_a_bit(small_root: Path) -> None:
    first, second = (
        evaluate([], Scoring("dhf1k", root=small_root, max_frames=30), workers=workers) for workers in (1, 2)
    )
    assert results_json(first) == results_json(second)


def test_a_models_saved_maps_get_its_scores_where_the_protocol_takes_8_bits(small_root: Path, tmp_path: Path) -> None:
    model = create_model("spectral-residual").eval()
    (video,) = open_dhf1k(small_root).split("val")
    for index, map_ in enumerate(predict_maps(model, video.read_frames())):
        folder = tmp_path / video.id
        folder.mkdir(exist_ok=True)
        ranged = (map_.astype(float) - map_.min()) / np.ptp(map_)
        write_image(folder / f"{video.frame_name(index)}.png", map_to_grey(ranged))
    scoring = Scoring("dhf1k", root=small_root, protocol="salema")
    by_model, *_ = evaluate([model], scoring)
    by_maps = score_saved_maps(tmp_path, scoring, workers=1)
    assert by_maps.frames == by_model.frames == 60
    assert {k: v for k, v in by_maps.mean.items() if k != "auc_shuffled"} == {
        k: v for k, v in by_model.mean.items() if k != "auc_shuffled"
    }
    assert by_model.left_out["auc_shuffled"] == 60  # the only video has no others to draw from


def test_a_truncated_avi_is_named(small_root: Path, tmp_path: Path) -> None:
    root = tmp_path / "cut"
    (root / "video").mkdir(parents=True)
    (root / "annotation").symlink_to(small_root / "annotation")
    for name in ("001.AVI", "601.AVI"):
        data = (small_root / "video" / name).read_bytes()
        (root / "video" / name).write_bytes(data if name == "001.AVI" else data[: len(data) // 2])
    done = CliRunner().invoke(cli, ["eval", "spectral-residual", "--dataset", "dhf1k", "--root", str(root)])
    assert done.exit_code == 1
    assert "601.AVI is truncated" in done.output


@pytest.fixture
def quick_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """The zoo without the adapted models, which run at a tenth of the others' speed."""
    names = [name for name in list_models() if name not in ("web", "road", "drive")]
    monkeypatch.setattr("salzoo.evaluation.leaderboard.list_models", lambda: names)


@pytest.mark.usefixtures("quick_models")
def test_the_leaderboard_shows_models_at_hand_baselines_and_bounds(
    small_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SALZOO_MODELS", str(tmp_path))
    save_checkpoint(create_model("salgan:width=0.05+ema:alpha=0.1@61"), tmp_path / "salema61", "# card\n")
    board = leaderboard(Scoring("dhf1k", root=small_root, max_frames=3))
    labels = [result.model for result in board.results]
    assert labels == [
        "gaze-lite",
        "salema61",
        "center-bias (fitted to train)",
        "spectral-residual",
        "gold (the density map itself)",
    ]
    gold = board.results[-1]
    assert gold.mean["cc"] == gold.mean["sim"] == 1
    assert gold.mean["kld"] == pytest.approx(0, abs=1e-9)
    for result in board.results:
        assert result.mean["cc"] <= gold.mean["cc"]
        assert result.mean["kld"] >= gold.mean["kld"] - 1e-9
    assert "salzoo convert SalEMA30.pt" in board.not_scored["salema30"]
    assert set(board.not_scored) <= set(list_models())  # a network without weights is no model yet
    assert "salema61" not in board.not_scored
    text = format_leaderboard(board)
    assert "do not quote them" in text
    assert "95 % from" in text
    assert "withdrawn (README of 18 February 2019)" in text
    (line,) = (line for line in text.splitlines() if line.startswith("salema61: SalEMA61, fine-tuned"))
    assert line.split()[3:8] == ["0.888", "0.681", "2.394", "0.438", "0.354"]


def test_reported_scores_are_of_their_data_set() -> None:
    rows = reported_scores(load_card("salema61"), "dhf1k")
    assert [row.withdrawn for row in rows] == [True, False, False]
    assert rows[1].scores == {"auc_judd": 0.888, "auc_shuffled": 0.681, "nss": 2.394, "cc": 0.438, "sim": 0.354}
    assert rows[1].status == "reported (README of April 2019)"
    assert reported_scores(load_card("salema61"), "synthetic") == []
    for own in ("set", "scores", "a"):  # which its text has within words, and as words
        assert reported_scores(load_card("salema61"), own) == []


@pytest.mark.usefixtures("quick_models")
def test_the_command_without_models_writes_the_leaderboard(small_root: Path, tmp_path: Path) -> None:
    out = tmp_path / "board.json"
    arguments = ["eval", "--dataset", "dhf1k", "--root", str(small_root), "--max-frames", "2", "-o", str(out)]
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 0, done.output
    assert "not scored:" in done.output
    record = json.loads(out.read_text())
    assert set(record) == {"command", "results", "reported", "not_scored"}
    assert any("withdrawn" in row["status"] for row in record["reported"])


@pytest.mark.parametrize("extra", [["--partial"], ["spectral-residual", "--predictions", "."]])
def test_options_that_do_not_go_together(extra: list[str]) -> None:
    assert CliRunner().invoke(cli, ["eval", *extra]).exit_code == 2


@pytest.mark.slow
def test_two_ranks_give_the_scores_of_one_process(small_root: Path, tiny_data: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    for name in ("video", "annotation"):
        (root / name).mkdir(parents=True)
    for number, source in ((1, 1), (601, 601), (602, 2), (603, 3)):
        (root / "video" / f"{number:03d}.AVI").symlink_to(tiny_data / "video" / f"{source:03d}.AVI")
        (root / "annotation" / f"{number:04d}").symlink_to(tiny_data / "annotation" / f"{source:04d}")
    save_checkpoint(create_model("salgan:width=0.1+ema@61"), tmp_path / "model", "# card\n")
    command = ["salzoo", "eval", str(tmp_path / "model"), "--dataset", "dhf1k", "--root", str(root)]
    command += ["--device", "cpu", "--max-frames", "60", "--per-frame", "-o"]
    launch = {
        "one": [sys.executable, "-m"],
        "two": [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m"],
    }
    for name, start in launch.items():
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        subprocess.run([*start, *command, str(tmp_path / f"{name}.json")], check=True, env=environment)
    one, two = (json.loads((tmp_path / f"{name}.json").read_text())["results"] for name in launch)
    assert one == two
