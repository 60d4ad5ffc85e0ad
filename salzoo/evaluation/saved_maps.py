"""Predictions that lie in a folder as images, one a frame: ``video/frame.png``, by whatever code they were made."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from salzoo.interfaces import SalzooError, Video

ENDINGS = (".png", ".jpg", ".jpeg", ".npy")


@dataclass(frozen=True)
class SavedMaps:
    """The maps found for a list of videos.

    Attributes:
        files: for each video, the file of each frame, None where there is none.
        extra: files that belong to no frame of their video: its frames may be counted otherwise.
    """

    files: list[list[Path | None]]
    extra: list[Path]


def find_maps(folder: Path, videos: Sequence[Video], frames: Sequence[int]) -> SavedMaps:
    """Find the saved map of every frame.

    A folder belongs to the video whose ``id`` it bears, a file to the frame whose ``frame_name`` it bears, or that has
    the same number, with or without leading zeros.

    Args:
        folder: it holds a folder a video, with grey PNG or JPEG images, or .npy files of values.
        videos: the videos.
        frames: the number of frames of each.

    Raises:
        SalzooError: no such folder, none for any of the videos, or two files for one frame.
    """
    if not folder.is_dir():
        raise SalzooError(f"{folder} is not a folder" if folder.exists() else f"{folder} does not exist")
    folders = _by_name(entry for entry in folder.iterdir() if entry.is_dir())
    if not any(_key(video.id) in folders for video in videos):
        raise SalzooError(
            f"{folder} has no folder for any of the {len(videos)} videos, such as {videos[0].id}: maps are expected as "
            f"{folder / videos[0].id / videos[0].frame_name(0)}.png"
        )
    files: list[list[Path | None]] = []
    extra: list[Path] = []
    for video, count in zip(videos, frames, strict=True):
        inside = folders.get(_key(video.id))
        found = {} if inside is None else _by_name(p for p in inside.iterdir() if p.suffix.lower() in ENDINGS)
        names = [video.frame_name(index) for index in range(count)]
        files.append([found.pop(_key(name), None) for name in names])
        beyond = {_key(video.frame_name(index)) for index in range(count, video.frames)}
        extra += [path for key, path in found.items() if key not in beyond]
    return SavedMaps(files, extra)


def check_layout(folder: Path, videos: Sequence[Video]) -> int:
    """Check that a folder holds a map for each frame of some videos and nothing else, as a benchmark takes it.

    Returns the number of maps. Raises SalzooError that names what is missing, or belongs to no frame.
    """
    saved = find_maps(folder, videos, [video.frames for video in videos])
    missing = [
        frame_label(video, index)
        for video, files in zip(videos, saved.files, strict=True)
        for index, file in enumerate(files)
        if file is None
    ]
    if missing:
        raise SalzooError(f"{folder} lacks {len(missing)} maps: {few(missing)}")
    known = {_key(video.id) for video in videos} | {"salzoo.json"}  # which says what made the maps
    extra = [*saved.extra, *(path for path in _visible(folder.iterdir()) if _key(path.name) not in known)]
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


def _by_name(paths: Iterable[Path]) -> dict[str | int, Path]:
    found: dict[str | int, Path] = {}
    for path in _visible(paths):
        key = _key(path.name if path.is_dir() else path.stem)
        if key in found:
            raise SalzooError(f"{path.parent} has {key} twice: {found[key].name} and {path.name}; remove one")
        found[key] = path
    return found


def _visible(paths: Iterable[Path]) -> Iterator[Path]:
    return (path for path in sorted(paths) if not path.name.startswith("."))


def _key(name: str) -> str | int:
    return int(name) if name.isascii() and name.isdigit() else name
