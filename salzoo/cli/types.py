"""Values of options, as ``click.option(type=…)`` takes them, and groups of options."""

import math
import re
from collections.abc import Callable
from typing import Any

import click

SEED = click.IntRange(0, 2**63 - 1)
"""A seed that every generator of random numbers takes."""

GIVEN = "salzoo.given"
"""Where click's ``meta`` has the command as it was given, for files that say what wrote them."""


class NumberRange(click.FloatRange):
    """A number within bounds, itself finite: "nan" lies within all bounds that a comparison finds."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is no finite number", param, ctx)
        return number


def parse_size(text: str) -> tuple[int, int]:
    """A size in pixels, HxW, height first: for options with ``metavar="HxW"``.

    >>> parse_size("192x256")
    (192, 256)
    """
    match = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", text, re.ASCII)
    if not match:
        raise click.BadParameter(f"{text!r} is not a size: write HEIGHTxWIDTH in pixels, such as 192x256")
    return int(match[1]), int(match[2])


def grouped(*options: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A decorator that adds options to a command, shown in their order."""

    def add(command: Callable[..., None]) -> Callable[..., None]:
        for option in reversed(options):  # click shows the last one first
            command = option(command)
        return command

    return add
