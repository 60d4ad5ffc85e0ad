"""What an evaluation found: one record a model, as a table and as a JSON file."""

import json
import math
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salzoo import __version__
from salzoo.interfaces.errors import SalzooError
from salzoo.video.writing import complete_or_absent

HEADINGS = {
    "auc_judd": "AUC-J",
    "auc_shuffled": "s-AUC",
    "nss": "NSS",
    "cc": "CC",
    "sim": "SIM",
    "kld": "KLD",
    "ig": "IG",
}
"""Column headings of the built-in metrics; others are shown by their name."""


@dataclass(frozen=True)
class Result:
    """The scores of one model on one split.

    Attributes:
        model: what the user called it.
        spec: its canonical spec.
        weights_sha256: of its weights file; None for a model that has none.
        dataset, split: what was scored.
        note: what must be said wherever the scores are shown ("" for nothing).
        protocol: name and version.
        seed: of the draw of other fixations.
        metrics: names, in the order of the columns.
        frames: number of frames scored.
        mean: by metric, the mean over those frames where it is defined (NaN if nowhere).
        left_out: by metric, the number of frames where it is undefined.
        per_video: by video and metric, the same mean within the video.
        versions: of the software that computed it.
    """

    model: str
    spec: str
    weights_sha256: str | None
    dataset: str
    split: str
    note: str
    protocol: str
    seed: int
    metrics: tuple[str, ...]
    frames: int
    mean: dict[str, float]
    left_out: dict[str, int]
    per_video: dict[str, dict[str, float]]
    versions: dict[str, str] = field(default_factory=lambda: software_versions())


def summarise(scores: dict[str, NDArray[np.float64]], metrics: Sequence[str]) -> dict[str, Any]:
    """The fields of a Result that follow from the scores (frames, metrics) of each video."""
    everything = np.concatenate(list(scores.values()))
    return {
        "metrics": tuple(metrics),
        "frames": len(everything),
        "mean": _means(everything, metrics),
        "left_out": dict(zip(metrics, np.isnan(everything).sum(0).tolist(), strict=True)),
        "per_video": {video: _means(each, metrics) for video, each in scores.items()},
    }


def _means(scores: NDArray[np.float64], metrics: Sequence[str]) -> dict[str, float]:
    defined = ~np.isnan(scores)
    totals, counts = np.where(defined, scores, 0).sum(0), defined.sum(0)
    return {m: float(t / c) if c else math.nan for m, t, c in zip(metrics, totals, counts, strict=True)}


def software_versions() -> dict[str, str]:
    """Versions of salzoo and of what computes beneath it."""
    names = ("torch", "numpy", "opencv-python")
    return {"salzoo": __version__, "python": platform.python_version()} | {name: version(name) for name in names}


def format_table(results: Sequence[Result]) -> str:
    """The mean scores of models on one split as a text table, with the data set, its note and the protocol above."""
    first = results[0]
    names = [result.model for result in results]
    width = max(map(len, [*names, "model"]))
    lines = [f"{first.dataset} {first.split}, {first.frames} frames, protocol {first.protocol}"]
    if first.note:
        lines.append(first.note)
    lines.append(f"{'model':{width}}" + "".join(f"{HEADINGS.get(metric, metric):>9}" for metric in first.metrics))
    for result in results:
        lines.append(f"{result.model:{width}}" + "".join(f"{result.mean[metric]:9.4f}" for metric in first.metrics))
    left_out = {f"{HEADINGS.get(m, m)} {n}" for result in results for m, n in result.left_out.items() if n}
    if left_out:
        lines.append(f"frames left out where a score is undefined: {', '.join(sorted(left_out))}")
    return "\n".join(lines)


def results_json(results: Sequence[Result]) -> str:
    """Results as JSON text: {"results": [...]}, undefined means null."""
    return json.dumps({"results": [_plain(asdict(result)) for result in results]}, indent=1, allow_nan=False)


def write_results(results: Sequence[Result], path: Path) -> None:
    """Write results to a JSON file, whole or not at all. Raises SalzooError if it cannot."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with complete_or_absent(path) as temporary:
            temporary.write_text(results_json(results) + "\n", encoding="utf-8")
    except OSError as error:
        raise SalzooError(f"cannot write {path}: {error.strerror or error}") from error


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value
