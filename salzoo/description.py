"""What a spec builds, as a table: layers, shapes, parameters, links, landmarks, temporal modules."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from salzoo.interfaces import Link, Preprocessing
from salzoo.model import describe_shapes, resolve_position


@dataclass(frozen=True)
class Row:
    """A position 0..L: a layer, or the end (L).

    Attributes:
        position: its index.
        name: the layer's name; "end" at L.
        shape: (C, H, W) of what leaves the layer for one frame.
        parameters: number of the layer's parameters.
        links: what the layer reads besides the one before it.
        landmarks: names of the position.
        temporal: the temporal module around the layer, with its parameters as the spec has them, or in words where it
            is the network's own; empty without one.
        temporal_parameters: number of that module's parameters.
    """

    position: int
    name: str
    shape: tuple[int, ...]
    parameters: int
    links: tuple[Link, ...] = ()
    landmarks: tuple[str, ...] = ()
    temporal: str = ""
    temporal_parameters: int = 0


@dataclass(frozen=True)
class Description:
    """A model without its weights.

    Attributes:
        spec: the canonical spec.
        size: (height, width) of the frames that the shapes are for.
        rows: a row for each layer, and one for position L if a module or landmark is there.
        parameters: number of all parameters.
        output: what the network gives (``salzoo.interfaces.Output``).
        ends_with_sigmoid: whether a sigmoid brings the maps back to [0, 1] after the last position.
        training_free: whether it works without trained weights.
        preprocessing: what the input must be.
    """

    spec: str
    size: tuple[int, int]
    rows: tuple[Row, ...]
    parameters: int
    output: str
    ends_with_sigmoid: bool
    training_free: bool
    preprocessing: Preprocessing


def describe(
    spec: str, size: tuple[int, int] | None = None, *, preprocessing: Preprocessing | None = None
) -> Description:
    """Describe the model that a spec builds, for frames of a (height, width), by default the model's own.

    No weights are made and nothing is computed. Raises SalzooError as ``create_model`` does.

    Args:
        spec: the model.
        size: of the frames.
        preprocessing: what the model's input is, where it was trained at another size than the backbone's own.

    >>> describe("salgan+ema:alpha=0.3@-1").rows[61].temporal
    'ema:alpha=0.3'
    """
    if size is None:
        size = (preprocessing or describe_shapes(spec)[0].preprocessing).size
    model, shapes = describe_shapes(spec, size)
    backbone = model.backbone
    temporal = {i: _in_words(layer.temporal) for i, layer in enumerate(backbone.layers) if layer.temporal is not None}
    for placed in model.spec.temporal:
        temporal[resolve_position(backbone, placed.position)] = str(placed.component)
    modules = model.modules_over_time

    def row(position: int, name: str, shape: Sequence[int], parameters: int, links: tuple[Link, ...] = ()) -> Row:
        marks = tuple(name for name, at in backbone.landmarks.items() if at == position)
        if position not in temporal:
            return Row(position, name, tuple(shape), parameters, links, marks)
        count = _parameters(modules[position])
        return Row(position, name, tuple(shape), parameters, links, marks, temporal[position], count)

    rows = [
        row(i, layer.name, shape, _parameters(layer.module), layer.links)
        for i, (layer, shape) in enumerate(zip(backbone.layers, shapes, strict=True))
    ]
    end = row(len(rows), "end", shapes[-1], 0)
    if end.temporal or end.landmarks:
        rows.append(end)
    return Description(
        spec=str(model.spec),
        size=size,
        rows=tuple(rows),
        parameters=_parameters(model),
        output=backbone.output,
        ends_with_sigmoid=model.ends_with_sigmoid,
        training_free=backbone.training_free,
        preprocessing=preprocessing or backbone.preprocessing,
    )


def _in_words(module: nn.Module) -> str:
    return f"{type(module).__name__}({module.extra_repr()}), its own"


def _parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
