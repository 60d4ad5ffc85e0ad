"""How often the table of ``salzoo.regions.calibration`` is right about pictures that it has not seen."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sampling import BASELINES, Sample, Samples

from salzoo.regions.calibration import NARROW, SIZES, TARGETS, Band, Calibration, Numbers, apart, size_of
from salzoo.regions.unlike import is_unlike

FEWEST = 30
"""Regions of a kind, below which nothing is said of how often it was right."""

BINS = 10
"""Of the reliability diagram."""


def judge(table: Calibration, samples: Samples, name: str, split: str | None) -> dict[str, Any]:
    """What a table says of a set's pictures, beside what people did there.

    Returns:
        ``split``, ``pictures``, ``regions``; ``unlike``, the share of pictures that are said to be unlike those fitted
        on; and for each target of which the set knows enough: ``holds``, how often the interval does, also for those
        ``found`` and ``random``, for the ``narrow`` intervals (``NARROW``), and for the others by ``sizes`` of region;
        how often that of ``differences`` between two regions of a size does; ``error``, the mean absolute difference;
        ``correlation``. For the share the last two also of the map's own share, of area alone and of two baselines; for
        the chances ``brier``, that of the set's mean as ``brier_of_mean``, and ``reliability``: what was said, what
        came, and of how many.
    """
    sample = samples.of(name, split)
    traits = samples.traits(name, split)
    found: dict[str, Any] = {
        "split": split,
        "pictures": len(traits),
        "unlike": float(is_unlike(traits, table.usual).mean()),
    }
    found |= judge_sample(table, sample)
    found["share"] |= {"beside": _beside(samples, name, split, sample)}
    return found


def judge_sample(table: Calibration, sample: Sample) -> dict[str, Any]:
    """What a table says of regions, beside what people did: what ``judge`` gives for each target."""
    found: dict[str, Any] = {"regions": len(sample.seen)}
    for number, target in enumerate(TARGETS):
        known = sample.knowing(number)
        if len(known.seen) < FEWEST:
            continue
        expected, low, high = numbers = _say(table, target, known)
        did = known.people[:, number]
        held = (did >= low - 1e-9) & (did <= high + 1e-9)
        sizes = size_of(known.seen)
        wide = high - low >= NARROW
        parts = [held[wide & (sizes == size)] for size in range(len(SIZES) + 1)]
        found[target] = {
            "holds": float(held.mean()),
            "sizes": [float(part.mean()) if len(part) >= FEWEST else None for part in parts],
            "narrow": float(held[~wide].mean()) if np.sum(~wide) >= FEWEST else None,
            "found": float(held[known.found].mean()) if known.found.any() else None,
            "random": float(held[~known.found].mean()),
            "width": float((high - low).mean()),
            "differences": _differences(numbers, did, sizes, table.curves[target].bands),
            **_agreement(expected, did),
        }
        if target != "share":
            found[target] |= _scores(expected, did)
    return found


def _say(table: Calibration, target: str, sample: Sample) -> Numbers:
    """What a table says of regions: (3, n) what is expected, and the ends of its interval."""
    curve, unlike = table.curves[target], is_unlike(sample.traits, table.usual)
    return np.where(unlike, curve.interval(sample.seen, unlike=True), curve.interval(sample.seen))


def _differences(numbers: Numbers, did: Numbers, sizes: NDArray[np.intp], bands: Sequence[Band]) -> float:
    """How often the interval of a difference holds people's, of pairs of regions of one size."""
    held = []
    for size, band in enumerate(bands):
        own, done = numbers[:, sizes == size], did[sizes == size]
        first, second = draw_pairs(len(done))
        _, low, high = apart(own[:, first], own[:, second], band.change)
        change = done[second] - done[first]
        held.append((change >= low - 1e-9) & (change <= high + 1e-9))
    return float(np.concatenate(held).mean())


def draw_pairs(count: int) -> NDArray[np.intp]:
    """Pairs of so many things, each with ten others drawn at random: (2, 10 × count) numbers."""
    rng = np.random.default_rng(0)
    return np.stack([np.tile(np.arange(count), 10), np.concatenate([rng.permutation(count) for _ in range(10)])])


def _agreement(expected: Numbers, did: Numbers) -> dict[str, float]:
    return {
        "error": float(np.abs(expected - did).mean()),
        "correlation": float(np.corrcoef(expected, did)[0, 1]),
    }


def _beside(samples: Samples, name: str, split: str | None, sample: Sample) -> dict[str, Any]:
    """How well simpler numbers agree with people's share."""
    known = sample.knowing(0)
    others = {"map": known.seen[:, 0], "area": known.seen[:, 1]}
    others |= {model: samples.of(name, split, model).knowing(0).seen[:, 0] for model in BASELINES}
    return {label: _agreement(share, known.people[:, 0]) for label, share in others.items()}


def _scores(expected: Numbers, did: Numbers) -> dict[str, Any]:
    """Brier score over viewers, of which ``did`` is the share that looked."""
    spread = float((did * (1 - did)).mean())
    bins = np.minimum((expected * BINS).astype(int), BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    return {
        "brier": float(((expected - did) ** 2).mean()) + spread,
        "brier_of_mean": float(((did.mean() - did) ** 2).mean()) + spread,
        "reliability": [
            [float(expected[bins == each].mean()), float(did[bins == each].mean()), int(counts[each])]
            for each in np.flatnonzero(counts)
        ],
    }


def format_judged(table: Calibration) -> str:
    """The tables of README.md."""
    lines = ["set | pictures, regions | share: r, error | map | area | center-bias | spectral-residual"]
    pictures = {name: found for name, found in table.measured.items() if "pictures" in found}
    for name, found in pictures.items():
        share = found["share"]
        beside = [f"{each['correlation']:.3f}, {each['error']:.3f}" for each in share["beside"].values()]
        own = f"{share['correlation']:.3f}, {share['error']:.3f}"
        lines.append(f"{name} | {found['pictures']}, {found['regions']} | {own} | {' | '.join(beside)}")
    lines += [
        "",
        "set | target | holds | narrow, others by size | found, random | difference | width | Brier, of the mean",
    ]
    for name, found in table.measured.items():
        for target in TARGETS:
            if target in found:
                lines.append(f"{name} | {target} | {_coverage(found[target])}")
    lines += ["", "set | unlike"]
    lines += [f"{name} | {100 * found['unlike']:.0f} %" for name, found in pictures.items()]
    return "\n".join(lines)


def _coverage(found: dict[str, Any]) -> str:
    def percent(value: float | None) -> str:
        return "–" if value is None else f"{100 * value:.0f}"

    brier = f"{found['brier']:.3f}, {found['brier_of_mean']:.3f}" if "brier" in found else ""
    sizes = " ".join(percent(each) for each in found["sizes"])
    return (
        f"{percent(found['holds'])} % | {percent(found['narrow'])}, {sizes} | "
        f"{percent(found['found'])}, {percent(found['random'])} | {percent(found['differences'])} | "
        f"{found['width']:.3f} | {brier}"
    )
