"""Reading the table of gaze that an eye tracker's software exported."""

import csv
import re
from array import array
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from salzoo.gaze.columns import Column, Role, find_columns
from salzoo.interfaces.errors import SalzooError
from salzoo.runtime.files import check_regular

Rows = Literal["samples", "labelled", "fixations"]
"""What the rows of a table are: samples; samples that say what the eye did; fixations."""

FIXATION = re.compile("e?fix(ation)?s?|visual ?intake|f", re.IGNORECASE)
"""How software calls a fixation."""

_MISSING = {"", ".", "-", "na", "n/a", "nan", "null", "none"}
_NUMBERS: tuple[Role, ...] = ("time", "duration", "x", "y")


@dataclass(frozen=True)
class Table:
    """A table of gaze of n rows.

    Attributes:
        path: the file.
        columns: by role, those that it has.
        rows: what its rows are.
        stimuli, observers: the names in it, in the order in which they come.
        stimulus, observer: (n,) which of them; −1 where a row names none.
        numbers: by role (time, duration, x, y) n values in the table's own units, NaN where missing.
        fixated: (n,) whether the event of a row is a fixation; all true without such a column.
        index: (n,) number of the event; zeros without such a column.
    """

    path: Path
    columns: dict[Role, Column]
    rows: Rows
    stimuli: list[str]
    observers: list[str]
    stimulus: NDArray[np.int32]
    observer: NDArray[np.int32]
    numbers: dict[Role, NDArray[np.float64]]
    fixated: NDArray[np.bool_]
    index: NDArray[np.int32]


def read_table(path: Path, named: Mapping[str, str] | None = None, rows: Rows | None = None) -> Table:
    """Read a table of comma, semicolon or tab separated values with a header; lines before it that begin with # are
    passed over.

    Args:
        path: the file.
        named: headers by role, for columns that are not known by their names.
        rows: what its rows are. By default fixations where there is a duration and no number of the event, labelled
            samples where there is an event, else samples.

    Raises:
        SalzooError: no such file, not a table, a line of another length, values that are no numbers, or no x and y.
    """
    with _lines(path) as lines:
        first = next((line for line in lines if line.strip() and not line.startswith("#")), "")
        separator = max("\t;,", key=first.count)
        headers = next(csv.reader([first], delimiter=separator), [])
        columns = find_columns([header.strip() for header in headers], named or {}, str(path))
        return _read_rows(path, lines, separator, len(headers), columns, rows or _kind(columns))


def _kind(columns: Mapping[Role, Column]) -> Rows:
    if "duration" in columns and "index" not in columns:
        return "fixations"
    return "labelled" if "event" in columns else "samples"


def _read_rows(
    path: Path, lines: Iterator[str], separator: str, width: int, columns: dict[Role, Column], rows: Rows
) -> Table:
    names: dict[Role, dict[str, int]] = {"stimulus": {}, "observer": {}, "index": {}}
    labels: dict[Role, array[int]] = {role: array("i") for role in names}
    numbers: dict[Role, array[float]] = {role: array("d") for role in _NUMBERS if role in columns}
    fixated = array("b")
    event = columns["event"].place if "event" in columns else None
    is_fixation: dict[str, bool] = {}
    wrong: list[tuple[int, Role, str]] = []
    reader = csv.reader(lines, delimiter=separator)
    try:
        for line in reader:
            if not line or (len(line) == 1 and not line[0].strip()):
                continue
            if len(line) != width:
                raise SalzooError(
                    f"{path} has {len(line)} values where the header names {width}, {reader.line_num} lines below it"
                )
            for role, known in names.items():
                text = line[columns[role].place].strip() if role in columns else ""
                labels[role].append(known.setdefault(text, len(known)) if text else -1)
            for role, values in numbers.items():
                values.append(_number(line[columns[role].place], separator, wrong, reader.line_num, role))
            if event is not None:
                text = line[event]
                if text not in is_fixation:
                    is_fixation[text] = FIXATION.fullmatch(text.strip()) is not None
                fixated.append(is_fixation[text])
    except csv.Error as error:
        raise SalzooError(
            f"{path} is not a table of values: {error}, {reader.line_num} lines below its header"
        ) from error
    if wrong:
        where, column, text = wrong[0]
        raise SalzooError(
            f"{len(wrong)} values of {path} are no numbers: first {text[:40]!r} for {column} in the column "
            f"{columns[column].header!r}, {where} lines below the header"
        )
    count = len(labels["stimulus"])
    if not count:
        raise SalzooError(f"{path} has no rows")
    if event is not None and not any(fixated):
        raise SalzooError(
            f"no row of {path} is a fixation by its column {columns['event'].header!r}, which says "
            f"{', '.join(map(repr, list(is_fixation)[:5]))}; another column can be named with --column event=NAME"
        )
    return Table(
        path=path,
        columns=columns,
        rows=rows,
        stimuli=list(names["stimulus"]),
        observers=list(names["observer"]),
        stimulus=np.array(labels["stimulus"], np.int32),
        observer=np.array(labels["observer"], np.int32),
        numbers={role: np.array(values, np.float64) for role, values in numbers.items()},
        fixated=np.array(fixated, np.bool_) if event is not None else np.ones(count, np.bool_),
        index=np.array(labels["index"], np.int32),
    )


def _number(text: str, separator: str, wrong: list[tuple[int, Role, str]], line: int, role: Role) -> float:
    """A value; NaN where it is missing, or no number, which is noted. Beside semicolons and tabs commas are points."""
    try:
        return float(text)
    except ValueError:
        if text.strip().lower() in _MISSING:
            return float("nan")
        try:
            return float(text.replace(",", ".")) if separator != "," else float("")
        except ValueError:
            wrong.append((line, role, text))
            return float("nan")


@contextmanager
def _lines(path: Path) -> Iterator[Iterator[str]]:
    """The lines of a text file in UTF-8, or UTF-16 with its mark, with a progress bar."""
    check_regular(path)
    try:
        with (
            path.open("rb") as file,
            tqdm(total=path.stat().st_size, unit="B", unit_scale=True, desc=path.name, disable=None) as bar,
        ):
            wide = file.read(2) in (b"\xff\xfe", b"\xfe\xff")
            file.seek(0)
            text = TextIOWrapper(file, "utf-16" if wide else "utf-8-sig", newline="")

            def lines() -> Iterator[str]:
                for number, line in enumerate(text):
                    if number % 10_000 == 0:
                        bar.update(file.tell() - bar.n)
                    yield line

            yield lines()
    except UnicodeError as error:
        raise SalzooError(f"{path} is not text in UTF-8 or UTF-16; export it again as such") from error
    except OSError as error:
        raise SalzooError(f"cannot read {path}: {error.strerror or error}") from error
