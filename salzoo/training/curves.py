"""Curves of a run, drawn with OpenCV from its logs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from salzoo.evaluation.plots import BLACK, COLOURS, GREY, PALE, Canvas, ticks_between, write_text
from salzoo.evaluation.results import UNITS, heading
from salzoo.evaluation.tables import higher_is_better
from salzoo.training.folder import LOG, SCORES, read_log
from salzoo.video.pictures import write_image

WIDTH, PANEL, LEFT, RIGHT, TOP, BOTTOM = 900, 220, 90, 24, 34, 34


@dataclass(frozen=True)
class Curve:
    """Values over steps, with a name for the legend; dots mark each of few values."""

    name: str
    steps: NDArray[np.float64]
    values: NDArray[np.float64]


def save_curves(run: Path, folder: Path) -> None:
    """Draw the curves of a run folder into ``curves.png`` of another, where there are any."""
    panels = read_curves(run)
    if panels:
        write_image(folder / "curves.png", draw_curves(panels))


def read_curves(run: Path) -> list[tuple[str, list[Curve]]]:
    """What ``metrics.csv`` and ``scores.csv`` of a run folder hold, each with a title that names its unit: losses,
    learning rate, learned alpha, validation scores, over steps."""
    log, scores = (read_log(run / name)[1] if (run / name).exists() else [] for name in (LOG, SCORES))
    panels: list[tuple[str, list[Curve]]] = []
    if log:
        steps = np.array([float(row["step"]) for row in log])
        networks = np.array([row["network"] for row in log])
        for network in ("generator", "discriminator"):
            chosen = networks == network
            loss = np.array([float(row["loss"]) for row in log])[chosen]
            if len(loss):
                title = "loss of a frame" if network == "generator" else "discriminator's loss"
                curves = [Curve("step", steps[chosen], loss), Curve("smoothed", steps[chosen], smooth(loss))]
                panels.append((title, curves))
        for name, title in (("lr", "learning rate"), ("alpha", "learned alpha (weight of the new frame, 0 to 1)")):
            values = np.array([float(row[name]) for row in log])
            if np.isfinite(values).any():
                panels.append((title, [Curve("", steps, values)]))
    names = [name for name in (scores[0] if scores else {}) if name not in ("epoch", "step")]
    for name in names:
        steps = np.array([float(row["step"]) for row in scores])
        unit = f" ({UNITS[name]})" if name in UNITS else ""
        values = np.array([float(row[name]) for row in scores])
        panels.append((f"validation {heading(name)}{unit}, {_better(name)}", [Curve("", steps, values)]))
    return panels


def _better(metric: str) -> str:
    return {True: "higher is better", False: "lower is better", None: "over steps"}[higher_is_better(metric)]


def draw_curves(panels: Sequence[tuple[str, Sequence[Curve]]]) -> Canvas:
    """Draw panels, each with a title and its curves, over one axis of steps: (height, 900, 3) uint8, BGR."""
    canvas = np.full((PANEL * len(panels), WIDTH, 3), 255, np.uint8)
    last = max(float(curve.steps[-1]) for _, curves in panels for curve in curves)
    for number, (title, curves) in enumerate(panels):
        _draw_panel(canvas[PANEL * number : PANEL * (number + 1)], title, curves, last)
    return canvas


def smooth(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of each value and its neighbours, about a fiftieth of all to each side."""
    reach = len(values) // 50
    sums = np.concatenate([[0.0], np.cumsum(values)])
    low = np.maximum(np.arange(len(values)) - reach, 0)
    high = np.minimum(np.arange(len(values)) + reach + 1, len(values))
    return np.asarray((sums[high] - sums[low]) / (high - low))


def _draw_panel(canvas: Canvas, title: str, curves: Sequence[Curve], last: float) -> None:
    finite = np.concatenate([curve.values[np.isfinite(curve.values)] for curve in curves])
    write_text(canvas, title, (LEFT, TOP - 12), BLACK)
    if not finite.size:
        write_text(canvas, "undefined everywhere", (LEFT, PANEL // 2), GREY)
        return
    ticks = ticks_between(float(finite.min()), float(finite.max()))
    across = ticks_between(0.0, last)

    def place(step: float, value: float) -> tuple[int, int]:
        x = LEFT + step / across[-1] * (WIDTH - LEFT - RIGHT)
        y = PANEL - BOTTOM - (value - ticks[0]) / (ticks[-1] - ticks[0]) * (PANEL - TOP - BOTTOM)
        return round(x), round(y)

    for tick in ticks:
        x, y = place(0, tick)
        cv2.line(canvas, (x, y), (WIDTH - RIGHT, y), PALE, 1)
        label = f"{tick:.{3 if abs(ticks[-1]) < 1e-3 or abs(tick) < 1e-12 else 4}g}"
        width = cv2.getTextSize(label, cv2.FONT_HERSHEY_SIMPLEX, 0.45, 1)[0][0]
        write_text(canvas, label, (x - 10 - width, y + 5), GREY)
    for tick in across:
        x, y = place(tick, ticks[0])
        cv2.line(canvas, (x, y), (x, y + 4), GREY, 1)
        write_text(canvas, f"{tick:.4g}", (x - 10, y + 18), GREY)
    for number, curve in enumerate(curves):
        colour = PALE if len(curves) > 1 and number == 0 else COLOURS[0]
        pairs = zip(curve.steps, curve.values, strict=True)
        points = [place(step, value) for step, value in pairs if math.isfinite(value)]
        cv2.polylines(canvas, [np.array(points, np.int32)], False, colour, 1 + (number > 0), cv2.LINE_AA)
        for point in points if len(points) <= 30 else []:
            cv2.circle(canvas, point, 3, colour, -1, cv2.LINE_AA)
