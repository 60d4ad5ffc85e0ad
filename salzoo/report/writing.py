"""From runs and results to one HTML file that asks for nothing else."""

import re
import shlex
from base64 import b64encode
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from salzoo.charts.panels import draw_panel
from salzoo.charts.rows import draw_axis, draw_row
from salzoo.charts.svg import svg_element
from salzoo.evaluation.comparison import read_distinct
from salzoo.evaluation.results import read_more
from salzoo.interfaces import SalzooError
from salzoo.interfaces.errors import shown
from salzoo.report.boards import Board, make_boards
from salzoo.report.regions import read_regions
from salzoo.report.runs import RunStory, is_run, read_run
from salzoo.report.videos import LARGEST as CLIPS
from salzoo.report.videos import Sight, is_at_hand, show_videos
from salzoo.runtime.files import write_text
from salzoo.training.folder import RESULTS
from salzoo.version import __version__

FRAMES = 100
"""Of each video that is shown: four seconds of most."""

LARGEST = 20_000_000
"""Bytes of a report: what mail servers take."""


def write_report(
    paths: Sequence[Path], out: Path, *, frames: int = FRAMES, report: Callable[[str], None] = lambda line: None
) -> None:
    """Write a report on runs and results, whole or not at all.

    Args:
        paths: run folders, and files that ``salzoo eval`` or ``salzoo regions`` wrote.
        out: the HTML file.
        frames: of the best, the median and the worst video of each run that are shown; 0 for no pictures.
        report: given a line on what could not be shown.

    Raises:
        SalzooError: a path that is neither, no result nor run at all, a report of more than 20 MB, a place that cannot
            be written to.
    """
    runs = [read_run(path) for path in paths if is_run(path)]
    told = {path: read_regions(path) for path in paths if not path.is_dir()}
    files = [path for path, regions in told.items() if not regions]
    stories = [story for regions in told.values() for story in regions]
    boards = make_boards(read_distinct([run.folder / RESULTS for run in runs if run.results] + files))
    sights = [_sights(run, frames, len(runs)) for run in runs]
    pictures = [_pictures(board, frames, len(boards)) for board in boards]
    for each, (_, notices) in [*zip([run.folder for run in runs], sights, strict=True), *pictures]:
        for notice in notices:
            report(f"{each}: {notice}")
    options = [] if frames == FRAMES else ["--frames", str(frames)]
    command = shlex.join(["salzoo", "report", *map(str, paths), *options, "-o", str(out)])
    names = [str(run.record.spec) for run in runs] or [board.title for board in boards]
    names = names or [story.title for story in stories]
    page = render(
        title=names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more",
        runs=list(zip(runs, sights, strict=True)),
        boards=list(zip(boards, [found for _, found in pictures], strict=True)),
        regions=stories,
        not_scored={name: why for file in files for name, why in read_more(file)[1].items()},
        command=command,
    )
    size = len(page.encode())
    if size > LARGEST:
        raise SalzooError(
            f"the report would have {size / 1e6:.0f} MB, more than {LARGEST / 1e6:.0f}: name fewer runs or results"
        )
    write_text(page, out)


Sights = tuple[list[Sight], list[str]]
"""Videos to show, and what must be said of what is missing."""


def _sights(run: RunStory, frames: int, runs: int) -> Sights:
    if not (frames and run.results):
        return [], run.notices
    result = run.results[0]
    roots = dict(run.record.datasets)
    found, missing = show_videos(result, run.folder, roots.get(result.dataset), frames, CLIPS // runs)
    return found, run.notices + missing


def _pictures(board: Board, frames: int, boards: int) -> tuple[str, Sights]:
    """Of a board whose first result is no run's, which has its own pictures."""
    path, result = board.first
    if not frames or path.name == RESULTS or not is_at_hand(result.model):
        return result.model, ([], [])
    return result.model, show_videos(result, result.model, None, frames, CLIPS // boards)


def render(**values: Any) -> str:
    """The page. Whatever text it shows is escaped, control characters and marks that turn the direction of writing
    included, whoever wrote it."""
    loader = PackageLoader("salzoo.report", "page")
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )

    def raw(name: str) -> Markup:
        return Markup(loader.get_source(environment, name)[0])

    environment.filters["joints"] = _joints
    environment.globals |= {
        "version": __version__,
        "row_of": lambda row, chart: Markup(svg_element(draw_row(row, chart))),
        "axis_of": lambda chart: Markup(svg_element(draw_axis(chart))),
        "panel_of": lambda panel: Markup(svg_element(draw_panel(panel, size=(352, 180)))),
        "raw": raw,
        "hash_of": lambda name: f"sha256-{b64encode(sha256(raw(name).encode()).digest()).decode()}",
    }
    return environment.get_template("report.html").render(**values)


def _joints(text: str) -> Markup:
    """Names, or a sentence with some, whose lines end between words, or at the joints of a name alone, as before "+" in
    a spec and behind "/" in a path; at a hyphen only where a part is long."""
    found = []
    for word in re.split(r"(\s+)", shown(text, keep="\n\t")):
        parts = re.split(r"(?<=[/,:=])(?=\w)|(?=[+@])", word)
        whole = [
            Markup('<span class="part">{}</span>').format(part) if "-" in part[:40] == part else escape(part)
            for part in parts
        ]
        found.append(Markup("<wbr>").join(whole))
    return Markup("").join(found)


def _shown(value: Any) -> Any:
    return shown(value, keep="\n\t") if type(value) is str else value
