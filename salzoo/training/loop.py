"""The training loop: SalEMA's truncated backpropagation through time over clips, with SalGAN's adversarial stage.

A step sees a clip of each of B videos (or B stills). The temporal state runs on from clip to clip of a video and is
detached in between; a video starts with none. The loss of a batch is the sum over its valid frames, divided by B, so
that batches, accumulated batches and ranks all give the mean over videos.
"""

import contextlib
import math
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from salzoo.interfaces import SalzooError, map_state
from salzoo.runtime.prefetching import read_ahead
from salzoo.training.augmentation import Augmentation
from salzoo.training.clips import ClipBatch, Reading, clip_batches, still_batches
from salzoo.training.depthwise import Float32Gradients
from salzoo.training.discriminator import adversarial_loss, discriminator_loss, to_rgb
from salzoo.training.losses import NEEDS_FIXATIONS, frame_losses
from salzoo.training.schedules import rate_factor
from salzoo.training.state import ALPHA, Training, agree, matches, train_mode
from salzoo.training.windows import Window, window_batches

BATCHES_AHEAD = 2
"""Batches that a thread reads before they are asked for."""

NAMED = 4
"""Batches of a step whose videos a message names."""

DIVERGED = 10.0
"""A run has diverged where the loss, averaged over about fifty steps, is this times its lowest average, plus 1."""


@dataclass(frozen=True)
class Step:
    """One optimiser step, as ``metrics.csv`` records it.

    Attributes:
        step: counted from 1 over the whole run.
        loss: of the step's frames, their mean; the discriminator's in a step of its own.
        network: "generator" or "discriminator", what was trained.
        grad_norm: of the gradient, before clipping.
        lr: learning rate of the step.
        alpha: the learned weight of the first EMA that has one; NaN without.
        epoch: counted from 1.
        frames: trained on so far, on all ranks.
        seconds: of training, to the start of the step.
        waited: seconds of these in which there was no batch to work on.
        done: share of the run that lay behind then, 0 to 1.
    """

    step: int
    loss: float
    network: str
    grad_norm: float
    lr: float
    alpha: float
    epoch: int
    frames: int
    seconds: float
    waited: float
    done: float


def train_steps(training: Training, stop: Callable[[], bool] = lambda: False) -> Generator[Step, None, None]:
    """Train, yielding after each step, until the recipe's epochs or minutes are over.

    Args:
        training: what is trained, from where it stands; its model is left in training mode.
        stop: asked before each step; where it answers true on any rank, all end.

    Raises:
        SalzooError: where the maps stop being finite or the loss grows without end, naming the step and the clip.
    """
    recipe, progress = training.recipe, training.progress
    train_mode(training.model, recipe.batch_norm)
    training.model.checkpoint_activations = recipe.checkpoint_activations
    networks = _Networks.over_ranks(training)
    began = time.perf_counter() - progress.seconds
    with contextlib.ExitStack() as stack:
        sources = [stack.enter_context(contextlib.closing(source)) for source in _open_sources(training)]
        while True:
            stopped, progress.seconds = agree(training.rank, training.model.device, stop(), time.perf_counter() - began)
            done = training.done
            if done >= 1 or stopped:
                return
            progress.step += 1
            # SalGAN: the networks take turns batch by batch, the discriminator first.
            adversary = training.discriminator is not None and progress.step % 2 == 1
            optimizer = training.discriminator_optimizer if adversary else training.optimizer
            assert optimizer is not None
            for group in optimizer.param_groups:
                factor = rate_factor(recipe, group["name"], progress.step, done)
                group["lr"] = group["full_rate"] * factor * training.plateau.factor
            optimizer.zero_grad()
            with Float32Gradients() if training.precision == "bfloat16" else contextlib.nullcontext():
                loss, longest, names = _accumulate(training, networks, sources, adversary)
            norm = _apply(training, optimizer, longest, adversary)
            _check_convergence(training, loss, norm, adversary, names)
            training.model.backbone.select_source(None)
            yield Step(
                step=progress.step,
                loss=loss,
                network="discriminator" if adversary else "generator",
                grad_norm=norm,
                lr=next(group["lr"] for group in optimizer.param_groups if group["name"] == "backbone"),
                alpha=_learned_alpha(training),
                epoch=1 + (progress.frames - 1) // training.epoch_frames,
                frames=progress.frames,
                seconds=progress.seconds,
                waited=progress.waited,
                done=done,
            )


@dataclass(frozen=True)
class _Networks:
    """The model and the discriminator (without one, the model again), their gradients averaged over the ranks."""

    model: nn.Module
    discriminator: nn.Module

    @classmethod
    def over_ranks(cls, training: Training) -> "_Networks":
        model = _over_ranks(training, training.model)
        rival = training.discriminator
        return cls(model, model if rival is None else _over_ranks(training, rival))


def _accumulate(
    training: Training, networks: _Networks, sources: Sequence[Iterator[ClipBatch]], adversary: bool
) -> tuple[float, int, list[str]]:
    """Add up the gradients of a step's batches. Returns the mean loss of their frames, their longest clip, and the
    names of the first videos, for messages."""
    recipe = training.recipe
    trained = networks.discriminator if adversary else networks.model
    loss, valid, longest = 0.0, 0, 0
    names: list[str] = []
    for number in range(1, recipe.accumulate + 1):
        which, batch = _next_batch(training, sources)
        alone = isinstance(trained, DistributedDataParallel) and number < recipe.accumulate
        with trained.no_sync() if alone else contextlib.nullcontext():  # type: ignore[operator]
            share = (_discriminator_loss if adversary else _batch_loss)(training, networks, which, batch)
            (share / recipe.accumulate).backward()
        loss += share.item() * len(batch.valid) * (batch.longest if recipe.frame_mean else 1)
        valid += int(batch.valid.sum())
        longest = max(longest, batch.longest)
        if number <= NAMED:
            names += batch.names
    return loss / max(1, valid), longest, names


def _open_sources(training: Training) -> list[Generator[ClipBatch, None, None]]:
    """Two sources of batches for each data set, stills and clips, that begin behind what the run has seen."""
    recipe = training.recipe
    reading = Reading(
        size=training.model.preprocessing.size,
        target=recipe.target,
        augmentation=Augmentation(recipe.flip, recipe.zoom, recipe.jitter),
        fixations=bool(NEEDS_FIXATIONS & recipe.losses.keys()),
        seed=recipe.seed,
        batch=recipe.batch,
        rank=training.rank,
        interpolation=training.model.preprocessing.interpolation,
    )
    of_stills = replace(reading, batch=recipe.still_batch)
    every, drop, length, shuffle = recipe.still_every, recipe.drop_last, recipe.clip_length, recipe.shuffle
    sources = []
    for videos, (stills, clips) in zip(training.videos, training.progress.taken, strict=True):
        still_source = still_batches(videos, of_stills, every=every, drop_last=drop, epochs=None, skip=stills)
        if recipe.windows:
            window = Window(length, recipe.primes, recipe.step)
            clip_source = window_batches(videos, reading, window, epochs=None, skip=clips)
        else:
            clip_source = clip_batches(videos, reading, length=length, shuffle=shuffle, epochs=None, skip=clips)
        sources += [read_ahead(still_source, BATCHES_AHEAD), read_ahead(clip_source, BATCHES_AHEAD)]
    return sources


def _next_batch(training: Training, sources: Sequence[Iterator[ClipBatch]]) -> tuple[int, ClipBatch]:
    """The next batch, and the number of the data set that it is from: they take turns."""
    progress = training.progress
    which = sum(map(sum, progress.taken)) % len(training.videos)
    clips = not training.images[which] and training.done >= training.recipe.stills
    asked = time.perf_counter()
    batch = next(sources[2 * which + clips])
    progress.waited += time.perf_counter() - asked
    progress.taken[which][clips] += 1
    progress.frames += batch.count
    return which, batch


def _forward(training: Training, network: nn.Module, which: int, batch: ClipBatch) -> tuple[Tensor, Tensor]:
    """Run the model on a batch and keep the temporal state. Returns inputs (N, 3, H, W) and maps (N, H, W) of the valid
    frames."""
    model, recipe = training.model, training.recipe
    inputs = torch.cat([model.preprocess(frames) for frames in batch.frames])
    state = None if batch.starts.all() else training.states[which]  # after stills a batch may have another size
    bypass = batch.still and model.passes_stills_by and (recipe.bypass or training.images[which])
    model.backbone.select_source(training.sources[which])  # until the step, whose backward pass may run layers again
    with torch.autocast(model.device.type, torch.bfloat16, enabled=training.precision == "bfloat16"):
        starts: Tensor | None = torch.from_numpy(batch.starts).to(model.device)
        if batch.primes:
            state, starts, inputs = model.prime(inputs[:, : batch.primes]), None, inputs[:, batch.primes :]
        # Batch norms that learn see one time step at a time, of different videos.
        parts = inputs.split(1 if recipe.batch_norm != "frozen" else inputs.shape[1], dim=1)
        found = []
        for part in parts:
            maps, state = network(part, state, starts=starts, bypass=bypass)
            found.append(maps)
            starts = None
        maps = torch.cat(found, 1)
    training.states[which] = None if batch.still or recipe.windows else map_state(Tensor.detach, state)
    if not math.isfinite(maps.detach().sum().item()):  # before the loss, which would abort a GPU's process
        raise _diverged(training, "no finite maps", batch.names)
    valid = torch.from_numpy(batch.valid).to(maps.device)
    maps = maps.squeeze(2).to(torch.promote_types(maps.dtype, torch.float32))
    return inputs[valid], maps[valid] if batch.valid.any() else maps.sum() * torch.zeros(0, *maps.shape[2:]).to(maps)


def _batch_loss(training: Training, networks: _Networks, which: int, batch: ClipBatch) -> Tensor:
    """The loss of a batch: the weighted losses of its valid frames, summed, divided by its slots."""
    inputs, maps = _forward(training, networks.model, which, batch)
    losses = training.recipe.losses
    density = torch.from_numpy(batch.density[batch.valid]).to(maps)
    fixations = None
    if batch.fixations is not None:
        fixations = torch.from_numpy(batch.fixations[batch.valid]).to(maps.device)
    total = frame_losses(losses, maps, density, fixations, output=training.model.backbone.output).sum()
    if training.discriminator is not None and len(maps):
        training.discriminator.requires_grad_(False)
        images = to_rgb(inputs, training.model.preprocessing)
        fooled = adversarial_loss(training.discriminator, images, maps.unsqueeze(1))
        total = total + losses["adversarial"] * len(maps) * fooled
        training.discriminator.requires_grad_(True)
    return total / len(batch.valid) / (batch.longest if training.recipe.frame_mean else 1)


def _discriminator_loss(training: Training, networks: _Networks, which: int, batch: ClipBatch) -> Tensor:
    """The discriminator's loss of a batch, in the measure of ``_batch_loss``."""
    with torch.no_grad():
        inputs, maps = _forward(training, training.model, which, batch)
    if not len(maps):  # a rank without a video still takes its part in the exchange of gradients
        height, width = maps.shape[1:]
        blank = maps.new_zeros(1, 3, height, width)
        return 0 * discriminator_loss(networks.discriminator, blank, blank[:, :1], blank[:, :1])
    real = torch.from_numpy(batch.density[batch.valid]).to(maps).unsqueeze(1)
    images = to_rgb(inputs, training.model.preprocessing)
    loss = discriminator_loss(networks.discriminator, images, real, maps.unsqueeze(1))
    return loss * len(maps) / len(batch.valid)


def _apply(training: Training, optimizer: torch.optim.Optimizer, longest: int, adversary: bool) -> float:
    """Clip the gradient and take the step. Returns the gradient's norm before clipping."""
    recipe, progress = training.recipe, training.progress
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    epoch = (progress.frames - 1) // training.epoch_frames
    if not adversary and epoch < len(recipe.thaw):
        joined = [glob for globs in recipe.thaw[: epoch + 1] for glob in globs]
        for name, parameter in training.model.named_parameters():
            if not matches(name, joined):
                parameter.grad = None
    limit = recipe.clip_norm * (1 if recipe.frame_mean else longest) if recipe.clip_norm and not adversary else math.inf
    norm = torch.nn.utils.clip_grad_norm_(parameters, limit).item()
    if math.isfinite(norm):
        optimizer.step()
    if training.averaged is not None and not adversary:
        decay = min(recipe.average, (1 + progress.step) / (10 + progress.step))  # the first steps forget faster
        with torch.no_grad():
            for ours, new in zip(training.averaged.parameters(), training.model.parameters(), strict=True):
                ours.lerp_(new, 1 - decay)
    return norm


def _check_convergence(training: Training, loss: float, norm: float, adversary: bool, names: Sequence[str]) -> None:
    """Raise where a loss or gradient is not finite or the loss grows without end; take note of the epoch's losses."""
    progress = training.progress
    if not (math.isfinite(loss) and math.isfinite(norm)):
        raise _diverged(training, f"loss {loss:g}, gradient norm {norm:g}", names)
    if adversary:
        return
    progress.mean_loss = loss if progress.mean_loss is None else 0.98 * progress.mean_loss + 0.02 * loss
    progress.lowest_loss = min(progress.lowest_loss, progress.mean_loss)
    if progress.mean_loss > DIVERGED * abs(progress.lowest_loss) + 1:
        raise _diverged(training, f"mean loss {progress.mean_loss:g} after {progress.lowest_loss:g}", names)
    progress.epoch_loss += loss
    progress.epoch_steps += 1
    epoch = progress.frames // training.epoch_frames
    if epoch > progress.epochs:
        if training.recipe.schedule == "plateau":
            mean = agree(training.rank, training.model.device, False, progress.epoch_loss / progress.epoch_steps)[1]
            training.plateau.end_epoch(mean, training.recipe.lr)
        progress.epochs, progress.epoch_loss, progress.epoch_steps = epoch, 0.0, 0


def _diverged(training: Training, why: str, names: Sequence[str]) -> SalzooError:
    videos = ", ".join(name for name in names if name) or "of another rank"
    return SalzooError(f"training diverged: {why} at step {training.progress.step}, video {videos}; lower --lr")


def _over_ranks(training: Training, module: nn.Module) -> nn.Module:
    """The module with its gradients averaged over the ranks."""
    if training.rank.size == 1:
        return module
    # Where a video starts, and where stills pass temporal modules by, some of their parameters get no gradient.
    # So do layers of other data sets.
    partly = module is training.model and bool(training.model.modules_over_time or training.model.backbone.sources)
    return DistributedDataParallel(module, find_unused_parameters=partly)


def _learned_alpha(training: Training) -> float:
    alphas = (p for name, p in training.model.named_parameters() if matches(name, [ALPHA]))
    return next((torch.sigmoid(alpha.detach()).item() for alpha in alphas), math.nan)
