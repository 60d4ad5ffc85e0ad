"""Models that differ in how they filter finished maps over time: the network runs once for all of them."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from numpy.typing import NDArray
from torch import nn

from salzoo.evaluation.results import Result
from salzoo.evaluation.scoring import Chunk
from salzoo.evaluation.tasks import CHUNK, ScoringPool, Task, collect, make_result
from salzoo.hub.checkpoint import weights_hash
from salzoo.interfaces import SalzooError, State
from salzoo.model import SaliencyModel, create_model
from salzoo.prediction.engines.engine import Engine
from salzoo.prediction.inputs import FrameStream, Input
from salzoo.prediction.maps import filter_maps, frames_to_maps
from salzoo.runtime.prefetching import read_ahead
from salzoo.trained_on import TrainedOn, overlap

FRAMES_AHEAD = 16
"""Maps that wait to be scored."""


@dataclass(frozen=True)
class Family:
    """Models whose networks are one, up to their last layer.

    Attributes:
        network: gives the maps before any filter.
        members: label, model, and what it does to those maps: a temporal module, or nothing.
    """

    network: SaliencyModel
    members: list[tuple[str, SaliencyModel, nn.Module | None]]


def find_families(models: Sequence[tuple[str, SaliencyModel]]) -> list[Family]:
    """Put labelled models together that differ in a temporal module on their last layer's output alone, such as
    ``+ema:alpha=0.1@output`` and ``+ema:alpha=0.3@output`` on the same weights; every other model is by itself."""
    families: dict[object, list[tuple[str, SaliencyModel, nn.Module | None]]] = {}
    for number, (label, model) in enumerate(models):
        on_output = _filter_of(model)
        key: object = number
        if on_output or not model.temporal:
            key = (str(model.spec.backbone), model.preprocessing, weights_hash(_without_filter(model)))
        families.setdefault(key, []).append((label, model, on_output))
    found = []
    for members in families.values():
        alone = len(members) == 1
        network = members[0][1] if alone else _without_filter(members[0][1])
        found.append(Family(network, [(label, model, None if alone else on) for label, model, on in members]))
    return found


def score_family(task: Task, family: Family, engine: Engine, pool: ScoringPool) -> list[Result]:
    """Run a family's network over every video of a split, and score what each member makes of its maps.

    Frames are decoded in a thread while the network runs on those before them.

    Args:
        task: what to score on.
        family: which models.
        engine: runs ``family.network``.
        pool: the workers that score.
    """
    count = len(family.members)
    labels = ", ".join(label for label, _, _ in family.members[:3]) + (f" and {count - 3} more" if count > 3 else "")
    hashes = [weights_hash(model) if model.state_dict() else None for _, model, _ in family.members]
    kind = json.dumps(
        [(label, str(each.spec), sha) for (label, each, _), sha in zip(family.members, hashes, strict=True)]
    )
    found = collect(
        task,
        lambda number: _chunks(task, family, engine, number),
        pool,
        labels,
        kind=kind,
        models=count,
    )
    results = []
    for (label, model, _), scores, sha in zip(family.members, found, hashes, strict=True):
        learned = model.trained_on != TrainedOn()
        seen = overlap(model.trained_on, task.dataset, task.videos) if learned else None
        result = make_result(task, label, scores)
        results.append(replace(result, spec=str(model.spec), weights_sha256=sha, trained_on=seen))
    return results


def _chunks(task: Task, family: Family, engine: Engine, number: int) -> Iterator[Chunk]:
    """The scored frames of a video in parts, each part once for every member."""
    chosen = task.frames[number]
    if not len(chosen):
        return
    video, found = task.videos[number], 0
    filtered = _filtered(engine, Input.of_video(video).open(), family, chosen.tolist())
    maps = read_ahead(filtered, FRAMES_AHEAD)  # scores are taken meanwhile
    while part := list(islice(maps, CHUNK)):
        found += len(part)
        for member in range(len(family.members)):
            yield Chunk(number, [index for index, _ in part], [each[member] for _, each in part])
    if found != len(chosen):
        raise SalzooError(f"video {video.id} gave {found} of the {len(chosen)} frames that its fixations are of")


def _filtered(
    engine: Engine, stream: FrameStream, family: Family, chosen: list[int]
) -> Iterator[tuple[int, list[NDArray[Any]]]]:
    """Each chosen frame's number, and its map as each member leaves it; a filter sees the maps of all frames."""
    filters = [on and _filter_of(model.at_rate(stream.rate or 0.0)) for _, model, on in family.members]
    states: list[State] = [None] * len(filters)
    wanted = set(chosen)
    needed = wanted if all(each is None for each in filters) else range(max(wanted) + 1)
    for index, _, map_ in frames_to_maps(engine, stream, wanted=needed):
        made: list[NDArray[Any]] = []
        for number, module in enumerate(filters):
            if module is None:
                made.append(map_)
                continue
            filtered, states[number] = filter_maps(module, map_[None], states[number])
            made.append(filtered[0])
        if index in wanted:
            yield index, made


def _filter_of(model: SaliencyModel) -> nn.Module | None:
    """The one temporal module of a model, where all that it does is to filter finished maps, without weights."""
    last = str(len(model.backbone.layers) - 1)
    if list(model.temporal) != [last] or model.backbone.output != "map":
        return None
    module = model.temporal[last]
    return module if getattr(module, "acts_on", "both") == "output" and not module.state_dict() else None


def _without_filter(model: SaliencyModel) -> SaliencyModel:
    if not model.temporal:
        return model
    network = create_model(str(model.spec.backbone))
    network.load_state_dict(model.state_dict())
    network.preprocessing, network.trained_on = model.preprocessing, model.trained_on
    return network.to(model.device).eval()
