"""What a table says, and what it does not say: each kind of silent mistake, with its right value or its line."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from own import make_videos

from salzoo.cli import cli
from salzoo.datasets.folder import read_gaze_table

HEADER = "stimulus,observer,start_ms,duration_ms,x,y"


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of 80×60 pixels: a video of 2 s at 25 frames a second, and a picture."""
    return make_videos(tmp_path_factory.mktemp("meaning") / "videos", ["clip.avi", "pic.png"])


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_videos(tmp_path_factory.mktemp("one") / "videos", ["clip.avi"])


def run(folder: Path, videos: Path, text: str | bytes, *options: object, name: str = "gaze.csv") -> Result:
    table = folder / name
    table.write_bytes(text if isinstance(text, bytes) else text.encode())
    arguments = ["data", "import", str(table), "--videos", str(videos), "--to", str(folder / "set"), *map(str, options)]
    return CliRunner().invoke(cli, arguments)


def found(folder: Path, video: str = "pic") -> list[list[float]]:
    """Start and duration in ms, x and y, rounded."""
    rows = read_gaze_table(folder / "set" / "gaze.csv").fixations[video][:, 1:]
    return (rows * (1000, 1000, 1, 1)).round(1).tolist()


def samples(
    *parts: tuple[int, float, float], header: str = "stimulus,observer,time_ms,x,y", head: str = "pic.png,p1,"
) -> str:
    """Samples at 50 Hz: so many at each place."""
    lines, count = [header], 0
    for number, x, y in parts:
        for _ in range(number):
            lines.append(f"{head}{20 * count},{x},{y}")
            count += 1
    return "\n".join(lines) + "\n"


def test_lost_eyes_are_left_out_and_counted(videos: Path, tmp_path: Path) -> None:
    result = run(tmp_path, videos, samples((50, 40, 30), (30, 0, 0), (50, 60, 15)))
    assert "left out: 30 samples in which the eye was not seen: at exactly 0, 0" in result.output
    assert "the eye was not seen in 23.1% of 130 samples" in result.output
    assert [row[2:] for row in found(tmp_path)] == [[40, 30], [60, 15]]


def test_a_corner_is_named_and_can_mean_lost(videos: Path, tmp_path: Path) -> None:
    text = samples((50, 40, 30), (30, 0, 60), (50, 60, 15))
    result = run(tmp_path, videos, text)
    assert (
        "look at: 30 samples stand at exactly 0,60, a corner: lost eyes? --lost 0,60 leaves them out" in result.output
    )
    (tmp_path / "again").mkdir()
    result = run(tmp_path / "again", videos, text, "--lost", "0,60")
    assert result.exit_code == 0, result.output
    assert [row[2:] for row in found(tmp_path / "again")] == [[40, 30], [60, 15]]


def test_places_on_a_screen_that_nobody_named(videos: Path, tmp_path: Path) -> None:
    """On a picture of 80 by 60 pixels."""
    result = run(tmp_path, videos, samples((50, 900, 500), (50, 40, 30)))
    assert "look at" not in result.output
    result = run(tmp_path, videos, samples((50, 900, 500), (50, 1200, 800), (50, 40, 30)))
    assert result.exit_code == 1
    assert (
        "look at: 100 samples are far beside their stimulus of 80×60: were they measured on a screen" in result.output
    )


def test_short_gaps_do_not_split(videos: Path, tmp_path: Path) -> None:
    text = samples((30, 40, 30), (3, np.nan, np.nan), (30, 40, 30), (6, np.nan, np.nan), (30, 40, 30))
    assert run(tmp_path, videos, text).exit_code == 0
    assert [row[:2] for row in found(tmp_path)] == [[0, 1240], [1380, 580]]  # 60 ms do not, 120 ms do
    (tmp_path / "again").mkdir()
    assert run(tmp_path / "again", videos, text, "--gap", 0).exit_code == 0
    assert len(found(tmp_path / "again")) == 3


def test_rows_of_one_fixation_are_one(videos: Path, tmp_path: Path) -> None:
    """By number; without numbers by start; without either by lengths that reach over the next rows."""
    numbered = ["stimulus,fixation id,start timestamp [ms],duration [ms],x,y"]
    numbered += [f"pic,{n},{300 * n},250,{20 + 10 * n},{30 + 0.1 * k}" for n in range(3) for k in range(5)]
    sampled = ["stimulus,time_ms,duration_ms,x,y"]
    sampled += [f"pic,{17 * k},600,40,30" for k in range(35)] + [f"pic,{700 + 17 * k},300,20,10" for k in range(17)]
    three = [[0, 250, 20, 30.2], [300, 250, 30, 30.2], [600, 250, 40, 30.2]]
    unnumbered = [line.replace("fixation id", "nothing") for line in numbered]
    kinds = [(numbered, three), (unnumbered, three), (sampled, [[0, 600, 40, 30], [700, 300, 20, 10]])]
    for number, (lines, expected) in enumerate(kinds):
        (tmp_path / str(number)).mkdir()
        result = run(tmp_path / str(number), videos, "\n".join(lines) + "\n", "--drop-outside")
        assert result.exit_code == 0, result.output
        assert found(tmp_path / str(number)) == expected
        assert "rows more of the same fixations" in result.output


def test_people_that_no_column_tells_apart_are_not_averaged(videos: Path, tmp_path: Path) -> None:
    """Nor are fixations whose numbers begin again."""
    apart = "stimulus,name,start_ms,duration_ms,x,y\n" + "".join(f"pic,{n},0,300,{20 * n},30\n" for n in range(4))
    result = run(tmp_path, videos, apart)
    assert result.exit_code == 1
    assert "begin before the one before them ends (both eyes, or watched twice?)" in result.output
    assert "one observer, gaze" in result.output
    again = "stimulus,fixation_index,start_ms,duration_ms,x,y\npic,1,0,300,20,30\npic,1,900,300,60,30\n"
    assert run(tmp_path, videos, again).exit_code == 0
    assert found(tmp_path) == [[0, 300, 20, 30], [900, 300, 60, 30]]


def test_two_viewings_stay_two(videos: Path, tmp_path: Path) -> None:
    """By trial; by time that starts again; by what was shown between, in a recording's time."""
    rows = "pic,p1,{},0,300,40,30\npic,p1,{},350,300,10,10\n"
    trials = (
        "stimulus,observer,trial,start_ms,duration_ms,x,y\n"
        + rows.format(1, 1)
        + rows.format(2, 2).replace("40,30", "41,31")
    )
    result = run(tmp_path, videos, trials, "--leave-out-first")
    assert "in 2 viewings" in result.output
    assert found(tmp_path) == [[350, 300, 10, 10]] * 2
    again = samples((100, 10, 10)) + samples((100, 60, 50)).partition("\n")[2]
    (tmp_path / "b").mkdir()
    assert "in 2 viewings" in run(tmp_path / "b", videos, again).output
    assert [row[2:] for row in found(tmp_path / "b")] == [[10, 10], [60, 50]]
    lines = ["recording timestamp [ms],stimulus,x,y"]
    for number, (name, x) in enumerate([("pic", 10), ("clip", 20), ("pic", 60)]):
        lines += [f"{9000 + 2000 * number + 20 * k},{name},{x},10" for k in range(100)]
    (tmp_path / "c").mkdir()
    assert "in 3 viewings" in run(tmp_path / "c", videos, "\n".join(lines)).output
    assert found(tmp_path / "c") == [[0, 1980, 10, 10], [0, 1980, 60, 10]]


def test_where_pupils_video_began(one: Path, tmp_path: Path) -> None:
    """By the frames that the table numbers; by an option; else a line says what was taken."""
    header = "id,start_timestamp,duration,{}norm_pos_x,norm_pos_y"
    text = header.format("start_frame_index,") + "\n1,5000.5,400.0,12,0.5,0.75\n2,5001.0,300.0,25,0.25,0.25\n"
    assert run(tmp_path, one, text).exit_code == 0
    assert found(tmp_path, "clip") == [[500, 400, 40, 15], [1000, 300, 20, 45]]
    bare = text.replace("start_frame_index,", "").replace(",12,", ",").replace(",25,", ",")
    for name, options, start in (("b", ("--start", 4999.7), 800), ("c", (), 0)):
        (tmp_path / name).mkdir()
        result = run(tmp_path / name, one, bare, *options)
        assert found(tmp_path / name, "clip")[0][0] == start
        assert ("whose start nothing states" in result.output) == (not options)
    wrong = run(tmp_path, one, text.replace(",25,", ",49,"), "--clock", "recording")
    assert "times and frames in" in wrong.output or "is no empty folder" in wrong.output


def test_where_surfaces_begin(one: Path, tmp_path: Path) -> None:
    lines = ["gaze_timestamp,world_index,x_norm,y_norm,on_surf,confidence"]
    lines += [f"{5000 + 0.01 * k:.2f},{k // 3},0.25,0.9,{k != 5},{0.2 if k == 9 else 0.9}" for k in range(100)]
    result = run(tmp_path, one, "\n".join(lines))
    assert "origin lower-left" in result.output
    assert "1 samples in which the eye was not seen: off the surface" in result.output
    assert "1 samples in which the eye was not seen: confidence below 0.6" in result.output
    assert [row[2:] for row in found(tmp_path, "clip")] == [[20, 6]]


def test_sizes_are_read_from_the_table(videos: Path, tmp_path: Path) -> None:
    """Tobii Studio: the picture as shown, 40×30 at 100, 50 of the screen; pixels of it, or of the screen."""
    for name, column, place in (("a", "MCSpx", (20, 15)), ("b", "ADCSpx", (120, 65))):
        header = (
            f"RecordingTimestamp\tParticipantName\tMediaName\tRecordingResolution\tMediaPosX (ADCSpx)\t"
            f"MediaPosY (ADCSpx)\tMediaWidth\tMediaHeight\tGazeEventType\tFixationIndex\t"
            f"GazeEventDuration\tFixationPointX ({column})\t"
            f"FixationPointY ({column})"
        )
        rows = [
            f"{16 * k}\tP1\tpic.png\t1920 x 1080\t100\t50\t40\t30\tFixation\t1\t320\t{place[0]}\t{place[1]}"
            for k in range(20)
        ]
        (tmp_path / name).mkdir()
        result = run(tmp_path / name, videos, "\n".join([header, *rows]))
        assert result.exit_code == 0, result.output
        assert found(tmp_path / name) == [[0, 320, 40, 30]]


def test_fixations_in_order_without_times(videos: Path, tmp_path: Path) -> None:
    rows = [f"pic,{who},{10 + 5 * n},20" for who in ("p", "q") for n in range(8)]
    result = run(tmp_path, videos, "image,subject,x,y\n" + "\n".join(rows), "--leave-out-first")
    assert result.exit_code == 0, result.output
    assert "16 rows, fixations" in result.output
    assert [row[2] for row in found(tmp_path)] == [15, 20, 25, 30, 35, 40, 45] * 2


P1 = f"{HEADER}\npic,p1,"
FOUND = [[0, 300, 40, 30]]
BOTH = "stimulus,time_ms,left_x,left_y,right_x,right_y\n" + "".join(f"pic,{20 * k},38,30,42,30\n" for k in range(20))
STUDIO = (
    "MediaName\tParticipantName\tRecordingTimestamp\tGazeEventType\tGazeEventDuration\tFixationIndex\t"
    "FixationPointX (MCSpx)\tFixationPointY (MCSpx)\npic.png\tp1\t5000\tFixation\t300\t1\t40\t30\n"
    "pic.png\tp1\t5300\tSaccade\t20\t\t\t\npic.png\tp1\t5320\tFixation\t280\t2\t60\t15\n"
)
SMI = (
    "Trial,Stimulus,Participant,Category,Eye L/R,Index,Event Start Trial Time [ms],Event Duration [ms],"
    "Fixation Position X [px],Fixation Position Y [px]\n"
    "Trial001,pic.png,p1,Separator,-,1,0,0,-,-\nTrial001,pic.png,p1,Visual Intake,Left,1,0,300,40,30\n"
    "Trial001,pic.png,p1,Visual Intake,Right,1,4,310,44,30\nTrial001,pic.png,p1,Saccade,Left,1,300,20,-,-\n"
)
NEON = "section id,timestamp [ns],gaze x [px],gaze y [px],stimulus\n" + "".join(
    f"a,{1_700_000_000_000_000_000 + 5_000_000 * k},40,30,pic.png\n" for k in range(77)
)
HEADERLESS = ("--columns", "stimulus,observer,start_ms,duration_ms,x,y")

TABLES = {
    "r": ('"stimulus","observer","start_ms","duration_ms","x","y"\n"1","pic.png","p1",0,300,40,30\n', (), FOUND),
    "spaces": ("stimulus observer start_ms duration_ms x y\n pic  p1   0 300  40  30\n", (), FOUND),
    "no header": ("pic;p1;0;300;40,5;30\n", HEADERLESS, [[0, 300, 40.5, 30]]),
    "cp1252": (f"{P1}0,300,40,30\n".replace("p1", "Jürgen").encode("cp1252"), ("--encoding", "cp1252"), FOUND),
    "ends": ("image,x,y,start,end\npic,40,30,0.0,0.3\n", (), FOUND),
    "thousands": (
        f'{P1}0,"1,050",40,30\npic,p1,"1,200.5",300,4,3\n',
        (),
        [[0, 1050, 40, 30], [1200.5, 300, 4, 3]],
    ),
    "decimal commas": (HEADER.replace(",", ";") + "\npic;p1;0;300;1,500;2,5\n", (), [[0, 300, 1.5, 2.5]]),
    "columns twice, alike": (f"{HEADER},x,y\npic,p1,0,300,40,30,40,30\n", (), FOUND),
    "fixations of Tobii Studio, a row each": (STUDIO, (), [[0, 300, 40, 30], [320, 280, 60, 15]]),
    "an eye of SMI's events": (SMI, ("--eye", "left", "--screen", "80x60"), FOUND),
    "the world's time of Neon": (NEON, (), [[0, 380, 40, 30]]),
    "halves among whole numbers": (
        f"{P1}0,300,40,7.5\npic,p1,400,300,20,15\n",
        (),
        [[0, 300, 40, 7.5], [400, 300, 20, 15]],
    ),
    "both eyes": (BOTH, (), [[0, 380, 40, 30]]),
    "one eye": (BOTH, ("--eye", "right"), [[0, 380, 42, 30]]),
}


@pytest.mark.parametrize("kind", TABLES)
def test_tables_that_labs_have(kind: str, videos: Path, tmp_path: Path) -> None:
    text, options, expected = TABLES[kind]
    result = run(tmp_path, videos, text, *options)  # type: ignore[arg-type]
    assert result.exit_code == 0, result.output
    assert found(tmp_path) == expected


OPEN = "a quote that is not closed"

REFUSED = {
    "an open quote": (f'{HEADER}\n"pic,p1,0,300,40,30\npic,p1,400,300,40,30\npic",p1,9,9,9,9,9\n', OPEN),
    "an open quote at the end": (f'{P1}0,300,40,30\npic,p1,400,300,40,"30\npic,p1,800,300,4,3\n', OPEN),
    "commas of either kind": (f'{P1}0,"1,050",40,30\n', "may be 1050 or 1.050, and no other number tells"),
    "commas of both kinds": (
        HEADER.replace(",", ";") + "\npic;p1;0;300;40.5;3\npic;p1;400;300;1,5;3\n",
        "has both '1,5' and '40.5'",
    ),
    "columns twice, unlike": (f"{HEADER},x,y\npic,p1,0,300,40,30,41,30\n", "two different columns named 'x'"),
    "no header": ("1,2,3\n4,5,6\n", "has no header"),
    "another encoding": (f"{P1}0,300,40,30\n".replace("p1", "Jürgen").encode("cp1252"), "--encoding cp1252"),
    "no such encoding": (f"{P1}0,300,40,30\n", "there is no encoding 'klingon'"),
    "overlapping fixations": (
        f"{P1}0,300,40,30\npic,p1,100,350,20,10\npic,p1,600,300,4,3\n",
        "begin before the one before them ends",
    ),
    "a workbook": (b"PK\x03\x04xxxx", "save the sheet as CSV"),
    "both eyes in rows": (f"{HEADER},eye\npic,p,0,300,40,30,L\npic,p,0,300,41,30,R\n", "name one with --eye"),
    "both eyes of SMI's events": (SMI, "name one with --eye"),
    "text with NUL": (f"{P1}0,300,40,30\n".replace("p1", "p\0"), "holds NUL bytes in its line 2"),
    "text that ends in NUL": (f"{P1}0,300,40,30\n" + "\0" * 99, "holds NUL bytes in its line 3"),
    "JSON": ('[{"x": 40, "y": 30, "t": 0}]', "is JSON; write it as a table"),
    "lines of JSON": ('{"x": 40, "y": 30, "t": 0}\n{"x": 40, "y": 30, "t": 20}\n', "is JSON; write it as a table"),
    "percent": (f"{P1}0,300,40,30\n".replace("x,y", "x [%],y [%]"), "no column that is known to be x or y"),
    "points between thousands": (f"{P1}0,300,1.234,30\npic,p1,400,300,960,3\n", "'1.234' among whole numbers in 'x'"),
    "the world's time": (f"{P1}1729994399600,300,40,30\n", "1729994400 s after the stimulus began"),
    "other files alone": (
        f"{P1}0,300,40,30\n".replace("pic", "no.png"),
        "of which there is no video or image: 'no.png'",
    ),
    "no values": (f"{P1}0,300,,\n", "has no row with a value in both 'x' and 'y'"),
    "a very long header": ("x" * 200_000 + f",{HEADER}\n", "no column that is known"),
    "a very long line": ("x" * 2_000_000 + f",{HEADER}\n", "no table"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_told_is_refused_in_a_line(kind: str, videos: Path, tmp_path: Path) -> None:
    text, words = REFUSED[kind]
    options = ("--encoding", "klingon") if kind == "no such encoding" else ()
    result = run(tmp_path, videos, text, *options)
    assert result.exit_code == 1
    assert words in result.output
    assert len(result.output) < 2000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gaze.csv"]


def test_names_are_matched_as_they_are(tmp_path: Path) -> None:
    """Names that differ by case or folder are not one video; a table says which is which."""
    twins = make_videos(tmp_path / "twins", ["Clip.avi", "clip.avi"])
    text = f"{HEADER}\nClip.avi,p,0,300,40,30\nclip.avi,p,0,300,20,10\n"
    assert run(tmp_path, twins, text).exit_code == 0
    assert (found(tmp_path, "Clip"), found(tmp_path, "clip")) == ([[0, 300, 40, 30]], [[0, 300, 20, 10]])
    single = make_videos(tmp_path / "single", ["clip.avi", "other.avi"])
    folders = f"{HEADER}\na/clip.avi,p,0,300,40,30\nb/clip.avi,p,0,300,20,10\n"
    (tmp_path / "b").mkdir()
    result = run(tmp_path / "b", single, folders)
    assert "'a/clip.avi' and 'b/clip.avi' both look like clip.avi" in result.output
    (tmp_path / "names.csv").write_text("name,file\na/clip.avi,clip.avi\nb/clip.avi,other.avi\n")
    assert run(tmp_path / "b", single, folders, "--map", tmp_path / "names.csv").exit_code == 0
    assert found(tmp_path / "b", "other") == [[0, 300, 20, 10]]


def test_gaze_does_not_count_twice(videos: Path, tmp_path: Path) -> None:
    for folder in ("a", "b", "c"):
        (tmp_path / folder).mkdir()
    row = "start_ms,duration_ms,x,y\n0,300,40,30\n400,300,{},30\n"
    tables = {"a": row.format(10), "b": row.format(10), "c": row.format(20)}
    for folder, text in tables.items():
        (tmp_path / folder / "gaze.csv").write_text(text)

    def together(out: str, *folders: str) -> Result:
        given = [str(tmp_path / folder / "gaze.csv") for folder in folders]
        options = ["--videos", str(videos), "--to", str(tmp_path / out), "--stimulus", "pic.png"]
        return CliRunner().invoke(cli, ["data", "import", *given, *options])

    assert "hold the same" in together("set", "a", "b").output
    assert "hold the same" in together("set", "a", "a").output
    assert together("set", "a", "c").exit_code == 0
    assert read_gaze_table(tmp_path / "set" / "gaze.csv").observers == ("a/gaze", "c/gaze")


def test_a_share_may_be_left_out(videos: Path, tmp_path: Path) -> None:
    rows = [f"pic,p,{400 * n},300,{40 if n else 400},30" for n in range(20)]
    text = "\n".join([HEADER, *rows])
    result = run(tmp_path, videos, text, "--drop-outside", "2%")
    assert result.exit_code == 1
    assert "5.0% where 2.0% may be left out: 1 fixations outside" in result.output
    assert run(tmp_path, videos, text, "--drop-outside", "5%").exit_code == 0
    assert len(found(tmp_path)) == 19


@pytest.mark.parametrize("names", [100_000])
def test_many_unknown_names_are_one_line(names: int, videos: Path, tmp_path: Path) -> None:
    lines = [HEADER, *(f"v{n}.mp4,o,0,120,10,20" for n in range(names)), "pic,o,0,120,10,20"]
    result = run(tmp_path, videos, "\n".join(lines), "--drop-outside")
    assert result.exit_code == 0
    assert "left out: 100000 rows on names of which there is no video or image: 'v0.mp4', " in result.output
    assert len(result.output) < 2000
