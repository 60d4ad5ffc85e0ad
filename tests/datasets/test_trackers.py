"""Made exports of each tracker: their fixations come back, whatever stands between them."""

import gzip
import re
import tempfile
from pathlib import Path

import cv2
import exports
import numpy as np
import pytest
from exports import DEGREE, SCREEN, Recorded, recorded
from hypothesis import HealthCheck, example, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from recording import Numbers, compare

from salzoo.datasets.folder import read_gaze_table
from salzoo.datasets.importing import Import, import_gaze
from salzoo.gaze.setup import Setup
from salzoo.gaze.tables import Layout
from salzoo.interfaces import SalzooError


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    cv2.imwrite(str(folder / "pic.png"), np.zeros((*SCREEN, 3), np.uint8))
    return folder


def import_one(
    table: Path, pictures: Path, setup: Setup | None = None, layout: Layout | None = None
) -> tuple[Numbers, str]:
    """The fixations that a table gives, (n, 4), and what was said."""
    said: list[str] = []
    out = table.parent / "set"
    base = setup or Setup()
    given = Setup(**{**vars(base), "pixels_per_degree": DEGREE})
    import_gaze(Import([table], pictures, out, given, layout or Layout()), said.append)
    gaze = read_gaze_table(out / "gaze.csv")
    assert len(gaze.observers) == 1
    return gaze.fixations["pic"][:, 1:], "\n".join(said)


def agrees(found: Numbers, made: Recorded, place: float, but: int = 0) -> None:
    """Every fixation once, none beside them, within so many pixels, but for so many that are missed or cut in two."""
    recall, _, _, error = compare(found, made.true, 1.0)
    assert recall >= 1 - (but + 1e-9) / len(made.true)
    assert abs(len(found) - len(made.true)) <= but
    assert error <= place


def in_doubt(rate: float, lost: float) -> int:
    """How many fixations a slow tracker's samples leave in doubt: of the four that the shortest has, one is lost at its
    end, or is noise, in one recording of a hundred."""
    return int(rate < 35 or (lost > 0 and rate < 130))


RATES = st.one_of(
    st.sampled_from([30, 50, 60, 90, 120, 150, 250, 300, 500, 600, 1000, 1200, 2000]), st.floats(30, 2000)
)


@examples(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 10_000),
    rate=RATES,
    lost=st.sampled_from([0.0, 0.03]),
    separator=st.sampled_from([",", ";", "\t", "|", " "]),
    decimal=st.sampled_from([".", ","]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    mark=st.sampled_from(["", ".", "NA", "0", "-1", "0.00"]),
)
@example(seed=3491, rate=30, lost=0.0, separator=",", decimal=".", encoding="utf-8", mark="")  # one lands within a step
@example(seed=3215, rate=30, lost=0.0, separator=",", decimal=".", encoding="utf-8", mark="")  # 13 pixels by noise
@example(seed=9753, rate=30, lost=0.03, separator=",", decimal=".", encoding="utf-8", mark="")  # one is lost at its end
@example(seed=54, rate=49.5, lost=0.0, separator=",", decimal=".", encoding="utf-8", mark="")  # noise of 31 degrees/s
def test_samples_however_written(
    pictures: Path, seed: int, rate: float, lost: float, separator: str, decimal: str, encoding: str, mark: str
) -> None:
    decimal = "." if separator == "," else decimal
    mark = "NA" if separator == " " and not mark else mark.replace(".", decimal) if mark == "0.00" else mark
    made = recorded(seed, rate, lost=lost)
    with tempfile.TemporaryDirectory() as folder:
        table = exports.plain(Path(folder) / "gaze.txt", made, separator, decimal, encoding, mark)
        layout = Layout(encoding="cp1252" if encoding == "cp1252" else "")
        found, said = import_one(table, pictures, layout=layout)
    # The mean of four samples with a noise of a tenth of a degree is itself that far off now and then.
    agrees(found, made, (0.3 if rate < 50 else 0.2) * DEGREE, in_doubt(rate, lost))
    count = int(np.isnan(made.places[:, 0]).sum())
    assert not count or f"{count} samples in which the eye was not seen" in said


LABELLED = {
    "Tobii": (exports.tobii, 1.0),
    "Gazepoint": (exports.gazepoint, 1.0),
    "EyeLink": (exports.eyelink, 1.0),
    "Pupil surface": (exports.pupil_surface, 1.0),
    "SMI": (exports.smi, 0.2 * DEGREE),
    "BIDS": (exports.bids, 0.2 * DEGREE),
}


@pytest.mark.parametrize("tracker", LABELLED)
@examples(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000), rate=st.sampled_from([60, 120, 250, 500, 1000]), lost=st.sampled_from([0.0, 0.03]))
def test_fixations_of_each_tracker_come_back(tracker: str, pictures: Path, seed: int, rate: float, lost: float) -> None:
    make, place = LABELLED[tracker]
    made = recorded(seed, rate, lost=lost)
    with tempfile.TemporaryDirectory() as folder:
        setup = Setup(screen=SCREEN) if tracker == "Gazepoint" else None
        found, _ = import_one(make(Path(folder) / "export.tsv", made), pictures, setup)
    agrees(found, made, place, in_doubt(rate, lost) if place > 1 else 0)


def test_samples_beside_fixations_have_their_own_clock(pictures: Path, tmp_path: Path) -> None:
    """Gazepoint's rows say when their fixation began, and when they were taken."""
    made = recorded(3, 250)
    table = exports.gazepoint(tmp_path / "gaze.csv", made)
    found, said = import_one(table, pictures, Setup(screen=SCREEN), layout=Layout(rows="samples"))
    agrees(found, made, 0.2 * DEGREE)
    assert "time = TIME(2026" in said


def test_a_recording_that_is_cut_off_is_named(pictures: Path, tmp_path: Path) -> None:
    table = exports.eyelink(tmp_path / "a.asc", recorded(3, 250))
    words = "end in the middle of a recording"
    assert words not in import_one(table, pictures)[1]
    cut = tmp_path / "cut" / "a.asc"
    cut.parent.mkdir()
    cut.write_text(table.read_text().partition("END")[0])
    assert words in import_one(cut, pictures)[1]


@pytest.mark.parametrize(
    ("eyes", "eye"), [("L", "both"), ("R", "both"), ("LR", "both"), ("LR", "left"), ("LR", "right")]
)
@pytest.mark.parametrize("rate", [250, 2000])
def test_eyelink_samples_of_one_and_two_eyes(eyes: str, eye: str, rate: float, pictures: Path, tmp_path: Path) -> None:
    made = recorded(3, rate)
    table = exports.eyelink(tmp_path / "a.asc", made, eyes, fixations=False)
    found, said = import_one(table, pictures, layout=Layout(eye=eye))  # type: ignore[arg-type]
    agrees(found, made, 0.2 * DEGREE)
    assert f"fixations among samples at {rate:g} samples a second" in said


@pytest.mark.parametrize(
    ("eyes", "eye"), [("L", "both"), ("R", "both"), ("LR", "both"), ("LR", "left"), ("LR", "right")]
)
@pytest.mark.parametrize("rate", [250, 2000])
def test_eyelink_of_one_and_two_eyes(eyes: str, eye: str, rate: float, pictures: Path, tmp_path: Path) -> None:
    """Times count from the message that shows the picture, less its offset; of both eyes the mean of the samples."""
    made = recorded(3, rate)
    table = exports.eyelink(tmp_path / "a.asc", made, eyes)
    found, said = import_one(table, pictures, layout=Layout(eye=eye))  # type: ignore[arg-type]
    averaged = eyes == "LR" and eye == "both"
    agrees(found, made, 0.2 * DEGREE if averaged else 1.0)
    assert "screen of 1920×1080" in said
    if not averaged:
        np.testing.assert_allclose(found[:, :2], made.true[:, :2], atol=1.5e-3)


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ('{"y_coordinate": {"Units": "deg"}}', "has places in 'deg'"),
        ('{"y_coordinate": {"Units": ["pixel"]}}', "and pixels are wanted"),
        ('{"PhysioType": "cardiac"}', "its PhysioType is 'cardiac'"),
    ],
)
def test_bids_that_is_no_gaze_in_pixels(about: str, words: str, pictures: Path, tmp_path: Path) -> None:
    file = exports.bids(tmp_path / "x", recorded(5, 500))
    beside = tmp_path / "sub-7_task-see_recording-eye1_physio.json"
    beside.write_text('{"x_coordinate": "pixel", "PhysioType": "eyetrack"}')  # no more than words
    import_one(file, pictures)
    beside.write_text(about)
    with pytest.raises(SalzooError, match=re.escape(words)):
        import_gaze(Import([file], pictures, tmp_path / "other"), lambda line: None)


def test_a_shown_size_that_is_another_is_named(tmp_path: Path) -> None:
    """Whether pixels of media are those of the file or of the screen, the export does not say."""
    pictures = tmp_path / "videos"
    pictures.mkdir()
    cv2.imwrite(str(pictures / "pic.png"), np.zeros((60, 80, 3), np.uint8))
    head = "Participant name\tPresented Media name\tPresented Media width\tPresented Media height"
    rows = "".join(f"P1\tpic.png\t160\t120\t80\t60\t{1000 * n}\t300\n" for n in range(3))
    (tmp_path / "a.tsv").write_text(
        f"{head}\tFixation point X [MCS px]\tFixation point Y [MCS px]\tstart_ms\tduration_ms\n{rows}"
    )
    found, said = import_one(tmp_path / "a.tsv", pictures)
    assert found[:, 2:].tolist() == [[40, 30]] * 3
    assert "look at: 1 viewings of stimuli shown at another size: pixels are taken for those of 160×120" in said


def test_bids_stimuli_by_messages_and_eyes_by_file(pictures: Path, tmp_path: Path) -> None:
    """Where no event names a file, the tracker's messages do; two eyes of a run are not two people."""
    made = recorded(5, 500)
    file = exports.bids(tmp_path / "x", made)
    (tmp_path / "sub-7_task-see_events.tsv").unlink()
    (tmp_path / "task-see_physioevents.json").write_text('{"Columns": ["onset", "duration", "message"]}')
    onset = 123_456.0 + 1000 * int(500 / 4) / 500
    messages = f"{onset - 90}\tn/a\tfixation cross\n{onset}\tn/a\tshow images/pic.png\n"
    events = tmp_path / "sub-7_task-see_recording-eye1_physioevents.tsv.gz"
    events.write_bytes(gzip.compress(messages.encode()))
    found, said = import_one(file, pictures)
    agrees(found, made, 0.2 * DEGREE)
    assert "rows while no stimulus was shown" in said
    other = file.with_name(file.name.replace("eye1", "eye2"))
    other.write_bytes(gzip.compress(gzip.decompress(file.read_bytes()) + b"999999\t1\t1\t1\n"))
    with pytest.raises(SalzooError, match="both eyes, each in a file"):
        import_gaze(Import([file, other], pictures, tmp_path / "both"), lambda line: None)


@pytest.mark.parametrize(
    "without",
    [
        (),
        ("Sensor",),
        ("Sensor", "Event"),
        ("Eye movement type index",),
        ("Eye movement type index", "Eye movement type"),
        ("Gaze event duration [ms]", "Recording name"),
    ],
)
def test_tobii_with_fewer_columns_in_any_order(without: tuple[str, ...], pictures: Path, tmp_path: Path) -> None:
    """Rows of events, keys and the mouse are told by what they lack where no column tells them."""
    made = recorded(1, 120)
    lines = exports.tobii(tmp_path / "whole.tsv", made).read_text().splitlines()
    header, *rows = [line.split("\t") for line in lines]
    kept = [place for place, name in enumerate(header) if name not in without]
    made.rng.shuffle(rows)
    text = "\n".join("\t".join(row[place] for place in kept) for row in [header, *rows])
    (tmp_path / "part.tsv").write_text(text)
    found, said = import_one(tmp_path / "part.tsv", pictures)
    agrees(found, made, 1.0)
    assert "rows of events" in said


def test_a_picture_that_comes_again_in_a_recording(pictures: Path, tmp_path: Path) -> None:
    """With nothing on the screen for a while in between: two viewings, each with its own fixations."""
    first, second = recorded(1, 120), recorded(2, 120)
    lines = exports.tobii(tmp_path / "one.tsv", first).read_text().splitlines()
    rows = [line.split("\t") for line in lines[1:]]
    again = [line.split("\t") for line in exports.tobii(tmp_path / "two.tsv", second).read_text().splitlines()[2:]]
    blank = [[str(5_500_000 + 8000 * n), *row[1:7], "", *row[8:]] for n, row in enumerate(rows[2:102])]
    again = [[str(int(row[0]) + 6_000_000), *row[1:]] for row in again]
    (tmp_path / "a.tsv").write_text("\n".join([lines[0], *("\t".join(row) for row in [*rows, *blank, *again])]))
    found, said = import_one(tmp_path / "a.tsv", pictures)
    assert "in 2 viewings" in said
    assert len(found) == len(first.true) + len(second.true)
    agrees(found[: len(first.true)], first, 1.0)
    agrees(found[len(first.true) :], second, 1.0)
