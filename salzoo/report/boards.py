"""The tables of a report: results that can stand beside each other, with what cards report on the same data set."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from salzoo.charts.rows import RowChart
from salzoo.evaluation.bootstrap import FEWEST, TOO_FEW
from salzoo.evaluation.comparison import distinct_labels
from salzoo.evaluation.plots import standing_charts, title_of
from salzoo.evaluation.protocols import PROTOCOLS
from salzoo.evaluation.reported import NOTE, WITHDRAWN, Reported, reported_on_cards
from salzoo.evaluation.results import (
    UNITS,
    Result,
    format_notices,
    heading,
    measured_as,
    number,
    read_more,
)
from salzoo.evaluation.tables import arrow, best_means, higher_is_better, is_bound
from salzoo.report.findings import BASELINES, VideoTable, describe_finding, leading_metric, list_videos
from salzoo.training.folder import RESULTS


@dataclass(frozen=True)
class Column:
    """A metric: heading, arrow of the better direction, unit, and whether the first sorting is downwards."""

    heading: str
    arrow: str
    unit: str
    falling: bool


@dataclass(frozen=True)
class Cell:
    """A score as shown and as sorted by; its interval; the way from center bias to people; whether it is the best."""

    text: str = "–"
    value: float | None = None
    interval: str = ""
    relative: str = ""
    best: bool = False


@dataclass(frozen=True)
class Row:
    """A line of a board: what it is called, where its scores stand ("measured" and others), and a cell a column."""

    name: str
    kind: str
    status: str
    cells: list[Cell]


@dataclass(frozen=True)
class Board:
    """Results of one data set, split, protocol and seed.

    Attributes:
        title, note, protocol: what was scored, what must be said of it, and what the protocol computes.
        columns, rows: the table.
        remarks: on reported scores, and on the frames behind the table.
        finding: what it comes to, in a sentence.
        charts: one a metric, the leading one first.
        videos: their scores.
        commands: that gave the measured rows, as far as their files know.
        versions: of the software, with the results that it computed.
        first: the result that the others are compared with, and its file.
    """

    title: str
    note: str
    protocol: str
    columns: list[Column]
    rows: list[Row]
    remarks: list[str]
    notices: list[str]
    finding: str
    charts: list[RowChart]
    videos: VideoTable
    commands: list[str]
    versions: list[str]
    first: tuple[Path, Result]


def make_boards(found: Sequence[tuple[Path, Result]]) -> list[Board]:
    """A board for each data set, split, protocol, seed and number of frames among results, in their order; each with
    its file."""
    groups: dict[tuple[object, ...], list[tuple[Path, Result]]] = {}
    for path, result in found:
        key = (result.dataset, result.split, result.protocol, result.seed, result.frames_expected)
        groups.setdefault(key, []).append((path, result))
    return [_make_board(members) for members in groups.values()]


def _make_board(found: Sequence[tuple[Path, Result]]) -> Board:
    results, labels = [result for _, result in found], distinct_labels(found)
    first = results[0]
    metrics = list(dict.fromkeys(metric for result in results for metric in result.metrics))
    metrics.sort(key=lambda metric: metric != leading_metric(first))
    reported = reported_on_cards(first.dataset)
    best = best_means(results, metrics)
    rows = [_measured(result, label, metrics, best) for result, label in zip(results, labels, strict=True)]
    rows += [_as_row(row, metrics) for row in reported]
    remarks = [NOTE] if reported else []
    if len(first.per_video) < FEWEST:
        remarks.append(TOO_FEW)
    remarks += [WITHDRAWN] if any(row.withdrawn for row in reported) else []
    rules = PROTOCOLS.get(first.protocol.partition(" ")[0])
    return Board(
        title=f"{first.dataset} {first.split}, {first.size}",
        note="; ".join(dict.fromkeys(result.note for result in results if result.note)),
        protocol=f"{first.protocol}, seed {first.seed}" + (f": {rules.summary}" if rules else ""),
        columns=[
            Column(heading(m), arrow(m).strip(), UNITS.get(m, ""), higher_is_better(m) is not False) for m in metrics
        ],
        rows=rows,
        remarks=remarks,
        notices=format_notices(results),
        finding=describe_finding(results, labels),
        charts=standing_charts(results, labels, metrics),
        videos=list_videos(results, labels, {metric: title_of(metric) for metric in metrics}),
        commands=_commands(found),
        versions=list(dict.fromkeys(_versions(result) for result in results)),
        first=found[0],
    )


def _measured(result: Result, label: str, metrics: Sequence[str], best: dict[str, float]) -> Row:
    kind = "bound" if is_bound(result) else "baseline" if result.model in BASELINES else "measured"
    status = {"bound": "measured: a bound, no model", "baseline": "measured: a baseline"}.get(kind, measured_as(result))
    if result.frames < result.frames_expected:
        status += f", PARTIAL: {result.frames} of {result.frames_expected} frames"
    return Row(label, kind, status, [_cell(result, metric, best) for metric in metrics])


def _cell(result: Result, metric: str, best: dict[str, float]) -> Cell:
    value = result.mean.get(metric, math.nan)
    if math.isnan(value):
        return Cell()
    low, high = result.interval_95[metric]
    shares = (result.relative or {}).get(metric)
    return Cell(
        text=number(value, 3),
        value=value,
        interval="–" if math.isnan(low) else f"{number(low, 3)} to {number(high, 3)}",
        relative=f"{number(shares[0], 0)} % of the way to people" if shares and not math.isnan(shares[0]) else "",
        best=best.get(metric) == value and not is_bound(result),
    )


def _as_row(row: Reported, metrics: Sequence[str]) -> Row:
    kind = "withdrawn" if row.withdrawn else "reported"
    cells = [Cell(number(row.scores[m], 3), row.scores[m]) if m in row.scores else Cell() for m in metrics]
    return Row(f"{row.card}: {row.model}" if row.card != row.model else row.card, kind, row.status, cells)


def _commands(found: Sequence[tuple[Path, Result]]) -> list[str]:
    """The commands that wrote the files of these results; those of runs were written by training them."""
    files = dict.fromkeys(path for path, _ in found if path.name != RESULTS)
    return list(dict.fromkeys(command for path in files if (command := read_more(path)[0])))


def _versions(result: Result) -> str:
    return ", ".join(f"{name} {version}" for name, version in result.versions.items())
