"""Tables of separated values, read in pieces: comma, semicolon, tab, bar or spaces between them."""

import csv
import itertools
import re
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from salzoo.gaze.columns import NAMEABLE, NUMBERS, Columns, Role, find_columns, listed
from salzoo.gaze.tables import Layout, Message, Names, Rows, Table
from salzoo.gaze.text import text_lines
from salzoo.interfaces.errors import SalzooError

PIECE = 2**15
"""Rows that are turned into arrays at a time."""

SEPARATORS = "\t;,|"
"""Of values; where none of them is in a header, spaces are."""

FIXATION = re.compile("e?fix(ation)?s?|visual ?intake|f", re.IGNORECASE)
"""How software calls a fixation."""

_OTHER = re.compile("sac|blink|pursuit|unclassified|eyesnotfound|unknowneye", re.IGNORECASE)
"""What else eyes do, as software calls it."""

_MISSING = frozenset(("", ".", "-", "NA", "na", "n/a", "N/A", "NaN", "nan", "null", "NULL", "None", "none"))
_NAN = float("nan")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")
_DECIMAL = re.compile(r"[+-]?\d*,\d*([eE][+-]?\d+)?")


def read_delimited(path: Path, layout: Layout) -> Table:
    """Read a table; lines before its header that begin with # are passed over.

    Numbers with commas are decimal where the table has a number that can be nothing else, thousands where it has one
    that can be nothing else, and refused where neither is so.

    Raises:
        SalzooError: not a table, a line of another length, a quote that its line does not close, values that are no
            numbers, two different columns of one name, or no x and y.
    """
    with text_lines(path, layout.encoding) as lines:
        reader = _Reader(path, layout)
        table = reader.read(lines)
    if reader.commas.either and reader.commas.points:  # commas stand between thousands: once more, knowing that
        with text_lines(path, layout.encoding) as lines:
            return _Reader(path, layout, thousands=True).read(lines)
    return table


@dataclass
class _Commas:
    """What is known of the commas in a table's numbers: whether some can only be decimal, whether there are points, and
    the first that could be either."""

    decimal: str = ""
    points: str = ""
    either: str = ""
    counts: "Counter[Role]" = field(default_factory=Counter)

    def look(self, numbers: "dict[Role, array[float]]") -> None:
        """Find points in numbers that were read without looking at their text: what has fractions, without commas."""
        if self.either and not self.decimal and not self.points:
            for role, held in numbers.items():
                values = np.frombuffer(held, np.float64)
                fractions = int((np.isfinite(values) & (values != np.floor(values))).sum())
                if fractions > self.counts[role]:
                    self.points = "numbers with points"


@dataclass
class _Reader:
    """Collects the columns of a table piece by piece."""

    path: Path
    layout: Layout
    thousands: bool = False
    commas: _Commas = field(default_factory=_Commas)
    separator: str = ","
    columns: Columns = field(default_factory=dict)
    numbers: dict[Role, "array[float]"] = field(default_factory=dict)
    names: dict[int, tuple[dict[str, int], "array[int]"]] = field(default_factory=dict)
    twice: list[tuple[int, int]] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)

    def read(self, lines: Iterator[str]) -> Table:
        headers, rest = self._header(lines)
        eye, samples = self.layout.eye.replace("both", ""), self.layout.rows == "samples"
        self.columns = find_columns(headers, self.layout.named, str(self.path), eye, samples)
        self.numbers = {role: array("d") for role in NUMBERS if role in self.columns}
        held = [column for role, columns in self.columns.items() if role not in NUMBERS for column in columns]
        self.names = {column.place: ({}, array("i")) for column in held}
        used = {column.place for columns in self.columns.values() for column in columns}
        first = {place: headers.index(headers[place]) for place in range(len(headers))}
        self.twice = [(first[place], place) for place in first if first[place] in used and first[place] != place]
        self._rows(rest, headers)
        return self._table()

    def _header(self, lines: Iterator[str]) -> tuple[list[str], Iterator[str]]:
        """The names of the columns, and the lines below them."""
        first = ""
        for line in lines:
            if line.startswith("#"):
                key, colon, value = line.strip("# \t\r\n").partition(":")
                if colon:
                    self.facts[key.strip()] = value.strip()
            elif line.strip() and not re.fullmatch(r'"?sep=.?"?\s*', line):  # which a spreadsheet writes above
                first = line
                break
        following = next((line for line in lines if line.strip()), "")
        widths = {mark: (first.count(mark), len(_split(following, mark))) for mark in SEPARATORS}
        fitting = [mark for mark in SEPARATORS if widths[mark][0] and abs(widths[mark][0] + 1 - widths[mark][1]) <= 1]
        self.separator = max(fitting or SEPARATORS, key=lambda mark: widths[mark][0])
        if not widths[self.separator][0]:
            self.separator = " "
        headers = [header.strip() for header in _split(first, self.separator)]
        if self.layout.columns:
            if len(self.layout.columns) != len(headers):
                raise SalzooError(
                    f"--columns names {len(self.layout.columns)} columns, and {self.path} has {len(headers)}: "
                    f"{first[:80]!r}"
                )
            return list(self.layout.columns), itertools.chain([first, following], lines)
        if headers and all(_is_number(header) for header in headers if header):
            raise SalzooError(
                f"{self.path} has no header: its first line is {first.strip()[:80]!r}; name its columns in order, such "
                f"as --columns x,y,time ({', '.join(NAMEABLE)}, and - for others)"
            )
        if (
            following
            and len(_split(following, self.separator)) == len(headers) + 1
            and _split(following, self.separator)[-1]
        ):
            headers = ["", *headers]  # R's write.table names no column of row names
        return headers, itertools.chain([following], lines)

    def _rows(self, lines: Iterator[str], headers: Sequence[str]) -> None:
        rows = csv.reader(
            lines if self.separator != " " else map(str.strip, lines),
            delimiter=self.separator,
            skipinitialspace=self.separator == " ",
        )
        done = 0
        try:
            while piece := list(itertools.islice(rows, PIECE)):
                self._check_lines(rows.line_num, done, piece)
                done = rows.line_num
                piece = [row for row in piece if len(row) > 1 or (row and row[0].strip())]
                self._add(self._even(piece, headers, done), done - len(piece))
        except csv.Error as error:
            raise SalzooError(
                f"{self.path} is not a table of values: {error}, {rows.line_num} lines below its header"
            ) from error

    def _check_lines(self, line: int, done: int, piece: list[list[str]]) -> None:
        """A value whose quote is closed on a later line has swallowed what is between."""
        if line - done == len(piece):
            return
        long = next((row for row in piece if any("\n" in value or "\r" in value for value in row)), [""])
        value = next((value for value in long if "\n" in value or "\r" in value), "")
        raise SalzooError(
            f"{self.path} has a quote that is not closed on its line, within {PIECE} lines after the {done}th below "
            f"the header, before {value[:40]!r}: remove it, or write the table without quotes"
        )

    def _even(self, piece: list[list[str]], headers: Sequence[str], line: int) -> list[list[str]]:
        """Rows of the header's length; SMI's messages among samples are kept apart."""
        width = len(headers)
        if all(len(row) == width for row in piece):
            return piece
        kept = []
        for number, row in enumerate(piece):
            if len(row) != width and len(row) > 2 and row[1] == "MSG" and headers[1].lower() == "type":
                text = " ".join(row[3:]).removeprefix("# Message:").strip()
                self.messages.append(Message(_plain_number(row[0]), text))
            elif len(row) == width:
                kept.append(row)
            elif len(row) > width and not any(value.strip() for value in row[width:]):
                kept.append(row[:width])
            elif len(row) == width - 1 and not headers[-1]:
                kept.append([*row, ""])
            else:
                at = line - len(piece) + number + 1
                raise SalzooError(
                    f"{self.path} has {len(row)} values where the header names {width}, {at} lines below it"
                )
        return kept

    def _add(self, piece: list[list[str]], line: int) -> None:
        if not piece:
            return
        values = list(zip(*piece, strict=True))
        for one, other in self.twice:
            if values[one] != values[other]:
                raise SalzooError(
                    f"{self.path} has two different columns named {self._header_of(one)!r}: remove or rename one"
                )
        for role, held in self.numbers.items():
            held.extend(self._numbers(values[self.columns[role][0].place], role, line))
        for place, (known, codes) in self.names.items():
            texts = values[place]
            try:
                codes.extend([known[text] for text in texts])
            except KeyError:
                for text in texts:
                    known.setdefault(text, len(known))
                codes.extend([known[text] for text in texts])

    def _header_of(self, place: int) -> str:
        return next(each.header for columns in self.columns.values() for each in columns if each.place == place)

    def _numbers(self, texts: Iterable[str], role: Role, line: int) -> Iterable[float]:
        try:
            return list(map(float, texts))
        except ValueError:
            pass
        try:
            return [_NAN if text in _MISSING else float(text) for text in texts]
        except ValueError:
            return [self._number(text.strip(), role, line + at) for at, text in enumerate(texts)]

    def _number(self, text: str, role: Role, line: int) -> float:
        """A number, whose commas are decimal or part thousands."""
        if text in _MISSING:
            return _NAN
        try:
            found = float(text)
            if "." in text:
                self.commas.points = self.commas.points or text
            return found
        except ValueError:
            pass
        self.commas.counts[role] += 1
        if _THOUSANDS.fullmatch(text):
            if "." in text or text.count(",") > 1:
                self.commas.points = self.commas.points or text
            else:
                self.commas.either = self.commas.either or text
            return float(text.replace(",", "" if self.thousands or "." in text or text.count(",") > 1 else "."))
        if _DECIMAL.fullmatch(text) and any(each.isdigit() for each in text):
            self.commas.decimal = self.commas.decimal or text
            return float(text.replace(",", "."))
        raise SalzooError(
            f"{self.path} has {text[:40]!r} where the column {self.columns[role][0].header!r} has numbers ({role}), "
            f"{line + 1} lines below the header"
        )

    def _table(self) -> Table:
        commas = self.commas
        commas.look(self.numbers)
        if commas.decimal and commas.points:
            raise SalzooError(
                f"{self.path} has both {commas.decimal!r} and {commas.points!r}: are commas decimal, or between "
                "thousands? Write it with points alone"
            )
        if commas.either and not commas.decimal and not commas.points:
            raise SalzooError(
                f"{self.path}: {commas.either!r} may be {commas.either.replace(',', '')} or "
                f"{commas.either.replace(',', '.')}, and no other number tells; write it without commas"
            )
        numbers = {role: np.frombuffer(values, np.float64) for role, values in self.numbers.items()}
        if not len(numbers["x"]):
            raise SalzooError(f"{self.path} has no rows")
        for role in ("x", "y"):
            self._check_points(numbers[role], self.columns[role][0].header)
        names: dict[Role, tuple[Names, ...]] = {}
        for role, held in self.columns.items():
            if role not in NUMBERS:
                names[role] = tuple(_names(column.header, *self.names[column.place]) for column in held)
        columns = self._without_other_events(names)
        rows = self.layout.rows or _kind(columns)
        size = re.fullmatch(r"(\d+)\s+(\d+)", self.facts.get("Calibration Area", ""))
        return Table(
            path=self.path,
            columns=columns,
            rows=rows,
            names=names,
            numbers=numbers,
            messages=self.messages,
            screen=(int(size[2]), int(size[1])) if size else None,
            rate=_plain_number(self.facts.get("Sample Rate", "")) or None,
            observer=self.facts.get("Subject", ""),
        )

    def _check_points(self, values: NDArray[np.float64], header: str) -> None:
        """Refuse places of which whole ones end below 1000 and others look like 1.050: points between thousands."""
        values = np.abs(values[np.isfinite(values)])
        whole = values == np.floor(values)
        parts = values[~whole]
        if not len(parts) or not whole.any() or values.max() >= 1000 or np.median(values[whole]) < 10:
            return
        thousandths = np.abs(1000 * parts - np.rint(1000 * parts)) < 1e-6
        hundredths = np.abs(100 * parts - np.rint(100 * parts)) < 1e-6
        if parts.min() > 1 and parts.max() < 10 and thousandths.all() and hundredths.mean() < 0.5:
            one = parts[~hundredths][0]
            raise SalzooError(
                f"{self.path}: '{one:.3f}' among whole numbers in {header!r} may be {1000 * one:.0f}; write it without "
                "points between thousands"
            )

    def _without_other_events(self, names: dict[Role, tuple[Names, ...]]) -> Columns:
        """The columns; one of events that are none of the eye's, as of keys and of starts, is one of messages."""
        event = names.get("event")
        if event is None or any(FIXATION.fullmatch(value) for value in event[0].values):
            return self.columns
        if "event" in self.layout.named or any(_OTHER.search(value) for value in event[0].values):
            raise SalzooError(
                f"no row of {self.path} is a fixation by its column {event[0].header!r}, which says "
                f"{listed(event[0].values, 5)}; another column can be named with --column event=NAME"
            )
        names["message"] = (*names.get("message", ()), *names.pop("event"))
        moved = (*self.columns.get("message", ()), *self.columns["event"])
        return {**{role: held for role, held in self.columns.items() if role != "event"}, "message": moved}


def _kind(columns: Columns) -> Rows:
    """What rows are, by the columns that there are."""
    timed = "duration" in columns or "end" in columns
    of_events = "time" not in columns or columns["time"][0].hint.event
    if timed and (of_events or not {"event", "index"} & set(columns)):
        return "fixations"
    return "labelled" if {"event", "index"} & set(columns) else "samples"


def _names(header: str, known: dict[str, int], codes: "array[int]") -> Names:
    """Names without the spaces around them; empty ones are none."""
    clean: dict[str, int] = {}
    numbers = [clean.setdefault(text.strip(), len(clean)) if text.strip() else -1 for text in known]
    return Names(header, list(clean), np.array(numbers or [0], np.int32)[np.frombuffer(codes, np.int32)])


def _split(line: str, separator: str) -> list[str]:
    line = line.strip("\r\n") if separator != " " else line.strip()
    try:
        return next(csv.reader([line], delimiter=separator, skipinitialspace=separator == " "), [])
    except csv.Error:
        return [line]


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"\s*[+-]?[\d.,]+([eE][+-]?\d+)?\s*", text))


def _plain_number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
