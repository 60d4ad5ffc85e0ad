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
from salzoo.trained_on import UNKNOWN, TrainedOn


@dataclass(frozen=True)
class Declared:
    """A file's tensors by the model's names, as a declaration has them.

    Attributes:
        weights: the declaration.
        converter: its registered name.
        tensors: by the model's names.
        keys: what the file calls them.
        ignored: what else is in the file.
    """

    weights: PublishedWeights
    converter: str
    tensors: dict[str, Tensor]
    keys: dict[str, str]
    ignored: tuple[str, ...]

    def build(self, path: Path, spec: str | None = None) -> SaliencyModel:
        """The model with these tensors. Raises SalzooError for the first that is missing, in excess or of another
        shape, and for a spec of another backbone than the declaration's."""
        wanted, declared = canonical_spec(spec or self.weights.spec), canonical_spec(self.weights.spec)
        if wanted.backbone.name != declared.backbone.name:
            raise SalzooError(f"{path} holds weights of {declared}, not of {wanted}: leave --spec out")
        model = build_model(wanted, self.tensors, outline_model(wanted), str(path), self.keys)
        stated = self.weights.trained_on
        model.trained_on = TrainedOn().and_stated(*stated) if stated else UNKNOWN
        return model


def find_declaration(record: Any) -> Declared | None:
    """The declaration that fits what a file holds, None where none does: that which knows most of the file's tensors,
    and at least nine of ten."""
    found = [_match(entry.name, entry.load(), record) for entry in registry().entries("converters")]
    fitting = [each for each in found if each is not None]
    return max(fitting, key=lambda each: len(each.tensors), default=None)


def _match(name: str, weights: Any, record: Any) -> Declared | None:
    if not isinstance(weights, PublishedWeights):
        raise SalzooError(f"converter {name!r} is a {type(weights).__name__}, not a salzoo PublishedWeights")
    wrapper = weights.wrapper or ("state_dict" if isinstance(record, Mapping) and "state_dict" in record else "")
    held = record.get(wrapper) if wrapper and isinstance(record, Mapping) else record
    if not isinstance(held, Mapping):
        return None
    tensors: dict[str, Tensor] = {}
    keys: dict[str, str] = {}
    others = 0
    ignored = [str(key) for key in record if key != wrapper] if wrapper else []
    for key, value in held.items():
        if not (isinstance(key, str) and isinstance(value, Tensor)) or _is_ignored(key, weights):
            ignored.append(str(key))
            continue
        new = weights.rename(key)
        if new is None or new in tensors:
            others += 1
            ignored.append(key)
            continue
        if value.layout != torch.strided:
            return None
        tensors[new], keys[new] = value.detach(), key
    if not tensors or others > (others + len(tensors)) / 10:
        return None
    return Declared(weights, name, tensors, keys, tuple(ignored))


def _is_ignored(key: str, weights: PublishedWeights) -> bool:
    return any(fnmatch.fnmatchcase(key.removeprefix("module."), glob) for glob in weights.ignored)
