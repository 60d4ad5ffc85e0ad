"""The run folder: a checkpoint folder with the run's recipe, its log, its saved states and pictures."""

import csv
import json
import math
import shutil
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path
from typing import Any

from salzoo.evaluation.results import Result, format_notices
from salzoo.hub.cards import run_card
from salzoo.hub.checkpoint import WEIGHTS, save_checkpoint, weights_hash
from salzoo.interfaces import Dataset, SalzooError
from salzoo.model import SaliencyModel
from salzoo.runtime.files import read_json, reading, sweep, write_text, writing
from salzoo.runtime.progress import progress_bar
from salzoo.spec import parse_spec
from salzoo.training.experiment import Experiment
from salzoo.training.loop import Step
from salzoo.training.recipe import Recipe, check_value
from salzoo.training.resuming import FOLDER
from salzoo.training.state import Progress, read_progress
from salzoo.version import __version__

RECORD, LOG, SCORES, RESULTS = "training.json", "metrics.csv", "scores.csv", "results.json"
BEST, PICTURES = "best", "pictures"


@dataclass(frozen=True)
class RunFolder:
    """Where a run writes.

    Attributes:
        path: the folder.
        experiment: what the run is of.
        datasets: what it is trained on.
    """

    path: Path
    experiment: Experiment
    datasets: Sequence[Dataset]

    def create(self) -> None:
        """Make the folder, with a record from which the run can be resumed.

        Raises:
            SalzooError: where something is there already, or the folder cannot be written.
        """
        with writing(f"run folder {self.path}"):
            if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
                raise SalzooError(f"{self.path} is there already; name another run folder with --out, or remove it")
            self.path.mkdir(parents=True, exist_ok=True)
        self.write_record()

    def write_record(self, finished: Progress | None = None) -> None:
        """Write ``training.json``: the run, and where it is over how far it came."""
        record = {
            "salzoo": __version__,
            "spec": str(self.experiment.spec),
            "datasets": [{"name": name, "root": root} for name, root in self.experiment.datasets],
            "recipe": asdict(self.experiment.recipe),
            "finished": finished and asdict(finished),
        }
        write_text(json.dumps(record, indent=2) + "\n", self.path / RECORD)

    def save(self, model: SaliencyModel, results: Sequence[Result] = (), folder: str = "") -> None:
        """Write the checkpoint, with a card that holds these results; to a folder within the run folder if named."""
        data = " ".join(f"Trained on the training split of {data.name}. {data.note}".strip() for data in self.datasets)
        training = [f"{key.replace('_', ' ')}: {value}" for key, value in asdict(self.experiment.recipe).items()]
        scores = {f"{result.model} ({result.dataset} {result.split})": result.mean for result in results}
        of = [f"{each.dataset} {each.split}, {each.size}, protocol {each.protocol}. {each.note}" for each in results]
        remarks = [*dict.fromkeys(of), *format_notices(results)]
        card = run_card(str(model.spec), data=data, training=training, results=scores, remarks=remarks)
        save_checkpoint(model, self.path / folder, card)

    def finish(self, progress: Progress, *, keep_state: bool) -> None:
        """Note that the run is over, and leave the checkpoint alone: without the state that resuming takes, and without
        a best checkpoint that is the same."""
        self.write_record(progress)
        with writing(f"run folder {self.path}"):
            if not keep_state:
                shutil.rmtree(self.path / FOLDER, ignore_errors=True)
            best = self.path / BEST
            if (best / WEIGHTS).exists() and weights_hash(best) == weights_hash(self.path):
                shutil.rmtree(best)

    def pictures(self) -> Path:
        """The folder of pictures, made where it is missing."""
        folder = self.path / PICTURES
        with writing(folder):
            folder.mkdir(exist_ok=True)
        return folder

    def log_scores(self, epoch: int, step: int, scores: Mapping[str, float]) -> None:
        """Add a line to ``scores.csv``."""
        row = [epoch, step, *(f"{score:.6g}" for score in scores.values())]
        _append(self.path / SCORES, ["epoch", "step", *scores], row)

    def forget_after(self, step: int) -> None:
        """Leave out of the logs what lies behind the step that a run is resumed from, and lines that are damaged; and
        remove the files that a process left half-written when it was killed."""
        for folder in ("", FOLDER, BEST, PICTURES):
            sweep(self.path / folder, 0)
        for name in (LOG, SCORES):
            path = self.path / name
            if path.exists():
                header, rows = read_log(path)
                text = "".join(f"{','.join(row.values())}\n" for row in rows if int(row["step"]) <= step)
                write_text(f"{','.join(header)}\n{text}" if header else "", path)

    def follow(self, steps: Iterable[Step]) -> Generator[Step, None, None]:
        """Pass steps on while logging each to ``metrics.csv`` and showing progress."""
        path = self.path / LOG
        with progress_bar(
            "training",
            total=100,
            bar_format="{l_bar}{bar}| {elapsed}<{remaining}{postfix}",
            line_format="{desc}: {percentage:.0f} %, {remaining} left{postfix}",
        ) as bar:
            for step in steps:
                row = [f"{value:.6g}" if isinstance(value, float) else value for value in astuple(step)]
                _append(path, _COLUMNS[LOG], row)
                bar.set_postfix_str(
                    f"epoch {step.epoch}, loss {step.loss:.4f}, {step.frames / max(step.seconds, 1e-9):.1f} frames/s",
                    refresh=False,
                )
                bar.update(100 * step.done - bar.n)
                yield step


def _append(path: Path, header: Sequence[str], row: Sequence[object]) -> None:
    """Add a line to a log, after its header where it is new."""
    with writing(path), path.open("a", newline="", encoding="utf-8") as file:
        log = csv.writer(file, lineterminator="\n")
        if file.tell() == 0:
            log.writerow(header)
        log.writerow(row)


def folder_size(path: Path) -> int:
    """Bytes of all files in a folder; what two names share counts once."""
    found = {(s.st_dev, s.st_ino): s.st_size for s in (p.lstat() for p in path.rglob("*") if p.is_file())}
    return sum(found.values())


_COLUMNS = {LOG: [field.name for field in fields(Step)], SCORES: ["epoch", "step"]}
"""Columns that a log must have."""


def read_log(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """Read ``metrics.csv`` or ``scores.csv``: its columns, and its lines by column; none for an empty file.

    Lines that a crash or a bad disk left damaged are left out: all that are no numbers, but for the column "network".

    Raises:
        SalzooError: where the file is no such log at all.
    """
    with reading(path):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    if not any(lines):
        return [], []
    header = lines[0].split(",")
    missing = [column for column in _COLUMNS[path.name] if column not in header]
    if missing:
        raise SalzooError(f"{path} is damaged: it has no column {missing[0]!r}; move it away to go on without it")
    cells = [line.split(",") for line in lines[1:]]
    rows = [dict(zip(header, row, strict=True)) for row in cells if len(row) == len(header)]
    return header, [row for row in rows if row["step"].isdecimal() and all(map(_whole, row.items()))]


def _whole(cell: tuple[str, str]) -> bool:
    column, text = cell
    try:
        return column == "network" or not math.isinf(float(text))
    except ValueError:
        return False


def read_experiment(path: Path) -> Experiment:
    """Read ``training.json`` of a run folder. Raises SalzooError naming the file."""
    file = path / RECORD
    try:
        record = read_json(file)
        datasets = tuple((each["name"], each["root"]) for each in record["datasets"])
        if not datasets or not all(isinstance(n, str) and isinstance(r, str | None) for n, r in datasets):
            raise SalzooError("its datasets are no list of names and folders")
        if not isinstance(record["spec"], str):
            raise SalzooError("its spec is no text")
        finished = record.get("finished")
        spec, recipe = parse_spec(record["spec"]), _read_recipe(record["recipe"])
        return Experiment(spec, datasets, recipe, finished and read_progress(finished))
    except FileNotFoundError:
        raise SalzooError(f"{path} is no run folder: it has no {RECORD}") from None
    except SalzooError as error:
        raise SalzooError(f"{file} is damaged: {error}") from error
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise SalzooError(f"{file} is damaged: it is not the record of a run that salzoo train writes") from error


def _read_recipe(values: Mapping[str, Any]) -> Recipe:
    texts: dict[str, Any] = {key: str(values[key]) for key in ("name", "summary", "source")}
    others = {key: check_value(key, value, RECORD) for key, value in values.items() if key not in texts}
    return Recipe(**texts, **others)
