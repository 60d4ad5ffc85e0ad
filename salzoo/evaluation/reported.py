"""The scores that a card reports, with what it says of where they stand: "reported (README of April 2019)"."""

import re
from contextlib import suppress
from dataclasses import dataclass

from salzoo.evaluation.results import HEADINGS
from salzoo.hub.cards import Card, list_models, load_card
from salzoo.interfaces.errors import SalzooError
from salzoo.plugins import registry

NOTE = "Reported scores were computed by their authors' code, which need not agree with this protocol."
WITHDRAWN = "Withdrawn scores were blanked by their authors a week after they appeared: do not quote them."

SECTION = "## Reported results"


@dataclass(frozen=True)
class Reported:
    """One row of reported scores.

    Attributes:
        card: name of the card.
        model: what the source calls the model.
        scores: by the metric's registered name.
        status: source and date, and whether the scores were withdrawn.
    """

    card: str
    model: str
    scores: dict[str, float]
    status: str

    @property
    def withdrawn(self) -> bool:
        """Whether its authors withdrew these scores."""
        return "withdrawn" in self.status


def reported_scores(card: Card, dataset: str) -> list[Reported]:
    """The scores that a card reports on a data set.

    They are the rows of the tables in its section "Reported results", where that section speaks of the data set, and
    the scores of its model-index that stand in no such row.
    """
    section = card.body.partition(SECTION)[2].partition("\n## ")[0]
    words = re.findall("[a-z0-9]+", re.sub("[-_]", "", section.lower()))
    spoken_of = dataset in words and registry().knows("datasets", dataset)  # one's own may be called "set", or "test"
    rows = _table_rows(card.name, section) if spoken_of else []
    indexed: dict[str, dict[str, float]] = {}
    for result in card.results:
        if result.dataset_type == dataset and result.source_name and result.metric_type in HEADINGS:
            indexed.setdefault(result.source_name, {})[result.metric_type] = float(result.metric_value)
    known = [row.scores for row in rows]
    return rows + [Reported(card.name, card.name, scores, s) for s, scores in indexed.items() if scores not in known]


def reported_on_cards(dataset: str) -> list[Reported]:
    """What all cards report of a data set, but those that cannot be read: ``salzoo cards check`` says what is wrong."""
    rows: list[Reported] = []
    for name in list_models():
        with suppress(SalzooError):
            rows += reported_scores(load_card(name), dataset)
    return rows


def _table_rows(card: str, section: str) -> list[Reported]:
    names = {title: metric for metric, title in HEADINGS.items()}
    rows: list[Reported] = []
    columns: list[str] = []
    for line in section.splitlines():
        if not line.startswith("|"):
            columns = []
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not columns:
            columns = cells
        elif len(cells) == len(columns) and not set(line) <= set("|-: "):
            row = dict(zip(columns, cells, strict=True))
            scores = {names[title]: float(cell) for title, cell in row.items() if title in names and _is_number(cell)}
            if scores:
                rows.append(Reported(card, cells[0], scores, row.get("status", "reported").replace("**", "")))
    return rows


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?", text) is not None
