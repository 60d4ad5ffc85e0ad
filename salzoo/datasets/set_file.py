"""The text of ``set.toml``, in which ``salzoo data import`` writes what a data set is and how it was made."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from salzoo.datasets.folder import FORMAT
from salzoo.gaze.setup import DEGREES_WIDE, Findings, Setup, Stimulus
from salzoo.gaze.tables import Table


def describe_table(table: Table, setup: Setup, sha256: str) -> dict[str, Any]:
    """What a table was taken for, and how its gaze became fixations."""
    entry: dict[str, Any] = {
        "name": table.path.name,
        "sha256": sha256,
        "rows": table.rows,
        "columns": {role: column.header for role, column in table.columns.items()},
        "units": setup.units,
        "origin": setup.origin,
        "clock": setup.clock,
    }
    if setup.screen:
        entry |= {"screen": [setup.screen[1], setup.screen[0]], "placement": setup.placement}
    if table.rows == "samples":
        how = setup.detection((1, 1))  # of any size: the threshold is in degrees
        unit = "degrees_per_second" if how.method == "ivt" else "degrees"
        entry |= {"method": how.method, unit: how.threshold, "shortest_ms": how.shortest * 1000}
    if setup.rate:
        entry["samples_per_second"] = round(setup.rate, 3)
    return entry


def set_file(
    stimuli: Sequence[Stimulus],
    splits: Mapping[str, str],
    seed: int,
    setup: Setup,
    tables: Sequence[Mapping[str, Any]],
    findings: Findings,
    counts: Mapping[str, int],
) -> str:
    """The whole text.

    Args:
        stimuli: the videos and images of the set.
        splits: by their ids.
        seed: of the splits.
        setup: how the gaze was recorded.
        tables: as ``describe_table`` gives them.
        findings: what was left out.
        counts: numbers of observers and fixations.
    """
    surface = "screen" if setup.screen else "video"
    known = f"{setup.pixels_per_degree:g} pixels of the" if setup.pixels_per_degree else ""
    degree = f"sigma one degree, {known or f'taken as 1/{DEGREES_WIDE} of the width of the'} {surface}"
    lines = [
        "# Written by salzoo data import. Splits and sigmas may be changed by hand.",
        f"format = {FORMAT}",
        *(f"{key} = {value}" for key, value in counts.items()),
        f"sigma = {_toml(degree)}",
        f"seed = {seed} # of the splits",
        "",
        "[gaze]",
        f"first_fixations = {_toml(setup.first)}",
        "",
        "[left_out]",
        *(f"{_toml(what)} = {count}" for what, (count, _) in (findings.usual | findings.wrong).items()),
    ]
    for table in tables:
        lines += ["", "[[tables]]", *(f"{key} = {_toml(value)}" for key, value in table.items())]
    for stimulus in stimuli:
        entry = {
            "id": stimulus.id,
            "file": f"videos/{stimulus.path.name}",
            "split": splits[stimulus.id],
            "width": stimulus.size[1],
            "height": stimulus.size[0],
            "rate": stimulus.rate,
            "sigma": round(setup.sigma(stimulus.size), 3),
        }
        lines += ["", "[[videos]]", *(f"{key} = {_toml(value)}" for key, value in entry.items())]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    """A value as TOML; strings as JSON writes them, which TOML reads as the same."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(held)}" for key, held in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
