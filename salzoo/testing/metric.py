"""What a metric must keep: batches, determinism, the rule for NaN, direction, types, and what it declares."""

import inspect
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from salzoo.evaluation.protocols import find_metric
from salzoo.interfaces import Metric
from salzoo.plugins import registry
from salzoo.registry import NAME
from salzoo.spec import parse_component
from salzoo.testing.report import FaultError, NotApplicableError, Report, Suite, require

SIZE = (72, 96)
TRUTHS = ("density", "fixations", "other_fixations", "baseline")
MOVES: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "scale": lambda prediction: prediction * 0.25,
    "shift": lambda prediction: prediction + 64,
    "order": lambda prediction: prediction**3 + prediction,
}
"""What leaves a metric's scores alone, by the name under which it may declare it in ``invariances``."""


@dataclass(frozen=True)
class Subject:
    """A metric, and frames to score: predictions (N, H, W) and each kind of truth."""

    metric: Metric
    predictions: NDArray[Any]
    truths: dict[str, NDArray[Any]]

    def score(self, predictions: NDArray[Any] | None = None, frames: slice = slice(None)) -> NDArray[np.float64]:
        given = self.predictions if predictions is None else predictions
        return self.metric(given[frames], *(self.truths[name][frames] for name in self.metric.requires))


def check_metric(metric: str | Metric) -> Report:
    """Check a metric: a registered name ("emd"), or the metric itself.

    Returns what was checked. Raises ConformanceError with every finding when something failed.
    """
    return metric_suite(metric).enforce()


def metric_suite(metric: str | Metric) -> Suite[Subject]:
    """The checks of ``check_metric``, to be run one by one: its ``cases()`` are for ``pytest.mark.parametrize``."""
    name = metric if isinstance(metric, str) else str(getattr(metric, "name", type(metric).__name__))

    def make() -> Subject:
        found = find_metric(metric) if isinstance(metric, str) else metric
        if isinstance(metric, str):
            registered = registry().find("metrics", parse_component(metric).name).name
            require(
                getattr(found, "name", None) == registered,
                f"it is registered as {registered!r}, but its name is {getattr(found, 'name', None)!r}: one of both",
            )
        if inspect.isclass(found) or not callable(found):
            raise FaultError(
                "what is registered must be the metric itself (an instance, callable on batches), not a class"
            )
        return Subject(found, *_make_frames())

    return Suite("metric", name, make, CHECKS)


def _make_frames(count: int = 4) -> tuple[NDArray[np.uint8], dict[str, NDArray[Any]]]:
    """Frames with a bright spot that moves, of which the predictions know half; no two have one range of values."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    density = np.zeros((count, *SIZE), np.uint8)
    fixations, others = np.zeros((count, *SIZE), bool), np.zeros((count, *SIZE), bool)
    for frame in range(count):
        y, x = 20 + 9 * frame, 70 - 14 * frame
        density[frame] = (255 - 30 * frame) * np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * 7.0**2))
        for map_, spread, centre in ((fixations, 6, (y, x)), (others, 20, (SIZE[0] // 2, SIZE[1] // 2))):
            points = np.rint(rng.normal(centre, spread, (12, 2))).astype(int)
            map_[frame, points[:, 0].clip(0, SIZE[0] - 1), points[:, 1].clip(0, SIZE[1] - 1)] = True
    offset = 9 * np.arange(count)[:, None, None]
    predictions = (density // 2 + rng.integers(0, 96, density.shape) + offset).astype(np.uint8)
    baseline = np.broadcast_to(
        255 * np.exp(-((rows - SIZE[0] / 2) ** 2 + (columns - SIZE[1] / 2) ** 2) / (2 * 20.0**2)), density.shape
    ).astype(np.uint8)
    return predictions, {"density": density, "fixations": fixations, "other_fixations": others, "baseline": baseline}


def it_says_what_it_is(subject: Subject) -> None:
    metric = subject.metric
    name = getattr(metric, "name", None)
    require(isinstance(name, str) and bool(NAME.fullmatch(name)), f"its `name` is {name!r}, which no table can bear")
    bounds, invariances = getattr(metric, "bounds", None), getattr(metric, "invariances", ())
    require(
        bounds is None or (isinstance(bounds, tuple) and [type(end) in (int, float) for end in bounds] == [True, True]),
        f"`bounds` is {bounds!r}; it must be two numbers (float('inf') for none)",
    )
    require(isinstance(invariances, tuple), f"`invariances` is {invariances!r}; it must be a tuple of names")
    require(
        isinstance(getattr(metric, "requires", None), tuple) and set(metric.requires) <= set(TRUTHS),
        f"`requires` must be a tuple of {', '.join(TRUTHS)}",
    )
    require(isinstance(getattr(metric, "higher_is_better", None), bool), "`higher_is_better` must be True or False")


def it_gives_one_finite_score_a_frame(subject: Subject) -> None:
    scores = subject.score()
    require(
        isinstance(scores, np.ndarray) and scores.shape == (4,) and scores.dtype == np.float64,
        f"four frames must give a float64 array (4,), not {type(scores).__name__} "
        f"{getattr(scores, 'dtype', '')} {getattr(scores, 'shape', '')}",
    )
    require(bool(np.isfinite(scores).all()), f"sound frames gave {scores}")


def it_draws_no_random_numbers(subject: Subject) -> None:
    scores = []
    for seed in (1, 2):
        np.random.seed(seed)
        torch.manual_seed(seed)
        scores.append(subject.score())
    require(
        scores[0].tobytes() == scores[1].tobytes(),
        f"the same frames scored {scores[0]} and then {scores[1]}: it draws random numbers; give the expected value",
    )


def a_batch_equals_its_frames(subject: Subject) -> None:
    together = subject.score()
    alone = np.concatenate([subject.score(frames=slice(i, i + 1)) for i in range(4)])
    require(
        together.tobytes() == alone.tobytes(),
        f"a batch gave {together}, its frames one by one {alone}: a score must not depend on what stands beside it",
    )


def undefined_frames_leave_others_alone(subject: Subject) -> None:
    sound = subject.score()
    predictions = subject.predictions.astype(np.float64)
    truths = {name: truth.copy() for name, truth in subject.truths.items()}
    predictions[0] = 128
    for truth in truths.values():
        truth[1] = 0
    with np.errstate(all="ignore"):
        scores = Subject(subject.metric, predictions, truths).score()
    require(
        np.allclose(scores[2:], sound[2:], rtol=1e-5, atol=1e-6),
        f"beside a flat prediction and an empty truth, sound frames scored {scores[2:]}, not {sound[2:]}",
    )


def nothing_is_written_on(subject: Subject) -> None:
    before = [subject.predictions.copy(), *(truth.copy() for truth in subject.truths.values())]
    subject.score()
    after = [subject.predictions, *subject.truths.values()]
    require(all(np.array_equal(a, b) for a, b in zip(before, after, strict=True)), "it writes on what it is given")
    for array in after:
        array.setflags(write=False)
    try:
        subject.score()
    finally:
        for array in after:
            array.setflags(write=True)


def types_agree(subject: Subject) -> None:
    reference = subject.score()
    for dtype in (np.float32, np.float64):
        scores = subject.score(subject.predictions.astype(dtype))
        require(
            np.allclose(scores, reference, rtol=1e-5, atol=1e-6),
            f"the same map as uint8 gave {reference}, as {np.dtype(dtype).name} {scores}",
        )
        truths = {
            name: truth.astype(dtype) if truth.dtype == np.uint8 else truth for name, truth in subject.truths.items()
        }
        scores = Subject(subject.metric, subject.predictions, truths).score()
        require(
            np.allclose(scores, reference, rtol=1e-5, atol=1e-6),
            f"truths as uint8 gave {reference}, as {np.dtype(dtype).name} {scores}",
        )
    reversed_view = np.ascontiguousarray(subject.predictions[..., ::-1])[..., ::-1]
    require(np.allclose(subject.score(reversed_view), reference), "a map that is a view of another scores differently")


def devices_agree(subject: Subject) -> None:
    arrays = [subject.predictions, *(subject.truths[name] for name in subject.metric.requires)]
    tensors = [torch.from_numpy(array.copy()) for array in arrays]
    metric: Any = subject.metric
    for device in ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]:
        try:
            with warnings.catch_warnings(action="ignore"):  # NumPy's, where a metric hands it a tensor
                scores = metric(*(tensor.to(device) for tensor in tensors))
        except Exception as error:
            raise NotApplicableError("it takes NumPy arrays alone") from error
        if not isinstance(scores, torch.Tensor):
            raise NotApplicableError("it gives NumPy arrays for tensors")
        require(
            np.array_equal(scores.cpu().numpy(), subject.score()), f"tensors on {device} score differently from arrays"
        )


def better_maps_score_better(subject: Subject) -> None:
    truth = subject.truths["density"].astype(np.float64)
    right = subject.score(truth)
    wrong = subject.score(255 - truth)
    better = right > wrong if subject.metric.higher_is_better else right < wrong
    require(
        bool(better.all()),
        f"the density itself scores {right}, its negative {wrong}, although higher_is_better is "
        f"{subject.metric.higher_is_better}",
    )


def undefined_scores_are_nan_or_a_number(subject: Subject) -> None:
    """Nothing raises, and nothing is infinite: a frame without fixations, an empty density, a flat prediction."""
    empty = {name: np.zeros_like(truth) for name, truth in subject.truths.items()}
    cases = {
        "empty truths": (subject.predictions, empty),
        "a flat prediction": (np.full_like(subject.predictions, 128), subject.truths),
        "a prediction of zeros": (np.zeros_like(subject.predictions), subject.truths),
    }
    for what, (predictions, truths) in cases.items():
        with np.errstate(all="ignore"):
            scores = Subject(subject.metric, predictions, truths).score()
        require(not np.isinf(scores).any(), f"{what} gave {scores}: an undefined score is NaN")
    nan = subject.predictions.astype(np.float64)
    nan[0, 0, 0] = np.nan
    try:
        scores = subject.score(nan)
    except ValueError:
        return
    require(bool(np.isnan(scores[0])), f"a prediction with a NaN scored {scores[0]}: give NaN or raise ValueError")


def declared_bounds_hold(subject: Subject) -> None:
    bounds = getattr(subject.metric, "bounds", None)
    if bounds is None:
        raise NotApplicableError("it declares no bounds")
    for predictions in (subject.predictions, subject.truths["density"], 255 - subject.truths["density"]):
        scores = subject.score(predictions)
        require(
            bool(((scores >= bounds[0] - 1e-9) & (scores <= bounds[1] + 1e-9)).all()),
            f"it declares bounds {bounds} and gave {scores}",
        )


def declared_invariances_hold(subject: Subject) -> None:
    declared = getattr(subject.metric, "invariances", ())
    if not declared:
        raise NotApplicableError("it declares no invariances")
    predictions = subject.predictions.astype(np.float64)
    for name in declared:
        require(name in MOVES, f"invariance {name!r} is unknown; known: {', '.join(MOVES)}")
        moved = subject.score(MOVES[name](predictions))
        require(
            np.allclose(moved, subject.score(), rtol=1e-6, atol=1e-6),
            f"it declares that {name} changes nothing, but {subject.score()} became {moved}",
        )


CHECKS: tuple[Callable[[Subject], None], ...] = (
    it_says_what_it_is,
    it_gives_one_finite_score_a_frame,
    it_draws_no_random_numbers,
    a_batch_equals_its_frames,
    undefined_frames_leave_others_alone,
    nothing_is_written_on,
    types_agree,
    devices_agree,
    better_maps_score_better,
    undefined_scores_are_nan_or_a_number,
    declared_bounds_hold,
    declared_invariances_hold,
)
