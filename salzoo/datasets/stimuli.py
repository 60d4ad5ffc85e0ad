"""The videos and images that people watched, and how their names in a table are matched."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from salzoo.datasets.files import IMAGES, is_safe_id, names_in, natural_order
from salzoo.datasets.tree import VIDEOS
from salzoo.gaze.setup import Stimulus
from salzoo.gaze.text import text_lines
from salzoo.interfaces.errors import SalzooError
from salzoo.video.pictures import read_image
from salzoo.video.reading import probe_video
from salzoo.video.timing import frame_times


def list_stimuli(folder: Path) -> list[Stimulus]:
    """The videos and images of a folder, in the order of their names. Raises SalzooError for one that cannot be read,
    two of one name without ending, or none."""
    if not folder.is_dir():
        raise SalzooError(f"{folder} is not a folder" if folder.exists() else f"{folder} does not exist")
    found: dict[str, Stimulus] = {}
    for name in natural_order(names_in(folder)):
        path = folder / name
        ending = path.suffix.lower()
        if name.startswith(".") or ending not in (*VIDEOS, *IMAGES):
            continue
        if path.stem in found:
            raise SalzooError(f"{folder} has two files named {path.stem}: {found[path.stem].path.name} and {name}")
        if not is_safe_id(path.stem):
            raise SalzooError(f"{folder} has a file named {name!r}, which cannot name a video")
        if ending in IMAGES:
            height, width = read_image(path).shape[:2]
            found[path.stem] = Stimulus(path.stem, path, (height, width), 0.0, np.zeros(0))
            continue
        info = probe_video(path)
        if not info.fps:
            raise SalzooError(f"{path} does not say its frames per second; write it again as MP4")
        found[path.stem] = Stimulus(path.stem, path, (info.height, info.width), info.fps, frame_times(path))
    if not found:
        raise SalzooError(f"{folder} holds no videos or images ({', '.join((*VIDEOS, *IMAGES))})")
    return list(found.values())


class Matcher:
    """From names in a table, with or without folder and ending, to numbers of stimuli.

    A name that differs from a file's by case alone is the file's; but two names that differ by more than their ending
    are never taken for one file, which ``check`` asserts.
    """

    def __init__(self, stimuli: Sequence[Stimulus], mapped: Mapping[str, str]) -> None:
        """``mapped`` has the file of each name that a table has instead."""
        self._stimuli, self._mapped = stimuli, mapped
        self._exact = {name: n for n, each in enumerate(stimuli) for name in (each.id, each.path.name)}
        self._folded: dict[str, list[int]] = {}
        for name, number in self._exact.items():
            numbers = self._folded.setdefault(name.lower(), [])
            numbers += [number] * (number not in numbers)
        self._taken: dict[int, dict[str, str]] = {}

    def __call__(self, name: str) -> int:
        """The number; −1 for none."""
        plain = self._mapped.get(name, name).replace("\\", "/")
        base = plain.rpartition("/")[2]
        number = self._exact.get(base)
        if number is None:
            numbers = self._folded.get(base.lower(), [])
            number = numbers[0] if len(numbers) == 1 else -1
        if number >= 0 and name not in self._mapped:
            stem = plain.removesuffix(self._stimuli[number].path.suffix)
            self._taken.setdefault(number, {}).setdefault(stem, name)
        return number

    def check(self) -> None:
        """Raise SalzooError where several names were taken for one file."""
        for number, names in self._taken.items():
            if len(names) > 1:
                one, other = list(names.values())[:2]
                raise SalzooError(
                    f"{one[:80]!r} and {other[:80]!r} both look like {self._stimuli[number].path.name}: say which is, "
                    "in a table of names and files (--map)"
                )


def read_map(path: Path, stimuli: Sequence[Stimulus]) -> dict[str, str]:
    """A table of two columns: what a table of gaze calls a stimulus, and the name of its file.

    Raises:
        SalzooError: lines of another length, a name that stands for two files, or a file that is not there.
    """
    known = {name for each in stimuli for name in (each.id, each.path.name)}
    found: dict[str, str] = {}
    with text_lines(path) as lines:
        try:
            rows = [row for row in csv.reader(lines, delimiter="\t" if path.suffix == ".tsv" else ",") if row]
        except csv.Error as error:
            raise SalzooError(f"{path} is not a table of values: {error}") from error
    if rows and len(rows[0]) == 2 and rows[0][1].strip() not in known:
        rows = rows[1:]  # a header
    for row in rows:
        if len(row) != 2:
            raise SalzooError(
                f"{path} must have two columns, a name and a file; it has the line {','.join(row)[:80]!r}"
            )
        name, file = (value.strip() for value in row)
        if file not in known:
            raise SalzooError(f"{path} names {file[:80]!r} for {name[:80]!r}, and there is no such video or image")
        if found.setdefault(name, file) != file:
            raise SalzooError(f"{path} names two files for {name[:80]!r}: {found[name]!r} and {file!r}")
    return found
