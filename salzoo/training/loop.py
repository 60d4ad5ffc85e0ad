"""The training loop of SalEMA (Linardos et al., BMVC 2019): truncated backpropagation through time over clips."""

import fnmatch
import itertools
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from salzoo.interfaces import SalzooError, State, Video, map_state
from salzoo.model import SaliencyModel
from salzoo.training.clips import ClipBatch, clip_batches
from salzoo.training.settings import Settings

WEIGHT_DECAY = 1e-4
"""On the backbone alone, as in SalEMA's release."""

MAX_NORM = 10.0
"""The gradient's norm is clipped at this times the clip's frames, as in SalEMA's release."""


@dataclass(frozen=True)
class Step:
    """One optimiser step, as ``metrics.csv`` records it.

    Attributes:
        epoch, step: counted from 1, steps over the whole run.
        seconds: since training began.
        frames: trained on so far.
        loss: mean binary cross-entropy of the clip's frames.
        grad_norm: of the gradient, before clipping.
        lr: learning rate of the step.
        done: share of the run that lies behind, 0 to 1.
    """

    epoch: int
    step: int
    seconds: float
    frames: int
    loss: float
    grad_norm: float
    lr: float
    done: float


def train_steps(
    model: SaliencyModel, videos: Sequence[Video], settings: Settings, stop: Callable[[], bool] = lambda: False
) -> Iterator[Step]:
    """Train a model, yielding after each step.

    Each clip of consecutive frames is one step. The temporal state runs on from clip to clip of a video and is
    detached in between; a video starts with none. The loss of a step is the binary cross-entropy of each valid frame,
    averaged over its pixels, summed over frames and divided by the batch.

    Args:
        model: it is trained where it is, and left in training mode.
        videos: annotated videos, taken in this order in every epoch.
        settings: what decides the run.
        stop: asked before each step.

    Raises:
        SalzooError: where the maps stop being finite, naming the clip.
    """
    optimizer = make_optimizer(model, settings)
    full_rates = [group["lr"] for group in optimizer.param_groups]
    model.train()
    began, frames = time.perf_counter(), 0
    planned = settings.epochs * sum(video.frames for video in videos)
    steps = itertools.count(1)
    for epoch in range(1, settings.epochs + 1):
        state: State = None
        clips = clip_batches(videos, size=settings.size, length=settings.clip_length, batch=settings.batch)
        for clip in clips:
            seconds = time.perf_counter() - began
            if stop() or (settings.minutes is not None and seconds > 60 * settings.minutes):
                return
            done = max(frames / planned, seconds / (60 * settings.minutes) if settings.minutes else 0)
            rate = min(1.0, 2 * (1 - done)) if settings.decay else 1.0
            for group, full_rate in zip(optimizer.param_groups, full_rates, strict=True):
                group["lr"] = rate * full_rate

            inputs = torch.cat([model.preprocess(frames) for frames in clip.frames])
            maps, state = model(inputs, state, starts=torch.from_numpy(clip.starts))
            state = map_state(Tensor.detach, state)
            if not math.isfinite(maps.detach().sum().item()):  # before the loss, which would abort a GPU's process
                where = ", ".join(filter(None, clip.names))
                raise SalzooError(f"training diverged: no finite maps at step {next(steps)}, video {where}; lower --lr")
            loss = clip_loss(maps, clip, settings.batch)
            optimizer.zero_grad()
            loss.backward()
            count = clip.valid.sum().item()
            norm = torch.nn.utils.clip_grad_norm_(model.parameters(), MAX_NORM * clip.valid.shape[1])
            optimizer.step()

            frames += count
            mean_loss = loss.item() * settings.batch / count
            seconds = time.perf_counter() - began
            yield Step(epoch, next(steps), seconds, frames, mean_loss, norm.item(), rate * settings.lr, min(done, 1.0))


def clip_loss(maps: Tensor, clip: ClipBatch, batch: int) -> Tensor:
    """Binary cross-entropy of maps (B, T, 1, H, W), averaged over pixels, summed over valid frames, over ``batch``."""
    maps = maps.squeeze(2).to(torch.promote_types(maps.dtype, torch.float32))
    density = torch.from_numpy(clip.density).to(maps)
    valid = torch.from_numpy(clip.valid).to(maps.device)
    per_frame = F.binary_cross_entropy(maps, density, reduction="none").mean((2, 3))
    return torch.where(valid, per_frame, 0).sum() / batch


def make_optimizer(model: SaliencyModel, settings: Settings) -> torch.optim.Optimizer:
    """Adam (0.9, 0.999, 1e-8) with three groups: the backbone, learned EMA weights, and other temporal parameters."""
    groups: dict[str, list[torch.nn.Parameter]] = {"temporal.*.alpha": [], "temporal.*": [], "backbone.*": []}
    for name, parameter in model.named_parameters():
        next(group for glob, group in groups.items() if fnmatch.fnmatchcase(name, glob)).append(parameter)
    return torch.optim.Adam(
        [
            {"params": groups["backbone.*"], "lr": settings.lr, "weight_decay": WEIGHT_DECAY},
            {"params": groups["temporal.*"], "lr": settings.lr},
            {"params": groups["temporal.*.alpha"], "lr": settings.alpha_lr},
        ]
    )
