"""How a model stands against others, in words."""

import math
from collections.abc import Sequence

from salzoo.evaluation.comparison import compare
from salzoo.evaluation.protocols import find_metric
from salzoo.evaluation.results import Result, heading


def describe_verdict(results: Sequence[Result]) -> list[str]:
    """Say which columns are better high or low, and how the first of several results stands against each other one.

    A difference counts where its 95 % interval, paired over the videos, leaves out zero.

    Returns:
        A line on the columns and a line for each other result.
    """
    first, *others = results
    rises = {metric: find_metric(metric).higher_is_better for metric in first.metrics}
    falling = [heading(metric) for metric, rising in rises.items() if not rising]
    lines = [f"higher is better{f', but lower in {_listed(falling)}' if falling else ''}"]
    for other in others:
        found = compare([other, first])
        ahead: dict[str, list[str]] = {"better in": [], "worse in": [], "no clear difference in": []}
        for metric, low, high in zip(found.metrics, *found.difference_intervals[1], strict=True):
            sign = 1 if rises[metric] else -1
            clear = not math.isnan(low) and (low > 0 or high < 0)
            verdict = "no clear difference in" if not clear else "better in" if sign * low > 0 else "worse in"
            ahead[verdict].append(heading(metric))
        parts = [f"{verdict} {_listed(metrics)}" for verdict, metrics in ahead.items() if metrics]
        lines.append(f"{first.model} against {other.model}: {'; '.join(parts)}")
    return lines


def _listed(names: Sequence[str]) -> str:
    """Names as a sentence lists them: "A", "A and B", "A, B and C"."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
