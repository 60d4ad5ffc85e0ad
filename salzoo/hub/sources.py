"""From what a user calls a model to the model with its weights.

A source is, in this order: the path of a checkpoint folder, the name of a card, or a spec that needs no weights.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import torch

from salzoo.hub.cards import list_models, load_card
from salzoo.hub.checkpoint import CONFIG, load_checkpoint, outline_model, read_config, weights_hash
from salzoo.interfaces import SalzooError
from salzoo.model import SaliencyModel, canonical_spec, create_model
from salzoo.plugins import registry
from salzoo.registry import did_you_mean


@dataclass(frozen=True)
class ModelSource:
    """Where a model comes from.

    Attributes:
        label: what the user called it.
        spec: its canonical spec.
        folder: its checkpoint folder; None where the spec needs no weights.
    """

    label: str
    spec: str
    folder: Path | None

    @property
    def weights_sha256(self) -> str | None:
        """sha256 of the weights file, None where there is none."""
        return None if self.folder is None else weights_hash(self.folder)

    def load(self, device: torch.device | str | None = None) -> SaliencyModel:
        """The model in evaluation mode, on a device (the CPU by default)."""
        model = create_model(self.spec).eval() if self.folder is None else load_checkpoint(self.folder)
        return model if device is None else model.to(device)


def load_model(source: str | Path, *, device: torch.device | str | None = None) -> SaliencyModel:
    """Load a model with its weights, in evaluation mode.

    >>> str(load_model("center-bias").spec)
    'center-bias'

    Args:
        source: a checkpoint folder's path, a card's name, or the spec of a training-free model.
        device: where to; the CPU by default.

    Raises:
        SalzooError: when nothing bears this name (with the nearest ones), when its weights are not at hand (with the
            way to get them), or when the folder cannot be loaded.
    """
    return resolve_source(source).load(device)


def resolve_source(source: str | Path) -> ModelSource:
    """Find what a source means without loading weights. Raises SalzooError as ``load_model`` does."""
    label = os.fspath(source)
    if not label:
        raise SalzooError("a model's name is empty")
    if os.path.exists(label):
        return ModelSource(label, _read_spec(Path(label)), Path(label))
    if registry().knows("models", label):
        raise SalzooError(_where_weights_are(label))
    try:
        spec = canonical_spec(label)
    except SalzooError as error:
        tried = f"unknown model {label!r}: no such path, no card and no spec"
        if "/" in label:
            raise SalzooError(tried) from error
        if any(character in label for character in "+:@"):
            raise  # nothing but a spec is written like that, so its own error says it best
        known = [*list_models(), *(name for e in registry().entries("backbones") for name in (e.name, *e.aliases))]
        raise SalzooError(f"{tried}{did_you_mean(label, known)}") from error
    outline = outline_model(spec)
    if not outline.backbone.training_free or outline.temporal.state_dict():
        raise SalzooError(
            f"{spec} is a spec without weights: train it (salzoo train {spec}) or give a checkpoint folder"
        )
    return ModelSource(label, str(spec), None)


def _read_spec(path: Path) -> str:
    if not path.is_dir():
        raise SalzooError(
            f"{path} is a file, not a checkpoint folder; salzoo convert turns a published weights file into one"
        )
    if not (path / CONFIG).exists():
        raise SalzooError(f"{path} is a folder, but no checkpoint: it has no {CONFIG}")
    return str(read_config(path)[0])


def _where_weights_are(name: str) -> str:
    card = load_card(name)
    if card.weights is not None:
        where = f"{card.weights.repo_id} on the Hub, revision {card.weights.revision}"
        return f"{name}: its weights are not here but in {where}: fetch that folder and give its path"
    return (
        f"{name}: its weights are not published for salzoo. The authors published theirs: {card.published}. "
        f"Get that file, turn it into a checkpoint folder with: {card.convert}"
    )
