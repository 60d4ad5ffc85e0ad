"""What is shown, averaged and written for the page, without the page."""

import base64
import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from small_sets import write_osie

from salzoo import RunOptions, predict_frames
from salzoo.app.look import LEVELS, Look, make_average, shown_size
from salzoo.app.worker import Worker, shown_model
from salzoo.cli import cli
from salzoo.data import open_dataset
from salzoo.interfaces import SalzooError
from salzoo.prediction.inputs import Input
from salzoo.regions.reading import Medium, read_regions
from salzoo.regions.shapes import Rectangle
from salzoo.video.overlay import resize_map
from salzoo.video.reading import probe_video
from salzoo.video.writing import video_writer

MODEL = "spectral-residual"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    with video_writer(path, (90, 160), 25) as write:
        for number in range(40):
            image = np.full((90, 160, 3), 40 if number < 25 else 190, np.uint8)
            cv2.circle(image, (20 + 3 * number, 45), 12, (60, 90, 240), -1)
            write(image)
    return path


def look_at(folder: Path, *files: Path, models: tuple[str, ...] = (MODEL, "center-bias")) -> Look:
    look = Look([Input.of(file) for file in files], [shown_model(name) for name in models], folder)
    for count in look.run():
        assert count == len(look.times)
    assert look.found()["count"] == look.about()["total"]
    return look


@pytest.fixture(scope="module")
def look(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Look:
    return look_at(tmp_path_factory.mktemp("look"), clip)


def test_an_average_of_kept_maps_is_that_of_the_model(clip: Path, look: Look) -> None:
    for average, spec in (
        ({}, MODEL),
        ({"alpha": 0.3}, f"{MODEL}+ema:alpha=0.3@output"),
        ({"tau": 0.2}, f"{MODEL}+ema:tau=0.2@output"),
    ):
        wanted = [map_ for _, map_ in predict_frames(spec, clip, RunOptions(engine="torch", precision="float32"))]
        found = list(look.maps(0, make_average(average)))
        assert len(found) == len(wanted) == 40
        for index in (0, 33, 39):  # 33: behind the border of two clips
            np.testing.assert_allclose(resize_map(found[index], (90, 160)), wanted[index], atol=2e-5)


def test_an_average_takes_the_place_of_the_model_s_own(clip: Path, tmp_path: Path) -> None:
    look = look_at(tmp_path, clip, models=(f"{MODEL}+ema:alpha=0.2@output",))
    assert look.about()["own"] == [{"alpha": 0.2}]
    plain = [map_ for _, map_ in predict_frames(MODEL, clip, RunOptions(engine="torch", precision="float32"))]
    np.testing.assert_allclose(resize_map(list(look.maps(0, None))[30], (90, 160)), plain[30], atol=2e-5)
    for wrong in ({"alpha": 0}, {"tau": float("nan")}, {"alpha": 0.1, "tau": 1}, {"beta": 1}, {"alpha": "x"}):
        with pytest.raises(SalzooError):
            make_average(wrong)


def test_what_the_page_is_given(clip: Path, look: Look) -> None:
    about, found = look.about(), look.found()
    rows, columns = about["grid"]
    grid = np.fromfile(look.folder / "0.grid", np.uint16).reshape(40, rows, columns)
    first = next(iter(look.maps(0, None)))
    np.testing.assert_allclose(grid[0] / LEVELS, resize_map(first, (rows, columns)), atol=1e-4)
    assert found["cuts"] == [25]
    np.testing.assert_allclose(found["times"], np.arange(40) / 25, atol=1e-6)
    assert (about["video"], about["size"], about["rate"]) == (True, (90, 160), 25)
    played = probe_video(look.folder / "play.mp4")
    assert (played.frames, played.height, played.width) == (40, 90, 160)


def test_nothing_is_blown_up() -> None:
    assert [shown_size(size) for size in ((90, 160), (2000, 1000), (1, 1))] == [(90, 160), (960, 480), (2, 2)]


def test_files_to_download(look: Look, tmp_path: Path) -> None:
    worker = Worker({})
    worker.looks[str(look.folder)] = look
    half = {"name": 'left, "half"', "rectangle": [0, 0, 80, 90]}
    job = {
        "folder": str(look.folder),
        "model": 1,
        "source": 0,
        "opacity": 0.5,
        "colormap": "jet",
        "average": {"alpha": 0.5},
    }
    made = worker.write({**job, "kind": "csv", "regions": [half]})["made"]
    with (look.folder / made).open(newline="") as file:
        rows = list(csv.DictReader(file))
    np.testing.assert_allclose([float(row['share of left, "half"']) for row in rows], [0.5] * 40, atol=0.01)
    np.testing.assert_allclose([float(row["centroid_x"]) for row in rows], [80] * 40, atol=0.5)
    made = worker.write({**job, "kind": "json", "regions": [half, half]})["made"]
    found = read_regions(look.folder / made).of(Medium("clip.mp4", (90, 160)))
    assert [(region.name, region.at(0)) for region in found] == [
        ('left, "half"', Rectangle(0, 0, 80, 90)),
        ('left, "half" 2', Rectangle(0, 0, 80, 90)),
    ]
    made = worker.write({**job, "kind": "mp4", "regions": []})["made"]
    assert made == "1-center-bias+ema_alpha=0.5@output.mp4"
    assert probe_video(look.folder / made).frames == 40
    wrong: list[Any] = [{"name": "a"}, {"name": "a", "mask": "/dev/zero"}, {"name": "a", "mask": "../0.png"}, 3, {}]
    wrong += [{"name": "a", "rectangle": place} for place in ([1, 2], ["a"] * 4, [0, 0, float("nan"), 1], [0, 0, 0, 1])]
    for regions in (*([each] for each in wrong), [half] * 101):
        with pytest.raises(SalzooError, match=r"region|that is not laid out") as raised:
            worker.write({**job, "kind": "csv", "regions": regions})
        assert str(look.folder) not in str(raised.value)
    with pytest.raises(SalzooError, match="no longer at hand"):
        worker.write({**job, "folder": "elsewhere", "kind": "csv", "regions": []})


def test_a_file_of_regions_is_drawn(look: Look) -> None:
    """What stands in it comes to the page as our own JSON has it, and back; of any shape, and moving."""
    worker = Worker({})
    worker.looks[str(look.folder)] = look
    path = look.folder / "given.csv"
    job = {
        "folder": str(look.folder),
        "model": 1,
        "source": 0,
        "file": str(path),
        "name": "mine.csv",
        "called": "a.mp4",
    }
    path.write_text(
        "name,x,y,width,height,shape,points,time\nball,10,10,20,20,ellipse,,0\nball,90,10,20,20,ellipse,,1\n"
        "left,,,,,,0 0 80 0 80 90 0 90,\n"
    )
    found = worker.read_regions(job)
    assert found["says"] == "2 regions of mine.csv"
    ball, left = json.loads(json.dumps(found["look"]["regions"]))
    assert ball == {
        "name": "ball",
        "places": [{"time": 0, "ellipse": [10, 10, 20, 20]}, {"time": 1, "ellipse": [90, 10, 20, 20]}],
    }
    values = {"opacity": 0.5, "colormap": "jet", "average": {}, "kind": "csv", "regions": [ball, left]}
    with (look.folder / worker.write({**job, **values})["made"]).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert abs(float(rows[0]["share of left"]) - 0.5) < 0.02
    assert float(rows[0]["share of ball"]) > 0
    assert rows[-1]["share of ball"] == "nan"  # it is there for a second
    mask = np.zeros((3, 3), np.uint8)
    mask[0] = mask[2] = 255
    packed = base64.b64encode(cv2.imencode(".png", mask)[1].tobytes()).decode()
    shape = {"label": "bars", "shape_type": "mask", "points": [[10, 20], [12, 22]], "mask": packed}
    masks = look.folder / "given.json"
    masks.write_text(json.dumps({"shapes": [shape]}))
    (bars,) = json.loads(json.dumps(worker.read_regions({**job, "file": str(masks)})["look"]["regions"]))
    assert bars["polygon"] == [
        [[10, 20], [13, 20], [13, 21], [10, 21]],
        [[10, 22], [13, 22], [13, 23], [10, 23]],
    ]
    assert worker.write({**job, **values, "regions": [bars]})
    for text in ("name\nx\n", "name,mask\na,/etc/passwd\n", "name,x,y,width,height\na,900,900,1,1\n"):
        path.write_text(text)
        with pytest.raises(SalzooError) as raised:
            worker.read_regions(job)
        assert str(path) not in str(raised.value)


def test_what_people_will_do_with_regions_of_a_picture(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8))
    look = look_at(tmp_path, tmp_path / "a.png", models=("center-bias",))
    worker = Worker({})
    worker.looks[str(tmp_path)] = look
    middle = {"name": "middle", "rectangle": [20, 15, 40, 30]}
    found = worker.forecast({"folder": str(tmp_path), "model": 0, "source": 0, "regions": [middle]})["look"]
    (row,) = found["forecasts"]
    assert row["share_low"] <= row["share"] <= row["share_high"]
    assert row["seen_1s"] <= row["seen_2s"] <= 1
    assert "was not measured of center-bias" in found["notes"][0]
    json.dumps(found, allow_nan=False)


def test_pictures_are_scenes_of_their_own(tmp_path: Path) -> None:
    files = []
    for number, shape in enumerate(((60, 80, 3), (50, 40, 3))):
        files.append(tmp_path / f"{number}.png")
        cv2.imwrite(str(files[-1]), np.random.default_rng(number).integers(0, 255, shape, np.uint8))
    look = look_at(tmp_path, *files, models=(MODEL,))
    assert look.found()["frames"] == [(60, 80), (50, 40)]
    assert (look.about()["video"], len(list(look.maps(0, None, 1)))) == (False, 1)


def test_people_s_gaze_goes_with_a_data_set_s_pictures(tmp_path: Path) -> None:
    write_osie(tmp_path / "osie")
    video = open_dataset("osie", tmp_path / "osie").split("test")[0]
    look = Look([Input.of_video(video)], [shown_model("center-bias")], tmp_path)
    assert list(look.run()) == [1]
    (points,) = look.found()["people"]
    height, width = next(video.read_frames()).shape[:2]
    fixated = video.read_gaze(0)  # type: ignore[attr-defined]
    pixels = {(int(x), int(y)) for each in fixated for x, y in each}
    assert {(int(x * width), int(y * height)) for x, y in points} == pixels


def test_what_cannot_be_looked_at(clip: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"\0" * 1000)
    for files, models, message in (
        ([clip, clip], [MODEL], "drop one video, or pictures"),
        ([clip], [], "choose one to 3 models"),
        ([clip], [MODEL] * 4, "choose one to 3 models"),
        ([tmp_path / "broken.mp4"], [MODEL], "broken.mp4"),
    ):
        with pytest.raises(SalzooError, match=message):
            Look([Input.of(file) for file in files], [shown_model(name) for name in models], tmp_path)


def test_a_job_that_is_stopped_keeps_what_is_there(clip: Path, tmp_path: Path) -> None:
    told: list[dict[str, object]] = []
    answers = iter([False, False, True])
    stopped: Callable[[], bool] = lambda: next(answers)  # noqa: E731
    job = {"do": "look", "models": [MODEL], "files": [str(clip)], "folder": str(tmp_path)}
    found = Worker({}).look(job, told.append, stopped)
    assert found["look"]["count"] == 3
    assert probe_video(tmp_path / "play.mp4").frames == 3


def test_the_folder_of_a_space(tmp_path: Path) -> None:
    from huggingface_hub import RepoCard

    def write(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(cli, ["app", *words])
        return done.exit_code, done.output

    out = tmp_path / "space"
    code, text = write("--space", "lab/gaze", "center-bias", "gaze-lite", "-o", str(out))
    assert (code, f"hf upload lab/gaze {out}" in text) == (0, True)
    assert sorted(path.name for path in out.iterdir()) == ["Dockerfile", "README.md", "app.py"]
    card = RepoCard.load(out / "README.md")
    assert (card.data.to_dict()["sdk"], card.data.to_dict()["app_port"]) == ("docker", 7860)
    compile((out / "app.py").read_text(), "app.py", "exec")
    assert "serve(['center-bias', 'gaze-lite']" in (out / "app.py").read_text()
    for words, message in (
        (["--space", "gaze"], "names no Space"),
        (["--space", "lab/gaze", "-o", str(out)], "is there already"),
        (["--space", "lab/gaze", str(tmp_path)], "is a folder here"),
        (["--space", "lab/gaze", "no-such.pt"], "is no model"),
        (["-o", str(out)], "--out goes with --space"),
    ):
        code, text = write(*words)
        assert code != 0
        assert message in text
