"""A result as its file holds it, checked value by value: the file may come from anywhere."""

import math
from typing import Any

from salzoo.trained_on import Overlap

LIMIT = 1e12
"""Size of a number beyond which it is no score."""

VIDEOS = 50_000
"""Videos of a result: the bootstrap keeps two thousand numbers for each."""

_TEXTS = ("model", "dataset", "split", "note", "protocol")


def check_record(record: Any) -> dict[str, Any]:
    """The fields of a ``Result`` from the JSON object that it was written as, NaN for null.

    Raises ValueError naming the first value that cannot be.
    """
    if not isinstance(record, dict):
        raise ValueError("a result is no object")
    values: dict[str, Any] = {name: _text(record, name) for name in _TEXTS}
    values |= {name: None if record.get(name) is None else _text(record, name) for name in ("spec", "weights_sha256")}
    values["detail"] = _text(record, "detail") if "detail" in record else ""
    values["trained_on"] = None if record.get("trained_on") is None else _overlap(_object(record, "trained_on"))
    metrics = record.get("metrics")
    if not isinstance(metrics, list) or not metrics or not all(isinstance(metric, str) for metric in metrics):
        raise ValueError("metrics must be a list of names")
    if len(set(metrics)) < len(metrics):
        raise ValueError("metrics names one twice")
    values |= {"metrics": tuple(metrics), "mean_of_videos": record.get("mean_of_videos")}
    if not isinstance(values["mean_of_videos"], bool):
        raise ValueError("mean_of_videos must be true or false")
    values |= {name: _count(record.get(name), name) for name in ("seed", "frames", "frames_expected")}
    values["mean"] = _by_metric(record, "mean", metrics, _score)
    values["left_out"] = _by_metric(record, "left_out", metrics, _count)
    values["interval_95"] = _by_metric(record, "interval_95", metrics, _pair)
    relative = record.get("relative")
    values["relative"] = relative and {
        name: _several(each, "relative", 3) for name, each in _object(record, "relative").items()
    }
    for name, read in (("per_video", _score), ("defined", _count)):
        videos = _object(record, name)
        if not 0 < len(videos) <= VIDEOS:
            raise ValueError(f"{name} has {len(videos)} videos, not 1 to {VIDEOS}")
        values[name] = {video: _by_metric(videos, video, metrics, read) for video in videos}
    if values["per_video"].keys() != values["defined"].keys():
        raise ValueError("per_video and defined have different videos")
    values["notices"] = {kind: _texts(items, "notices") for kind, items in _object(record, "notices", {}).items()}
    versions = _object(record, "versions", {})
    values["versions"] = dict(zip(versions, _texts(list(versions.values()), "versions"), strict=True))
    values["per_frame"] = None if record.get("per_frame") is None else _per_frame(record, "per_frame", len(metrics))
    values["per_observer"] = None
    if record.get("per_observer") is not None:
        videos = _object(record, "per_observer")
        values["per_observer"] = {video: _per_frame(videos, video, len(metrics)) for video in videos}
    return values


def _overlap(record: dict[str, Any]) -> Overlap:
    seen = None if record.get("seen") is None else _count(record["seen"], "trained_on")
    return Overlap(seen, _count(record.get("of"), "trained_on"), _text(record, "words"))


def _object(record: dict[str, Any], name: str, default: Any = None) -> dict[str, Any]:
    value = record.get(name, default)
    if not isinstance(value, dict):
        raise ValueError(f"{name} must be an object" if name in record else f"it lacks {name}")
    return value


def _text(record: dict[str, Any], name: str) -> str:
    value = record.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name} must be a text" if name in record else f"it lacks {name}")
    return value


def _texts(values: Any, name: str) -> list[str]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ValueError(f"{name} must hold texts")
    return values


def _by_metric(record: dict[str, Any], name: str, metrics: list[str], read: Any) -> dict[str, Any]:
    values = _object(record, name)
    missing = [metric for metric in metrics if metric not in values]
    if missing:
        raise ValueError(f"{name} lacks {missing[0]}")
    return {metric: read(values[metric], name) for metric in metrics}


def _score(value: Any, name: str) -> float:
    if value is None:
        return math.nan
    if type(value) not in (int, float) or not (value != value or abs(value) <= LIMIT):
        raise ValueError(f"{name} holds a value that is no score")
    return float(value)


def _pair(value: Any, name: str) -> tuple[float, ...]:
    return _several(value, name, 2)


def _several(value: Any, name: str, count: int) -> tuple[float, ...]:
    if not isinstance(value, list) or len(value) != count:
        raise ValueError(f"{name} must hold lists of {count} numbers")
    return tuple(_score(each, name) for each in value)


def _count(value: Any, name: str) -> int:
    if type(value) is not int or not 0 <= value < 1 << 62:
        raise ValueError(f"{name} must hold whole numbers from 0")
    return value


def _per_frame(record: dict[str, Any], name: str, metrics: int) -> dict[str, dict[str, list[float]]]:
    """Scores of each metric, two levels deep."""
    videos = _object(record, name)
    found: dict[str, dict[str, list[float]]] = {}
    for video in videos:
        frames = _object(videos, video)
        if not all(isinstance(scores, list) and len(scores) == metrics for scores in frames.values()):
            raise ValueError(f"{name} must hold a score of each metric")
        found[video] = {frame: [_score(score, name) for score in scores] for frame, scores in frames.items()}
    return found
