"""A session of training: from where a run stands to its scores."""

import resource
import shlex
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from salzoo.evaluation.models import baselines, prepare, score_model
from salzoo.evaluation.results import Result, write_results
from salzoo.evaluation.tasks import Scoring, Task
from salzoo.interfaces import Dataset, SalzooError
from salzoo.model import SaliencyModel
from salzoo.runtime.ranks import Rank, on_first_rank
from salzoo.runtime.signals import noted_signals
from salzoo.training.curves import save_curves
from salzoo.training.experiment import Report, silent
from salzoo.training.folder import BEST, RESULTS, RunFolder
from salzoo.training.forecast import announce_time_left
from salzoo.training.loop import train_steps
from salzoo.training.pictures import save_strips
from salzoo.training.recipe import Recipe
from salzoo.training.resuming import last_state, save_state
from salzoo.training.state import Training, train_mode
from salzoo.training.tensorboard import open_board

PICTURED_VIDEOS = 3


@dataclass(frozen=True)
class Session:
    """How a run is carried out; nothing of it decides the weights.

    Attributes:
        device: where to train; by default the best here.
        score: whether to score, after epochs as the recipe says and at the end.
        keep_state: whether the run, when it is over, keeps what resuming takes, about twice its weights. Without, one
            that is trained on for longer goes on with fresh optimisers.
        tensorboard: also write event files (extra ``tensorboard``).
        report: given each line of what is going on.
    """

    device: str | None = None
    score: bool = True
    keep_state: bool = False
    tensorboard: bool = False
    report: Report = silent

    def on(self, rank: Rank) -> "Session":
        """The session of a rank: the first alone speaks and shows."""
        return self if rank.first else replace(self, report=silent, tensorboard=False)


@dataclass(frozen=True)
class Run:
    """What a training run left.

    Attributes:
        folder: the run folder.
        model: the trained model, in evaluation mode.
        steps: optimiser steps taken.
        interrupted: whether a signal ended it early; its scores are missing then, and it can be resumed.
        results: validation scores of the trained model, of the model before training and of the baselines; none where
            they were not asked for.
    """

    folder: Path
    model: SaliencyModel
    steps: int
    interrupted: bool
    results: list[Result]


def run_session(
    training: Training, folder: RunFolder, before: tuple[str, SaliencyModel] | None, session: Session
) -> Run:
    """Train from where the training stands, score, and fill the run folder.

    Args:
        training: where it stands.
        folder: of the run; its checkpoint holds the model as it is.
        before: what to call the model as it was before any step, and that model, where it can be scored.
        session: how it is carried out.
    """
    model, rank, recipe, report = training.model, training.rank, training.recipe, session.report
    report(
        f"run folder {folder.path}; recipe {recipe.name}, {training.precision}, device {model.device}"
        f"{f', {rank.size} ranks' if rank.size > 1 else ''}; input {'x'.join(map(str, model.preprocessing.size))}, "
        f"init {recipe.init}, lr {recipe.lr:g}, seed {recipe.seed}"
    )
    task = _validation(folder.datasets[0], recipe, report) if session.score else None
    with noted_signals() as stop:
        report(f"training for {_length(recipe)}; Ctrl-C ends it early, and salzoo train --resume goes on")
        _train_and_save(training, folder, task, session, stop)
        stopped = training.done < 1
    progress, outcome = training.progress, training.outcome.eval()
    model.eval()
    report(_summary(training))
    if stopped:
        return Run(folder.path, outcome, progress.step, interrupted=True, results=[])
    results = []
    if task is not None:
        contenders = [(str(model.spec), outcome), *([before] if before else []), *baselines(task)]
        frames = sum(map(len, task.frames))
        report(f"scoring {len(contenders)} models on {frames} frames of {task.dataset} {task.split}")
        results = [score_model(task, each.to(model.device), label) for label, each in contenders]

    def finish() -> None:
        folder.save(outcome, results)
        save_curves(folder.path, folder.pictures())
        if task is not None:
            write_results(results, folder.path / RESULTS)
            save_strips(outcome, task.videos[:PICTURED_VIDEOS], folder.pictures())
        folder.finish(progress, keep_state=session.keep_state)

    on_first_rank(rank, finish)
    return Run(folder.path, outcome, progress.step, interrupted=False, results=results)


def _train_and_save(
    training: Training, folder: RunFolder, task: Task | None, session: Session, stop: Callable[[], bool]
) -> None:
    """Take the steps, validating at the end of epochs, saving there, every so many steps, and at the end."""
    recipe, progress, rank = training.recipe, training.progress, training.rank
    epochs, saved = progress.epochs, progress.step

    def save() -> None:
        on_first_rank(rank, lambda: folder.save(training.outcome))
        save_state(training, folder.path)

    steps = train_steps(training, stop)
    with (
        closing(steps),  # its threads must not read on when an error ends the process
        closing(announce_time_left(folder.follow(steps), session.report) if rank.first else steps) as followed,
        open_board(folder.path if session.tensorboard else None, progress.step) as board,
    ):
        try:
            for step in followed:
                board.add_step(step)
                if progress.epochs > epochs:
                    epochs = progress.epochs
                    if task is not None and recipe.validate and epochs % recipe.validate == 0 and training.done < 1:
                        board.add_scores(_validate(training, folder, task, session.report), progress.step)
                elif progress.step % recipe.save_every:
                    continue
                saved = progress.step
                save()
            if progress.step > saved:
                save()
        except SalzooError as error:
            whole = last_state(folder.path)
            hint = f"go on from step {whole.name[5:].lstrip('0') or 0} with: salzoo train --resume" if whole else "see"
            raise SalzooError(f"{error}; {hint} {shlex.quote(str(folder.path))}") from error
        except RuntimeError as error:
            if rank.size == 1:
                raise
            why = str(error).strip().partition("\n")[0]
            raise SalzooError(
                f"rank {rank.number} lost the others ({why}); go on with: salzoo train --resume {folder.path}"
            ) from error


def _validate(training: Training, folder: RunFolder, task: Task, report: Report) -> dict[str, float]:
    """Score the model as it is, log it, and keep it where it is the best so far. The training's random numbers are
    left as they were."""
    progress, recipe = training.progress, training.recipe
    model = training.outcome
    with torch.random.fork_rng():
        result = score_model(task, model, str(model.spec))
    train_mode(training.model, training.recipe.batch_norm)
    scores = dict(result.mean)
    if recipe.best not in scores:
        raise SalzooError(f"the best checkpoint cannot be told by {recipe.best!r}; scores are {', '.join(scores)}")
    report(f"epoch {progress.epochs}: " + ", ".join(f"{name} {score:.4f}" for name, score in scores.items()))
    sign = -1 if recipe.best == "kld" else 1
    better = progress.best_score is None or sign * scores[recipe.best] > sign * progress.best_score
    if better:
        progress.best_score = scores[recipe.best]
    if training.rank.first:
        folder.log_scores(progress.epochs, progress.step, scores)
        save_curves(folder.path, folder.pictures())
        if better:
            folder.save(model, [result], folder=BEST)
    return scores


def _validation(data: Dataset, recipe: Recipe, report: Report) -> Task:
    split = "val" if any(video.split == "val" for video in data.videos) else "test"
    report(f"reading the fixations of {data.name} {split}, to score on")
    return prepare(Scoring(data, split=split, seed=recipe.seed, first=recipe.score_frames or None))


def _length(recipe: Recipe) -> str:
    limits = [f"{recipe.epochs} epoch{'s' if recipe.epochs > 1 else ''}"]
    limits += [f"{recipe.frames} frames"] if recipe.frames else []
    limits += [f"{recipe.minutes:g} minute{'' if recipe.minutes == 1 else 's'}"] if recipe.minutes else []
    return " or ".join(limits) + (", whichever ends first" if len(limits) > 1 else "")


def _summary(training: Training) -> str:
    progress = training.progress
    seconds = max(progress.seconds, 1e-9)
    if training.model.device.type == "cuda":
        memory = torch.cuda.max_memory_allocated(training.model.device) / 2**30
    else:
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return (
        f"{progress.step} steps, {progress.frames} frames in {seconds:.0f} s ({progress.frames / seconds:.1f} "
        f"frames/s, {100 * progress.waited / seconds:.1f} % of it waiting for data); peak memory {memory:.2f} GiB"
    )
