"""A training run, from names to a run folder, and its resumption."""

import copy
import dataclasses
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import torch

from salzoo.data import data_root, locate_dataset, open_dataset
from salzoo.evaluation.protocols import find_metric
from salzoo.evaluation.results import read_results
from salzoo.footprint import check_weights
from salzoo.gaze.truth import kinds_of, read_density
from salzoo.hub.checkpoint import load_checkpoint
from salzoo.interfaces import Dataset, SalzooError
from salzoo.model import SaliencyModel, canonical_spec, channels_last, create_model, describe_shapes
from salzoo.runtime.locking import locked
from salzoo.runtime.ranks import Rank, gather, on_first_rank
from salzoo.spec import split_components
from salzoo.training.clips import normalise
from salzoo.training.conducting import Report, Run, conduct
from salzoo.training.cost import check_cost
from salzoo.training.folder import LOG, RESULTS, Record, RunFolder, read_log, read_record
from salzoo.training.initialization import initialize_from_model, initialize_from_nothing
from salzoo.training.jobs import joined_ranks
from salzoo.training.losses import check_kinds
from salzoo.training.recipe import Recipe, choose_recipe, load_recipe, override
from salzoo.training.resuming import LENGTH, continue_from_checkpoint, last_state, load_state, save_state
from salzoo.training.state import Training, begin_training
from salzoo.video.resizing import resize_frame

TRAINED = "is being trained"
"""What a run folder's lock says of it."""


def train(
    spec: str,
    dataset: str | None = None,
    *,
    root: str | Path | None = None,
    recipe: str | None = None,
    device: str | None = None,
    out: str | Path | None = None,
    score: bool = True,
    keep_state: bool = False,
    tensorboard: bool = False,
    report: Report = lambda line: None,
    **changes: object,
) -> Run:
    """Train a model on the training split of one or several data sets and score it on the first one's validation split.

    Under ``torchrun`` all processes train together, each with batches of its own.

    Args:
        spec: the model; initial weights are the recipe's business.
        dataset: registered name, or several with commas, whose batches take turns. By default ``dhf1k`` where its
            folder is given or found, else ``synthetic``.
        root: folder of the data set; by default as ``open_dataset`` finds it, as with several.
        recipe: name of a recipe, or path of a TOML file; by default ``choose_recipe`` chooses.
        device: where to train; by default the best here.
        out: the run folder, new or empty; by default ``runs/<spec>-<time>``.
        score: whether to score, after epochs as the recipe says and at the end.
        keep_state: whether the run, when it is over, keeps what resuming takes, about twice its weights. Without, one
            that is trained on for longer goes on with fresh optimisers.
        tensorboard: also write event files (extra ``tensorboard``).
        report: given each line of what is going on.
        changes: values of the recipe to change, such as ``init="random"``, ``epochs=3``, ``size=(96, 128)``. Where
            epochs, frames or minutes are named, the recipe's own limits on frames and minutes do not hold.

    Returns:
        The run. Ctrl-C, SIGTERM or SIGHUP end it after the step at hand, with a loadable checkpoint in its folder from
        which ``resume`` goes on.

    Raises:
        SalzooError: for whatever does not fit: spec, data, recipe, initial weights, folder.
    """
    outline, _ = describe_shapes(spec)  # a model that cannot be is refused before data are read, or made
    check_weights(outline, str(outline.spec))
    if outline.timed:
        raise SalzooError(f"{outline.spec}: tau is not trained with; add the module to a run: RUN+ema:tau=0.2@output")
    located = _locate_datasets(dataset, root)
    datasets = [open_dataset(name, folder) for name, folder in located]
    if len({data.name for data in datasets}) < len(datasets):
        raise SalzooError(f"--dataset {dataset} names a data set twice")
    settled = _settle_recipe(spec, datasets, recipe, changes)
    _check_truth(datasets, settled)
    with joined_ranks(device) as (rank, where):
        say = report if rank.first else _silent
        check_cost(outline, datasets, settled, where)
        model = _initial_model(spec, datasets, settled, say)
        if settled.init not in ("random", "imagenet"):
            _say_what_is_kept(model, settled, changes, say)
        before = (_called_before(settled, model), copy.deepcopy(model).eval())
        training = _begin(model.to(where), datasets, settled, rank)
        named = gather([str(out or Path("runs") / f"{model.spec}-{datetime.now():%Y%m%d-%H%M%S}")])[0]
        roots = [str(place) if place is not None else None for _, place in located]
        folder = RunFolder(Path(named), str(model.spec), datasets, settled, roots)
        on_first_rank(rank, folder.create)
        with locked(folder.path, rank, TRAINED):
            on_first_rank(rank, lambda: folder.save(model))
            torch.manual_seed(settled.seed + rank.number)  # dropout differs between ranks
            save_state(training, folder.path)
            return conduct(
                training, folder, before, score=score, keep_state=keep_state, tensorboard=tensorboard, report=say
            )


def resume(
    path: str | Path,
    *,
    spec: str | None = None,
    root: str | Path | None = None,
    device: str | None = None,
    score: bool = True,
    keep_state: bool = False,
    tensorboard: bool = False,
    report: Report = lambda line: None,
    **longer: object,
) -> Run:
    """Go on with a run from its last saved state, exactly as it would have gone on.

    A run that is over is returned with the scores that it has, or scored where it has none.

    Args:
        path: the run folder.
        spec: must be the run's model, where given.
        root: folder of the data set, where it is no longer where it was.
        device, score, keep_state, tensorboard, report: as for ``train``.
        longer: ``epochs``, ``frames`` or ``minutes`` of the whole run, to train on for longer; those behind count.

    Raises:
        SalzooError: no run folder, a damaged one, no saved state, another model, other data or another number of
            ranks, a run in which another process trains, or one that is as long already.
    """
    path = Path(path)
    record = read_record(path)
    if spec is not None and str(canonical_spec(spec)) != record.spec:
        raise SalzooError(f"{path} is a run of {record.spec}, not of {canonical_spec(spec)}")
    recipe = _lengthen(record.recipe, longer)
    scored = (path / RESULTS).exists()
    if record.finished is not None and recipe == record.recipe and (scored or not score):
        return _finished(path, record, report)
    datasets = [open_dataset(name, root if root is not None else kept) for name, kept in record.datasets]
    roots = [str(root) if root is not None else kept for _, kept in record.datasets]
    folder = RunFolder(path, record.spec, datasets, recipe, roots)
    with joined_ranks(device) as (rank, where), locked(path, rank, TRAINED):
        say = report if rank.first else _silent
        say(f"resuming {path}, a run of {record.spec}")
        before: tuple[str, SaliencyModel] | None = None
        model = create_model(record.spec)
        check_cost(model, datasets, recipe, where)
        try:
            model = _initial_model(record.spec, datasets, recipe, _silent)
            before = (_called_before(recipe, model), copy.deepcopy(model).eval())
        except SalzooError as error:
            say(f"the model before training will not be scored: {error}")
            if recipe.size:
                model.preprocessing = dataclasses.replace(model.preprocessing, size=(recipe.size[0], recipe.size[1]))
        training = _begin(model.to(where), datasets, recipe, rank)
        _restore(training, path, record, say)
        if longer and training.done >= 1:
            raise SalzooError(f"{path} is as long already: {_so_far(training)}; name more than that, of the whole run")
        on_first_rank(rank, lambda: folder.forget_after(training.progress.step))
        if longer:
            on_first_rank(rank, lambda: _begin_longer(folder, training))
            save_state(training, path)
        say(f"going on after step {training.progress.step}")
        return conduct(
            training, folder, before, score=score, keep_state=keep_state, tensorboard=tensorboard, report=say
        )


def _begin(model: SaliencyModel, datasets: Sequence[Dataset], recipe: Recipe, rank: Rank) -> Training:
    """A training at its first step. The layout of the weights in memory decides last bits, so there is one for all."""
    return begin_training(channels_last(model), {data.name: data.split("train") for data in datasets}, recipe, rank)


def _lengthen(recipe: Recipe, longer: dict[str, object]) -> Recipe:
    """The recipe of a run that is trained on: what is named alone says how long."""
    given = {key: value for key, value in longer.items() if value is not None}
    others = ", ".join(sorted(set(given) - set(LENGTH)))
    if others:
        raise SalzooError(f"a run that is resumed keeps its {others}; --epochs and --minutes make it longer")
    return override(recipe, {"minutes": 0.0, "frames": 0, **given} if given else {})


def _finished(path: Path, record: Record, report: Report) -> Run:
    """A run that is over, as it lies there."""
    assert record.finished is not None
    report(f"{path} is finished, after {record.finished.step} steps; --epochs or --minutes trains it on for longer")
    results = read_results(path / RESULTS) if (path / RESULTS).exists() else []
    return Run(path, load_checkpoint(path), record.finished.step, interrupted=False, results=results)


def _restore(training: Training, path: Path, record: Record, report: Report) -> None:
    """Put a training, freshly begun, where the run in a folder stands."""
    if last_state(path) is not None:
        load_state(training, path)
    elif record.finished is not None:
        continue_from_checkpoint(training, path, record.finished)
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


def _called_before(recipe: Recipe, model: SaliencyModel) -> str:
    """What the model that a run begins with is called in its table."""
    return f"{model.spec} untrained" if recipe.init in ("random", "imagenet") else f"{recipe.init}, before"


def _say_what_is_kept(model: SaliencyModel, recipe: Recipe, changes: dict[str, object], report: Report) -> None:
    """Say what training from another model's weights takes over from it, and from the recipe, where nobody chose."""
    size = "x".join(map(str, model.preprocessing.size))
    if not recipe.size:
        report(f"the input stays {size}, the size that {recipe.init} has (--size HxW changes it)")
    if changes.get("lr") is None:
        report(f"the learning rate is {recipe.lr:g}, that of recipe {recipe.name} (--lr changes it)")


def _settle_recipe(spec: str, datasets: Sequence[Dataset], recipe: str | None, changes: dict[str, object]) -> Recipe:
    given = {key: value for key, value in changes.items() if value is not None}
    init = given.get("init")
    names = tuple(data.name for data in datasets)
    name = recipe or choose_recipe(canonical_spec(spec), names, init if isinstance(init, str) else None)
    if set(LENGTH) & given.keys():  # who names one length wants no other
        given = {"minutes": 0.0, "frames": 0, **given}
    settled = override(load_recipe(name), given)
    if not settled.init:
        raise SalzooError(
            f"recipe {name} starts from a trained model: name it with --init MODEL, such as a run of salicon-baseline "
            f"(--init random or imagenet will do as well, --recipe scratch is made for them)"
        )
    return settled


def _check_truth(datasets: Sequence[Dataset], recipe: Recipe) -> None:
    """Refuse losses, and a score to tell the best by, that need what the data sets lack."""
    for data in datasets:
        kinds = kinds_of(data.split("train"), f"{data.name} train")
        check_kinds(recipe.losses, kinds, data.name)
        if data is datasets[0] and "fixations" not in kinds and "density" not in find_metric(recipe.best).requires:
            raise SalzooError(
                f"the best checkpoint is told by {recipe.best}, which needs fixations, and {data.name} has density "
                "maps alone: --set best=cc"
            )


def _initial_model(spec: str, datasets: Sequence[Dataset], recipe: Recipe, report: Report) -> SaliencyModel:
    """The model with the weights that the recipe begins with, which depend on its seed alone."""
    torch.manual_seed(recipe.seed)
    model = create_model(spec)
    if model.backbone.training_free and not model.temporal:
        raise SalzooError(f"{model.spec} is training-free: there is nothing to train")
    if recipe.init == "imagenet":
        source = model.backbone.load_imagenet()
        model.trained_on = model.trained_on.and_stated("ImageNet")
        report(f"ImageNet weights: {source}")
    elif recipe.init != "random":
        initialize_from_model(model, recipe.init)
    if recipe.size:
        model.preprocessing = dataclasses.replace(model.preprocessing, size=(recipe.size[0], recipe.size[1]))
    notes = [f"{data.name}{f' ({data.note})' if data.note else ''}" for data in datasets]
    report(f"training {model.spec} on {', '.join(notes)}")
    if recipe.init == "random":
        _scale_weights(model, datasets[0], recipe.seed)
    for data in datasets:
        model.trained_on = model.trained_on.and_on(data.name, "train", data.split("train"), data.videos)
    return model


def _scale_weights(model: SaliencyModel, data: Dataset, seed: int) -> None:
    """Give a model random weights that suit the first videos of the training split."""
    videos = data.split("train")[:8]
    size = model.preprocessing.size
    frames = [resize_frame(next(video.read_frames(0, 1)), size) for video in videos]
    density = float(np.mean([normalise(read_density(video, video.frames // 2)).mean() for video in videos]))
    torch.manual_seed(seed)  # again: the backbone starts alike whatever temporal modules were made before it
    initialize_from_nothing(model, np.stack(frames), min(max(density, 0.01), 0.5))


def _locate_datasets(dataset: str | None, root: str | Path | None) -> list[tuple[str, str | Path | None]]:
    """Name and folder of each data set that training is to use; None where ``open_dataset`` finds it."""
    if dataset is None:
        dataset = "dhf1k" if root is not None or data_root("dhf1k") is not None else "synthetic"
    names = split_components(dataset)
    if len(names) > 1 and root is not None:
        raise SalzooError(
            "--root is the folder of one data set; with several, set each: salzoo config set data.NAME DIR"
        )
    return [locate_dataset(name, root) for name in names]


def _silent(line: str) -> None:
    """For ranks that do not speak."""
