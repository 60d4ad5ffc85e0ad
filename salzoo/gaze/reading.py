"""Reading a file of gaze, whatever wrote it."""

import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np

from salzoo.gaze.bids import SUFFIX, read_bids
from salzoo.gaze.delimited import read_delimited
from salzoo.gaze.eyelink import read_eyelink
from salzoo.gaze.tables import Layout, Names, Table
from salzoo.interfaces.errors import SalzooError
from salzoo.runtime.files import check_regular


def read_table(path: Path, layout: Layout = Layout()) -> Table:  # noqa: B008
    """Read a file of gaze: a table of separated values, EyeLink's .asc, or a recording of BIDS; with gzip or not.

    Args:
        path: the file.
        layout: how to read it.

    Raises:
        SalzooError: no such file, or it is none of these, or damaged.
    """
    if path.name.endswith(SUFFIX):
        return read_bids(path, layout)
    start = _start(path)
    if start.startswith(b"** CONVERTED FROM") or path.name.lower().endswith((".asc", ".asc.gz")):
        return read_eyelink(path, layout)
    if start.startswith(b"SR_RESEARCH_COMBINED_FILE"):
        raise SalzooError(f"{path} is EyeLink's binary EDF; convert it to .asc with SR Research's edf2asc")
    if start.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise SalzooError(f"{path} is a workbook or archive; save the sheet as CSV in UTF-8")
    if start.lstrip(b"\xef\xbb\xbf \r\n\t")[:2] in (b"[{", b'{"'):
        raise SalzooError(f"{path} is JSON; write it as a table, with a row a sample or a fixation (CSV)")
    return _of_eye(read_delimited(path, layout), layout)


def _start(path: Path) -> bytes:
    check_regular(path)
    try:
        with path.open("rb") as file:
            start = file.read(64)
        if start.startswith(b"\x1f\x8b"):
            with gzip.open(path) as file:
                start = file.read(64)
    except (OSError, EOFError) as error:
        raise SalzooError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
    return start


def _of_eye(table: Table, layout: Layout) -> Table:
    """The rows of the eye that is wanted, of a table with a row an eye."""
    eyes = table.name("eye")
    if eyes is None:
        return table
    sides = [value[:1].lower() for value in eyes.values]
    if layout.eye == "both":
        if {"l", "r"} <= set(sides):
            raise SalzooError(f"{table.path} has rows of each eye: name one with --eye left or --eye right")
        return table
    chosen = eyes.chosen([side not in "lr" or side == layout.eye[0] for side in sides], none=True)
    if not chosen.any():
        raise SalzooError(f"{table.path} has no rows of the {layout.eye} eye")
    return replace(
        table,
        numbers={role: values[chosen] for role, values in table.numbers.items()},
        names={
            role: tuple(Names(each.header, each.values, np.asarray(each.codes[chosen])) for each in held)
            for role, held in table.names.items()
        },
    )
