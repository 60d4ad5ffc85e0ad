"""Predictions that lie in a folder as images, one a frame, by whatever code they were made: ``VIDEO/FRAME.png``, and of
still images ``NAME.png`` as well.

Names are those of the data set; or they have the same number, with leading zeros or not, behind one prefix that authors
chose (``img_00001``, ``pred_sal_000001``). A number that two names have (1 and 01) tells neither.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from salzoo.interfaces import SalzooError, Video

ENDINGS = (".png", ".jpg", ".jpeg", ".npy")


@dataclass(frozen=True)
class SavedMaps:
    """The maps found for a list of videos.

    Attributes:
        files: for each video, the file of each frame, None where there is none.
        extra: files that belong to no frame of their video: its frames may be counted otherwise.
        entries: what lies in the folder itself and belongs to a video.
    """

    files: list[list[Path | None]]
    extra: list[Path] = field(default_factory=list)
    entries: set[Path] = field(default_factory=set)

    @property
    def videos(self) -> int:
        """How many of the videos have any map."""
        return sum(any(each) for each in self.files)


def find_maps(folder: Path, videos: Sequence[Video], whole: Sequence[Video] = ()) -> SavedMaps:
    """Find the saved map of every frame.

    Args:
        folder: it holds a folder a video, or a file a still image: grey PNG or JPEG images, or .npy files of values.
        videos: the videos.
        whole: all that the data set has: maps of its other splits belong to it, too.

    Raises:
        SalzooError: no such folder, nothing for any of the videos, or two files for one frame.
    """
    if not folder.is_dir():
        raise SalzooError(f"{folder} is not a folder" if folder.exists() else f"{folder} does not exist")
    inside = list(_visible(folder.iterdir()))
    ids = [video.id for video in videos]
    folders = _match(ids, [path for path in inside if path.is_dir()])
    flat = [path for path in inside if path.suffix.lower() in ENDINGS and not path.is_dir()]
    stills = _match([video.id for video in videos if video.frames == 1], flat)
    saved = SavedMaps([], entries={*folders.values(), *stills.values()})
    for video in videos:
        if video.id in folders:
            images = [path for path in _visible(folders[video.id].iterdir()) if path.suffix.lower() in ENDINGS]
            names = [video.frame_name(index) for index in range(video.frames)]
            found = _match(names, images)
            saved.files.append([found.get(name) for name in names])
            saved.extra.extend(sorted({*images} - {*found.values()}))
        else:
            saved.files.append([stills.get(video.id)] if video.frames == 1 else [None] * video.frames)
    if not saved.entries:
        first = videos[0]
        expected = f"{folder / first.id / first.frame_name(0)}.png"
        if first.frames == 1:
            expected += f" or {folder / first.id}.png"
        raise SalzooError(
            f"{folder} has no maps of any of the {len(videos)} videos or images, such as {first.id}: they are expected "
            f"as {expected}"
        )
    if any(video.frames == 1 for video in videos):
        others = _match([video.id for video in whole if video.frames == 1], flat).values()
        saved.extra.extend(path for path in flat if path not in {*saved.entries, *others})
    return saved


def _match(names: Sequence[str], paths: Sequence[Path]) -> dict[str, Path]:
    """Which path belongs to which name: by the name itself, or by its number. Raises SalzooError for two of one."""
    by_stem: dict[str, list[Path]] = {}
    for path in paths:
        by_stem.setdefault(path.name if path.is_dir() else path.stem, []).append(path)
    of_paths, found = _numbers(by_stem), {}
    numbers = {same[0]: number for number, same in _numbers(names).items() if len(same) == 1}
    for name in names:
        stems = dict.fromkeys([name, *of_paths.get(numbers.get(name, -1), ())])
        there = [path for stem in stems for path in by_stem.get(stem, ())]
        if len(there) > 1:
            one, other = sorted(there)[:2]
            what = numbers.get(name, name)
            raise SalzooError(f"{one.parent} has {what} twice: {one.name} and {other.name}; remove one")
        if there:
            found[name] = there[0]
    return found


def _numbers(names: Iterable[str]) -> dict[int, list[str]]:
    """The names of each number that stands at their end behind one and the same prefix, or behind none."""
    groups: dict[str, dict[int, list[str]]] = {}
    for name in dict.fromkeys(names):
        if match := re.fullmatch(r"(.*?)([0-9]{1,18})", name, re.DOTALL):
            groups.setdefault(match[1], {}).setdefault(int(match[2]), []).append(name)
    return groups.get("", {}) if len(groups) != 1 else next(iter(groups.values()))


def check_layout(folder: Path, videos: Sequence[Video]) -> int:
    """Check that a folder holds a map for each frame of some videos and nothing else, as a benchmark takes it.

    Returns the number of maps. Raises SalzooError that names what is missing, or belongs to no frame.
    """
    saved = find_maps(folder, videos)
    missing = [
        frame_label(video, index)
        for video, files in zip(videos, saved.files, strict=True)
        for index, file in enumerate(files)
        if file is None
    ]
    if missing:
        raise SalzooError(f"{folder} lacks {len(missing)} maps: {few(missing)}")
    known = {*saved.entries, folder / "salzoo.json"}  # which says what made the maps
    extra = dict.fromkeys([*saved.extra, *(path for path in _visible(folder.iterdir()) if path not in known)])
    if extra:
        raise SalzooError(f"{folder} also holds what is no map of these videos: {few(map(str, extra))}")
    return sum(map(len, saved.files))


def few(items: Iterable[str]) -> str:
    """The first three of some names."""
    listed = list(items)
    return ", ".join(listed[:3]) + (", …" if len(listed) > 3 else "")


def frame_label(video: Video, index: int) -> str:
    """How messages and results name a frame: ``video/frame``."""
    return f"{video.id}/{video.frame_name(index)}"


def _visible(paths: Iterable[Path]) -> Iterator[Path]:
    return (path for path in sorted(paths) if not path.name.startswith("."))
