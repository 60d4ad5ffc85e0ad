"""A score on videos that the model was trained on is no test, and is said to be none, wherever it is shown."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from made_results import make_result

from salzoo.cli import cli
from salzoo.data import open_dataset
from salzoo.evaluation.leaderboard import Leaderboard, format_leaderboard
from salzoo.evaluation.pooling import pool_results
from salzoo.evaluation.results import read_results, write_results
from salzoo.hub.checkpoint import save_checkpoint
from salzoo.model import create_model
from salzoo.trained_on import UNKNOWN, Overlap, TrainedOn

SPEC = "salgan:width=0.05"
WORDS = "trained on 1 of these 1 videos: not a test"


def save(folder: Path, trained_on: TrainedOn) -> str:
    model = create_model(SPEC)
    model.trained_on = trained_on
    save_checkpoint(model, folder, "# A model\n")
    return str(folder)


def run(*words: str) -> str:
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 0, done.output
    return done.output


def test_it_is_said_in_words_and_in_the_file(tiny_data: Path, tmp_path: Path) -> None:
    data = open_dataset("synthetic", tiny_data)
    seen = save(tmp_path / "seen", TrainedOn().and_on("synthetic", "train", data.split("val"), data.videos))
    new = save(tmp_path / "new", TrainedOn().and_on("synthetic", "train", data.split("train"), data.videos))
    unknown = save(tmp_path / "unknown", UNKNOWN)
    out = tmp_path / "scores.json"
    where = ["--dataset", "synthetic", "--root", str(tiny_data), "--max-frames", "3"]
    text = run("eval", seen, new, unknown, *where, "-o", str(out))
    lines = text.splitlines()
    assert f"{seen}: {WORDS}" in lines
    assert f"{new}: trained on none of these videos" in lines
    assert f"{unknown}: what it was trained on is unknown" in lines
    assert not [line for line in lines if line.startswith("spectral-residual: ")]  # it learns nothing
    records = {each["model"]: each["trained_on"] for each in json.loads(out.read_text())["results"]}
    assert records[seen] == {"seen": 1, "of": 1, "words": WORDS}
    assert records[unknown]["seen"] is None
    assert records["spectral-residual"] is None
    assert records["center-bias (fitted to train)"]["seen"] == 0
    assert WORDS in " ".join(run("compare", str(out)).split())
    run("report", str(out), "-o", str(tmp_path / "report.html"))
    assert f"measured, {WORDS}" in (tmp_path / "report.html").read_text()
    board = format_leaderboard(Leaderboard(read_results(out), [], {}))
    assert f": {WORDS}" in board


@pytest.mark.parametrize(
    "value", [3, {"seen": -1, "of": 3, "words": ""}, {"seen": 1, "words": ""}, {"seen": 1, "of": 1}]
)
def test_a_record_that_is_none_is_refused(tmp_path: Path, value: object) -> None:
    path = tmp_path / "results.json"
    write_results([make_result("one")], path)
    record = json.loads(path.read_text())
    record["results"][0]["trained_on"] = value
    path.write_text(json.dumps(record))
    done = CliRunner().invoke(cli, ["compare", str(path)])
    assert done.exit_code == 1
    assert "is no results file" in done.output


def test_folds_and_seeds_count_each_video_once() -> None:
    first = make_result("one")
    videos = tuple(first.per_video)
    second = replace(first, per_video={f"b{k}": v for k, v in first.per_video.items()})
    second = replace(second, defined={f"b{k}": v for k, v in first.defined.items()})

    def pooled(*seen: int | None) -> Overlap | None:
        overlaps = [Overlap(each, len(videos), "words") for each in seen]
        results = [replace(r, trained_on=o) for r, o in zip([first, first, second], overlaps, strict=True)]
        return pool_results(results, model="one", dataset="two").trained_on

    count = len(videos)
    assert pooled(0, 0, 0) == Overlap(0, count, "words")
    assert pooled(1, 1, 1) == Overlap(2, 2 * count, f"trained on 2 of these {2 * count} videos: not a test")
    assert pooled(0, None, 1) == Overlap(None, count, "words")
