"""What must hold of a card before it ships."""

import math
import re
import shlex
from urllib.parse import urlsplit

from salzoo.hub.cards import Card, list_models, parse_card, read_card
from salzoo.interfaces import SalzooError
from salzoo.model import canonical_spec, describe_shapes
from salzoo.plugins import registry

RANGES = {"auc_judd": (0, 1), "auc_shuffled": (0, 1), "cc": (-1, 1), "sim": (0, 1), "kld": (0, math.inf)}
"""What a score can be, where it cannot be every number."""


def check_cards() -> dict[str, list[str]]:
    """The problems of every registered card, by its name."""
    problems = {}
    for name in list_models():
        try:
            problems[name] = check_card(name, read_card(name))
        except SalzooError as error:
            problems[name] = [str(error)]
    return problems


def check_card(name: str, text: str) -> list[str]:
    """The problems of a card, a line each; none if it is well.

    Checked are its front matter, that its name is no spec, that the spec is canonical and its model can be built, that
    scores are numbers in their metric's range with a name and a link where they are only reported, and that links are
    well formed.
    """
    try:
        card = parse_card(name, text)
    except SalzooError as error:
        return [str(error)]
    return [*_check_model(card), *_check_results(card), *_check_links(card)]


def _check_model(card: Card) -> list[str]:
    problems = []
    if registry().knows("backbones", card.name):
        problems.append(f"the name {card.name} is a spec too")
    try:
        canonical = str(canonical_spec(card.spec))
        if canonical != card.spec:
            problems.append(f"the spec {card.spec} is not in canonical form, which is {canonical}")
        describe_shapes(card.spec)
    except SalzooError as error:
        problems.append(f"the spec {card.spec} cannot be built: {error}")
    if not card.convert:
        return problems
    try:
        words = shlex.split(card.convert)
    except ValueError as error:
        return [*problems, f"the line {card.convert!r} is no command: {error}"]
    if words[:2] != ["salzoo", "convert"] or "-o" not in words:
        problems.append(f"the line {card.convert!r} does not read 'salzoo convert FILE … -o FOLDER'")
    return problems


def _check_results(card: Card) -> list[str]:
    problems = []
    for result in card.results:
        value, metric = result.metric_value, result.metric_type
        low, high = RANGES.get(metric, (-math.inf, math.inf))
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            problems.append(f"the score {metric} is {value!r}, not a number")
        elif not low <= value <= high:
            problems.append(f"the score {metric} is {value}, outside {low}..{high}")
        if result.source_url is not None and not result.source_name:
            problems.append(f"the score {metric} has a source without a name")
        if result.source_url is not None and not _is_link(result.source_url):
            problems.append(f"the score {metric} has a malformed link: {result.source_url}")
        if result.source_url is not None and result.verified:
            problems.append(f"the score {metric} is only reported, but marked as verified")
    return problems


def _check_links(card: Card) -> list[str]:
    targets = {
        *re.findall(r"\]\(([^)]*)\)", card.text),
        *(link.rstrip(".,;:") for link in re.findall(r"\w*://[^\s<>)\]}\"'`]*", card.text)),
        *(source for source in card.sources if "://" in source),
    }
    return [f"malformed link: {target!r}" for target in sorted(targets) if not _is_link(target)]


def _is_link(text: str) -> bool:
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
    except ValueError:
        return False
    return (
        parts.scheme == "https" and re.fullmatch(r"[\w-]+(\.[\w-]+)+", host) is not None and not re.search(r"\s", text)
    )
