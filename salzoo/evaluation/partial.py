"""Scores kept video by video while an evaluation goes on, so that one that was ended can be finished.

They lie in a folder beside the results, ``RESULTS.partial``, until those are written: a record of what is scored, and
for each process a file to which it adds a line of JSON a video. Imports no torch.
"""

import json
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from salzoo.evaluation.scoring import ChunkScores
from salzoo.interfaces import SalzooError
from salzoo.interfaces.errors import one_line
from salzoo.runtime.files import parse_json, read_json, write_text, writing
from salzoo.runtime.locking import locked
from salzoo.runtime.ranks import on_first_rank, this_rank
from salzoo.runtime.versions import software_versions

RECORD = "evaluation.json"


@dataclass(frozen=True)
class Partial:
    """Where the scores of an evaluation lie until it is over.

    Attributes:
        results: the results file; the scores lie beside it.
        resume: take those that are there; by default they are removed.
    """

    results: Path
    resume: bool = False

    @property
    def folder(self) -> Path:
        """That of the scores."""
        return self.results.with_name(f"{self.results.name}.partial")


class PartialScores:
    """The scores of videos: those that were found, and those that this process adds.

    Args:
        folder: where they lie.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / f"{secrets.token_hex(8)}.jsonl"
        self._found: dict[tuple[str, str], list[list[ChunkScores]]] = {}
        for path in folder.glob("*.jsonl"):
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                with suppress(ValueError, LookupError, TypeError):  # the last line of a process that was killed
                    kind, video, parts = parse_json(line)
                    self._found[kind, video] = [[_read(part) for part in each] for each in parts]

    def find(self, kind: str, video: str) -> list[list[ChunkScores]] | None:
        """What was kept of a video, for each model that was scored together; None where there is nothing."""
        return self._found.get((kind, video))

    def add(self, kind: str, video: str, parts: Sequence[Sequence[ChunkScores]]) -> None:
        """Keep the scores of a video. Raises SalzooError where they cannot be written."""
        written = [[_plain(part) for part in each] for each in parts]
        with writing(self._file), self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps([kind, video, written]) + "\n")
            file.flush()
            os.fsync(file.fileno())


def _plain(part: ChunkScores) -> tuple[Any, ...]:
    return part.video, part.frames, part.scores.tolist(), part.notices, part.observers


def _read(part: Any) -> ChunkScores:
    video, frames, scores, notices, observers = part
    rows = np.array(scores, np.float64).reshape(len(frames), -1)
    return ChunkScores(video, frames, rows, [(k, w) for k, w in notices], [(i, o, row) for i, o, row in observers])


@contextmanager
def partial_scores(partial: Partial, asked: dict[str, Any]) -> Iterator[PartialScores]:
    """Within the block, the scores of each video can be kept; after its good end the results hold them.

    Args:
        partial: where they are kept.
        asked: all that they depend on, as JSON can hold it.

    Raises:
        SalzooError: the scores that are there are of something else, or another process adds to them.
    """
    rank = this_rank()
    with locked(partial.folder, rank, "is being written to"):
        on_first_rank(rank, lambda: _begin(partial, asked | software_versions()))
        yield PartialScores(partial.folder)


def remove_partial(partial: Partial) -> None:
    """Remove the scores that were kept, once the results are written."""
    shutil.rmtree(partial.folder, ignore_errors=True)


def _begin(partial: Partial, asked: dict[str, Any]) -> None:
    path = partial.folder / RECORD
    if partial.resume and path.exists():
        try:
            before = read_json(path)
            other = next((key for key, value in asked.items() if before[key] != value), None)
        except (ValueError, LookupError, TypeError) as error:
            raise SalzooError(f"{path} is damaged ({one_line(error)}): leave out --resume") from error
        if other is not None:
            raise SalzooError(
                f"{partial.folder} holds scores of {other} {before[other]!r}, not {asked[other]!r}: leave out --resume "
                "to begin again"
            )
        return
    for file in partial.folder.glob("*.jsonl"):
        file.unlink(missing_ok=True)
    write_text(json.dumps(asked, indent=2) + "\n", path)
