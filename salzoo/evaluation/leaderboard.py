"""The leaderboard of a data set: all models at hand, the baselines and bounds, and what the cards report beside it."""

import functools
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass

from salzoo.evaluation.humans import knows_people, score_humans
from salzoo.evaluation.models import baselines, default_workers, score_model
from salzoo.evaluation.partial import Partial
from salzoo.evaluation.relative import add_relative
from salzoo.evaluation.reported import NOTE, WITHDRAWN, Reported, reported_on_cards
from salzoo.evaluation.results import Result, heading, number, results_json
from salzoo.evaluation.tables import format_table
from salzoo.evaluation.tasks import Scoring, keep_scores, prepare, score_gold
from salzoo.hub.cards import list_models
from salzoo.hub.sources import ModelSource, resolve_source
from salzoo.interfaces import SalzooError
from salzoo.model import SaliencyModel
from salzoo.plugins import registry
from salzoo.prediction.engines.engine import EXACT, RunOptions
from salzoo.runtime.devices import share_cores
from salzoo.runtime.pool import worker_pool
from salzoo.runtime.ranks import this_rank

FITTED = ("center-bias", "spectral-residual")
"""Training-free models that ``baselines`` gives, the center bias fitted."""


@dataclass(frozen=True)
class Leaderboard:
    """Measured and reported scores on a split.

    Attributes:
        results: measured: the models at hand, the baselines, and the density map scored against itself.
        reported: what the cards report on the data set, withdrawn scores included and marked.
        not_scored: models that could not be scored: name, and why and what to do.
    """

    results: list[Result]
    reported: list[Reported]
    not_scored: dict[str, str]


def leaderboard(
    scoring: Scoring, *, workers: int | None = None, how: RunOptions = EXACT, partial: Partial | None = None
) -> Leaderboard:
    """Score all that is at hand: cards whose checkpoint folder lies here under the card's name, training-free models.

    Arguments are those of ``salzoo.evaluation.models.evaluate``. A model that fails is listed with the reason.
    """
    where = how.place()
    share_cores()
    sources, not_scored = _find_sources()
    task = prepare(scoring)
    workers = default_workers(workers, where)
    contenders: list[tuple[str, Callable[[], SaliencyModel]]] = [
        *((source.label, functools.partial(source.load, where)) for source in sources),
        *((label, functools.partial(model.to, where)) for label, model in baselines(task)),
    ]
    results = []
    asked = {"device": where.type, "engine": EXACT.engine, "precision": EXACT.precision}
    with keep_scores(task, partial, **asked) as task, worker_pool(task.scorer.score, workers) as pool:
        for label, load in contenders:
            try:
                results.append(score_model(task, load(), label, pool))
            except SalzooError as error:
                if this_rank().size > 1:  # the other ranks wait for this one's scores: end them all
                    raise
                not_scored[label] = str(error)
        if "density" in task.scorer.kinds:
            results.append(score_gold(task, pool))
        if knows_people(task):
            results += score_humans(task, pool)
    if scoring.relative:
        results = add_relative(results)
    return Leaderboard(results, reported_on_cards(task.dataset), not_scored)


def _find_sources() -> tuple[list[ModelSource], dict[str, str]]:
    sources: list[ModelSource] = []
    free: list[ModelSource] = []
    not_scored: dict[str, str] = {}
    for name in list_models():
        try:
            sources.append(resolve_source(name))
        except SalzooError as error:
            not_scored[name] = str(error).removeprefix(f"{name}: ")
    for entry in registry().entries("backbones"):
        if entry.name in FITTED:
            continue
        with suppress(SalzooError):  # a network without weights is no model yet
            free.append(resolve_source(entry.name))
    return sources + free, not_scored


def format_leaderboard(board: Leaderboard) -> str:
    """The leaderboard as text: measured scores with their intervals and what must be said of them, reported ones with
    their status, and what could not be scored."""
    lines = [format_table(board.results, intervals=True)]
    if board.reported:
        lines += ["", "reported on the cards", *_reported_rows(board.results[0].metrics, board.reported)]
        lines += [WITHDRAWN] if any(row.withdrawn for row in board.reported) else []
        lines.append(NOTE)
    if board.not_scored:
        lines += ["", "not scored:", *(f"  {name}: {reason}" for name, reason in board.not_scored.items())]
    return "\n".join(lines)


def _reported_rows(metrics: Sequence[str], rows: Sequence[Reported]) -> list[str]:
    labels = [f"{row.card}: {row.model}" for row in rows]
    width = max(len("model"), *map(len, labels))
    columns = {metric: max(9, 2 + len(heading(metric))) for metric in metrics}
    lines = [f"{'model':{width}}" + "".join(f"{heading(m):>{w}}" for m, w in columns.items()) + "  status"]
    for label, row in zip(labels, rows, strict=True):
        cells = "".join(f"{number(row.scores[m], 3) if m in row.scores else '–':>{w}}" for m, w in columns.items())
        lines.append(f"{label:{width}}{cells}  {row.status}")
    return lines


def leaderboard_json(board: Leaderboard, command: str = "") -> str:
    """The leaderboard as JSON text: a results file with "reported" and "not_scored" beside the results."""
    reported = [asdict(row) for row in board.reported]
    return results_json(board.results, command, reported=reported, not_scored=board.not_scored)
