"""Results as an evaluation would have made them."""

import dataclasses
from pathlib import Path

import numpy as np

from salzoo.evaluation.predictions import prepare_maps, score_maps
from salzoo.evaluation.results import Result, summarise
from salzoo.evaluation.tasks import Scoring
from salzoo.runtime.pool import worker_pool

HOSTILE = "<script>alert('x')</script>\"'&amp; \u05e9\u05dc\u05d5\u05dd \u202egnp " + "long" * 120
METRICS = ("auc_judd", "nss", "kld")


def make_result(
    model: str, shift: float = 0.0, metrics: tuple[str, ...] = METRICS, videos: int = 12, **changes: object
) -> Result:
    random = np.random.default_rng(1)
    scores = {
        f"{n} {HOSTILE}": random.normal((0.8, 1.5, 1.2), 0.1, (4, 3))[:, : len(metrics)] + shift for n in range(videos)
    }
    record = Result(
        model=model,
        spec=None,
        weights_sha256=None,
        dataset="osie",
        split="val",
        note="",
        protocol="dhf1k v1",
        seed=0,
        frames_expected=4 * videos,
        **summarise(scores, metrics),
    )
    return dataclasses.replace(record, **changes)  # type: ignore[arg-type]


def score_saved_maps(folder: Path, scoring: Scoring, *, partial: bool = False, workers: int = 1) -> Result:
    """The result of saved maps alone, without the baselines that ``evaluate_maps`` sets beside it."""
    task, saved = prepare_maps(folder, scoring, partial=partial)
    with worker_pool(task.scorer.score, workers) as pool:
        return score_maps(task, folder, saved, pool, partial=partial)
