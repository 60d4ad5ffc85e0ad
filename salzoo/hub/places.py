"""Which models there are, and where the weights of each are. Imports neither torch nor OpenCV."""

import os
from dataclasses import dataclass
from pathlib import Path

from salzoo.config import read_config
from salzoo.hub.cards import list_models, load_card, split_card

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
        weights: where they are.
        source: where the scores come from.
        license: of the weights, as the card's front matter has it.
    """

    name: str
    spec: str
    scores: dict[str, float]
    weights: str
    source: str
    license: str


def describe_models(pattern: str = "*") -> list[Listed]:
    """The models whose names match a glob, with scores and whether their weights are at hand; asks no network."""
    listed = []
    for name in list_models(pattern):
        card = load_card(name)
        first = card.results[0].dataset_name if card.results else ""
        scores = {each.metric_type: each.metric_value for each in card.results if each.dataset_name == first}
        source = (card.results[0].source_name or "measured with salzoo") if card.results else ""
        licence = split_card(card.text)[0].get("license")
        listed.append(Listed(name, card.spec, scores, _where(name), source, str(licence or "not stated")))
    return listed


def own_folder(name: str) -> Path | None:
    """The checkpoint folder of a card's name in the folder that ``$SALZOO_MODELS`` or the setting ``hub.models`` names,
    where there is one."""
    models = os.environ.get(VARIABLE) or read_config().get("hub.models")
    folder = Path(models) / name if models else None
    return folder if folder is not None and (folder / CONFIG).exists() else None


def _where(name: str) -> str:
    from huggingface_hub import try_to_load_from_cache

    if (Path(name) / CONFIG).exists():
        return f"at hand: {name}"
    folder = own_folder(name)
    if folder is not None:
        return f"at hand: {folder}"
    weights = load_card(name).weights
    if weights is not None and not weights.repo_id:
        return "ready"
    namespace = read_config().get("hub.namespace")
    repo = weights.repo_id if weights else f"{namespace}/{name}" if namespace else None
    if repo is None:
        return f"not published; salzoo card {name} says how to convert the authors' file"
    cached = try_to_load_from_cache(repo, CONFIG, revision=weights.revision if weights else None)
    return f"at hand: {Path(cached).parent}" if isinstance(cached, str) else f"on the Hub: salzoo pull {name}"
