"""Lists of inputs: files that name them, a line each."""

import csv
import sys
from pathlib import Path

from salzoo.interfaces.errors import SalzooError, one_line
from salzoo.prediction.inputs import PIPE, Source, find_inputs
from salzoo.runtime.files import check_regular


def read_list(name: str) -> list[Source]:
    """The inputs that a list names.

    Args:
        name: of a text file with a path a line, or "-" for standard input; a line "id,path" at its beginning makes it
            a CSV file, whose first column says what the outputs are called. Relative paths start where the command
            runs. A file that is missing is an input as others are: it fails in its turn.

    Raises:
        SalzooError: a list that cannot be read, or is empty.
    """
    try:
        if name == PIPE:
            data = sys.stdin.buffer.read()
        else:
            check_regular(Path(name))
            data = Path(name).read_bytes()
    except OSError as error:
        raise SalzooError(f"cannot read {name}: {one_line(error)}") from error
    lines = data.decode("utf-8-sig", "surrogateescape").splitlines()  # names of files need not be UTF-8
    if lines and lines[0].replace(" ", "").lower() == "id,path":
        sources = [_named(row, f"{name}, line {number}") for number, row in enumerate(csv.reader(lines), 1)][1:]
    else:
        sources = [source for line in lines if line.strip() for source in _found(line)]
    if not sources:
        raise SalzooError(f"{name} names no input")
    return sources


def _named(row: list[str], where: str) -> Source:
    if len(row) != 2 or not all(cell.strip() for cell in row):
        raise SalzooError(f"{where}: columns are id,path")
    return Source(row[0].strip(), (found := _found(row[1])[0]).files, found.still)


def _found(path: str) -> list[Source]:
    if Path(path).exists():
        return find_inputs([path])
    return [Source.of(Path(path))]
