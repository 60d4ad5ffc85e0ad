"""Finding plug-ins: the built-ins first, then every installed distribution with an entry point in group ``salzoo``."""

import contextlib
import functools
import importlib
import logging
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from types import ModuleType
from typing import Any

import pluggy

from salzoo import hookspecs
from salzoo.interfaces.errors import LIMIT, EndedBySignal, SalzooError, one_line, shown
from salzoo.registry import NAME, Entry, Kind, Registry
from salzoo.version import __version__

GROUP = "salzoo"
DISABLE = "SALZOO_DISABLE_PLUGINS"
BUILT_INS = (
    *("salzoo.backbones", "salzoo.temporal", "salzoo.metrics", "salzoo.datasets"),
    *("salzoo.hub.cards", "salzoo.training.recipes"),
)

REPORTED = 20
"""Plug-ins with problems of which every command prints a line."""

SLOW = 5.0
"""Seconds of importing a plug-in after which it is named."""

_HOOKS: dict[str, Kind] = {
    "register_backbones": "backbones",
    "register_temporal_modules": "temporal",
    "register_metrics": "metrics",
    "register_datasets": "datasets",
    "register_cards": "models",
    "register_converters": "converters",
    "register_recipes": "recipes",
}

log = logging.getLogger("salzoo")


@dataclass(frozen=True)
class Plugin:
    """One plug-in that was found.

    Attributes:
        name: its distribution ("salzoo" for the built-ins).
        version: the distribution's version.
        module: the module with its hooks.
        entries: what it brought in, under the names that were free.
        problem: why it, or some of its names, were left out; empty when all is well.
        disabled: whether that is because the user said so.
        heavy: whether importing it alone loads torch, so that every command starts slowly.
    """

    name: str
    version: str
    module: str
    entries: tuple[Entry, ...]
    problem: str = ""
    disabled: bool = False
    heavy: bool = False


@functools.cache
def load_plugins() -> tuple[Registry, tuple[Plugin, ...]]:
    """Collect every name once per process. Problems are logged as warnings, which Python prints on stderr.

    Whatever a third-party plug-in raises, except KeyboardInterrupt, leaves that plug-in out whole and the others alone;
    so does a requirement on another version of salzoo. ``SALZOO_DISABLE_PLUGINS`` leaves out all ("1" or "all") or the
    distributions that it names, separated by commas.
    """
    registry = Registry()
    plugins = []
    for module in BUILT_INS:
        entries = collect(importlib.import_module(module), "salzoo")
        for entry in entries:
            for clash in registry.add(entry)[1]:
                raise RuntimeError(clash)
        plugins.append(Plugin("salzoo", __version__, module, tuple(entries)))
    for distribution in _third_parties():
        plugins += _load_distribution(distribution, registry)
    _report([plugin for plugin in plugins if plugin.problem and not plugin.disabled])
    return registry, tuple(plugins)


def _report(troubled: Sequence[Plugin]) -> None:
    """A line for each of the first plug-ins that are left out, or names of theirs."""
    for plugin in troubled[:REPORTED]:
        left_out = "" if plugin.entries else " is left out"
        log.warning(shown(f"plug-in {plugin.name} ({plugin.module}){left_out}: {plugin.problem}", LIMIT))
    if len(troubled) > REPORTED:
        log.warning(f"and {len(troubled) - REPORTED} more plug-ins have problems: salzoo plugins shows them")


def registry() -> Registry:
    """The registry of all built-in and installed names."""
    return load_plugins()[0]


def collect(plugin: ModuleType | Any, name: str) -> list[Entry]:
    """Run the hooks of one plug-in and return what it registers, without adding it anywhere.

    Each plug-in gets a plug-in manager of its own, so that one which fails half-way leaves nothing behind.
    """
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    manager.register(plugin, name)
    manager.check_pending()
    for hook in _HOOKS:
        if callable(getattr(plugin, hook, None)) and not hasattr(getattr(plugin, hook), "salzoo_impl"):
            raise TypeError(f"{hook} is not marked with @hookimpl")
    entries: list[Entry] = []

    def register_as(kind: Kind) -> hookspecs.Register:
        def register(
            name_: str, target: str | Callable[..., Any], /, *, summary: str = "", aliases: Sequence[str] = ()
        ) -> None:
            if isinstance(aliases, str):
                raise TypeError(f"aliases of {name_!r} must be a sequence of names, not the text {aliases!r}")
            for each in (name_, *aliases):
                if not (isinstance(each, str) and NAME.fullmatch(each)):
                    raise ValueError(f"{each!r} cannot be a name: it must match {NAME.pattern}")
            if not (callable(target) or (isinstance(target, str) and target.count(":") == 1)):
                raise ValueError(f"target {target!r} of {name_!r} must be callable or read 'package.module:attribute'")
            if not (isinstance(summary, str) and summary.isprintable() and len(summary) <= LIMIT):
                raise ValueError(f"summary of {name_!r} must be a text on one line, not {summary!r}")
            entries.append(Entry(kind, name_, target, summary, tuple(aliases), name))

        return register

    for hook, kind in _HOOKS.items():
        getattr(manager.hook, hook)(register=register_as(kind))
    return entries


def _third_parties() -> list[Distribution]:
    """The installed distributions with a plug-in, sorted by name; of two of one name, that which Python imports."""
    found: dict[str, Distribution] = {}
    for distribution in distributions():
        try:
            declares = f"[{GROUP}]" in (distribution.read_text("entry_points.txt") or "")
        except OSError:  # whatever else lies on the path
            continue
        except ValueError:  # no text at all: whose it is, is said
            declares = True
        if declares:
            found.setdefault(normalize(distribution.name or "unnamed"), distribution)
    return [found[name] for name in sorted(found)]


def _load_distribution(distribution: Distribution, registry: Registry) -> list[Plugin]:
    """Add to the registry what a distribution's entry points register, each of them whole or not at all."""
    name, version = distribution.name or "unnamed", distribution.version or "?"
    try:
        entry_points = sorted({e.value: e for e in distribution.entry_points if e.group == GROUP}.items())
    except UnicodeDecodeError:
        where = f"the entry_points.txt of {name} in {distribution.locate_file('')} is no text"
        return [
            Plugin(name, version, "entry_points.txt", (), f"{where}: repair or remove it, PyTorch may fail over it")
        ]
    except Exception as error:  # a file of entry points that is malformed
        return [Plugin(name, version, "entry_points.txt", (), one_line(error))]
    plugins = []
    for module, entry_point in entry_points:
        if _is_disabled(name):
            plugins.append(Plugin(name, version, module, (), f"disabled by {DISABLE}", disabled=True))
            continue
        light = "torch" not in sys.modules
        try:
            _check_requirement(distribution)
            with _named_where_it_hangs(name, module), contextlib.redirect_stdout(sys.stderr):
                entries = collect(entry_point.load(), name)  # what it prints must not stand in our JSON
        except (KeyboardInterrupt, EndedBySignal):
            raise
        except BaseException as error:  # SystemExit at import must not end the program either
            plugins.append(Plugin(name, version, module, (), one_line(error)))
            continue
        added = [registry.add(entry) for entry in entries]
        kept = tuple(entry for entry, _ in added if entry)
        problem = "; ".join(clash for _, clashes in added for clash in clashes)
        heavy = light and "torch" in sys.modules
        plugins.append(Plugin(name, version, module, kept, problem, heavy=heavy))
    return plugins


@contextlib.contextmanager
def _named_where_it_hangs(name: str, module: str) -> Iterator[None]:
    """Say which plug-in is being imported, where that takes long."""
    hint = f"still importing plug-in {name} ({module}); {DISABLE}={normalize(name)} leaves it out"
    timer = threading.Timer(SLOW, log.warning, [shown(hint)])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def normalize(name: str) -> str:
    """A distribution's name as the package index compares it: "Salzoo_EMD" is "salzoo-emd"."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _is_disabled(distribution: str) -> bool:
    value = os.environ.get(DISABLE, "").strip()
    return value.lower() in ("1", "all") or normalize(distribution) in map(normalize, value.replace(",", " ").split())


def _check_requirement(distribution: Distribution) -> None:
    """Raise SalzooError when a distribution asks for another version of salzoo than this one.

    pip says so when it installs, but goes on; and salzoo may have been changed since.
    """
    for line in distribution.requires or ():
        if not re.match(r"salzoo\b(?![-_.])", line, re.IGNORECASE):
            continue
        from packaging.requirements import Requirement  # here, for listing names must stay quick

        requirement = Requirement(line)
        applies = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if applies and not requirement.specifier.contains(__version__, prereleases=True):
            raise SalzooError(f"it needs salzoo {requirement.specifier}, and this is {__version__}")
