"""Tables and records as text: CSV, JSON, and columns on a terminal."""

import csv
import io
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any


def csv_text(header: Iterable[Any], rows: Iterable[Iterable[Any]]) -> str:
    """A table as CSV, its lines ended by a line feed alone."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def plain(value: Any) -> Any:
    """A value as JSON can hold it: tuples as lists, NaN as null."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def count_of(number: int, word: str) -> str:
    """So many of something.

    >>> count_of(1, "frame"), count_of(2890, "frame")
    ('1 frame', '2,890 frames')
    """
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def in_columns(rows: Sequence[Sequence[str]], left: Collection[int] = (0,)) -> list[str]:
    """Lines of cells that stand below each other, at the right of their columns but in those named.

    >>> in_columns([["model", "MB"], ["gaze-lite", "1.1"]])
    ['model       MB', 'gaze-lite  1.1']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) if n in left else cell.rjust(width) for n, (cell, width) in enumerate(pairs))
        for pairs in (zip(row, widths, strict=True) for row in rows)
    )
    return [line.rstrip() for line in lines]


def listed(names: Sequence[str]) -> str:
    """Names as a sentence has them: "a, b and c"."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
