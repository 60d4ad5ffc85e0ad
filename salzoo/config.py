"""The user's settings: a small JSON file of keys and values.

It lies at ``$SALZOO_CONFIG``, else ``$XDG_CONFIG_HOME/salzoo/config.json``, else ``~/.config/salzoo/config.json``::

    {"data.dhf1k": "/data/DHF1K"}
"""

import json
import os
import re
from pathlib import Path

from salzoo.interfaces.errors import SalzooError
from salzoo.plugins import registry

VARIABLE = "SALZOO_CONFIG"
"""Environment variable that names the file."""


def config_path() -> Path:
    """Where the settings are, whether or not the file exists."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "salzoo" / "config.json"


def read_config() -> dict[str, str]:
    """All settings, by key; none where there is no file. Raises SalzooError if the file is broken."""
    path = config_path()
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise SalzooError(f"cannot read {path}: {error}; repair or delete it") from error
    try:
        settings = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SalzooError(f"{path} is not JSON: {error}; repair or delete it") from error
    if not isinstance(settings, dict) or not all(isinstance(value, str) for value in settings.values()):
        raise SalzooError(f'{path} must hold one JSON object of strings, such as {{"data.dhf1k": "/data/DHF1K"}}')
    return settings


def set_config(key: str, value: str) -> str:
    """Keep a setting. Of the older file, all other settings stay.

    Args:
        key: ``data.NAME``, the folder of a data set; ``hub.models``, a folder of checkpoint folders with the names of
            cards; or ``hub.namespace``, a user or organisation of the Hub that has repositories of these names.
        value: a folder that exists, or the namespace.

    Returns:
        The value as kept: a folder's absolute path.

    Raises:
        SalzooError: unknown key, wrong value, or a file that cannot be written.
    """
    kind, _, name = key.partition(".")
    if key == "hub.namespace":
        if not re.fullmatch(r"[\w.-]+", value, re.ASCII):
            raise SalzooError(f"{value!r} is not the name of a user or organisation")
        _write({**read_config(), key: value})
        return value
    if kind != "data" and key != "hub.models":
        raise SalzooError(f"unknown setting {key!r}; there are data.NAME, hub.models and hub.namespace")
    if kind == "data":
        key = f"data.{registry().find('datasets', name).name}"
    folder = Path(os.path.abspath(Path(value).expanduser()))
    if not folder.is_dir():
        raise SalzooError(f"{folder} is not a folder" if folder.exists() else f"{folder} does not exist")
    _write({**read_config(), key: str(folder)})
    return str(folder)


def unset_config(key: str) -> None:
    """Remove a setting. Raises SalzooError if it is not set."""
    settings = read_config()
    if key not in settings:
        raise SalzooError(f"{key} is not set in {config_path()}; set are: {', '.join(sorted(settings)) or 'none'}")
    del settings[key]
    _write(settings)


def _write(settings: dict[str, str]) -> None:
    path = config_path()
    temporary = path.with_name(f"{path.name}.{os.getpid()}.unfinished")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("w", encoding="utf-8") as file:
                json.dump(settings, file, indent=2, sort_keys=True)
                file.write("\n")
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise SalzooError(f"cannot write {path}: {error.strerror or error}") from error
