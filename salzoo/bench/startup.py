"""How long commands take before they do anything."""

import subprocess
import sys
from collections.abc import Sequence
from functools import partial

from salzoo.bench.measuring import Table, time_in_turn

COMMANDS: dict[str, Sequence[str]] = {
    "salzoo --help": ("-m", "salzoo", "--help"),
    "salzoo list": ("-m", "salzoo", "list"),
    "salzoo describe salgan": ("-m", "salzoo", "describe", "salgan"),
    "salzoo predict --help": ("-m", "salzoo", "predict", "--help"),
    "import torch": ("-c", "import torch"),
    "import timm": ("-c", "import timm"),
    "load_model": ("-c", "import salzoo; salzoo.load_model('spectral-residual')"),
    "train, imported": ("-c", "import salzoo; salzoo.train"),
}


def bench_startup(*, rounds: int = 5) -> Table:
    """Time processes that start, do next to nothing and end; ``salzoo --help`` is what they are compared with."""

    def start(arguments: Sequence[str]) -> None:
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)

    variants = {name: partial(start, arguments) for name, arguments in COMMANDS.items()}
    return Table("start-up", "process", time_in_turn(variants, rounds=rounds))
