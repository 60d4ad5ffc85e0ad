"""How a model stands against others, in words."""

from collections.abc import Sequence

from salzoo.evaluation.comparison import compare_each
from salzoo.evaluation.protocols import find_metric
from salzoo.evaluation.results import Result, heading
from salzoo.evaluation.significance import ALPHA
from salzoo.runtime.texts import listed


def describe_verdict(results: Sequence[Result]) -> list[str]:
    """Say which columns are better high or low, and how the first of several results stands against each other one.

    A difference counts where a permutation test, paired over the videos and corrected for the number
    of others, says so.

    Returns:
        A line on the columns and a line for each other result.
    """
    first = results[0]
    rises = {metric: find_metric(metric).higher_is_better for metric in first.metrics}
    falling = [heading(metric) for metric, rising in rises.items() if not rising]
    lines = [f"higher is better{f', but lower in {listed(falling)}' if falling else ''}"]
    for found in compare_each(results):
        ahead: dict[str, list[str]] = {"better in": [], "worse in": [], "no clear difference in": []}
        for metric, difference, p in zip(found.metrics, found.differences[1], found.p[1], strict=True):
            better = "better in" if (difference > 0) == rises[metric] else "worse in"
            ahead[better if p < ALPHA else "no clear difference in"].append(heading(metric))
        parts = [f"{verdict} {listed(metrics)}" for verdict, metrics in ahead.items() if metrics]
        lines.append(f"{first.model} against {found.results[0].model}: {'; '.join(parts)}")
    return lines
