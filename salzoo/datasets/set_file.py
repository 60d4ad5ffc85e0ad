"""The text of ``set.toml``, in which ``salzoo data import`` writes what a data set is and how it was made."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from salzoo.datasets.folder import FORMAT
from salzoo.gaze.setup import DEGREES_WIDE, Findings, Fixation, Setup, Stimulus
from salzoo.gaze.tables import Table


@dataclass(frozen=True)
class Summary:
    """What was read, as one would state it in a paper.

    Attributes:
        observers, stimuli, viewings, fixations: how many; a viewing is one observer watching one stimulus once.
        median_ms, quartiles_ms: of the fixations' durations; None where they have none.
        samples: how many were read; 0 of tables of fixations.
        lost: share of them in which the eye was not seen.
        how: how the fixations were made.
    """

    observers: int
    stimuli: int
    viewings: int
    fixations: int
    median_ms: float | None
    quartiles_ms: tuple[float, float] | None
    samples: int
    lost: float
    how: str

    @property
    def text(self) -> str:
        """In words."""
        watched = f"{self.fixations} fixations of {self.observers} observers on {self.stimuli} videos and images"
        viewings = f" in {self.viewings} viewings"
        length = ""
        if self.median_ms is not None and self.quartiles_ms is not None:
            low, high = self.quartiles_ms
            length = f", {self.median_ms:.0f} ms long in the median (quartiles {low:.0f} and {high:.0f})"
        lost = f"; the eye was not seen in {self.lost:.1%} of {self.samples} samples" if self.samples else ""
        return f"{watched}{viewings}{length}{lost}; {self.how}"


def summarise(fixations: Sequence[Fixation], findings: Findings, tables: Sequence[Mapping[str, Any]]) -> Summary:
    """The summary of what was imported; ``tables`` as ``describe_table`` gives them."""
    durations = np.array([each.duration for each in fixations if each.duration > 0]) * 1000
    quartiles = (
        tuple(round(float(value), 1) for value in np.quantile(durations, (0.25, 0.5, 0.75))) if len(durations) else None
    )
    return Summary(
        observers=len({each.observer for each in fixations}),
        stimuli=len({each.stimulus for each in fixations}),
        viewings=len({(each.stimulus, each.observer, each.viewing) for each in fixations}),
        fixations=len(fixations),
        median_ms=quartiles[1] if quartiles else None,
        quartiles_ms=(quartiles[0], quartiles[2]) if quartiles else None,
        samples=findings.samples,
        lost=round(findings.lost / findings.samples, 4) if findings.samples else 0.0,
        how="; ".join(dict.fromkeys(_how(table) for table in tables)),
    )


def _how(table: Mapping[str, Any]) -> str:
    """How the fixations of a table were made, in words."""
    if table["rows"] == "fixations":
        return "fixations as the table has them"
    if table["rows"] == "labelled":
        return "fixations as the tracker's software labelled the samples"
    rate = f" at {table['samples_per_second']:g} samples a second" if "samples_per_second" in table else ""
    if table["method"] == "ivt":
        how = f"velocity below {table['degrees_per_second']:g} degrees a second (I-VT)"
    else:
        how = f"dispersion of at most {table['degrees']:g} degrees (I-DT)"
    limits = f"for at least {table['shortest_ms']:g} ms, over gaps of up to {table['gap_ms']:g} ms"
    return f"fixations among samples{rate} by {how} {limits}"


def describe_table(table: Table, setup: Setup, sha256: str) -> dict[str, Any]:
    """What a table was taken for, and how its gaze became fixations."""
    entry: dict[str, Any] = {
        "name": table.path.name.encode(errors="replace").decode(),
        "sha256": sha256,
        "rows": table.rows,
        "columns": {role: "+".join(each.header for each in held) for role, held in table.columns.items()},
        "units": setup.units,
        "origin": setup.origin,
        "clock": setup.clock,
    }
    if setup.start is not None:
        entry["start_s"] = setup.start
    if setup.screen:
        stated = "as the table states it" if "media_width" in table.columns else "fit"
        entry |= {"screen": [setup.screen[1], setup.screen[0]], "placement": setup.placement or stated}
    if table.rows == "samples":
        how = setup.detection((1, 1))  # of any size: the threshold is in degrees
        unit = "degrees_per_second" if how.method == "ivt" else "degrees"
        entry |= {"method": how.method, unit: how.threshold, "shortest_ms": how.shortest * 1000}
        entry["gap_ms"] = round(how.gap * 1000, 3)
    if setup.rate:
        entry["samples_per_second"] = round(setup.rate, 3)
    return entry


@dataclass(frozen=True)
class Described:
    """What ``set_file`` writes down, beside the videos.

    Attributes:
        splits: by the videos' ids.
        seed: of the splits.
        setup: how the gaze was recorded.
        tables: as ``describe_table`` gives them.
        findings: what was left out.
        summary: of all.
    """

    splits: Mapping[str, str]
    seed: int
    setup: Setup
    tables: Sequence[Mapping[str, Any]]
    findings: Findings
    summary: Summary


def set_file(stimuli: Sequence[Stimulus], about: Described, sha256: str) -> str:
    """The whole text.

    Args:
        stimuli: the videos and images of the set.
        about: how it was made.
        sha256: of the table of gaze.
    """
    setup, summary, findings = about.setup, about.summary, about.findings
    surface = "screen" if setup.screen else "video"
    known = f"{setup.pixels_per_degree:g} pixels of the" if setup.pixels_per_degree else ""
    degree = f"sigma one degree, {known or f'taken as 1/{DEGREES_WIDE} of the width of the'} {surface}"
    numbers = {
        "viewings": summary.viewings,
        "median_ms": summary.median_ms,
        "quartiles_ms": summary.quartiles_ms,
        "samples": summary.samples,
        "samples_lost": summary.lost,
    }
    lines = [
        "# Written by salzoo data import. Splits and sigmas may be changed by hand.",
        f"format = {FORMAT}",
        f"observers = {summary.observers}",
        f"fixations = {summary.fixations}",
        f"sigma = {_toml(degree)}",
        f"seed = {about.seed} # of the splits, and of folds",
        "",
        "[gaze]",
        f"first_fixations = {_toml(setup.first)}",
        f"sha256 = {_toml(sha256)} # of gaze.csv",
        "",
        "[summary]",
        f"text = {_toml(summary.text)}",
        *(f"{key} = {_toml(value)}" for key, value in numbers.items() if value is not None),
        "",
        "[left_out]",
        *(f"{_toml(what)} = {count}" for what, (count, _) in (findings.usual | findings.wrong).items()),
    ]
    if findings.doubts:
        lines += ["", "[doubts]", *(f"{_toml(what)} = {count}" for what, (count, _) in findings.doubts.items())]
    for table in about.tables:
        lines += ["", "[[tables]]", *(f"{_toml_key(key)} = {_toml(value)}" for key, value in table.items())]
    for stimulus in stimuli:
        entry = {
            "id": stimulus.id,
            "file": f"videos/{stimulus.path.name}",
            "split": about.splits[stimulus.id],
            "width": stimulus.size[1],
            "height": stimulus.size[0],
            "rate": stimulus.rate,
            "frames": max(len(stimulus.times) - 1, 1),
            "sigma": round(setup.sigma(stimulus.size), 3),
        }
        lines += ["", "[[videos]]", *(f"{key} = {_toml(value)}" for key, value in entry.items())]
    return "\n".join(lines) + "\n"


def _toml_key(key: str) -> str:
    return key if key.isidentifier() and key.isascii() else _toml(key)


def _toml(value: Any) -> str:
    """A value as TOML; strings as JSON writes them, which TOML reads as the same."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_toml_key(key)} = {_toml(held)}" for key, held in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
