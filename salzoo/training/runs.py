"""A training run, from names to a run folder."""

import copy
import dataclasses
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import FrameType

import numpy as np
import torch

from salzoo.evaluation.data import data_root, open_dataset
from salzoo.evaluation.results import Result, write_results
from salzoo.evaluation.runs import baselines, prepare, score_model
from salzoo.interfaces import Dataset, SalzooError
from salzoo.model import SaliencyModel, create_model
from salzoo.prediction.device import choose_device, fast_precision
from salzoo.training.clips import normalise
from salzoo.training.folder import RunFolder
from salzoo.training.initialization import initialize_from_model, initialize_from_nothing
from salzoo.training.loop import train_steps
from salzoo.training.pictures import save_strips
from salzoo.training.settings import Settings
from salzoo.video.resizing import resize_frame

SYNTHETIC_SIZE = (48, 64)
"""Input size on the synthetic data: small enough to learn from nothing in two minutes on two cores."""

SYNTHETIC_MINUTES = 2.0
"""Limit of a run from nothing on the synthetic data."""

FROM_SCRATCH_RATE = 4e-5
FINE_TUNING_RATE = 1e-6
"""Learning rates: from random or ImageNet weights, and from a saliency model (that of the published experiments)."""

STILLS = 0.75
STILL_BATCH = 4
"""Share of a run from scratch that sees still frames, and how many a step. Consecutive frames are so alike that clips
alone teach a network that knows nothing far more slowly; and an average over time of maps that are all but zero has no
gradient left to leave them."""

SCORED_FRAMES = 50
"""Frames of each validation video that a run on real data is scored on at its end; ``salzoo eval`` scores all."""

PICTURED_VIDEOS = 3


@dataclass(frozen=True)
class Run:
    """What a training run left.

    Attributes:
        folder: the run folder.
        model: the trained model, in evaluation mode.
        steps: optimiser steps taken.
        interrupted: whether a signal ended it early; its scores are missing then.
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
    init: str | None = None,
    epochs: int = 7,
    minutes: float | None = None,
    clip_length: int = 10,
    batch: int = 1,
    size: tuple[int, int] | None = None,
    lr: float | None = None,
    alpha_lr: float = 0.1,
    precision: str | None = None,
    seed: int = 0,
    device: str | None = None,
    out: str | Path | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> Run:
    """Train a model on a data set's training split and score it on its validation split.

    Args:
        spec: the model; initial weights are ``init``'s business.
        dataset: registered name. By default ``dhf1k`` where its folder is given or found, else ``synthetic``.
        root: folder of the data set; by default as ``open_dataset`` finds it.
        init: "random" (variance-preserving), "imagenet", or a model whose backbone is taken, temporal modules fresh.
            By default random on synthetic data, else imagenet. But for a model, the run begins with still frames.
        epochs: passes over the training videos.
        minutes: limit of the training. By default 2 on synthetic data from random weights, else none.
        clip_length: frames of a clip: what one step sees, and how far gradients reach back.
        batch: videos side by side.
        size: (height, width) of the input, recorded in the checkpoint. By default 48×64 on synthetic data, else the
            model's own.
        lr: learning rate. By default 4e-5, or 1e-6 from a saliency model.
        alpha_lr: learning rate of learned EMA weights.
        precision: "float32" or "bfloat16"; by default bfloat16 where the device computes in it.
        seed: of weights and dropout.
        device: where to train; by default the best here.
        out: the run folder, new or empty; by default ``runs/<spec>-<time>``.
        report: given each line of what is going on.

    Returns:
        The run. Ctrl-C or SIGTERM end it after the step at hand, with a loadable checkpoint in its folder.

    Raises:
        SalzooError: for whatever does not fit: spec, data, initial weights, folder.
    """
    where = choose_device(device)
    torch.manual_seed(seed)
    model = create_model(spec)
    if model.backbone.training_free and not model.temporal:
        raise SalzooError(f"{model.spec} is training-free: there is nothing to train")
    data = _open_data(dataset, root)
    synthetic = data.name == "synthetic"
    init = init or ("random" if synthetic else "imagenet")
    from_model = init not in ("random", "imagenet")
    if from_model:
        initialize_from_model(model, init)
    elif init == "imagenet":
        model.backbone.load_imagenet()
    if size or synthetic:
        model.preprocessing = dataclasses.replace(model.preprocessing, size=size or SYNTHETIC_SIZE)
    settings = Settings(
        epochs=epochs,
        minutes=SYNTHETIC_MINUTES if minutes is None and synthetic and init == "random" else minutes,
        clip_length=clip_length,
        batch=batch,
        size=model.preprocessing.size,
        lr=lr if lr is not None else FINE_TUNING_RATE if from_model else FROM_SCRATCH_RATE,
        alpha_lr=alpha_lr,
        stills=0.0 if from_model else STILLS,
        still_batch=STILL_BATCH,
        precision=precision or fast_precision(where),
        seed=seed,
        init=init,
    )
    report(f"training {model.spec} on {data.name}{f' ({data.note})' if data.note else ''}")
    if init == "random":
        _scale_weights(model, data, settings)
    path = Path(out) if out else Path("runs") / f"{model.spec}-{datetime.now():%Y%m%d-%H%M%S}"
    folder = RunFolder(path, model, data, settings)
    folder.create()
    report(f"run folder {path}; device {where}, {settings}")
    return _run(folder, where, report)


def _run(folder: RunFolder, where: torch.device, report: Callable[[str], None]) -> Run:
    """Train the model of a run folder, score it, and fill the folder."""
    model, data = folder.model, folder.dataset
    untrained = copy.deepcopy(model).eval()
    model.to(where)
    with _stop_signals() as stop:
        began = time.perf_counter()
        last = deque(folder.follow(train_steps(model, data.split("train"), folder.settings, stop)), maxlen=1)
        seconds = time.perf_counter() - began
        steps, frames = (last[0].step, last[0].frames) if last else (0, 0)
        model.eval()
        folder.save()
        if stop():
            return Run(folder.path, model, steps, interrupted=True, results=[])

    report(f"{steps} steps, {frames} frames in {seconds:.0f} s ({frames / seconds:.1f} frames/s); scoring")
    split = "val" if any(video.split == "val" for video in data.videos) else "test"
    first = None if data.name == "synthetic" else SCORED_FRAMES
    task = prepare(data, split=split, seed=folder.settings.seed, first=first)
    contenders = [(f"{model.spec}", model), (f"{model.spec} untrained", untrained), *baselines(task)]
    results = [score_model(task, contender.to(where), label) for label, contender in contenders]
    folder.save(results)
    write_results(results, folder.path / "results.json")
    save_strips(model, task.videos[:PICTURED_VIDEOS], folder.path / "pictures")
    return Run(folder.path, model, steps, interrupted=False, results=results)


def _scale_weights(model: SaliencyModel, data: Dataset, settings: Settings) -> None:
    """Give a model random weights that suit the first videos of the training split."""
    videos = data.split("train")[:8]
    frames = [resize_frame(next(video.read_frames(0, 1)), settings.size) for video in videos]
    density = float(np.mean([normalise(video.read_density(video.frames // 2)).mean() for video in videos]))
    torch.manual_seed(settings.seed)  # again: the backbone starts alike whatever temporal modules were made before it
    initialize_from_nothing(model, np.stack(frames), min(max(density, 0.01), 0.5))


def _open_data(dataset: str | None, root: str | Path | None) -> Dataset:
    if dataset is None:
        dataset = "dhf1k" if root is not None or data_root("dhf1k") is not None else "synthetic"
    return open_dataset(dataset, root)


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
