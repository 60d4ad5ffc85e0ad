"""Which column of an exported table is what, by its name.

Names are compared without case, spaces and punctuation. A unit in brackets or after an underscore is read: "Recording
timestamp [ms]" is ``recordingtimestamp`` in milliseconds, "x_norm" is ``x`` as a fraction. ``columns.toml`` has plain
names and those in the exports of Tobii Pro Lab and Tobii Studio, EyeLink Data Viewer, SMI BeGaze, Gazepoint Analysis,
Pupil Player and Pupil Cloud.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Literal, get_args

from salzoo.interfaces.errors import SalzooError

Role = Literal[
    "stimulus", "observer", "viewing", "time", "duration", "end", "x", "y", "event", "index", "eye", "sensor",
    "message", "confidence", "valid", "frame", "frame_time", "other_x", "other_y",
    "screen", "screen_width", "screen_height", "media_x", "media_y", "media_width", "media_height",
]  # fmt: skip
ROLES: tuple[Role, ...] = get_args(Role)

NUMBERS: tuple[Role, ...] = (
    "time", "duration", "end", "x", "y", "other_x", "other_y", "confidence", "frame", "frame_time",
)  # fmt: skip
"""Roles of numbers; what the others hold are names."""

SEVERAL: tuple[Role, ...] = ("viewing", "message", "valid")
"""Roles that several columns may have at once."""

NAMEABLE: tuple[Role, ...] = (
    "stimulus", "observer", "viewing", "time", "duration", "end", "x", "y", "event", "index", "eye",
)  # fmt: skip
"""Roles that a user gives to columns."""

SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
"""Units of time."""


@dataclass(frozen=True)
class Hint:
    """What a column's name says beyond what it holds; "" says nothing.

    Attributes:
        unit: of time ("s", "ms", "us", "ns") or of place ("pixels", "fraction").
        clock: "onset" where time counts from the stimulus' start, "recording" where from the recording's.
        origin: "upper-left" or "lower-left".
        space: "screen", "stimulus" or "surface" (a stimulus that a camera saw): what a place is measured on.
        event: whether it holds when an event began, not when a row was taken; or where an event was.
    """

    unit: str = ""
    clock: str = ""
    origin: str = ""
    space: str = ""
    event: bool = False


Places = tuple[tuple[str, str, Hint], ...]


def _read_names() -> tuple[dict[Role, dict[str, Hint]], dict[str, Places]]:
    """``columns.toml``: the names of each role, and of pairs of x and y, with what they say."""
    stated = tomllib.loads(files("salzoo.gaze").joinpath("columns.toml").read_text(encoding="utf-8"))
    names: dict[Role, dict[str, Hint]] = {}
    for entry in stated["columns"]:
        names.setdefault(entry.pop("role"), {}).update(dict.fromkeys(entry.pop("names").split(), Hint(**entry)))
    pairs = {
        kind: tuple((each.pop("x"), each.pop("y"), Hint(**each)) for each in known)
        for kind, known in stated["places"].items()
    }
    return names, pairs


KNOWN, _PAIRS = _read_names()
PLACES, PLAIN_PLACES, EYES = _PAIRS["known"], _PAIRS["plain"], _PAIRS["eyes"]

_UNITS = {
    "s": "s", "sec": "s", "seconds": "s", "ms": "ms", "msec": "ms", "us": "us", "µs": "us", "μs": "us", "ns": "ns",
    "px": "pixels", "pix": "pixels", "pixel": "pixels", "pixels": "pixels", "norm": "fraction",
}  # fmt: skip
_ELSEWHERE = ("mm", "cm", "deg", "°", "rad", "dva", "%")
"""Units of places that are neither pixels nor fractions of the screen or the stimulus."""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        header: its name there.
        place: its number, from 0.
        hint: what the name says.
    """

    header: str
    place: int
    hint: Hint


Columns = dict[Role, tuple[Column, ...]]
"""The columns of a table by role, most often one each."""


def find_columns(
    headers: Sequence[str], named: Mapping[str, str], where: str, eye: str = "", samples: bool = False
) -> Columns:
    """The columns of each role, as far as there are any.

    Args:
        headers: names of the columns.
        named: header by role, for columns that the user names; they go first.
        where: the table, for error messages.
        eye: "left" or "right" where its columns alone are wanted.
        samples: whether the places of samples are wanted, where there are those of fixations too.

    Raises:
        SalzooError: x or y cannot be found, or a named column or role does not exist.
    """
    read = [_read_header(header) for header in headers]
    found: Columns = {}
    for role, known in KNOWN.items():
        places = [(place, known[key]) for key in known for place, (name, _) in enumerate(read) if name == key]
        columns = tuple(Column(headers[at], at, _join(read[at][1], hint)) for at, hint in places)
        if columns:
            found[role] = columns if role in (*SEVERAL, "time") else columns[:1]
    found |= _find_places(headers, read, eye, samples)
    for name, header in named.items():
        if name not in NAMEABLE:
            raise SalzooError(f"there is no role {name!r} of a column; the roles are {', '.join(NAMEABLE)}")
        if header not in headers:
            raise SalzooError(f"{where} has no column {header!r}; it has {listed(headers)}")
        place = list(headers).index(header)
        hint = read[place][1] if name not in ("x", "y") else _join(read[place][1], _hint_of_place(read[place][0]))
        found[ROLES[ROLES.index(name)]] = (Column(header, place, hint),)
    if {"x", "y"} & set(named):
        found = {role: columns for role, columns in found.items() if role not in ("other_x", "other_y")}
    missing = [name for name in ("x", "y") if name not in found]
    if missing:
        of = f" of the {eye} eye" if eye else ""
        raise SalzooError(
            f"{where} has no column that is known to be {' or '.join(missing)}{of}; name it with --column x=NAME, or "
            f"all with --columns where it has no header; it has {listed(headers)}"
        )
    return _settle_roles(found, named, {name for name, _ in read}, samples)


def _find_places(headers: Sequence[str], read: Sequence[tuple[str, Hint]], eye: str, samples: bool) -> Columns:
    """x and y: of fixations, else of both eyes together, else of each eye."""

    def pair(x_key: str, y_key: str, hint: Hint) -> tuple[Column, Column] | None:
        pairs = [
            (place, other)
            for place, (name, said) in enumerate(read)
            for other, (other_name, other_said) in enumerate(read)
            if name == x_key and other_name == y_key and said == other_said and said.unit not in _ELSEWHERE
        ]
        if not pairs:
            return None
        x, y = min(pairs, key=lambda pair: read[pair[0]][1].space != "stimulus")  # of several, those on the stimulus
        return Column(headers[x], x, _join(read[x][1], hint)), Column(headers[y], y, _join(read[y][1], hint))

    def first(known: Iterable[tuple[str, str, Hint]]) -> Columns:
        both = next(filter(None, (pair(*names) for names in known)), None)
        return {"x": both[:1], "y": both[1:]} if both else {}

    def of_eye(name: str) -> Columns:
        spelled = [(x.format(n), y.format(n), hint) for x, y, hint in EYES for n in (name, name[0])]
        return first(spelled)

    if eye:
        own = of_eye(eye)
        if own:
            return own
    left, right = of_eye("left"), of_eye("right")
    found = first(each for each in PLACES if not (samples and each[2].event)) or first(PLAIN_PLACES)
    if found and not (left and right and found["x"][0].header.lower() in ("x", "y")):
        return found
    if left and right:
        return {**left, "other_x": right["x"], "other_y": right["y"]}
    return left or right


def _settle_roles(found: Columns, named: Mapping[str, str], keys: set[str], samples: bool) -> Columns:
    """What depends on more than one column."""
    times = found.get("time", ())
    if times and "time" not in named:  # when an event began goes before when a row was taken, where events have lengths
        wanted = not samples and ("duration" in found or "end" in found)
        found["time"] = (next((each for each in times if each.hint.event == wanted), times[0]),)
        label = found.get("observer", ())  # EyeLink's sample reports count in the tracker's own time
        if label and _key(label[0].header) == "recordingsessionlabel" and _key(found["time"][0].header) == "timestamp":
            own = found["time"][0]
            found["time"] = (replace(own, hint=replace(own.hint, clock="recording", unit="ms")),)
        if found["time"][0].hint.unit == "ns":  # Pupil Cloud, of the world's time
            found["time"] = (replace(found["time"][0], hint=replace(found["time"][0].hint, clock="recording")),)
    event = {column.place for column in found.get("event", ())}
    found["message"] = tuple(column for column in found.get("message", ()) if column.place not in event)
    x = found["x"][0]
    other = {"fpogv": "fpogx", "bpogv": "bpogx"}  # each tells of its own place alone
    found["valid"] = tuple(
        column
        for column in found.get("valid", ())
        if other.get(_key(column.header), _key(x.header)) == _key(x.header)
        and ("other_x" in found or _tells_of_eye(column, x))
    )
    if "onsurf" in keys and x.hint.unit == "fraction":  # Pupil Core's surfaces count from the lower left corner
        found["x"] = (replace(x, hint=replace(x.hint, origin="lower-left", space="surface")),)
    observer = {column.place for column in found.get("observer", ())}
    found["viewing"] = tuple(column for column in found.get("viewing", ()) if column.place not in observer)
    return {role: columns for role, columns in found.items() if columns}


def _tells_of_eye(column: Column, x: Column) -> bool:
    """Whether a code of validity is of the eye that a place is of, or the place is of both."""
    key = _key(column.header).removeprefix("validity")
    return key not in ("left", "right") or not {"left", "right"} - {key} & set(re.findall("left|right", _key(x.header)))


def _hint_of_place(key: str) -> Hint:
    known = {name: hint for x, y, hint in (*PLACES, *PLAIN_PLACES) for name in (x, y)}
    return known.get(key, Hint())


def _read_header(header: str) -> tuple[str, Hint]:
    """A header's key, and what its unit says."""
    match = re.fullmatch(r"\s*([^\[\(]*?)\s*[\[(]([^\])]*)[\])]\s*", header[:500])
    if match is None:
        match = re.fullmatch(r"\s*(.+)_([^_]+?)\s*", header[:500])
        if match is None or match[2].lower() not in _UNITS:
            return _key(header[:500]), Hint()
    words = match[2].lower()
    other = next((unit for unit in _ELSEWHERE if words.endswith(unit)), "")
    unit = _UNITS.get(words) or other or ("fraction" if "norm" in words else "pixels" if "px" in words else "")
    space = "stimulus" if "mcs" in words else "screen" if "dacs" in words or "adcs" in words else ""
    return _key(match[1]), Hint(unit=unit, space=space)


def _key(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _join(said: Hint, known: Hint) -> Hint:
    """What a header says itself goes before what is known of such headers."""
    return Hint(
        said.unit or known.unit,
        said.clock or known.clock,
        said.origin or known.origin,
        said.space or known.space,
        said.event or known.event,
    )


def listed(names: Sequence[str], most: int = 20) -> str:
    """Some of many names, none too long for a line."""
    shown = ", ".join(repr(name if len(name) <= 40 else name[:40] + "…") for name in names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown or "no columns"
