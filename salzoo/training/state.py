"""What a training run changes as it goes: networks, optimisers, temporal state, and how far it has come."""

import copy
import fnmatch
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import nn

from salzoo.interfaces import SalzooError, State, Video
from salzoo.model import SaliencyModel
from salzoo.runtime.devices import fast_precision
from salzoo.runtime.ranks import Rank
from salzoo.training.clips import ALONE
from salzoo.training.discriminator import Discriminator
from salzoo.training.losses import OF_MAPS
from salzoo.training.recipe import Recipe
from salzoo.training.schedules import Plateau

ALPHA = "temporal.*.alpha"
"""Learned EMA weights among a model's parameters."""


@dataclass
class Progress:
    """How far a run has come; plain numbers, which the saved state keeps as JSON.

    Attributes:
        step: steps taken.
        frames: frames seen, on all ranks.
        epochs: epochs that are over. An epoch is as many frames as the data sets have together, however they come.
        seconds: of training.
        waited: seconds without a batch to work on.
        taken: for each data set, batches of stills and of clips taken.
        mean_loss, lowest_loss: moving average of the loss, and its lowest value.
        epoch_loss, epoch_steps: sum of the losses of this epoch, and their number.
        best_score: of the validations so far.
    """

    taken: list[list[int]]
    step: int = 0
    frames: int = 0
    epochs: int = 0
    seconds: float = 0.0
    waited: float = 0.0
    mean_loss: float | None = None
    lowest_loss: float = math.inf
    epoch_loss: float = 0.0
    epoch_steps: int = 0
    best_score: float | None = None


def read_progress(values: Mapping[str, Any]) -> Progress:
    """A progress as JSON keeps it. Raises SalzooError naming the first value that cannot be, as in a damaged file."""
    progress = Progress(**values)
    counts = ("step", "frames", "epochs", "epoch_steps")
    bad = [name for name in counts if not _is_count(getattr(progress, name))]
    amounts = {name: getattr(progress, name) for name in ("seconds", "waited", "lowest_loss", "epoch_loss")}
    bad += [name for name, value in amounts.items() if not _is_number(value)]
    bad += [name for name in ("seconds", "waited") if name not in bad and not 0 <= amounts[name] < math.inf]
    optional = {name: getattr(progress, name) for name in ("mean_loss", "best_score")}
    bad += [name for name, value in optional.items() if value is not None and not _is_number(value)]
    taken: Any = progress.taken
    pairs = isinstance(taken, list) and all(isinstance(pair, list) and len(pair) == 2 for pair in taken)
    if not pairs or not all(_is_count(count) for pair in taken for count in pair):
        bad.append("taken")
    if bad:
        raise SalzooError(f"{bad[0]} cannot be {getattr(progress, bad[0])!r:.40}")
    return progress


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < 1 << 62


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and value == value


@dataclass
class Training:
    """A run at a moment. ``begin_training`` makes one.

    Attributes:
        model: what is trained.
        recipe: how.
        videos: of each data set, in the order of the list.
        sources: the data sets' names, None for those that the backbone does not tell apart.
        rank: this process among those that train together.
        precision: "float32" or "bfloat16".
        optimizer: of the model; each group has a name and a ``full_rate``.
        discriminator, discriminator_optimizer: of the adversarial stage.
        averaged: the model with averaged weights, where the recipe asks for them.
        states: temporal state by data set.
        plateau: of the schedule of that name.
        progress: how far it has come.
        images: which data sets hold images, videos of one frame.
        epoch_frames: frames of an epoch.
    """

    model: SaliencyModel
    recipe: Recipe
    videos: list[Sequence[Video]]
    sources: list[str | None]
    rank: Rank
    precision: str
    optimizer: torch.optim.Optimizer
    discriminator: Discriminator | None
    discriminator_optimizer: torch.optim.Optimizer | None
    averaged: SaliencyModel | None
    states: list[State]
    progress: Progress
    images: list[bool]
    epoch_frames: int
    plateau: Plateau = field(default_factory=Plateau)

    @property
    def done(self) -> float:
        """Share of the run that lies behind, by frames or by time."""
        whole = self.recipe.epochs * self.epoch_frames
        done = self.progress.frames / (min(whole, self.recipe.frames) if self.recipe.frames else whole)
        return max(done, self.progress.seconds / (60 * self.recipe.minutes)) if self.recipe.minutes else done

    @property
    def outcome(self) -> SaliencyModel:
        """The model to save and score: with averaged weights where there are any."""
        return self.model if self.averaged is None else self.averaged


def begin_training(
    model: SaliencyModel, datasets: Mapping[str, Sequence[Video]], recipe: Recipe, rank: Rank = ALONE
) -> Training:
    """Make everything a run needs besides the model, on the model's device.

    Args:
        model: with its initial weights, where it is to be trained.
        datasets: the videos of each data set, by its name; annotated.
        recipe: how to train.
        rank: this process among those that train together.

    Raises:
        SalzooError: no frames, more ranks than videos, a video without density, or nothing to train.
    """
    videos = list(datasets.values())
    for listed in videos:
        _check_videos(listed, recipe, rank)
    wrong = sorted(OF_MAPS & recipe.losses.keys())
    if wrong and model.backbone.output != "map":
        raise SalzooError(
            f"the loss {wrong[0]} is of maps in [0, 1], and {model.spec} gives another kind, "
            f"{model.backbone.output.replace('-', ' ')}: take another, such as --set loss=kld"
        )
    for glob in recipe.freeze:
        frozen = [parameter for name, parameter in model.named_parameters() if matches(name, [glob])]
        if not frozen:
            raise SalzooError(f"recipe {recipe.name} freezes {glob}, but {model.spec} has no such parameter")
        for parameter in frozen:
            parameter.requires_grad_(False)
    discriminator = discriminator_optimizer = None
    if "adversarial" in recipe.losses:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            discriminator = Discriminator(model.preprocessing.size).to(model.device)
        discriminator_optimizer = make_optimizer(discriminator, recipe)
    precision = fast_precision(model.device) if recipe.precision == "auto" else recipe.precision
    return Training(
        model=model,
        recipe=recipe,
        videos=videos,
        sources=[name if name in model.backbone.sources else None for name in datasets],
        rank=rank,
        precision=precision,
        optimizer=make_optimizer(model, recipe),
        discriminator=discriminator,
        discriminator_optimizer=discriminator_optimizer,
        averaged=copy.deepcopy(model).eval().requires_grad_(False) if recipe.average else None,
        states=[None] * len(videos),
        progress=Progress(taken=[[0, 0] for _ in videos]),
        images=[all(video.frames == 1 for video in listed) for listed in videos],
        epoch_frames=sum(_frames_of(video, recipe) for listed in videos for video in listed),
    )


def _check_videos(videos: Sequence[Video], recipe: Recipe, rank: Rank) -> None:
    """Raise SalzooError where the videos of a data set cannot be trained on."""
    if not any(video.frames for video in videos):
        raise SalzooError("the videos to train on have no frames")
    for video in videos:
        if not video.annotated:
            raise SalzooError(f"video {video.id} has no density maps and fixations: it cannot be trained on")
    if rank.size * recipe.batch > len(videos) and rank.size > 1:
        raise SalzooError(
            f"{rank.size} ranks with batches of {recipe.batch} need as many videos; there are {len(videos)}: "
            "take fewer ranks or a smaller --batch"
        )


def _frames_of(video: Video, recipe: Recipe) -> int:
    """Frames of a video that an epoch learns from."""
    if video.frames == 1 or not recipe.windows:
        return video.frames
    return recipe.clip_length - recipe.primes if video.frames > (recipe.clip_length - 1) * recipe.step else 0


def make_optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimiser with four groups: the encoder, the rest of the backbone (or all of another network),
    learned EMA weights, and other temporal parameters. Raises SalzooError where nothing is to be trained."""
    groups: dict[str, list[nn.Parameter]] = {"encoder": [], "backbone": [], "temporal": [], "alpha": []}
    encoder = _encoder_keys(network)
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            group = "alpha" if matches(name, [ALPHA]) else "temporal" if name.startswith("temporal.") else "backbone"
            groups["encoder" if name.startswith(encoder) else group].append(parameter)
    if not any(groups.values()):
        raise SalzooError(f"recipe {recipe.name} freezes every parameter: there is nothing to train")
    lr, decay = recipe.lr, recipe.weight_decay
    rates = {
        "encoder": (lr * recipe.encoder_rate, decay * recipe.encoder_decay),
        "backbone": (lr, decay),
        "temporal": (lr, decay if recipe.optimizer == "adamw" else 0.0),
        "alpha": (recipe.alpha_lr, 0.0),
    }
    parameters = [
        {"name": name, "params": groups[name], "lr": rate, "weight_decay": decay, "full_rate": rate}
        for name, (rate, decay) in rates.items()
    ]
    # a step in one pass over memory, which a large network's small batches spend much of their time on
    fused = all(parameter.device.type in ("cpu", "cuda") for group in groups.values() for parameter in group)
    match recipe.optimizer:
        case "adam":
            return torch.optim.Adam(parameters, fused=fused)
        case "adamw":
            return torch.optim.AdamW(parameters, fused=fused)
        case "adagrad":
            return torch.optim.Adagrad(parameters)
        case "sgd" | "nesterov":
            return torch.optim.SGD(parameters, momentum=recipe.momentum, nesterov=recipe.optimizer == "nesterov")


def _encoder_keys(network: nn.Module) -> tuple[str, ...]:
    """How the names of a model's parameters begin that lie before its bottleneck."""
    if not isinstance(network, SaliencyModel):
        return ()
    layers = network.backbone.layers[: network.backbone.landmarks.get("bottleneck", 0)]
    return tuple(f"backbone.{layer.key or number}." for number, layer in enumerate(layers))


def train_mode(model: SaliencyModel, batch_norm: Literal["frozen", "decoder", "train"] = "frozen") -> None:
    """Training mode, but for batch normalisation, which would mix the frames of a video; of it those parts alone that
    the recipe's value of this name says."""
    model.train()
    encoder = _encoder_keys(model)
    for name, module in model.named_modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and name.startswith("backbone."):
            module.train(batch_norm == "train" or (batch_norm == "decoder" and not name.startswith(encoder)))


def matches(name: str, globs: Sequence[str]) -> bool:
    """Whether a parameter's name matches any of these globs."""
    return any(fnmatch.fnmatchcase(name, glob) for glob in globs)


def agree(rank: Rank, device: torch.device, flag: bool, number: float = 0.0) -> tuple[bool, float]:
    """The flag where any rank has set it, and the largest number of all ranks: they must decide alike.

    All ranks must call it equally often.
    """
    if rank.size == 1:
        return flag, number
    both = torch.tensor([float(flag), number], dtype=torch.float64, device=device)
    torch.distributed.all_reduce(both, torch.distributed.ReduceOp.MAX)
    return bool(both[0].item()), both[1].item()
