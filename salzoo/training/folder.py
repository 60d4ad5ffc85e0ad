"""The run folder: a checkpoint folder with the run's settings, its log and pictures."""

import csv
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path

from tqdm import tqdm

from salzoo.evaluation.results import Result
from salzoo.hub.cards import run_card
from salzoo.hub.checkpoint import save_checkpoint
from salzoo.interfaces import Dataset, SalzooError
from salzoo.model import SaliencyModel
from salzoo.training.loop import Step
from salzoo.training.settings import Settings

SAVE_EVERY = 300.0
"""Seconds of training after which the checkpoint is written again."""


@dataclass(frozen=True)
class RunFolder:
    """Where a run writes.

    Attributes:
        path: the folder.
        model: the model that is trained.
        dataset: what it is trained on.
        settings: how.
    """

    path: Path
    model: SaliencyModel
    dataset: Dataset
    settings: Settings

    def create(self) -> None:
        """Make the folder with the untrained model in it, so that a run which cannot write ends before it trains.

        Raises SalzooError where something is there already.
        """
        try:
            if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
                raise SalzooError(f"{self.path} is there already; name another run folder with --out, or remove it")
            (self.path / "pictures").mkdir(parents=True)
            record = {"spec": str(self.model.spec), "dataset": self.dataset.name, "settings": asdict(self.settings)}
            (self.path / "training.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise SalzooError(f"cannot write run folder {self.path}: {error.strerror or error}") from error
        self.save()

    def save(self, results: Sequence[Result] = ()) -> None:
        """Write the checkpoint, with a card that holds these results."""
        data = f"Trained on the training split of {self.dataset.name}. {self.dataset.note}".strip()
        training = [f"{key.replace('_', ' ')}: {value}" for key, value in asdict(self.settings).items()]
        scores = {f"{result.model} ({result.dataset} {result.split})": result.mean for result in results}
        card = run_card(str(self.model.spec), data=data, training=training, results=scores)
        save_checkpoint(self.model, self.path, card)

    def follow(self, steps: Iterable[Step]) -> Iterator[Step]:
        """Pass steps on while logging each to ``metrics.csv``, showing progress and saving now and then."""
        saved = time.monotonic()
        bar_format = "{l_bar}{bar}| {elapsed}<{remaining}{postfix}"
        with (
            (self.path / "metrics.csv").open("w", newline="", encoding="utf-8") as file,
            tqdm(total=100, desc="training", bar_format=bar_format, leave=False, disable=None) as bar,
        ):
            log = csv.writer(file)
            log.writerow(field.name for field in fields(Step))
            for step in steps:
                log.writerow(f"{value:.6g}" if isinstance(value, float) else value for value in astuple(step))
                file.flush()
                bar.set_postfix_str(f"loss {step.loss:.4f}, {step.frames / step.seconds:.1f} frames/s", refresh=False)
                bar.update(100 * step.done - bar.n)
                if time.monotonic() - saved > SAVE_EVERY:
                    self.save()
                    saved = time.monotonic()
                yield step
