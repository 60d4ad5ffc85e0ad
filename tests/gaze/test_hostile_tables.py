"""Files that are no gaze, or half of it: one line for the user, whatever they hold."""

import contextlib
import gzip
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from salzoo.gaze.reading import read_table
from salzoo.gaze.recordings import extract_fixations
from salzoo.gaze.setup import Findings, Setup, Stimulus
from salzoo.gaze.tables import Layout
from salzoo.interfaces import SalzooError

WORDS = [
    "x",
    "y",
    "time",
    "stimulus",
    "duration",
    "Gaze point X [px]",
    "1",
    "-1.5",
    "1,5",
    "1,050",
    '"',
    "",
    "nan",
    "inf",
    "é",
    "1e999",
]
ASC = [
    "** CONVERTED FROM x", "START\t1 \tLEFT\tSAMPLES", "SAMPLES\tGAZE\tLEFT\tRATE\t1000", "SAMPLES",
    "SAMPLES\tHREF\tRIGHT", "EFIX L 1\t2\t3\t4\t5\t6", "EFIX", "EFIX X 1 2 3 4 5", "MSG\t1 pic.png", "MSG",
    "1\t2\t3\t4", "1\t.\t.\t0", "9", "END\t9", "START", "MSG\tnan SYNCTIME", "MSG\t1e999 pic.png",
    "MSG 1 DISPLAY_COORDS 0 0 9e99 1e999", "MSG 1 DISPLAY_COORDS 0 0 0 0",
    "SAMPLES\tGAZE\tLEFT\tRIGHT", "MSG 5 DISPLAY_COORDS 0 0 x y", "MSG 5 GAZE_COORDS 1 2 3 4", "MSG\t-9 -9",
]  # fmt: skip


def read(name: str, data: bytes, layout: Layout | None = None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        with contextlib.suppress(SalzooError):
            table = read_table(path, layout or Layout())
            stimulus = Stimulus("pic", Path("pic.png"), (60, 80), 0.0, np.zeros(0))
            extract_fixations(table, [stimulus], lambda name: 0 if "pic" in name else -1, Setup(), Findings())


@examples(max_examples=150)
@given(
    lines=st.lists(st.lists(st.sampled_from(WORDS), max_size=6), max_size=8),
    separator=st.sampled_from([",", ";", "\t", " ", "|"]),
    end=st.sampled_from(["\n", "\r\n", "\r", ""]),
    named=st.booleans(),
)
def test_tables_of_anything(lines: list[list[str]], separator: str, end: str, named: bool) -> None:
    text = end.join(separator.join(line) for line in lines)
    read("gaze.csv", text.encode(), Layout(columns=("x", "y", "time")) if named else None)


@examples(max_examples=150)
@given(lines=st.lists(st.sampled_from(ASC), max_size=12), eye=st.sampled_from(["both", "left", "right"]))
def test_recordings_of_anything(lines: list[str], eye: str) -> None:
    read("a.asc", "\n".join(["START\t1", *lines]).encode(), Layout(eye=eye))  # type: ignore[arg-type]


@examples(max_examples=60)
@given(data=st.binary(max_size=200), packed=st.booleans(), name=st.sampled_from(["a.csv", "a.asc", "a.csv.gz"]))
def test_bytes_of_anything(data: bytes, packed: bool, name: str) -> None:
    read(name, gzip.compress(data)[: -4 if len(data) % 2 else None] if packed else data)


@pytest.mark.parametrize(
    "about", ["{", "[]", '{"Columns": 3}', '{"Columns": ["x_coordinate"]}', "[" * 9999, '{"Columns": [1]}']
)
def test_sidecars_of_anything(about: str, tmp_path: Path) -> None:
    file = tmp_path / "sub-1_task-a_recording-eye1_physio.tsv.gz"
    file.write_bytes(gzip.compress(b"1\t2\t3\n"))
    (tmp_path / "task-a_physio.json").write_text(about)
    with pytest.raises(SalzooError):
        read_table(file)
