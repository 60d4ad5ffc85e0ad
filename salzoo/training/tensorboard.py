"""Event files of a run for TensorBoard (extra ``tensorboard``)."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from salzoo.interfaces import SalzooError
from salzoo.training.loop import Step


@dataclass(frozen=True)
class Board:
    """What a run shows; nothing where it has no writer."""

    writer: Any = None

    def add_step(self, step: Step) -> None:
        """Show the loss, rates and gradient of a step."""
        if self.writer is not None:
            self.writer.add_scalar(f"loss/{step.network}", step.loss, step.step)
            for name in ("lr", "alpha", "grad_norm"):
                self.writer.add_scalar(name, getattr(step, name), step.step)

    def add_scores(self, scores: Mapping[str, float], step: int) -> None:
        """Show the scores of a validation."""
        if self.writer is not None:
            for name, score in scores.items():
                self.writer.add_scalar(f"validation/{name}", score, step)


@contextmanager
def open_board(folder: Path | None, step: int = 0) -> Iterator[Board]:
    """Write event files into ``tensorboard/`` of a run folder; None for a board that shows nothing.

    Args:
        folder: the run folder.
        step: the last step before; what an earlier process wrote of later ones is not shown.

    Raises:
        SalzooError: TensorBoard is not installed.
    """
    if folder is None:
        yield Board()
        return
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise SalzooError('TensorBoard is not installed: pip install "salzoo[tensorboard]"') from error
    with SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1) as writer:
        yield Board(writer)
