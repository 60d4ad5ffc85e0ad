"""What a model is run on: videos, images, patterns of numbered frames, a pipe, a data set's videos, a camera."""

import glob
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from salzoo.interfaces import SalzooError, Video
from salzoo.interfaces.dataset import rate_of
from salzoo.prediction.camera import NewestFrames, read_camera
from salzoo.runtime.texts import count_of
from salzoo.video.pictures import read_image
from salzoo.video.reading import TimedFrame, VideoInfo, probe_video, read_timed
from salzoo.video.sound import Sound

IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pnm")
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

Say = Callable[[str], None]
"""Takes a line for the user."""


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
                yield TimedFrame(frame.picture, frame.time - origin, frame.duration * self.every)
            number += 1


ALL = Selection()


@dataclass(frozen=True)
class FrameStream:
    """The frames of an input, from the first that was asked for on, with what is known of them.

    Attributes:
        frames: each with its time.
        info: of the video; None for an image, and where nothing is known.
        count: how many frames there are, where that is known.
        rate: frames per second, 0 where that is not known, as of numbered images; None where they come as they come.
        still: whether each is a still image.
        names: what a data set calls the frames; None where they are numbered from 1.
        sound: that belongs to these frames.
    """

    frames: Iterator[TimedFrame]
    info: VideoInfo | None = None
    count: int | None = None
    rate: float | None = 0.0
    still: bool = False
    names: Iterator[str] | None = None
    sound: Sound | None = None


def stream_of(frames: Iterable[NDArray[np.uint8]], *, still: bool = False) -> FrameStream:
    """Frames in memory, (H, W, 3) uint8, BGR, as a stream. Raises SalzooError at one that is something else."""

    def timed() -> Iterator[TimedFrame]:
        numbers = count()
        for frame in frames:
            number = next(numbers)
            if not isinstance(frame, np.ndarray) or frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
                kind = f"{frame.dtype} {frame.shape}" if isinstance(frame, np.ndarray) else type(frame).__name__
                raise SalzooError(f"frame {number} is {kind}: frames are arrays (height, width, 3) of uint8")
            yield TimedFrame(frame, number / RATE, 1 / RATE)
            del frame

    return FrameStream(timed(), count=len(frames) if isinstance(frames, Sized) else None, still=still)


@dataclass(frozen=True)
class Input:
    """What a model is run on.

    Attributes:
        name: what its results are called, without an ending.
        files: the file; or the frames of a video, each an image; none for the pipe.
        still: whether it is an image.
        video: of a data set, which knows its files.
        camera: the number of a camera, or the URL of a stream, of which the newest frame is taken.
    """

    name: str
    files: tuple[Path, ...] = ()
    still: bool = False
    video: Video | None = None
    camera: str | None = None

    @classmethod
    def of(cls, path: Path) -> "Input":
        """A video or image file."""
        return cls(path.stem, (path,), still=path.suffix.lower() in IMAGES)

    @classmethod
    def of_video(cls, video: Video) -> "Input":
        """A video or image of a data set, by its ``id``."""
        return cls(video.id, still=video.frames == 1, video=video)

    @classmethod
    def of_camera(cls, camera: str) -> "Input":
        """A camera, by its number ("0"), or a stream, by its URL."""
        return cls(f"camera {camera}" if camera.isdecimal() else camera, camera=camera)

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
        if self.video is not None or self.camera is not None:
            return self.name
        return str(self.files[0] if len(self.files) == 1 else self.files[0].parent if self.files else "standard input")

    def open(self, selection: Selection = ALL) -> FrameStream:
        """Its frames. Raises SalzooError where it cannot be read."""
        video = self.video
        if self.camera is not None:
            return FrameStream(NewestFrames(read_camera(self.camera)), rate=None)
        names = None if video is None else (video.frame_name(index) for index in range(video.frames))
        if self.still:
            image = read_image(self.files[0]) if video is None else next(video.read_frames())
            still = TimedFrame(image, Fraction(0), Fraction(1))
            return FrameStream(iter([still]), count=1, rate=_rate(video), still=True, names=names)
        if len(self.files) == 1:
            info, sound = probe_video(self.files[0]), None
            if info.has_sound:
                stop = None if selection.stop is None else Fraction(selection.stop)
                sound = Sound(self.files[0], Fraction(selection.start), stop)
            frames, rate = read_timed(self.files[0]), info.fps
        else:
            frames, info = self._first_seen()
            sound, rate = None, _rate(video) if video is not None or self.files else info.fps
        count = info.frames if selection == ALL and info.frames else None
        return FrameStream(selection.of(frames), info, count, rate / selection.every, names=names, sound=sound)

    def is_at(self, path: Path) -> bool:
        """Whether a path is one of its files."""
        return path.exists() and any(path.samefile(file) for file in self.files)

    def _first_seen(self) -> tuple[Iterator[TimedFrame], VideoInfo]:
        """The frames, and what the first of them tells, of what has no header to ask."""
        frames = self._at_rate() if self.files or self.video else read_timed(sys.stdin.buffer)
        first = next(frames, None)
        if first is None:
            raise SalzooError(f"{self} holds no frame")
        height, width = first.size
        count = len(self.files) if self.video is None else self.video.frames
        return chain([first], frames), VideoInfo(count, float(1 / first.duration), height, width)

    def _at_rate(self) -> Iterator[TimedFrame]:
        """Frames that have no times."""
        images = self._read_images() if self.video is None else self.video.read_frames()
        rate = Fraction(_rate(self.video)).limit_denominator(100_000) or RATE
        for number, image in enumerate(images):
            yield TimedFrame(image, number / rate, 1 / rate)

    def _read_images(self) -> Iterator[NDArray[np.uint8]]:
        size = None
        for file in self.files:
            image = read_image(file)
            size = size or image.shape
            if image.shape != size:
                raise SalzooError(f"{file} has another size than {self.files[0]}: the frames of a video have one")
            yield image


def _rate(video: Video | None) -> float:
    return 0.0 if video is None else rate_of(video)


def find_inputs(words: Sequence[str], *, sequence: bool = False, say: Say = lambda line: None) -> list[Input]:
    """What the words of a command line name, in order.

    A word is a video or image; a folder, which stands for each video and image in it; a pattern of numbered frames
    ("shot%04d.png"), which is a video; a glob ("clips/*.mp4"); or "-", a video on standard input.

    Args:
        words: at least one.
        sequence: take the images that a folder or glob stands for for the frames of one video, in the order of their
            numbers.
        say: given a line where a word could have been meant otherwise, and for folders that are passed over.

    Raises:
        SalzooError: a word that names nothing; two inputs whose results would have one name.
    """
    inputs = [each for word in words for each in _find(word, sequence, say)]
    if not inputs:
        raise SalzooError("name an input: a video, an image, a folder, a pattern, or - for a pipe")
    return distinct(inputs)


def in_words(inputs: Sequence[Input]) -> str:
    """What inputs were taken for.

    >>> in_words([Input.of(Path(name)) for name in ("a.mp4", "b.png", "c.jpg")])
    '1 video, 2 pictures'
    """
    stills = sum(each.still for each in inputs)
    frames = [len(each.files) for each in inputs if len(each.files) > 1]
    films = len(inputs) - stills - len(frames)
    parts = [count_of(films, "video")] if films else []
    parts += [count_of(stills, "picture")] if stills else []
    parts += [f"{count_of(len(frames), 'video')} of {count_of(sum(frames), 'picture')}"] if frames else []
    return ", ".join(parts)


def distinct(inputs: Sequence[Input]) -> list[Input]:
    """These inputs. Raises SalzooError where the results of two would have one name."""
    names: dict[str, Input] = {}
    for each in inputs:
        if each.name in names:
            raise SalzooError(
                f"{names[each.name]} and {each} would both be called {each.name}: run them one by one, rename "
                "one, or name them in a CSV list (--inputs) with the columns id,path"
            )
        names[each.name] = each
    return list(inputs)


def is_input(word: str) -> bool:
    """Whether a word names an input that is there."""
    return word == PIPE or Path(word).exists() or bool(_PATTERN.search(word)) or bool(glob.glob(word))


def _find(word: str, sequence: bool, say: Say) -> list[Input]:
    if word == PIPE:
        return [Input("stdin")]
    path = Path(word)
    if path.is_dir():
        return _in_folder(path, sequence, say)
    if path.exists():
        return [Input.of(path)]
    if _PATTERN.search(path.name):
        return [_numbered(path)]
    if glob.has_magic(word):
        found = sorted(Path(name) for name in glob.glob(word, recursive=True) if Path(name).is_file())
        if not found:
            raise SalzooError(f"no file matches {word}")
        return _taken(word, found, sequence, say)
    raise SalzooError(f"{word} does not exist")


def _in_folder(folder: Path, sequence: bool, say: Say) -> list[Input]:
    there = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    wanted = [path for path in there if path.is_file() and path.suffix.lower() in (*IMAGES, *VIDEOS)]
    inner = [path.name for path in there if path.is_dir()]
    if not wanted:
        hint = f", but folders: name these, such as {folder / inner[0]}" if inner else ""
        raise SalzooError(f"{folder} holds no video and no image{hint}")
    if inner:
        names = ", ".join(inner[:3]) + (", …" if len(inner) > 3 else "")
        say(f"{folder}: {count_of(len(inner), 'folder')} passed over ({names}): name them too")
    return _taken(str(folder), wanted, sequence, say)


def _taken(word: str, files: Sequence[Path], sequence: bool, say: Say) -> list[Input]:
    """What files are taken for that one word stands for."""
    images = [path for path in files if path.suffix.lower() in IMAGES]
    if not sequence or len(images) < 2:
        if len({re.sub(r"\d+$", "", path.stem) for path in images}) == 1 < len(images):
            say(f"{word}: {len(images):,} numbered pictures, each by itself; with --sequence, frames of one video")
        return [Input.of(path) for path in files]
    numbers = [re.search(r"(\d+)$", path.stem) for path in images]
    order = {path: (int(match[1]) if match else -1, path) for path, match in zip(images, numbers, strict=True)}
    film = Input(images[0].resolve().parent.name, tuple(sorted(images, key=order.__getitem__)))
    return [film, *(Input.of(path) for path in files if path not in order)]


def _numbered(pattern: Path) -> Input:
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
    return Input(name, tuple(path for _, path in found))
