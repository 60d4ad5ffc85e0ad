"""Videos that appear under their name only once they are complete."""

import errno
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from io import FileIO
from pathlib import Path
from typing import Any, Protocol

import av
from av.container import OutputContainer
from numpy.typing import NDArray

from salzoo.interfaces.errors import SalzooError
from salzoo.runtime.files import complete_or_absent
from salzoo.video.encoding import KINDS, Kind, PictureEncoder
from salzoo.video.sound import Sound, sound_track

VIDEO_ENDINGS = tuple(KINDS)

TIME_BASE = Fraction(1, 90_000)
"""Seconds of the unit of times where the frames' own is not known: that of MPEG."""


@dataclass(frozen=True)
class Stated:
    """What a video's file says of all its frames.

    Attributes:
        time_base: seconds of the unit that times are multiples of. .webm and .mkv round to milliseconds, .gif to
            hundredths.
        pixel_aspect: width over height of a pixel.
        comment: to stand in the file's metadata.
    """

    time_base: Fraction = TIME_BASE
    pixel_aspect: Fraction = Fraction(1)
    comment: str = ""


class Write(Protocol):
    """Takes the next frame of a video: (H, W, 3) uint8 BGR or (H, W) uint8 grey, for .mkv also uint16; for .mp4 and
    .webm also a frame of its own with 4:2:0 planes, BT.709 of limited range.

    ``time`` is when it is shown, in seconds from the first, growing; by default the frame rate says. ``duration`` is
    how long the last one stands.
    """

    def __call__(
        self, image: NDArray[Any] | av.VideoFrame, time: Fraction | None = None, duration: Fraction | None = None
    ) -> None: ...


@contextmanager
def video_writer(
    path: Path,
    size: tuple[int, int],
    fps: float | Fraction,
    *,
    stated: Stated = Stated(),
    sound: Sound | None = None,
) -> Iterator[Write]:
    """Write a video, frame by frame, in a ``with`` block; it replaces what had its name when the block ends well.

    Args:
        path: .mp4 (H.264, which every browser plays), .webm (VP9), .gif, .mkv (FFV1, lossless; grey stays grey) or .avi
            (Motion JPEG, whose frames stand on the grid of its rate).
        size: (height, width) of every frame. In .mp4 the last row or column of an odd size is doubled.
        fps: frames per second on average, for the encoder and for frames without a time.
        stated: what the file says of all frames.
        sound: to go with it, for .mp4 and .webm.

    Yields:
        A function that writes the next frame.

    Raises:
        SalzooError: unknown ending, no frame, a folder that is missing or cannot be written to, an encoder that does
            not take this size, a full disk.
    """
    kind = _kind_of(path)
    if not 0 < fps < 10_000:
        raise ValueError(f"a video cannot have {fps} frames a second")
    fps = Fraction(fps).limit_denominator(100_000)
    frames = 0
    with complete_or_absent(path) as temporary, _failing(path, kind.codec, size), ExitStack() as stack:
        container, sink = stack.enter_context(_open_container(temporary, kind))
        if stated.comment:
            container.metadata["comment"] = stated.comment
        encoder = PictureEncoder(container, kind, size, fps, stated.time_base, stated.pixel_aspect)
        track = stack.enter_context(sound_track(sound, container, kind)) if sound and kind.sound else None

        def write(
            image: NDArray[Any] | av.VideoFrame, time: Fraction | None = None, duration: Fraction | None = None
        ) -> None:
            nonlocal frames
            time = frames / fps if time is None else time
            with _failing(path, kind.codec, size):
                container.mux(list(encoder.encode(image, time, duration or 1 / fps)))
                if track:
                    container.mux(list(track.until(time)))
                sink.check()
            frames += 1

        yield write
        if frames == 0:
            raise SalzooError(f"cannot write {path}: there is no frame for the video")
        container.mux(list(encoder.finish()))
        if track:
            container.mux(list(track.until(None)))
        container.close()
        sink.check()


def _kind_of(path: Path) -> Kind:
    if path.suffix.lower() not in KINDS:
        raise SalzooError(f"cannot write {path}: a video's name ends in {', '.join(VIDEO_ENDINGS)}")
    return KINDS[path.suffix.lower()]


@contextmanager
def _open_container(file: Path, kind: Kind) -> Iterator[tuple[OutputContainer, "_Sink"]]:
    # Without bitexact, Matroska has a random number in it; so, the same frames give the same file.
    options = {"fflags": "+bitexact"}
    if kind.container == "mp4":
        options["movflags"] = "+faststart"  # a player on a page need not read to the end first

    def reopen(url: str, flags: int, options: dict[str, str]) -> FileIO:  # to move the index to the front
        return file.open("rb", buffering=0)

    with file.open("w+b", buffering=0) as opened:
        sink = _Sink(opened)
        with av.open(sink, "w", format=kind.container, options=options, io_open=reopen) as container:
            yield container, sink


@contextmanager
def _failing(path: Path, codec: str, size: tuple[int, int]) -> Iterator[None]:
    """Say what went wrong with the file or the encoder."""
    try:
        yield
    except (av.FFmpegError, OSError) as error:
        number = error.errno
        if isinstance(number, int) and number in errno.errorcode and number != errno.EINVAL:
            raise SalzooError(f"cannot write {path}: {os.strerror(number)}") from error
        raise SalzooError(
            f"cannot write {path}: the encoder {codec} does not take {size[1]}×{size[0]} pixels"
        ) from error


class _Sink:
    """An open file, of which PyAV sees nothing but how to write it. What fails is kept for ``check``: PyAV would print
    the second of two failures."""

    def __init__(self, file: FileIO) -> None:
        self.file = file
        self.error: OSError | None = None
        self.seek, self.tell = file.seek, file.tell

    def write(self, data: bytes) -> int:
        left = memoryview(data)
        try:
            while left and self.error is None:
                left = left[self.file.write(left) :]
        except OSError as error:
            self.error = error
        return len(data)

    def check(self) -> None:
        if self.error is not None:
            raise self.error
