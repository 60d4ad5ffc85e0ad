"""Charts of results."""

import dataclasses

import numpy as np
from made_results import make_result

from salzoo.charts.rows import draw_row
from salzoo.charts.svg import svg_element
from salzoo.evaluation.comparison import compare
from salzoo.evaluation.plots import standing_charts


def test_results_stand_against_the_first_as_compare_says() -> None:
    first, lower, same = make_result("a"), make_result("b", -0.2), dataclasses.replace(make_result("a"), model="c")
    charts = standing_charts([first, lower, same], ["a", "b", "c"], first.metrics)
    assert [chart.title for chart in charts] == [
        "AUC-J, higher is better",
        "NSS (standard deviations), higher is better",
        "KLD (nats), lower is better",
    ]
    found = compare([first, lower])
    for column, chart in enumerate(charts):
        reference, line, equal = chart.rows
        assert (reference.at, reference.verdict) == (first.mean[first.metrics[column]], "")
        verdict = "better" if column == 2 else "worse"
        assert line.role == verdict
        assert line.verdict.startswith(f"{verdict}: {found.differences[1, column]:+.3f} [")
        assert (equal.role, equal.verdict.startswith("not clear: +0.000")) == ("unclear", True)
        assert line.bounds is not None
        assert line.bounds[0] <= line.at <= line.bounds[1]  # type: ignore[operator]


def test_videos_are_named_dots_and_no_more_than_can_be_seen() -> None:
    rng = np.random.default_rng(0)
    per_video = {str(n): {"nss": float(value)} for n, value in enumerate(rng.normal(size=5000))}
    result = dataclasses.replace(make_result("a"), metrics=("nss",), per_video=per_video)
    (chart,) = standing_charts([result], ["a"], ["nss"])
    (line,) = chart.rows
    assert 50 < len(line.dots) <= 150
    lowest = min(per_video, key=lambda video: per_video[video]["nss"])
    assert line.dot_names[0] == f"{lowest}: {per_video[lowest]['nss']:.3f}"
    drawn = svg_element(draw_row(line, chart))
    assert f"<title>{line.dot_names[0]}</title>" in drawn
