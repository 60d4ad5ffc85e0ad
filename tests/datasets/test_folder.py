"""Data sets of one's own: recordings and plain trees, by name and by path."""

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from own import FRAMES, SIZE, make_videos

from salzoo.cli import cli
from salzoo.data import open_dataset
from salzoo.datasets.folder import open_folder
from salzoo.gaze.truth import has_density, has_fixations, has_gaze, read_density, read_fixations
from salzoo.interfaces import SalzooError
from salzoo.testing import check_dataset
from salzoo.video.writing import video_writer

GAZE = """video,observer,start_ms,duration_ms,x,y
a,p,0.000,400.000,20.500,10.500
a,p,500.000,1000.000,70.000,50.000
a,q,20.000,500.000,20.500,10.500
b,p,0.000,2000.000,40.000,30.000
c,p,0.000,2000.000,40.000,30.000
still,q,10.000,200.000,60.000,20.000
still,q,500.000,200.000,10.000,20.000
"""

VIDEO = """
[[videos]]
id = "{id}"
file = "videos/{id}.{ending}"
split = "{split}"
width = 80
height = 60
rate = {rate}
sigma = 4.0
"""


def write_set(folder: Path, first: str = "true") -> Path:
    make_videos(folder / "videos", ["a.avi", "b.avi", "c.avi", "still.png"])
    (folder / "gaze.csv").write_text(GAZE)
    splits = {"a": "train", "b": "val", "c": "test", "still": "train"}
    head = f'format = 1\nobservers = 2\nsigma = "sigma 4 pixels"\n[gaze]\nfirst_fixations = {first}\n'
    videos = [
        VIDEO.format(
            id=name, split=split, ending="png" if name == "still" else "avi", rate=0 if name == "still" else 25
        )
        for name, split in splits.items()
    ]
    (folder / "set.toml").write_text(head + "".join(videos))
    return folder


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_set(tmp_path_factory.mktemp("sets") / "my-set")


def write_tree(folder: Path, kinds: tuple[str, ...] = ("images", "maps", "fixation"), video: str = "") -> Path:
    """Two videos of three frames in each split; ``video`` puts a file "beside" their folder or "inside" it."""
    for split in ("train", "val", "testing"):
        for name in (f"{split}-street", f"{split}-sea"):
            for kind in kinds:
                (folder / split / name / kind).mkdir(parents=True)
                for frame in (1, 2, 3):
                    picture = np.zeros((*SIZE, 3), np.uint8)
                    picture[20, 5 + frame] = 255 if kind != "images" else (1, 2, 3)
                    cv2.imwrite(str(folder / split / name / kind / f"{frame:04}.png"), picture)
            if video:
                place = folder / split if video == "beside" else folder / split / name
                make_videos(place, [f"{name}.avi"], frames=3)
    return folder


def test_recordings_pass_the_conformance_suite(recorded: Path) -> None:
    check_dataset("folder", recorded)


@pytest.mark.parametrize(
    ("kinds", "video"),
    [
        (("images", "maps", "fixation"), ""),
        (("images", "maps"), ""),
        (("fixation",), "beside"),
        (("maps", "fixation"), "inside"),
    ],
)
def test_trees_pass_the_conformance_suite(kinds: tuple[str, ...], video: str, tmp_path: Path) -> None:
    dataset = open_folder(write_tree(tmp_path / "tree", kinds, video))
    assert [each.id for each in dataset.split("test")] == ["testing-sea", "testing-street"]
    for each in dataset.videos:
        assert (each.frames, each.annotated) == (3, True)
        assert (has_density(each), has_fixations(each)) == ("maps" in kinds, "fixation" in kinds)
    if len(kinds) + bool(video) == 3:
        check_dataset("folder", tmp_path / "tree")
        assert np.argwhere(read_fixations(dataset.videos[0], 1)).tolist() == [[20, 7]]
        assert read_density(dataset.videos[0], 1)[20, 7] == 255


def test_a_fixation_lies_on_the_frames_that_it_lasts_for(recorded: Path) -> None:
    video = open_folder(recorded).videos[0]
    assert has_gaze(video)
    counts = [[len(points) for points in video.read_gaze(index)] for index in range(FRAMES)]  # type: ignore[attr-defined]
    assert [row[0] for row in counts] == [1] * 10 + [0] * 2 + [1] * 26 + [
        0
    ] * 12  # frames of 40 ms: 500 ms is in the 13th
    assert [row[1] for row in counts] == [1] * 13 + [0] * 37
    assert video.read_gaze(12)[0].tolist() == [[70, 50]]  # type: ignore[attr-defined]
    assert np.argwhere(read_fixations(video, 0)).tolist() == [[10, 20]]


def test_frames_are_those_shown_then_where_the_rate_varies(tmp_path: Path) -> None:
    """25 frames of 40 ms, then 25 of 200 ms: the mean rate would put half of them elsewhere."""
    folder = write_set(tmp_path / "set")
    (folder / "videos" / "a.avi").unlink()
    with video_writer(folder / "videos" / "a.mkv", SIZE, 8) as put:
        for index in range(50):
            put(np.full((*SIZE, 3), 90, np.uint8), Fraction(index, 25) if index < 25 else Fraction(index - 25, 5) + 1)
    text = (
        (folder / "set.toml").read_text().replace("videos/a.avi", "videos/a.mkv").replace("rate = 25", "rate = 8.3", 1)
    )
    (folder / "set.toml").write_text(text)
    (folder / "gaze.csv").write_text(f"{GAZE.splitlines()[0]}\na,p,0,1000,10,10\na,p,1000,5000,70,50\n")
    video = open_folder(folder).videos[0]
    assert video.frames == 50
    seen = [video.read_gaze(index)[0].tolist() for index in range(50)]  # type: ignore[attr-defined]
    assert seen == [[[10, 10]]] * 25 + [[[70, 50]]] * 25


def test_all_fixations_on_an_image_count(recorded: Path) -> None:
    still = open_folder(recorded).videos[3]
    assert (still.id, still.frames, still.frame_name(0)) == ("still", 1, "still")
    assert [points.tolist() for points in still.read_gaze(0)] == [[], [[60, 20], [10, 20]]]  # type: ignore[attr-defined]


def test_the_first_fixation_can_be_left_out(recorded: Path, tmp_path: Path) -> None:
    dataset = open_dataset(f"{recorded}:first=false")
    assert dataset.name == "my-set:first=false"
    assert "the first fixation of each viewing is left out" in dataset.note
    assert [len(points) for points in dataset.videos[0].read_gaze(0)] == [0, 0]  # type: ignore[attr-defined]
    assert [len(points) for points in dataset.videos[0].read_gaze(20)] == [1, 0]  # type: ignore[attr-defined]
    without = write_set(tmp_path / "set", first="false")  # left out when it was made: not once more
    for name in (str(without), f"{without}:first=false"):
        assert [len(points) for points in open_dataset(name).videos[0].read_gaze(0)] == [1, 1]  # type: ignore[attr-defined]
        assert "left out" in open_dataset(name).note
    with pytest.raises(SalzooError, match="cannot be left out"):
        open_dataset(f"{write_tree(tmp_path / 'tree')}:first=false")


def test_a_path_names_a_data_set(recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(recorded.parent)
    for name in ("my-set", "./my-set", str(recorded), "my-set/"):
        assert open_dataset(name).note.startswith("my-set, 2 observers")
    with pytest.raises(SalzooError, match=r"data set folder \./no-set does not exist"):
        open_dataset("./no-set")
    with pytest.raises(SalzooError, match="unknown data set 'no-set'"):
        open_dataset("no-set")
    with pytest.raises(SalzooError, match="named twice"):
        open_dataset("my-set", tmp_path)
    with pytest.raises(SalzooError, match="has no parameter 'last'"):
        open_dataset("my-set:last=true")
    (recorded.parent / "synthetic").mkdir()  # a registered name stays one
    with pytest.raises(SalzooError, match="synthetic"):
        open_dataset("synthetic", recorded)


DAMAGES = {
    "no toml": ("set.toml", "format = \n", "is not as salzoo data import writes it"),
    "another format": ("set.toml", "format = 3\n", "is of format 3"),
    "no videos": (
        "set.toml",
        'format = 1\nobservers = 1\nsigma = ""\n[gaze]\nfirst_fixations = true\n',
        "lacks 'videos'",
    ),
    "another split": ("set.toml", '"val"', '"dev"', "another file, split or size"),
    "a file elsewhere": ("set.toml", '"videos/b.avi"', '"../../b.avi"', "another file, split or size"),
    "a size of nothing": ("set.toml", "width = 80", "width = 0", "0 is another size or number"),
    "a sigma of nothing": ("set.toml", "sigma = 4.0", "sigma = nan", "another rate or sigma"),
    "twice": ("set.toml", 'id = "b"', 'id = "a"', "names a video twice"),
    "another header": ("gaze.csv", "video,", "clip,", "does not begin with the line"),
    "no number": ("gaze.csv", "70.000", "seventy", "is damaged in line 3"),
    "a short line": ("gaze.csv", ",50.000", "", "is damaged in line 3"),
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_damaged_sets_are_named(kind: str, tmp_path: Path) -> None:
    name, *changes, words = DAMAGES[kind]
    folder = write_set(tmp_path / "set")
    text = (folder / name).read_text()
    (folder / name).write_text(changes[0] if len(changes) == 1 else text.replace(changes[0], changes[1], 1))
    with pytest.raises(SalzooError, match=words):
        open_folder(folder).videos[0].read_gaze(0)  # type: ignore[attr-defined]


def test_missing_parts_are_named(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set")
    (folder / "gaze.csv").unlink()
    (folder / "videos" / "a.avi").unlink()
    with pytest.raises(SalzooError, match=r"gaze\.csv"):
        open_folder(folder)
    (folder / "gaze.csv").write_text(GAZE)
    with pytest.raises(SalzooError, match=r"a\.avi"):
        next(open_folder(folder).videos[0].read_frames())


def test_trees_that_do_not_fit_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SalzooError, match=r"neither the set\.toml .* nor SPLIT/VIDEO/images"):
        open_folder(tmp_path / "empty")
    tree = write_tree(tmp_path / "tree")
    (tree / "train" / "train-sea" / "maps" / "0002.png").unlink()
    with pytest.raises(SalzooError, match=r"train-sea has different numbers of frames: .*in maps number 2 is missing"):
        open_folder(tree).videos[0].frames  # noqa: B018
    one = tree / "val" / "val-sea"
    for path in (one / "fixation").iterdir():
        path.unlink()
    (one / "fixation").rmdir()
    with pytest.raises(SalzooError, match="val-sea has maps alone, where other videos have both"):
        open_folder(tree)
    for path in (one / "images").iterdir():
        path.unlink()
    (one / "images").rmdir()
    with pytest.raises(SalzooError, match="val-sea has neither images nor a video file"):
        open_folder(tree)


def test_commands_take_a_path(recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    checked = CliRunner().invoke(cli, ["data", "check", str(recorded)])
    assert checked.exit_code == 0, checked.output
    assert "my-set train: 2 videos, 51 frames" in checked.output
    scored = CliRunner().invoke(
        cli, ["eval", "center-bias", "--dataset", str(recorded), "--max-frames", "5", "--workers", "1"]
    )
    assert scored.exit_code == 0, scored.output
    assert "my-set, 2 observers" in scored.output
    assert (tmp_path / "eval-my-set-val.json").is_file()
