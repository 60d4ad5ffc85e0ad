"""From a data set's name to its videos."""

import os
from pathlib import Path

from salzoo.interfaces import Dataset
from salzoo.plugins import registry

VARIABLE = "SALZOO_DATA"
"""Environment variable that names the folder in which data sets lie, each in a folder of its name."""


def open_dataset(name: str, root: str | Path | None = None) -> Dataset:
    """Open a data set.

    Args:
        name: registered name.
        root: its folder; by default ``$SALZOO_DATA/<name>`` where that exists.

    Raises:
        SalzooError: unknown name, or no data set there.
    """
    entry = registry().find("datasets", name)
    dataset: Dataset = entry.load()(Path(root) if root is not None else data_root(entry.name))
    return dataset


def data_root(name: str) -> Path | None:
    """The folder that ``$SALZOO_DATA`` has for a data set; None where it has none."""
    folder = Path(os.environ[VARIABLE]) / name if os.environ.get(VARIABLE) else None
    return folder if folder is not None and folder.is_dir() else None
