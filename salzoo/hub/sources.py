"""From what a user calls a model to the model with its weights.

A source is, in this order: the name of a card, the path of a checkpoint folder, either of these with temporal modules
behind it that have no weights, a spec that needs no weights, or ``org/repo[@revision]`` on the Hub. A folder that has a
card's name is written ``./name``. No other than a card's name and the last reaches for the network.

``gaze-lite+ema:tau=0.2@output`` is the model of that name with this module at that place, whatever stood there before;
``gaze-lite+none@output`` is the model without the one that stands there.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import torch

from salzoo.config import read_config
from salzoo.hub import checkpoint
from salzoo.hub.cards import Card, list_models, load_card, shipped_folder
from salzoo.hub.checkpoint import CONFIG, load_checkpoint, outline_model, weights_hash
from salzoo.hub.fetching import fetched_folder
from salzoo.hub.places import folder_at_hand, own_folder
from salzoo.hub.pulling import REPO, Pulled, pull
from salzoo.interfaces import Preprocessing, SalzooError
from salzoo.model import SaliencyModel, canonical_spec, create_model, resolve_position
from salzoo.plugins import registry
from salzoo.registry import ELSEWHERE, NAME, did_you_mean
from salzoo.spec import Component, Placed, Spec, parse_spec
from salzoo.temporal.ema import EMA

DEFAULT_MODEL = "gaze-lite"
"""The zoo's own trained network, whose weights ship with salzoo: what runs where no model is named."""

NONE = "none"
"""What stands for a temporal module behind a model's name to take the one there off."""


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
            model = _recompose(model, self.spec)
        return model if device is None else model.to(device)


def load_model(source: str | Path, *, device: torch.device | str | None = None) -> SaliencyModel:
    """Load a model with its weights, in evaluation mode.

    >>> str(load_model("center-bias").spec)
    'center-bias'

    Args:
        source: a card's name, a checkpoint folder's path, either of them with temporal modules that have no weights
            ("gaze-lite+ema:tau=0.2@output"; "gaze-lite+none@output" takes the one there off), the spec of a
            training-free model, or ``org/repo[@revision]`` on the Hub. A ``Path`` is never a card's name.
        device: where to; the CPU by default.

    Raises:
        SalzooError: when nothing bears this name (with the nearest ones), when its weights are not at hand (with the
            way to get them), or when the folder cannot be loaded.
    """
    return resolve_source(source).load(device)


def names_model(word: str) -> bool:
    """Whether a word names a model: a card, a checkpoint folder, a spec, ``org/repo`` on the Hub. The network is not
    asked; a file, or another folder, is no model, unless it has a card's name."""
    base, _ = split_modules(word)
    if registry().knows("models", base):
        return True
    if os.path.exists(base):
        return (Path(base) / CONFIG).exists()
    try:
        canonical_spec(word)
    except SalzooError:
        return bool(REPO.fullmatch(word)) and not Path(word).suffix
    return True


def outline_source(source: str) -> tuple[str, Preprocessing | None]:
    """The spec of what a name means, whether or not its weights are at hand, and what its input is, None where that is
    the backbone's own or not known without the weights. Raises SalzooError for a folder that is no checkpoint."""
    base, modules = split_modules(source)
    if registry().knows("models", base):
        folder = folder_at_hand(registry().find("models", base).name)
        spec, preprocessing = (load_card(base).spec, None) if folder is None else _read_config(folder)
    elif os.path.exists(base):
        spec, preprocessing = _read_config(Path(base))
    else:
        return source, None
    return _compose(spec, base, modules), preprocessing


def resolve_source(source: str | Path) -> ModelSource:
    """Find what a source means without loading weights. Raises SalzooError as ``load_model`` does."""
    label = os.fspath(source)
    if not label:
        raise SalzooError("a model's name is empty")
    base, modules = (label, "") if isinstance(source, Path) else split_modules(label)
    if registry().knows("models", base) and not isinstance(source, Path):
        folder = _find_weights(registry().find("models", base).name)
    elif os.path.exists(base):
        folder = Path(base)
    else:
        return _resolve_spec(label)
    return ModelSource(label, _compose(_read_config(folder)[0], base, modules), folder)


def _resolve_spec(label: str) -> ModelSource:
    """What a name means that is neither a card's nor a path: a spec, or a repository on the Hub."""
    try:
        spec = canonical_spec(label)
    except SalzooError as error:
        tried = f"unknown model {label!r}: no card, no such path and no spec"
        if REPO.fullmatch(label):
            try:
                folder = pull_model(label).folder
            except SalzooError as missing:
                raise SalzooError(f"{tried}, and {missing}") from missing
            return ModelSource(label, _read_config(folder)[0], folder)
        if "/" in label:
            raise SalzooError(tried) from error
        if any(character in label for character in "+:@") or label in ELSEWHERE["backbones"]:
            raise  # nothing but a spec is written like that, or a package has it: its own error says it best
        known = [*list_models(), *(name for e in registry().entries("backbones") for name in (e.name, *e.aliases))]
        raise SalzooError(f"{tried}{did_you_mean(label, known)}") from error
    outline = outline_model(spec)
    if not outline.backbone.training_free or outline.temporal.state_dict():
        published = ", ".join(card.name for card in published_cards(spec.backbone.name))
        named = f"; its authors published some: salzoo pull NAME, then that NAME, of {published}" if published else ""
        raise SalzooError(
            f"{spec} is a spec without weights: train it (salzoo train {spec}) or give a checkpoint folder{named}"
        )
    return ModelSource(label, str(spec), None)


def split_modules(label: str) -> tuple[str, str]:
    """A model with weights and the temporal modules behind it: the longest card's name before a "+" or the end, else
    the longest path. Where there is neither, the label and nothing."""
    ends = [len(label), *(place for place in range(len(label) - 1, 0, -1) if label[place] == "+")]
    for is_there in (lambda name: registry().knows("models", name), os.path.exists):
        for end in ends:
            if is_there(label[:end]):
                return label[:end], label[end + 1 :]
    return label, ""


def _compose(spec: str, name: str, modules: str) -> str:
    """The spec of a model with the modules behind its name: where one stands already it is replaced, or taken off.

    Raises SalzooError for what is no module, and for two at one position.
    """
    if not modules:
        return spec
    named = f"{name if NAME.fullmatch(name) else 'MODEL'}+{modules}"
    base, given = canonical_spec(spec), parse_spec(named).temporal
    backbone = outline_model(base).backbone
    changes = {resolve_position(backbone, placed.position): placed for placed in given}
    if len(changes) < len(given):
        raise SalzooError(f"{named}: two modules at one position")
    placed: list[Placed] = []
    for stands in base.temporal:
        placed.append(changes.pop(resolve_position(backbone, stands.position), stands))
    for added in changes.values():
        if str(added.component) == NONE:
            raise SalzooError(f"{named}: {base} has no module at {added.position} to take off")
        placed.append(added)
    left = tuple(each for each in placed if str(each.component) != NONE)
    return str(canonical_spec(Spec(base.backbone, left)))


def seeing_one_in(model: SaliencyModel, every: int) -> SaliencyModel:
    """The model for a video of which it sees one frame in so many: averages whose weight is a constant of each frame
    (``ema:alpha``) keep their length in time."""
    placed = []
    for stands in model.spec.temporal:
        module, params = model.temporal[str(resolve_position(model.backbone, stands.position))], stands.component.params
        if isinstance(module, EMA) and not module.timed and module.alpha is None:
            longer = {**dict(params), "alpha": 1 - (1 - module.constant) ** every}
            stands = Placed(Component(stands.component.name, tuple(sorted(longer.items()))), stands.position)
        placed.append(stands)
    spec = Spec(model.spec.backbone, tuple(placed))
    return model if spec == model.spec else _recompose(model, str(spec)).to(model.device)


def _recompose(model: SaliencyModel, spec: str) -> SaliencyModel:
    """The model with the temporal modules of another spec. Raises SalzooError where the model has not the weights of
    one of these."""
    changed = create_model(spec)
    ours, theirs = (
        {resolve_position(each.backbone, t.position): str(t.component) for t in each.spec.temporal}
        for each in (model, changed)
    )
    others = tuple(f"temporal.{place}." for place in {**ours, **theirs} if ours.get(place) != theirs.get(place))
    given = {name: tensor for name, tensor in model.state_dict().items() if not name.startswith(others)}
    missing = sorted(changed.state_dict().keys() - given.keys())
    if missing:
        raise SalzooError(f"{spec} needs weights that {model.spec} has not ({missing[0]}): train it with --init")
    changed.load_state_dict(given)
    changed.preprocessing, changed.trained_on = model.preprocessing, model.trained_on
    return changed.eval()


def _find_weights(name: str) -> Path:
    """The checkpoint folder of a card, fetched where it is not at hand.

    Raises SalzooError where it cannot be had, and where what ships with salzoo is not what its card names.
    """
    folder = own_folder(name)
    if folder is not None:
        return folder
    weights = load_card(name).weights
    if weights is not None and not weights.repo_id:
        folder = shipped_folder(name)
        if weights_hash(folder) != weights.sha256:
            raise SalzooError(
                f"the weights of {name} in {folder} are not those that its card names: install salzoo again"
            )
        return folder
    folder = fetched_folder(name)
    if folder is not None:
        return folder
    try:
        return pull_model(name).folder
    except SalzooError as error:
        if not (Path(name) / CONFIG).exists():
            raise
        raise SalzooError(f"{error} (The folder of that name here is ./{name})") from error


def _read_config(path: Path) -> tuple[str, Preprocessing]:
    if not path.is_dir():
        raise SalzooError(
            f"{path} is a file, not a checkpoint folder; salzoo convert turns a published weights file into one"
        )
    if not (path / CONFIG).exists():
        raise SalzooError(f"{path} is a folder, but no checkpoint: it has no {CONFIG}")
    config = checkpoint.read_config(path)
    return str(config.spec), config.preprocessing


def pull_model(name: str) -> Pulled:
    """Fetch a model from the Hub into its cache: a card's name, or ``org/repo[@revision]``.

    A card's weights are those that it names; where it names none, those of that name in the namespace of the setting
    ``hub.namespace``, if there is one.

    Raises:
        SalzooError: as ``salzoo.hub.pulling.pull`` does, and for a card without weights there, with the way to get
            them.
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
    if card.file is not None:
        raise SalzooError(
            f"the weights of {name} are not here yet: salzoo pull {name} fetches them from {card.file.where} (terms of "
            f"its authors: {card.file.terms})"
        )
    raise SalzooError(
        f"{name}: its weights are not published for salzoo. The authors published theirs: {card.published}. "
        f"Get that file, turn it into a checkpoint folder with: {card.convert}"
    )


def published_cards(name: str) -> list[Card]:
    """The cards whose weights ``salzoo pull`` makes of a file of their authors: that of a name, or all of a backbone's;
    none where there are no such."""
    known = registry()
    if known.knows("models", name):
        return [card for card in (load_card(known.find("models", name).name),) if card.file is not None]
    if REPO.fullmatch(name):
        return []
    if not known.knows("backbones", name):
        known.find("backbones" if name in ELSEWHERE["backbones"] else "models", name)  # raises, and names what is near
    cards = [card for card in map(load_card, list_models()) if card.file is not None]
    return [card for card in cards if parse_spec(card.spec).backbone.name == name]
