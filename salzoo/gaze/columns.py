"""Which column of an exported table is what, by its name.

Names are compared without case, spaces and punctuation. A unit in brackets or after an underscore is read: "Recording
timestamp [ms]" is ``recordingtimestamp`` in milliseconds, "x_norm" is ``x`` as a fraction. Known are plain names and
the exports of Tobii Pro Lab, EyeLink Data Viewer (fixation and sample reports), SMI BeGaze (event statistics), Pupil
Player and Pupil Cloud.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from salzoo.interfaces.errors import SalzooError

Role = Literal["stimulus", "observer", "time", "duration", "x", "y", "event", "index"]
ROLES: tuple[Role, ...] = get_args(Role)

SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
"""Units of time."""


@dataclass(frozen=True)
class Hint:
    """What a column's name says beyond what it holds; "" says nothing.

    Attributes:
        unit: of time ("s", "ms", "us", "ns") or of place ("pixels", "fraction").
        clock: "onset" where time counts from the stimulus' start, "recording" where from the recording's.
        origin: "upper-left" or "lower-left".
        space: "screen" or "stimulus": what a place is measured on.
    """

    unit: str = ""
    clock: str = ""
    origin: str = ""
    space: str = ""


_SCREEN = Hint(unit="pixels", space="screen")


def _plain(names: str) -> dict[str, Hint]:
    return dict.fromkeys(names.split(), Hint())


KNOWN: dict[Role, dict[str, Hint]] = {
    "stimulus": _plain(
        "presentedmedianame presentedstimulusname stimulus stimulusname medianame media video videoname videofile "
        "image imagename imagefile clip movie picture filename file"
    ),
    "observer": _plain(
        "participantname participant participantid observer observername observerid subject subjectname subjectid "
        "recordingsessionlabel recordingname recordingid"
    ),
    "time": {
        "recordingtimestamp": Hint(clock="recording"),  # Tobii
        "eventstarttrialtime": Hint(unit="ms", clock="onset"),  # SMI
        "currentfixstart": Hint(unit="ms", clock="onset"),  # EyeLink, from the trial's start
        "starttimestamp": Hint(unit="s", clock="recording"),  # Pupil Labs; Pupil Cloud's says [ns]
        "gazetimestamp": Hint(unit="s", clock="recording"),  # Pupil Labs
        **_plain("time timestamp start starttime onset t"),
    },
    "duration": {
        "gazeeventduration": Hint(unit="ms"),  # Tobii
        "eventduration": Hint(unit="ms"),  # SMI
        "currentfixduration": Hint(unit="ms"),  # EyeLink
        **_plain("fixationduration duration dur"),
    },
    "event": _plain("eyemovementtype category eventtype event"),
    "index": _plain("eyemovementtypeindex fixationindex"),
}
"""Names by what they hold, the first that is there counts."""

PLACES: tuple[tuple[str, str, Hint], ...] = (
    ("fixationpointx", "fixationpointy", _SCREEN),  # Tobii; its media coordinates say MCS
    ("fixationpositionx", "fixationpositiony", _SCREEN),  # SMI
    ("currentfixx", "currentfixy", _SCREEN),  # EyeLink
    ("fixationx", "fixationy", Hint()),  # Pupil Cloud
    ("gazepointx", "gazepointy", _SCREEN),  # Tobii
    ("gazex", "gazey", Hint()),  # Pupil Cloud
    ("averagegazex", "averagegazey", _SCREEN),  # EyeLink
    ("rightgazex", "rightgazey", _SCREEN),
    ("leftgazex", "leftgazey", _SCREEN),
    ("normposx", "normposy", Hint(unit="fraction", origin="lower-left")),  # Pupil Labs
    ("x", "y", Hint()),
)
"""Names of x and y, and what they say."""

_UNITS = {
    "s": "s", "sec": "s", "seconds": "s", "ms": "ms", "msec": "ms", "us": "us", "µs": "us", "μs": "us", "ns": "ns",
    "px": "pixels", "pixel": "pixels", "pixels": "pixels", "norm": "fraction",
}  # fmt: skip


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


def find_columns(headers: Sequence[str], named: Mapping[str, str], where: str) -> dict[Role, Column]:
    """The column of each role, as far as there is one.

    Args:
        headers: names of the columns.
        named: header by role, for columns that the user names; they go first.
        where: the table, for error messages.

    Raises:
        SalzooError: x or y cannot be found, or a named column or role does not exist.
    """
    read = [_read_header(header) for header in headers]
    found: dict[Role, Column] = {}
    for role in ROLES:
        if role in ("x", "y"):
            continue
        for key, hint in KNOWN[role].items():
            places = [place for place, (name, _) in enumerate(read) if name == key]
            if places:
                found[role] = Column(headers[places[0]], places[0], _join(read[places[0]][1], hint))
                break
    for x_key, y_key, hint in PLACES:
        pairs = [
            (place, other)
            for place, (name, unit) in enumerate(read)
            for other, (other_name, other_unit) in enumerate(read)
            if name == x_key and other_name == y_key and unit == other_unit
        ]
        if pairs:  # of several, those measured on the stimulus
            x, y = min(pairs, key=lambda pair: read[pair[0]][1].space != "stimulus")
            found["x"] = Column(headers[x], x, _join(read[x][1], hint))
            found["y"] = Column(headers[y], y, _join(read[y][1], hint))
            break
    for name, header in named.items():
        if name not in ROLES:
            raise SalzooError(f"there is no role {name!r} of a column; the roles are {', '.join(ROLES)}")
        if header not in headers:
            raise SalzooError(f"{where} has no column {header!r}; it has {_list(headers)}")
        place = list(headers).index(header)
        found[ROLES[ROLES.index(name)]] = Column(header, place, read[place][1])
    missing = [name for name in ("x", "y") if name not in found]
    if missing:
        raise SalzooError(
            f"{where} has no column that is known to be {' or '.join(missing)}; name it with --column x=NAME; it has "
            f"{_list(headers)}"
        )
    return found


def _read_header(header: str) -> tuple[str, Hint]:
    """A header's key, and what its unit says."""
    match = re.fullmatch(r"\s*(.*?)\s*[\[(]([^\])]*)[\])]\s*", header)
    if match is None:
        match = re.fullmatch(r"\s*(.+)_([^_]+?)\s*", header)
        if match is None or match[2].lower() not in _UNITS:
            return _key(header), Hint()
    words = match[2].lower()
    unit = _UNITS.get(words) or ("fraction" if "norm" in words else "pixels" if "px" in words else "")
    space = "stimulus" if "mcs" in words else "screen" if "dacs" in words else ""
    return _key(match[1]), Hint(unit=unit, space=space)


def _key(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _join(said: Hint, known: Hint) -> Hint:
    """What a header says itself goes before what is known of such headers."""
    return Hint(
        said.unit or known.unit, said.clock or known.clock, said.origin or known.origin, said.space or known.space
    )


def _list(headers: Sequence[str]) -> str:
    shown = ", ".join(map(repr, headers[:20]))
    return f"{shown} and {len(headers) - 20} more" if len(headers) > 20 else shown or "no columns"
