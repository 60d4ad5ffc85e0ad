"""What a model is made of and takes, told from its outline: no weights are made, nothing is computed."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch.utils.flop_counter import FlopCounterMode

from salzoo.hub.cards import load_card
from salzoo.hub.checkpoint import outline_model, read_config
from salzoo.hub.places import Listed, describe_models, folder_at_hand
from salzoo.hub.sources import outline_source
from salzoo.model import canonical_spec
from salzoo.plugins import registry
from salzoo.trained_on import UNKNOWN, TrainedOn


@dataclass(frozen=True)
class Measures:
    """Of a model at one input size.

    Attributes:
        size: (height, width) of the input.
        parameters: how many.
        window: frames that a map depends on where the network looks through windows; 1 without any. What recurrent
            modules remember is no window.
        megabytes: of the weights in float32.
        trained_on: names of the data sets that the weights saw, as far as they are recorded or stated.
        gflops: billions of floating-point operations for a frame, convolutions and products of matrices alone: a
            multiplication with an addition counts as two.
    """

    size: tuple[int, int]
    parameters: int
    window: int
    gflops: float
    megabytes: float
    trained_on: str = ""


def measure(spec: str, size: tuple[int, int] | None = None) -> Measures:
    """Measure the model of a spec, for an input of (height, width), by default the backbone's own. Raises SalzooError
    as ``create_model`` does.

    >>> measure("salgan:width=0.05").window
    1
    """
    model = outline_model(canonical_spec(spec)).eval()
    size = size or model.preprocessing.size
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, 1, 3, *size, device="meta"))
    own = [getattr(module, "length", 1) for module in model.modules_over_time.values()]
    return Measures(
        size=size,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        window=1 + sum(length - 1 for length in own),
        gflops=counter.get_total_flops() / 1e9,
        megabytes=sum(each.numel() * each.element_size() for each in model.state_dict().values()) / 1e6,
    )


def measure_models(pattern: str = "*") -> Iterator[tuple[Listed, Measures]]:
    """The models whose names match a glob, each with its measures at the size that it runs at."""
    found: dict[tuple[str, object], Measures] = {}
    for model in describe_models(pattern):
        spec, preprocessing = outline_source(model.name)
        key = spec, preprocessing and preprocessing.size
        if key not in found:
            found[key] = measure(spec, preprocessing.size if preprocessing else None)
        yield model, replace(found[key], trained_on=_names(_trained_on(model.name, spec)))


def _trained_on(name: str, spec: str) -> TrainedOn:
    folder = folder_at_hand(name)
    if folder is not None:
        return read_config(folder).trained_on
    if load_card(name).trained_on:
        return TrainedOn().and_stated(*load_card(name).trained_on)
    backbone = canonical_spec(spec).backbone
    for entry in registry().entries("converters"):
        if canonical_spec(entry.load().spec).backbone.name == backbone.name:
            return TrainedOn().and_stated(*entry.load().trained_on)
    return UNKNOWN


def _names(trained_on: TrainedOn) -> str:
    sets = [each.name.partition(":")[0] for each in trained_on.sets]
    return ", ".join(dict.fromkeys([*sets, *trained_on.stated])) or ("unknown" if trained_on.unknown else "nothing")
