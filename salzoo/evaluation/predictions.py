"""Evaluation of maps that any code has saved. Imports no torch."""

from pathlib import Path

from salzoo.evaluation.results import Result
from salzoo.evaluation.saved_maps import few, find_maps, frame_label
from salzoo.evaluation.scoring import UNREADABLE
from salzoo.evaluation.tasks import Scoring, Task, chunks_of, collect, make_result, prepare
from salzoo.interfaces import SalzooError
from salzoo.runtime.pool import worker_pool
from salzoo.runtime.processes import cores

MISSING, EXTRA = "missing prediction", "file that belongs to no frame"


def evaluate_predictions(
    folder: str | Path,
    scoring: Scoring,
    *,
    partial: bool = False,
    workers: int | None = None,
) -> Result:
    """Score saved maps on a data set.

    Args:
        folder: ``video/frame.png`` (or .jpg), grey, of 8 or 16 bits and any size, named by the data set's ``Video.id``
            and ``Video.frame_name``; numbers may have leading zeros or not.
        scoring: what is scored on, and how.
        partial: score what is there, and say in the result what is not.
        workers: processes that score; by default one a core.

    Raises:
        SalzooError: without ``partial``, where maps are missing, cannot be read, or belong to no frame.
    """
    task = prepare(scoring)
    return score_saved_maps(task, Path(folder), partial=partial, workers=cores() if workers is None else workers)


def score_saved_maps(task: Task, folder: Path, *, partial: bool = False, workers: int = 1) -> Result:
    """Score the maps of a folder on a task; see ``evaluate_predictions``."""
    index = task.scorer.fixations
    saved = find_maps(folder, task.videos, [index.frames_of(number) for number in range(len(task.videos))])
    wanted = [(number, index) for number, frames in enumerate(task.frames) for index in frames.tolist()]
    missing = [frame_label(task.videos[n], index) for n, index in wanted if saved.files[n][index] is None]
    if not partial:
        if missing:
            raise SalzooError(
                f"{folder} lacks {len(missing)} of {len(wanted)} maps: {few(missing)}; --partial scores the others"
            )
        if saved.extra:
            raise SalzooError(
                f"{folder} has {len(saved.extra)} files that belong to no frame: {few(map(str, saved.extra))}; number "
                "frames as the data set does, or leave these out with --partial"
            )
    with worker_pool(task.scorer.score, workers) as submit:
        (found,) = collect(
            task, lambda number: chunks_of(task, number, saved.files[number]), submit, workers, folder.name
        )
    unreadable = [where for part in found for kind, where in part.notices if kind == UNREADABLE]
    if unreadable and not partial:
        raise SalzooError(
            f"{len(unreadable)} of {len(wanted)} maps cannot be read: {few(unreadable)}; --partial scores the others"
        )
    notices = [*((MISSING, where) for where in missing), *((EXTRA, str(path)) for path in saved.extra)]
    return make_result(task, str(folder), found, notices=notices)
