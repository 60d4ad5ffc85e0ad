"""Finding the declaration of published weights that a file fits (``salzoo.interfaces.PublishedWeights``)."""

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from salzoo.hub.checkpoint import build_model, outline_model
from salzoo.interfaces import PublishedWeights, SalzooError
from salzoo.model import SaliencyModel, canonical_spec
from salzoo.plugins import registry
from salzoo.spec import Spec
from salzoo.trained_on import UNKNOWN, TrainedOn

KNOWN, NEAR = 0.9, 0.3
"""Share of a file's tensors that a declaration knows where it fits, and where it is worth to be named."""


@dataclass(frozen=True)
class Declared:
    """A file's tensors by the model's names, as a declaration has them.

    Attributes:
        weights: the declaration.
        converter: its registered name.
        tensors: by the model's names.
        keys: what the file calls them.
        ignored: what else is in the file.
        share: how many of the file's tensors the declaration knows, 0 to 1.
    """

    weights: PublishedWeights
    converter: str
    tensors: dict[str, Tensor]
    keys: dict[str, str]
    ignored: tuple[str, ...]
    share: float

    @property
    def backbone(self) -> str:
        """Name of the backbone that the declaration is of."""
        return canonical_spec(self.weights.spec).backbone.name

    def build(self, path: Path, spec: str | None = None) -> SaliencyModel:
        """The model with these tensors. Raises SalzooError for the first that is missing, in excess or of another
        shape."""
        wanted = canonical_spec(spec or self.weights.spec)
        outline = outline_model(wanted)
        model = build_model(wanted, as_types(self.tensors, outline), outline, str(path), self.keys)
        stated = self.weights.trained_on
        model.trained_on = TrainedOn().and_stated(*stated) if stated else UNKNOWN
        return model

    def fits(self, spec: Spec | None) -> bool:
        """Whether every tensor has the shape that the model needs."""
        wanted = outline_model(spec or canonical_spec(self.weights.spec)).state_dict()
        return wanted.keys() == self.tensors.keys() and all(
            tensor.shape == wanted[name].shape for name, tensor in self.tensors.items()
        )


def find_declaration(record: Any, spec: Spec | None) -> Declared | None:
    """The declaration that fits what a file holds, None where none does: of those that know at least nine of ten of the
    file's tensors, and are of the spec's backbone where one is named, that whose model has these shapes, else that
    which knows most."""
    found = [_match(entry.name, entry.load(), record) for entry in registry().entries("converters")]
    fitting = [each for each in found if each is not None and each.share >= KNOWN]
    fitting = [each for each in fitting if spec is None or each.backbone == spec.backbone.name]
    fitting.sort(key=lambda each: len(each.tensors), reverse=True)
    if len(fitting) < 2:
        return fitting[0] if fitting else None
    return next((each for each in fitting if each.fits(spec)), fitting[0])


def describe_nearest(record: Any) -> str:
    """What a file that no declaration fits holds, and which declaration comes near, as the end of a message."""
    _, wrapper = unwrap(record)
    held = f"; its tensors are in {wrapper!r}" if wrapper else ""
    found = [_match(entry.name, entry.load(), record) for entry in registry().entries("converters")]
    near = max((each for each in found if each is not None), key=lambda each: each.share, default=None)
    if near is None or near.share < NEAR:
        return held
    if near.share >= KNOWN:
        return f"{held}; converter {near.converter} reads it as {near.weights.spec}: leave --spec out"
    unknown = ", ".join(near.ignored[:2])
    return f"{held}; converter {near.converter} knows {near.share:.0%} of them, but not all (such as {unknown})"


def as_types(tensors: Mapping[str, Tensor], outline: SaliencyModel) -> dict[str, Tensor]:
    """Tensors with floating-point numbers of another precision, as files in half precision hold, in the model's."""
    wanted = outline.state_dict()
    return {
        name: tensor.to(wanted[name].dtype)
        if name in wanted and tensor.is_floating_point() and wanted[name].is_floating_point()
        else tensor
        for name, tensor in tensors.items()
    }


def unwrap(record: Any, wrapper: str = "") -> tuple[Any, str]:
    """The tensors of a file by name, and the entry that they are in ("" where the file is these tensors): that of the
    wrapper's name, "state_dict", or the only one that holds tensors by name."""
    if not isinstance(record, Mapping):
        return record, ""
    for name in (wrapper, "state_dict"):
        if name and isinstance(record.get(name), Mapping):
            return record[name], name
    if any(isinstance(value, Tensor) for value in record.values()):
        return record, ""
    inside = [key for key, value in record.items() if isinstance(key, str) and _holds_tensors(value)]
    return (record[inside[0]], inside[0]) if len(inside) == 1 else (record, "")


def _holds_tensors(value: Any) -> bool:
    # An optimiser's state has tensors too, but deeper.
    return isinstance(value, Mapping) and any(isinstance(each, Tensor) for each in value.values())


def _match(name: str, weights: Any, record: Any) -> Declared | None:
    if not isinstance(weights, PublishedWeights):
        raise SalzooError(f"converter {name!r} is a {type(weights).__name__}, not a salzoo PublishedWeights")
    held, wrapper = unwrap(record, weights.wrapper)
    if not isinstance(held, Mapping):
        return None
    tensors: dict[str, Tensor] = {}
    keys: dict[str, str] = {}
    others: list[str] = []
    ignored = [str(key) for key in record if key != wrapper] if wrapper else []
    for key, value in held.items():
        if not (isinstance(key, str) and isinstance(value, Tensor)) or _is_ignored(key, weights):
            ignored.append(str(key))
            continue
        new = weights.rename(key)
        if new is None or new in tensors:
            others.append(key)
            continue
        if value.layout != torch.strided:
            return None
        tensors[new], keys[new] = value.detach(), key
    if not tensors:
        return None
    share = len(tensors) / (len(tensors) + len(others))
    return Declared(weights, name, tensors, keys, (*others, *ignored), share)


def _is_ignored(key: str, weights: PublishedWeights) -> bool:
    return any(fnmatch.fnmatchcase(key.removeprefix("module."), glob) for glob in weights.ignored)
