"""One picture against another, and what is expected of them."""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from salzoo.interfaces.errors import SalzooError
from salzoo.regions.calibration import SECONDS, SIZES, Calibration, apart
from salzoo.regions.predicted import Estimate, Forecast, Forecasts

_SIGNS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}


def compare(first: Forecasts, second: Forecasts, table: Calibration) -> dict[str, dict[str, Estimate]]:
    """For each region that both have, the second's share and chances to be seen less the first's.

    The intervals take the errors of both for independent of each other, as those of different pictures are; of two
    versions of one picture, whose errors are alike, they are wider than they need be.
    """
    before = {each.region.name: each for each in first.regions}
    return {
        each.region.name: _differences(before[each.region.name], each, table)
        for each in second.regions
        if each.region.name in before
    }


def _differences(first: Forecast, second: Forecast, table: Calibration) -> dict[str, Estimate]:
    sizes = {int(np.searchsorted(SIZES, each.area, side="right")) for each in (first, second)}
    pairs = {"share": (first.share, second.share)}
    pairs |= {f"seen_{each}s": (first.seen[each], second.seen[each]) for each in SECONDS}
    found = {}
    for target, both in pairs.items():
        factor = max(table.curves[target].bands[size].change for size in sizes)
        before, after = (np.array([[each.value], [each.low], [each.high]]) for each in both)
        found[target] = Estimate(*(float(each[0]) for each in apart(before, after, factor)))
    return found


def rows_of(forecasts: Forecasts, differences: Mapping[str, Mapping[str, Estimate]]) -> dict[str, dict[str, float]]:
    """Every number of each region by name, those of differences with ``_change``."""
    rows = {each.region.name: each.row() for each in forecasts.regions}
    for region, named in differences.items():
        for name, each in named.items():
            rows[region] |= {
                f"{name}_change": each.value,
                f"{name}_change_low": each.low,
                f"{name}_change_high": each.high,
            }
    return rows


@dataclass(frozen=True)
class Expectation:
    """That a number of a region is above or below another.

    Attributes:
        text: as it was written, "logo.share>0.05".
        region, name, sign, limit: its parts.
    """

    text: str
    region: str
    name: str
    sign: str
    limit: float

    @classmethod
    def parse(cls, text: str) -> "Expectation":
        """Read REGION.NUMBER>LIMIT, with >, >=, < or <=; 5% is 0.05. Raises SalzooError for anything else.

        >>> Expectation.parse("logo.share>=5%").limit
        0.05
        """
        match = re.fullmatch(r"\s*(.+)\.([a-z0-9_]+)\s*(<=|>=|<|>)\s*([-+0-9.e]+)\s*(%?)\s*", text)
        try:
            if match is None:
                raise ValueError
            limit = float(match[4]) / (100 if match[5] else 1)
        except ValueError as error:
            raise SalzooError(
                f"{text!r} is no expectation: write REGION.NUMBER>LIMIT, such as logo.share>0.05"
            ) from error
        return cls(text, match[1], match[2], match[3], limit)

    def check(self, rows: Mapping[str, Mapping[str, float]]) -> tuple[bool, float]:
        """Whether it holds of rows by region, and the number, NaN where it is missing, of which nothing holds.

        Raises SalzooError where there is no such region or number.
        """
        if self.region not in rows:
            raise SalzooError(f"{self.text!r}: there is no region {self.region!r}, but {', '.join(list(rows)[:8])}")
        if self.name not in rows[self.region]:
            raise SalzooError(f"{self.text!r}: no number is called {self.name!r}, but {', '.join(rows[self.region])}")
        value = rows[self.region][self.name]
        return bool(_SIGNS[self.sign](value, self.limit)), value


def unmet(expectations: Sequence[Expectation], rows: Mapping[str, Mapping[str, float]]) -> list[str]:
    """A line for each expectation that does not hold. Raises SalzooError as ``Expectation.check`` does."""
    lines = []
    for each in expectations:
        holds, value = each.check(rows)
        if not holds:
            said = "is missing" if np.isnan(value) else f"is {value:.4g}"
            lines.append(f"{each.text} does not hold: {each.region}.{each.name} {said}")
    return lines
