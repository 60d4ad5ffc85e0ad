"""Lists of inputs: files that name them, a line each."""

import csv
import sys
from dataclasses import replace
from pathlib import Path

from salzoo.interfaces.errors import SalzooError, one_line
from salzoo.prediction.inputs import PIPE, Input, Say, find_inputs, is_input
from salzoo.runtime.files import check_regular


def read_list(name: str, *, sequence: bool = False, say: Say = lambda line: None) -> list[Input]:
    """The inputs that a list names.

    Args:
        name: of a text file with a path a line, or "-" for standard input; a line "id,path" at its beginning makes it
            a CSV file, whose first column says what the outputs are called. Relative paths start where the command
            runs. A file that is missing is an input as others are: it fails in its turn.
        sequence, say: as for ``find_inputs``.

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

    def found(path: str) -> list[Input]:
        return find_inputs([path], sequence=sequence, say=say) if is_input(path) else [Input.of(Path(path))]

    def named(row: list[str], where: str) -> Input:
        if len(row) != 2 or not all(cell.strip() for cell in row):
            raise SalzooError(f"{where}: columns are id,path")
        first, *more = found(row[1])
        if more:
            raise SalzooError(
                f"{where}: {row[1]} stands for {1 + len(more)} inputs, which cannot have one id (--sequence takes a "
                "folder's pictures for the frames of one video)"
            )
        return replace(first, name=row[0].strip())

    lines = data.decode("utf-8-sig", "surrogateescape").splitlines()  # names of files need not be UTF-8
    if lines and lines[0].replace(" ", "").lower() == "id,path":
        inputs = [named(row, f"{name}, line {number}") for number, row in enumerate(csv.reader(lines), 1)][1:]
    else:
        inputs = [each for line in lines if line.strip() for each in found(line)]
    if not inputs:
        raise SalzooError(f"{name} names no input")
    return inputs
