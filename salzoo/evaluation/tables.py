"""Results as text: tables of 80 columns that say which way is better and which model is best."""

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from salzoo.evaluation import mit
from salzoo.evaluation.bootstrap import TOO_FEW
from salzoo.evaluation.protocols import find_metric
from salzoo.evaluation.results import BOUNDS, LARGEST, Result, format_notices, heading, number
from salzoo.interfaces.errors import SalzooError
from salzoo.registry import did_you_mean
from salzoo.runtime.files import read_text, reading

WIDTH = 80

Row = tuple[str, Mapping[str, str]]
"""What a line is called, and its cells by metric."""


def format_table(results: Sequence[Result], *, intervals: bool = False) -> str:
    """The mean scores of models on one split, with the data set, its note and the protocol above.

    Args:
        results: of one data set, split and protocol. People and the density map itself have no part in what is best;
            a metric that one of them lacks is a dash.
        intervals: give the bootstrap interval of each mean in two lines below it.
    """
    first = results[0]
    lines = [f"{first.dataset} {first.split}, {first.size}, protocol {first.protocol}"]
    if first.note:
        lines.append(first.note)
    rows: list[Row] = []
    best = best_means(results, first.metrics)
    for result in results:
        rows.append((result.model, _cells(result, best)))
        if intervals:
            for label, side in (("  95 % from", 0), ("  95 % to", 1)):
                rows.append((label, {m: _bound(pair[side]) for m, pair in result.interval_95.items()}))
    lines += format_rows(first.metrics, rows)
    if best:
        lines.append("* the best of these models; ↑ higher is better, ↓ lower")
    if intervals and any(math.isnan(low) for result in results for low, _ in result.interval_95.values()):
        lines.append(TOO_FEW)
    lines += format_relative(results, intervals=intervals)
    return "\n".join([*lines, *format_notices(results)])


def format_relative(results: Sequence[Result], *, intervals: bool = False) -> list[str]:
    """Each model's way from the center bias to people in percent, where the results have it; else nothing."""
    rows: list[Row] = []
    for result in results:
        if result.relative and not is_bound(result):
            rows.append((result.model, {m: number(values[0], 0) + " " for m, values in result.relative.items()}))
            for label, side in (("  95 % from", 1), ("  95 % to", 2)) if intervals else ():
                rows.append((label, {m: _bound(values[side], 0) for m, values in result.relative.items()}))
    if not rows:
        return []
    metrics = [metric for metric in results[0].metrics if any(metric in cells for _, cells in rows)]
    return ["", "percent of the way from the center bias (0) to people (100)", *format_rows(metrics, rows)]


def format_rows(metrics: Sequence[str], rows: Sequence[Row]) -> list[str]:
    """Rows under the headings of their metrics, in blocks beside which there is room for what they are called; a longer
    name has a line to itself."""
    widths = {metric: max(7, 2 + len(heading(metric))) for metric in metrics}
    label_width = min(max(len(label) for label, _ in [*rows, ("model", {})]), max(WIDTH - sum(widths.values()), 24))
    lines: list[str] = []
    block: list[str] = []
    for metric in [*metrics, ""]:
        if not metric or (block and label_width + sum(widths[m] for m in [*block, metric]) > WIDTH):
            titles = "".join(f"{heading(m) + arrow(m):>{widths[m]}}" for m in block)
            lines.append(f"{'model':{label_width}}{titles}")
            for label, cells in rows:
                shown = "".join(f"{cells.get(m, '– '):>{widths[m]}}" for m in block)
                lines += [label] if len(label) > label_width else []
                lines.append(f"{label if len(label) <= label_width else '':{label_width}}{shown}".rstrip())
            block = []
        block += [metric] if metric else []
    return lines


def format_by(results: Sequence[Result], table: Path, column: str) -> str:
    """The mean scores for each value of an attribute of the videos.

    Args:
        results: of one data set and split.
        table: CSV or TSV with a header; its first column names videos as the data set does.
        column: the attribute.

    Raises:
        SalzooError: the table cannot be read, lacks the column or some of the videos, or has a video twice.
    """
    groups: dict[str, list[str]] = {}
    values = read_column(table, column)
    videos = list(results[0].per_video)
    missing = [video for video in videos if video not in values]
    if missing:
        raise SalzooError(f"{table} has no row for {len(missing)} of {len(videos)} videos, first {missing[0]}")
    for video in videos:
        groups.setdefault(values[video], []).append(video)
    lines: list[str] = []
    for value, members in sorted(groups.items()):
        means = [dict(zip(r.metrics, r.video_scores(members).mean().tolist(), strict=True)) for r in results]
        parts = [replace(result, mean=mean) for result, mean in zip(results, means, strict=True)]
        best = best_means(parts, results[0].metrics)
        rows = [(part.model, _cells(part, best)) for part in parts]
        lines += ["", f"{column} {value}: {len(members)} of {len(videos)} videos"]
        lines += format_rows(results[0].metrics, rows)
    return "\n".join(lines)


def read_column(table: Path, column: str) -> dict[str, str]:
    """A column of a table, by what its first column holds. Raises SalzooError as ``format_by`` does."""
    with reading(table):
        text = read_text(table, LARGEST).removeprefix("\ufeff")
    header, _, _ = text.partition("\n")
    rows = list(csv.reader(text.splitlines(), delimiter="\t" if "\t" in header else ","))
    if not rows or column not in rows[0][1:]:
        there = rows[0][1:] if rows else []
        raise SalzooError(f"{table} has no column {column!r} after its first{did_you_mean(column, there)}")
    at = rows[0].index(column, 1)
    found: dict[str, str] = {}
    for number_, row in enumerate(rows[1:], start=2):
        if not row:
            continue
        if len(row) <= at:
            raise SalzooError(f"{table}, line {number_}: {len(row)} cells, and {column} is number {at + 1}")
        if row[0] in found:
            raise SalzooError(f"{table}, line {number_}: {row[0]} has a row already")
        found[row[0]] = row[at]
    return found


def _short(value: float) -> str:
    """Three decimals, of numbers from 10 on two: six characters."""
    return number(value, 3 if abs(value) < 9.9995 else 2)


def _bound(value: float, digits: int | None = None) -> str:
    """The end of an interval; a dash where there is none."""
    return "– " if math.isnan(value) else (_short(value) if digits is None else number(value, digits)) + " "


def is_bound(result: Result) -> bool:
    """Whether a result is no model's: of people, or of the density map itself."""
    return result.model in BOUNDS


def _cells(result: Result, best: Mapping[str, float]) -> dict[str, str]:
    marked = {m for m, value in result.mean.items() if best.get(m) == value and not is_bound(result)}
    return {m: _short(value) + ("*" if m in marked else " ") for m, value in result.mean.items()}


def best_means(results: Sequence[Result], metrics: Sequence[str]) -> dict[str, float]:
    """The best mean of two or more models, by metric."""
    best = {}
    for metric in metrics:
        higher = higher_is_better(metric)
        models = [result for result in results if not is_bound(result)]
        values = [r.mean[metric] for r in models if not math.isnan(r.mean.get(metric, math.nan))]
        if higher is not None and len(values) > 1:
            best[metric] = max(values) if higher else min(values)
    return best


def arrow(metric: str) -> str:
    """The sign of the direction that is better; a blank where it is not known here."""
    higher = higher_is_better(metric)
    return " " if higher is None else "↑" if higher else "↓"


def higher_is_better(metric: str) -> bool | None:
    """Which way a metric is better; None where it is not known here."""
    try:
        if metric in mit.METRICS:
            return mit.METRICS[metric].higher_is_better
        return find_metric(metric).higher_is_better
    except SalzooError:  # of a package that is not here, in a results file of another machine
        return None
