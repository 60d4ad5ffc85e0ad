"""``salzoo data import``: one's own recordings of gaze as a data set.

Read a table, tell its columns, leave out rows that are no gaze, part the viewings, make fixations, bring them to places
and times of the stimulus: ``salzoo.gaze`` does that, each step counting what it leaves out and why. Here the set is
written.
"""

import re
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from salzoo.datasets.folder import COLUMNS, GAZE, SETTINGS
from salzoo.datasets.set_file import Described, describe_table, set_file, summarise
from salzoo.datasets.splits import split_videos
from salzoo.datasets.stimuli import Matcher, list_stimuli, read_map
from salzoo.gaze.reading import read_table
from salzoo.gaze.recordings import extract_fixations
from salzoo.gaze.setup import Findings, Fixation, Setup, Stimulus
from salzoo.gaze.tables import Layout, Table
from salzoo.interfaces.errors import SalzooError
from salzoo.runtime.files import complete_or_absent, file_sha256, writing
from salzoo.runtime.texts import csv_text

SHOWN = 5
"""Findings of a kind that a message names one by one."""

QUARTERED = 20
"""Fixations from which on it is strange that they keep to one quarter of what was watched."""


@dataclass(frozen=True)
class Import:
    """What to make a data set of.

    Attributes:
        tables: files of gaze; one that names no observers is one observer's, of its name.
        videos: folder of the videos and images that were watched.
        out: folder to make.
        setup: how the gaze was recorded.
        layout: how to read the tables.
        stimulus: the file that was watched, where the tables name none.
        names: a table of what the tables of gaze call the stimuli, and their files.
        drop: the share of all fixations and rows that may be left out because it does not fit; 0 refuses any, 1 none.
        copy: copy the videos rather than link them.
        seed: of the splits.
    """

    tables: Sequence[Path]
    videos: Path
    out: Path
    setup: Setup = field(default_factory=Setup)
    layout: Layout = field(default_factory=Layout)
    stimulus: str = ""
    names: Path | None = None
    drop: float = 0.0
    copy: bool = False
    seed: int = 0


def import_gaze(plan: Import, say: Callable[[str], None]) -> None:
    """Make a data set of recordings. The folder appears when it is complete.

    Args:
        plan: what to make it of.
        say: takes lines for the user: what each column was taken for, what was left out, and a summary.

    Raises:
        SalzooError: a file cannot be read or written; columns or units do not fit; fixations lie outside their
            stimulus or its time, stimuli are not known or values are missing, more than ``drop`` allows.
    """
    if plan.out.exists() and (not plan.out.is_dir() or any(plan.out.iterdir())):
        raise SalzooError(f"{plan.out} exists, and is no empty folder; name another with --to")
    sums = _checksums(plan.tables)
    _check_eyes(plan.tables)
    stimuli = list_stimuli(plan.videos)
    match = Matcher(stimuli, read_map(plan.names, stimuli) if plan.names else {})
    findings, fixations, tables = Findings(), list[Fixation](), []
    for path, observer in zip(plan.tables, _observers(plan.tables), strict=True):
        table = read_table(path, plan.layout)
        table.observer = table.observer or observer
        findings.rows += len(table)
        found, settled = extract_fixations(table, stimuli, match, plan.setup, findings, plan.stimulus)
        match.check()
        say(_recognised(table, settled))
        _name_quarter(found, stimuli, findings)
        fixations += _after(fixations, found, path)
        tables.append(describe_table(table, settled, sums[path]))
        del table
    for line in findings.lines(findings.doubts):
        say(f"look at: {line}")
    _report(findings, len(fixations), plan.drop, say)
    watched = {fixation.stimulus for fixation in fixations}
    if not watched:
        raise SalzooError("not one fixation was found on the videos and images; see what the columns were taken for")
    unwatched = [stimulus.id for number, stimulus in enumerate(stimuli) if number not in watched]
    if unwatched:
        say(f"nobody watched {len(unwatched)} of {len(stimuli)} videos and images, left out: {_few(unwatched)}")
    kept = [stimulus for number, stimulus in enumerate(stimuli) if number in watched]
    splits = split_videos([stimulus.id for stimulus in kept], plan.seed)
    summary = summarise(fixations, findings, tables)
    about = Described(splits, plan.seed, _stated(plan.setup, tables), tables, findings, summary)
    ids = [stimulus.id for stimulus in stimuli]
    _write(plan, kept, ids, fixations, lambda sha256: set_file(kept, about, sha256))
    say(f"summary: {summary.text}")
    say(
        f"{summary.fixations} fixations of {summary.observers} observers on {len(kept)} videos and images in {plan.out}"
        f"; use it with --dataset {plan.out}, and look at it: salzoo data check {plan.out} --draw gaze.png"
    )


def _checksums(tables: Sequence[Path]) -> dict[Path, str]:
    """The sha256 of each table. Raises SalzooError for one that is given twice, under whatever name."""
    seen: dict[str, Path] = {}
    for path in tables:
        sha256 = file_sha256(path)
        if sha256 in seen:
            raise SalzooError(f"{seen[sha256]} and {path} hold the same: the gaze of one would count twice")
        seen[sha256] = path
    return {path: sha256 for sha256, path in seen.items()}


def _check_eyes(tables: Sequence[Path]) -> None:
    """Raise SalzooError where two recordings of BIDS are one person's eyes: their gaze would count twice."""
    runs = [re.sub("_recording-[A-Za-z0-9]+", "", str(path)) for path in tables if "_recording-" in path.name]
    twice = next((run for run in runs if runs.count(run) > 1), None)
    if twice is not None:
        raise SalzooError(f"{Path(twice).name} is given with both eyes, each in a file: leave out those of one eye")


def _observers(tables: Sequence[Path]) -> list[str]:
    """Whose each table is that names no observers: its name, with its folder where others have that name too."""
    stems = [_printable(path.name.partition(".")[0]) for path in tables]
    named = [
        stem if stems.count(stem) == 1 else f"{_printable(path.absolute().parent.name)}/{stem}"
        for path, stem in zip(tables, stems, strict=True)
    ]
    for name in named:
        if named.count(name) > 1:
            raise SalzooError(f"several tables are called {name}: name their observers by renaming the files")
    return named


def _name_quarter(found: Sequence[Fixation], stimuli: Sequence[Stimulus], findings: Findings) -> None:
    """Name fixations that keep to one quarter of what was looked at, as places in another unit do: people look at the
    middle."""
    places = [(each.x / stimuli[each.stimulus].size[1], each.y / stimuli[each.stimulus].size[0]) for each in found]
    quarters = Counter((x < 0.5, y < 0.5) for x, y in places)
    for (left, upper), count in quarters.items():
        if len(found) >= QUARTERED and count >= 0.98 * len(found):
            findings.doubt(
                f"fixations lie in the {'upper' if upper else 'lower'} {'left' if left else 'right'} quarter of what "
                "was watched, and hardly any elsewhere: are units, --screen, --placement and --origin right?",
                count,
            )


def _after(before: Sequence[Fixation], found: Sequence[Fixation], path: Path) -> list[Fixation]:
    """Fixations of a table, with viewings numbered on from those of the tables before it. Raises SalzooError where a
    viewing is one of its observer's before it again, in this table or those."""
    last: dict[tuple[int, str], int] = {}
    held: dict[tuple[int, str], set[tuple[float, ...]]] = {}
    for each in before:
        key = each.stimulus, each.observer
        last[key] = max(last.get(key, 0), each.viewing)
        held.setdefault(key, set()).add((each.start, each.duration, each.x, each.y))
    own: dict[tuple[int, str, int], set[tuple[float, ...]]] = {}
    for each in found:
        viewing = each.stimulus, each.observer, each.viewing
        own.setdefault(viewing, set()).add((each.start, each.duration, each.x, each.y))
    for (stimulus, observer, _), rows in own.items():
        seen = held.setdefault((stimulus, observer), set())
        if len(rows) > 1 and rows <= seen:
            raise SalzooError(f"{path} repeats gaze of {observer!r} that it or a table before it has: remove one")
        seen |= rows
    return [replace(each, viewing=each.viewing + last.get((each.stimulus, each.observer), 0)) for each in found]


def _stated(setup: Setup, tables: Sequence[Mapping[str, Any]]) -> Setup:
    """The setup with the screen that the tables themselves state, for the size of a degree."""
    screens = {tuple(table["screen"]) for table in tables if "screen" in table}
    if setup.screen or len(screens) != 1:
        return setup
    width, height = screens.pop()
    return replace(setup, screen=(height, width))


def _recognised(table: Table, setup: Setup) -> str:
    columns = ", ".join(f"{role} = {'+'.join(each.header for each in held)}" for role, held in table.columns.items())
    where = f"a screen of {setup.screen[1]}×{setup.screen[0]} pixels" if setup.screen else "the stimulus"
    clock = "the stimulus' start" if setup.clock == "onset" else "the first row of each viewing"
    if setup.start is not None:
        clock = f"{setup.start:g} s of its clock"
    elif table.recordings or table.shown:
        clock = "the message or event that shows the stimulus, else the recording's start"
    elif "frame" in table.columns and table.columns["x"][0].hint.space != "surface":
        clock = "the video's frames, which the table numbers"
    columns += "" if "observer" in table.columns else f", one observer, {table.observer}"
    units = "pixels" if setup.units == "pixels" else "fractions"
    what = {"samples": "samples", "labelled": "samples with events", "fixations": "fixations"}[table.rows]
    return (
        f"{_printable(table.path.name)}: {len(table)} rows, {what}; {columns[:2000]}; places in {units} of {where}, "
        f"origin {setup.origin}; time in {setup.time_unit or 'samples'} from {clock}"
    )


def _report(findings: Findings, kept: int, drop: float, say: Callable[[str], None]) -> None:
    """Say what was left out; refuse where it should not have been."""
    for line in findings.lines(findings.usual):
        say(f"left out: {line}")
    wrong = findings.lines(findings.wrong)
    of_fixations = sum(count for what, (count, _) in findings.wrong.items() if what.startswith("fixations"))
    of_rows = sum(count for what, (count, _) in findings.wrong.items() if not what.startswith("fixations"))
    share = max(of_fixations / max(of_fixations + kept, 1), of_rows / max(findings.rows, 1))
    if wrong and share > drop:
        allowed = f", {share:.1%} where {drop:.1%} may be left out" if drop else ""
        raise SalzooError(
            f"the recordings do not fit{allowed}: {_few(wrong, '; ')}. Are columns, units, --screen, --placement and "
            "--clock right? --drop-outside leaves these out and goes on"
        )
    for line in wrong:
        say(f"left out: {line}")


def _few(names: Sequence[str], separator: str = ", ") -> str:
    more = f"{separator}and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return separator.join(names[:SHOWN]) + more


def _printable(name: str) -> str:
    """A file's name as text that a set can hold."""
    return "".join(each if each.isprintable() else "?" for each in name.encode(errors="replace").decode())


def _write(
    plan: Import,
    stimuli: Sequence[Stimulus],
    ids: Sequence[str],
    fixations: Sequence[Fixation],
    settings: Callable[[str], str],
) -> None:
    """Write a set; ``settings`` gives the text of set.toml, by the sha256 of the table of gaze."""
    ordered = sorted(fixations, key=lambda each: (ids[each.stimulus], each.observer, each.viewing, each.start))
    rows = (
        (ids[each.stimulus], each.observer, each.viewing, *(f"{number:.3f}" for number in numbers))
        for each in ordered
        for numbers in [(each.start * 1000, each.duration * 1000, each.x, each.y)]
    )
    with writing(plan.out):
        plan.out.parent.mkdir(parents=True, exist_ok=True)
        with complete_or_absent(plan.out) as folder:
            (folder / "videos").mkdir(parents=True)
            for stimulus in stimuli:
                _place(stimulus.path, folder / "videos" / stimulus.path.name, plan.copy)
            (folder / GAZE).write_text(csv_text(COLUMNS, rows), encoding="utf-8", newline="")
            (folder / SETTINGS).write_text(settings(file_sha256(folder / GAZE)), encoding="utf-8")


def _place(source: Path, target: Path, copy: bool) -> None:
    """Link a file, or copy it where asked to or where links cannot be made."""
    if not copy:
        try:
            target.symlink_to(source.resolve())
        except (OSError, NotImplementedError):
            copy = True
    if copy:
        shutil.copyfile(source, target)
