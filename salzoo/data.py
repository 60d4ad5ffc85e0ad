"""From a data set's name to its videos."""

import os
import re
from dataclasses import replace
from pathlib import Path

from salzoo.config import config_path, read_config
from salzoo.interfaces import Dataset, SalzooError
from salzoo.plugins import registry
from salzoo.spec import Component, check_params, parse_component

OWN = "folder"
"""The registered name of folders of one's own, each of which is called by its own."""

VARIABLE = "SALZOO_DATA"
"""Environment variable that names the folder in which data sets lie, each in a folder of its name."""


def open_dataset(name: str, root: str | Path | None = None) -> Dataset:
    """Open a data set.

    Args:
        name: registered name, or the path of a folder of one's own, with parameters where the data set has some
            ("hevc33:fold=2", "my/set:first=false").
        root: its folder; by default as ``data_root`` finds it.

    Raises:
        SalzooError: unknown name or parameter, or no data set there.
    """
    name, root = locate_dataset(name, root)
    component = parse_component(name)
    own = root is not None and component.name == own_name(Path(root))
    entry = registry().find("datasets", OWN if own else component.name)
    factory = entry.load()
    params = check_params(component, factory) if component.params else {}
    dataset: Dataset = factory(Path(root) if root is not None else data_root(entry.name), **params)
    for video in dataset.videos:
        if video.id.startswith("/") or ".." in video.id.replace("\\", "/").split("/"):
            raise SalzooError(f"{dataset.name} has a video called {video.id[:80]!r}, whose results would lie elsewhere")
    return replace(dataset, name=str(Component(component.name if own else entry.name, component.params)))


def own_name(folder: Path) -> str:
    """What a folder of one's own is called as a data set: its name, as far as a data set can have it.

    >>> own_name(Path("sets/My set (2)"))
    'My-set-2'
    """
    name = re.sub("[^A-Za-z0-9_-]+", "-", os.path.basename(os.path.abspath(folder)))[:60].strip("-")
    name = name if name[:1].isalpha() or not name else f"set-{name}"  # as a name in a spec begins
    return OWN if not name or registry().knows("datasets", name) else name


def canonical_name(name: str) -> str:
    """A data set's name as ``open_dataset`` gives it: its alias resolved, its parameters sorted.

    A folder's own name is one, too.
    """
    component = parse_component(name)
    if not registry().knows("datasets", component.name):
        return str(component)  # a folder's own
    return str(Component(registry().find("datasets", component.name).name, component.params))


def locate_dataset(name: str, root: str | Path | None = None) -> tuple[str, str | Path | None]:
    """The name and the folder of a data set that is named by its path; others as they are.

    A path is what has a separator in it, or is a folder here and no registered name.

    Raises:
        SalzooError: there is no such folder, or a folder is named twice.
    """
    path, colon, params = name, "", ""
    if not os.path.isdir(name):
        path, colon, params = name.rpartition(":") if "=" in name.rpartition(":")[2] else (name, "", "")
    if root is not None and os.path.isdir(root) and path == own_name(Path(root)):
        return name, root
    if os.sep not in path and (registry().knows("datasets", path) or not os.path.isdir(path)):
        return name, root
    if root is not None:
        raise SalzooError(f"the folder of the data set is named twice: {path} and --root {root}")
    if not os.path.isdir(path):
        raise SalzooError(f"data set folder {path} does not exist")
    folder = Path(os.path.abspath(path))
    return f"{own_name(folder)}{colon}{params}", folder


def data_root(name: str) -> Path | None:
    """The folder of a data set: ``$SALZOO_DATA/<name>`` where that exists, else the setting ``data.<name>``, else None.

    Raises:
        SalzooError: the setting names a folder that does not exist, or the settings cannot be read.
    """
    folder = Path(os.environ[VARIABLE]) / name if os.environ.get(VARIABLE) else None
    if folder is not None and folder.is_dir():
        return folder
    setting = read_config().get(f"data.{name}")
    if setting is not None and not Path(setting).is_dir():
        raise SalzooError(f"{config_path()} says that {name} is in {setting}, which is not a folder")
    return Path(setting) if setting is not None else None
