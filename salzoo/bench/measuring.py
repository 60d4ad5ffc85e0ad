"""Times that can be compared on a machine that does other things too: variants in turn, medians, paired ratios."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter


@dataclass(frozen=True)
class Row:
    """A variant's figures.

    Attributes:
        name: of the variant.
        seconds: median time of one unit of work.
        spread: lower and upper quartile of that time.
        ratio: median, over the rounds, of the first variant's time over this one's in the same round: how many times
            faster this one is.
        ratio_spread: lower and upper quartile of the ratio.
        peak: share of the machine's measured peak, where that and the work's operations are known.
    """

    name: str
    seconds: float
    spread: tuple[float, float]
    ratio: float
    ratio_spread: tuple[float, float]
    peak: float | None = None


@dataclass(frozen=True)
class Table:
    """What one benchmark found.

    Attributes:
        title: what was measured.
        unit: what a row's time is of: "frame", "step".
        rows: variants, the first of which the others are compared with.
        notes: what else must be said.
    """

    title: str
    unit: str
    rows: Sequence[Row]
    notes: Sequence[str] = ()


def time_in_turn(variants: Mapping[str, Callable[[], object]], *, rounds: int, units: int = 1) -> list[Row]:
    """Time variants in turn, after one round that sets things up.

    What slows the machine for a while slows all variants of a round alike: their ratio stands, where times do not.

    Args:
        variants: by name, the one to compare with first.
        rounds: how often each is timed.
        units: how many units of work one call does.
    """
    for run in variants.values():
        run()
    times: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, run in variants.items():
            began = perf_counter()
            run()
            times[name].append((perf_counter() - began) / units)
    first = next(iter(times.values()))
    rows = []
    for name, taken in times.items():
        ratios = [before / after for before, after in zip(first, taken, strict=True)]
        seconds = statistics.median(taken)
        rows.append(Row(name, seconds, quartiles(taken), statistics.median(ratios), quartiles(ratios)))
    return rows


def quartiles(values: Sequence[float]) -> tuple[float, float]:
    """Lower and upper quartile.

    >>> quartiles([1, 2, 3, 4, 5])
    (2.0, 4.0)
    """
    if len(values) < 2:
        return values[0], values[0]
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, high
