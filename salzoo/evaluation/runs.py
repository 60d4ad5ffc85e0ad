"""Evaluation from names to scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from salzoo.evaluation.baselines import fit_center_bias
from salzoo.evaluation.data import open_dataset
from salzoo.evaluation.fixations import FixationIndex, index_fixations
from salzoo.evaluation.protocols import Protocol, find_protocol
from salzoo.evaluation.results import Result, summarise
from salzoo.evaluation.scoring import score_video
from salzoo.hub.checkpoint import weights_hash
from salzoo.hub.sources import load_model
from salzoo.interfaces import Dataset, SalzooError, Video
from salzoo.model import SaliencyModel
from salzoo.prediction.device import choose_device
from salzoo.prediction.streaming import predict_maps


@dataclass(frozen=True)
class Task:
    """A split made ready for scoring any number of models.

    Attributes:
        dataset, split: names.
        note: what must be said beside the scores.
        videos: the split's videos.
        protocol: what is computed.
        fixations: those of every frame that is scored.
        center_bias: the center bias fitted to the training split.
        seed: of the draw of other fixations.
    """

    dataset: str
    split: str
    note: str
    videos: Sequence[Video]
    protocol: Protocol
    fixations: FixationIndex
    center_bias: SaliencyModel
    seed: int


def evaluate(
    models: Sequence[SaliencyModel | str | Path] = (),
    dataset: Dataset | str = "synthetic",
    *,
    root: str | Path | None = None,
    split: str = "val",
    protocol: str = "dhf1k",
    seed: int = 0,
    device: str | None = None,
) -> list[Result]:
    """Score models on a data set, with the training-free baselines beside them.

    Args:
        models: models, or what ``load_model`` takes.
        dataset: a data set or its registered name.
        root: its folder; by default as ``open_dataset`` finds it.
        split: "train", "val" or "test"; it must be annotated.
        protocol: name of the protocol.
        seed: of the draw of other fixations; the same seed gives the same scores bit for bit.
        device: where models run; by default the best here.

    Returns:
        One result per model, then those of ``center-bias`` fitted to the training split and ``spectral-residual``.
    """
    where = choose_device(device)
    loaded = [(_label(model), model if isinstance(model, SaliencyModel) else load_model(model)) for model in models]
    task = prepare(dataset, root=root, split=split, protocol=protocol, seed=seed)
    return [score_model(task, model.to(where), label) for label, model in [*loaded, *baselines(task)]]


def prepare(
    dataset: Dataset | str,
    *,
    root: str | Path | None = None,
    split: str,
    protocol: str = "dhf1k",
    seed: int = 0,
    first: int | None = None,
) -> Task:
    """Read what scoring any model on a split needs.

    Args:
        first: score the first so many frames of each video alone; the note of the results then says so.

    Raises:
        SalzooError: where the split is not annotated.
    """
    rules = find_protocol(protocol)
    data = dataset if isinstance(dataset, Dataset) else open_dataset(dataset, root)
    videos = data.split(split)
    bare = [video.id for video in videos if not video.annotated]
    if bare:
        raise SalzooError(f"{data.name} {split} cannot be scored: no annotation of {len(bare)} videos, first {bare[0]}")
    center_bias = fit_center_bias(data.split("train"))
    note = data.note
    if first is not None:
        note = f"{note}{'; ' if note else ''}only the first {first} frames of each video are scored"
    return Task(data.name, split, note, videos, rules, index_fixations(videos, first), center_bias, seed)


def baselines(task: Task) -> list[tuple[str, SaliencyModel]]:
    """The training-free models that every table shows, by label."""
    return [
        ("center-bias (fitted to train)", task.center_bias),
        ("spectral-residual", load_model("spectral-residual")),
    ]


def score_model(task: Task, model: SaliencyModel, label: str) -> Result:
    """Run a model over every video of a split and score its maps."""
    model.eval()
    baseline = _map_of(task.center_bias)
    scores: dict[str, NDArray[np.float64]] = {}
    bar = tqdm(total=len(task.fixations.offsets) - 1, desc=label, unit="frame", leave=False, disable=None)
    with bar:
        for number, video in enumerate(task.videos):
            frames = video.read_frames(0, task.fixations.frames_of(number))
            scores[video.id] = score_video(
                video,
                predict_maps(model, frames),
                protocol=task.protocol,
                fixations=task.fixations,
                number=number,
                baseline=baseline,
                seed=task.seed,
            )
            bar.update(len(scores[video.id]))
    return Result(
        model=label,
        spec=str(model.spec),
        weights_sha256=weights_hash(model) if model.state_dict() else None,
        dataset=task.dataset,
        split=task.split,
        note=task.note,
        protocol=f"{task.protocol.name} v{task.protocol.version}",
        seed=task.seed,
        **summarise(scores, task.protocol.metrics),
    )


def _map_of(center_bias: SaliencyModel) -> NDArray[np.float32]:
    height, width = center_bias.preprocessing.size
    with torch.inference_mode():
        maps, _ = center_bias(torch.zeros(1, 1, 3, height, width, device=center_bias.device))
    return maps[0, 0, 0].cpu().numpy()


def _label(model: SaliencyModel | str | Path) -> str:
    return str(model.spec) if isinstance(model, SaliencyModel) else str(model)
