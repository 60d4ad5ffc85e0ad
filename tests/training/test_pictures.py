"""Strips of a video: what they show, and the scores below."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import salzoo
from salzoo.data import open_dataset
from salzoo.interfaces import Video
from salzoo.training.pictures import AREA, LEFT, draw_strip, save_strips, watch


@pytest.fixture(scope="module")
def video(tiny_data: Path) -> Video:
    return open_dataset("synthetic", tiny_data).split("val")[0]


def test_scores_below_a_strip_are_those_of_eval(tiny_data: Path, video: Video) -> None:
    scoring = salzoo.Scoring("synthetic", root=tiny_data, first=6, per_frame=True)
    result = salzoo.evaluate(["center-bias"], scoring)[0]
    assert result.per_frame is not None
    moments = list(watch(salzoo.load_model("center-bias"), video, [1, 5]))
    assert [moment.label for moment in moments] == ["0002", "0006"]
    for moment in moments:
        expected = dict(zip(result.metrics, result.per_frame[video.id][moment.label], strict=True))
        assert moment.scores == pytest.approx({"cc": expected["cc"], "nss": expected["nss"]}, nan_ok=True)
        assert moment.score_texts()[0] == f"CC {expected['cc']:.2f}"


def test_a_strip_holds_its_pictures_between_labels(video: Video) -> None:
    moments = list(watch(salzoo.load_model("center-bias"), video, [0, 3, 9]))
    height, width = moments[0].frame.shape[:2]
    assert height * width == pytest.approx(AREA, rel=0.03)
    assert width / height == pytest.approx(640 / 360, rel=0.03)
    strip = draw_strip(moments)
    assert strip.shape[1] == LEFT + 3 * (width + 2)
    second = strip[:, LEFT + width + 2 :][:, :width]
    for row, picture in enumerate((moments[1].frame, moments[1].people, moments[1].model)):
        assert (second[20 + row * (height + 2) :][:height] == picture).all()
    assert (strip[:, : LEFT - 2].max(2) > 200).any()  # what the rows are called
    assert (second[20 + 3 * (height + 2) :].max(2) > 200).any()  # the scores
    alone = draw_strip(moments[:1])
    assert (alone[20 : 20 + height, 2 : 2 + width] == moments[0].frame).all()


@dataclass(frozen=True)
class FixationsAlone:
    """A video whose data set has neither density nor gaze."""

    id: str = "clip"
    split: str = "val"
    frames: int = 2
    annotated: bool = True

    def frame_name(self, index: int) -> str:
        return f"{index}" * 300

    def read_frames(self, start: int = 0, stop: int | None = None):
        return iter([np.full((40, 200, 3), 90, np.uint8)] * 2)

    def read_fixations(self, index: int):
        fixations = np.zeros((40, 200), bool)
        fixations[20, 100] = index == 0
        return fixations


def test_a_set_of_fixations_alone_has_strips_too(tmp_path: Path) -> None:
    first, second = watch(salzoo.load_model("center-bias"), FixationsAlone(), [0, 1])
    assert list(first.scores) == ["nss"]
    assert (first.people.max(), second.people.max()) == (255, 0)
    assert second.score_texts() == ["NSS undefined"]
    save_strips(salzoo.load_model("center-bias"), [FixationsAlone()], tmp_path)
    assert (tmp_path / "clip.png").exists()
