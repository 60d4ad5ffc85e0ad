"""Results for papers and other programs: long tables as CSV, tables for LaTeX, charts."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from salzoo.charts.rows import draw_row_charts
from salzoo.charts.saving import save_drawing
from salzoo.evaluation.bootstrap import TOO_FEW
from salzoo.evaluation.comparison import Comparison
from salzoo.evaluation.plots import draw_comparison, score_charts
from salzoo.evaluation.results import Result, heading, number
from salzoo.evaluation.significance import ALPHA
from salzoo.evaluation.tables import arrow, higher_is_better, is_bound
from salzoo.interfaces.errors import SalzooError, shown
from salzoo.runtime.files import write_text
from salzoo.runtime.texts import csv_text

SCORES = ("model", "dataset", "split", "protocol", "trained_on", "video", "frame", "observer", "metric", "value")
MEANS = ("model", "dataset", "split", "protocol", "trained_on", "metric", "videos", "frames", "mean", "low", "high")
DIFFERENCES = ("difference", "difference_low", "difference_high", "p")


ENDINGS = (".csv", ".tex", ".svg", ".png")


def check_ending(path: Path, also: Sequence[str] = ()) -> None:
    """Raise SalzooError for a file whose name's ending says none of the forms that results can have."""
    known = [*also, *ENDINGS]
    if path.suffix.lower() not in known:
        raise SalzooError(f"cannot write {path}: the names of results end in {', '.join(known)}")


def save_results(results: Sequence[Result], path: Path) -> None:
    """Write results as the ending says: every score (.csv), the table (.tex), or its chart (.svg, .png)."""
    check_ending(path)
    labels = [result.model for result in results]
    if path.suffix.lower() == ".csv":
        write_text(scores_csv(results), path)
    elif path.suffix.lower() == ".tex":
        write_text(results_latex(results, labels), path)
    else:
        first = results[0]
        title = f"{first.dataset} {first.split}, {first.size}, protocol {first.protocol}"
        save_drawing(draw_row_charts(score_charts(results, labels, first.metrics), title), path)


def save_comparison(found: Comparison, path: Path, plot: str, video: str | None = None) -> None:
    """Write a comparison as the ending says: means and differences (.csv), the table (.tex), or a chart (.svg, .png),
    which is one of ``salzoo.evaluation.plots.PLOTS``."""
    check_ending(path)
    if path.suffix.lower() == ".csv":
        write_text(means_csv(found), path)
    elif path.suffix.lower() == ".tex":
        write_text(comparison_latex(found), path)
    else:
        save_drawing(draw_comparison(found, plot, video), path)


def scores_csv(results: Sequence[Result]) -> str:
    """Every score there is, a row each: of frames, and of observers, where the results have them, else of videos.
    Undefined ones are empty."""
    return _csv(SCORES, (row for result in results for row in _scores(result)))


def _what(label: str, result: Result) -> tuple[str, ...]:
    """The first columns; trained_on is of how many of the videos, "7 of 7", and empty where that is no question."""
    return (label, result.dataset, result.split, result.protocol, str(result.trained_on or ""))


def _scores(result: Result) -> Iterator[tuple[object, ...]]:
    what = _what(result.model, result)
    if result.per_frame is None and result.per_observer is None:
        for video, scores in result.per_video.items():
            yield from ((*what, video, "", "", metric, _plain(scores[metric])) for metric in result.metrics)
    for video, frames in (result.per_frame or {}).items():
        for frame, values in frames.items():
            yield from ((*what, video, frame, "", m, _plain(v)) for m, v in zip(result.metrics, values, strict=True))
    for video, by_frame in (result.per_observer or {}).items():
        for frame, observers in by_frame.items():
            for observer, values in observers.items():
                known = ((m, v) for m, v in zip(result.metrics, values, strict=True) if not math.isnan(v))
                yield from ((*what, video, frame, observer, metric, _plain(value)) for metric, value in known)


def means_csv(found: Comparison) -> str:
    """The means of results with their intervals, a row a result and metric, and their differences from the first."""
    rows = []
    for row, (label, result) in enumerate(zip(found.labels, found.results, strict=True)):
        for column, metric in enumerate(found.metrics):
            if metric not in result.metrics:
                continue
            numbers = [
                found.means[row, column],
                *found.intervals[row, :, column],
                *(
                    (found.differences[row, column], *found.difference_intervals[row, :, column])
                    if row
                    else [math.nan] * 3
                ),
                found.p[row, column],
            ]
            frames = sum(result.defined[video][metric] for video in found.videos)
            what = (*_what(label, result), metric, len(found.videos), frames)
            rows.append((*what, *map(_plain, numbers)))
    return _csv((*MEANS, *DIFFERENCES), rows)


def _plain(value: float) -> str:
    return "" if math.isnan(value) else repr(float(value))


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    return csv_text(header, ([shown(str(cell)) for cell in row] for row in rows))


Cell = tuple[float, float, float, bool]
"""A mean, the ends of its interval, and whether it differs from the first result's."""

Entry = tuple[str, Result, Mapping[str, Cell]]
"""What a line is called, what it shows, and its cells by metric."""


def results_latex(results: Sequence[Result], labels: Sequence[str]) -> str:
    """A table of means and intervals for LaTeX (package booktabs), the best of each column bold; people and the density
    map itself stand below the models and have no part in what is best."""
    first = results[0]
    entries: list[Entry] = [
        (label, result, {m: (result.mean[m], *result.interval_95[m], False) for m in result.metrics})
        for label, result in zip(labels, results, strict=True)
    ]
    return _latex(first.metrics, entries, f"{first.dataset} {first.split}, {first.size}, {first.protocol}", first.note)


def comparison_latex(found: Comparison) -> str:
    """The same of results on the videos that they share; a star marks a difference from the first."""
    first = found.results[0]
    entries: list[Entry] = []
    for row, (label, result) in enumerate(zip(found.labels, found.results, strict=True)):
        columns = zip(found.metrics, found.means[row], found.intervals[row].T, found.p[row], strict=True)
        cells = {m: (float(mean), float(low), float(high), bool(p < ALPHA)) for m, mean, (low, high), p in columns}
        entries.append((label, result, cells))
    star = f"*: differs from {found.labels[0]}, p < {ALPHA:g}, {found.test}"
    what = f"{first.dataset} {first.split}, {found.size}, {first.protocol}"
    return _latex(found.metrics, entries, what, first.note, star, found.too_few)


def _latex(metrics: Sequence[str], entries: Sequence[Entry], *remarks: str) -> str:
    best = {metric: _best(metric, entries) for metric in metrics}
    said = [*remarks, "Means [95 % intervals, bootstrap over videos]; bold: the best. Needs the package booktabs."]
    if any(math.isnan(low) and not math.isnan(mean) for *_, cells in entries for mean, low, *_ in cells.values()):
        said.append(TOO_FEW)
    arrows = {"↑": r" $\uparrow$", "↓": r" $\downarrow$"}
    lines = [
        *(f"% {shown(remark)}" for remark in said if remark),
        r"\begin{tabular}{l" + "r" * len(metrics) + "}",
        r"  \toprule",
        _latex_row(["", *(escape_latex(heading(m)) + arrows.get(arrow(m), "") for m in metrics)]),
    ]
    marks = _marks([result for _, result, _ in entries])
    for bounds in (False, True):
        rows = [(label, result, cells) for label, result, cells in entries if is_bound(result) == bounds]
        lines += [r"  \midrule"] if rows else []
        for label, result, cells in rows:
            texts = [_latex_cell(cells[m], None if bounds else best[m]) if m in cells else "--" for m in metrics]
            lines.append(_latex_row([escape_latex(label) + marks.get(_doubt(result), ""), *texts]))
    width = len(metrics) + 1
    notes = [
        rf"  \multicolumn{{{width}}}{{l}}{{\footnotesize {mark} {escape_latex(words)}}} \\"
        for words, mark in marks.items()
    ]
    return "\n".join([*lines, r"  \bottomrule", *notes, r"\end{tabular}"]) + "\n"


def _doubt(result: Result) -> str:
    """What must be said of a model that was trained on what it is tested on, or may have been; else nothing."""
    seen = result.trained_on
    return "" if seen is None or seen.seen == 0 else seen.words


def _marks(results: Sequence[Result]) -> dict[str, str]:
    """Numbers for all that must be said of models, which stands below the table."""
    said = dict.fromkeys(filter(None, map(_doubt, results)))
    return {words: f"$^{{{number}}}$" for number, words in enumerate(said, start=1)}


def _best(metric: str, entries: Sequence[Entry]) -> float | None:
    """The best mean of two or more models."""
    higher = higher_is_better(metric)
    means = [cells[metric][0] for _, result, cells in entries if not is_bound(result) and metric in cells]
    means = [mean for mean in means if not math.isnan(mean)]
    return None if higher is None or len(means) < 2 else max(means) if higher else min(means)


def _latex_cell(cell: Cell, best: float | None) -> str:
    mean, low, high, differs = cell
    if math.isnan(mean):
        return "--"
    text = rf"\textbf{{{number(mean, 3)}}}" if mean == best else number(mean, 3)
    text += "$^{*}$" if differs else ""
    return text + ("" if math.isnan(low) else rf" {{\scriptsize [{number(low, 3)}, {number(high, 3)}]}}")


def _latex_row(cells: Sequence[str]) -> str:
    return "  " + " & ".join(cells) + r" \\"


def escape_latex(text: str) -> str:
    r"""A name as LaTeX prints it.

    >>> print(escape_latex("runs/a_b+ema:tau=0.2@61 100%"))
    runs/a\_b+ema:tau=0.2@61 100\%
    """
    special = {**{each: rf"\{each}" for each in "_&%$#{}"}, "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    special |= {"\\": r"\textbackslash{}", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}"}
    return "".join(special.get(each, each) for each in shown(text))
