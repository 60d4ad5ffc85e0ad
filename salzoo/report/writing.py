"""From runs and results to one HTML file that asks for nothing else."""

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from salzoo.charts.panels import draw_panel
from salzoo.charts.rows import draw_axis, draw_row
from salzoo.charts.svg import svg_element
from salzoo.evaluation.comparison import read_distinct
from salzoo.evaluation.results import read_more
from salzoo.interfaces import SalzooError
from salzoo.interfaces.errors import shown
from salzoo.report.boards import make_boards
from salzoo.report.runs import is_run, read_run
from salzoo.report.videos import show_videos
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
        paths: run folders, and files that ``salzoo eval`` wrote.
        out: the HTML file.
        frames: of the best, the median and the worst video of each run that are shown; 0 for no pictures.
        report: given a line on what could not be shown.

    Raises:
        SalzooError: a path that is neither, no result nor run at all, a report of more than 20 MB, a place that cannot
            be written to.
    """
    runs = [read_run(path) for path in paths if is_run(path)]
    files = [path for path in paths if not path.is_dir()]
    boards = make_boards(read_distinct([run.folder / RESULTS for run in runs if run.results] + files))
    sights = []
    for run in runs:
        found, missing = show_videos(run, frames, len(runs)) if frames and run.results else ([], [])
        sights.append((found, run.notices + missing))
        for notice in sights[-1][1]:
            report(f"{run.folder}: {notice}")
    options = [] if frames == FRAMES else ["--frames", str(frames)]
    command = shlex.join(["salzoo", "report", *map(str, paths), *options, "-o", str(out)])
    names = [str(run.record.spec) for run in runs] or [board.title for board in boards]
    page = render(
        title=names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more",
        runs=list(zip(runs, sights, strict=True)),
        boards=boards,
        not_scored={name: why for file in files for name, why in read_more(file)[1].items()},
        command=command,
    )
    size = len(page.encode())
    if size > LARGEST:
        raise SalzooError(
            f"the report would have {size / 1e6:.0f} MB, more than {LARGEST / 1e6:.0f}: name fewer runs or results"
        )
    write_text(page, out)


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
    environment.globals |= {
        "version": __version__,
        "row_of": lambda row, chart: Markup(svg_element(draw_row(row, chart))),
        "axis_of": lambda chart: Markup(svg_element(draw_axis(chart))),
        "panel_of": lambda panel: Markup(svg_element(draw_panel(panel, size=(352, 180)))),
        "raw": lambda name: Markup(loader.get_source(environment, name)[0]),
    }
    return environment.get_template("report.html").render(**values)


def _shown(value: Any) -> Any:
    return shown(value, keep="\n\t") if type(value) is str else value
