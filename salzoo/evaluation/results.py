"""What an evaluation found: one record a model, as a table and as a JSON file."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salzoo.evaluation.bootstrap import VideoScores, draw_resamples, interval
from salzoo.evaluation.stored import check_record
from salzoo.interfaces.errors import SalzooError, one_line
from salzoo.notebook import html_table
from salzoo.runtime.files import read_json, write_text
from salzoo.runtime.texts import count_of, plain
from salzoo.runtime.versions import software_versions
from salzoo.trained_on import Overlap

LARGEST = 1 << 28
"""Bytes of a results file; one of DHF1K with the scores of each frame has some 10 MB."""

HEADINGS = {
    "auc_judd": "AUC-J",
    "auc_shuffled": "s-AUC",
    "auc_borji": "AUC-B",
    "auc": "AUC",
    "nss": "NSS",
    "cc": "CC",
    "sim": "SIM",
    "kld": "KLD",
    "ig": "IG",
}
"""Column headings of the built-in metrics; others are shown by their name."""

UNITS = {"nss": "standard deviations", "kld": "nats", "ig": "bits per fixation"}
"""Units of the built-in metrics; the others lie between 0 and 1 or, as CC, between −1 and 1."""

CENTER_BIAS = "center-bias (fitted to train)"
"""What tables call the model whose map is the mean density of the training split."""

GOLD = "gold (the density map itself)"
"""What tables call the density maps scored as if they were predictions: what no model can pass in CC, SIM and KLD."""

HUMANS = "humans (leave one out)"
"""What tables call the observers scored by each other: see ``salzoo.gaze.ceiling``."""

BOUNDS = (GOLD, HUMANS)


@dataclass(frozen=True)
class Result:
    """The scores of one model, or of one folder of saved maps, on one split.

    Attributes:
        model: what the user called it.
        spec: its canonical spec; None for saved maps.
        weights_sha256: of its weights file; None for a model that has none.
        dataset, split: what was scored.
        note: what must be said wherever the scores are shown ("" for nothing).
        protocol: name and version.
        seed: of the draw of other fixations, of frames, and of resampled videos.
        metrics: names, in the order of the columns.
        frames: number of frames scored.
        mean: by metric, the protocol's mean over those frames where it is defined (NaN if nowhere).
        left_out: by metric, the number of frames where it is undefined.
        per_video: by video and metric, the mean over those frames within the video.
        mean_of_videos: whether the mean is that of the videos' means; otherwise that over all frames.
        interval_95: by metric, the bootstrap interval of the mean, resampling videos.
        defined: by video and metric, the number of frames where it is defined.
        frames_expected: number of frames that were to be scored: more than ``frames`` in a partial result.
        notices: frames with something odd, by what that is: "no fixations", "constant prediction" and others.
        per_frame: by video and frame, the scores in the order of ``metrics``; None where not asked for.
        per_observer: by video, frame and number of the observer, the scores of that one's fixations alone, NaN for
            metrics that take none; None where not asked for.
        detail: what must be said of the model beside its scores.
        trained_on: how many of these videos the model was trained on; None where that is no question (saved maps,
            people, what learns nothing) and in results of before.
        relative: by metric, the percentage of the way from the center bias to people, and its interval; None where not
            asked for (``salzoo.evaluation.relative``).
        versions: of the software that computed it.
    """

    model: str
    spec: str | None
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
    mean_of_videos: bool
    interval_95: dict[str, tuple[float, float]]
    defined: dict[str, dict[str, int]]
    frames_expected: int
    notices: dict[str, list[str]] = field(default_factory=dict)
    per_frame: dict[str, dict[str, list[float]]] | None = None
    per_observer: dict[str, dict[str, dict[str, list[float]]]] | None = None
    detail: str = ""
    trained_on: Overlap | None = None
    relative: dict[str, tuple[float, float, float]] | None = None
    versions: dict[str, str] = field(default_factory=software_versions)

    def __repr__(self) -> str:
        scores = ", ".join(f"{heading(metric)} {number(self.mean[metric], 4)}" for metric in self.metrics)
        return f"<Result: {self.model} on {self.dataset} {self.split}, {self.size}: {scores}>"

    def _repr_html_(self) -> str:
        """The scores as a notebook shows them."""
        titles = [f"{heading(m)} ({UNITS[m]})" if m in UNITS else heading(m) for m in self.metrics]
        means = [number(self.mean[m], 3) for m in self.metrics]
        intervals = [interval_text(self.interval_95[m]) for m in self.metrics]
        title = f"{self.model} on {self.dataset} {self.split}, {self.size}, protocol {self.protocol}"
        rows = [["", *titles], ["mean", *means], ["95 % interval", *intervals]]
        return html_table(f"{title}. {self.note}".removesuffix(". "), rows)

    @property
    def size(self) -> str:
        """What the scores are means of: "33 videos, 6,600 frames", or "100 images"."""
        videos, frames = len(self.per_video), self.frames
        if videos == frames:
            return count_of(videos, "image")
        return f"{count_of(videos, 'video')}, {count_of(frames, 'frame')}"

    def video_scores(self, videos: Sequence[str] | None = None, metrics: Sequence[str] | None = None) -> VideoScores:
        """Totals and counts of these videos and metrics (by default of all), as the bootstrap takes them; a metric that
        this has not is defined nowhere."""
        columns = self.metrics if metrics is None else metrics
        means, counts = (
            np.array([[record[video].get(m, 0) for m in columns] for video in videos or self.per_video], np.float64)
            for record in (self.per_video, self.defined)
        )
        return VideoScores(np.where(counts > 0, means, 0) * counts, counts, self.mean_of_videos)


def summarise(
    scores: Mapping[str, NDArray[np.float64]], metrics: Sequence[str], *, mean_of_videos: bool = False, seed: int = 0
) -> dict[str, Any]:
    """The fields of a Result that follow from the scores (frames, metrics) of each video."""
    missing = {video: np.isnan(each) for video, each in scores.items()}
    totals = np.array([np.where(missing[video], 0, each).sum(0) for video, each in scores.items()])
    counts = np.array([(~undefined).sum(0) for undefined in missing.values()])
    return {
        "metrics": tuple(metrics),
        "frames": sum(map(len, scores.values())),
        "left_out": _named(metrics, sum(undefined.sum(0) for undefined in missing.values())),
        "mean_of_videos": mean_of_videos,
        "defined": {video: _named(metrics, row) for video, row in zip(scores, counts, strict=True)},
        **summarise_videos(list(scores), totals, counts.astype(np.float64), metrics, mean_of_videos, seed),
    }


def summarise_videos(
    videos: Sequence[str],
    totals: NDArray[np.float64],
    counts: NDArray[np.float64],
    metrics: Sequence[str],
    mean_of_videos: bool,
    seed: int,
) -> dict[str, Any]:
    """The means and intervals of a Result, from the sums (videos, metrics) of scores and the numbers of frames behind
    them."""
    each = VideoScores(totals, counts, mean_of_videos)
    bounds = interval(each.resampled_means(draw_resamples(len(videos), seed)), each.units)
    return {
        "mean": _named(metrics, each.mean()),
        "per_video": {video: _named(metrics, row) for video, row in zip(videos, each.per_video, strict=True)},
        "interval_95": {metric: tuple(pair) for metric, pair in _named(metrics, bounds.T).items()},
    }


def _named(metrics: Sequence[str], values: Any) -> dict[str, Any]:
    return dict(zip(metrics, np.asarray(values).tolist(), strict=True))


def format_notices(results: Sequence[Result]) -> list[str]:
    """What must be said about the frames behind a table, a line each."""
    lines = []
    left_out = {f"{heading(m)} {n}" for result in results for m, n in result.left_out.items() if n}
    if left_out:
        lines.append(f"frames left out where a score is undefined: {', '.join(sorted(left_out))}")
    for result in results:
        if result.frames < result.frames_expected:
            lines.append(f"PARTIAL: {result.model} has {result.frames} of {result.frames_expected} frames")
        lines += [f"{result.model}: {result.detail}"] if result.detail else []
        lines += [f"{result.model}: {result.trained_on.words}"] if result.trained_on else []
        lines += [f"{result.model}: {count_and_first(kind, items)}" for kind, items in result.notices.items()]
    return lines


def measured_as(result: Result) -> str:
    """What stands beside a measured score: "measured", and whether on videos that the model was trained on."""
    seen = result.trained_on
    return f"measured, {seen.words}" if seen is not None and seen.seen else "measured"


def count_and_first(kind: str, items: Sequence[str]) -> str:
    """How many there are of a kind, and the first three by name."""
    return f"{kind}: {len(items)} ({', '.join(items[:3])}{', …' if len(items) > 3 else ''})"


def number(value: float, digits: int) -> str:
    """A number with so many decimals; one that rounds to zero has no sign."""
    return f"{round(value, digits) + 0.0:.{digits}f}"


def interval_text(bounds: Sequence[float], sign: str = "") -> str:
    """An interval as it is printed, three decimals; a dash where there is none.

    >>> interval_text((0.1, 0.25)), interval_text((-0.1, 0.25), "+"), interval_text((math.nan, math.nan))
    ('[0.100, 0.250]', '[-0.100, +0.250]', '–')
    """
    low, high = bounds
    return "–" if math.isnan(low) else f"[{low:{sign}.3f}, {high:{sign}.3f}]"


def heading(metric: str) -> str:
    """The heading of a metric's column."""
    return HEADINGS.get(metric, metric)


def results_json(results: Sequence[Result], command: str = "", **more: Any) -> str:
    """Results as JSON text: {"results": [...]}, with the command that gave them, where there was one, and what else is
    said; undefined means null."""
    record = {**({"command": command} if command else {}), "results": [asdict(result) for result in results], **more}
    return json.dumps(plain(record), indent=1, allow_nan=False)


def write_results(results: Sequence[Result], path: Path) -> None:
    """Write results to a JSON file, whole or not at all. Raises SalzooError if it cannot."""
    write_text(results_json(results) + "\n", path)


def read_results(path: Path) -> list[Result]:
    """Read the results in a JSON file that ``salzoo eval`` wrote. Raises SalzooError if it holds none."""
    try:
        records = read_json(path, LARGEST)["results"]
        if not isinstance(records, list) or not records:
            raise ValueError("it holds no results")
        return [Result(**check_record(record)) for record in records]
    except OSError as error:
        raise SalzooError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise SalzooError(
            f"{path} is no results file of this salzoo ({one_line(error)}); make it again with salzoo eval"
        ) from error


def read_more(path: Path) -> tuple[str, dict[str, str]]:
    """What a results file says beside its results: the command that wrote it ("" where none is known), and the models
    that were not scored, and why."""
    record = read_json(path, LARGEST)
    command, not_scored = record.get("command"), record.get("not_scored")
    reasons = {name: str(why) for name, why in not_scored.items()} if isinstance(not_scored, dict) else {}
    return command if isinstance(command, str) else "", reasons
