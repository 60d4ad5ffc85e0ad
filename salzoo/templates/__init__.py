"""New packages: a working component with its tests, written from the ``.template`` files beside this one."""

import re
import string
from importlib.resources import files
from pathlib import Path
from typing import Literal, get_args

from salzoo.interfaces.errors import SalzooError

PackageKind = Literal["temporal", "backbone", "metric", "dataset"]
PACKAGE_KINDS: tuple[PackageKind, ...] = get_args(PackageKind)

_HOOKS: dict[PackageKind, str] = {
    "temporal": "register_temporal_modules",
    "backbone": "register_backbones",
    "metric": "register_metrics",
    "dataset": "register_datasets",
}
_USES: dict[PackageKind, str] = {
    "temporal": "salzoo train salgan+{name}@bottleneck --dataset synthetic",
    "backbone": "salzoo train {name}+ema@output --dataset synthetic",
    "metric": "salzoo eval center-bias --dataset synthetic --metric {name}",
    "dataset": "salzoo eval center-bias --dataset {name} --root FOLDER",
}


def write_package(name: str, kind: PackageKind, folder: Path | None = None) -> Path:
    """Write a package that brings a component of a kind, and return its folder.

    Args:
        name: the component's name in specs ("convgru"). The distribution is salzoo-NAME, its package salzoo_NAME.
        kind: what it brings.
        folder: folder to make; ``salzoo-NAME`` by default.

    Raises:
        SalzooError: the name cannot be one, or the folder exists.
    """
    name = name.removeprefix("salzoo-")
    if not re.fullmatch(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*", name):
        raise SalzooError(f"{name!r} cannot name a package: use small letters, digits and single hyphens, as in my-gru")
    folder = Path(f"salzoo-{name}") if folder is None else folder
    if folder.exists():
        raise SalzooError(f"{folder} exists already")
    package = f"salzoo_{name.replace('-', '_')}"
    values = {
        "name": name,
        "package": package,
        "hook": _HOOKS[kind],
        "use": _USES[kind].format(name=name),
        "kind": kind,
        "attribute": "open_dataset" if kind == "dataset" else "metric" if kind == "metric" else _class_name(name),
        "class_name": _class_name(name),
    }
    written = {
        "pyproject.toml": "pyproject.toml",
        "README.md": "README.md",
        f"{package}/__init__.py": "hook.py",
        f"{package}/{kind}.py": f"{kind}.py",
        "tests/test_conformance.py": f"test_{kind}.py",
    }
    texts = {path: _render(template, values) for path, template in written.items()}
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def _class_name(name: str) -> str:
    """The class of a component.

    >>> _class_name("my-gru2")
    'MyGru2'
    """
    return "".join(part.capitalize() for part in re.split("[-_]", name))


def _render(template: str, values: dict[str, str]) -> str:
    text = files(__name__).joinpath(f"{template}.template").read_text(encoding="utf-8")
    return string.Template(text).substitute(values)
