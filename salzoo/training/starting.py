"""A training run, from names to a run folder, and its resumption."""

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import torch

from salzoo.evaluation.results import read_results
from salzoo.hub.checkpoint import load_checkpoint, read_config
from salzoo.interfaces import SalzooError
from salzoo.model import canonical_spec
from salzoo.runtime.devices import joined_ranks
from salzoo.runtime.locking import locked
from salzoo.runtime.ranks import gather, on_first_rank
from salzoo.training.experiment import Experiment, Report, plan_experiment, start_experiment, with_length
from salzoo.training.folder import LOG, RESULTS, RunFolder, read_experiment, read_log
from salzoo.training.recipe import LENGTH, override
from salzoo.training.resuming import continue_from_checkpoint, last_state, load_state, save_state
from salzoo.training.session import Run, Session, run_session
from salzoo.training.state import Training

TRAINED = "is being trained"
"""What a run folder's lock says of it."""


def train(
    spec: str,
    dataset: str | None = None,
    *,
    root: str | Path | None = None,
    out: str | Path | None = None,
    session: Session | None = None,
    **recipe: object,
) -> Run:
    """Train a model on the training split of one or several data sets and score it on the first one's validation split.

    Under ``torchrun`` all processes train together, each with batches of its own.

    Args:
        spec: the model; initial weights are the recipe's business.
        dataset: registered name, or several with commas, whose batches take turns. By default ``dhf1k`` where its
            folder is given or found, else ``synthetic``.
        root: folder of the data set; by default as ``open_dataset`` finds it, as with several.
        out: the run folder, new or empty; by default ``runs/<spec>-<time>``.
        session: on which device, whether to score, and what becomes of what is said.
        recipe: ``recipe="salema"``, the name of a recipe or path of a TOML file (by default ``choose_recipe`` chooses),
            and values of it to change, such as ``init="random"``, ``epochs=3``, ``size=(96, 128)``. Where epochs,
            frames or minutes are named, the recipe's own limits on frames and minutes do not hold.

    Returns:
        The run. Ctrl-C, SIGTERM or SIGHUP end it after the step at hand, with a loadable checkpoint in its folder from
        which ``resume`` goes on.

    Raises:
        SalzooError: for whatever does not fit: spec, data, recipe, initial weights, folder.
    """
    session = session or Session()
    experiment = plan_experiment(spec, dataset, root, recipe)
    with joined_ranks(session.device) as (rank, device):
        session = session.on(rank)
        start = start_experiment(experiment, rank, device, session.report)
        settled = experiment.recipe
        if settled.init not in ("random", "imagenet") and recipe.get("lr") is None:
            session.report(f"the learning rate is {settled.lr:g}, that of recipe {settled.name} (--lr changes it)")
        named = gather([str(out or Path("runs") / f"{experiment.spec}-{datetime.now():%Y%m%d-%H%M%S}")])[0]
        folder = RunFolder(Path(named), experiment, start.datasets)
        on_first_rank(rank, folder.create)
        with locked(folder.path, rank, TRAINED):
            on_first_rank(rank, lambda: folder.save(start.training.model))
            torch.manual_seed(settled.seed + rank.number)  # dropout differs between ranks
            save_state(start.training, folder.path)
            return run_session(start.training, folder, start.before, session)


def resume(
    path: str | Path,
    *,
    spec: str | None = None,
    root: str | Path | None = None,
    session: Session | None = None,
    **longer: object,
) -> Run:
    """Go on with a run from its last saved state, exactly as it would have gone on.

    A run that is over is returned with the scores that it has, or scored where it has none.

    Args:
        path: the run folder.
        spec: must be the run's model, where given.
        root: folder of the data set, where it is no longer where it was.
        session: as for ``train``.
        longer: ``epochs``, ``frames`` or ``minutes`` of the whole run, to train on for longer; those behind count.

    Raises:
        SalzooError: no run folder, a damaged one, no saved state, another model, other data or another number of
            ranks, a run in which another process trains, or one that is as long already.
    """
    path, session = Path(path), session or Session()
    kept = read_experiment(path)
    if spec is not None and (wanted := canonical_spec(spec)) != kept.spec:
        raise SalzooError(f"{path} is a run of {kept.spec}, not of {wanted}")
    experiment = _again(kept, root, longer)
    scored = (path / RESULTS).exists()
    if kept.finished is not None and experiment.recipe == kept.recipe and (scored or not session.score):
        return _finished(path, kept.finished.step, session.report)
    with joined_ranks(session.device) as (rank, device), locked(path, rank, TRAINED):
        session = session.on(rank)
        session.report(f"resuming {path}, a run of {kept.spec}")
        goes_on = kept.finished is not None or last_state(path) is not None
        start = start_experiment(experiment, rank, device, session.report, goes_on=goes_on)
        training, folder = start.training, RunFolder(path, experiment, start.datasets)
        if start.before is None:
            training.model.trained_on = training.outcome.trained_on = read_config(path).trained_on
        _restore(training, path, kept, session.report)
        if longer and training.done >= 1:
            raise SalzooError(f"{path} is as long already: {_so_far(training)}; name more than that, of the whole run")
        on_first_rank(rank, lambda: folder.forget_after(training.progress.step))
        if longer:
            on_first_rank(rank, lambda: _begin_longer(folder, training))
            save_state(training, path)
        session.report(f"going on after step {training.progress.step}")
        return run_session(training, folder, start.before, session)


def _again(kept: Experiment, root: str | Path | None, longer: Mapping[str, object]) -> Experiment:
    """The experiment of a run that is trained on, with its data where they are now: what is named alone says how long
    it is."""
    given = {key: value for key, value in longer.items() if value is not None}
    others = ", ".join(sorted(set(given) - set(LENGTH)))
    if others:
        raise SalzooError(f"a run that is resumed keeps its {others}; --epochs and --minutes make it longer")
    recipe = override(kept.recipe, with_length(given))
    datasets = tuple((name, str(root) if root is not None else place) for name, place in kept.datasets)
    return dataclasses.replace(kept, datasets=datasets, recipe=recipe, finished=None)


def _finished(path: Path, steps: int, report: Report) -> Run:
    """A run that is over, as it lies there."""
    report(f"{path} is finished, after {steps} steps; --epochs or --minutes trains it on for longer")
    results = read_results(path / RESULTS) if (path / RESULTS).exists() else []
    return Run(path, load_checkpoint(path), steps, interrupted=False, results=results)


def _restore(training: Training, path: Path, kept: Experiment, report: Report) -> None:
    """Put a training, freshly begun, where the run in a folder stands."""
    if last_state(path) is not None:
        load_state(training, path)
    elif kept.finished is not None:
        continue_from_checkpoint(training, path, kept.finished)
        if training.done < 1:
            report(
                "the run kept its checkpoint alone: its weights go on, with fresh optimisers (--keep-state keeps them)"
            )
    elif (path / LOG).exists() and read_log(path / LOG)[1]:
        load_state(training, path)  # which says what is missing
    else:
        report("the run was ended before its first step: it begins anew")
        torch.manual_seed(training.recipe.seed + training.rank.number)


def _begin_longer(folder: RunFolder, training: Training) -> None:
    """Make a run folder one of a run that goes on: its scores are those of another model from now on."""
    folder.write_record()
    folder.save(training.outcome)
    (folder.path / RESULTS).unlink(missing_ok=True)


def _so_far(training: Training) -> str:
    progress = training.progress
    return f"{progress.epochs} epochs, {progress.frames} frames, {progress.seconds / 60:.2f} minutes"
