"""What is shown, measured and written on the page, without the page."""

import csv
from importlib.util import find_spec
from pathlib import Path
from threading import Event

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from salzoo import predict_frames
from salzoo.app.look import Look, read_areas
from salzoo.cli import cli
from salzoo.interfaces import SalzooError
from salzoo.prediction.outputs import OutputOptions
from salzoo.prediction.runs import Runner
from salzoo.video.reading import probe_video
from salzoo.video.writing import video_writer

MODEL = "spectral-residual"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    with video_writer(path, (90, 160), 25) as write:
        for number in range(40):
            image = np.full((90, 160, 3), 40, np.uint8)
            cv2.circle(image, (20 + 3 * number, 45), 12, (60, 90, 240), -1)
            write(image)
    return path


def look_at(folder: Path, *files: Path, models: tuple[str, ...] = (MODEL, "center-bias")) -> Look:
    look = Look(files, models, folder)
    count = sum(1 for _ in look.run([Runner(name, engine="torch", count=lambda: None) for name in models], Event()))
    assert count == look.count == look.total
    return look


def test_a_moving_average_of_kept_maps_is_that_of_the_model(clip: Path, tmp_path: Path) -> None:
    look = look_at(tmp_path, clip)
    for alpha, spec in ((1.0, MODEL), (0.3, f"{MODEL}+ema:alpha=0.3@output")):
        wanted = [map_ for _, map_ in predict_frames(spec, clip, engine="torch")]
        found = list(look.maps(0, alpha))
        assert len(found) == len(wanted) == 40
        for index in (0, 33, 39):  # 33: behind the border of two clips
            resized = cv2.resize(found[index], (160, 90), interpolation=cv2.INTER_CUBIC)
            if found[index].size > 160 * 90:
                resized = cv2.resize(found[index], (160, 90), interpolation=cv2.INTER_AREA)
            np.testing.assert_allclose(np.clip(resized, 0, 1), wanted[index], atol=1e-5)


def test_what_is_drawn_follows_frame_alpha_and_opacity(clip: Path, tmp_path: Path) -> None:
    look = look_at(tmp_path, clip)
    first, center = look.draw(20, 1, OutputOptions())
    assert first.shape == center.shape == (90, 160, 3)
    others = [look.draw(20, 0.1, OutputOptions()), look.draw(3, 1, OutputOptions()), look.draw(20, 1, OutputOptions())]
    assert [bool((other[0] == first).all()) for other in others] == [False, False, True]
    plain = look.draw(20, 1, OutputOptions(opacity=0))[0]
    np.testing.assert_allclose(plain.astype(int), look.frame(20).image.astype(int), atol=1)


def test_areas_and_files(clip: Path, tmp_path: Path) -> None:
    look = look_at(tmp_path, clip)
    boxes = read_areas("0,0,80,90\n 80,0,160,90\n")
    rows = list(look.shares(1, boxes))
    assert len(rows) == 40 * 2 * 2
    whole = [sum(share for at, name, _, share in rows if name == MODEL and at == time) for time in look.times]
    np.testing.assert_allclose(whole, 1, atol=1e-6)
    areas = tmp_path / "areas.csv"
    areas.write_text("name,x,y,width,height\nleft,0,0,80,90\n")
    written = [path.name for path in look.write(0.5, OutputOptions(overwrite=True), areas)]
    assert written == [
        f"1-{name}-{kind}" for name in look.names for kind in ("overlay.mp4", "maps.mkv", "measures.csv")
    ]
    assert probe_video(tmp_path / written[0]).frames == probe_video(tmp_path / written[1]).frames == 40
    with (tmp_path / written[5]).open(newline="") as file:
        shares = [float(row["left"]) for row in csv.DictReader(file)]
    np.testing.assert_allclose(shares, 0.5, atol=0.01)  # center bias


def test_pictures_are_scenes_of_their_own(tmp_path: Path) -> None:
    files = []
    for number, shape in enumerate(((60, 80, 3), (50, 40, 3))):
        files.append(tmp_path / f"{number}.png")
        cv2.imwrite(str(files[-1]), np.random.default_rng(number).integers(0, 255, shape, np.uint8))
    look = look_at(tmp_path, *files, models=(MODEL,))
    assert [look.draw(index, 0.1, OutputOptions())[0].shape for index in (0, 1)] == [(60, 80, 3), (50, 40, 3)]
    assert len(list(look.shares(1, read_areas("0,0,9,9")))) == 2
    assert len([path for path in look.write(0.1, OutputOptions(overwrite=True), None) if path.exists()]) == 6


def test_work_ends_when_the_page_is_closed(clip: Path, tmp_path: Path) -> None:
    look, ended = Look([clip], [MODEL], tmp_path), Event()
    for _ in look.run([Runner(MODEL, engine="torch", count=lambda: None)], ended):
        ended.set()
    assert look.count == 1


@pytest.mark.parametrize("text", ["1,2,3", "a,b,c,d", "5,5,5,9", "nan,0,1,1", "0,0,inf,9"])
def test_what_is_no_area_is_one_line(text: str) -> None:
    with pytest.raises(SalzooError, match="area"):
        read_areas(text)


def test_files_that_cannot_be_looked_at(clip: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"\0" * 1000)
    for files, models, message in (
        ([clip, clip], [MODEL], "drop one video, or pictures"),
        ([tmp_path / "x.png"] * 21, [MODEL], "at most 20 pictures"),
        ([clip], [], "choose one to 3 models"),
        ([clip], [MODEL] * 4, "choose one to 3 models"),
        ([tmp_path / "broken.mp4"], [MODEL], "broken.mp4"),
    ):
        with pytest.raises(SalzooError, match=message):
            Look(files, models, tmp_path)


def test_the_folder_of_a_space(tmp_path: Path) -> None:
    if find_spec("gradio") is None:  # importing it takes seconds
        pytest.skip("no gradio here")
    from huggingface_hub import RepoCard

    def write(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(cli, ["app", *words])
        return done.exit_code, done.output

    out = tmp_path / "space"
    code, text = write("--space", "lab/gaze", "center-bias", "gaze-lite", "-o", str(out))
    assert (code, f"hf upload lab/gaze {out}" in text) == (0, True)
    assert sorted(path.name for path in out.iterdir()) == ["README.md", "app.py", "requirements.txt"]
    card = RepoCard.load(out / "README.md")
    assert (card.data.to_dict()["sdk"], card.data.to_dict()["app_file"]) == ("gradio", "app.py")
    compile((out / "app.py").read_text(), "app.py", "exec")
    assert "serve(['center-bias', 'gaze-lite']" in (out / "app.py").read_text()
    for words, message in (
        (["--space", "gaze"], "names no Space"),
        (["--space", "lab/gaze", "-o", str(out)], "is there already"),
        (["--space", "lab/gaze", str(tmp_path)], "is a folder here"),
        (["--space", "lab/gaze", "no-such.pt"], "is no model"),
        (["-o", str(out)], "--out goes with --space"),
        (["no-such-model", "--port", "0"], "no-such-model"),
    ):
        code, text = write(*words)
        assert code != 0
        assert message in text
