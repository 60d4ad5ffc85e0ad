"""How a model stands against others, in words."""

import dataclasses

import numpy as np

from salzoo.evaluation.results import Result, summarise
from salzoo.evaluation.verdict import describe_verdict

METRICS = ("nss", "cc", "kld")


def result(model: str, shift: tuple[float, float, float], metrics: tuple[str, ...] = METRICS) -> Result:
    """Scores of three metrics on eight videos that differ among themselves, shifted."""
    videos = np.random.default_rng(0).normal(size=(8, 1, 3)) + np.zeros((8, 4, 3)) + shift
    scores = {f"{number:04d}": each[:, : len(metrics)] for number, each in enumerate(videos)}
    return Result(
        model=model, spec=None, weights_sha256=None, dataset="synthetic", split="val", note="", protocol="dhf1k v1",
        seed=0, frames_expected=32, **summarise(scores, metrics),
    )  # fmt: skip


def test_lower_is_better_where_it_is() -> None:
    ours = result("ours", (0, 0, 0))
    lines = describe_verdict([ours, result("weak", (-1, -1, 1)), result("strong", (1, 0, -1))])
    assert lines == [
        "higher is better, but lower in KLD",
        "ours against weak: better in NSS, CC and KLD",
        "ours against strong: worse in NSS and KLD; no clear difference in CC",
    ]


def test_a_difference_within_the_interval_is_none() -> None:
    ours = result("ours", (0, 0, 0))
    noisy = {video: {**scores, "nss": scores["nss"] + (-1) ** int(video)} for video, scores in ours.per_video.items()}
    other = dataclasses.replace(ours, model="noisy", per_video=noisy)
    assert describe_verdict([ours, other])[1] == "ours against noisy: no clear difference in NSS, CC and KLD"


def test_metrics_that_all_rise_and_a_model_alone() -> None:
    assert describe_verdict([result("ours", (0, 0, 0), ("nss", "cc"))]) == ["higher is better"]
