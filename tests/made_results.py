"""Results as an evaluation would have made them."""

import dataclasses

import numpy as np

from salzoo.evaluation.results import Result, summarise

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
