"""How far long work has come: a bar at a terminal, else a line every few seconds."""

import sys
from typing import Any

from tqdm import tqdm

SECONDS = 5.0
"""From one line to the next where there is no terminal."""


LINE = "{desc}: {n_fmt} of {total_fmt}, {rate_fmt}, {remaining} left"


def progress_bar(
    label: str,
    *,
    total: float | None,
    unit: str = "it",
    silent: bool = False,
    bar_format: str | None = None,
    line_format: str = LINE,
) -> Any:
    """A tqdm bar on stderr that leaves nothing behind at a terminal.

    Where stderr is no terminal, such as the log of a job, work of less than ``SECONDS`` prints nothing, longer work one
    line so often.

    Args:
        label: what is being done.
        total: of how many.
        unit: what is counted.
        silent: print nothing at all.
        bar_format, line_format: what tqdm shows at a terminal, and elsewhere.
    """
    stderr = sys.stderr
    if silent or stderr is None or stderr.closed:
        return tqdm(total=total, disable=True)
    if stderr.isatty():
        return tqdm(total=total, desc=label, unit=unit, leave=False, bar_format=bar_format)
    return tqdm(
        total=total,
        desc=label,
        unit=unit,
        leave=False,
        file=_Lines(stderr),
        mininterval=SECONDS,
        maxinterval=SECONDS,
        delay=SECONDS,
        bar_format=line_format,
    )


class _Lines:
    """A stream that gets each state of a bar as a line of its own."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def write(self, text: str) -> None:
        shown = text.strip()
        if shown:
            self.stream.write(f"{shown}\n")

    def flush(self) -> None:
        self.stream.flush()
