"""Fits the table of ``salzoo.regions.calibration`` to a model, and judges it::

    python cards/regions/fitting.py --faces yunet_n_dynamic.onnx --objects FastestDet.onnx --cache DIR -o TABLE.json

The data sets must be there (``salzoo data get osie`` and so on); the two detectors are named in
``detecting``. Maps and boxes are kept in DIR, maps by the model's weights, for the next run.

**Regions**: in each picture the faces and objects that the detectors find; for each of them a box of like size and
shape at a random place; and three random boxes of 3 to 50 % of the sides.

**Fitted on** 100 pictures each of the training splits of osie, mit1003 and sun500, and for the chance within 5 s of
eyecrowd, whose pictures were shown so long. The factors of the ranges come from the same sets' validation splits,
which the model has not seen either; that of pictures that are unlike photographs from the training split of fiwi, web
pages. **Judged on** test splits, and on sets that nothing was fitted to, films
(``films``) among them.

**What people did**: the share of their fixations that begin in the first 3 s, and the share of observers whose first
look begins within so many seconds. Where a set keeps the fixation that is still on the cross, an observer's first one
is left out if it lies within 7.5 % of the width from the middle.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import numpy as np
from judging import draw_pairs, format_judged, judge, judge_sample
from numpy.typing import NDArray
from sampling import PAGES, SETS, Sample, Samples, sample_sets

from salzoo.interfaces.errors import SalzooError
from salzoo.regions.calibration import (
    LEVEL,
    NARROW,
    SIZES,
    TARGETS,
    VERSION,
    Band,
    Calibration,
    Curve,
    Numbers,
    apart,
    describe,
    logit,
    size_of,
)
from salzoo.regions.unlike import is_unlike
from salzoo.runtime.files import write_text

KNOTS = 6
"""Values of the curve at which a range is stated."""

USUAL = 0.98
"""Share of the photographs that count as usual."""

PARTS = 3
"""Lower, middle and upper values of the curve, of as many regions each."""

NARROWEST, WIDEST = 0.3, 2.5
"""Factors of the ranges."""


def fit_curve(train: Sample, held_out: Sample, target: str) -> Curve:
    """The curve and ranges of one target, on regions of which its value is known."""
    number = TARGETS.index(target)
    train, held_out = train.knowing(number), held_out.knowing(number)
    did = train.people[:, number]
    curve = Curve(tuple(fit_logistic(describe(train.seen), did).tolist()), ())
    expected, sizes = curve.expect(train.seen), size_of(train.seen)
    there, there_did = curve.expect(held_out.seen), held_out.people[:, number]
    bands = []
    for size in range(len(SIZES) + 1):
        own, others = sizes == size, size_of(held_out.seen) == size
        band = fit_band(expected[own], did[own])
        bands.append(fit_change(fit_widths(band, there[others], there_did[others]), there[others], there_did[others]))
    error = float(np.abs(there - there_did).mean())
    return Curve(curve.weights, tuple(bands), error)


def fit_logistic(columns: Numbers, shares: Numbers, steps: int = 30) -> Numbers:
    """The weights of a logistic curve through shares, by their likelihood as if each were a coin (Newton's method)."""
    weights = np.zeros(columns.shape[1])
    for _ in range(steps):
        expected = 1 / (1 + np.exp(-np.clip(columns @ weights, -30, 30)))
        slope = columns.T @ (shares - expected) - 1e-3 * weights
        curvature = columns.T @ (columns * (expected * (1 - expected))[:, None]) + 1e-3 * np.eye(len(weights))
        weights = weights + np.linalg.solve(curvature, slope)
    return np.asarray(weights)


def fit_band(expected: Numbers, did: Numbers) -> Band:
    """The shortest ranges that hold ``LEVEL`` of what people did, of the neighbours of each of some values."""
    order = np.argsort(expected)
    expected, did = logit(expected[order]), did[order]
    edges = np.linspace(0, len(order), KNOTS + 1).astype(int)
    more = len(order) // (4 * KNOTS)
    parts = [slice(max(first - more, 0), end + more) for first, end in pairwise(edges)]
    ranges = np.array([shortest_range(did[part]) for part in parts])
    low, high = np.maximum.accumulate(ranges, 0).T
    at = [float(expected[part].mean()) for part in parts]
    return Band(tuple(at), tuple(low.tolist()), tuple(high.tolist()))


def shortest_range(values: Numbers) -> tuple[float, float]:
    """The shortest range that holds ``LEVEL`` of some values; the first of several.

    >>> shortest_range(np.array([0, 0, 0, 1, 2, 9]))
    (0.0, 2.0)
    """
    ordered = np.sort(values).astype(np.float64)
    held = int(np.ceil(LEVEL * len(ordered)))
    first = int(np.argmin(np.round(ordered[held - 1 :] - ordered[: len(ordered) - held + 1], 9)))
    return float(ordered[first]), float(ordered[first + held - 1])


def fit_widths(band: Band, expected: Numbers, did: Numbers) -> Band:
    """The least factor, for each part of the values, with which the ranges hold ``LEVEL`` of what people did: of the
    ranges that are not ``NARROW``."""
    low, high = band.around(expected)
    wide = high - low >= NARROW
    expected, did = expected[wide], did[wide]
    splits = np.quantile(logit(expected), np.arange(1, PARTS) / PARTS) if len(expected) else np.zeros(PARTS - 1)
    band = replace(band, splits=tuple(splits.tolist()), widths=(1.0,) * PARTS)
    parts = band.part_of(expected)

    def width_of(part: int) -> float:
        own = parts == part
        return least_factor(lambda width: holds(*band.around(expected[own], width), did[own]))

    return replace(band, widths=tuple(width_of(part) for part in range(PARTS)))


def least_factor(held: Callable[[float], float]) -> float:
    """The least factor of ranges with which they hold ``LEVEL`` of what people did, as ``held`` says for one."""
    steps = np.arange(NARROWEST, WIDEST, 0.02).round(2).tolist()
    return next((factor for factor in steps if held(factor) >= LEVEL), WIDEST)


def fit_unlike(curve: Curve, pages: Sample, number: int) -> Curve:
    """The factor of ranges in pictures that are unlike photographs, from regions of such pictures."""
    own = pages.knowing(number)
    low, high = curve.interval(own.seen)[1:]
    wide, did = high - low >= NARROW, own.people[:, number]

    def held(factor: float) -> float:
        _, low, high = replace(curve, unlike=factor).interval(own.seen[wide], unlike=True)
        return holds(low, high, did[wide])

    return replace(curve, unlike=least_factor(held))


def fit_change(band: Band, expected: Numbers, did: Numbers) -> Band:
    """The least factor with which intervals of differences between two of the regions hold ``LEVEL`` of people's."""
    numbers = np.stack([expected, *band.around(expected)])
    pairs = draw_pairs(len(did))

    def held(factor: float) -> float:
        _, low, high = apart(numbers[:, pairs[0]], numbers[:, pairs[1]], factor)
        return holds(low, high, did[pairs[1]] - did[pairs[0]])

    return replace(band, change=least_factor(held))


def holds(low: Numbers, high: Numbers, did: Numbers) -> float:
    """How many of what people did lie in their ranges; of none, all."""
    return float(((did >= low - 1e-9) & (did <= high + 1e-9)).mean()) if len(did) else 1.0


def describe_usual(traits: NDArray[np.float64]) -> dict[str, Any]:
    """What is usual among pictures, (n, 4) ``traits_of`` each: their mean, the inverse of their covariance, and the
    squared distance by it that ``USUAL`` of them keep."""
    mean, inverse = traits.mean(0), np.linalg.inv(np.cov(traits.T))
    away = np.einsum("ni,ij,nj->n", traits - mean, inverse, traits - mean)
    return {"mean": mean.tolist(), "inverse": inverse.tolist(), "limit": float(np.quantile(away, USUAL))}


def fit(samples: Samples, model: str, weights: str) -> Calibration:
    """The table of a model, with how it was judged."""
    train = {name: samples.of(name, "train") for name in SETS}
    held_out = {name: samples.of(name, "val") for name in SETS}
    curves = {}
    for target in TARGETS:
        names = [name for name, about in SETS.items() if target in about.fitted]
        curves[target] = fit_curve(
            Sample.joined([train[name] for name in names]), Sample.joined([held_out[name] for name in names]), target
        )
    usual = describe_usual(np.concatenate([samples.traits(name, "train") for name in SETS if name != "eyecrowd"]))
    pages = samples.of(PAGES, "train") if PAGES in samples.sets else None
    if pages is not None:
        pages = pages.those(is_unlike(pages.traits, usual))
        curves = {target: fit_unlike(curve, pages, TARGETS.index(target)) for target, curve in curves.items()}
    counts = ", ".join(f"{len(np.unique(train[name].picture))} of {name}" for name in SETS)
    table = Calibration(
        model=model,
        weights=weights,
        pictures=f"photographs: {counts}",
        curves=curves,
        usual=usual,
        measured={},
    )
    measured = {name: judge(table, samples, name, "test") for name in SETS}
    measured |= {name: judge(table, samples, name, samples.held_out(name)) for name in samples.others}
    if samples.films is not None:
        measured["films"] = judge_sample(table, samples.films)
    return replace(table, measured=measured)


def save(table: Calibration, path: Path) -> None:
    """Write the table."""
    held = {"version": VERSION, "level": LEVEL, **_rounded(asdict(table))}
    write_text(json.dumps(held, indent=1) + "\n", path)


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value


@click.command()
@click.option("--faces", type=click.Path(path_type=Path), required=True, help="YuNet's ONNX file.")
@click.option("--objects", type=click.Path(path_type=Path), required=True, help="FastestDet's ONNX file.")
@click.option("--model", default="gaze-lite", show_default=True, help="What the table is fitted to.")
@click.option(
    "--cache", type=click.Path(path_type=Path), required=True, help="Folder in which maps and boxes are kept."
)
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, help="The table to write.")
def main(faces: Path, objects: Path, model: str, cache: Path, out: Path) -> None:
    """Fit the table that turns shares of a map into what people do, and judge it."""
    try:
        samples = sample_sets(model, faces, objects, cache, report=click.echo)
        table = fit(samples, model, samples.weights)
        save(table, out)
    except SalzooError as error:
        raise click.ClickException(str(error)) from error
    click.echo(format_judged(table))


if __name__ == "__main__":
    main()
