"""The training loop of SalEMA (Linardos et al., BMVC 2019): truncated backpropagation through time over clips."""

import fnmatch
import itertools
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from salzoo.interfaces import SalzooError, State, Video, map_state
from salzoo.model import SaliencyModel
from salzoo.training.clips import ClipBatch, clip_batches, still_batches
from salzoo.training.settings import Settings

WEIGHT_DECAY = 1e-4
"""On the backbone alone, as in SalEMA's release."""

MAX_NORM = 10.0
"""The gradient's norm is clipped at this times the clip's frames, as in SalEMA's release."""


WARM_UP = 20
"""Steps over which the learning rates rise in a run that begins with stills."""

FINE = 0.05
"""What is left of them for fine-tuning on clips: as little as published runs fine-tune with, beside pretraining."""


@dataclass(frozen=True)
class Step:
    """One optimiser step, as ``metrics.csv`` records it.

    Attributes:
        step: counted from 1 over the whole run.
        loss: mean binary cross-entropy of the step's frames.
        grad_norm: of the gradient, before clipping.
        lr: learning rate of the step.
        epoch: counted from 1.
        frames: trained on so far.
        seconds: from the start of training to that of the step.
        done: share of the run that lay behind then, 0 to 1.
    """

    step: int
    loss: float
    grad_norm: float
    lr: float
    epoch: int
    frames: int
    seconds: float
    done: float


def train_steps(
    model: SaliencyModel, videos: Sequence[Video], settings: Settings, stop: Callable[[], bool] = lambda: False
) -> Iterator[Step]:
    """Train a model, yielding after each step.

    Each clip of consecutive frames is one step. The temporal state runs on from clip to clip of a video and is
    detached in between; a video starts with none. The loss of a step is the binary cross-entropy of each valid frame,
    averaged over its pixels, summed over frames and divided by the batch. In the first ``settings.stills`` of the run,
    steps see single frames instead, each a video of its own.

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
    state: State = None
    for step, (clip, progress) in enumerate(_paced(videos, settings, stop), start=1):
        for group, full_rate in zip(optimizer.param_groups, full_rates, strict=True):
            group["lr"] = full_rate * schedule(group["name"], step, progress.done, settings.stills)

        if clip.starts.all():  # nothing to carry on, and after the stills a batch of another size
            state = None
        inputs = torch.cat([model.preprocess(frames) for frames in clip.frames])
        with torch.autocast(model.device.type, torch.bfloat16, enabled=settings.precision == "bfloat16"):
            maps, state = model(inputs, state, starts=torch.from_numpy(clip.starts))
        state = map_state(Tensor.detach, state)
        if not math.isfinite(maps.detach().sum().item()):  # before the loss, which would abort a GPU's process
            where = ", ".join(filter(None, clip.names))
            raise SalzooError(f"training diverged: no finite maps at step {step}, video {where}; lower --lr")
        loss = clip_loss(maps, clip)
        optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), MAX_NORM * clip.valid.shape[1])
        optimizer.step()

        mean_loss = loss.item() * len(clip.valid) / clip.valid.sum().item()
        yield Step(step, mean_loss, norm.item(), optimizer.param_groups[0]["lr"], **asdict(progress))


@dataclass
class _Progress:
    epoch: int = 0
    frames: int = 0
    seconds: float = 0.0
    done: float = 0.0


def _paced(
    videos: Sequence[Video], settings: Settings, stop: Callable[[], bool]
) -> Iterator[tuple[ClipBatch, _Progress]]:
    """The run's clips, each with how far the run has come: stills first, until the limit of epochs or time is reached.

    An epoch is as many frames as the videos have, whether they come in clips or as stills.
    """
    began = time.perf_counter()
    epoch_frames = sum(video.frames for video in videos)
    progress = _Progress()
    rng = np.random.default_rng(settings.seed)
    still_epochs = (
        still_batches(videos, size=settings.size, batch=settings.still_batch, rng=rng) for _ in itertools.count()
    )
    clip_epochs = (
        clip_batches(videos, size=settings.size, length=settings.clip_length, batch=settings.batch)
        for _ in itertools.count()
    )
    stills, clips = itertools.chain.from_iterable(still_epochs), itertools.chain.from_iterable(clip_epochs)
    while True:
        progress.seconds = time.perf_counter() - began
        progress.done = progress.frames / (settings.epochs * epoch_frames)
        if settings.minutes is not None:
            progress.done = max(progress.done, progress.seconds / (60 * settings.minutes))
        if progress.done >= 1 or stop():
            return
        clip = next(stills if progress.done < settings.stills else clips)
        progress.epoch = 1 + progress.frames // epoch_frames
        progress.frames += int(clip.valid.sum())
        yield clip, progress


def clip_loss(maps: Tensor, clip: ClipBatch) -> Tensor:
    """Binary cross-entropy of maps (B, T, 1, H, W), averaged over pixels, summed over valid frames, divided by B."""
    maps = maps.squeeze(2).to(torch.promote_types(maps.dtype, torch.float32))
    density = torch.from_numpy(clip.density).to(maps)
    valid = torch.from_numpy(clip.valid).to(maps.device)
    per_frame = F.binary_cross_entropy(maps, density, reduction="none").mean((2, 3))
    return torch.where(valid, per_frame, 0).sum() / len(maps)


def schedule(group: str, step: int, done: float, stills: float) -> float:
    """The factor on the learning rate of a parameter group.

    A run of clips alone keeps its rates. One that begins with stills warms up, and lowers the backbone's rate over the
    second half of the stills to ``FINE`` of it, where it stays: one video's clips in a row would undo at full rate
    what shuffled frames have taught. Temporal modules, which learn from clips, fall to that at the end of the run.

    Args:
        group: "backbone" or a group of temporal parameters.
        step: number of the step, from 1.
        done: share of the run that lies behind.
        stills: share of the run, from its start, that sees stills.
    """
    if not stills:
        return 1.0
    phase = done / stills if group == "backbone" else done
    return min(1.0, step / WARM_UP) * max(FINE, min(1.0, 2 * (1 - phase)))


def make_optimizer(model: SaliencyModel, settings: Settings) -> torch.optim.Optimizer:
    """Adam (0.9, 0.999, 1e-8) with three groups: the backbone, learned EMA weights, and other temporal parameters."""
    groups: dict[str, list[torch.nn.Parameter]] = {"temporal.*.alpha": [], "temporal.*": [], "backbone.*": []}
    for name, parameter in model.named_parameters():
        next(group for glob, group in groups.items() if fnmatch.fnmatchcase(name, glob)).append(parameter)
    return torch.optim.Adam(
        [
            {"name": "backbone", "params": groups["backbone.*"], "lr": settings.lr, "weight_decay": WEIGHT_DECAY},
            {"name": "temporal", "params": groups["temporal.*"], "lr": settings.lr},
            {"name": "alpha", "params": groups["temporal.*.alpha"], "lr": settings.alpha_lr},
        ]
    )
