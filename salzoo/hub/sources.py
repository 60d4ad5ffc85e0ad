"""From what a user calls a model to the model with its weights.

A source is, in this order: the path of a checkpoint folder, the name of a card, either of these with temporal modules
added that have no weights ("RUN+ema:alpha=0.2@output"), a spec that needs no weights, or ``org/repo[@revision]`` on the
Hub. No other than a card's name and the last reaches for the network.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import torch

from salzoo.config import read_config
from salzoo.hub import checkpoint
from salzoo.hub.cards import list_models, load_card, shipped_folder
from salzoo.hub.checkpoint import CONFIG, load_checkpoint, outline_model, weights_hash
from salzoo.hub.places import own_folder
from salzoo.hub.pulling import REPO, Pulled, pull
from salzoo.interfaces import SalzooError
from salzoo.model import SaliencyModel, canonical_spec, create_model
from salzoo.plugins import registry
from salzoo.registry import did_you_mean

DEFAULT_MODEL = "gaze-lite"
"""The zoo's own trained network, whose weights ship with salzoo: what runs where no model is named."""


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
        if str(model.spec) != self.spec:
            model = _add_modules(model, self.spec)
        return model if device is None else model.to(device)


def load_model(source: str | Path, *, device: torch.device | str | None = None) -> SaliencyModel:
    """Load a model with its weights, in evaluation mode.

    >>> str(load_model("center-bias").spec)
    'center-bias'

    Args:
        source: a checkpoint folder's path, a card's name, either of them with temporal modules that have no weights
            ("RUN+ema:alpha=0.2@output"), the spec of a training-free model, or ``org/repo[@revision]`` on the Hub.
        device: where to; the CPU by default.

    Raises:
        SalzooError: when nothing bears this name (with the nearest ones), when its weights are not at hand (with the
            way to get them), or when the folder cannot be loaded.
    """
    return resolve_source(source).load(device)


def names_model(word: str) -> bool:
    """Whether a word names a model: a checkpoint folder, a card, a spec, ``org/repo`` on the Hub. The network is not
    asked; a file, or another folder, that has the name comes first."""
    path = Path(word)
    if path.exists():
        return (path / CONFIG).exists()
    if registry().knows("models", word):
        return True
    base, modules = _split_modules(word)
    if modules and names_model(base):
        return True
    try:
        canonical_spec(word)
    except SalzooError:
        return bool(REPO.fullmatch(word)) and not Path(word).suffix
    return True


def spec_of(source: str) -> str:
    """The spec of what a name means, whether or not its weights are at hand: that of a checkpoint folder or a card,
    else the name itself, which then is a spec or nothing. Raises SalzooError for a folder that is no checkpoint."""
    if os.path.exists(source):
        return _read_spec(Path(source))
    return load_card(source).spec if registry().knows("models", source) else source


def resolve_source(source: str | Path) -> ModelSource:
    """Find what a source means without loading weights. Raises SalzooError as ``load_model`` does."""
    label = os.fspath(source)
    if not label:
        raise SalzooError("a model's name is empty")
    if os.path.exists(label):
        return ModelSource(label, _read_spec(Path(label)), Path(label))
    if registry().knows("models", label):
        name = registry().find("models", label).name
        folder = own_folder(name) or _find_shipped(name)
        folder = pull_model(name).folder if folder is None else folder
        return ModelSource(label, _read_spec(folder), folder)
    base, modules = _split_modules(label)
    if modules:
        found = resolve_source(base)
        return ModelSource(label, str(canonical_spec(f"{found.spec}+{modules}")), found.folder)
    try:
        spec = canonical_spec(label)
    except SalzooError as error:
        tried = f"unknown model {label!r}: no such path, no card and no spec"
        if REPO.fullmatch(label):
            try:
                folder = pull_model(label).folder
            except SalzooError as missing:
                raise SalzooError(f"{tried}, and {missing}") from missing
            return ModelSource(label, _read_spec(folder), folder)
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


def _split_modules(label: str) -> tuple[str, str]:
    """A model with weights and the temporal modules added to it: the longest path or card's name before a "+". Without
    one, the label and nothing."""
    for place in range(len(label) - 1, 0, -1):
        base = label[:place]
        if label[place] == "+" and (os.path.exists(base) or registry().knows("models", base)):
            return base, label[place + 1 :]
    return label, ""


def _add_modules(model: SaliencyModel, spec: str) -> SaliencyModel:
    """The model with the further temporal modules of a spec. Raises SalzooError where they have weights, which the
    model lacks."""
    added = create_model(spec)
    missing = sorted(added.state_dict().keys() - model.state_dict().keys())
    if missing:
        raise SalzooError(f"{spec} needs weights that {model.spec} has not ({missing[0]}): train it with --init")
    added.load_state_dict(model.state_dict())
    added.preprocessing, added.trained_on = model.preprocessing, model.trained_on
    return added.eval()


def _find_shipped(name: str) -> Path | None:
    """The checkpoint folder of a card whose weights ship with salzoo, None for other cards.

    Raises SalzooError where its weights are not those that the card names.
    """
    weights = load_card(name).weights
    if weights is None or weights.repo_id:
        return None
    folder = shipped_folder(name)
    if weights_hash(folder) != weights.sha256:
        raise SalzooError(f"the weights of {name} in {folder} are not those that its card names: install salzoo again")
    return folder


def _read_spec(path: Path) -> str:
    if not path.is_dir():
        raise SalzooError(
            f"{path} is a file, not a checkpoint folder; salzoo convert turns a published weights file into one"
        )
    if not (path / CONFIG).exists():
        raise SalzooError(f"{path} is a folder, but no checkpoint: it has no {CONFIG}")
    return str(checkpoint.read_config(path).spec)


def pull_model(name: str) -> Pulled:
    """Fetch a model from the Hub into its cache: a card's name, or ``org/repo[@revision]``.

    A card's weights are those that it names; where it names none, those of that name in the namespace of the setting
    ``hub.namespace``, if there is one.

    Raises:
        SalzooError: as ``salzoo.hub.pulling.pull`` does, and for a card without weights, with the way to get them.
    """
    if not registry().knows("models", name):
        return pull(name)
    card = load_card(name)
    if card.weights is not None and not card.weights.repo_id:
        raise SalzooError(f"{name} ships with salzoo: use it by its name, there is nothing to pull")
    if card.weights is not None:
        return pull(f"{card.weights.repo_id}@{card.weights.revision}", card.weights.sha256)
    namespace = read_config().get("hub.namespace")
    if namespace:
        return pull(f"{namespace}/{card.name}")
    raise SalzooError(
        f"{name}: its weights are not published for salzoo. The authors published theirs: {card.published}. "
        f"Get that file, turn it into a checkpoint folder with: {card.convert}"
    )
