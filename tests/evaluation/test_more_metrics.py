"""Metrics beside the protocol's own: ``salzoo eval --metric``."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import salzoo
from salzoo.evaluation.protocols import PROTOCOLS, find_metric
from salzoo.evaluation.results import Result
from salzoo.interfaces import SalzooError
from salzoo.plugins import registry
from salzoo.registry import Entry


class Share:
    """The share of a map above a level, in percent of its maximum."""

    name = "share"
    requires = ("density",)
    higher_is_better = True

    def __init__(self, *, level: int = 50, fails: bool = False) -> None:
        self.level = level
        self.fails = fails

    def __call__(self, prediction: NDArray[Any], *truths: NDArray[Any]) -> NDArray[np.float64]:
        if self.fails:
            raise ZeroDivisionError("no\npixels")
        return (prediction > prediction.max((1, 2), keepdims=True) * self.level / 100).mean((1, 2))


@pytest.fixture
def share(monkeypatch: pytest.MonkeyPatch) -> None:
    """A metric called share, as a plug-in would bring it."""
    entry = Entry("metrics", "share", Share(), "", (), "salzoo-share")
    monkeypatch.setitem(registry()._names["metrics"], "share", entry)


def evaluate(root: Path, *metrics: str, protocol: str = "dhf1k") -> Result:
    results = salzoo.evaluate(
        ["center-bias"],
        salzoo.Scoring(root=root, metrics=metrics, protocol=protocol, max_frames=5, split="train"),
        workers=1,
    )
    return results[0]


def test_columns_are_named_as_they_were_asked_for(tiny_data: Path, share: None) -> None:
    result = evaluate(tiny_data, "share", "share:level=9")
    assert result.metrics == (*PROTOCOLS["dhf1k"].metrics, "share", "share:level=9")
    assert 0 < result.mean["share"] < result.mean["share:level=9"] <= 1
    assert result.mean["nss"] == evaluate(tiny_data).mean["nss"]


def test_a_protocol_takes_the_other_built_ins(tiny_data: Path) -> None:
    assert evaluate(tiny_data, "kl", protocol="salema").metrics == (*PROTOCOLS["salema"].metrics, "kld")


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        ("nss", "metric nss: nss is among the scores already"),
        ("auc-j", "metric auc-j: auc_judd is among the scores already"),
        ("shar", "unknown metric 'shar'; did you mean 'share'"),
        ("share:size=3", "share has no parameter 'size'"),
        ("share:level=high", "share: level must be a whole number, not 'high'"),
        ("nss:level=3", "nss has no parameter 'level'"),
        ("share+ema@3", "expected a component alone"),
        (
            "share:fails=true",
            r"metric share failed \(no pixels\); salzoo plugins",
        ),
    ],
)
def test_what_cannot_be_scored_is_one_line(metric: str, message: str, tiny_data: Path, share: None) -> None:
    with pytest.raises(SalzooError, match=message) as caught:
        evaluate(tiny_data, metric)
    assert "\n" not in str(caught.value)


def test_a_metric_without_parameters_is_the_registered_one(share: None) -> None:
    assert find_metric("share") is registry().find("metrics", "share").load()
