"""A picture of the scores of each video, drawn with OpenCV."""

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from salzoo.evaluation.comparison import Comparison
from salzoo.evaluation.results import heading

COLOURS = ((178, 114, 0), (0, 94, 213), (115, 158, 0), (167, 121, 204), (0, 159, 230), (60, 60, 60))
"""BGR, told apart with any colour vision (Okabe and Ito, 2008); repeated with other marks beyond six results."""

WIDTH, PANEL, LEFT, RIGHT, TOP, BOTTOM = 1200, 260, 90, 24, 34, 14
BLACK, GREY, PALE = (30, 30, 30), (120, 120, 120), (225, 225, 225)
FONT = cv2.FONT_HERSHEY_SIMPLEX

Canvas = NDArray[np.uint8]


def draw_per_video(found: Comparison) -> Canvas:
    """Draw the mean scores of each video, a panel a metric.

    The videos are sorted by the first result's score, so that it rises from left to right and the others scatter about
    it where they differ from it.

    Returns:
        (height, 1200, 3) uint8, BGR.
    """
    legend = 40 + 24 * len(found.labels)
    canvas = np.full((legend + PANEL * len(found.metrics), WIDTH, 3), 255, np.uint8)
    first = found.results[0]
    title = f"{first.dataset} {first.split}, {len(found.videos)} videos, protocol {first.protocol}"
    write_text(canvas, f"{title}: score of each video, sorted by the first result", (LEFT, 24), BLACK)
    for number, label in enumerate(found.labels):
        _mark(canvas, (LEFT + 8, 44 + 24 * number), number)
        write_text(canvas, label, (LEFT + 24, 49 + 24 * number), BLACK)
    for panel, metric in enumerate(found.metrics):
        top = legend + PANEL * panel
        _draw_panel(canvas[top : top + PANEL], heading(metric), found.per_video[:, :, panel])
    return canvas


def _draw_panel(canvas: Canvas, title: str, scores: NDArray[np.float64]) -> None:
    write_text(canvas, title, (LEFT, TOP - 12), BLACK)
    finite = scores[np.isfinite(scores)]
    if not finite.size:
        write_text(canvas, "undefined everywhere", (LEFT, PANEL // 2), GREY)
        return
    ticks = ticks_between(float(finite.min()), float(finite.max()))
    low, high = ticks[0], ticks[-1]

    def height_of(value: float) -> int:
        return round(PANEL - BOTTOM - (value - low) / (high - low) * (PANEL - TOP - BOTTOM))

    decimals = max(0, -math.floor(math.log10(ticks[1] - ticks[0]) + 1e-9))
    for tick in ticks:
        cv2.line(canvas, (LEFT, height_of(tick)), (WIDTH - RIGHT, height_of(tick)), PALE, 1)
        label = f"{tick:.{decimals}f}"
        size, _ = cv2.getTextSize(label, FONT, 0.45, 1)
        write_text(canvas, label, (LEFT - 10 - size[0], height_of(tick) + 5), GREY)
    order = np.argsort(scores[0], kind="stable")  # NaN last
    step = (WIDTH - RIGHT - LEFT) / len(order)
    for number in reversed(range(len(scores))):  # the first on top
        for place, video in enumerate(order):
            value = float(scores[number, video])
            if math.isfinite(value):
                _mark(canvas, (round(LEFT + (place + 0.5) * step), height_of(value)), number)


def ticks_between(low: float, high: float) -> list[float]:
    """Four to nine round numbers from at or below ``low`` to at or above ``high``."""
    span = max(high - low, 1e-6, 1e-6 * abs(high))
    unit = 10.0 ** math.floor(math.log10(span))
    step = next(unit * factor for factor in (0.2, 0.5, 1, 2) if span <= 6 * unit * factor)
    start, stop = math.floor(low / step), math.ceil(high / step)
    return [step * number for number in range(start, max(stop, start + 1) + 1)]


def _mark(canvas: Canvas, at: tuple[int, int], number: int) -> None:
    colour = COLOURS[number % len(COLOURS)]
    shape = number // len(COLOURS) % 3
    if shape == 0:
        cv2.circle(canvas, at, 4, colour, -1, cv2.LINE_AA)
    else:
        cv2.drawMarker(canvas, at, colour, (cv2.MARKER_TILTED_CROSS, cv2.MARKER_SQUARE)[shape - 1], 9, 2, cv2.LINE_AA)


def write_text(canvas: Canvas, text: str, at: tuple[int, int], colour: tuple[int, int, int]) -> None:
    plain: Any = text.encode("ascii", "replace").decode()  # OpenCV's fonts have no other characters
    cv2.putText(canvas, plain, at, FONT, 0.45, colour, 1, cv2.LINE_AA)
