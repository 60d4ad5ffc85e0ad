"""The hooks through which everything that the zoo can name comes in, the built-ins included.

A plug-in implements any of these functions, marked with ``hookimpl``, in a module that its distribution names under the
entry-point group ``salzoo``. Each hook receives ``register`` and calls it once for every name it brings::

    from salzoo.hookspecs import hookimpl

    @hookimpl
    def register_temporal_modules(register):
        register("convgru", "salzoo_convgru.module:ConvGRU", summary="Convolutional GRU on a layer's input")

The target is a callable, or "package.module:attribute" so that listing the names imports nothing heavy.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import pluggy

hookspec = pluggy.HookspecMarker("salzoo")
hookimpl = pluggy.HookimplMarker("salzoo")


class Register(Protocol):
    """What a hook calls to bring in one name."""

    def __call__(
        self, name: str, target: str | Callable[..., Any], /, *, summary: str = "", aliases: Sequence[str] = ()
    ) -> None: ...


@hookspec
def register_backbones(register: Register) -> None:
    """Bring in backbones: ``target(**params)`` gives a ``salzoo.interfaces.Backbone``."""


@hookspec
def register_temporal_modules(register: Register) -> None:
    """Bring in temporal modules: ``target(in_channels, out_channels, **params)`` gives a torch module.

    See ``salzoo.interfaces.TemporalModule``.
    """


@hookspec
def register_metrics(register: Register) -> None:
    """Bring in metrics: the target is a ``salzoo.interfaces.Metric``."""


@hookspec
def register_datasets(register: Register) -> None:
    """Bring in data sets: ``target(root)`` gives a ``salzoo.interfaces.Dataset``."""


@hookspec
def register_converters(register: Register) -> None:
    """Bring in declarations of published weights: the target is a ``salzoo.interfaces.PublishedWeights``."""


@hookspec
def register_cards(register: Register) -> None:
    """Bring in model cards: ``target()`` gives the text of one, Markdown with YAML front matter."""


@hookspec
def register_recipes(register: Register) -> None:
    """Bring in recipes: ``target()`` gives the text of one, TOML with values of ``salzoo.training.recipe.Recipe``."""
