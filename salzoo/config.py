"""The user's settings: a small JSON file of keys and values.

It lies at ``$SALZOO_CONFIG``, else ``$XDG_CONFIG_HOME/salzoo/config.json``, else ``~/.config/salzoo/config.json``::

    {"data.dhf1k": "/data/DHF1K"}
"""

import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from salzoo.interfaces.errors import SalzooError, one_line
from salzoo.plugins import registry
from salzoo.runtime.files import read_json, write_text, writing

VARIABLE = "SALZOO_CONFIG"
"""Environment variable that names the file."""

PATIENCE = 5.0
"""Seconds to wait for another process that writes settings."""


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
        settings = read_json(path)
    except FileNotFoundError:
        return {}
    except SalzooError as error:
        raise SalzooError(f"{error}; repair or delete it") from error
    except (ValueError, RecursionError) as error:
        raise SalzooError(f"{path} is not JSON: {one_line(error)}; repair or delete it") from error
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
        with _changed() as settings:
            settings[key] = value
        return value
    if kind != "data" and key != "hub.models":
        raise SalzooError(f"unknown setting {key!r}; there are data.NAME, hub.models and hub.namespace")
    if kind == "data":
        key = f"data.{registry().find('datasets', name).name}"
    folder = Path(os.path.abspath(Path(value).expanduser()))
    if not folder.is_dir():
        raise SalzooError(f"{folder} is not a folder" if folder.exists() else f"{folder} does not exist")
    with _changed() as settings:
        settings[key] = str(folder)
    return str(folder)


def unset_config(key: str) -> None:
    """Remove a setting. Raises SalzooError if it is not set."""
    with _changed() as settings:
        if key not in settings:
            raise SalzooError(f"{key} is not set in {config_path()}; set are: {', '.join(sorted(settings)) or 'none'}")
        del settings[key]


@contextmanager
def _changed() -> Iterator[dict[str, str]]:
    """The settings, to be changed in the block and written when it ends well. Other writers wait meanwhile."""
    path = config_path()
    with writing(path), _only_writer(path.with_name(f"{path.name}.unfinished")):
        settings = read_config()
        yield settings
        # Where the file is a link, as those are who keep their settings elsewhere, it stays one.
        write_text(json.dumps(settings, indent=2, sort_keys=True) + "\n", path.resolve())


@contextmanager
def _only_writer(path: Path) -> Iterator[None]:
    """Keep a file that must not be there during the block; where it is, wait until its writer has finished."""
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            path.touch(exist_ok=False)
            break
        except FileExistsError:
            if time.monotonic() > deadline:
                raise SalzooError(
                    f"{path} is there: another salzoo is writing settings, or was killed while it did; if none is, "
                    "delete that file"
                ) from None
            time.sleep(0.01)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
