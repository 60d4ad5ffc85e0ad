"""New packages: a working component with its tests, written from the ``.template`` files beside this one."""

import re
import string
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal, get_args

from salzoo.interfaces.errors import SalzooError
from salzoo.plugins import load_plugins, normalize, registry
from salzoo.registry import NAME, NOUNS, Kind
from salzoo.runtime.files import complete_or_absent, writing

PackageKind = Literal["temporal", "backbone", "metric", "dataset"]
PACKAGE_KINDS: tuple[PackageKind, ...] = get_args(PackageKind)


@dataclass(frozen=True)
class _Kind:
    """What differs between packages of different kinds.

    Attributes:
        registered: what the registry calls the kind.
        hook: its hook's name.
        attribute: what the module of the component gives; empty for a class named after the component.
        use: a command that uses the component.
    """

    registered: Kind
    hook: str
    attribute: str
    use: str


_KINDS: dict[PackageKind, _Kind] = {
    "temporal": _Kind(
        "temporal", "register_temporal_modules", "", "salzoo train salgan+{name}@bottleneck --dataset synthetic"
    ),
    "backbone": _Kind("backbones", "register_backbones", "", "salzoo train {name}+ema@output --dataset synthetic"),
    "metric": _Kind(
        "metrics", "register_metrics", "metric", "salzoo eval center-bias --dataset synthetic --metric {name}"
    ),
    "dataset": _Kind(
        "datasets", "register_datasets", "open_dataset", "salzoo eval center-bias --dataset {name} --root FOLDER"
    ),
}


def write_package(name: str, kind: PackageKind, folder: Path | None = None) -> Path:
    """Write a package that brings a component of a kind, whole or not at all, and return its folder.

    Args:
        name: the component's name in specs ("convgru"). The distribution is salzoo-NAME, its package salzoo_NAME.
        kind: what it brings.
        folder: folder to make; ``salzoo-NAME`` by default.

    Raises:
        SalzooError: the name cannot be one or is taken, or the folder exists or cannot be made.
    """
    name = name.removeprefix("salzoo-")
    if not (NAME.fullmatch(name) and re.fullmatch(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*", name)):
        raise SalzooError(f"{name!r} cannot name a package: use small letters, digits and single hyphens, as in my-gru")
    of_kind = _KINDS[kind]
    if registry().knows(of_kind.registered, name):
        holder = registry().find(of_kind.registered, name).plugin
        raise SalzooError(f"{NOUNS[of_kind.registered]} {name!r} belongs to {holder} already; choose another name")
    if normalize(f"salzoo-{name}") in {normalize(plugin.name) for plugin in load_plugins()[1]}:
        raise SalzooError(f"a package salzoo-{name} is installed already; choose another name")
    folder = Path(f"salzoo-{name}") if folder is None else folder
    if folder.exists():
        raise SalzooError(f"{folder} exists already")
    package = f"salzoo_{name.replace('-', '_')}"
    values = {
        "name": name,
        "package": package,
        "hook": of_kind.hook,
        "use": of_kind.use.format(name=name),
        "kind": kind,
        "check": name if kind != "dataset" else f"{name} --root FOLDER",
        "attribute": of_kind.attribute or _class_name(name, kind),
        "class_name": _class_name(name, kind),
    }
    written = {
        "pyproject.toml": "pyproject.toml",
        "README.md": "README.md",
        f"{package}/__init__.py": "hook.py",
        f"{package}/{kind}.py": f"{kind}.py",
        "tests/test_conformance.py": f"test_{kind}.py",
    }
    texts = {path: _render(template, values) for path, template in written.items()}
    with writing(folder), complete_or_absent(folder) as temporary:
        for path, text in texts.items():
            target = temporary / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
    return folder


def _class_name(name: str, kind: PackageKind) -> str:
    """The class of a component. Its ending keeps it apart from Python's words and salzoo's names.

    >>> _class_name("my-gru2", "temporal")
    'MyGru2Module'
    """
    words = "".join(part.capitalize() for part in re.split("[-_]", name))
    return f"{words}{'Module' if kind == 'temporal' else kind.capitalize()}"


def _render(template: str, values: dict[str, str]) -> str:
    text = files(__name__).joinpath(f"{template}.template").read_text(encoding="utf-8")
    return string.Template(text).substitute(values)
