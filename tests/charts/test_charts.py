"""Charts: what stands where, as SVG and as pixels."""

from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salzoo.charts.axes import Axis
from salzoo.charts.drawing import STYLES, Drawing, Label, Line, Mark, width_of
from salzoo.charts.panels import POINTS, Panel, Series, draw_panel, draw_panels
from salzoo.charts.pixels import render
from salzoo.charts.rows import Row, RowChart, draw_row_charts, draw_rows
from salzoo.charts.saving import save_drawing
from salzoo.charts.svg import svg_element, svg_file
from salzoo.interfaces import SalzooError

NUMBERS = st.floats(-1e9, 1e9)
SVG = "{http://www.w3.org/2000/svg}"


@given(NUMBERS, NUMBERS)
def test_an_axis_holds_its_values_and_names_zero_where_it_is(one: float, other: float) -> None:
    low, high = sorted((one, other))
    axis = Axis(low, high, 8, 292)
    assert 8 <= axis.place(low) <= axis.place(high) <= 292
    ticks = axis.ticks(5)
    assert 1 <= len(ticks) <= 5
    if low <= 0 <= high:
        assert any(float(text) == 0 for _, text in ticks)


def shapes_of(drawing: Drawing, kind: type) -> list:
    return [shape for shape in drawing.shapes if isinstance(shape, kind)]


def series(name: str) -> Series:
    return Series(name, np.arange(3.0), np.arange(3.0), np.ones((2, 3)))


def test_a_row_stands_where_its_values_are() -> None:
    rows = [Row("a", "0.5", at=0.5, bounds=(0.0, 1.0)), Row("b", at=1.0, box=(0.5, 1.0), dots=(0.0, 0.5, 0.5))]
    drawing = draw_rows(RowChart("t", rows))
    axis = RowChart("t", rows).axis()
    left = width_of("a") + 8
    assert shapes_of(drawing, Mark)[0].at[0] == pytest.approx(left + axis.place(0.5))
    ends = [[x for x, _ in line.points] for line in shapes_of(drawing, Line) if line.role == "mark"]
    assert ends[0] == pytest.approx([left + axis.place(0.0), left + axis.place(1.0)])
    assert len([mark for mark in shapes_of(drawing, Mark) if mark.role == "dot"]) == 2  # equal ones once


def test_names_are_whole_and_inside() -> None:
    name = "timm:arch=tf_efficientnet_lite0,width=128+ema:tau=0.2@output (trained on what and when)"
    drawing = draw_rows(RowChart("t", [Row(name, "0.123 [0.100, 0.200]", at=1.0)]))
    labels = {label.text: label for label in shapes_of(drawing, Label)}
    assert name in labels
    assert width_of(name) < min(x for line in shapes_of(drawing, Line) for x, _ in line.points)
    assert labels["0.123 [0.100, 0.200]"].at[0] + width_of("0.123 [0.100, 0.200]") <= drawing.width


def test_long_lines_are_thinned_and_undefined_values_left_out() -> None:
    values = np.linspace(0, 1, 10_000)
    values[::2] = np.nan
    drawing = draw_panel(Panel("t", [Series("", np.arange(10_000.0), values)]))
    (line,) = (line for line in shapes_of(drawing, Line) if line.role == "series0")
    assert len(line.points) == POINTS
    assert np.isfinite(line.points).all()
    assert not any(line.role == "series0" for line in shapes_of(empty(), Line))
    assert "undefined everywhere" in svg_file(empty())


def empty() -> Drawing:
    return draw_panel(Panel("t", [Series("", np.arange(3.0), np.full(3, np.nan))]))


@pytest.mark.parametrize(
    "drawing",
    [
        draw_panels([Panel("a", [series("x"), series("y")], "layer")] * 2, "both"),
        draw_row_charts(
            [RowChart("b", [Row("c", marks={n: n / 20 for n in range(20)})], series=[*"abcdefghijklmnopqrst"])]
        ),
    ],
)
def test_both_ways_of_drawing_know_every_shape(drawing: Drawing) -> None:
    root = ElementTree.fromstring(svg_file(drawing))
    drawn = [each for each in root if each.get("class")]
    assert len(drawn) == len(drawing.shapes)
    assert {each.get("class") for each in drawn} <= set(STYLES)
    assert render(drawing).shape[:2] == tuple(round(2 * float(root.get(side, 0))) for side in ("height", "width"))
    for role in {"series0", "series1"}:
        colour = [int(STYLES[role].fill[at : at + 2], 16) for at in (5, 3, 1)]
        assert (render(drawing) == colour).all(2).any()


def test_names_from_outside_are_text() -> None:
    drawing = draw_rows(RowChart('<b>&"', [Row("a\x1b]0;x\x07</text><script>\ud800", at=1.0)]))
    for text in (svg_file(drawing), svg_element(drawing)):
        root = ElementTree.fromstring(text)
        assert "script" not in {each.tag.removeprefix(SVG) for each in root.iter()}
    assert render(drawing).any()


def test_a_file_is_as_its_ending_says(tmp_path: Path) -> None:
    drawing = draw_panel(Panel("t", [Series("", np.arange(3.0), np.arange(3.0))]))
    save_drawing(drawing, tmp_path / "a.svg")
    save_drawing(drawing, tmp_path / "a.png")
    assert ElementTree.parse(tmp_path / "a.svg").getroot().tag == f"{SVG}svg"
    assert cv2.imread(str(tmp_path / "a.png")) is not None
    with pytest.raises(SalzooError, match=r"a\.bmp: a chart's name ends in \.svg or \.png"):
        save_drawing(drawing, tmp_path / "a.bmp")
