"""Inputs of all kinds, and the frames that are taken of them."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

import salzoo
from salzoo.cli import cli
from salzoo.interfaces import SalzooError
from salzoo.prediction.engines.engine import EXACT
from salzoo.prediction.inputs import Input, Selection, find_inputs
from salzoo.prediction.listing import read_list
from salzoo.video.pictures import write_image
from salzoo.video.reading import probe_video, read_video
from salzoo.video.writing import video_writer

SIZE = (32, 48)


def picture(level: int) -> NDArray[np.uint8]:
    return np.full((*SIZE, 3), level, np.uint8)


def write_clip(path: Path, frames: int = 10) -> Path:
    with video_writer(path, SIZE, 10) as write:
        for index in range(frames):
            write(picture(20 * index))
    return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two clips, a picture, the frames of a third clip, and something else."""
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    write_clip(Path("in/a.avi"))
    write_clip(Path("in/b.avi"), 4)
    write_image(Path("in/c.png"), picture(90))
    Path("in/notes.txt").write_text("no input")
    Path("shot").mkdir()
    for index in range(1, 12):
        write_image(Path(f"shot/f{index}.png"), picture(20 * index))
    return tmp_path


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["in"], ["a", "b", "c"]),
        (["in/*.avi"], ["a", "b"]),
        (["in/c.png", "in/a.avi"], ["c", "a"]),
        (["shot"], sorted(f"f{number}" for number in range(1, 12))),
        (["shot/f%d.png"], ["f"]),
        (["-"], ["stdin"]),
    ],
)
def test_words_name_inputs(folder: Path, words: list[str], names: list[str]) -> None:
    assert [source.name for source in find_inputs(words)] == names


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["gone.mp4"], "gone.mp4 does not exist"),
        (["in/*.mov"], r"no file matches in/\*\.mov"),
        (["g%03d.png"], "no file matches g%03d.png"),
        (["in/a.avi", "in/../in/a.avi"], "would both be called a"),
        ([], "name an input"),
    ],
)
def test_words_that_name_nothing(folder: Path, words: list[str], message: str) -> None:
    with pytest.raises(SalzooError, match=message):
        find_inputs(words)


def test_a_folder_without_videos_and_images(folder: Path) -> None:
    Path("bare").mkdir()
    with pytest.raises(SalzooError, match="bare holds no video and no image"):
        find_inputs(["bare"])


def test_every_kind_of_picture_that_is_read_is_a_still() -> None:
    assert all(
        Input.of(Path(f"a{ending}")).still for ending in (".png", ".jpg", ".tif", ".webp", ".bmp", ".pgm", ".ppm")
    )


def test_numbered_images_are_frames_in_the_order_of_their_numbers(folder: Path) -> None:
    (source,) = find_inputs(["shot"], sequence=True)
    stream = source.open()
    found, info = list(stream.frames), stream.info
    assert info is not None
    assert (info.frames, info.fps, info.height, info.width) == (11, 25.0, *SIZE)
    assert [int(frame.image[0, 0, 0]) for frame in found] == [20 * number for number in range(1, 12)]
    assert [float(frame.time) for frame in found[:3]] == [0.0, 0.04, 0.08]
    write_image(Path("shot/f12.png"), np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(SalzooError, match=r"f12\.png has another size"):
        list(find_inputs(["shot"], sequence=True)[0].open().frames)


def test_a_list_may_name_a_sequence_and_no_id_stands_for_several(folder: Path) -> None:
    Path("list.csv").write_text("id,path\none,shot\ntwo,shot/f%d.png\n")
    assert [(each.name, len(each.files)) for each in read_list("list.csv", sequence=True)] == [("one", 11), ("two", 11)]
    with pytest.raises(SalzooError, match="line 2: shot stands for 11 inputs, which cannot have one id"):
        read_list("list.csv")
    with pytest.raises(SalzooError, match="shot stands for 11 inputs: name one"):
        salzoo.predict("center-bias", "shot", "x.mp4")


def test_a_part_of_a_video(folder: Path) -> None:
    (source,) = find_inputs(["in/a.avi"])
    found = list(source.open(Selection(start=0.2, stop=0.8, every=2)).frames)
    assert [float(frame.time) for frame in found] == pytest.approx([0, 0.2, 0.4])
    assert [round(float(frame.image.mean()) / 20) for frame in found] == [2, 4, 6]
    with pytest.raises(SalzooError, match="no frame lies from 3 s to 2 s"):
        Selection(3, 2)
    with pytest.raises(SalzooError, match="no frame in the part"):
        salzoo.predict("center-bias", "in/a.avi", "x.mp4", selection=Selection(start=60))
    assert not Path("x.mp4").exists()


def test_a_pipe(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Pipe:
        buffer = io.BytesIO(Path("in/b.avi").read_bytes())

    monkeypatch.setattr("salzoo.prediction.inputs.sys.stdin", Pipe)
    done = salzoo.predict("center-bias", "-", "piped.avi")
    assert done.frames == probe_video(Path("piped.avi")).frames == 4


def run(*arguments: str) -> str:
    result = CliRunner().invoke(cli, ["predict", "--device", "cpu", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_several_inputs_and_resuming(folder: Path) -> None:
    run("center-bias", "in", "shot", "--sequence", "-o", "new/maps")
    assert {path.name: len(list(path.iterdir())) for path in Path("new/maps").iterdir() if path.is_dir()} == {
        "a": 10, "b": 4, "shot": 11
    }  # fmt: skip
    for path in Path("new/maps/a").iterdir():
        path.unlink()
    before = Path("new/maps/b/0001.png").stat().st_mtime_ns
    assert "1 done, 10 frames; 2 were there; 0 failed" in run("center-bias", "in", "-o", "new/maps")
    assert len(list(Path("new/maps/a").iterdir())) == 10
    assert Path("new/maps/b/0001.png").stat().st_mtime_ns == before
    run("center-bias", "in/a.avi", "in/b.avi", "-o", "films", "--as", "mkv", "--every", "2")
    assert [len(list(read_video(Path(f"films/{name}.mkv")))) for name in "ab"] == [5, 2]
    result = CliRunner().invoke(cli, ["predict", "center-bias", "in/a.avi", "in/b.avi", "-o", "one.mp4"])
    assert result.exit_code == 2
    assert "2 inputs cannot all become one.mp4" in result.stderr


def test_a_network_may_see_some_frames_alone_and_each_gets_its_map(folder: Path) -> None:
    said = run("spectral-residual", "in/a.avi", "-o", "some.npz", "--run-every", "3", "--engine", "torch")
    assert "; it sees one frame in 3" in said
    run("spectral-residual", "in/a.avi", "-o", "all.npz", "--engine", "torch", "--precision", "float32")
    some, whole = np.load("some.npz"), np.load("all.npz")
    assert some["maps"].shape == whole["maps"].shape
    np.testing.assert_array_equal(some["times"], whole["times"])
    run("center-bias", "in", "-o", "out", "--as", "csv", "--run-every", "2")
    done = CliRunner().invoke(cli, ["predict", "center-bias", "in", "-o", "out", "--as", "csv", "--device", "cpu"])
    assert "holds outputs of run every 2, not 1" in done.output


def test_the_first_word_is_the_model_where_it_names_one(folder: Path) -> None:
    def refused(*words: str) -> str:
        result = CliRunner().invoke(cli, ["predict", *words, "-o", "x"])
        assert result.exit_code in (1, 2)
        return result.stderr

    assert "center-bias is a model: name an INPUT too" in refused("center-bias")
    assert "did you mean 'center-bias'" in refused("center-bia", "in/a.avi")
    assert "gone.mp4 does not exist" in refused("gone.mp4")
    assert "gone.mp4 does not exist" in refused("in/a.avi", "gone.mp4")


def test_without_a_model_the_default_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("salzoo.hub.sources.DEFAULT_MODEL", "center-bias")
    assert "10 frames" in run("in/a.avi", "-o", "x.mkv")


def test_frames_from_python() -> None:
    frames = [picture(level) for level in (10, 20, 30)]

    def given() -> Iterator[NDArray[np.uint8]]:
        yield from frames

    for source in (given(), np.stack(frames), frames):
        pairs = list(salzoo.predict_frames("center-bias", source))
        assert [int(frame[0, 0, 0]) for frame, _ in pairs] == [10, 20, 30]
        assert {(map_.shape, map_.dtype.name) for _, map_ in pairs} == {(SIZE, "float32")}
    ((frame, saliency),) = salzoo.predict_frames("center-bias", frames[0])
    shown = salzoo.show(frame, saliency)
    assert shown.image.shape == (*SIZE, 3)
    assert shown.image[16, 24].max() > shown.image[0, 0].max()
    assert shown._repr_png_().startswith(b"\x89PNG")
    with pytest.raises(SalzooError, match=r"frame 0 is float32 \(4, 4, 3\): frames are arrays"):
        next(salzoo.predict_frames("center-bias", [np.zeros((4, 4, 3), np.float32)]))


def test_predicted_maps_are_of_all_frames(folder: Path) -> None:
    frames = list(read_video(Path("in/a.avi")))
    pairs = list(salzoo.predict_frames("spectral-residual", "in/a.avi", EXACT))
    assert len(pairs) == len(frames)
    assert all((frame == given).all() for (frame, _), given in zip(pairs, frames, strict=True))
