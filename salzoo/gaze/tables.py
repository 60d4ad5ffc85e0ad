"""A table of gaze as an eye tracker's software wrote it: columns by what they are, as arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from salzoo.gaze.columns import Column, Columns, Role

Rows = Literal["samples", "labelled", "fixations"]
"""What the rows of a table are: samples; samples that say what the eye did; fixations."""

Eye = Literal["both", "left", "right"]


@dataclass(frozen=True)
class Layout:
    """How to read a table, as far as its user says.

    Attributes:
        named: headers by role, for columns that are not known by their names.
        columns: what the columns of a table without a header are called; none where there is one.
        encoding: of its text; "" for UTF-8, or UTF-16 with its mark.
        rows: what its rows are; None where the columns tell.
        eye: which of two eyes counts; both are averaged.
    """

    named: Mapping[str, str] = field(default_factory=dict)
    columns: Sequence[str] = ()
    encoding: str = ""
    rows: Rows | None = None
    eye: Eye = "both"


@dataclass(frozen=True)
class Names:
    """A column of names, of n rows.

    Attributes:
        header: of the column; several joined by a plus.
        values: the different names, in the order in which they come.
        codes: (n,) which of them; −1 where a row has none.
    """

    header: str
    values: list[str]
    codes: NDArray[np.int32]

    def chosen(self, wanted: Sequence[bool] | NDArray[np.bool_], none: bool = False) -> NDArray[np.bool_]:
        """(n,) what is said of the name of each row; ``none`` for rows without one."""
        return np.array([*wanted, none], np.bool_)[self.codes]

    def each(self, values: Sequence[float]) -> NDArray[np.float64]:
        """(n,) what each row's name stands for; NaN for rows without one."""
        return np.array([*values, np.nan], np.float64)[self.codes]


@dataclass(frozen=True)
class Message:
    """What a tracker was told, most often by the program that showed the stimuli.

    Attributes:
        time: in the unit of the table's own times.
        text: in one line.
        recording: that it belongs to, from 0, of a file that holds several.
        inside: whether it came while this was recorded, not before or after.
    """

    time: float
    text: str
    recording: int = 0
    inside: bool = True


@dataclass(frozen=True)
class Shown:
    """A stimulus on the screen: its name, and from when to when in the unit of the table's times."""

    name: str
    start: float
    stop: float


@dataclass
class Table:
    """A table of gaze of n rows.

    Attributes:
        path: the file.
        columns: by role, those that it has.
        rows: what its rows are.
        names: by role, its columns of names.
        numbers: by role, n values in the table's own units, NaN where missing.
        messages: what its software was told during the recording.
        screen: height and width of the screen, where the file states it.
        rate: samples per second, where the file states it.
        observer: whose gaze it is, where the file states it for all its rows.
        recordings: when each recording of a file that holds several began, in the unit of its times.
        shown: what was shown when, where the file states it.
        broken_off: whether the file ends in the middle of a recording.
    """

    path: Path
    columns: Columns
    rows: Rows
    names: dict[Role, tuple[Names, ...]]
    numbers: dict[Role, NDArray[np.float64]]
    messages: list[Message] = field(default_factory=list)
    screen: tuple[int, int] | None = None
    rate: float | None = None
    observer: str = ""
    recordings: Sequence[float] = ()
    shown: Sequence[Shown] = ()
    broken_off: bool = False

    def __len__(self) -> int:
        return len(self.numbers["x"])

    def column(self, role: Role) -> Column | None:
        """The column of a role, the first of several."""
        return self.columns[role][0] if role in self.columns else None

    def name(self, role: Role) -> Names | None:
        """The names of a role; those of several columns together."""
        held = self.names.get(role, ())
        if len(held) < 2:
            return held[0] if held else None
        key = np.zeros(len(self), np.int64)
        for each in held:
            key = key * (len(each.values) + 1) + each.codes + 1
        _, rows, codes = np.unique(key, return_index=True, return_inverse=True)
        texts = [[each.values[each.codes[row]] for each in held if each.codes[row] >= 0] for row in rows]
        return Names("+".join(each.header for each in held), [" ".join(text) for text in texts], codes.astype(np.int32))
