"""Metrics with one fault each: the conformance suite finds it and says what to do."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from salzoo.interfaces import Metric, Truth
from salzoo.testing import ConformanceError, check_metric

Scores = NDArray[np.float64]


class Overlap:
    """Without fault: the cosine of prediction and density."""

    name = "overlap"
    requires: tuple[Truth, ...] = ("density",)
    higher_is_better = True
    invariances: tuple[str, ...] = ("scale",)
    bounds: tuple[float, float] | None = (0, 1)

    def __call__(self, prediction: NDArray[Any], *truths: NDArray[Any]) -> Scores:
        p, q = (maps.reshape(len(maps), -1).astype(np.float64) for maps in (prediction, truths[0]))
        product = (p * q).sum(1)
        with np.errstate(invalid="ignore"):
            scores: Scores = product / np.sqrt((p * p).sum(1) * (q * q).sum(1))
        return scores


def test_a_metric_without_fault_passes() -> None:
    report = check_metric(Overlap())
    assert len(report.held) == 11
    assert [finding.check for finding in report.passed_over] == ["devices agree"]


class DrawsRandomNumbers(Overlap):
    def __call__(self, prediction: NDArray[Any], *truths: NDArray[Any]) -> Scores:
        noise = 1e-7 * np.random.rand(*prediction.shape)
        return super().__call__(prediction + noise, *truths)


class DrawsFromAGeneratorOfItsOwn(Overlap):
    def __call__(self, prediction: NDArray[Any], *truths: NDArray[Any]) -> Scores:
        return super().__call__(prediction + 1e-7 * np.random.default_rng().random(prediction.shape), *truths)


class NormalisesOverTheBatch(Overlap):
    invariances = ()

    def __call__(self, prediction: NDArray[Any], *truths: NDArray[Any]) -> Scores:
        p = prediction.astype(np.float64)
        return super().__call__(p - p.min(), *truths)


class GivesOneScoreForAll(Overlap):
    def __call__(self, prediction: NDArray[Any], *truths: NDArray[Any]) -> Scores:
        return super().__call__(prediction, *truths).mean(keepdims=True)


class WritesOnTheDensity(Overlap):
    def __call__(self, prediction: NDArray[Any], *truths: NDArray[Any]) -> Scores:
        scores = super().__call__(prediction, *truths)
        truths[0][:, 0, 0] += 1
        return scores


class WorksInEightBits(Overlap):
    def __call__(self, prediction: NDArray[Any], *truths: NDArray[Any]) -> Scores:
        return super().__call__(prediction * prediction.dtype.type(2), *truths)


class SquaresTheDensity(Overlap):
    def __call__(self, prediction: NDArray[Any], *truths: NDArray[Any]) -> Scores:
        return super().__call__(prediction, truths[0] * truths[0])


class OneFrameSpoilsAll(Overlap):
    invariances = ()

    def __call__(self, prediction: NDArray[Any], *truths: NDArray[Any]) -> Scores:
        return super().__call__(prediction, *truths) * (1.0 if truths[0].any((1, 2)).all() else np.nan)


class HasAnOpenBound(Overlap):
    bounds = (0, None)  # type: ignore[assignment]


class NamesAnInvariance(Overlap):
    invariances = "scale"  # type: ignore[assignment]


class PointsTheWrongWay(Overlap):
    higher_is_better = False


class RaisesOnEmptyTruth(Overlap):
    def __call__(self, prediction: NDArray[Any], *truths: NDArray[Any]) -> Scores:
        if not truths[0].any():
            raise ZeroDivisionError("no mass")
        return super().__call__(prediction, *truths)


class InfiniteOnEmptyTruth(Overlap):
    def __call__(self, prediction: NDArray[Any], *truths: NDArray[Any]) -> Scores:
        return np.where(truths[0].any((1, 2)), super().__call__(prediction, *truths), np.inf)


class ScoresNaN(Overlap):
    def __call__(self, prediction: NDArray[Any], *truths: NDArray[Any]) -> Scores:
        return super().__call__(np.nan_to_num(prediction), *truths)


class LeavesItsBounds(Overlap):
    bounds = (0, 0.5)


class IsNotInvariantToShift(Overlap):
    invariances = ("shift",)


class DeclaresAnUnknownInvariance(Overlap):
    invariances = ("rotation",)


class NeedsAnUnknownTruth(Overlap):
    requires = ("gaze",)  # type: ignore[assignment]


class HasNoDirection(Overlap):
    higher_is_better = "yes"  # type: ignore[assignment]


FAULTS: list[tuple[type[Overlap], str, str]] = [
    (DrawsRandomNumbers, "it draws no random numbers", "it draws random numbers; give the expected value"),
    (DrawsFromAGeneratorOfItsOwn, "it draws no random numbers", "it draws random numbers"),
    (NormalisesOverTheBatch, "a batch equals its frames", "must not depend on what stands beside it"),
    (GivesOneScoreForAll, "it gives one finite score a frame", r"must give a float64 array \(4,\)"),
    (WritesOnTheDensity, "nothing is written on", "it writes on what it is given"),
    (WorksInEightBits, "types agree", "the same map as uint8 gave"),
    (SquaresTheDensity, "types agree", "truths as uint8 gave"),
    (OneFrameSpoilsAll, "undefined frames leave others alone", "beside a flat prediction and an empty truth"),
    (HasAnOpenBound, "it says what it is", "`bounds` is .0, None.; it must be two numbers"),
    (NamesAnInvariance, "it says what it is", "must be a tuple of names"),
    (PointsTheWrongWay, "better maps score better", "although higher_is_better is False"),
    (RaisesOnEmptyTruth, "undefined scores are nan or a number", "it raised ZeroDivisionError"),
    (InfiniteOnEmptyTruth, "undefined scores are nan or a number", "an undefined score is NaN"),
    (ScoresNaN, "undefined scores are nan or a number", "give NaN or raise ValueError"),
    (LeavesItsBounds, "declared bounds hold", r"it declares bounds \(0, 0.5\)"),
    (IsNotInvariantToShift, "declared invariances hold", "it declares that shift changes nothing"),
    (DeclaresAnUnknownInvariance, "declared invariances hold", "invariance 'rotation' is unknown"),
    (NeedsAnUnknownTruth, "it says what it is", "`requires` must be a tuple of density"),
    (HasNoDirection, "it says what it is", "must be True or False"),
]


@pytest.mark.parametrize(("fault", "check", "message"), FAULTS, ids=[fault.__name__ for fault, _, _ in FAULTS])
def test_a_fault_is_found_and_named(fault: type[Overlap], check: str, message: str) -> None:
    with pytest.raises(ConformanceError, match=rf"FAILED {check}: .*{message}") as caught:
        check_metric(fault())
    assert str(caught.value).startswith("metric overlap: ")


def test_a_class_is_no_metric() -> None:
    metric: Any = Overlap
    with pytest.raises(ConformanceError, match="must be the metric itself"):
        check_metric(metric)


@pytest.mark.parametrize("name", ["auc_judd", "auc_shuffled", "nss", "cc", "sim", "kld", "ig"])
def test_the_built_ins_keep_the_contract(name: str) -> None:
    check_metric(name)


def test_what_the_suite_checks_is_a_metric() -> None:
    metric: Metric = Overlap()
    assert metric.name == "overlap"
