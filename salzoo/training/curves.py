"""Curves of a run, from its logs."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from salzoo.charts.panels import Panel, Series, draw_panels
from salzoo.charts.saving import save_drawing
from salzoo.evaluation.plots import title_of
from salzoo.training.folder import LOG, SCORES, read_log


def save_curves(run: Path, folder: Path) -> None:
    """Draw the curves of a run folder into ``curves.png`` of another, where there are any."""
    panels = read_curves(run)
    if panels:
        save_drawing(draw_panels(panels), folder / "curves.png")


def read_curves(run: Path) -> list[Panel]:
    """What ``metrics.csv`` and ``scores.csv`` of a run folder hold, each with a title that names its unit: losses,
    learning rate, learned alpha, validation scores, over steps."""
    log, scores = (read_log(run / name)[1] if (run / name).exists() else [] for name in (LOG, SCORES))
    panels: list[Panel] = []
    if log:
        steps = np.array([float(row["step"]) for row in log])
        networks = np.array([row["network"] for row in log])
        for network in ("generator", "discriminator"):
            chosen = networks == network
            loss = np.array([float(row["loss"]) for row in log])[chosen]
            if len(loss):
                title = "loss of a frame" if network == "generator" else "discriminator's loss"
                each = Series("each step", steps[chosen], loss, faint=True)
                smoothed = Series("smoothed", steps[chosen], smooth(loss))
                panels.append(Panel(f"{title}, smoothed, and of each step", [each, smoothed], "step"))
        for name, title in (("lr", "learning rate"), ("alpha", "learned alpha (weight of the new frame, 0 to 1)")):
            values = np.array([float(row[name]) for row in log])
            if np.isfinite(values).any():
                panels.append(Panel(title, [Series("", steps, values)], "step"))
    names = [name for name in (scores[0] if scores else {}) if name not in ("epoch", "step")]
    for name in names:
        steps = np.array([float(row["step"]) for row in scores])
        values = np.array([float(row[name]) for row in scores])
        panels.append(Panel(f"validation {title_of(name)}", [Series("", steps, values)], "step"))
    return panels


def smooth(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of each value and its neighbours, about a fiftieth of all to each side."""
    reach = len(values) // 50
    sums = np.concatenate([[0.0], np.cumsum(values)])
    low = np.maximum(np.arange(len(values)) - reach, 0)
    high = np.minimum(np.arange(len(values)) + reach + 1, len(values))
    return np.asarray((sums[high] - sums[low]) / (high - low))
