"""A split made ready for scoring, and the way from the scores of its frames to a result. Imports no torch."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salzoo.data import open_dataset
from salzoo.evaluation.baselines import mean_density
from salzoo.evaluation.fixations import index_fixations
from salzoo.evaluation.partial import Partial, PartialScores, partial_scores
from salzoo.evaluation.protocols import Protocol, find_protocol
from salzoo.evaluation.results import GOLD, Result, heading, summarise
from salzoo.evaluation.scoring import Chunk, ChunkScores, FrameScorer
from salzoo.gaze.truth import has_gaze, kinds_of
from salzoo.interfaces import Dataset, Metric, SalzooError, Video
from salzoo.runtime.pool import WorkerPool
from salzoo.runtime.progress import progress_bar
from salzoo.runtime.ranks import await_all, fresh_store, gather, take_in_turn, this_rank

CHUNK = 32
"""Frames that a worker process scores at a time."""

ScoringPool = WorkerPool[Chunk, ChunkScores]


@dataclass(frozen=True)
class Scoring:
    """What is to be scored on, and how.

    Attributes:
        dataset: a data set, or its registered name with or without parameters ("hevc33:fold=2").
        root: its folder; by default as ``open_dataset`` finds it.
        split: "train", "val" or "test"; it must be annotated.
        protocol: name of the protocol.
        metrics: names of more metrics than the protocol's, with or without parameters ("emd:reduction=16").
        seed: of the draw of other fixations; the same seed gives the same scores bit for bit.
        first: score the first so many frames of each video alone; the note of the results then says so.
        max_frames: score so many frames, drawn by the seed from all; the note then says so.
        per_frame: keep the scores of each frame in the results.
        per_observer: also score the fixations of each observer by themselves, and keep those scores.
        relative: say for each model how far it is on the way from the center bias to people.
    """

    dataset: Dataset | str = "synthetic"
    root: str | Path | None = None
    split: str = "val"
    protocol: str = "dhf1k"
    metrics: Sequence[str] = ()
    seed: int = 0
    first: int | None = None
    max_frames: int | None = None
    per_frame: bool = False
    per_observer: bool = False
    relative: bool = False


@dataclass(frozen=True)
class Task:
    """A split made ready for scoring any number of models.

    Attributes:
        dataset, split: names.
        note: what must be said beside the scores.
        scorer: the videos, and what is computed of them.
        frames: for each video, which of its frames are scored, in order.
        center_bias: the mean density of the training split; None where there is no such split to fit it to.
        train: the annotated videos of the training split.
        per_frame: whether results hold the scores of each frame.
        kept: keeps the scores of each video, and knows some already.
    """

    dataset: str
    split: str
    note: str
    scorer: FrameScorer
    frames: Sequence[NDArray[np.intp]]
    center_bias: NDArray[np.float32] | None
    train: Sequence[Video] = ()
    per_frame: bool = False
    kept: PartialScores | None = None

    @property
    def videos(self) -> Sequence[Video]:
        """The split's videos."""
        return self.scorer.videos

    @property
    def protocol(self) -> Protocol:
        """What is computed."""
        return self.scorer.protocol


def open_split(scoring: Scoring) -> tuple[Dataset, list[Video]]:
    """The data set and the videos that are to be scored. Raises SalzooError where the split is not annotated."""
    dataset = scoring.dataset
    data = dataset if isinstance(dataset, Dataset) else open_dataset(dataset, scoring.root)
    videos = data.split(scoring.split)
    bare = [video.id for video in videos if not video.annotated]
    if bare:
        where = f"{data.name} {scoring.split}"
        raise SalzooError(f"{where} cannot be scored: no annotation of {len(bare)} videos, first {bare[0]}")
    return data, videos


def prepare(scoring: Scoring) -> Task:
    """Read what scoring any model on a split needs. Raises SalzooError where the split is not annotated."""
    rules, split, seed = find_protocol(scoring.protocol), scoring.split, scoring.seed
    if not 0 <= seed < 2**63:
        raise SalzooError(f"the seed must be a whole number from 0 to 2^63 - 1, not {seed}")
    data, videos = open_split(scoring)
    notes = [data.note] if data.note else []
    train = [video for video in data.videos if video.split == "train" and video.annotated]
    if scoring.relative and not (train and all(map(has_gaze, videos))):
        lacks = f"the observers of {split} are not known one by one" if train else "there is no training split"
        raise SalzooError(f"{data.name} has no scale from the center bias to people: {lacks}; leave out --relative")
    kinds = kinds_of(videos, f"{data.name} {split}")
    center_bias = mean_density(train) if train and "density" in kinds_of(train, f"{data.name} train") else None
    scores, left_out = _possible(rules.load_metrics(scoring.metrics), kinds, data.name)
    notes += left_out
    if center_bias is None and any("baseline" in metric.requires for metric in scores.values()):
        scores = {column: metric for column, metric in scores.items() if "baseline" not in metric.requires}
        notes.append("no information gain: there is no density of a training split here to fit the center bias to")
    if scoring.first is not None:
        notes.append(f"only the first {scoring.first} frames of each video are scored")
    if scoring.per_observer and not all(map(has_gaze, videos)):
        raise SalzooError(f"the observers of {data.name} {split} are not known one by one; leave out --per-observer")
    index = index_fixations(videos, scoring.first, each=rules.each_fixation)
    frames = [  # where a set has gaze itself, a frame that nobody looked at has no truth
        index.fixated_frames(number) if has_gaze(video) else np.arange(index.frames_of(number))
        for number, video in enumerate(videos)
    ]
    most = scoring.max_frames
    if most is not None and most < sum(map(len, frames)):
        notes.append(f"{most} of {sum(map(len, frames))} frames are scored, drawn by seed {seed}")
        frames = _draw_frames(frames, most, seed)
    scorer = FrameScorer(
        videos=videos,
        protocol=rules,
        metrics=scores,
        kinds=kinds,
        fixations=index,
        baseline=center_bias,
        other_frames=rules.other_frames_of.get(data.name, rules.other_frames),
        seed=seed,
        observers=scoring.per_observer,
    )
    return Task(data.name, split, "; ".join(notes), scorer, frames, center_bias, train, scoring.per_frame)


def _possible(metrics: dict[str, Metric], kinds: frozenset[str], name: str) -> tuple[dict[str, Metric], list[str]]:
    """Those metrics whose truths there are, and what is said of the others."""
    lacking = {"density"} - kinds | ({"fixations", "other_fixations"} if "fixations" not in kinds else set())
    kept = {column: metric for column, metric in metrics.items() if lacking.isdisjoint(metric.requires)}
    left_out = [heading(column) for column in metrics if column not in kept]
    if not left_out:
        return kept, []
    what = "no density maps (the data set's parameter sigma makes them)" if "density" in lacking else "no fixations"
    if not kept:
        raise SalzooError(f"{name} has {what} here, which {', '.join(left_out)} need")
    return kept, [f"{what} here: {', '.join(left_out)} left out"]


def _draw_frames(frames: Sequence[NDArray[np.intp]], count: int, seed: int) -> list[NDArray[np.intp]]:
    ends = np.cumsum([len(video) for video in frames])
    drawn = np.sort(np.random.default_rng([seed, count]).choice(int(ends[-1]), count, replace=False))
    parts = np.split(drawn, np.searchsorted(drawn, ends[:-1]))
    return [part - (end - len(video)) for part, end, video in zip(parts, ends, frames, strict=True)]


@contextmanager
def keep_scores(task: Task, partial: Partial | None, **how: str) -> Iterator[Task]:
    """Within the block, the scores of each video of a task are kept; after its good end the results hold them.

    Args:
        task: what is scored.
        partial: where they are kept; None for nowhere.
        how: what else they depend on, such as the engine.

    Yields:
        The task that keeps them.

    Raises:
        SalzooError: the scores that are there are of something else, or another process adds to them.
    """
    if partial is None:
        yield task
        return
    asked = {
        "dataset": task.dataset,
        "split": task.split,
        "note": task.note,
        "videos": len(task.videos),
        "frames": sum(map(len, task.frames)),
        "protocol": str(task.protocol),
        "metrics": list(task.scorer.metrics),
        "seed": task.scorer.seed,
        "per_observer": task.scorer.observers,
        **how,
    }
    with partial_scores(partial, asked) as kept:
        yield replace(task, kept=kept)


def chunks_of(task: Task, number: int, maps: Sequence[Any] | None) -> Iterator[Chunk]:
    """A video's frames in chunks, with a map or file for each; frames whose map is None are left out."""
    chosen = [int(index) for index in task.frames[number]]
    if maps is not None:
        chosen = [index for index in chosen if maps[index] is not None]
    for start in range(0, len(chosen), CHUNK):
        part = chosen[start : start + CHUNK]
        yield Chunk(number, part, None if maps is None else [maps[index] for index in part])


def collect(
    task: Task,
    chunks: Callable[[int], Iterable[Chunk]],
    pool: ScoringPool,
    label: str,
    *,
    kind: str | None = None,
    models: int = 1,
) -> list[list[ChunkScores]]:
    """Score the videos of a task with a progress bar: under ``torchrun`` each process takes the next, longest first.

    Args:
        task: what is scored.
        chunks: gives the chunks of a video by its number; of several models, each part once for every one.
        pool: the workers that score.
        label: what the bar calls it.
        kind: under which the task keeps these scores; None where they are not kept.
        models: how many are scored together.

    Returns:
        For each model its scores, by video and frame, the same on every rank.
    """
    several = this_rank().size > 1
    store: Any = fresh_store() if several else None
    order = sorted(range(len(task.videos)), key=lambda number: -len(task.frames[number]))
    mine = (order[turn] for turn in take_in_turn(store, len(order))) if several else iter(order)
    kept = task.kept if kind is not None else None
    found: list[list[ChunkScores]] = [[] for _ in range(models)]
    with progress_bar(
        label, total=models * sum(map(len, task.frames)), unit="frame", silent=not this_rank().first
    ) as bar:

        def advance(count: int) -> None:
            bar.update(store.add("frames", count) - bar.n if several else count)

        def take(parts: Sequence[Sequence[ChunkScores]]) -> None:
            for scores, each in zip(found, parts, strict=True):
                scores += each

        def unknown() -> Iterator[Chunk]:
            for number in mine:
                known = kept and kept.find(str(kind), task.videos[number].id)
                if known:
                    take(known)
                    advance(sum(len(part.frames) for each in known for part in each))
                else:
                    yield from chunks(number)

        for number, parts in groupby(pool.map_in_order(unknown()), key=lambda scores: scores.video):
            taken = []
            for part in parts:
                taken.append(part)
                advance(len(part.frames))
            each = [taken[model::models] for model in range(models)]  # they take turns
            if kept:
                kept.add(str(kind), task.videos[number].id, each)
            take(each)
    if several:
        await_all(store)
    return [sorted(gather(scores), key=lambda each: (each.video, each.frames)) for scores in found]


def score_gold(task: Task, pool: ScoringPool) -> Result:
    """The density maps scored as if they were predictions: what no model can pass in CC, SIM and KLD."""
    (found,) = collect(task, lambda number: chunks_of(task, number, None), pool, "gold", kind=GOLD)
    return make_result(task, GOLD, found)


def make_result(
    task: Task,
    label: str,
    found: Sequence[ChunkScores],
    *,
    notices: Sequence[tuple[str, str]] = (),
    metrics: Sequence[str] | None = None,
) -> Result:
    """The result that follows from all chunks' scores, in order. Raises SalzooError where no frame has any.

    Args:
        metrics: those that the result has, of the task's; by default all.
        notices: more of what is odd than the chunks', kind and where.
    """
    columns = list(task.scorer.metrics)
    names = columns if metrics is None else list(metrics)
    chosen = [columns.index(name) for name in names]
    by_video: dict[int, list[ChunkScores]] = {}
    for part in found:
        if part.frames:
            by_video.setdefault(part.video, []).append(part)
    if not by_video:
        raise SalzooError(f"{label}: not one map of a frame of {task.dataset} {task.split} can be scored")
    scores = {
        task.videos[n].id: np.concatenate([part.scores[:, chosen] for part in parts]) for n, parts in by_video.items()
    }
    odd: dict[str, list[str]] = {}
    for kind, where in [*notices, *(notice for part in found for notice in part.notices)]:
        odd.setdefault(kind, []).append(where)
    per_observer: dict[str, dict[str, dict[str, list[float]]]] | None = None
    if task.scorer.observers:
        per_observer = {}
        for part in found:
            video = task.videos[part.video]
            for index, observer, row in part.observers:
                frame = per_observer.setdefault(video.id, {}).setdefault(video.frame_name(index), {})
                frame[str(observer)] = [row[column] for column in chosen]
    per_frame = None
    if task.per_frame:
        per_frame = {}
        for number, parts in by_video.items():
            video = task.videos[number]
            frames = [video.frame_name(index) for part in parts for index in part.frames]
            per_frame[video.id] = dict(zip(frames, scores[video.id].tolist(), strict=True))
    return Result(
        model=label,
        spec=None,
        weights_sha256=None,
        dataset=task.dataset,
        split=task.split,
        note=task.note,
        protocol=str(task.protocol),
        seed=task.scorer.seed,
        frames_expected=sum(map(len, task.frames)),
        notices=odd,
        per_frame=per_frame,
        per_observer=per_observer or None,
        **summarise(scores, names, mean_of_videos=task.protocol.mean_of_videos, seed=task.scorer.seed),
    )
