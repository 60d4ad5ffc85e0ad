"""Sweeps: one training run for each spec of a pattern, such as the papers' ablation over the layer index, for each fold
of a data set and for each seed.

>>> expand("salgan+ema@{30,61}")
['salgan+ema@30', 'salgan+ema@61']
"""

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from salzoo.charts.saving import save_drawing
from salzoo.evaluation.comparison import compare
from salzoo.evaluation.models import evaluate
from salzoo.evaluation.plots import draw_comparison
from salzoo.evaluation.pooling import pool_results
from salzoo.evaluation.results import Result, read_results, write_results
from salzoo.evaluation.tasks import Scoring
from salzoo.footprint import check_weights
from salzoo.interfaces import SalzooError
from salzoo.model import describe_shapes
from salzoo.spec import MAX_LENGTH, split_components
from salzoo.training.folder import RECORD, read_experiment
from salzoo.training.recipe import load_recipe, override, parse_change
from salzoo.training.session import Run, Session
from salzoo.training.starting import resume, train

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


@dataclass(frozen=True)
class Trial:
    """One run of a sweep.

    Attributes:
        spec: what is trained.
        dataset: on what; None for the default.
        options: of ``train``.
        folder: the run folder.
    """

    spec: str
    dataset: str | None
    options: dict[str, object]
    folder: Path


def sweep(
    pattern: str,
    dataset: str | None = None,
    *,
    out: str | Path | None = None,
    split: str = "val",
    session: Session | None = None,
    **options: object,
) -> tuple[list[Result], list[str], bool]:
    """Train every spec of a pattern that is not trained yet, on every fold and with every seed that is asked for.

    A finished run in the sweep's folder is not repeated, an interrupted one is resumed.

    Args:
        pattern: see ``expand``.
        dataset: as for ``train``, with braces where there are several: "hevc33:fold={0..4}".
        out: folder of the runs, one in it for each spec; by default ``runs/sweep-`` and the pattern.
        split: of the first data set, on which the models are scored; choose by "val" alone.
        session: as for ``train``.
        options: ``root`` and values of the recipe, as for ``train``, the same for every spec; a text with braces
            stands for several (seed="{0..2}"), and the name of a parameter of the data set in braces for its value
            there: init="runs/{fold}" begins each fold from weights of its own, which have not seen its test split.

    Returns:
        The results of the trained models, each over all its folds and seeds, then of the baselines; one line for each
        run that failed; and whether a signal interrupted the sweep.

    Raises:
        SalzooError: a spec that cannot be built, before any training; a run folder whose options were others.
    """
    session = session or Session()
    report = session.report
    trials = plan_trials(pattern, dataset, out, options)
    for trial in trials:
        check_options(trial.folder, trial.dataset, trial.options)
    found: dict[str, list[Result]] = {}
    others: dict[str, list[Result]] = {}
    failed: list[str] = []
    interrupted = False
    for number, trial in enumerate(trials, start=1):
        report(f"[{number}/{len(trials)}] {trial.spec}{f' on {trial.dataset}' if trial.dataset else ''}")
        try:
            results = _run(trial, split, session)
            if results is None:
                interrupted = True
                break
        except SalzooError as error:
            failed.append(f"{trial.spec}: {error}")
            report(f"failed: {error}")
            continue
        for result in results:
            if result.model in (trial.spec, str(trial.folder)):
                found.setdefault(trial.spec, []).append(result)
            elif not result.model.endswith(("untrained", ", before")):
                others.setdefault(result.model, []).append(result)
    pooled = [*_pool(found, dataset), *_pool(others, dataset)]
    if pooled:
        _write_whole(pooled, sweep_folder(pattern, out))
    return pooled, failed, interrupted


def sweep_folder(pattern: str, out: str | Path | None) -> Path:
    """Where a sweep's runs are; beside them ``results.json``, and ``layers.svg`` where modules stand at several."""
    name = re.sub(r"[^\w.+@=-]+", "_", pattern).strip("_")
    return Path(out) if out else Path("runs") / f"sweep-{name}"


def _write_whole(results: Sequence[Result], folder: Path) -> None:
    write_results(results, folder / "results.json")
    try:
        drawing = draw_comparison(compare(results), "layers")
    except SalzooError:  # one model, or several that do not differ in the layer alone
        return
    save_drawing(drawing, folder / "layers.svg")


def plan_trials(
    pattern: str, dataset: str | None, out: str | Path | None, options: Mapping[str, object]
) -> list[Trial]:
    """The runs of a sweep in their order. Raises SalzooError for a spec that cannot be built, or too many runs."""
    models = [describe_shapes(spec)[0] for spec in expand(pattern)]
    specs = [str(model.spec) for model in models]
    for model in models:
        check_weights(model, str(model.spec))
    datasets: list[str | None] = [None] if dataset is None else [*expand(dataset)]
    plans = []
    for data in datasets:
        given = _fill_in(options, data)
        varied = {key: expand(value) for key, value in given.items() if isinstance(value, str) and "{" in value}
        plans.append((data, given, varied))
    if (count := len(specs) * sum(math.prod(map(len, varied.values())) for *_, varied in plans)) > LIMIT:
        raise SalzooError(f"the patterns give {count} runs; the limit is {LIMIT}")
    folder = sweep_folder(pattern, out)
    trials = []
    for spec, (data, given, varied) in itertools.product(specs, plans):
        for values in itertools.product(*varied.values()):
            chosen = {key: parse_change(f"{key}={value}")[1] for key, value in zip(varied, values, strict=True)}
            parts = [data] if data and len(datasets) > 1 else []
            parts += [f"{key}={value}" for key, value in chosen.items()]
            within = folder / spec / ",".join(parts) if parts else folder / spec
            trials.append(Trial(spec, data, {**given, **chosen}, within))
    return trials


def _fill_in(options: Mapping[str, object], dataset: str | None) -> dict[str, object]:
    """Options with the value of each parameter of the (first) data set where its name stands in braces.

    >>> _fill_in({"init": "runs/{fold}", "seed": "{0..1}"}, "hevc33:fold=3, osie")
    {'init': 'runs/3', 'seed': '{0..1}'}

    Raises SalzooError where a word in braces is no parameter's name: a slip, found before a day of training.
    """
    filled = dict(options)
    values = re.findall(r"(\w+)=([^,]*)", split_components(dataset)[0]) if dataset else []
    for name, value in values:
        for key, text in filled.items():
            if isinstance(text, str) and f"{{{name}}}" in text:
                filled[key] = parse_change(f"{key}={text.replace(f'{{{name}}}', value)}")[1]
    for key, text in filled.items():
        if isinstance(text, str) and (word := re.search(r"\{\s*([A-Za-z_]\w*)\s*\}", text)):
            there = f"it has {', '.join(name for name, _ in values)}" if values else "it has none"
            raise SalzooError(f"{key} {text!r}: {dataset or 'the data set'} has no parameter {word[1]!r}; {there}")
    return filled


def _run(trial: Trial, split: str, session: Session) -> list[Result] | None:
    """The results of a trial, trained and scored as far as it is not yet; None where a signal ended it."""
    path = trial.folder / ("results.json" if split == "val" else f"results-{split}.json")
    if path.exists():
        session.report(f"{trial.folder} is finished")
        return read_results(path)
    if not (trial.folder / "results.json").exists():
        run = train_or_resume(trial, session)
        if run.interrupted:
            return None
        if split == "val":
            return run.results
    session.report(f"scoring {trial.folder} on the {split} split")
    data, root = read_experiment(trial.folder).datasets[0]
    given = trial.options.get("root")
    where = given if isinstance(given, str | Path) else root
    results = evaluate([trial.folder], Scoring(data, root=where, split=split))
    write_results(results, path)
    return results


def _pool(found: Mapping[str, Sequence[Result]], dataset: str | None) -> list[Result]:
    return [
        replace(results[0], model=model)
        if len(results) == 1
        else pool_results(results, model=model, dataset=dataset or results[0].dataset)
        for model, results in found.items()
    ]


def train_or_resume(trial: Trial, session: Session) -> Run:
    """Train a trial, or go on where it stands; one that is over is returned as it lies there."""
    if not (trial.folder / RECORD).exists():
        return train(trial.spec, trial.dataset, out=trial.folder, session=session, **trial.options)  # type: ignore[arg-type]
    root = trial.options.get("root")
    return resume(trial.folder, spec=trial.spec, root=root, session=session)  # type: ignore[arg-type]


def check_options(path: Path, dataset: str | None, options: Mapping[str, object]) -> None:
    """Raise SalzooError where a run of this sweep was begun with another recipe or data."""
    if not (path / "training.json").exists():
        return
    record = read_experiment(path)
    names = ",".join(name for name, _ in record.datasets)
    if dataset is not None and dataset != names:
        raise SalzooError(f"{path} was trained on {names}, not {dataset}; name another folder with --out")
    changes = {key: value for key, value in options.items() if value is not None and key not in ("root", "recipe")}
    recipe = record.recipe
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
