"""``salzoo adapt``: the fewest numbers behind a model that are worth their cost on other pictures.

Choices, from the cheapest: the model as it is; the center bias of the new pictures alone; numbers behind the model at
its own size; leanings towards its features too; the same at twice its size too. Each is cross-validated: every picture
is scored by numbers that were fitted to others. A costlier choice is taken where it gains at least ``LEAST`` NSS over
the one taken so far, and the interval of its gain, paired over pictures, lies above 0. The scores that are shown are
those that it was chosen by: where choices are nearly alike, that of the one taken is a little too good; so is that of
leanings, whose strength is the best of three.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from salzoo.adapting.backbone import SIZES, Adapted, Readout, enlarged, own_divisor
from salzoo.adapting.fitting import (
    STRENGTHS,
    Looked,
    cross_validate,
    fit_leanings,
    fit_readout,
    fold_items,
    measure_center,
    score,
)
from salzoo.adapting.looking import look
from salzoo.adapting.people import score_people_of
from salzoo.evaluation.baselines import center_bias_model
from salzoo.evaluation.bootstrap import draw_resamples, interval
from salzoo.gaze.truth import has_fixations
from salzoo.interfaces import Dataset, SalzooError, Video
from salzoo.model import SaliencyModel, create_model, resolve_position
from salzoo.prediction.engines.torch_engine import torch_engine
from salzoo.spec import Component, Placed, Spec
from salzoo.trained_on import overlap

FEWEST = 10
"""Pictures or videos that anything is fitted to."""

LEAST = 0.03
"""Gain in NSS that a costlier choice must bring."""

TIMED = 5
"""Frames by which the cost is measured."""


@dataclass(frozen=True)
class Choice:
    """What could stand behind a model, and what it is worth.

    Attributes:
        name: in words.
        sizes: that the network is run at; 0 for the center bias alone, None for the model as it is.
        numbers: fitted ones.
        strength: by which leanings towards features are held; None without them.
        nss: (items,) of each picture or video.
        gain: NSS over the model as it is, with the 95 % interval, paired.
        rate: frames a second here, one by one.
    """

    name: str
    sizes: int | None
    numbers: int
    strength: float | None
    nss: NDArray[np.float64]
    gain: tuple[float, float, float]
    rate: float


@dataclass(frozen=True)
class Adaptation:
    """What ``adapt`` found.

    Attributes:
        model: the adapted model; None where nothing was worth it.
        choices: all that were tried, from the cheapest.
        taken: the one that ``model`` is.
        people: NSS of people by other people; NaN where they are not known one by one.
        grid: height and width at which all was scored.
    """

    model: SaliencyModel | None
    choices: tuple[Choice, ...]
    taken: Choice
    people: float
    grid: tuple[int, int]


def adapt(
    model: SaliencyModel,
    data: Dataset,
    *,
    split: str = "train",
    most: int = max(SIZES),
    seed: int = 0,
    report: Callable[[str], None] = lambda line: None,
) -> Adaptation:
    """Fit what is worth it to a split of a data set.

    Args:
        model: any whose modules over time, if it has some, act on finished maps.
        data: pictures or videos with fixations; ``FEWEST`` at least that the model was not trained on.
        split: that is fitted to.
        most: sizes at most that the network may be run at, 1 or 2.
        seed: of the folds.
        report: given each line of what is going on.

    Raises:
        SalzooError: too few pictures, or a model that this is not for.
    """
    videos = _unseen(model, data, split)
    most = 1 if model.preprocessing.fixed_size else most
    report(f"{model.spec} on {len(videos)} of {data.name} {split}")
    looked = look(behind(model, most), videos)
    choices = _weigh(model, looked, most, seed)
    taken = choices[0]
    for choice in choices[1:]:
        mean, low, _ = _gain(choice.nss, taken.nss)
        if mean >= LEAST and low > 0:
            taken = choice
    adapted = None if taken.sizes is None else _make(model, looked, taken.sizes, taken.strength)
    if adapted is not None:
        before = model.trained_on if taken.sizes else adapted.trained_on
        adapted.trained_on = before.and_on(data.name, split, videos, data.videos)
    height, width = looked.fixations.shape[1:]
    return Adaptation(adapted, choices, taken, score_people_of(looked, videos), (height, width))


def _unseen(model: SaliencyModel, data: Dataset, split: str) -> list[Video]:
    """What of a split has fixations and was not learned from: what a network knows by heart says nothing of others."""
    videos = [video for video in data.split(split) if video.annotated and has_fixations(video)]
    unseen = [video for video in videos if not overlap(model.trained_on, data.name, [video]).seen]
    if len(videos) < FEWEST:
        raise SalzooError(
            f"{data.name} has {len(videos)} pictures or videos with fixations in its split {split}; from fewer than "
            f"{FEWEST} nothing is fitted: use the model as it is"
        )
    if len(unseen) < FEWEST:
        raise SalzooError(
            f"{model.spec} was trained on {len(videos) - len(unseen)} of the {len(videos)} pictures or videos of "
            f"{data.name} {split}: there is nothing to adapt it to; use it as it is, or name another --split"
        )
    return unseen


def behind(model: SaliencyModel, sizes: int, features: bool = False) -> SaliencyModel:
    """A model with a ``Readout`` behind its network that changes next to nothing yet, in evaluation mode.

    Raises SalzooError where it has modules over time that act before its maps are finished, or takes frames otherwise
    than stretched.
    """
    given, network = model.preprocessing, model.backbone
    if given.fit != "stretch":
        raise SalzooError(f"{model.spec} does not stretch frames to its size, which is what can be adapted")
    end = len(network.layers)
    places = {resolve_position(network, each.position): each.component for each in model.spec.temporal}
    if places.keys() - {end - 1, end}:
        raise SalzooError(f"{model.spec} has a module over time before its last layer, which cannot be adapted")
    component = model.spec.backbone
    if {"of", "sizes", "features"} & dict(component.params).keys():
        raise SalzooError(f"{model.spec} is adapted already, or has a parameter of the name of, sizes or features")
    read = (("features", True),) if features else ()
    params = tuple(sorted((*component.params, *read, ("of", component.name), ("sizes", sizes))))
    placed = tuple(Placed(each, "output" if at == end - 1 else 4) for at, each in places.items())
    made = create_model(Spec(Component("adapted", params), placed)).eval()
    assert isinstance(made.backbone, Adapted)
    made.backbone.at_sizes.network.backbone.load_state_dict(network.state_dict())
    for ours, theirs in zip(made.temporal.values(), model.temporal.values(), strict=True):
        ours.load_state_dict(theirs.state_dict())
    made.preprocessing = enlarged(given, own_divisor(sizes))
    return made.to(model.device)


def _weigh(model: SaliencyModel, looked: Looked, most: int, seed: int) -> tuple[Choice, ...]:
    """All choices, cross-validated."""
    folds = fold_items(looked.items, seed)
    before = score(looked.at(1)[:, 0], looked)

    def weighed(name: str, readout: Readout | None, strength: float | None, nss: NDArray[np.float64]) -> Choice:
        sizes = 0 if readout is None else len(readout.weights)
        numbers = 0 if readout is None else sum(each.numel() for each in readout.parameters())
        rate = _measure_rate(behind(model, sizes, strength is not None)) if sizes else np.inf
        return Choice(name, sizes, numbers, strength, nss, _gain(nss, before), rate)

    found = [
        Choice("as it is", None, 0, None, before, _gain(before, before), _measure_rate(model)),
        weighed("center bias alone", None, None, cross_validate(looked, 0, folds)[0]),
    ]
    strengths = () if looked.features is None else STRENGTHS
    channels = 0 if looked.features is None else looked.features.shape[2]
    for sizes in range(1, most + 1):
        plain, *leaning = cross_validate(looked, sizes, folds, strengths)
        where = "at its size" if sizes == 1 else "and at twice that"
        found.append(weighed(where, Readout(sizes), None, plain))
        if leaning:
            best = int(np.argmax([each.mean() for each in leaning]))
            found.append(weighed(f"{where}, features", Readout(sizes, channels), strengths[best], leaning[best]))
    return tuple(found)


def _gain(new: NDArray[np.float64], old: NDArray[np.float64]) -> tuple[float, float, float]:
    """The mean difference, and its bootstrap interval over items."""
    difference = new - old
    drawn = draw_resamples(len(difference), 0) @ difference[:, None] / len(difference)
    low, high = interval(drawn, np.array([len(difference)]))[:, 0]
    return float(difference.mean()), float(low), float(high)


def _make(model: SaliencyModel, looked: Looked, sizes: int, strength: float | None) -> SaliencyModel:
    """The model with numbers that are fitted to all that was looked at."""
    if not sizes:
        return center_bias_model(measure_center(looked)[0, 0].numpy())
    made = behind(model, sizes, strength is not None)
    assert isinstance(made.backbone, Adapted)
    readout = fit_readout(looked, sizes)
    if strength is not None:
        readout = fit_leanings(readout, looked, sizes, strength)
    made.backbone.numbers.load_state_dict(readout.state_dict())
    return made


@torch.no_grad()
def _measure_rate(model: SaliencyModel) -> float:
    """Frames a second, one by one, in float32."""
    engine, (height, width) = torch_engine(model), model.preprocessing.size
    frame = np.random.default_rng(0).integers(0, 256, (1, height, width, 3), np.uint8)
    engine.run(frame)
    began = time.perf_counter()
    for _ in range(TIMED):
        engine.run(frame)
    return TIMED / (time.perf_counter() - began)
