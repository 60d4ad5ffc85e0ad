"""The videos of a run that went best, as most, and worst: strips, and clips with the scores of each frame."""

import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from salzoo.data import open_dataset
from salzoo.evaluation.results import Result, heading, number
from salzoo.evaluation.tables import higher_is_better
from salzoo.hub.checkpoint import weights_hash
from salzoo.hub.places import CONFIG, describe_models
from salzoo.hub.sources import load_model, split_modules
from salzoo.interfaces import SalzooError, Video
from salzoo.interfaces.errors import shown
from salzoo.model import SaliencyModel
from salzoo.plugins import registry
from salzoo.report.findings import leading_metric
from salzoo.runtime.devices import choose_device
from salzoo.runtime.progress import progress_bar
from salzoo.training.pictures import Moment, draw_strip, watch
from salzoo.video.embedding import data_uri, picture_uri
from salzoo.video.writing import video_writer

AREA = 124 * 220
"""Pixels of a picture."""

COLUMNS = 5
"""Moments of a strip."""

FPS = 25
"""Frames a second of clips: data sets do not say their own."""

LARGEST = 9_000_000
"""Bytes of all clips of a report, of which each may have its share."""


@dataclass(frozen=True)
class Clip:
    """A looping clip as a data URI, (frame | people | model), and what is said of each of its frames."""

    uri: str
    fps: int
    texts: list[str]


@dataclass(frozen=True)
class Sight:
    """A video: why it is shown, its name and score, and its pictures as data URIs."""

    rank: str
    name: str
    score: str
    strip: str
    clip: Clip | None


def show_videos(
    result: Result, source: str | Path, root: str | None, frames: int, share: int = LARGEST
) -> tuple[list[Sight], list[str]]:
    """The best, the median and the worst video of a result, by NSS where it has that, and what must be said of what is
    missing.

    Args:
        result: whose data set must be at hand.
        source: its model, as ``load_model`` takes it.
        root: of the data set.
        frames: of each video, from its first.
        share: bytes that all clips may have.
    """
    try:
        model = load_model(source, device=choose_device())
        if result.weights_sha256 not in (None, weights_hash(model)):
            return [], [f"no pictures: the weights of {source} here are others than those that were scored"]
        videos = {video.id: video for video in open_dataset(result.dataset, root).split(result.split)}
        chosen = [(rank, videos[name], score) for rank, name, score in _ranked(result) if name in videos]
        if not chosen:
            return [], [f"no pictures: none of the scored videos is in {result.dataset} here"]
        return _look(model, chosen, frames, share // len(chosen))
    except SalzooError as error:
        return [], [f"no pictures: {error}"]


def is_at_hand(model: str) -> bool:
    """Whether a model that a result names can be loaded without asking the network."""
    name = split_modules(model)[0]
    if registry().knows("models", name):
        (listed,) = describe_models(registry().find("models", name).name)
        return listed.here
    return (Path(name) / CONFIG).exists() or registry().knows("backbones", name.partition(":")[0])


def _ranked(result: Result) -> list[tuple[str, str, str]]:
    """What is best, median and worst by one metric: rank, video and score."""
    metric = leading_metric(result)
    sign = -1 if higher_is_better(metric) is False else 1
    scores = {video: each[metric] for video, each in result.per_video.items() if math.isfinite(each[metric])}
    order = sorted(scores, key=lambda video: -sign * scores[video])
    if not order:
        return []
    places = {"best": 0, "median": len(order) // 2, "worst": len(order) - 1}
    if len(order) < len(places):
        places = {"best": 0, "worst": 1} if len(order) == 2 else {"only": 0}
    return [(rank, order[n], f"{heading(metric)} {number(scores[order[n]], 3)}") for rank, n in places.items()]


def _look(
    model: SaliencyModel, chosen: Sequence[tuple[str, Video, str]], frames: int, largest: int
) -> tuple[list[Sight], list[str]]:
    sights, notices = [], []
    total = sum(min(video.frames, frames) for _, video, _ in chosen)
    with progress_bar("pictures", total=total, unit="frame") as bar:
        for rank, video, score in chosen:
            moments = []
            for moment in watch(model, video, range(min(video.frames, frames)), AREA):
                moments.append(moment)
                bar.update(1)
            at = np.linspace(0, len(moments) - 1, min(COLUMNS, len(moments))).round().astype(int)
            clip = _make_clip(moments, largest) if len(moments) > 1 else None
            if len(moments) > 1 and clip is None:
                notices.append(
                    f"no clip of {video.id}: it would have more than {largest / 1e6:.1f} MB; ask for fewer --frames"
                )
            sights.append(Sight(rank, video.id, score, picture_uri(draw_strip([moments[i] for i in at])), clip))
    return sights, notices


def _make_clip(moments: Sequence[Moment], largest: int) -> Clip | None:
    """The clip of a video; None where it is too large."""
    pictures = [np.hstack([moment.frame, moment.people, moment.model]) for moment in moments]
    with tempfile.TemporaryDirectory(prefix="salzoo-") as folder:
        path = Path(folder) / "clip.mp4"
        height, width = pictures[0].shape[:2]
        with video_writer(path, (height, width), FPS) as write:
            for picture in pictures:
                write(picture)
        data = path.read_bytes()
    texts = [shown(f"frame {moment.label}: {', '.join(moment.score_texts())}", limit=200) for moment in moments]
    return Clip(data_uri("video/mp4", data), FPS, texts) if len(data) <= largest else None
