"""Files and folders that a data set names by number."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from salzoo.datasets.sources import SOURCES
from salzoo.interfaces.errors import SalzooError

IMAGES = (".png", ".jpg", ".jpeg")
"""Endings of frames and maps."""

_NUMBER = re.compile(r"[0-9]+")
_LAST_NUMBER = re.compile(r"(?:.*_)?([0-9]+)")


def check_root(name: str, root: Path | None) -> Path:
    """The root folder of a data set. Raises SalzooError when none is named, or it is no folder."""
    if root is None:
        fetched = f"fetch it with salzoo data get {name}, " if name in SOURCES else ""
        raise SalzooError(
            f"data set {name} needs the folder that holds it: {fetched}name it with --root DIR, put it in "
            f"$SALZOO_DATA/{name}, or run: salzoo config set data.{name} DIR"
        )
    if not root.is_dir():
        raise SalzooError(f"data set folder {root} does not exist" if not root.exists() else f"{root} is not a folder")
    return root


def cache_folder() -> Path:
    """Where data go that salzoo makes or fetches: ``SALZOO_CACHE``, else ``XDG_CACHE_HOME/salzoo``, else
    ``~/.cache/salzoo``."""
    named = os.environ.get("SALZOO_CACHE")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "salzoo"


def numbered(folder: Path, endings: tuple[str, ...], *, prefixed: bool = False) -> dict[int, Path]:
    """Entries of a folder that are named by a number and one of the endings, in the order of the numbers.

    Anything else (".DS_Store", "._1.png", "Thumbs.db") is left out; a folder that does not exist has no entries.

    Args:
        folder: where to look.
        endings: in lower case, with their dot; "" for folders.
        prefixed: a name may have more before the number, up to an underscore: "Diving-Side_005_012.png" is 12.

    Raises:
        SalzooError: two entries have one number, or the folder cannot be read.
    """
    found: dict[int, Path] = {}
    pattern = _LAST_NUMBER if prefixed else _NUMBER
    for entry in names_in(folder):
        stem, ending = os.path.splitext(entry)
        match = pattern.fullmatch(stem)
        if match is None or entry.startswith(".") or ending.lower() not in endings:
            continue
        number = int(match[match.lastindex or 0])
        if number in found:
            raise SalzooError(f"{folder} has number {number} twice: {found[number].name} and {entry}")
        found[number] = folder / entry
    return {number: found[number] for number in sorted(found)}


def is_safe_id(name: str) -> bool:
    """Whether a video may be called so: a name for a folder within another, which a line of a message can hold.

    >>> [is_safe_id(name) for name in ("clip 1", "../clip", "..", "", ".hidden", "a/b", "x" * 300)]
    [True, False, False, False, False, False, False]
    """
    return (
        0 < len(name.encode(errors="replace")) <= 200
        and name.isprintable()
        and name[0] != "."
        and not set(name) & set("/\\")
    )


def check_sigma(name: str, sigma: float) -> None:
    """Refuse a sigma, in pixels, that no density can have; 0 stands for none."""
    if not 0 <= sigma <= 10_000:
        raise SalzooError(f"{name}: sigma must be 0 to 10000 pixels, not {sigma:g}")


def lacking(density: bool, fixations: bool, sigma: float) -> tuple[str, ...]:
    """What an annotated video lacks of "density" and "fixations", by which there are: no density where a sigma makes
    one of fixations.

    >>> lacking(False, True, 0), lacking(False, True, 8.0), lacking(True, False, 8.0)
    (('density',), (), ('fixations',))
    """
    made = fixations and sigma > 0
    return ("density",) * (not density and not made) + ("fixations",) * (not fixations)


def frame_files(folder: Path, endings: tuple[str, ...] = IMAGES) -> list[Path]:
    """Files 1, 2, ... of a folder in order. Raises SalzooError when numbers are missing."""
    found = numbered(folder, endings)
    last = max(found, default=0)
    missing = sorted(set(range(1, last + 1)) - set(found))
    if missing or 0 in found:
        what = listing(missing) if missing else "there is a number 0"
        raise SalzooError(f"{folder} must hold images 1 to {last}, but {what}")
    return list(found.values())


def listing(missing: list[int]) -> str:
    """What is missing, in words: all of a few numbers, the first of many.

    >>> listing([7])
    'number 7 is missing'
    >>> listing([1, 2, 5, 8, 9, 11])
    'numbers 1, 2, 5, 8 and 2 more are missing'
    """
    if len(missing) == 1:
        return f"number {missing[0]} is missing"
    more = f" and {len(missing) - 4} more" if len(missing) > 4 else ""
    return f"numbers {', '.join(map(str, missing[:4]))}{more} are missing"


def natural_order(names: Iterable[str]) -> list[str]:
    """Sort names with the numbers in them by value.

    >>> natural_order(["clip00002_10", "clip00002_9", "clip00001_1"])
    ['clip00001_1', 'clip00002_9', 'clip00002_10']
    """
    return sorted(names, key=_natural)


def names_in(folder: Path) -> list[str]:
    """Names of a folder's entries; none where it does not exist. Raises SalzooError if it cannot be read."""
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise SalzooError(f"cannot read {folder}: {error.strerror}") from error


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"([0-9]+)", name)]
