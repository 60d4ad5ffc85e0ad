"""Tables of gaze: the exports of makers, spellings, encodings, and what is no table."""

from pathlib import Path

import numpy as np
import pytest

from salzoo.gaze.columns import Hint
from salzoo.gaze.reading import read_table
from salzoo.gaze.rows import find_fixated
from salzoo.gaze.tables import Layout, Table
from salzoo.interfaces import SalzooError


def table(tmp_path: Path, text: str | bytes, **how: object) -> Table:
    path = tmp_path / "gaze.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_table(path, Layout(**how))  # type: ignore[arg-type]


def names(found: Table, role: str) -> list[str]:
    held = found.name(role)  # type: ignore[arg-type]
    return held.values if held else []


EXPORTS = {
    "plain samples": (
        "stimulus,observer,time,x,y\na.mp4,p1,0,1.5,2\na.mp4,p1,4,,\n",
        "samples",
        {"stimulus": "stimulus", "observer": "observer", "time": "time", "x": "x", "y": "y"},
        {},
    ),
    "plain fixations": (
        "video,observer,start_ms,duration_ms,x,y\na,p1,0,250,1.5,2\na,p1,4,20,NA,NA\n",
        "fixations",
        {"stimulus": "video", "time": "start_ms", "duration": "duration_ms"},
        {"time": Hint(unit="ms", event=True), "duration": Hint(unit="ms")},
    ),
    "Tobii Pro Lab": (
        "Recording timestamp [ms]\tParticipant name\tPresented Stimulus name\tEye movement type\t"
        "Eye movement type index\tGaze event duration [ms]\tGaze point X [DACS px]\tGaze point Y [DACS px]\t"
        "Fixation point X [DACS px]\tFixation point Y [DACS px]\tFixation point X [MCS norm]\t"
        "Fixation point Y [MCS norm]\n"
        "100\tp1\ta\tFixation\t1\t200\t5\t6\t7\t8\t1,5\t2\n108\tp1\ta\tSaccade\t1\t30\t5\t6\t\t\t\t\n",
        "labelled",
        {"stimulus": "Presented Stimulus name", "x": "Fixation point X [MCS norm]", "event": "Eye movement type"},
        {"x": Hint(unit="fraction", space="stimulus", event=True)},
    ),
    "EyeLink Data Viewer": (
        "RECORDING_SESSION_LABEL\timage\tCURRENT_FIX_START\tCURRENT_FIX_DURATION\tCURRENT_FIX_X\tCURRENT_FIX_Y\n"
        "p1\ta.png\t120\t240\t1.5\t2\np1\ta.png\t400\t100\t.\t.\n",
        "fixations",
        {"observer": "RECORDING_SESSION_LABEL", "stimulus": "image", "x": "CURRENT_FIX_X"},
        {"time": Hint(unit="ms", clock="onset", event=True), "x": Hint(unit="pixels", space="screen", event=True)},
    ),
    "SMI BeGaze": (
        "Stimulus\tParticipant\tCategory\tEvent Start Trial Time [ms]\tEvent Duration [ms]\tFixation Position X [px]\t"
        "Fixation Position Y [px]\na.avi\tp1\tVisual Intake\t0\t250\t1.5\t2\na.avi\tp1\tSaccade\t250\t30\t-\t-\n",
        "fixations",
        {"stimulus": "Stimulus", "observer": "Participant", "event": "Category", "x": "Fixation Position X [px]"},
        {"x": Hint(unit="pixels", space="screen", event=True), "duration": Hint(unit="ms")},
    ),
    "Pupil Player": (
        "id,start_timestamp,duration,start_frame_index,end_frame_index,norm_pos_x,norm_pos_y,dispersion\n"
        "1,2093.1,220.5,0,6,1.5,2,0.9\n2,2093.5,220.5,0,6,,,0.9\n",
        "fixations",
        {"time": "start_timestamp", "duration": "duration", "x": "norm_pos_x"},
        {"x": Hint(unit="fraction", origin="lower-left"), "time": Hint(unit="s", clock="recording", event=True)},
    ),
    "Pupil Cloud": (
        "section id,recording id,fixation id,start timestamp [ns],end timestamp [ns],duration [ms],fixation x [px],"
        "fixation y [px]\ns,r,1,16000,17000,250,1.5,2\ns,r,2,18000,19000,250,,\n",
        "fixations",
        {"observer": "recording id", "x": "fixation x [px]"},
        {
            "time": Hint(unit="ns", clock="recording", event=True),
            "duration": Hint(unit="ms"),
            "x": Hint(unit="pixels", event=True),
        },
    ),
}


@pytest.mark.parametrize("maker", EXPORTS)
def test_exports_are_known_by_their_columns(maker: str, tmp_path: Path) -> None:
    text, rows, columns, hints = EXPORTS[maker]
    found = table(tmp_path, text)
    assert found.rows == rows
    assert {role: found.columns[role][0].header for role in columns} == columns  # type: ignore[index]
    assert {role: found.columns[role][0].hint for role in hints} == hints  # type: ignore[index]
    assert found.numbers["x"][0] == 1.5
    assert found.numbers["y"][0] == 2
    assert np.isnan(found.numbers["x"][1])
    assert find_fixated(found).tolist() == [True, "event" not in found.columns]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffstimulus,observer,time,x,y\na,p 1,0,1.5,2\n".encode(),
        "stimulus\tobserver\ttime\tx\ty\r\na\tp 1\t0\t1.5\t2\r\n".encode("utf-16"),
        b"## made by\n\n# a machine\nStimulus;Observer;Time;X;Y\na;p 1;0;1,5;2\n\n",
        b'"stimulus","observer","time","x","y"\n"a","p 1","0","1.5","2"',
    ],
)
def test_spellings_and_encodings(text: bytes, tmp_path: Path) -> None:
    found = table(tmp_path, text)
    assert (names(found, "stimulus"), names(found, "observer")) == (["a"], ["p 1"])
    assert [float(found.numbers[role][0]) for role in ("time", "x", "y")] == [0, 1.5, 2]


def test_columns_can_be_named(tmp_path: Path) -> None:
    text = "what,who,when [ms],x,y,left (px),down (px)\na,p,3,0,0,7,8\n"
    named = {"stimulus": "what", "observer": "who", "time": "when [ms]", "x": "left (px)", "y": "down (px)"}
    found = table(tmp_path, text, named=named)
    assert (names(found, "stimulus"), names(found, "observer")) == (["a"], ["p"])
    assert (found.numbers["x"][0], found.numbers["y"][0]) == (7, 8)
    assert found.columns["time"][0].hint.unit == "ms"


@pytest.mark.parametrize(
    ("text", "named", "words"),
    [
        ("", {}, "no columns"),
        ("stimulus,observer,time\na,p,0\n", {}, "no column that is known to be x or y"),
        ("stimulus,observer,time,x\na,p,0,1\n", {}, "no column that is known to be x or y"),
        ("stimulus,time,x,y\n", {}, "has no rows"),
        ("stimulus,time,x,y\na,0,1,2\n", {"who": "time"}, "there is no role 'who'"),
        ("stimulus,time,x,y\na,0,1,2\n", {"x": "X"}, "no column 'X'; it has 'stimulus', 'time', 'x', 'y'"),
        ("stimulus,time,x,y\na,0,1,2\na,4,1\n", {}, "3 values where the header names 4, 2 lines below"),
        (
            "stimulus,time,x,y\na,0,1,2\na,4,b,2\na,8,c,2\n",
            {},
            "has 'b' where the column 'x' has numbers .*, 2 lines",
        ),
        (
            "stimulus,time,x,y,event\na,0,1,2,Saccade\n",
            {},
            "no row of .* is a fixation .* 'event', which says 'Saccade'",
        ),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", {}, "is not text"),
        (b"x,y,time\n\xff,2,3\n", {}, "is not text"),
    ],
)
def test_what_is_no_table_is_refused(text: str | bytes, named: dict[str, str], words: str, tmp_path: Path) -> None:
    with pytest.raises(SalzooError, match=words):
        table(tmp_path, text, named=named)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing.csv"):
        with pytest.raises(SalzooError, match=f"{path} is not a file|cannot read {path}"):
            read_table(path)
