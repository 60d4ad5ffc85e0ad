"""``salzoo data import``: one's own recordings of gaze as a data set."""

import csv
import hashlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from salzoo.datasets.folder import COLUMNS, GAZE, SETTINGS
from salzoo.datasets.set_file import describe_table, set_file
from salzoo.datasets.stimuli import list_stimuli, matcher, split_videos
from salzoo.gaze.recordings import extract_fixations
from salzoo.gaze.setup import Findings, Fixation, Setup, Stimulus
from salzoo.gaze.tables import Rows, Table, read_table
from salzoo.interfaces.errors import SalzooError
from salzoo.runtime.files import complete_or_absent

SHOWN = 5
"""Findings of a kind that a message names one by one."""


@dataclass(frozen=True)
class Import:
    """What to make a data set of.

    Attributes:
        tables: files of gaze; one without a column of observers is one observer's, of its name.
        videos: folder of the videos and images that were watched.
        out: folder to make.
        setup: how the gaze was recorded.
        columns: headers by role, for columns that are not known by their names.
        rows: what the rows of the tables are; None where their columns tell.
        drop_outside: leave out what does not fit, rather than refuse.
        copy: copy the videos rather than link them.
        seed: of the splits.
    """

    tables: Sequence[Path]
    videos: Path
    out: Path
    setup: Setup
    columns: Mapping[str, str]
    rows: Rows | None = None
    drop_outside: bool = False
    copy: bool = False
    seed: int = 0


def import_gaze(plan: Import, say: Callable[[str], None]) -> None:
    """Make a data set of recordings. The folder appears when it is complete.

    Args:
        plan: what to make it of.
        say: takes lines for the user: what each column was taken for, and what was left out.

    Raises:
        SalzooError: a file cannot be read or written; columns or units do not fit; fixations lie outside their
            stimulus or its time, stimuli are not known or values are missing, unless ``drop_outside``.
    """
    if plan.out.exists() and (not plan.out.is_dir() or any(plan.out.iterdir())):
        raise SalzooError(f"{plan.out} exists, and is no empty folder; name another with --to")
    stimuli = list_stimuli(plan.videos)
    findings, fixations, tables = Findings(), list[Fixation](), []
    for path in plan.tables:
        table = read_table(path, plan.columns, plan.rows)
        found, settled = extract_fixations(table, stimuli, matcher(stimuli), plan.setup, findings)
        say(_recognised(table, settled))
        fixations += found
        with path.open("rb") as file:
            tables.append(describe_table(table, settled, hashlib.file_digest(file, "sha256").hexdigest()))
    _report(findings, plan.drop_outside, say)
    watched = {fixation.stimulus for fixation in fixations}
    if not watched:
        raise SalzooError("not one fixation was found on the videos and images; see what the columns were taken for")
    unwatched = [stimulus.id for number, stimulus in enumerate(stimuli) if number not in watched]
    if unwatched:
        say(f"nobody watched {len(unwatched)} of {len(stimuli)} videos and images, left out: {_few(unwatched)}")
    kept = [stimulus for number, stimulus in enumerate(stimuli) if number in watched]
    splits = split_videos([stimulus.id for stimulus in kept], plan.seed)
    counts = {"observers": len({fixation.observer for fixation in fixations}), "fixations": len(fixations)}
    settings = set_file(kept, splits, plan.seed, plan.setup, tables, findings, counts)
    _write(plan, kept, [(stimuli[fixation.stimulus].id, fixation) for fixation in fixations], settings)
    say(
        f"{counts['fixations']} fixations of {counts['observers']} observers on {len(kept)} videos and images in "
        f"{plan.out}; use it with --dataset {plan.out}"
    )


def _recognised(table: Table, setup: Setup) -> str:
    columns = ", ".join(f"{role} = {column.header}" for role, column in table.columns.items())
    where = f"a screen of {setup.screen[1]}×{setup.screen[0]} pixels" if setup.screen else "the stimulus"
    clock = "the stimulus' start" if setup.clock == "onset" else "the first row of each observer on a stimulus"
    units = "pixels" if setup.units == "pixels" else "fractions"
    what = {"samples": "samples", "labelled": "samples with events", "fixations": "fixations"}[table.rows]
    return (
        f"{table.path.name}: {len(table.stimulus)} {what}; {columns}; places in {units} of {where}, origin "
        f"{setup.origin}; time in {setup.time_unit or 'samples'} from {clock}"
    )


def _report(findings: Findings, drop: bool, say: Callable[[str], None]) -> None:
    """Say what was left out; refuse where it should not have been."""

    def lines(held: dict[str, tuple[int, str]]) -> list[str]:
        return [f"{count} {what}{f' (first: {first})' if first else ''}" for what, (count, first) in held.items()]

    for line in lines(findings.usual):
        say(f"left out: {line}")
    wrong = lines(findings.wrong)
    if wrong and not drop:
        raise SalzooError(
            f"the recordings do not fit: {_few(wrong, '; ')}. Are columns, units, --screen, --placement and --clock "
            "right? --drop-outside leaves these out and goes on"
        )
    for line in wrong:
        say(f"left out: {line}")


def _few(names: Sequence[str], separator: str = ", ") -> str:
    more = f"{separator}and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return separator.join(names[:SHOWN]) + more


def _write(plan: Import, stimuli: Sequence[Stimulus], fixations: Sequence[tuple[str, Fixation]], settings: str) -> None:
    try:
        plan.out.parent.mkdir(parents=True, exist_ok=True)
        with complete_or_absent(plan.out) as folder:
            (folder / "videos").mkdir(parents=True)
            for stimulus in stimuli:
                _place(stimulus.path, folder / "videos" / stimulus.path.name, plan.copy)
            with (folder / GAZE).open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(COLUMNS)
                for video, each in sorted(fixations, key=lambda pair: (pair[0], pair[1].observer, pair[1].start)):
                    numbers = (each.start * 1000, each.duration * 1000, each.x, each.y)
                    writer.writerow((video, each.observer, *(f"{number:.3f}" for number in numbers)))
            (folder / SETTINGS).write_text(settings, encoding="utf-8")
    except OSError as error:
        raise SalzooError(f"cannot write {plan.out}: {error.strerror or error}") from error


def _place(source: Path, target: Path, copy: bool) -> None:
    """Link a file, or copy it where asked to or where links cannot be made."""
    if not copy:
        try:
            target.symlink_to(source.resolve())
        except (OSError, NotImplementedError):
            copy = True
    if copy:
        shutil.copyfile(source, target)
