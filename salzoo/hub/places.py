"""Which models there are, and where the weights of each are. Imports neither torch nor OpenCV."""

import os
from dataclasses import dataclass
from pathlib import Path

from salzoo.config import read_config
from salzoo.datasets.files import cache_folder
from salzoo.hub.cards import Card, list_models, load_card, shipped_folder, split_card

CONFIG = "config.json"

VARIABLE = "SALZOO_MODELS"
"""Environment variable that names a folder of checkpoint folders, each with a card's name."""


@dataclass(frozen=True)
class Listed:
    """A model as ``salzoo list models`` shows it.

    Attributes:
        name: of its card.
        spec: of the model.
        scores: of its card's first data set, by metric.
        nss: in words: the first NSS on its card, its data set, and whether it is but reported; "" where there is none.
        weights: where they are.
        source: where the scores come from.
        license: of the weights, as the card's front matter has it.
        place: where they are, in a word or two: "here", the command that fetches them, or "authors' file".
    """

    name: str
    spec: str
    scores: dict[str, float]
    nss: str
    weights: str
    source: str
    license: str
    place: str

    @property
    def here(self) -> bool:
        """Whether the weights are on this machine."""
        return self.place == "here"


def describe_models(pattern: str = "*") -> list[Listed]:
    """The models whose names match a glob, with scores and whether their weights are at hand; asks no network."""
    listed = []
    for name in list_models(pattern):
        card = load_card(name)
        first = card.results[0].dataset_name if card.results else ""
        scores = {each.metric_type: each.metric_value for each in card.results if each.dataset_name == first}
        nss = next((each for each in card.results if each.metric_type == "nss"), None)
        said = f"{nss.metric_value:.2f} {nss.dataset_type}{', reported' if nss.source_name else ''}" if nss else ""
        source = (card.results[0].source_name or "measured with salzoo") if card.results else ""
        licence = split_card(card.text, f"card {card.name}")[0].get("license")
        where = _where(name)
        place = "here" if where.startswith(("ready", "at hand")) else "authors' file"
        place = f"salzoo pull {name}" if f"salzoo pull {name}" in where else place
        listed.append(Listed(name, card.spec, scores, said, where, source, str(licence or "not stated"), place))
    return listed


def own_folder(name: str) -> Path | None:
    """The checkpoint folder of a card's name in the folder that ``$SALZOO_MODELS`` or the setting ``hub.models`` names,
    where there is one."""
    models = os.environ.get(VARIABLE) or read_config().get("hub.models")
    folder = Path(models) / name if models else None
    return folder if folder is not None and (folder / CONFIG).exists() else None


def folder_at_hand(name: str) -> Path | None:
    """The checkpoint folder of a card's name where it is on this machine: one's own, that in salzoo, or in its cache or
    the Hub's. What is in it is not checked."""
    from huggingface_hub import try_to_load_from_cache

    folder = own_folder(name)
    if folder is not None:
        return folder
    card = load_card(name)
    weights = card.weights
    if weights is not None and not weights.repo_id:
        return shipped_folder(name)
    if card.file is not None and (pulled_folder(card) / CONFIG).exists():
        return pulled_folder(card)
    repo = _repository(name)
    found = try_to_load_from_cache(repo, CONFIG, revision=weights.revision if weights else None) if repo else None
    return Path(found).parent if isinstance(found, str) else None


def pulled_folder(card: Card) -> Path:
    """Where ``salzoo pull`` puts what it makes of the file of a card that has one, whether or not it has."""
    assert card.file is not None
    return cache_folder() / "models" / f"{card.name}-{card.file.digest[:12]}"


def _repository(name: str) -> str | None:
    """Where a card's weights are on the Hub, where anybody says so."""
    weights = load_card(name).weights
    namespace = read_config().get("hub.namespace")
    return weights.repo_id if weights else f"{namespace}/{name}" if namespace else None


def _where(name: str) -> str:
    folder = folder_at_hand(name)
    if folder is not None:
        return "ready" if folder == shipped_folder(name) else f"at hand: {folder}"
    if _repository(name) is not None:
        return f"on the Hub: salzoo pull {name}"
    file = load_card(name).file
    if file is not None:
        return f"one command away: salzoo pull {name}; terms of its authors: {file.terms}"
    here = f"; the folder of that name here is ./{name}" if (Path(name) / CONFIG).exists() else ""
    return f"not published; salzoo card {name} says how to convert the authors' file{here}"
