"""``salzoo data import``: a simulated recording gives back its fixations; what does not fit is counted and named."""

import csv
import tomllib
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from own import DEGREE, FRAMES, SCREEN, SIZE, make_videos, recordings, to_stimulus, write_samples
from recording import compare

from salzoo.cli import cli
from salzoo.datasets.folder import read_gaze_table
from salzoo.datasets.splits import split_videos
from salzoo.gaze.setup import Setup
from salzoo.gaze.truth import read_density

VIDEOS = ["a.avi", "b.avi", "still.png"]


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_videos(tmp_path_factory.mktemp("own") / "videos", VIDEOS)


def run(out: Path, videos: Path, *arguments: object) -> Result:
    given = ["data", "import", *map(str, arguments), "--videos", str(videos), "--to", str(out)]
    return CliRunner().invoke(cli, given)


def fixations(tmp_path: Path, *rows: str, header: str = "stimulus,observer,start_ms,duration_ms,x,y") -> Path:
    path = tmp_path / "gaze.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def settings(folder: Path) -> dict[str, object]:
    return tomllib.loads((folder / "set.toml").read_text(encoding="utf-8"))


SCREENED = ("--screen", "1920x1080", "--pixels-per-degree", DEGREE)


@pytest.mark.parametrize("fraction", [False, True])
@pytest.mark.parametrize("noise", [0.05, 0.2])
def test_a_recording_gives_back_its_fixations(videos: Path, tmp_path: Path, fraction: bool, noise: float) -> None:
    made = recordings(VIDEOS, 3, noise=noise)
    table = write_samples(tmp_path / "gaze.csv", made, fraction=fraction)
    units = ("--units", "fraction", "--origin", "lower-left") if fraction else ()
    result = run(tmp_path / "set", videos, table, *SCREENED, *units)
    assert result.exit_code == 0, result.output
    gaze = read_gaze_table(tmp_path / "set" / "gaze.csv")
    assert gaze.observers == ("p0", "p1", "p2")
    scale = SCREEN[0] / SIZE[0]
    for (stimulus, observer), (_, _, true) in made.items():
        rows = gaze.fixations[Path(stimulus).stem]
        found = rows[rows[:, 0] == int(observer[1]), 1:]
        recall, share, _, error = compare(found, to_stimulus(true), DEGREE / scale)
        assert recall == 1
        assert share == 1
        assert error < 0.6 * noise + 0.01
    table_entry = settings(tmp_path / "set")["tables"][0]  # type: ignore[index]
    assert table_entry["method"] == "ivt"
    assert table_entry["degrees_per_second"] == 30
    assert table_entry["samples_per_second"] == 250


def test_what_is_made_says_how(videos: Path, tmp_path: Path) -> None:
    table = write_samples(tmp_path / "gaze.csv", recordings(VIDEOS, 2))
    result = run(tmp_path / "set", videos, table, *SCREENED, "--detect", "idt", "--threshold", 1.5, "--seed", 3)
    assert result.exit_code == 0, result.output
    assert "samples; stimulus = stimulus, observer = observer, time = time, x = x, y = y" in result.output
    assert "places in pixels of a screen of 1920×1080 pixels, origin upper-left; time in ms" in result.output
    assert "samples in which the eye was not seen" in result.output
    made = settings(tmp_path / "set")
    assert made["format"] == 2
    assert made["seed"] == 3
    assert made["tables"][0]["degrees"] == 1.5  # type: ignore[index]
    assert made["tables"][0]["placement"] == "fit"  # type: ignore[index]
    by_id = {video["id"]: video for video in made["videos"]}  # type: ignore[attr-defined]
    assert {each["split"] for each in by_id.values()} == {"train", "val", "test"}
    assert (by_id["a"]["width"], by_id["a"]["height"], by_id["a"]["rate"]) == (80, 60, 25)
    assert by_id["a"]["sigma"] == round(DEGREE / 18, 3)
    assert by_id["still"]["rate"] == 0
    linked = tmp_path / "set" / "videos" / "a.avi"
    assert linked.is_symlink()
    assert linked.read_bytes() == (videos / "a.avi").read_bytes()


def test_copies_where_asked(videos: Path, tmp_path: Path) -> None:
    table = fixations(tmp_path, "a,p,0,200,10,10", "b,p,0,200,10,10")
    result = run(tmp_path / "new" / "set", videos, table, "--copy")
    assert result.exit_code == 0, result.output
    assert not (tmp_path / "new" / "set" / "videos" / "a.avi").is_symlink()
    assert "nobody watched 1 of 3 videos and images, left out: still" in result.output
    assert sorted(path.name for path in (tmp_path / "new" / "set" / "videos").iterdir()) == ["a.avi", "b.avi"]


def test_its_own_table_is_read_again(videos: Path, tmp_path: Path) -> None:
    table = write_samples(tmp_path / "gaze.csv", recordings(VIDEOS, 2))
    assert run(tmp_path / "one", videos, table, *SCREENED).exit_code == 0
    assert run(tmp_path / "two", videos, tmp_path / "one" / "gaze.csv").exit_code == 0
    assert (tmp_path / "one" / "gaze.csv").read_text() == (tmp_path / "two" / "gaze.csv").read_text()


def test_the_first_fixation_can_be_left_out(videos: Path, tmp_path: Path) -> None:
    rows = ["a,p,0,200,40,30", "a,p,300,200,10,10", "a,q,0,200,40,30", "a,q,250,200,20,20", "a,r,0,1000,40,30"]
    assert run(tmp_path / "set", videos, fixations(tmp_path, *rows), "--leave-out-first").exit_code == 0
    kept = read_gaze_table(tmp_path / "set" / "gaze.csv").fixations["a"]
    assert kept[:, 1:].tolist() == [[0.3, 0.2, 10, 10], [0.25, 0.2, 20, 20]]
    assert settings(tmp_path / "set")["gaze"]["first_fixations"] is False  # type: ignore[index]


def test_samples_with_events_as_tobii_exports_them(videos: Path, tmp_path: Path) -> None:
    """Two fixations at once after each other, a saccade, rows between stimuli; the clock is the recording's."""
    header = (
        "Recording timestamp [μs]\tParticipant name\tPresented Media name\tEye movement type\tEye movement type index\t"
        "Gaze event duration [ms]\tFixation point X (MCSnorm)\tFixation point Y (MCSnorm)"
    )
    lines = [header, "5000000\tp1\t\tFixation\t1\t100\t\t"]
    events = [("Fixation", 2, 0.5, 0.5)] * 30 + [("Fixation", 3, 0.25, 0.75)] * 20 + [("Saccade", 1, "", "")] * 5
    for number, (kind, index, x, y) in enumerate(events + [("Fixation", 4, 0.1, 0.1)] * 10):
        lines.append(f"{6_000_000 + 8_000 * number}\tp1\ta.avi\t{kind}\t{index}\t200\t{x}\t{y}")
    path = tmp_path / "export.tsv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    result = run(tmp_path / "set", videos, path)
    assert result.exit_code == 0, result.output
    assert "left out: 1 rows without a stimulus" in result.output
    found = read_gaze_table(tmp_path / "set" / "gaze.csv").fixations["a"][:, 1:]
    expected = [[0, 0.24, 40, 30], [0.24, 0.16, 20, 45], [0.44, 0.08, 8, 6]]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_fixations_as_pupil_player_exports_them(tmp_path: Path) -> None:
    """No columns of stimulus and observer: one video, and each table is an observer; origin at the lower left."""
    videos = make_videos(tmp_path / "videos", ["a.avi"])
    header = "id,start_timestamp,duration,norm_pos_x,norm_pos_y"
    for name, last in (("ann", "2,2093.8,300.0,0.5,0.9"), ("bob", "2,2093.8,300.0,0.1,0.1")):
        rows = [header, "1,2093.5,220.0,0.25,0.75", last]
        (tmp_path / f"{name}.csv").write_text("\n".join(rows))
    result = run(tmp_path / "set", videos, tmp_path / "ann.csv", tmp_path / "bob.csv")
    assert result.exit_code == 0, result.output
    gaze = read_gaze_table(tmp_path / "set" / "gaze.csv")
    assert gaze.observers == ("ann", "bob")
    expected = [[0, 0, 0.22, 20, 15], [0, 0.3, 0.3, 40, 6]]
    np.testing.assert_allclose(gaze.fixations["a"][:2], expected, atol=1e-4)


def test_samples_without_a_clock_are_timed_by_their_rate(videos: Path, tmp_path: Path) -> None:
    path = tmp_path / "gaze.csv"
    path.write_text("stimulus,observer,x,y\n" + "a,p,10,10\n" * 50 + "a,p,60,50\n" * 50)
    refused = run(tmp_path / "set", videos, path)
    assert refused.exit_code == 1
    assert "give the samples per second with --rate" in refused.output
    assert run(tmp_path / "set", videos, path, "--rate", 100).exit_code == 0
    found = read_gaze_table(tmp_path / "set" / "gaze.csv").fixations["a"]
    assert len(found) == 2
    np.testing.assert_allclose(found[:, 1], [0, 0.5], atol=0.04)


GOOD = ["a,p,0,200,40,30", "a,p,300,200,10,10", "b,p,0,300,70,50"]

BAD = {
    "unknown stimuli": (
        ["c.avi,p,0,200,40,30", "c.avi,q,0,200,40,30"],
        "2 rows on names of which there is no video or image: 'c.avi'",
    ),
    "points outside": (
        ["a,p,600,200,81,30", "b,q,0,200,9,-3"],
        "2 fixations outside their stimulus (first: p on a at x",
    ),
    "not a number": (["a,p,600,200,nan,30"], "1 fixations without time, duration, x or y (first: p on a)"),
    "no place": (["a,p,600,200,,"], "1 fixations without time, duration, x or y"),
    "a negative duration": (["a,p,600,-5,40,30"], "1 fixations of a negative duration"),
    "after the end": (
        ["a,p,2000,200,40,30"],
        "1 fixations before their video begins or after it ends (first: p on a at 2",
    ),
    "before the start": (["a,p,-500,400,40,30"], "1 fixations before their video begins"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_does_not_fit_is_counted_and_named(kind: str, videos: Path, tmp_path: Path) -> None:
    rows, words = BAD[kind]
    table = fixations(tmp_path, *GOOD, *rows)
    result = run(tmp_path / "set", videos, table)
    assert result.exit_code == 1
    assert words in result.output
    assert "--drop-outside" in result.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gaze.csv"]
    result = run(tmp_path / "set", videos, table, "--drop-outside")
    assert result.exit_code == 0, result.output
    assert f"left out: {words.split(' (first')[0]}" in result.output
    assert sum(settings(tmp_path / "set")["left_out"].values()) == len(rows)  # type: ignore[attr-defined]
    gaze = read_gaze_table(tmp_path / "set" / "gaze.csv")
    assert sum(map(len, gaze.fixations.values())) == len(GOOD)


def test_gaze_in_one_quarter_is_noticed(videos: Path, tmp_path: Path) -> None:
    """As percent taken for pixels lie, or places that count from the middle of which half was left out."""
    rows = [f"still,p,{300 * n},200,{x},{y}" for n, (x, y) in enumerate([(5 + n, 25 - n) for n in range(20)])]
    noticed = "20 fixations lie in the upper left quarter of what was watched"
    assert noticed in run(tmp_path / "set", videos, fixations(tmp_path, *rows)).output
    elsewhere = fixations(tmp_path, *rows, "still,p,9000,200,70,50")
    assert "quarter of what" not in run(tmp_path / "other", videos, elsewhere).output


def test_a_viewing_that_stands_twice_in_a_table_is_refused(videos: Path, tmp_path: Path) -> None:
    result = run(tmp_path / "set", videos, fixations(tmp_path, *GOOD, *GOOD))
    assert result.exit_code == 1
    assert "repeats gaze of 'p' that it or a table before it has" in result.output
    assert not (tmp_path / "set").exists()


def test_samples_of_both_eyes_are_noticed(videos: Path, tmp_path: Path) -> None:
    path = tmp_path / "gaze.csv"
    rows = "".join(f"a,p,{4 * n},10,10\na,p,{4 * n},12,10\n" for n in range(50))
    path.write_text("stimulus,observer,time,x,y\n" + rows)
    result = run(tmp_path / "set", videos, path)
    assert result.exit_code == 1
    assert "50 samples at the time of another (both eyes, or watched twice?)" in result.output


REFUSED = {
    "fractions taken for pixels": ("a,p,{n},200,0.5,0.{n}", (), "no pixels: nine in ten are at most 0.71"),
    "pixels taken for fractions": ("a,p,{n}0,200,40,30", ("--units", "fraction"), "no fractions from 0 to 1"),
    "another unit of time": ("a,p,{n}00,200,40,30", ("--time-unit", "s"), "before their video begins or after it ends"),
    "another length": ("a,p,{n}00,200000,40,30", (), "last at most 200000, which is no fixation's length in ms"),
    "no such column": ("a,p,{n}00,200,40,30", ("--column", "x=gaze"), "no column 'gaze'"),
    "all outside": ("a,p,{n}00,200,400,300", ("--drop-outside",), "not one fixation was found"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_other_units_and_columns_are_noticed(kind: str, videos: Path, tmp_path: Path) -> None:
    row, options, words = REFUSED[kind]
    table = fixations(tmp_path, *(row.format(n=n % 10) for n in range(30)))
    result = run(tmp_path / "set", videos, table, *options)
    assert result.exit_code == 1
    assert words in result.output
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--time-unit", "s"), "samples are 4 apart, which is no tracker's rate in s"),
        (("--rate", "60"), "come at 250 a second, not at the 60 named with --rate"),
    ],
)
def test_another_rate_is_noticed(options: tuple[str, ...], words: str, videos: Path, tmp_path: Path) -> None:
    path = tmp_path / "gaze.csv"
    path.write_text("stimulus,observer,time,x,y\n" + "".join(f"a,p,{4 * n},10,10\n" for n in range(100)))
    result = run(tmp_path / "set", videos, path, *options)
    assert result.exit_code == 1
    assert words in result.output


def test_screen_and_stimulus_are_not_confused(videos: Path, tmp_path: Path) -> None:
    header = "stimulus,observer,CURRENT_FIX_START,CURRENT_FIX_DURATION,CURRENT_FIX_X,CURRENT_FIX_Y"
    table = fixations(tmp_path, "a,p,0,200,960,540", header=header)
    result = run(tmp_path / "set", videos, table)
    assert result.exit_code == 1
    assert "'CURRENT_FIX_X' of" in result.output
    assert "--screen 1920x1080" in result.output
    assert run(tmp_path / "set", videos, table, "--screen", "1920x1080").exit_code == 0
    assert read_gaze_table(tmp_path / "set" / "gaze.csv").fixations["a"][0, 3:].tolist() == [40, 30]


def test_videos_need_durations_and_images_do_not(videos: Path, tmp_path: Path) -> None:
    for name, status in (("a", 1), ("still", 0)):
        table = fixations(tmp_path, f"{name},p,40,30", f"{name},p,20,20", header="stimulus,observer,x,y")
        result = run(tmp_path / "set", videos, table, "--rows", "fixations")
        assert result.exit_code == status, result.output
        assert ("the duration of fixations, which a video needs" in result.output) == bool(status)
    assert len(read_gaze_table(tmp_path / "set" / "gaze.csv").fixations["still"]) == 2


def test_folders_that_do_not_do_are_named(videos: Path, tmp_path: Path) -> None:
    table = fixations(tmp_path, *GOOD)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("mine")
    assert "is no empty folder" in run(tmp_path / "full", videos, table).output
    assert (tmp_path / "full" / "file").read_text() == "mine"
    assert "does not exist" in run(tmp_path / "set", tmp_path / "none", table).output
    assert "holds no videos or images" in run(tmp_path / "set", tmp_path / "full", table).output
    twins = make_videos(tmp_path / "twins", ["a.avi", "a.png"])
    assert "two files named a: a.avi and a.png" in run(tmp_path / "set", twins, table).output
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.mp4").write_bytes(b"no video")
    assert "a.mp4" in run(tmp_path / "set", tmp_path / "broken", table).output
    assert not (tmp_path / "set").exists()
    assert (
        "no column that is known to name the stimulus"
        in run(tmp_path / "set", videos, fixations(tmp_path, "p,0,200,1,1", header="observer,time,duration,x,y")).output
    )


@pytest.mark.parametrize(
    "options",
    [
        *[("--screen", "1920"), ("--placement", "left"), ("--placement", "1,2,0,4"), ("--column", "x"), ()],
        *[(option, value) for option in ("--start", "--gap", "--pixels-per-degree") for value in ("nan", "inf")],
        ("--lost", "nan,1"),
    ],
)
def test_wrong_options_are_wrong_usage(options: tuple[str, ...], videos: Path, tmp_path: Path) -> None:
    table = [fixations(tmp_path, *GOOD)] if options else []
    assert run(tmp_path / "set", videos, *table, *options).exit_code == 2


@examples(max_examples=30)
@given(
    screen=st.tuples(st.integers(100, 3000), st.integers(100, 3000)),
    size=st.tuples(st.integers(10, 4000), st.integers(10, 4000)),
    placement=st.one_of(
        st.sampled_from(["fit", "center", "stretch"]),
        st.tuples(st.floats(-500, 500), st.floats(-500, 500), st.floats(10, 3000), st.floats(10, 3000)),
    ),
)
def test_stimuli_lie_where_they_were_placed(
    screen: tuple[int, int], size: tuple[int, int], placement: "str | tuple[float, float, float, float]"
) -> None:
    left, top, scale_x, scale_y = Setup(screen=screen, placement=placement).placed(size)  # type: ignore[arg-type]
    right, bottom = left + scale_x * size[1], top + scale_y * size[0]
    corners = np.array([left, top, right, bottom])
    if placement == "stretch":
        np.testing.assert_allclose(corners, [0, 0, screen[1], screen[0]])
    elif isinstance(placement, str):
        assert scale_x == scale_y
        np.testing.assert_allclose([left + right, top + bottom], [screen[1], screen[0]])
        assert scale_x == 1 or placement == "fit"
        if placement == "fit":
            assert max((right - left) / screen[1], (bottom - top) / screen[0]) == pytest.approx(1)
    else:
        x, y, width, height = placement
        np.testing.assert_allclose(corners, [x, y, x + width, y + height], atol=1e-9)


@examples(max_examples=20)
@given(st.sets(st.text("abcdef", min_size=1, max_size=4), min_size=1, max_size=30), st.integers(0, 5))
def test_splits_depend_on_names_and_seed_alone(ids: set[str], seed: int) -> None:
    splits = split_videos(sorted(ids), seed)
    assert split_videos(sorted(ids, reverse=True), seed) == splits
    counts = [list(splits.values()).count(split) for split in ("train", "val", "test")]
    assert sum(counts) == len(ids)
    assert counts[0] >= 1
    if len(ids) >= 3:
        assert counts[1] == counts[2] == max(1, round(len(ids) / 5))


def test_the_density_lies_where_people_looked(videos: Path, tmp_path: Path) -> None:
    """A fixation lies on the frames that it lasts for, and its density has its peak there."""
    from salzoo.data import open_dataset

    table = fixations(tmp_path, "a,p,0,400,20.5,10.5", "a,q,400,1000,60.5,50.5")
    assert run(tmp_path / "set", videos, table).exit_code == 0
    video = open_dataset(str(tmp_path / "set")).videos[0]
    peaks = [np.unravel_index(read_density(video, index).argmax(), SIZE) for index in (0, 9, 10, 34)]
    assert peaks == [(10, 20), (10, 20), (50, 60), (50, 60)]
    assert not read_density(video, 35).any()
    assert video.frames == FRAMES
    rows = list(csv.reader((tmp_path / "set" / "gaze.csv").open()))
    assert rows[1] == ["a", "p", "1", "0.000", "400.000", "20.500", "10.500"]
