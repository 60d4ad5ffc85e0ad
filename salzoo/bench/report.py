"""Benchmarks as text and as JSON."""

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from salzoo.bench.measuring import Row, Table


def tables_text(tables: Sequence[Table], machine: dict[str, Any], memory: float) -> str:
    """Tables for people: time of a unit with its quartiles, units a second, times faster than the first variant."""
    lines = [_machine_line(machine)]
    for table in tables:
        width = max(len(row.name) for row in table.rows)
        head = f"{'':{width}} {'ms a ' + table.unit:>12} {'quartiles':>19} {'per second':>11} {'x first':>8}"
        shares = any(row.peak is not None for row in table.rows)
        lines += ["", table.title, f"{head} {'quartiles':>13}" + (" of peak" if shares else "")]
        lines += [_row_line(row, width) for row in table.rows]
        lines += [f"  {note}" for note in table.notes]
    return "\n".join([*lines, "", f"peak memory {memory:.0f} MiB"])


def tables_markdown(tables: Sequence[Table], machine: dict[str, Any], memory: float) -> str:
    """The same as a card has them, in Markdown."""
    lines = [_machine_line(machine)]
    for table in tables:
        head = ["", f"ms a {table.unit}", "quartiles", "per second", "× first", "quartiles", "of peak"]
        lines += ["", f"{table.title[0].upper()}{table.title[1:]}:", "", _cells(head), "|---" + "|---:" * 6 + "|"]
        for row in table.rows:
            times = [_short(1e3 * row.seconds), _range(row.spread, 1e3), f"{1 / row.seconds:.1f}"]
            share = "" if row.peak is None else f"{row.peak:.0%}"
            lines.append(_cells([row.name, *times, f"{row.ratio:.2f}", _range(row.ratio_spread), share]))
        lines += ["", *(f"- {note}" for note in table.notes)] if table.notes else []
    return "\n".join([*lines, "", f"Peak memory {memory:.0f} MiB"])


def _cells(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _range(spread: tuple[float, float], scale: float = 1.0) -> str:
    return " to ".join(_short(scale * each) for each in spread)


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def tables_json(tables: Sequence[Table], machine: dict[str, Any], memory: float) -> str:
    """The same for programs; times in seconds."""
    found = {"machine": machine, "peak_memory_mib": memory, "tables": [dataclasses.asdict(table) for table in tables]}
    return json.dumps(found, indent=2)


def _row_line(row: Row, width: int) -> str:
    low, high = (f"{1e3 * each:.3g}" for each in row.spread)
    times = f"{1e3 * row.seconds:>12.3f} {low + ' to ' + high:>19} {1 / row.seconds:>11.1f}"
    share = "" if row.peak is None else f" {row.peak:>7.0%}"
    return (
        f"{row.name:{width}} {times} {row.ratio:>8.2f} {row.ratio_spread[0]:>5.2f} to {row.ratio_spread[1]:.2f}{share}"
    )


def _machine_line(machine: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['threads']} threads, load {machine['load']}, "
        f"device {machine['device']}; Python {machine['python']}, {versions}"
    )
