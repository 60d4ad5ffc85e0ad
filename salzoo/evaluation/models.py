"""Evaluation of models from names to scores."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from salzoo.evaluation.baselines import center_bias_model
from salzoo.evaluation.filtering import Family, find_families, score_family
from salzoo.evaluation.humans import knows_people, score_humans
from salzoo.evaluation.partial import Partial
from salzoo.evaluation.predictions import prepare_maps, score_maps
from salzoo.evaluation.relative import add_relative
from salzoo.evaluation.results import CENTER_BIAS, Result
from salzoo.evaluation.tasks import Scoring, ScoringPool, Task, keep_scores, prepare
from salzoo.hub.sources import load_model
from salzoo.model import SaliencyModel
from salzoo.prediction.engines.choosing import choose_engine
from salzoo.prediction.engines.engine import EXACT, Engine, RunOptions
from salzoo.prediction.engines.torch_engine import torch_engine
from salzoo.runtime.devices import share_cores
from salzoo.runtime.pool import worker_pool
from salzoo.runtime.processes import cores
from salzoo.trained_on import TrainedOn

__all__ = ["Scoring", "Task", "baselines", "evaluate", "prepare", "score_model"]


def evaluate(
    models: Sequence[SaliencyModel | str | Path],
    scoring: Scoring,
    *,
    workers: int | None = None,
    how: RunOptions = EXACT,
    partial: Partial | None = None,
) -> list[Result]:
    """Score models on a data set, with the training-free baselines beside them.

    Under ``torchrun`` each process takes the next video when it is free, and returns the results of all.

    Args:
        models: models, or what ``load_model`` takes.
        scoring: what is scored on, and how.
        workers: processes that score; by default one a core beside a GPU, none beside the CPU, which the model needs.
        how: how the models run, with an engine and a precision by name. By default as every machine can, so that scores
            can be compared; others tell what a faster way of running costs. The baselines always run in the default.
        partial: where the scores of each video are kept as they come; see ``salzoo.evaluation.partial``.

    Returns:
        One result per model, then those of ``center-bias`` fitted to the training split and ``spectral-residual``, and
        where observers are known one by one that of people predicting people.
    """
    where = how.place()
    share_cores()
    loaded = [(_label(model), model if isinstance(model, SaliencyModel) else load_model(model)) for model in models]
    task = prepare(scoring)
    workers = default_workers(workers, where)
    asked = {"device": where.type, "engine": how.engine, "precision": how.precision}
    with keep_scores(task, partial, **asked) as task, worker_pool(task.scorer.score, workers) as pool:
        results = []
        for family in find_families(loaded):
            running = choose_engine(family.network.to(where).eval(), (), how).engine
            results += score_family(task, family, running, pool)
        order = [label for label, _ in loaded]
        results.sort(key=lambda result: order.index(result.model))
        results += score_others(task, order, where, pool)
    return add_relative(results) if scoring.relative else results


def evaluate_maps(
    folder: str | Path, scoring: Scoring, *, partial: bool = False, workers: int | None = None, how: RunOptions = EXACT
) -> list[Result]:
    """Score saved maps as ``salzoo.evaluation.predictions`` says; the baselines and people stand beside them as beside
    models, on the same frames."""
    where = how.place()
    share_cores()
    task, saved = prepare_maps(Path(folder), scoring, partial=partial)
    with worker_pool(task.scorer.score, default_workers(workers, where)) as pool:
        results = [score_maps(task, Path(folder), saved, pool, partial=partial)]
        there = [
            np.array([index for index in frames.tolist() if files[index] is not None], np.intp)
            for frames, files in zip(task.frames, saved.files, strict=True)
        ]
        results += score_others(replace(task, frames=there), (), where, pool)
    return add_relative(results) if scoring.relative else results


def score_others(task: Task, given: Sequence[str], where: torch.device, pool: ScoringPool) -> list[Result]:
    """What stands beside models: the baselines, but those given, and where observers are known one by one, people."""
    others = [(label, model) for label, model in baselines(task) if label not in given]
    results = [score_model(task, model.to(where), label, pool) for label, model in others]
    return results + (score_humans(task, pool) if knows_people(task) else [])


def baselines(task: Task) -> list[tuple[str, SaliencyModel]]:
    """The training-free models that every table shows, by label; without a training split, no fitted center bias."""
    fitted = []
    if task.center_bias is not None:
        model = center_bias_model(task.center_bias)
        model.trained_on = TrainedOn().and_on(task.dataset, "train", task.train, [*task.train, *task.videos])
        fitted = [(CENTER_BIAS, model)]
    return [*fitted, ("spectral-residual", load_model("spectral-residual"))]


def score_model(
    task: Task,
    model: SaliencyModel,
    label: str,
    pool: ScoringPool | None = None,
    *,
    engine: Engine | None = None,
) -> Result:
    """Run a model over every video of a split and score its maps.

    Frames are decoded in a thread while the model runs on those before them.

    Args:
        task: what to score on.
        model: it runs where it is.
        label: what to call it in the result.
        pool: the workers that score while the model runs; by default maps are scored in between.
        engine: that runs the model; by default PyTorch in float32, where the model is.
    """
    model.eval()
    if pool is None:
        with worker_pool(task.scorer.score, 1) as here:
            return score_model(task, model, label, here, engine=engine)
    running = torch_engine(model) if engine is None else engine
    return score_family(task, Family(model, [(label, model, None)]), running, pool)[0]


def default_workers(workers: int | None, where: torch.device) -> int:
    """Scoring processes beside a model on a device."""
    if workers is not None:
        return workers
    return 1 if where.type == "cpu" else cores()


def _label(model: SaliencyModel | str | Path) -> str:
    return str(model.spec) if isinstance(model, SaliencyModel) else str(model)
