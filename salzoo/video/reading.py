"""Frames of a video with the times they stand at: exact positions, one frame in memory, clear errors."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from salzoo.interfaces.errors import SalzooError
from salzoo.video.completeness import Progress, check_length
from salzoo.video.opening import Source, name_of, open_video
from salzoo.video.pixels import Decoded, PixelReader
from salzoo.video.seeking import FAR, Index, index_video, seek

UNKNOWN_RATE = Fraction(25)
"""Frames per second where a video states no times."""


@dataclass(frozen=True)
class VideoInfo:
    """What the header of a video says.

    Attributes:
        frames: number of frames. AVI, MP4, MOV and GIF store it; in other containers (WebM, MKV, ...) the packets are
            counted, without decoding.
        fps: frames per second, on average; 0.0 where unknown.
        height: rows of a frame, after the rotation that the file asks for.
        width: columns of a frame.
        pixel_aspect: width over height of a pixel. Frames are read as stored, not stretched.
        has_sound: whether there is a stream of sound.
        time_base: seconds of the unit that times are multiples of.
    """

    frames: int
    fps: float
    height: int
    width: int
    pixel_aspect: Fraction = Fraction(1)
    has_sound: bool = False
    time_base: Fraction = Fraction(1, 90_000)


@dataclass(frozen=True)
class TimedFrame:
    """A frame of a video.

    Attributes:
        picture: its image; or the frame as decoded, which gives its image when that is asked for.
        time: seconds from the first frame to this one, exact, as the file states it.
        duration: seconds that it stands; by the frame rate where the file does not say.
    """

    picture: NDArray[np.uint8] | Decoded
    time: Fraction
    duration: Fraction

    @property
    def image(self) -> NDArray[np.uint8]:
        """(H, W, 3) uint8, BGR."""
        return self.picture if isinstance(self.picture, np.ndarray) else self.picture.image

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.picture.shape[0], self.picture.shape[1]


def probe_video(path: Source) -> VideoInfo:
    """Read the header of a video, and check that a first frame decodes.

    Raises:
        SalzooError: the file is missing, empty, truncated or not a video, or no frame decodes.
    """
    with open_video(path) as (container, stream):
        declared = check_length(path, container, stream)
        try:
            first = next(_decode(path, container, stream, Progress()), None)
        except av.FFmpegError:
            first = None
        if first is None:
            raise _no_frame(path)
        pixels = PixelReader(first)
        rate = _rate(stream)
        return VideoInfo(
            frames=declared or len(index_video(path).times),
            fps=float(rate or 0),
            height=pixels.size[0],
            width=pixels.size[1],
            pixel_aspect=pixels.aspect(stream.sample_aspect_ratio),
            has_sound=bool(container.streams.audio),
            time_base=stream.time_base or Fraction(1, 90_000),
        )


def read_video(path: Source, start: int = 0, stop: int | None = None) -> Iterator[NDArray[np.uint8]]:
    """Yield frames start..stop−1 of a video: (H, W, 3) uint8, BGR. As ``read_timed``, without the times."""
    for frame in read_timed(path, start, stop):
        yield frame.image


def read_timed(path: Source, start: int = 0, stop: int | None = None) -> Iterator[TimedFrame]:
    """Yield frames start..stop−1 of a video with their times. One frame is in memory at a time.

    Frames are turned as the file asks, and have the size of the first; the fields of interlaced ones are blended; deep
    ones are brought to 8 bits. Positions are exact: where the packets of a file have times that leave no doubt, reading
    begins at a key frame, and every frame from there must have the time that is its own; in other files, and where that
    fails, the frames before ``start`` are decoded and dropped. A ``stop`` beyond the end reads to the end.

    A truncated file is noticed by its index (AVI, MP4, MOV), by packets and frames that FFmpeg marks as damaged, and at
    the end by the number of frames (AVI) or the duration (MKV, WebM, FLV, WMV) that its header states. What states
    none of these, as Ogg and streamed MKV, may end early without notice.

    Raises:
        SalzooError: the file is missing, empty, not a video, damaged or truncated.
    """
    if start < 0:
        raise ValueError(f"start must not be negative, got {start}")
    position = start
    if start >= FAR and isinstance(path, Path):
        index = index_video(path)
        if index.exact and start < len(index.times):
            with suppress(av.FFmpegError):  # read from the start, the file is as it is, or the fault is named
                for frame in _from_key_frame(path, index, start, stop):
                    yield frame
                    position += 1
            if position == min(len(index.times), len(index.times) if stop is None else stop):
                return
    yield from _from_start(path, position, stop)


def timed_frames(path: Source) -> Iterator[tuple[Fraction, Fraction]]:
    """The times of ``read_timed`` without the pictures, which are decoded but not turned into pixels: time and
    duration of each frame."""
    for _, time, duration in _decoded(path, None):
        yield time, duration


def _from_start(path: Source, start: int, stop: int | None) -> Iterator[TimedFrame]:
    pixels = None
    for position, (frame, time, duration) in enumerate(_decoded(path, stop)):
        pixels = pixels or PixelReader(frame)
        if position >= start:
            yield TimedFrame(pixels.picture(path, frame), time, duration)


def _decoded(path: Source, stop: int | None) -> Iterator[tuple[av.VideoFrame, Fraction, Fraction]]:
    """Frames 0..stop−1 as decoded, with time and duration."""
    with open_video(path) as (container, stream):
        check_length(path, container, stream)
        progress = Progress()
        frames = _decode(path, container, stream, progress)
        clock = _Clock(stream)
        position = 0
        while stop is None or position < stop:
            try:
                frame = next(frames, None)
            except av.FFmpegError as error:
                where = f"frame {position + 1} of {name_of(path)}"
                raise SalzooError(f"{where} cannot be decoded: the file is damaged or truncated") from error
            if frame is None:
                if position == 0:
                    raise _no_frame(path)
                progress.check_end(path, container, stream)
                return
            position += 1
            yield (frame, *clock.times(frame))


def _from_key_frame(path: Path, index: Index, start: int, stop: int | None) -> Iterator[TimedFrame]:
    """Frames start..stop−1 as long as each has the time that the index has for it; fewer where one has not."""
    with open_video(path) as (container, stream):
        clock = _Clock(stream, index.times[0])
        first = next(_decode(path, container, stream, Progress()))  # the others take its size
        pixels = PixelReader(first)
        position = key = seek(container, stream, index, start)
        for frame in _decode(path, container, stream, Progress()):
            if position == (len(index.times) if stop is None else stop):
                return
            if frame.pts is not None and frame.pts < index.times[position]:
                continue  # shown before the key frame
            if frame.pts != index.times[position] or frame.is_corrupt or (position == key and not frame.key_frame):
                return
            if position >= start:
                yield TimedFrame(pixels.picture(path, frame), *clock.times(frame))
            position += 1


def _decode(
    path: Source, container: InputContainer, stream: VideoStream, progress: Progress
) -> Iterator[av.VideoFrame]:
    """The frames of a stream; ``progress`` learns what was read of all streams."""
    for packet in container.demux(video=0, audio=0) if container.streams.audio else container.demux(stream):
        progress.add(packet)
        if packet.stream is stream:
            yield from progress.intact(stream.decode(packet))


def _no_frame(path: Source) -> SalzooError:
    return SalzooError(f"no frame of {name_of(path)} can be decoded: the file is damaged or truncated")


def _rate(stream: VideoStream) -> Fraction | None:
    rate = stream.average_rate or stream.guessed_rate
    return rate if rate and 0 < rate < 10_000 else None


class _Clock:
    """Times of frames: their own where they grow, else by the frame rate."""

    def __init__(self, stream: VideoStream, origin: int | None = None) -> None:
        self.base = stream.time_base or 1 / UNKNOWN_RATE
        self.nominal = 1 / (_rate(stream) or UNKNOWN_RATE)
        self.origin = origin
        self.last: Fraction | None = None

    def times(self, frame: av.VideoFrame) -> tuple[Fraction, Fraction]:
        if self.origin is None:
            self.origin = frame.pts or 0
        duration = frame.duration * self.base if frame.duration else self.nominal
        time = None if frame.pts is None else (frame.pts - self.origin) * self.base
        if self.last is not None and (time is None or time <= self.last):
            time = self.last + self.nominal
        self.last = time or Fraction(0)
        return self.last, duration
