"""Weights that a checkpoint folder does not hold, because a model that ships with salzoo has them.

The adapted models that ship are few numbers behind the network of gaze-lite, and hold no second copy of it.
``config.json`` says of whom, of which weights, and what stands before their names::

    "borrowed": {"of": "gaze-lite", "sha256": 64 hexadecimal digits, "under": "backbone.network.network."}
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from salzoo.hub.cards import load_card, shipped_folder
from salzoo.interfaces.errors import SalzooError
from salzoo.plugins import registry


@dataclass(frozen=True)
class Borrowed:
    """What is borrowed.

    Attributes:
        of: the card of a model whose weights ship with salzoo.
        sha256: of its weights file.
        under: what the borrower has before the names of its tensors.
    """

    of: str
    sha256: str
    under: str


def read_borrowed(record: Any) -> Borrowed | None:
    """What ``config.json`` says under ``borrowed``; None where there is nothing. Raises SalzooError."""
    if record is None:
        return None
    patterns = {"of": r"[\w.-]{1,100}", "sha256": "[0-9a-f]{64}", "under": r"[\w.]{1,100}"}
    if not (
        isinstance(record, dict)
        and record.keys() == patterns.keys()
        and all(isinstance(record[key], str) and re.fullmatch(patterns[key], record[key]) for key in patterns)
    ):
        raise SalzooError("borrowed must name of, sha256 and under, each a text")
    return Borrowed(**record)


def lending_folder(borrowed: Borrowed, where: str) -> Path:
    """The checkpoint folder of the lender. Raises SalzooError, whose message names ``where``, for a model that does not
    ship with salzoo."""
    weights = load_card(borrowed.of).weights if registry().knows("models", borrowed.of) else None
    if weights is None or weights.repo_id:
        raise SalzooError(f"{where}: it borrows weights of {borrowed.of}, which does not ship with this salzoo")
    return shipped_folder(borrowed.of)
