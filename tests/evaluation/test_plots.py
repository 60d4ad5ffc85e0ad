"""Charts of results."""

import dataclasses

import numpy as np
from made_results import make_result

from salzoo.evaluation.comparison import compare
from salzoo.evaluation.plots import difference_charts, spread_charts


def test_differences_are_those_of_compare_and_say_which_is_better() -> None:
    first, lower, same = make_result("a"), make_result("b", -0.2), dataclasses.replace(make_result("a"), model="c")
    charts = difference_charts([first, lower, same], ["a", "b", "c"])
    assert [chart.title for chart in charts] == [
        "AUC-J, higher is better",
        "NSS (standard deviations), higher is better",
        "KLD (nats), lower is better",
    ]
    found = compare([lower, first])
    for column, chart in enumerate(charts):
        line, equal = chart.rows
        assert line.text.startswith(f"{found.differences[1, column]:+.3f} [")
        assert line.verdict == ("worse" if column == 2 else "better")
        assert (equal.verdict, equal.at) == ("not clear", 0.0)
        assert line.bounds is not None
        assert line.bounds[0] <= line.at <= line.bounds[1]  # type: ignore[operator]


def test_spreads_show_quartiles_and_no_more_dots_than_can_be_seen() -> None:
    rng = np.random.default_rng(0)
    per_video = {str(n): {"nss": float(value)} for n, value in enumerate(rng.normal(size=5000))}
    result = dataclasses.replace(make_result("a"), metrics=("nss",), per_video=per_video)
    (chart,) = spread_charts([result], ["a"], ["nss"])
    (line,) = chart.rows
    low, median, high = np.quantile([each["nss"] for each in per_video.values()], (0.25, 0.5, 0.75))
    assert line.text == f"median {median:.3f}, half of them {low:.3f} to {high:.3f}"
    assert 50 < len(line.dots) <= 150
    assert line.box is not None
    assert line.box[0] < line.at < line.box[1]  # type: ignore[operator]
