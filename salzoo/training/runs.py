"""A training run, from names to a run folder, and its resumption."""

import copy
import dataclasses
import resource
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import FrameType

import numpy as np
import torch
import torch.distributed as dist

from salzoo.evaluation.data import data_root, locate_dataset, open_dataset
from salzoo.evaluation.results import Result, write_results
from salzoo.evaluation.runs import baselines, device_of_rank, prepare, score_model
from salzoo.evaluation.tasks import Scoring, Task
from salzoo.footprint import check_weights
from salzoo.gaze.truth import read_density
from salzoo.interfaces import Dataset, SalzooError
from salzoo.model import SaliencyModel, canonical_spec, create_model, describe_shapes
from salzoo.runtime.devices import flushed_denormals
from salzoo.runtime.ranks import Rank, gather, this_rank
from salzoo.spec import split_components
from salzoo.training.clips import normalise
from salzoo.training.cost import check_cost
from salzoo.training.curves import save_curves
from salzoo.training.folder import RunFolder, read_record
from salzoo.training.forecast import foretell
from salzoo.training.initialization import initialize_from_model, initialize_from_nothing
from salzoo.training.loop import Step, train_steps
from salzoo.training.pictures import save_strips
from salzoo.training.recipe import Recipe, choose_recipe, load_recipe, override
from salzoo.training.resuming import last_state, load_state, save_state
from salzoo.training.state import Training, begin_training, train_mode
from salzoo.training.tensorboard import open_board
from salzoo.video.resizing import resize_frame

PICTURED_VIDEOS = 3

LENGTH = {"epochs", "frames", "minutes"}
"""What limits a run, among the values of a recipe."""

Report = Callable[[str], None]


@dataclass(frozen=True)
class Run:
    """What a training run left.

    Attributes:
        folder: the run folder.
        model: the trained model, in evaluation mode.
        steps: optimiser steps taken.
        interrupted: whether a signal ended it early; its scores are missing then, and it can be resumed.
        results: validation scores of the trained model, of its untrained self and of the baselines.
    """

    folder: Path
    model: SaliencyModel
    steps: int
    interrupted: bool
    results: list[Result]


def train(
    spec: str,
    dataset: str | None = None,
    *,
    root: str | Path | None = None,
    recipe: str | None = None,
    device: str | None = None,
    out: str | Path | None = None,
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
        tensorboard: also write event files (extra ``tensorboard``).
        report: given each line of what is going on.
        changes: values of the recipe to change, such as ``init="random"``, ``epochs=3``, ``size=(96, 128)``. Where
            epochs, frames or minutes are named, the recipe's own limits on frames and minutes do not hold.

    Returns:
        The run. Ctrl-C or SIGTERM end it after the step at hand, with a loadable checkpoint in its folder from which
        ``resume`` goes on.

    Raises:
        SalzooError: for whatever does not fit: spec, data, recipe, initial weights, folder.
    """
    outline, _ = describe_shapes(spec)  # a model that cannot be is refused before data are read, or made
    check_weights(outline, str(outline.spec))
    located = _locate_datasets(dataset, root)
    datasets = [open_dataset(name, folder) for name, folder in located]
    if len({data.name for data in datasets}) < len(datasets):
        raise SalzooError(f"--dataset {dataset} names a data set twice")
    settled = _settle_recipe(spec, datasets, recipe, changes)
    with _job(device) as (rank, where):
        check_cost(outline, datasets, settled, where)
        model = _initial_model(spec, datasets, settled, report if rank.first else _silent)
        untrained = copy.deepcopy(model).eval()
        training = begin_training(
            channels_last(model.to(where)),
            {data.name: data.split("train") for data in datasets},
            settled,
            rank,
        )
        named = gather([str(out or Path("runs") / f"{model.spec}-{datetime.now():%Y%m%d-%H%M%S}")])[0]
        folder = RunFolder(Path(named), str(model.spec), datasets, settled)
        _on_first_rank(rank, lambda: folder.create([str(place) if place is not None else None for _, place in located]))
        _on_first_rank(rank, lambda: folder.save(model))
        torch.manual_seed(settled.seed + rank.number)  # dropout differs between ranks
        save_state(training, folder.path)
        return _run(training, folder, untrained, tensorboard, report if rank.first else _silent)


def resume(
    path: str | Path,
    *,
    spec: str | None = None,
    root: str | Path | None = None,
    device: str | None = None,
    tensorboard: bool = False,
    report: Report = lambda line: None,
) -> Run:
    """Go on with a run from its last saved state, exactly as it would have gone on.

    Args:
        path: the run folder.
        spec: must be the run's model, where given.
        root: folder of the data set, where it is no longer where it was.
        device, tensorboard, report: as for ``train``.

    Raises:
        SalzooError: no run folder, no saved state, another model, other data or another number of ranks.
    """
    path = Path(path)
    record = read_record(path)
    recipe: Recipe = record["recipe"]
    if spec is not None and str(canonical_spec(spec)) != record["spec"]:
        raise SalzooError(f"{path} is a run of {record['spec']}, not of {canonical_spec(spec)}")
    datasets = [open_dataset(name, root if root is not None else kept) for name, kept in record["datasets"]]
    with _job(device) as (rank, where):
        say = report if rank.first else _silent
        untrained: SaliencyModel | None = None
        model = create_model(record["spec"])
        check_cost(model, datasets, recipe, where)
        try:
            model = _initial_model(record["spec"], datasets, recipe, _silent)
            untrained = copy.deepcopy(model).eval()
        except SalzooError as error:
            say(f"the untrained model will not be scored: {error}")
            if recipe.size:
                model.preprocessing = dataclasses.replace(model.preprocessing, size=(recipe.size[0], recipe.size[1]))
        training = begin_training(model.to(where), {data.name: data.split("train") for data in datasets}, recipe, rank)
        load_state(training, path)
        folder = RunFolder(path, record["spec"], datasets, recipe)
        _on_first_rank(rank, lambda: folder.forget_after(training.progress.step))
        say(f"resuming {path} after step {training.progress.step}")
        return _run(training, folder, untrained, tensorboard, say)


def _settle_recipe(spec: str, datasets: Sequence[Dataset], recipe: str | None, changes: dict[str, object]) -> Recipe:
    given = {key: value for key, value in changes.items() if value is not None}
    init = given.get("init")
    names = tuple(data.name for data in datasets)
    name = recipe or choose_recipe(canonical_spec(spec), names, init if isinstance(init, str) else None)
    if LENGTH & given.keys():  # who names one length wants no other
        given = {"minutes": 0.0, "frames": 0, **given}
    settled = override(load_recipe(name), given)
    if not settled.init:
        raise SalzooError(
            f"recipe {name} starts from a trained model: name it with --init MODEL, such as a run of salicon-baseline "
            f"(--init random or imagenet will do as well, --recipe scratch is made for them)"
        )
    return settled


def _initial_model(spec: str, datasets: Sequence[Dataset], recipe: Recipe, report: Report) -> SaliencyModel:
    """The model with the weights that the recipe begins with, which depend on its seed alone."""
    torch.manual_seed(recipe.seed)
    model = create_model(spec)
    if model.backbone.training_free and not model.temporal:
        raise SalzooError(f"{model.spec} is training-free: there is nothing to train")
    if recipe.init == "imagenet":
        source = model.backbone.load_imagenet()
        report(f"ImageNet weights: {source}")
    elif recipe.init != "random":
        initialize_from_model(model, recipe.init)
    if recipe.size:
        model.preprocessing = dataclasses.replace(model.preprocessing, size=(recipe.size[0], recipe.size[1]))
    notes = [f"{data.name}{f' ({data.note})' if data.note else ''}" for data in datasets]
    report(f"training {model.spec} on {', '.join(notes)}")
    if recipe.init == "random":
        _scale_weights(model, datasets[0], recipe.seed)
    return model


def _run(
    training: Training, folder: RunFolder, untrained: SaliencyModel | None, tensorboard: bool, report: Report
) -> Run:
    """Train from where the training stands, score, and fill the run folder."""
    model, rank, recipe = training.model, training.rank, training.recipe
    report(
        f"run folder {folder.path}; recipe {recipe.name}, {training.precision}, device {model.device}"
        f"{f', {rank.size} ranks' if rank.size > 1 else ''}; input {'x'.join(map(str, model.preprocessing.size))}, "
        f"init {recipe.init}, lr {recipe.lr:g}, seed {recipe.seed}"
    )
    task = _validation(folder.datasets[0], recipe)
    with _stop_signals() as stop:
        _train_and_save(training, folder, task, tensorboard, stop, report)
        stopped = training.done < 1
    progress, outcome = training.progress, training.outcome.eval()
    model.eval()
    report(_summary(training))
    _on_first_rank(rank, lambda: folder.save(outcome))
    if stopped:
        return Run(folder.path, outcome, progress.step, interrupted=True, results=[])
    contenders = [(f"{model.spec}", outcome), *([(f"{model.spec} untrained", untrained)] if untrained else [])]
    results = [score_model(task, each.to(model.device), label) for label, each in [*contenders, *baselines(task)]]

    def finish() -> None:
        folder.save(outcome, results)
        write_results(results, folder.path / "results.json")
        save_strips(outcome, task.videos[:PICTURED_VIDEOS], folder.path / "pictures")
        save_curves(folder.path)

    _on_first_rank(rank, finish)
    return Run(folder.path, outcome, progress.step, interrupted=False, results=results)


def _train_and_save(
    training: Training, folder: RunFolder, task: Task, tensorboard: bool, stop: Callable[[], bool], report: Report
) -> None:
    """Take the steps, validating at the end of epochs, saving there, every so many steps, and at the end."""
    recipe, progress, rank = training.recipe, training.progress, training.rank
    epochs, saved = progress.epochs, progress.step
    steps: Iterator[Step] = train_steps(training, stop)
    with open_board(folder.path if tensorboard and rank.first else None, progress.step) as board:
        try:
            for step in foretell(folder.follow(steps), report) if rank.first else steps:
                board.add_step(step)
                if progress.epochs > epochs:
                    epochs = progress.epochs
                    if recipe.validate and epochs % recipe.validate == 0 and training.done < 1:
                        board.add_scores(_validate(training, folder, task, report), progress.step)
                elif progress.step % recipe.save_every:
                    continue
                saved = progress.step
                _on_first_rank(rank, lambda: folder.save(training.outcome))
                save_state(training, folder.path)
        except SalzooError as error:
            raise SalzooError(f"{error}; the last saved state is {last_state(folder.path)}") from error
        except RuntimeError as error:
            if rank.size == 1:
                raise
            why = str(error).strip().partition("\n")[0]
            raise SalzooError(
                f"rank {rank.number} lost the others ({why}); go on with: salzoo train --resume {folder.path}"
            ) from error
    if progress.step > saved:
        save_state(training, folder.path)


def _validate(training: Training, folder: RunFolder, task: Task, report: Report) -> dict[str, float]:
    """Score the model as it is, log it, and keep it where it is the best so far. The training's random numbers are
    left as they were."""
    progress, recipe = training.progress, training.recipe
    model = training.outcome
    with torch.random.fork_rng():
        result = score_model(task, model, str(model.spec))
    train_mode(training.model)
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
        save_curves(folder.path)
        if better:
            folder.save(model, [result], folder="best")
    return scores


def channels_last(model: SaliencyModel) -> SaliencyModel:
    """A model whose kernels over two dimensions lie in memory with their channels last, which is faster; those over
    three stay."""
    for parameter in model.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return model


def _validation(data: Dataset, recipe: Recipe) -> Task:
    split = "val" if any(video.split == "val" for video in data.videos) else "test"
    return prepare(Scoring(data, split=split, seed=recipe.seed, first=recipe.score_frames or None))


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


def _on_first_rank(rank: Rank, action: Callable[[], None]) -> None:
    """Do something on the first rank; where it fails there, all ranks raise."""
    problem = None
    if rank.first:
        try:
            action()
        except SalzooError as error:
            problem = error
    failed = gather([str(problem) if problem else ""])[0] if rank.size > 1 else problem and str(problem)
    if problem:
        raise problem
    if failed:
        raise SalzooError(f"the first rank failed: {failed}")


@contextmanager
def _job(device: str | None) -> Iterator[tuple[Rank, torch.device]]:
    """This process's rank and device, joined to the others that ``torchrun`` started."""
    rank, where = this_rank(), device_of_rank(device)
    joined = rank.size > 1 and not dist.is_initialized()
    if joined:
        if where.type == "cuda":
            torch.cuda.set_device(where)
        dist.init_process_group("nccl" if where.type == "cuda" else "gloo")
    with flushed_denormals():
        yield rank, where
    if joined:  # after an error the others are gone, and this would wait for them
        dist.destroy_process_group()


@contextmanager
def _stop_signals() -> Iterator[Callable[[], bool]]:
    """Within the block, SIGINT and SIGTERM only make the function that it gives answer true; a second one has its
    usual effect."""
    received = threading.Event()

    def note(number: int, _frame: FrameType | None) -> None:
        received.set()
        signal.signal(number, previous[signal.Signals(number)])

    if threading.current_thread() is not threading.main_thread():  # Python handles signals in the main thread alone
        yield received.is_set
        return
    previous = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in previous:
        signal.signal(number, note)
    try:
        yield received.is_set
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
