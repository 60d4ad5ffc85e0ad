"""The geometry of charts: what stands where."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_report import make_result

from salzoo.evaluation.comparison import compare
from salzoo.report.charts import MARGIN, POINTS, WIDTH, Axis, draw_differences, draw_panel, draw_spreads
from salzoo.training.curves import Curve

NUMBERS = st.floats(-1e9, 1e9)


@given(NUMBERS, NUMBERS)
def test_an_axis_holds_its_values_and_names_zero_where_it_is(one: float, other: float) -> None:
    low, high = sorted((one, other))
    axis = Axis(low, high)
    assert MARGIN <= axis.place(low) <= axis.place(high) <= WIDTH - MARGIN
    ticks = axis.ticks()
    assert 1 <= len(ticks) <= 5
    if low <= 0 <= high:
        assert any(float(text) == 0 for _, text in ticks)


def test_differences_are_those_of_compare_and_say_which_is_better() -> None:
    first, lower, same = make_result("a"), make_result("b", -0.2), dataclasses.replace(make_result("a"), model="c")
    charts = draw_differences([first, lower, same], ["a", "b", "c"])
    assert [chart.title for chart in charts] == ["AUC-J ↑", "NSS ↑ (standard deviations)", "KLD ↓ (nats)"]
    found = compare([lower, first])
    for column, chart in enumerate(charts):
        line, equal = chart.lines
        assert line.text.startswith(f"{found.differences[1, column]:+.3f} [")
        assert line.verdict == ("worse" if column == 2 else "better")
        assert (equal.verdict, equal.at) == ("not clear", chart.zero)
        assert line.low is not None
        assert line.low <= line.at <= line.high  # type: ignore[operator]


def test_spreads_show_quartiles_and_no_more_dots_than_can_be_seen() -> None:
    rng = np.random.default_rng(0)
    per_video = {str(n): {"nss": float(value)} for n, value in enumerate(rng.normal(size=5000))}
    result = dataclasses.replace(make_result("a"), metrics=("nss",), per_video=per_video)
    (chart,) = draw_spreads([result], ["a"], ["nss"])
    (line,) = chart.lines
    low, median, high = np.quantile([each["nss"] for each in per_video.values()], (0.25, 0.5, 0.75))
    assert line.text == f"median {median:.3f}, half of them {low:.3f} to {high:.3f}"
    assert 50 < len(line.dots) <= 150
    assert line.box is not None
    assert line.box[0] < line.at < line.box[1]  # type: ignore[operator]


def test_long_curves_are_thinned_and_undefined_values_left_out() -> None:
    values = np.linspace(0, 1, 10_000)
    values[::2] = np.nan
    panel = draw_panel("t", [Curve("", np.arange(10_000.0), values)])
    assert panel is not None
    (drawn,) = panel.curves
    points = [tuple(map(float, pair.split(","))) for pair in drawn[1].split()]
    assert len(points) == POINTS
    assert points[-1] == pytest.approx((WIDTH - MARGIN, MARGIN), abs=1)
    assert draw_panel("t", [Curve("", np.arange(3.0), np.full(3, np.nan))]) is None
