"""Names: what each kind of component is called, who brought it, and how to load it."""

import contextlib
import difflib
import fnmatch
import importlib
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from salzoo.interfaces.errors import EndedBySignal, SalzooError, one_line

Kind = Literal["backbones", "temporal", "metrics", "datasets", "models", "converters", "recipes"]
KINDS: tuple[Kind, ...] = get_args(Kind)

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
"""What a name may look like: it stands in specs, in folder names and on command lines unquoted."""

MAX_GLOB = 200
"""Characters of the longest glob that names are compared with."""

ELSEWHERE: dict[Kind, dict[str, str]] = {
    "backbones": {
        "fastsal": "salzoo-fastsal",
        "tased-net": "salzoo-tased",
        "tinyhd": "salzoo-tinyhd",
        "unisal": "salzoo-unisal",
    },
    "temporal": {"convgru": "salzoo-convgru"},
    "metrics": {"emd": "salzoo-emd"},
    "recipes": {"tased-net": "salzoo-tased", "unisal": "salzoo-unisal"},
    "datasets": {},
    "models": {
        "fastsal-salicon-a": "salzoo-fastsal",
        "tased-net-dhf1k": "salzoo-tased",
        "tinyhd-s": "salzoo-tinyhd",
        "unisal-four-sets": "salzoo-unisal",
    },
}
"""Names that packages of salzoo's own repository bring, with the package."""

NOUNS: dict[Kind, str] = {
    "backbones": "backbone",
    "temporal": "temporal module",
    "metrics": "metric",
    "datasets": "data set",
    "models": "model",
    "converters": "converter",
    "recipes": "recipe",
}


@dataclass(frozen=True)
class Entry:
    """One registered name.

    Attributes:
        kind: what is named.
        name: the canonical name.
        target: a callable, or "package.module:attribute".
        summary: one line for listings.
        aliases: other names for the same thing.
        plugin: the distribution that registered it.
    """

    kind: Kind
    name: str
    target: str | Callable[..., Any]
    summary: str
    aliases: tuple[str, ...]
    plugin: str

    def load(self) -> Any:
        """Import the target. Raises SalzooError naming the plug-in when that fails."""
        if not isinstance(self.target, str):
            return self.target
        module, _, attribute = self.target.partition(":")
        try:
            with contextlib.redirect_stdout(sys.stderr):  # what it prints must not stand in our JSON
                return getattr(importlib.import_module(module), attribute)
        except (KeyboardInterrupt, EndedBySignal):
            raise
        except BaseException as error:  # importing a third party's module may raise anything
            what = f"{NOUNS[self.kind]} {self.name!r} of plug-in {self.plugin}"
            raise SalzooError(f"{what} cannot be loaded from {self.target}: {one_line(error)}") from error


@dataclass
class Registry:
    """All names of all kinds. A name or alias belongs to its first holder, for each kind."""

    _entries: dict[Kind, dict[str, Entry]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    _names: dict[Kind, dict[str, Entry]] = field(default_factory=lambda: {kind: {} for kind in KINDS})

    def add(self, entry: Entry) -> tuple[Entry | None, list[str]]:
        """Add an entry under its name and those of its aliases that are free.

        Returns the entry as it was added (None where its own name is taken), and one line for each name that another
        entry holds already.
        """
        held = self._names[entry.kind]
        clashes = [
            f"{NOUNS[entry.kind]} {name!r} belongs to {held[name].plugin} already"
            for name in (entry.name, *entry.aliases)
            if name in held
        ]
        if entry.name in held:
            return None, clashes
        entry = replace(entry, aliases=tuple(alias for alias in entry.aliases if alias not in held))
        self._entries[entry.kind][entry.name] = entry
        for name in (entry.name, *entry.aliases):
            held[name] = entry
        return entry, clashes

    def entries(self, kind: Kind, pattern: str = "*") -> list[Entry]:
        """Entries of a kind whose name or an alias matches a glob, sorted by name. Raises SalzooError for a glob that
        is longer than any name."""
        if len(pattern) > MAX_GLOB:  # to read one takes the square of that
            raise SalzooError(f"pattern {pattern!r} is longer than {MAX_GLOB} characters")
        return sorted(
            (
                entry
                for entry in self._entries[kind].values()
                if any(fnmatch.fnmatchcase(name, pattern) for name in (entry.name, *entry.aliases))
            ),
            key=lambda entry: entry.name,
        )

    def find(self, kind: Kind, name: str) -> Entry:
        """The entry of a name or alias. Raises SalzooError with the nearest known names."""
        try:
            return self._names[kind][name]
        except KeyError:
            if name in ELSEWHERE[kind]:
                package = ELSEWHERE[kind][name]
                raise SalzooError(
                    f"unknown {NOUNS[kind]} {name!r}: it comes with the package {package}, which is not installed (in "
                    f"a copy of salzoo's repository: pip install plugins/{package})"
                ) from None
            if kind == "backbones" and name in self._names["models"]:
                raise SalzooError(f"{name} is a trained model, no backbone: it has no parameters to choose") from None
            raise SalzooError(f"unknown {NOUNS[kind]} {name!r}{did_you_mean(name, self._names[kind])}") from None

    def knows(self, kind: Kind, name: str) -> bool:
        """Whether a name or alias is registered."""
        return name in self._names[kind]


def did_you_mean(name: str, known: Sequence[str] | dict[str, Any]) -> str:
    """The end of an error message: the nearest of the known names, or all of them when none is near.

    >>> did_you_mean("salgam", ["salgan", "center-bias"])
    "; did you mean 'salgan'?"
    >>> did_you_mean("x", ["b", "a"])
    '; known: a, b'
    """
    near = difflib.get_close_matches(name, list(known), n=3) if len(name) <= 100 else []  # it takes the square of that
    if near:
        return f"; did you mean {' or '.join(map(repr, near))}?"
    return f"; known: {', '.join(sorted(known)) or 'none'}"
