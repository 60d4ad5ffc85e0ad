"""Evaluation of maps that any code has saved. Imports no torch."""

from dataclasses import replace
from pathlib import Path

from salzoo.evaluation.results import Result
from salzoo.evaluation.saved_maps import SavedMaps, few, find_maps, frame_label
from salzoo.evaluation.scoring import UNREADABLE
from salzoo.evaluation.tasks import Scoring, ScoringPool, Task, chunks_of, collect, make_result, open_split, prepare
from salzoo.interfaces import SalzooError

MISSING, EXTRA = "missing prediction", "file that belongs to no frame"


def prepare_maps(folder: Path, scoring: Scoring, *, partial: bool = False) -> tuple[Task, SavedMaps]:
    """Look at how saved maps are laid out, then read what scoring them needs, which takes longer.

    Args:
        folder: ``video/frame.png`` (or .jpg), of still images ``name.png`` too, grey, of 8 or 16 bits and any size,
            named as ``salzoo.evaluation.saved_maps`` says.
        scoring: what is scored on, and how.
        partial: score what is there, and say in the result what is not.

    Raises:
        SalzooError: without ``partial``, where maps are missing, or belong to no frame.
    """
    data, videos = open_split(scoring)
    saved = find_maps(folder, videos, data.videos)
    there = f"{saved.videos} of the {len(videos)} videos and images of {data.name} {scoring.split}"
    if saved.extra and not partial:
        raise SalzooError(
            f"{folder} has {len(saved.extra)} files that belong to no frame: {few(map(str, saved.extra))} (it has maps "
            f"of {there}); number frames as the data set does, or leave these out with --partial"
        )
    if saved.videos < len(videos) and scoring.max_frames is None and not partial:
        lacking = (video.id for video, files in zip(videos, saved.files, strict=True) if not any(files))
        raise SalzooError(f"{folder} has maps of {there}: none of {few(lacking)}; --partial scores the others")
    return prepare(replace(scoring, dataset=data)), saved


def score_maps(task: Task, folder: Path, saved: SavedMaps, pool: ScoringPool, *, partial: bool = False) -> Result:
    """Score the maps of a folder on a task.

    Raises:
        SalzooError: without ``partial``, where maps are missing or cannot be read.
    """
    wanted = [(number, index) for number, frames in enumerate(task.frames) for index in frames.tolist()]
    missing = [frame_label(task.videos[n], index) for n, index in wanted if saved.files[n][index] is None]
    if missing and not partial:
        raise SalzooError(
            f"{folder} lacks {len(missing)} of {len(wanted)} maps: {few(missing)}; --partial scores the others"
        )
    (found,) = collect(task, lambda number: chunks_of(task, number, saved.files[number]), pool, folder.name)
    unreadable = [where for part in found for kind, where in part.notices if kind == UNREADABLE]
    if unreadable and not partial:
        raise SalzooError(
            f"{len(unreadable)} of {len(wanted)} maps cannot be read: {few(unreadable)}; --partial scores the others"
        )
    notices = [*((MISSING, where) for where in missing), *((EXTRA, str(path)) for path in saved.extra)]
    result = make_result(task, str(folder), found, notices=notices)
    some = saved.videos < len(task.videos)
    return replace(result, detail=f"maps of {saved.videos} of {len(task.videos)} videos and images" if some else "")
