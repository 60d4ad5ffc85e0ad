"""The folder of a Hugging Face Space that shows models: ``salzoo app --space``."""

from collections.abc import Sequence
from pathlib import Path

from salzoo.app.looking import read_page
from salzoo.hub.pulling import REPO
from salzoo.hub.sources import DEFAULT_MODEL, names_model
from salzoo.interfaces.errors import SalzooError
from salzoo.runtime.files import write_text
from salzoo.version import __version__


def write_space(repo: str, models: Sequence[str], out: Path | None = None) -> Path:
    """Write the folder of a Space: ``app.py``, ``Dockerfile`` and its card, ``README.md``.

    Args:
        repo: org/name of the Space.
        models: names that the Space can load: cards, specs, repositories on the Hub; by default gaze-lite.
        out: the folder, by default the Space's name; it must not be there, or be empty.

    Raises:
        SalzooError: a name that is no org/name, a model that is a folder on this machine, a folder that is taken.
    """
    match = REPO.fullmatch(repo)
    if match is None or match[2]:
        raise SalzooError(f"{repo!r} names no Space: write ORG/NAME")
    names = list(models) or [DEFAULT_MODEL]
    for name in names:
        if Path(name).exists():
            raise SalzooError(f"{name} is a folder here, which a Space has not: push it, and name ORG/REPO")
        if not names_model(name):
            raise SalzooError(f"{name} is no model that a Space could load: salzoo list models shows names")
    title = repo.partition("/")[2]
    folder = out or Path(title)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SalzooError(f"{folder} is there already: name another with --out")
    shown = ", ".join(f"`{name}`" for name in names)
    values = {"models": names, "shown": shown, "title": title, "repo": repo, "version": __version__}
    for name in ("app.py", "Dockerfile", "README.md"):
        write_text(read_page(f"space/{name}.template").decode().format(**values), folder / name)
    return folder
