"""Eye tracking as BIDS has it: columns in ``*_physio.tsv.gz`` without a header, what they are in JSON beside or above.

Metadata is inherited (BIDS specification, "The Inheritance Principle"): a JSON file counts for all files below its
folder whose names have its entities. Stimuli are those of ``stim_file`` in the run's ``events.tsv``, whose onsets count
in seconds from the first sample; else those that the tracker's messages name, in the ``physioevents.tsv.gz`` beside it.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np

from salzoo.gaze.columns import SECONDS, Column, Hint
from salzoo.gaze.delimited import read_delimited
from salzoo.gaze.tables import Layout, Message, Shown, Table
from salzoo.gaze.text import text_lines
from salzoo.interfaces.errors import SalzooError
from salzoo.runtime.files import parse_json

SUFFIX = "_physio.tsv.gz"

_LEVELS = 6
"""Folders from a recording up to its data set."""

_TIME = {"s": "s", "sec": "s", "second": "s", "seconds": "s", "ms": "ms", "millisecond": "ms", "milliseconds": "ms"}
_PLACE = {"pixel": "pixels", "pixels": "pixels", "px": "pixels"}


def read_bids(path: Path, layout: Layout) -> Table:
    """Read a recording of gaze.

    Raises:
        SalzooError: no JSON names its columns, it is not of an eye tracker, or of another eye than the one wanted;
            places are not in pixels; and as ``read_delimited`` does.
    """
    about = _metadata(path, "physio.json")
    if about.get("PhysioType", "eyetrack") != "eyetrack":
        raise SalzooError(f"{path} is no recording of gaze: its PhysioType is {str(about['PhysioType'])[:40]!r}")
    columns = about.get("Columns")
    if not isinstance(columns, list) or not all(isinstance(name, str) for name in columns):
        raise SalzooError(
            f"no JSON beside {path} or above it names its Columns; BIDS wants one, such as {_beside(path)}"
        )
    eye = str(about.get("RecordedEye", ""))
    if layout.eye != "both" and eye in ("left", "right", "eye1", "eye2") and eye != layout.eye:
        raise SalzooError(f"{path} is of the {eye} eye; leave it out, or name that eye with --eye")
    for role in ("x_coordinate", "y_coordinate"):
        place = _part(about, role).get("Units", "pixel")
        if str(place).lower() not in _PLACE:
            raise SalzooError(f"{path} has places in {str(place)[:40]!r}, and pixels are wanted")
    named = {"x": "x_coordinate", "y": "y_coordinate", "time": "timestamp"}
    named = {role: name for role, name in named.items() if name in columns} | dict(layout.named)
    unnamed = Layout(named, columns, layout.encoding, layout.rows or "samples", "both")
    table = read_delimited(path, unnamed)
    unit = _TIME.get(str(_part(about, "timestamp").get("Units", "")).lower(), "")
    on_screen = "screen" in str(about.get("SampleCoordinateSystem", "gaze-on-screen"))
    hints = {
        "time": Hint(unit=unit, clock="recording"),
        "x": Hint(unit="pixels", space="screen" if on_screen else "", origin="upper-left"),
    }
    table.columns = {
        role: tuple(Column(each.header, each.place, hints.get(role, each.hint)) for each in held)
        for role, held in table.columns.items()
    }
    table.rate = _number(about.get("SamplingFrequency"))
    subject = re.match(r"sub-([A-Za-z0-9]+)", path.name)
    table.observer = subject[1] if subject else ""
    shown = _part(_metadata(path, "events.json"), "StimulusPresentation")
    size = shown.get("ScreenResolution") or about.get("ScreenResolution")
    if isinstance(size, list) and len(size) == 2 and all(_number(value) for value in size):
        table.screen = int(size[1]), int(size[0])
    table.messages = _messages(path)
    table.shown = _events(path, table, unit, _number(about.get("StartTime")) or 0.0)
    return table


def _part(about: dict[str, Any], name: str) -> dict[str, Any]:
    """What metadata say of a thing; nothing where they say no more than words."""
    found = about.get(name)
    return found if isinstance(found, dict) else {}


def _metadata(path: Path, suffix: str) -> dict[str, Any]:
    """What the JSON files of a kind say of a recording, the nearest last."""
    entities = set(path.name.split("_")[:-1])
    found: dict[str, Any] = {}
    for folder in reversed(list(path.absolute().parents)[:_LEVELS]):
        try:
            files = sorted(folder.glob(f"*{suffix}"), key=lambda file: len(file.name))
        except OSError:
            continue
        for file in files:
            if set(file.name.split("_")[:-1]) <= entities:
                with text_lines(file) as lines:
                    text = "".join(lines)
                try:
                    held = parse_json(text)
                except (ValueError, RecursionError) as error:
                    raise SalzooError(f"{file} is not JSON") from error
                found |= held if isinstance(held, dict) else {}
    return found


def _events(path: Path, table: Table, unit: str, start: float) -> list[Shown]:
    """What the run's events.tsv says was shown when."""
    entities = [part for part in path.name.split("_")[:-1] if not part.startswith("recording-")]
    file = path.with_name("_".join([*entities, "events.tsv"]))
    if not file.is_file() or "time" not in table.numbers:
        return []
    with text_lines(file) as lines:
        rows = [line.rstrip("\r\n").split("\t") for line in lines if line.strip()]
    if not rows or not {"onset", "duration", "stim_file"} <= set(rows[0]):
        return []
    onset, duration, name = (rows[0].index(key) for key in ("onset", "duration", "stim_file"))
    scale = SECONDS[unit or "s"]
    first = float(np.nanmin(table.numbers["time"])) - start / scale
    found = []
    for row in rows[1:]:
        begin, length = _number(row[onset]), _number(row[duration])
        if len(row) == len(rows[0]) and row[name] not in ("", "n/a") and begin is not None:
            stop = float("inf") if length is None else first + (begin + length) / scale
            found.append(Shown(row[name], first + begin / scale, stop))
    return found


def _messages(path: Path) -> list[Message]:
    """What the tracker was told, by the physioevents.tsv.gz beside a recording; their onsets are of its own times."""
    file = path.with_name(path.name.replace("_physio.", "_physioevents."))
    columns = _metadata(file, "physioevents.json").get("Columns")
    if not file.is_file() or not isinstance(columns, list) or not {"onset", "message"} <= set(columns):
        return []
    found = []
    with text_lines(file) as lines:
        for line in lines:
            values = dict(zip(columns, line.rstrip("\r\n").split("\t"), strict=False))
            onset, text = _number(values.get("onset")), values.get("message", "n/a")
            if onset is not None and text != "n/a":
                found.append(Message(onset, text))
    return found


def _number(value: Any) -> float | None:
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if np.isfinite(found) else None


def _beside(path: Path) -> str:
    return path.name.removesuffix(".tsv.gz") + ".json"
