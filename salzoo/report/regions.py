"""What ``salzoo regions`` said of regions, as a report shows it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from salzoo.charts.panels import Panel
from salzoo.charts.rows import RowChart
from salzoo.interfaces import SalzooError
from salzoo.interfaces.errors import one_line
from salzoo.regions.drawing import SHARES, bar_chart, curve_panel
from salzoo.regions.writing import VERSION
from salzoo.runtime.files import read_json

LARGEST = 2**27
"""Bytes of a file that are read."""

KEY = "salzoo_regions_result"

PICTURE = re.compile(r"data:image/jpeg;base64,[A-Za-z0-9+/=]+")


@dataclass(frozen=True)
class RegionStory:
    """Regions of a picture, of a video, or of what people looked at in a data set.

    Attributes:
        title: of what, and who says so.
        picture: with the regions outlined, as a data URI; "" where the file has none.
        charts: of shares, chances and changes.
        panels: the shares over a video's time, those of the largest.
        notes: what a reader must know.
        command: that wrote the file.
    """

    title: str
    picture: str
    charts: list[RowChart]
    panels: list[Panel]
    notes: list[str]
    command: str


def read_regions(path: Path) -> list[RegionStory]:
    """What a JSON file of ``salzoo regions`` says; nothing where it is another file.

    Raises:
        SalzooError: it is one of another version, or damaged.
    """
    try:
        record = read_json(path, LARGEST)
    except (OSError, ValueError, RecursionError):
        return []  # whoever reads results says what is wrong with it
    if not isinstance(record, dict) or KEY not in record:
        return []
    try:
        if record[KEY] != VERSION:
            raise ValueError(f"it has version {record[KEY]}, not {VERSION}")
        pictures = record.get("pictures") or [""] * len(record.get("inputs", []))
        stories = [
            _story(record, each, picture) for each, picture in zip(record.get("inputs", []), pictures, strict=True)
        ]
        return stories + _people(record)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise SalzooError(
            f"{path} is no result of salzoo regions that this salzoo reads ({one_line(error)}); make it again"
        ) from error


def _story(record: Mapping[str, Any], found: Mapping[str, Any], picture: str) -> RegionStory:
    if picture and not PICTURE.fullmatch(picture):
        raise ValueError("a picture in it is no JPEG")
    regions = found["regions"]
    charts = [bar_chart(SHARES, _numbers(regions, "share")), bar_chart(_SEEN, _numbers(regions, "seen_3s"))]
    if found is record["inputs"][-1] and record.get("differences"):
        changes = {name: _ends(each["share"], "value", "low", "high") for name, each in record["differences"].items()}
        charts.append(bar_chart(f"Change of the share, in points, from {record['inputs'][0]['name']}", changes))
    panels = []
    if "times" in found:
        shares = {name: np.array(each, np.float64) for name, each in found["map_shares"].items()}
        curves = curve_panel(np.array(found["times"], np.float64), shares)
        panels = [Panel(f"{each.name}: percent of the map", [each], curves.across) for each in curves.series]
    notes = [str(each) for each in found["notes"]]
    return RegionStory(f"{found['name']}, {record['model']}", picture, charts, panels, notes, _command(record))


_SEEN = "Percent of viewers who look at it within 3 s, likewise"


def _people(record: Mapping[str, Any]) -> list[RegionStory]:
    own = [each for each in record.get("people", []) if each["measure"] == "share_fixations"]
    if not own:
        return []
    several = len({each["item"] for each in own}) > 1
    shares = {
        f"{each['item']}: {each['region']}" if several else str(each["region"]): _ends(each, "mean", "low", "high")
        for each in own
    }
    chart = bar_chart("Percent of fixations, mean and 95 % interval over observers", shares)
    return [RegionStory(f"{record['dataset']}, people", "", [chart], [], [], _command(record))]


def _numbers(regions: list[Mapping[str, Any]], name: str) -> dict[str, list[float]]:
    return {str(each["name"]): _ends(each, name, f"{name}_low", f"{name}_high") for each in regions}


def _ends(row: Mapping[str, Any], *names: str) -> list[float]:
    numbers = [float("nan") if row[name] is None else float(row[name]) for name in names]
    if np.isinf(numbers).any():
        raise ValueError("a number in it is infinite")
    return numbers


def _command(record: Mapping[str, Any]) -> str:
    command = record.get("command", "")
    return command if isinstance(command, str) else ""
