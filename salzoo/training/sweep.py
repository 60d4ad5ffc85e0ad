"""Sweeps: one training run for each spec of a pattern, such as the papers' ablation over the layer index.

>>> expand("salgan+ema@{30,61}")
['salgan+ema@30', 'salgan+ema@61']
"""

import itertools
import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from salzoo.evaluation.results import Result, read_results
from salzoo.footprint import check_weights
from salzoo.interfaces import SalzooError
from salzoo.model import describe_shapes
from salzoo.spec import MAX_LENGTH
from salzoo.training.folder import read_record
from salzoo.training.recipe import load_recipe, override
from salzoo.training.resuming import last_state
from salzoo.training.runs import Run, resume, train

LIMIT = 1000
"""Specs that a pattern may give: more is a slip of the keyboard."""


def expand(pattern: str) -> list[str]:
    """The specs of a pattern with braces: {30,44} for each of a list, {30..33} for each whole number of a range.

    Several braces give all combinations. Raises SalzooError for braces that are empty, nested or not closed.
    """
    if len(pattern) > 10 * MAX_LENGTH:
        raise SalzooError(f"pattern {pattern!r} is longer than {10 * MAX_LENGTH} characters")
    parts = re.split(r"\{([^{}]*)\}", pattern)
    texts, choices = parts[::2], [_choices(pattern, body) for body in parts[1::2]]
    if any(brace in text for text in texts for brace in "{}"):
        raise SalzooError(f"pattern {pattern!r}: a brace is nested or not closed")
    if (count := math.prod(map(len, choices))) > LIMIT:  # counted before any is made
        raise SalzooError(f"pattern {pattern!r} gives {count:,} specs; the limit is {LIMIT}")
    specs = []
    for chosen in itertools.product(*choices):
        filled = itertools.chain.from_iterable(itertools.zip_longest(texts, map(str, chosen), fillvalue=""))
        specs.append("".join(filled))
    return list(dict.fromkeys(specs))


def sweep(
    pattern: str,
    dataset: str | None = None,
    *,
    out: str | Path | None = None,
    report: Callable[[str], None] = lambda line: None,
    **options: object,
) -> tuple[list[Result], list[str], bool]:
    """Train every spec of a pattern that is not trained yet.

    A finished run in the sweep's folder is not repeated, an interrupted one is resumed.

    Args:
        pattern: see ``expand``.
        dataset: as for ``train``.
        out: folder of the runs, one in it for each spec; by default ``runs/sweep-`` and the pattern.
        report: given each line of what is going on.
        options: further ones of ``train``, the same for every spec.

    Returns:
        The validation results of the trained models, then of the baselines; one line for each run that failed; and
        whether a signal interrupted the sweep.

    Raises:
        SalzooError: a spec that cannot be built, before any training; a run folder whose options were others.
    """
    models = [describe_shapes(spec)[0] for spec in expand(pattern)]
    specs = [str(model.spec) for model in models]
    for model in models:
        check_weights(model, str(model.spec))
    name = re.sub(r"[^\w.+@=-]+", "_", pattern).strip("_")
    folder = Path(out) if out else Path("runs") / f"sweep-{name}"
    for spec in specs:
        _check_options(folder / spec, dataset, options)
    trained: list[Result] = []
    others: dict[str, Result] = {}
    failed: list[str] = []
    for number, spec in enumerate(specs, start=1):
        report(f"[{number}/{len(specs)}] {spec}")
        path = folder / spec
        try:
            if (path / "results.json").exists():
                report(f"{path} is finished")
                results = read_results(path / "results.json")
            else:
                run = _train_or_resume(path, spec, dataset, options, report)
                if run.interrupted:
                    return [*trained, *others.values()], failed, True
                results = run.results
        except SalzooError as error:
            failed.append(f"{spec}: {error}")
            report(f"failed: {error}")
            continue
        trained += [result for result in results if result.model == spec]
        others |= {
            result.model: result
            for result in results
            if result.model != spec and not result.model.endswith("untrained")
        }
    return [*trained, *others.values()], failed, False


def _train_or_resume(
    path: Path, spec: str, dataset: str | None, options: Mapping[str, object], report: Callable[[str], None]
) -> Run:
    if last_state(path) is None:
        return train(spec, dataset, out=path, report=report, **options)  # type: ignore[arg-type]
    kept = {key: value for key, value in options.items() if key in ("root", "device", "tensorboard")}
    return resume(path, spec=spec, report=report, **kept)  # type: ignore[arg-type]


def _check_options(path: Path, dataset: str | None, options: Mapping[str, object]) -> None:
    """Raise SalzooError where a run of this sweep was begun with another recipe or data."""
    if not (path / "training.json").exists():
        return
    record = read_record(path)
    names = ",".join(name for name, _ in record["datasets"])
    if dataset is not None and dataset != names:
        raise SalzooError(f"{path} was trained on {names}, not {dataset}; name another folder with --out")
    changes = {
        key: value
        for key, value in options.items()
        if value is not None and key not in ("root", "recipe", "device", "tensorboard")
    }
    recipe = record["recipe"]
    named = options.get("recipe")
    if named is not None and load_recipe(str(named)).name != recipe.name:
        raise SalzooError(f"{path} was trained by recipe {recipe.name}, not {named}; name another folder with --out")
    changed = override(recipe, changes)
    for key in changes:
        if getattr(changed, key) != getattr(recipe, key):
            was, now = getattr(recipe, key), getattr(changed, key)
            raise SalzooError(f"{path} was trained with {key} {was}, not {now}; name another folder with --out")


def _choices(pattern: str, body: str) -> Sequence[str | int]:
    whole = re.fullmatch(r"\s*(-?\d{1,6})\.\.(-?\d{1,6})\s*", body)
    if whole:
        first, last = int(whole[1]), int(whole[2])
        return range(first, last + 1) if first <= last else range(first, last - 1, -1)
    choices = [choice.strip() for choice in body.split(",")]
    if not all(choices):
        raise SalzooError(f"pattern {pattern!r}: {{{body}}} has an empty choice")
    return choices
