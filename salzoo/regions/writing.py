"""Results on regions as tables and as JSON."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, astuple, fields
from typing import Any

from salzoo.regions.calibration import LEVEL, SECONDS, Calibration
from salzoo.regions.people import Look, Summary
from salzoo.regions.predicted import Estimate, Forecast, Forecasts
from salzoo.runtime.texts import csv_text, in_columns, plain
from salzoo.version import __version__

VERSION = 1
"""Of the JSON."""

Differences = Mapping[str, Mapping[str, Estimate]]


def forecasts_json(
    found: Sequence[Forecasts], differences: Differences, table: Calibration, expected: Mapping[str, bool], **more: Any
) -> str:
    """What a model says of regions, as JSON.

    Args:
        found: of each picture or video.
        differences: of the second from the first.
        table: what the intervals come from; what it was measured to hold is written too.
        expected: expectations, and whether they hold.
        more: what else is said, such as the ``command`` that gave it.
    """
    record = {
        "salzoo_regions_result": VERSION,
        "salzoo": __version__,
        **more,
        "model": found[0].model,
        "interval": LEVEL,
        "expected_error": {name: curve.error for name, curve in table.curves.items()},
        "calibrated_on": {"model": table.model, "weights": table.weights, "pictures": table.pictures},
        "measured": table.measured,
        "inputs": [_input(each) for each in found],
        "differences": {
            region: {name: asdict(each) for name, each in named.items()} for region, named in differences.items()
        },
        "expected": dict(expected),
    }
    return json.dumps(plain(record), indent=1) + "\n"


def _input(found: Forecasts) -> dict[str, Any]:
    height, width = found.size
    return {
        "name": found.item,
        "height": height,
        "width": width,
        "notes": found.notes,
        "regions": [{"name": each.region.name, **each.row()} for each in found.regions],
        **(
            {}
            if found.still
            else {
                "times": found.times.tolist(),
                "map_shares": {each.region.name: each.shares.tolist() for each in found.regions},
            }
        ),
    }


def people_json(summaries: Sequence[Summary], dataset: str, found: Sequence[Forecasts] = (), **more: Any) -> str:
    """Summaries over observers as JSON, and what a model says of the same regions where it was asked."""
    record = {
        "salzoo_regions_result": VERSION,
        "salzoo": __version__,
        **more,
        "dataset": dataset,
        "people": [asdict(each) for each in summaries],
        **({"model": found[0].model, "inputs": [_input(each) for each in found]} if found else {}),
    }
    return json.dumps(plain(record), indent=1) + "\n"


def forecasts_csv(found: Sequence[Forecasts]) -> str:
    """A line for each region of each input; what is missing is empty."""
    rows = [
        {"item": each.item, "region": region.region.name, **region.row()} for each in found for region in each.regions
    ]
    return _csv(rows[0], (row.values() for row in rows))


def curves_csv(found: Sequence[Forecasts]) -> str:
    """A line for each region and frame of videos: its share of the map, empty where it is absent."""
    rows = (
        (each.item, region.region.name, frame, float(time), float(share))
        for each in found
        for region in each.regions
        for frame, (time, share) in enumerate(zip(each.times, region.shares, strict=False), start=1)
    )
    return _csv(("item", "region", "frame", "time", "map_share"), rows)


def looks_csv(looks: Sequence[Look]) -> str:
    """A line for each region, observer and viewing; what is missing is empty."""
    return _csv([field.name for field in fields(Look)], (astuple(look) for look in looks))


def _csv(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    return csv_text(header, (map(_cell, row) for row in rows))


def _cell(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    return "" if math.isnan(value) else f"{value:.6g}"


def format_forecasts(found: Forecasts, differences: Differences) -> str:
    """A table to read: shares in percent of people's fixations, chances in percent of viewers, with intervals."""
    header = ["region", "area", "share", "times area", *(f"in {each} s" for each in SECONDS), "half by"]
    rows = [_forecast_cells(each) for each in found.regions]
    lines = [f"{found.item}: {found.model}", *in_columns([header, *rows])]
    if differences:
        lines += ["", "change", *in_columns([["region", "share", *header[4:-1]], *_change_cells(differences)])]
    return "\n".join([*lines, *(f"Note: {note}." for note in found.notes)])


def explain(table: Calibration) -> str:
    """What the numbers of ``format_forecasts`` are, and how far they were off."""
    share, chance = table.curves["share"].error, table.curves["seen_3s"].error
    return (
        "share: of the fixations of about 15 people in 3 s; in N s: of viewers, those who look at it within N seconds. "
        "In brackets what\nheld 4 times in 5 on photographs; share and chance within 3 s were off by "
        f"{100 * share:.1f} and {100 * chance:.0f} points in the mean."
    )


def _forecast_cells(each: Forecast) -> list[str]:
    times = each.share.value / each.area if each.area > 0 else float("nan")
    chances = [_percents(each.seen[seconds]) for seconds in SECONDS]
    return [
        each.region.name,
        f"{100 * each.area:.1f} %",
        _percents(each.share),
        f"{times:.1f}",
        *chances,
        _seconds(each.first_look),
    ]


def _change_cells(differences: Differences) -> list[list[str]]:
    return [[region, *(_percents(each, sign="+") for each in named.values())] for region, named in differences.items()]


def _percents(each: Estimate, sign: str = "") -> str:
    if math.isnan(each.value):
        return "–"
    value, low, high = (100 * number for number in (each.value, each.low, each.high))
    digits = 1 if max(abs(low), abs(high)) < 9.95 else 0
    return f"{value:{sign}.{digits}f} % ({low:{sign}.{digits}f} to {high:{sign}.{digits}f})"


def _seconds(each: Estimate) -> str:
    if math.isnan(each.value):
        return "later than 5 s" if math.isnan(each.low) else f"later (from {each.low:.1f} s)"
    late = "" if math.isnan(each.high) else f"{each.high:.1f}"
    return f"{each.value:.1f} s ({each.low:.1f} to {late or 'later'})"


def format_people(summaries: Sequence[Summary], dataset: str) -> str:
    """A table to read: means over observers with the intervals of 95 % that resampled observers give."""
    shown = {
        "looked": "looked at it",
        "share_dwell": "share of time",
        "dwell_s": "dwell (s)",
        "fixations": "fixations",
        "entries": "entries",
        "first_s": "first after (s)",
    }
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for each in summaries:
        if each.measure in shown:
            rows.setdefault((each.item, each.region), {})[each.measure] = _mean(each)
    cells = [[item, region, *(row[name] for name in shown)] for (item, region), row in rows.items()]
    most = max((each.observers for each in summaries), default=0)
    return "\n".join(
        [
            f"{dataset}: {most} observers; means with intervals of 95 % over observers",
            *in_columns([["item", "region", *shown.values()], *cells]),
        ]
    )


def _mean(each: Summary) -> str:
    if math.isnan(each.mean):
        return "–"
    percent = each.measure in ("looked", "share_dwell")
    mean, low, high = (
        f"{100 * value:.0f}" if percent else f"{value:.2f}" for value in (each.mean, each.low, each.high)
    )
    interval = "–" if math.isnan(each.low) else f"{low} to {high}"
    return f"{mean}{' %' if percent else ''} ({interval})"
