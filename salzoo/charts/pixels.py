"""Drawings as pixels, by OpenCV."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from salzoo.charts.drawing import MARGIN, STYLES, Box, Drawing, Label, Line, Mark, Shape, Style

SCALE = 2
"""Pixels a unit."""

FONT, LETTERS = cv2.FONT_HERSHEY_SIMPLEX, 0.42

Canvas = NDArray[np.uint8]


def render(drawing: Drawing) -> Canvas:
    """A drawing as (H, W, 3) uint8, BGR, with a margin; letters beyond ASCII are question marks."""
    size = (round((each + 2 * MARGIN) * SCALE) for each in (drawing.height, drawing.width))
    canvas = np.full((*size, 3), 255, np.uint8)
    for shape in drawing.shapes:
        _draw(canvas, shape, STYLES[shape.role])
    return canvas


def write_text(
    canvas: Canvas, text: str, at: tuple[int, int], colour: tuple[int, int, int], scale: float = 0.45
) -> None:
    """Write a line into a picture, (x, y) the start of its base line, BGR."""
    cv2.putText(canvas, _ascii(text), at, FONT, scale, colour, max(1, round(scale)), cv2.LINE_AA)


def _draw(canvas: Canvas, shape: Shape, style: Style) -> None:
    stroke, fill = _colour(style.stroke), _colour(style.fill)
    width = max(1, round(style.width * SCALE))
    if isinstance(shape, Line):
        cv2.polylines(
            canvas, [np.array([_place(p) for p in shape.points], np.int32)], False, stroke, width, cv2.LINE_AA
        )
    elif isinstance(shape, Mark) and shape.kind == "cross":
        cv2.drawMarker(
            canvas, _place(shape.at), stroke, cv2.MARKER_TILTED_CROSS, round(2 * shape.radius * SCALE), width
        )
    elif isinstance(shape, Label):
        wide = cv2.getTextSize(_ascii(shape.text), FONT, LETTERS * SCALE, SCALE)[0][0]
        x, y = _place(shape.at)
        x -= {"start": 0, "middle": wide // 2, "end": wide}[shape.anchor]
        write_text(canvas, shape.text, (x, y), fill, LETTERS * SCALE)
    else:
        painted = canvas.copy() if style.opacity < 1 else canvas
        if isinstance(shape, Box):
            _rectangle(painted, shape, fill)
        elif shape.kind == "disc":
            cv2.circle(painted, _place(shape.at), round(shape.radius * SCALE), fill, -1, cv2.LINE_AA)
        else:
            _rectangle(painted, _around(shape), fill)
        if style.opacity < 1:
            cv2.addWeighted(painted, style.opacity, canvas, 1 - style.opacity, 0, dst=canvas)
        if isinstance(shape, Box) and style.stroke != "none":
            _rectangle(canvas, shape, stroke, width)
        elif isinstance(shape, Mark) and shape.kind == "disc" and stroke != fill:
            cv2.circle(canvas, _place(shape.at), round(shape.radius * SCALE), stroke, width, cv2.LINE_AA)


def _around(mark: Mark) -> Box:
    return Box((mark.at[0] - mark.radius, mark.at[1] - mark.radius), (2 * mark.radius, 2 * mark.radius), mark.role)


def _rectangle(canvas: Canvas, box: Box, colour: tuple[int, int, int], width: int = -1) -> None:
    end = box.at[0] + box.size[0], box.at[1] + box.size[1]
    cv2.rectangle(canvas, _place(box.at), _place(end), colour, width)


def _place(at: tuple[float, float]) -> tuple[int, int]:
    return round((at[0] + MARGIN) * SCALE), round((at[1] + MARGIN) * SCALE)


def _colour(colour: str) -> tuple[int, int, int]:
    if colour == "none":
        return 255, 255, 255
    return int(colour[5:7], 16), int(colour[3:5], 16), int(colour[1:3], 16)


def _ascii(text: str) -> Any:
    return text.encode("ascii", "replace").decode()
