"""The grammar of specs: the text that names a model.

    spec      = component { "+" component "@" position }
    component = name [ ":" key "=" value { "," key "=" value } ]
    position  = index | landmark

No character in a spec needs quoting in a shell. This module knows the grammar, and how a component's values
become the arguments of its factory. Whether the names exist is the registry's business (``salzoo.model.canonical_spec``
resolves aliases), where a landmark lies is the backbone's.
"""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from salzoo.interfaces.errors import SalzooError
from salzoo.registry import NAME, did_you_mean

Value = bool | int | float | str

MAX_LENGTH = 500
"""Longest spec that is read. It names folders and stands in error messages; no real one comes near."""

_KEY = re.compile(r"[a-z][a-z0-9_]*")
_VALUE = re.compile(r"[A-Za-z0-9_.-]+")
_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)?(\.[0-9]*)?([eE]-?[0-9]+)?")
LANDMARK = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Component:
    """A name with its parameters, sorted by key."""

    name: str
    params: tuple[tuple[str, Value], ...] = ()

    def __str__(self) -> str:
        params = ",".join(f"{key}={_format_value(value)}" for key, value in self.params)
        return f"{self.name}:{params}" if params else self.name


@dataclass(frozen=True)
class Placed:
    """A temporal module's component and the position it stands at: an index (negative ones count from the end, −1
    being the last layer) or a landmark."""

    component: Component
    position: int | str

    def __str__(self) -> str:
        return f"{self.component}@{self.position}"


@dataclass(frozen=True)
class Spec:
    """A backbone and the temporal modules composed with it. ``str`` gives the canonical text.

    >>> str(parse_spec("salgan:width=0.250+ema:learn=true,alpha=1e-1@-1"))
    'salgan:width=0.25+ema:alpha=0.1,learn=true@-1'
    """

    backbone: Component
    temporal: tuple[Placed, ...] = ()

    def __str__(self) -> str:
        return "+".join(map(str, (self.backbone, *self.temporal)))


def parse_spec(text: str) -> Spec:
    """Read a spec. Raises SalzooError that points at the character where it stops making sense.

    >>> parse_spec("salgan+ema@61").temporal[0].position
    61
    >>> parse_spec("salgan+ema")
    Traceback (most recent call last):
    ...
    salzoo.interfaces.errors.SalzooError: malformed spec 'salgan+ema': expected '@' and a position at its end
    """
    if len(text) > MAX_LENGTH:
        raise SalzooError(f"malformed spec {text[:40]!r}…: longer than {MAX_LENGTH} characters")
    reader = _Reader(text)
    backbone = reader.component("a backbone's name")
    temporal: list[Placed] = []
    while not reader.at_end():
        reader.expect("+", "'+' and a temporal module")
        component = reader.component("a temporal module's name")
        reader.expect("@", "'@' and a position")
        start = reader.index
        position = reader.position()
        if any(placed.position == position for placed in temporal):
            reader.fail("a position that no other module has", start)
        temporal.append(Placed(component, position))
    return Spec(backbone, tuple(temporal))


def parse_component(text: str) -> Component:
    """Read a component alone, as "convgru:hidden=8". Raises SalzooError as ``parse_spec`` does.

    >>> parse_component("emd:reduction=16").params
    (('reduction', 16),)
    """
    spec = parse_spec(text)
    if spec.temporal:
        raise SalzooError(f"malformed name {text!r}: expected a component alone, without '+'")
    return spec.backbone


def split_components(text: str) -> list[str]:
    """Components separated by commas, which also separate the parameters of one.

    >>> split_components("hevc33:fold=2,first=false, osie")
    ['hevc33:fold=2,first=false', 'osie']
    """
    parts: list[str] = []
    for part in map(str.strip, text.split(",")):
        if parts and ":" in parts[-1] and "=" in part and ":" not in part:
            parts[-1] += f",{part}"
        else:
            parts.append(part)
    return parts


def check_params(component: Component, factory: Callable[..., Any]) -> dict[str, Value]:
    """Check a component's values against the annotated keyword-only parameters of its factory. A factory that takes any
    (``**params``) is given what it does not name as it is.

    Raises SalzooError for an unknown or missing parameter and for a value of another type.
    """
    named = inspect.signature(factory, eval_str=True).parameters
    parameters = {name: each for name, each in named.items() if each.kind is each.KEYWORD_ONLY}
    takes_any = any(each.kind is each.VAR_KEYWORD for each in named.values())
    params = {}
    for key, value in component.params:
        if key not in parameters and takes_any:
            params[key] = value
            continue
        if key not in parameters:
            raise SalzooError(f"{component.name} has no parameter {key!r}{did_you_mean(key, parameters)}")
        params[key] = _typed(component.name, key, value, parameters[key].annotation)
    for name, parameter in parameters.items():
        if parameter.default is parameter.empty and name not in params:
            raise SalzooError(f"{component.name} needs a value for {name!r}: {component.name}:{name}=…")
    return params


def _typed(component: str, key: str, value: Value, type_: Any) -> Value:
    if type_ is bool and (isinstance(value, bool) or value in (0, 1)):
        return bool(value)
    if type_ is int and isinstance(value, int) and not isinstance(value, bool):
        return value
    if type_ is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if type_ is str:
        return value if isinstance(value, str) else str(Component("x", ((key, value),))).partition("=")[2]
    name = {bool: "true or false", int: "a whole number", float: "a number"}.get(type_)
    if name is None:
        raise SalzooError(f"{component}: {key} is annotated {type_}; spec parameters are int, float, bool or str")
    raise SalzooError(f"{component}: {key} must be {name}, not {value!r}")


class _Reader:
    """A cursor over the text of a spec."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.index = 0

    def at_end(self) -> bool:
        return self.index == len(self.text)

    def fail(self, expected: str, index: int) -> None:
        found = f"character {index + 1} ({self.text[index]!r})" if index < len(self.text) else "its end"
        raise SalzooError(f"malformed spec {self.text!r}: expected {expected} at {found}")

    def expect(self, character: str, expected: str) -> None:
        if not self.text.startswith(character, self.index):
            self.fail(expected, self.index)
        self.index += 1

    def take(self, pattern: re.Pattern[str], expected: str) -> str:
        match = pattern.match(self.text, self.index)
        if not match or not match[0]:
            self.fail(expected, self.index)
        assert match
        self.index = match.end()
        return match[0]

    def component(self, expected: str) -> Component:
        name = self.take(NAME, expected)
        params: dict[str, Value] = {}
        if self.text.startswith(":", self.index):
            while True:
                self.index += 1  # over ":" or ","
                start = self.index
                key = self.take(_KEY, "a parameter's name")
                if key in params:
                    self.fail(f"a parameter other than {key!r}, which is given already", start)
                self.expect("=", "'='")
                start = self.index
                text = self.take(_VALUE, "a value (letters, digits, '_', '.', '-')")
                value = _parse_value(text)
                if value is None:
                    self.fail("a number within range", start)
                assert value is not None
                params[key] = value
                if not self.text.startswith(",", self.index):
                    break
        return Component(name, tuple(sorted(params.items())))

    def position(self) -> int | str:
        expected = "a position: an index or a landmark"
        match = _INTEGER.match(self.text, self.index)
        if match:
            self.index = match.end()
            return int(match[0])
        return self.take(LANDMARK, expected)


def _parse_value(text: str) -> Value | None:
    """A value in its canonical type: true/false, an integer, another number, or a word. None for a number too large
    (whole ones have 64 bits).

    A number that is a whole one is an int, however it is written, so that equal numbers have one form.
    """
    if text in ("true", "false"):
        return text == "true"
    if _INTEGER.fullmatch(text):
        number = int(text)
        return number if -(2**63) <= number < 2**63 else None
    if _NUMBER.fullmatch(text) and any(map(str.isdigit, re.split("[eE]", text)[0])):
        real = float(text)
        if real in (float("inf"), float("-inf")):
            return None
        return int(real) if real.is_integer() and abs(real) < 1e15 else real
    return text


def _format_value(value: Value) -> str:
    """The shortest text that reads back as the same value; "+" never appears (it separates components).

    >>> [_format_value(v) for v in (0.1, 1e-5, 1e22, True, 64, "small_100")]
    ['0.1', '1e-5', '1e22', 'true', '64', 'small_100']
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return re.sub(r"e([+-]?)0*", lambda match: "e" + match[1].strip("+"), repr(value))
    return str(value)
