"""What a training run is of, and its model before the first step."""

import copy
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from salzoo.data import canonical_name, data_root, locate_dataset, open_dataset
from salzoo.evaluation.protocols import find_metric
from salzoo.gaze.truth import kinds_of
from salzoo.interfaces import Dataset, SalzooError
from salzoo.model import SaliencyModel, canonical_spec, channels_last, create_model
from salzoo.runtime.ranks import Rank
from salzoo.spec import Spec, split_components
from salzoo.training.cost import check_cost
from salzoo.training.initialization import initialize_from_data, initialize_from_model
from salzoo.training.losses import check_kinds
from salzoo.training.recipe import LENGTH, Recipe, choose_recipe, load_recipe, override
from salzoo.training.state import Progress, Training, begin_training

Report = Callable[[str], None]
"""What is given each line of what is going on."""


@dataclass(frozen=True)
class Experiment:
    """What is trained, from what, on what: ``training.json`` of a run folder.

    Attributes:
        spec: of the model.
        datasets: name of each data set, and the folder that the user named for it, if any.
        recipe: how, and from which weights.
        finished: how far the run came, where it is over.
    """

    spec: Spec
    datasets: tuple[tuple[str, str | None], ...]
    recipe: Recipe
    finished: Progress | None = None


@dataclass(frozen=True)
class Start:
    """A training at its first step.

    Attributes:
        training: it.
        datasets: what it is trained on.
        before: what to call the model as it is now, and a copy of it to score; None where it is not at hand any more.
    """

    training: Training
    datasets: Sequence[Dataset]
    before: tuple[str, SaliencyModel] | None


def plan_experiment(
    spec: str, dataset: str | None, root: str | Path | None, changes: Mapping[str, object]
) -> Experiment:
    """An experiment from names, as ``salzoo.train`` takes them; no data is read.

    Raises SalzooError for a name that is unknown, values that a recipe cannot have, and a recipe that asks for initial
    weights where none are named.
    """
    parsed = canonical_spec(spec)
    datasets = _name_datasets(dataset, root)
    given = {key: value for key, value in changes.items() if value is not None}
    init, named = given.get("init"), given.pop("recipe", None)
    names = tuple(name for name, _ in datasets)
    name = str(named or choose_recipe(parsed, names, init if isinstance(init, str) else None))
    recipe = override(load_recipe(name), with_length(given))
    if not recipe.init:
        raise SalzooError(
            f"recipe {name} starts from a trained model: name it with --init MODEL, such as a run of salicon-baseline "
            f"(--init random or imagenet will do as well, --recipe scratch is made for them)"
        )
    return Experiment(parsed, datasets, recipe)


def with_length(changes: Mapping[str, object]) -> dict[str, object]:
    """Changes to a recipe with its own limits on minutes and frames off where a length is among them: who names one
    wants no other."""
    return {**({"minutes": 0.0, "frames": 0} if set(LENGTH) & changes.keys() else {}), **changes}


def start_experiment(
    experiment: Experiment, rank: Rank, device: torch.device, report: Report, *, goes_on: bool = False
) -> Start:
    """Build the model, open the data, and put the model where training begins.

    Args:
        experiment: what is trained.
        rank: of this process.
        device: where to train.
        report: given lines on the data and the weights.
        goes_on: whether a saved state is loaded next: then initial weights that are not at hand any more are done
            without.

    Raises:
        SalzooError: for whatever does not fit: spec, data, recipe, initial weights; and a run too large for the memory.
    """
    recipe = experiment.recipe
    torch.manual_seed(recipe.seed)
    model = create_model(experiment.spec)  # before data are read, or made
    if model.timed:
        raise SalzooError(f"{model.spec}: tau is not trained with; add the module to a run: RUN+ema:tau=0.2@output")
    if model.backbone.training_free and not model.temporal:
        raise SalzooError(f"{model.spec} is training-free: there is nothing to train")
    datasets = [open_dataset(name, root) for name, root in experiment.datasets]
    _check_truth(datasets, recipe)
    check_cost(model, datasets, recipe, device)
    before = None
    try:
        _initialize(model, datasets, recipe, silent if goes_on else report)
        before = (_called_before(recipe, model), copy.deepcopy(model).eval())
    except SalzooError as error:
        if not goes_on:
            raise
        report(f"the model before training will not be scored: {error}")
        if recipe.size:
            model.preprocessing = dataclasses.replace(model.preprocessing, size=(recipe.size[0], recipe.size[1]))
    # The layout of the weights in memory decides last bits, so there is one for all.
    videos = {data.name: data.split("train") for data in datasets}
    return Start(begin_training(channels_last(model.to(device)), videos, recipe, rank), datasets, before)


def _initialize(model: SaliencyModel, datasets: Sequence[Dataset], recipe: Recipe, report: Report) -> None:
    """Give a new model the weights that the recipe begins with, which depend on its seed alone."""
    if recipe.init == "imagenet":
        report(f"ImageNet weights: {model.backbone.load_imagenet()}")
        model.trained_on = model.trained_on.and_stated("ImageNet")
    elif recipe.init != "random":
        initialize_from_model(model, recipe.init)
    if recipe.size:
        model.preprocessing = dataclasses.replace(model.preprocessing, size=(recipe.size[0], recipe.size[1]))
    notes = [f"{data.name}{f' ({data.note})' if data.note else ''}" for data in datasets]
    report(f"training {model.spec} on {', '.join(notes)}")
    if recipe.init == "random":
        initialize_from_data(model, datasets[0], recipe.seed)
    elif recipe.init != "imagenet" and not recipe.size:
        size = "x".join(map(str, model.preprocessing.size))
        report(f"the input stays {size}, the size that {recipe.init} has (--size HxW changes it)")
    for data in datasets:
        model.trained_on = model.trained_on.and_on(data.name, "train", data.split("train"), data.videos)


def silent(line: str) -> None:
    """For who does not speak."""


def _called_before(recipe: Recipe, model: SaliencyModel) -> str:
    """What the model that a run begins with is called in its table."""
    return f"{model.spec} untrained" if recipe.init in ("random", "imagenet") else f"{recipe.init}, before"


def _name_datasets(dataset: str | None, root: str | Path | None) -> tuple[tuple[str, str | None], ...]:
    """Name and folder of each data set that training is to use; None where ``open_dataset`` finds it."""
    if dataset is None:
        dataset = "dhf1k" if root is not None or data_root("dhf1k") is not None else "synthetic"
    names = split_components(dataset)
    if len(names) > 1 and root is not None:
        raise SalzooError(
            "--root is the folder of one data set; with several, set each: salzoo config set data.NAME DIR"
        )
    located = [locate_dataset(name, root) for name in names]
    found = tuple((canonical_name(name), None if place is None else str(place)) for name, place in located)
    if len({name for name, _ in found}) < len(found):
        raise SalzooError(f"--dataset {dataset} names a data set twice")
    return found


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
