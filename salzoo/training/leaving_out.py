"""Data sets left out in turn: how well a model does on pictures of a kind that it has not seen.

Of several data sets a model is trained on all but one and scored on that one, for each of them.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from salzoo.evaluation.models import evaluate
from salzoo.evaluation.relative import add_relative
from salzoo.evaluation.results import HUMANS, Result, read_results, write_results
from salzoo.evaluation.tasks import Scoring
from salzoo.interfaces import SalzooError
from salzoo.spec import split_components
from salzoo.training.session import Session
from salzoo.training.sweep import Trial, check_options, plan_trials, sweep_folder, train_or_resume


def leave_each_out(
    pattern: str,
    dataset: str,
    *,
    out: str | Path | None = None,
    split: str = "test",
    session: Session | None = None,
    **options: object,
) -> tuple[list[list[Result]], list[str], bool]:
    """Train every spec of a pattern once for each data set, on the training splits of all others.

    A finished run in the sweep's folder is not repeated, an interrupted one is resumed.

    Args:
        pattern: as of ``salzoo.training.sweep.sweep``.
        dataset: two or more with commas.
        out: folder of the runs; in it one for each data set, in that one for each spec.
        split: of the one that is left out, on which the models are scored.
        session: as for ``train``.
        options: as of ``sweep``.

    Returns:
        For each data set the results of the models that were trained without it, then of the baselines and people, with
        the way from the center bias to people where there is one; one line for each run that failed; and whether a
        signal interrupted it all.

    Raises:
        SalzooError: a single data set; a spec that cannot be built; a run folder whose options were others.
    """
    sets = split_components(dataset)
    if len(sets) < 2 or len(set(sets)) < len(sets):
        raise SalzooError(f"to leave one out takes two different data sets or more, not {dataset!r}")
    session = replace(session or Session(), score=False)
    folder = sweep_folder(pattern, out)
    plans: dict[str, list[Trial]] = {}
    for left in sets:
        others = ",".join(each for each in sets if each != left)
        plans[left] = plan_trials(pattern, others, folder / f"without-{left}", options)
        for trial in plans[left]:
            check_options(trial.folder, trial.dataset, trial.options)
    found: list[list[Result]] = []
    failed: list[str] = []
    for left, trials in plans.items():
        results: list[list[Result]] = []
        for trial in trials:
            session.report(f"{trial.spec} without {left}")
            try:
                scored = _run(trial, left, split, session)
            except SalzooError as error:
                failed.append(f"{trial.spec} without {left}: {error}")
                session.report(f"failed: {error}")
                continue
            if scored is None:
                return [*found, *_together(results)], failed, True
            results.append(scored)
        found += _together(results)
    return found, failed, False


def _run(trial: Trial, left: str, split: str, session: Session) -> list[Result] | None:
    """The results of a trial on the data set that it is trained without; None where a signal ended it."""
    path = trial.folder / f"left-out-{split}.json"
    if path.exists():
        session.report(f"{trial.folder} is finished")
        return read_results(path)
    if train_or_resume(trial, session).interrupted:
        return None
    session.report(f"scoring {trial.folder} on {left} {split}")
    first, *others = evaluate([trial.folder], Scoring(left, split=split))
    results = [replace(first, model=trial.spec), *others]
    write_results(results, path)
    return results


def _together(results: Sequence[list[Result]]) -> list[list[Result]]:
    """The models that were trained without one data set, and once what stands beside them."""
    if not results:
        return []
    _, *others = results[0]
    together = [*(each[0] for each in results), *others]
    known = any(result.model == HUMANS for result in others)
    return [add_relative(together) if known else together]
