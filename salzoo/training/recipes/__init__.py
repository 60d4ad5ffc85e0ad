"""The recipes that ship with salzoo."""

import functools
import re
from pathlib import Path

from salzoo.hookspecs import Register, hookimpl


@hookimpl
def register_recipes(register: Register) -> None:
    for path in sorted(Path(__file__).parent.glob("*.toml")):
        read = functools.partial(path.read_text, encoding="utf-8")
        summary = re.search(r'^summary = "(.+)"$', read(), re.MULTILINE)
        register(path.stem, read, summary=summary[1] if summary else "")
