"""Sets of one's own as experiments use them: folds, names, all splits, damage, and gaze that changed under a run."""

import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from own import make_videos
from test_folder import GAZE, write_set

from salzoo.cli import cli
from salzoo.data import open_dataset, own_name
from salzoo.interfaces import SalzooError
from salzoo.interfaces.dataset import digest_of


def imported(folder: Path, names: int = 6) -> Path:
    """A set of so many pictures, as ``salzoo data import`` makes it."""
    make_videos(folder / "pictures", [f"p{n}.png" for n in range(names)])
    rows = [f"p{n},{who},{300 * k},250,{10 + 5 * k},{20 + n}" for n in range(names) for who in "ab" for k in range(3)]
    (folder / "gaze.csv").write_text("\n".join(["stimulus,observer,start_ms,duration_ms,x,y", *rows]))
    arguments = ["data", "import", str(folder / "gaze.csv"), "--videos", str(folder / "pictures"), "--copy", "--to"]
    result = CliRunner().invoke(cli, [*arguments, str(folder / "my-set")])
    assert result.exit_code == 0, result.output
    assert f"salzoo data check {folder / 'my-set'} --draw gaze.png" in result.output
    return folder / "my-set"


def test_folds_have_each_video_in_one_test_split(tmp_path: Path) -> None:
    folder = imported(tmp_path)
    tests = []
    for fold in range(3):
        data = open_dataset(f"{folder}:folds=3,fold={fold}")
        assert data.name == f"my-set:fold={fold},folds=3"
        assert [len(data.split(split)) for split in ("train", "val", "test", "all")] == [2, 2, 2, 6]
        tests += [video.id for video in data.split("test")]
    assert sorted(tests) == [f"p{n}" for n in range(6)]
    for params, words in (
        ("folds=2", "folds must be 3 to 6"),
        ("folds=3,fold=3", "fold must be 0 to 2"),
        ("fold=1", "of how many"),
    ):
        with pytest.raises(SalzooError, match=words):
            open_dataset(f"{folder}:{params}")


def test_all_splits_are_scored_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = imported(tmp_path)
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(
        cli, ["eval", "spectral-residual", "--dataset", str(folder), "--split", "all", "--workers", "1"]
    )
    assert result.exit_code == 0, result.output
    assert (tmp_path / "eval-my-set-all.json").is_file()
    assert "6 images" in result.output or "6 videos" in result.output


def test_a_set_is_called_by_its_own_name(tmp_path: Path) -> None:
    first, second = write_set(tmp_path / "first"), write_set(tmp_path / "2nd set")
    one, two = open_dataset(str(first)), open_dataset(str(second))
    assert (one.name, two.name) == ("first", "set-2nd-set")
    assert open_dataset(one.name, first).name == "first"  # as a run has written them down
    assert open_dataset("first:first=false", first).name == "first:first=false"
    assert own_name(tmp_path / "osie") == "folder"  # a registered name stays one


@pytest.mark.slow
def test_two_sets_are_trained_on_together(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = imported(tmp_path / "a"), imported(tmp_path / "b").rename(tmp_path / "b" / "other")
    options = ["--recipe", "human", "--no-score", "--set", "frames=8", "--set", "still_batch=2", "--size", "48x64"]
    command = ["train", "salgan:width=0.05", "--init", "random", "--dataset", f"{first},{second}", *options]
    result = CliRunner().invoke(cli, [*command, "--device", "cpu", "--keep-state", "-o", str(tmp_path / "run")])
    assert result.exit_code == 0, result.output
    # and goes on with the same gaze alone
    for picture in (second / "videos").iterdir():
        cv2.imwrite(str(picture), np.full((60, 80, 3), 9, np.uint8))
    again = ["train", "--resume", str(tmp_path / "run"), "--epochs", "2", "--no-score", "--device", "cpu"]
    result = CliRunner().invoke(cli, again)
    assert result.exit_code == 1
    assert "was saved with other data" in result.output


def test_gaze_and_pictures_that_changed_are_told(tmp_path: Path) -> None:
    """What a saved state compares when its run goes on."""
    folder = imported(tmp_path)
    before = [digest_of(video) for video in open_dataset(str(folder)).videos]
    assert len({each for (each,) in before}) == 6
    cv2.imwrite(str(folder / "videos" / "p1.png"), np.zeros((60, 80, 3), np.uint8))
    text = (folder / "set.toml").read_text()
    (folder / "set.toml").write_text(
        "\n".join(line for line in text.splitlines() if not line.startswith("sha256 = ") or "# of" not in line)
    )
    (folder / "gaze.csv").write_text(
        (folder / "gaze.csv").read_text().replace("p2,a,1,0.000,250.000,10", "p2,a,1,0.000,250.000,11")
    )
    after = [digest_of(video) for video in open_dataset(str(folder)).videos]
    assert [one == other for one, other in zip(before, after, strict=True)] == [True, False, False, True, True, True]


OTHERWISE = "is not as salzoo data import"
CUT = "cut, damaged or changed"


def other(old: str, new: str) -> Callable[[str], str]:
    """One place of a text changed."""
    return lambda text: text.replace(old, new, 1)


DAMAGES: dict[str, tuple[str, Callable[[str], str | bytes], str]] = {
    "gaze cut": ("gaze.csv", lambda text: "\n".join(text.splitlines()[:5]) + "\n", CUT),
    "gaze emptied": ("gaze.csv", lambda text: "", "does not begin with the line"),
    "gaze of nothing": ("gaze.csv", lambda text: text.splitlines()[0] + "\n", CUT),
    "not a number": ("gaze.csv", other("250.000", "nan"), "is damaged in line 2"),
    "no text": ("gaze.csv", lambda text: b"\xff\xfe\x00", "is damaged"),
    "an id renamed": ("set.toml", other('id = "p1"', 'id = "q1"'), "fixations on 'p1', which is no video"),
    "an id elsewhere": ("set.toml", other('id = "p1"', 'id = "../../p1"'), "cannot be the id of a video"),
    "an id above": ("set.toml", other('id = "p1"', 'id = ".."'), "cannot be the id of a video"),
    "infinity": ("set.toml", other("width = 80", "width = inf"), "another size or number"),
    "400 digits": ("set.toml", other("width = 80", "width = " + "9" * 400), "another size or number"),
    "5000 digits": ("set.toml", other("width = 80", "width = " + "9" * 5000), OTHERWISE),
    "a long key": ("set.toml", other("observers = ", "k" * 100_000 + " = "), "lacks 'observers'"),
    "nesting": ("set.toml", lambda text: "a = " + "[" * 5000 + "\n" + text, OTHERWISE),
    "lists for numbers": ("set.toml", other("sigma = 2.5", "sigma = [1]"), OTHERWISE),
    "no list": ("set.toml", lambda text: "videos = 3\n" + text.partition("[[videos]]")[0], OTHERWISE),
    "another video": ("set.toml", other("frames = 1", "frames = 9"), "had 9 when its gaze was imported"),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return imported(tmp_path_factory.mktemp("whole"), names=3)


@pytest.mark.parametrize("kind", DAMAGES)
def test_damage_is_one_line_and_a_second(kind: str, whole: Path, tmp_path: Path) -> None:
    name, change, words = DAMAGES[kind]
    kept = (whole / name).read_bytes()
    changed = change(kept.decode())
    try:
        (whole / name).write_bytes(changed if isinstance(changed, bytes) else changed.encode())
        assert (whole / name).read_bytes() != kept
        start = time.perf_counter()
        result = CliRunner().invoke(cli, ["data", "check", str(whole)])
        assert time.perf_counter() - start < 10  # a second where nothing else runs
        command = ["predict", "center-bias", "--dataset", str(whole), "--split", "all", "-o", str(tmp_path / "o")]
        predicted = CliRunner().invoke(cli, command)
    finally:
        (whole / name).write_bytes(kept)
    for each in (result, predicted):
        assert each.exit_code == 1
        assert words in each.output
        assert max(map(len, each.output.splitlines())) < 600
    assert not list(tmp_path.rglob("*.png"))


def test_gaze_is_drawn_where_it_is(tmp_path: Path) -> None:
    """Dots at a hundredth of the sheet's pixels; a set without gaze is named."""
    folder = write_set(tmp_path / "set")
    result = CliRunner().invoke(cli, ["data", "check", str(folder), "--draw", str(tmp_path / "gaze.png")])
    assert result.exit_code == 0, result.output
    assert "gaze on 10 frames in" in result.output
    sheet = cv2.imread(str(tmp_path / "gaze.png"))
    assert sheet.shape[1] == 2 * (480 + 8)
    assert np.ptp(sheet[63 - 3 : 63 + 4, 123 - 3 : 123 + 4].astype(int), axis=2).max() > 100  # p at 20.5, 10.5 of 80×60
    (folder / "gaze.csv").write_text(GAZE.splitlines()[0] + "\n")
    result = CliRunner().invoke(cli, ["data", "check", str(folder), "--draw", str(tmp_path / "none.png")])
    assert result.exit_code == 1
    assert "no frame has gaze" in result.output
    assert not (tmp_path / "none.png").exists()
