"""What a run folder tells: what was trained, on what, how, and how it went."""

import shlex
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from salzoo.charts.panels import Panel
from salzoo.evaluation.results import Result, number, read_results
from salzoo.interfaces import SalzooError
from salzoo.runtime.texts import count_of
from salzoo.training.curves import read_curves
from salzoo.training.experiment import Experiment
from salzoo.training.folder import RECORD, RESULTS, read_experiment
from salzoo.training.recipe import Recipe, list_recipes, load_recipe

_VALUES = [field.name for field in fields(Recipe) if field.name not in ("name", "summary", "source")]


@dataclass(frozen=True)
class RunStory:
    """A run as a report tells it.

    Attributes:
        folder: as the user named it.
        record: what ``training.json`` says.
        results: those that the run was scored by; none where it was not scored.
        outcome: how far it came, in words.
        recipe: its values by name, and whether each differs from the recipe of that name which ships with salzoo.
        panels: the curves of training.
        notices: what is missing or odd, a line each.
        command: that trains it again.
    """

    folder: Path
    record: Experiment
    results: list[Result]
    outcome: str
    recipe: list[tuple[str, str, bool]]
    panels: list[Panel]
    notices: list[str]
    command: str


def is_run(path: Path) -> bool:
    """Whether a path is a run folder. Raises SalzooError for a folder that is none."""
    if path.is_dir() and not (path / RECORD).exists():
        raise SalzooError(f"{path} is no run folder: it has no {RECORD}; name one, or results of salzoo eval")
    return path.is_dir()


def read_run(path: Path) -> RunStory:
    """Read a run folder, finished or not. Raises SalzooError where it is none, or is damaged."""
    record = read_experiment(path)
    notices = []
    results: list[Result] = []
    if (path / RESULTS).exists():
        results = read_results(path / RESULTS)
    else:
        notices.append("this run has no scores: it was interrupted, trained with --no-score, or still goes on")
    panels = read_curves(path)
    if not panels:
        notices.append("this run has no log of its steps")
    changed = _changes(record.recipe)
    values = asdict(record.recipe)
    return RunStory(
        folder=path,
        record=record,
        results=results,
        outcome=_outcome(record),
        recipe=[(name.replace("_", " "), _value(values[name]), name in changed) for name in _VALUES],
        panels=panels,
        notices=notices,
        command=_command(path, record, changed),
    )


def _outcome(record: Experiment) -> str:
    done = record.finished
    if done is None:
        return "not finished"
    minutes = f"{number(done.seconds / 60, 1)} minutes"
    counts = ((done.step, "step"), (done.frames, "frame"), (done.epochs, "epoch"))
    amount = ", ".join([*(count_of(each, word) for each, word in counts), minutes])
    best = "" if done.best_score is None else f"; best validation {record.recipe.best} {number(done.best_score, 4)}"
    return amount + best


def _changes(recipe: Recipe) -> dict[str, object]:
    """The values that differ from the recipe of that name which ships with salzoo."""
    if recipe.name not in list_recipes():
        return {}
    shipped = asdict(load_recipe(recipe.name))
    return {name: value for name, value in asdict(recipe).items() if value != shipped[name] and name in _VALUES}


def _command(path: Path, record: Experiment, changed: dict[str, object]) -> str:
    words = ["salzoo", "train", str(record.spec), "--dataset", ",".join(name for name, _ in record.datasets)]
    roots = [root for _, root in record.datasets if root is not None]
    words += ["--root", roots[0]] if len(roots) == 1 else []
    known = record.recipe.name in list_recipes()
    words += ["--recipe", record.recipe.name if known else f"{record.recipe.name}.toml"]
    for name, value in changed.items():
        words += ["--set", f"{name}={_value(value)}"]
    return shlex.join([*words, "-o", str(path)])


def _value(value: object) -> str:
    """A recipe's value as ``--set`` takes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return f"[{', '.join(repr(item) if isinstance(item, str) else _value(item) for item in value)}]"
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)
