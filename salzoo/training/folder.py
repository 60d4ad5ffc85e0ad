"""The run folder: a checkpoint folder with the run's recipe, its log, its saved states and pictures."""

import csv
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path
from typing import Any

from tqdm import tqdm

from salzoo import __version__
from salzoo.evaluation.results import Result
from salzoo.hub.cards import run_card
from salzoo.hub.checkpoint import save_checkpoint
from salzoo.interfaces import Dataset, SalzooError
from salzoo.model import SaliencyModel
from salzoo.training.loop import Step
from salzoo.training.recipe import Recipe, check_value

RECORD, LOG, SCORES = "training.json", "metrics.csv", "scores.csv"


@dataclass(frozen=True)
class RunFolder:
    """Where a run writes.

    Attributes:
        path: the folder.
        spec: of the model that is trained.
        datasets: what it is trained on.
        recipe: how.
    """

    path: Path
    spec: str
    datasets: Sequence[Dataset]
    recipe: Recipe

    def create(self, roots: Sequence[str | None]) -> None:
        """Make the folder, with a record from which the run can be resumed.

        Args:
            roots: the folder of each data set that the user named, if any.

        Raises:
            SalzooError: where something is there already, or the folder cannot be written.
        """
        try:
            if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
                raise SalzooError(f"{self.path} is there already; name another run folder with --out, or remove it")
            (self.path / "pictures").mkdir(parents=True)
            named = zip(self.datasets, roots, strict=True)
            record = {
                "salzoo": __version__,
                "spec": self.spec,
                "datasets": [{"name": dataset.name, "root": root} for dataset, root in named],
                "recipe": asdict(self.recipe),
            }
            (self.path / RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise SalzooError(f"cannot write run folder {self.path}: {error.strerror or error}") from error

    def save(self, model: SaliencyModel, results: Sequence[Result] = (), folder: str = "") -> None:
        """Write the checkpoint, with a card that holds these results; to a folder within the run folder if named."""
        data = " ".join(f"Trained on the training split of {data.name}. {data.note}".strip() for data in self.datasets)
        training = [f"{key.replace('_', ' ')}: {value}" for key, value in asdict(self.recipe).items()]
        scores = {f"{result.model} ({result.dataset} {result.split})": result.mean for result in results}
        save_checkpoint(model, self.path / folder, run_card(self.spec, data=data, training=training, results=scores))

    def log_scores(self, epoch: int, step: int, scores: Mapping[str, float]) -> None:
        """Add a line to ``scores.csv``."""
        path = self.path / SCORES
        new = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as file:
            log = csv.writer(file)
            if new:
                log.writerow(["epoch", "step", *scores])
            log.writerow([epoch, step, *(f"{score:.6g}" for score in scores.values())])

    def forget_after(self, step: int) -> None:
        """Leave out of the logs what lies behind the step that a run is resumed from."""
        for name in (LOG, SCORES):
            path = self.path / name
            if path.exists():
                with path.open(newline="", encoding="utf-8") as file:
                    header, *rows = csv.reader(file)
                column = header.index("step")
                kept = [row for row in rows if len(row) == len(header) and int(row[column]) <= step]
                temporary = path.with_name(f".{name}.{os.getpid()}.tmp")
                with temporary.open("w", newline="", encoding="utf-8") as file:
                    csv.writer(file).writerows([header, *kept])
                temporary.replace(path)

    def follow(self, steps: Iterable[Step]) -> Iterator[Step]:
        """Pass steps on while logging each to ``metrics.csv`` and showing progress."""
        path = self.path / LOG
        new = not path.exists()
        bar_format = "{l_bar}{bar}| {elapsed}<{remaining}{postfix}"
        with (
            path.open("a", newline="", encoding="utf-8") as file,
            tqdm(total=100, desc="training", bar_format=bar_format, leave=False, disable=None) as bar,
        ):
            log = csv.writer(file)
            if new:
                log.writerow(field.name for field in fields(Step))
            for step in steps:
                log.writerow(f"{value:.6g}" if isinstance(value, float) else value for value in astuple(step))
                file.flush()
                bar.set_postfix_str(
                    f"epoch {step.epoch}, loss {step.loss:.4f}, {step.frames / max(step.seconds, 1e-9):.1f} frames/s",
                    refresh=False,
                )
                bar.update(100 * step.done - bar.n)
                yield step


def read_record(path: Path) -> dict[str, Any]:
    """Read ``training.json`` of a run folder. Raises SalzooError naming the file."""
    file = path / RECORD
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        return {
            "spec": str(record["spec"]),
            "datasets": [(str(each["name"]), each["root"]) for each in record["datasets"]],
            "recipe": _read_recipe(record["recipe"]),
        }
    except FileNotFoundError:
        raise SalzooError(f"{path} is no run folder: it has no {RECORD}") from None
    except SalzooError as error:
        raise SalzooError(f"{file}: {error}") from error
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise SalzooError(f"{file} cannot be read: {type(error).__name__}: {error}") from error


def _read_recipe(values: Mapping[str, Any]) -> Recipe:
    texts = {key: values[key] for key in ("name", "summary", "source")}
    others = {key: check_value(key, value, RECORD) for key, value in values.items() if key not in texts}
    return Recipe(**texts, **others)
