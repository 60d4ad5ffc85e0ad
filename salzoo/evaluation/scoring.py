"""From predicted maps to scores, some frames of a video at a time. Imports no torch: worker processes run this."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from salzoo.evaluation.fixations import FixationIndex
from salzoo.evaluation.protocols import Protocol
from salzoo.evaluation.saved_maps import frame_label
from salzoo.gaze.ceiling import Others, as_distribution, join_gaze, score_people
from salzoo.gaze.maps import inside
from salzoo.gaze.truth import read_density
from salzoo.interfaces import Metric, SalzooError, Video
from salzoo.interfaces.dataset import GazeVideo
from salzoo.interfaces.errors import one_line
from salzoo.video.pictures import read_map

CONSTANT, NOT_FINITE, UNREADABLE = "constant prediction", "prediction not finite", "unreadable prediction"
NO_FIXATIONS, EMPTY_DENSITY = "no fixations", "empty density map"

Notice = tuple[str, str]
"""What is odd about a frame, and which: ("constant prediction", "0601/0007")."""


@dataclass(frozen=True)
class Chunk:
    """Some frames of a video with their maps.

    Attributes:
        video: number of the video in the list.
        frames: which of its frames.
        maps: for each, a map (h, w) or the file that it is saved in; None scores the density maps themselves,
            ``Others`` the observers by each other.
    """

    video: int
    frames: Sequence[int]
    maps: Sequence[NDArray[Any] | Path] | Others | None


@dataclass(frozen=True)
class ChunkScores:
    """The scores of a chunk.

    Attributes:
        chunk: number of the video, and the frames that have scores: those whose map could be read.
        scores: (frames, metrics), NaN where undefined.
        notices: what is odd, frame by frame.
        observers: where they are asked for, the scores of each observer's fixations alone: frame, number of the
            observer, and a score a metric, NaN for those that take no fixations.
    """

    video: int
    frames: list[int]
    scores: NDArray[np.float64]
    notices: list[Notice]
    observers: list[tuple[int, int, list[float]]] = field(default_factory=list)


@dataclass(frozen=True)
class FrameScorer:
    """All that scoring any map of a list of videos needs; it travels to worker processes once.

    Attributes:
        videos: annotated videos.
        protocol: what is computed.
        metrics: the metrics by the names of their columns, in the order of the scores.
        kinds: which of "density" and "fixations" the videos have.
        fixations: those of every frame of the list, none where there are none.
        baseline: (h, w), the map that information gain is measured against; None where there is none.
        other_frames: frames whose fixations make up an other-fixations map.
        seed: of the draw of other fixations.
        observers: whether each observer's fixations are scored by themselves, too.
    """

    videos: Sequence[Video]
    protocol: Protocol
    metrics: Mapping[str, Metric]
    kinds: frozenset[str]
    fixations: FixationIndex
    baseline: NDArray[np.float32] | None
    other_frames: int
    seed: int
    observers: bool = False

    def score(self, chunk: Chunk) -> ChunkScores:
        """Score some frames of a video. Raises SalzooError where the data set's own maps cannot be used."""
        truths = _VideoTruths(self, chunk.video)
        video = self.videos[chunk.video]
        frames, rows, notices, observers = [], [], [], []
        for position, index in enumerate(chunk.frames):
            label = frame_label(video, index)
            truth = truths.of(index)
            if isinstance(chunk.maps, Others):
                frames.append(index)
                rows.append(self._score_people(video, index, chunk.maps, truth))
                continue
            source = truth["density"] if chunk.maps is None else chunk.maps[position]
            try:
                map_ = read_map(source) if isinstance(source, Path) else source
            except SalzooError as error:
                notices.append((UNREADABLE, f"{label}: {error}"))
                continue
            scores, found = self._score_frame(map_, truth, truths.size)
            frames.append(index)
            rows.append(scores)
            notices += [(kind, label) for kind in found]
            if self.observers and chunk.maps is not None:
                observers += [(index, *each) for each in self._score_observers(map_, video, index, truth)]
        scored = np.array(rows).reshape(len(rows), len(self.metrics))
        return ChunkScores(chunk.video, frames, scored, notices, observers)

    def _score_observers(
        self, map_: NDArray[Any], video: Video, index: int, truth: dict[str, NDArray[Any]]
    ) -> Iterator[tuple[int, list[float]]]:
        """The number of each observer who looked at a frame, and the map's scores for what that one looked at."""
        size = cast(GazeVideo, video).size
        taken = {name: metric for name, metric in self.metrics.items() if "fixations" in metric.requires}
        for number, points in enumerate(cast(GazeVideo, video).read_gaze(index)):
            own = np.zeros(size, np.int32)
            columns, rows = np.floor(points[inside(points, size)]).astype(np.intp).T
            np.add.at(own, (rows, columns), 1)
            if own.any():
                fixations = own if self.protocol.each_fixation else own > 0
                scores, _ = replace(self, metrics=taken)._score_frame(map_, truth | {"fixations": fixations}, size)
                by_name = dict(zip(taken, scores, strict=True))
                yield number, [by_name.get(name, math.nan) for name in self.metrics]

    def _score_people(self, video: Video, index: int, others: Others, truth: dict[str, NDArray[Any]]) -> list[float]:
        seen = cast(GazeVideo, video)
        people = join_gaze(seen.read_gaze(index), seen.size, others.scale * seen.sigma)
        if people is None:
            return [math.nan] * len(self.metrics)
        bias = as_distribution(truth.get("baseline"), seen.size)
        scores = score_people(people, others.prior, bias, truth["other_fixations"] > 0)
        return [scores.get(metric, math.nan) for metric in self.metrics]

    def _score_frame(
        self, map_: NDArray[Any], truth: dict[str, NDArray[Any]], size: tuple[int, int]
    ) -> tuple[list[float], list[str]]:
        kinds = []
        if map_.dtype.kind == "f" and not np.isfinite(map_).all():
            kinds.append(NOT_FINITE)
        elif map_.min() == map_.max():
            kinds.append(CONSTANT)
        if "fixations" in truth and not truth["fixations"].any():
            kinds.append(NO_FIXATIONS)
        if "density" in truth and not truth["density"].any():
            kinds.append(EMPTY_DENSITY)
        prediction = self.protocol.resize(map_, size)
        reduce = self.protocol.reduce
        if reduce is not None:
            prediction = reduce(prediction)
            truth = {name: reduce(value) for name, value in truth.items()}
        given = {name: value[None] for name, value in truth.items()}
        marked = {name: value > 0 if value.dtype == np.int32 else value for name, value in given.items()}
        own = self.protocol.own_metrics
        scores = [_score(m, prediction[None], given if name in own else marked) for name, m in self.metrics.items()]
        return scores, kinds


class _VideoTruths:
    """Reads the truths of a video's frames; what they share is made once."""

    def __init__(self, scorer: FrameScorer, number: int) -> None:
        self.scorer = scorer
        self.video = scorer.videos[number]
        self.size = scorer.fixations.size_of(number)
        self.first = int(scorer.fixations.first_frame[number])
        draw: Any = partial(scorer.fixations.draw_from_other_videos, number)
        self.shared: dict[str, NDArray[Any]] = {}
        if scorer.protocol.one_map_per_video and "fixations" in scorer.kinds:
            self.shared["other_fixations"] = draw(count=scorer.other_frames, seed=scorer.seed)
        if scorer.baseline is not None:
            self.shared["baseline"] = scorer.protocol.resize(scorer.baseline, self.size)

    def of(self, index: int) -> dict[str, NDArray[Any]]:
        """The truths of a frame by name, all of one size."""
        scorer, frame = self.scorer, self.first + index
        truths = dict(self.shared)
        if "density" in scorer.kinds:
            truths["density"] = density = read_density(self.video, index)
            if density.shape != self.size:
                other = "fixation map" if "fixations" in scorer.kinds else "first one"
                raise SalzooError(
                    f"the density map of {frame_label(self.video, index)} has {_text(density.shape)} pixels, its "
                    f"{other} {_text(self.size)}"
                )
        if "fixations" not in scorer.kinds:
            return truths
        truths["fixations"] = scorer.fixations.fixations_of(frame)
        if "other_fixations" not in truths:
            truths["other_fixations"] = scorer.fixations.draw_others(
                frame, self.size, count=scorer.other_frames, seed=scorer.seed
            )
        return truths


def _score(metric: Metric, prediction: NDArray[Any], truths: dict[str, NDArray[Any]]) -> float:
    try:
        return float(metric(prediction, *(truths[name] for name in metric.requires))[0])
    except SalzooError:
        raise
    except Exception as error:  # a third party's metric may raise anything
        what = f"metric {metric.name} failed ({one_line(error)})"
        raise SalzooError(f"{what}; salzoo plugins check tries it out") from error


def _text(size: tuple[int, ...]) -> str:
    return "×".join(map(str, size))
