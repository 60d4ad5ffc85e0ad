"""What a model is run on: videos, images, folders, patterns of numbered frames, a pipe, the videos of a data set."""

import glob
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from salzoo.interfaces import SalzooError, Video
from salzoo.interfaces.dataset import rate_of
from salzoo.video.pictures import read_image
from salzoo.video.reading import TimedFrame, VideoInfo, probe_video, read_timed
from salzoo.video.sound import Sound

IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
"""Endings of input files that are still images; any other file is opened as a video."""

VIDEOS = (
    *(".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".wmv", ".flv"),
    *(".ogv", ".ogg", ".3gp", ".gif", ".vob", ".mxf"),
)
"""Endings of the files that are taken for videos where a folder is named."""

PIPE = "-"
"""The name of the pipe: a video on standard input."""

RATE = Fraction(25)
"""Frames per second of numbered images, which have no times."""

_PATTERN = re.compile(r"%0?(\d*)d")


@dataclass(frozen=True)
class Selection:
    """Which frames of a video are taken.

    Attributes:
        start: seconds after the first frame, from which on.
        stop: seconds before which; None for all.
        every: one in so many of these.
    """

    start: float = 0.0
    stop: float | None = None
    every: int = 1

    def __post_init__(self) -> None:
        if self.stop is not None and self.stop <= self.start:
            raise SalzooError(f"no frame lies from {self.start:g} s to {self.stop:g} s")

    def of(self, frames: Iterator[TimedFrame]) -> Iterator[TimedFrame]:
        """These frames, their times counted from the first; each stands until the next."""
        origin, number = None, 0
        for frame in frames:
            if self.stop is not None and float(frame.time) >= self.stop:
                return
            if float(frame.time) < self.start:
                continue
            origin = frame.time if origin is None else origin
            if number % self.every == 0:
                yield TimedFrame(frame.image, frame.time - origin, frame.duration * self.every)
            number += 1


ALL = Selection()


@dataclass(frozen=True)
class Source:
    """One input.

    Attributes:
        name: what its results are called, without an ending.
        files: the file; or the frames of a video, each an image; none for the pipe.
        still: whether it is an image.
        video: of a data set, which knows its files.
    """

    name: str
    files: tuple[Path, ...]
    still: bool = False
    video: Video | None = None

    @classmethod
    def of(cls, path: Path) -> "Source":
        """A video or image file."""
        return cls(path.stem, (path,), still=path.suffix.lower() in IMAGES)

    def size(self) -> int:
        """Bytes of its files, taken for as large as the first, or frames of a data set's video: for comparison. 0 where
        that is not known."""
        if self.video is not None:
            return self.video.frames
        try:
            return self.files[0].stat().st_size * len(self.files) if self.files else 0
        except (OSError, ValueError):
            return 0

    def __str__(self) -> str:
        """As its user knows it."""
        if self.video is not None:
            return self.name
        return str(self.files[0] if len(self.files) == 1 else self.files[0].parent if self.files else "standard input")

    def open(self, selection: Selection = ALL) -> tuple[Iterator[TimedFrame], VideoInfo | None]:
        """Its frames, and what is known of them; None for an image. Raises SalzooError where it cannot be read."""
        if self.still:
            image = read_image(self.files[0]) if self.video is None else next(self.video.read_frames())
            return iter([TimedFrame(image, Fraction(0), Fraction(1))]), None
        if len(self.files) == 1:
            return selection.of(read_timed(self.files[0])), probe_video(self.files[0])
        frames = self._at_rate() if self.files or self.video else read_timed(_standard_input())
        first = next(frames, None)
        if first is None:
            raise SalzooError(f"{self} holds no frame")
        height, width = first.image.shape[:2]
        count = len(self.files) if self.video is None else self.video.frames
        info = VideoInfo(count, float(1 / first.duration), height, width)

        def all_frames() -> Iterator[TimedFrame]:
            yield first
            yield from frames

        return selection.of(all_frames()), info

    def rate(self, info: VideoInfo | None, selection: Selection = ALL) -> float:
        """Frames taken per second, 0 where that is not known, as of numbered images."""
        if self.video is not None:
            return rate_of(self.video) / selection.every
        return 0.0 if info is None or len(self.files) > 1 else info.fps / selection.every

    def frame_names(self) -> Iterator[str] | None:
        """What a data set calls its frames; None where they are numbered from 1."""
        video = self.video
        return None if video is None else (video.frame_name(index) for index in range(video.frames))

    def sound(self, selection: Selection, info: VideoInfo) -> Sound | None:
        """The sound that belongs to these frames, if there is any."""
        if not info.has_sound or len(self.files) != 1:
            return None
        stop = None if selection.stop is None else Fraction(selection.stop)
        return Sound(self.files[0], Fraction(selection.start), stop)

    def is_at(self, path: Path) -> bool:
        """Whether a path is one of its files."""
        return path.exists() and any(path.samefile(file) for file in self.files)

    def _at_rate(self) -> Iterator[TimedFrame]:
        """Frames that have no times."""
        images = self._read_images() if self.video is None else self.video.read_frames()
        for number, image in enumerate(images):
            yield TimedFrame(image, number / RATE, 1 / RATE)

    def _read_images(self) -> Iterator[NDArray[np.uint8]]:
        size = None
        for file in self.files:
            image = read_image(file)
            size = size or image.shape
            if image.shape != size:
                raise SalzooError(f"{file} has another size than {self.files[0]}: the frames of a video have one")
            yield image


def dataset_inputs(videos: Sequence[Video]) -> list[Source]:
    """The videos and images of a data set, each by its ``id``."""
    return [Source(video.id, (), still=video.frames == 1, video=video) for video in videos]


def find_inputs(words: Sequence[str]) -> list[Source]:
    """What the words of a command line name, in order.

    A word is a video or image; a folder, which is a video where it holds nothing but numbered images (0001.png, …), and
    else stands for each video and image in it; a pattern of numbered frames ("shot%04d.png"); a glob ("clips/*.mp4");
    or "-", a video on standard input.

    Raises:
        SalzooError: a word that names nothing; two inputs whose results would have one name.
    """
    sources = [source for word in words for source in _find(word)]
    if not sources:
        raise SalzooError("name an input: a video, an image, a folder, a pattern, or - for a pipe")
    return distinct(sources)


def distinct(sources: Sequence[Source]) -> list[Source]:
    """These inputs. Raises SalzooError where the results of two would have one name."""
    names: dict[str, Source] = {}
    for source in sources:
        if source.name in names:
            raise SalzooError(
                f"{names[source.name]} and {source} would both be called {source.name}: run them one by one, rename "
                "one, or name them in a CSV list (--inputs) with the columns id,path"
            )
        names[source.name] = source
    return list(sources)


def is_input(word: str) -> bool:
    """Whether a word names an input that is there."""
    return word == PIPE or Path(word).exists() or bool(_PATTERN.search(word)) or bool(glob.glob(word))


def _find(word: str) -> list[Source]:
    if word == PIPE:
        return [Source("stdin", ())]
    path = Path(word)
    if path.is_dir():
        return _in_folder(path)
    if path.exists():
        return [Source.of(path)]
    if _PATTERN.search(path.name):
        return [_numbered(path)]
    if glob.has_magic(word):
        found = sorted(Path(name) for name in glob.glob(word, recursive=True) if Path(name).is_file())
        if not found:
            raise SalzooError(f"no file matches {word}")
        return [Source.of(each) for each in found]
    raise SalzooError(f"{word} does not exist")


def _in_folder(folder: Path) -> list[Source]:
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    wanted = [path for path in files if path.suffix.lower() in (*IMAGES, *VIDEOS)]
    if not wanted:
        raise SalzooError(f"{folder} holds no video and no image")
    numbers = [re.search(r"(\d+)$", path.stem) for path in wanted]
    if len(wanted) > 1 and all(numbers) and all(path.suffix.lower() in IMAGES for path in wanted):
        beginnings = {path.stem[: match.start()] for path, match in zip(wanted, numbers, strict=True) if match}
        if len(beginnings) == 1:
            in_order = sorted(zip((int(match[1]) for match in numbers if match), wanted, strict=True))
            return [Source(folder.resolve().name, tuple(path for _, path in in_order))]
    return [Source.of(path) for path in wanted]


def _numbered(pattern: Path) -> Source:
    match = _PATTERN.search(pattern.name)
    assert match is not None
    before, after = pattern.name[: match.start()], pattern.name[match.end() :]
    digits = r"\d{" + str(int(match[1])) + ",}" if match[1] else r"\d+"
    expression = re.compile(f"{re.escape(before)}({digits}){re.escape(after)}")
    parent = pattern.parent
    matches = [(expression.fullmatch(path.name), path) for path in (parent.iterdir() if parent.is_dir() else ())]
    found = sorted((int(each[1]), path) for each, path in matches if each)
    if not found:
        raise SalzooError(f"no file matches {pattern}")
    name = (before + after.removesuffix(pattern.suffix)).strip("-_. ") or pattern.parent.resolve().name
    return Source(name, tuple(path for _, path in found))


def _standard_input() -> BinaryIO:
    return sys.stdin.buffer
