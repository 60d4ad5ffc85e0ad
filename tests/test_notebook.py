"""What notebooks show, and the notebook that a newcomer follows."""

import dataclasses
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import salzoo
from salzoo.evaluation.results import Result, summarise
from salzoo.prediction.runner import Prediction
from salzoo.video.writing import video_writer

NOTEBOOK = Path(__file__).parents[1] / ".github" / "from-video-to-report.ipynb"

HOSTILE = "<script>alert(1)</script>\"'&amp;\u202e" + "long" * 125


class Reading(HTMLParser):
    """The tags of a fragment, and its text."""

    def __init__(self, fragment: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.sources: list[str] = []
        self.feed(fragment)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.sources += [value or "" for name, value in attrs if name == "src"]

    def handle_data(self, data: str) -> None:
        self.text += f"{data} "


def test_a_result_shows_its_scores_and_hostile_names_as_text() -> None:
    scores = {"a": np.array([[1.0, 2.0], [2.0, np.nan]])}
    result = Result(
        model=HOSTILE,
        spec=None,
        weights_sha256=None,
        dataset=f"set{HOSTILE}",
        split="val",
        note="",
        protocol="dhf1k v1",
        seed=0,
        frames_expected=2,
        **summarise(scores, ["nss", "<b>"]),
    )
    found = Reading(result._repr_html_())
    assert set(found.tags) == {"table", "caption", "bdi", "tr", "th", "td"}
    assert HOSTILE[:30] in found.text
    assert "\u202e" not in found.text
    assert "NSS (standard deviations)" in found.text
    assert "1.500" in found.text
    assert "95 % interval – –" in found.text  # of one video
    assert "<b>" in found.text


def test_a_model_says_what_it_is() -> None:
    model = salzoo.create_model("salgan:width=0.05+ema@61")
    found = Reading(model._repr_html_())
    assert f"{sum(each.numel() for each in model.parameters()):,}" in found.text
    assert "salgan:width=0.05+ema@61" in found.text
    assert "192×256 pixels" in found.text
    assert "at 61" in found.text


def test_a_prediction_shows_some_of_its_frames(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 255, (6, 48, 64, 3), np.uint8)
    with video_writer(tmp_path / "clip.mp4", (48, 64), 25) as write:
        for frame in frames:
            write(frame)
    done = salzoo.predict("center-bias", tmp_path / "clip.mp4", tmp_path / "out <b>.mp4")
    found = Reading(done._repr_html_())
    assert found.tags.count("img") == 1
    assert found.sources[0].startswith("data:image/jpeg;base64,")
    assert "out <b>.mp4" in found.text
    for gone in (dataclasses.replace(done, out=tmp_path / "gone.mp4"), Prediction(tmp_path, 0, 0.0)):
        assert "img" not in Reading(gone._repr_html_()).tags


@pytest.mark.slow
def test_the_notebook_runs_from_video_to_report(tmp_path: Path) -> None:
    pytest.importorskip("nbconvert")
    shutil.copy(NOTEBOOK, tmp_path)
    command = [sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute", "--inplace", NOTEBOOK.name]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    page = (tmp_path / "quickstart" / "report.html").read_text(encoding="utf-8")
    assert page.count("<video ") == 2
    assert '"output_type": "error"' not in (tmp_path / NOTEBOOK.name).read_text(encoding="utf-8")


def test_the_notebook_is_kept_without_outputs() -> None:
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert text.count('"outputs": []') == text.count('"cell_type": "code"') == 7
