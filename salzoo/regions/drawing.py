"""Regions on the picture, their shares as bars, and in a video as curves over time."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from salzoo.charts.drawing import SERIES, STYLES
from salzoo.charts.panels import Panel, Series, draw_panels
from salzoo.charts.pixels import render, write_text
from salzoo.charts.rows import Row, RowChart, draw_rows
from salzoo.prediction.preview import show
from salzoo.regions.predicted import Forecasts, Numbers
from salzoo.regions.region import Region
from salzoo.regions.shapes import Ellipse, Mask, Polygon, Rectangle, Shape
from salzoo.video.pictures import write_image
from salzoo.video.resizing import resize_frame

WIDTH = 1280
"""Pixels across a picture that is written."""

MOST = 40
"""Regions that have a bar; of more, those of the largest shares."""

SHARES = "Percent of people's fixations, and the interval that holds 4 times in 5"

LETTERS = 24
"""Of a region's name that stand in the picture."""

Canvas = NDArray[np.uint8]


def draw_forecasts(found: Forecasts, path: Path) -> None:
    """Write a picture of what is expected of regions: the picture, or a video's first frame, with heat and outlines;
    each region's share with its interval; for a video the map's shares over time.

    Raises SalzooError for an ending that is none of a picture's, or a place that cannot be written to.
    """
    shares = {each.region.name: astuple(each.share) for each in found.regions}
    parts = [draw_picture(found), _fit(render(draw_rows(bar_chart(SHARES, shares))))]
    if not found.still:
        panel = curve_panel(found.times, {each.region.name: each.shares for each in found.regions})
        parts.append(_fit(render(draw_panels([panel]))))
    write_image(path, np.concatenate(parts))


def bar_chart(title: str, numbers: Mapping[str, Sequence[float]]) -> RowChart:
    """Bars of shares in percent, each with its interval: of the names of regions, the share and the interval's ends."""
    largest = sorted(numbers.items(), key=lambda each: -np.nan_to_num(each[1][0]))[:MOST]
    more = f", the largest {MOST} of {len(numbers)}" if len(numbers) > MOST else ""
    return RowChart(title + more, [_bar(name, *(100 * each for each in share)) for name, share in largest], zero=True)


def _bar(name: str, share: float, low: float, high: float) -> Row:
    if np.isnan(share):
        return Row(name, "never there")
    box = min(share, 0.0), max(share, 0.0)
    if np.isnan(low):
        return Row(name, f"{share:.1f}", share, box=box)
    return Row(name, f"{share:.1f} ({low:.0f} to {high:.0f})", share, (low, high), box)


def curve_panel(times: Numbers, shares: Mapping[str, Numbers]) -> Panel:
    """Shares of the map over time in percent, of the regions with the largest, by name."""
    largest = sorted(shares.items(), key=lambda each: -float(np.nan_to_num(each[1]).mean()))[:SERIES]
    return Panel("Percent of the map", [Series(name, times, 100 * each) for name, each in largest], "seconds")


def draw_picture(found: Forecasts, across: int = WIDTH) -> Canvas:
    """The picture, or a video's first frame, so many pixels wide, with heat and outlines."""
    height, width = found.size
    scale = across / width
    shown = resize_frame(show(found.frame, found.map_).image, (max(1, round(height * scale)), across))
    canvas = np.ascontiguousarray(shown)
    for index, each in enumerate(found.regions):
        place = each.region.at(float(found.times[0])) or next(shape for shape in each.region.places if shape)
        outline(canvas, place, _colour(index), scale)
    for index, each in enumerate(found.regions[:MOST]):
        _name(canvas, each.region, float(found.times[0]), _colour(index), scale)
    return canvas


def outline(canvas: Canvas, shape: Shape, colour: tuple[int, int, int], scale: float = 1) -> None:
    """Draw the edge of a shape into a picture (H, W, 3), whose pixels are ``scale`` times the frame's."""
    for thickness, ink in ((4, (255, 255, 255)), (2, colour)):
        for line in outlines(shape):
            points = np.rint(np.clip(line * scale, -2000, 10000) * 16).astype(np.int32)
            cv2.polylines(canvas, [points], True, ink, thickness, cv2.LINE_AA, 4)


def outlines(shape: Shape) -> list[NDArray[np.float64]]:
    """The closed lines around a shape, each (n, 2) x and y."""
    if isinstance(shape, Rectangle):
        left, top, right, bottom = shape.bounds
        return [np.array([(left, top), (right, top), (right, bottom), (left, bottom)])]
    if isinstance(shape, Ellipse):
        angle = np.linspace(0, 2 * np.pi, 72, endpoint=False)
        half = np.array([shape.width, shape.height]) / 2
        return [np.array([shape.x, shape.y]) + half + half * np.stack([np.cos(angle), np.sin(angle)], 1)]
    if isinstance(shape, Polygon):
        return [np.array(part, np.float64) for part in shape.parts]
    assert isinstance(shape, Mask)
    contours, _ = cv2.findContours(shape.pixels.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    return [contour[:, 0] + np.array([shape.x + 0.5, shape.y + 0.5]) for contour in contours]


def _name(canvas: Canvas, region: Region, time: float, colour: tuple[int, int, int], scale: float) -> None:
    shape = region.at(time)
    if shape is None:
        return
    left, top, _, _ = shape.bounds
    x, y = round(max(left, 0) * scale), round(max(top, 0) * scale)
    base = y - 7 if y > 26 else y + 19
    text = region.name if len(region.name) <= LETTERS else f"{region.name[: LETTERS - 3]}..."
    cv2.rectangle(canvas, (x, base - 19), (x + 12 * len(text) + 8, base + 7), colour, -1)
    write_text(canvas, text, (x + 6, base), (255, 255, 255), 0.6)


def _colour(index: int) -> tuple[int, int, int]:
    colour = STYLES[f"series{index % SERIES}"].fill
    return int(colour[5:7], 16), int(colour[3:5], 16), int(colour[1:3], 16)


def _fit(chart: Canvas) -> Canvas:
    """A chart as wide as the picture: with white beside it, or made smaller."""
    height, width = chart.shape[:2]
    if width > WIDTH:
        return resize_frame(chart, (round(height * WIDTH / width), WIDTH))
    return np.concatenate([chart, np.full((height, WIDTH - width, 3), 255, np.uint8)], 1)
