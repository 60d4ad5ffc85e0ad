"""Frames of a video and pixels of an image, with OpenCV: exact positions, one frame in memory, clear errors."""

import os
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from salzoo.interfaces.errors import SalzooError

# FFmpeg reads this once, when the first video is opened. Its own lines would stand before the one line for the user.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

_log = getattr(cv2.utils, "logging", cv2)  # OpenCV 4 has setLogLevel at its top
_log_level = threading.Lock()  # the level belongs to the whole process

DURATION_TOLERANCE = 0.5
"""Seconds that a video may end before the duration in its header, in containers that store no frame count."""


@dataclass(frozen=True)
class VideoInfo:
    """What the header of a video says.

    Attributes:
        frames: number of frames. AVI, MP4 and MOV store it; in other containers (WebM, MKV, ...) it is duration
            times frame rate, so an estimate; counted by decoding where the container states nothing.
        fps: frames per second; 0.0 where unknown.
        height: rows of a frame, after the rotation that the file asks for.
        width: columns of a frame.
    """

    frames: int
    fps: float
    height: int
    width: int


def probe_video(path: Path) -> VideoInfo:
    """Read the header of a video, and check that a first frame decodes.

    Raises:
        SalzooError: the file is missing, empty, truncated or not a video, or no frame decodes.
    """
    with _opened(path) as capture:
        if not capture.grab():
            raise SalzooError(f"no frame of {path} can be decoded: the file is damaged or truncated")
        frames = _declared_frames(capture)
        if frames is None:
            frames = 1
            while capture.grab():
                frames += 1
        fps = float(capture.get(cv2.CAP_PROP_FPS))
        return VideoInfo(
            frames=frames,
            fps=fps if 0 < fps < float("inf") else 0.0,
            height=int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
            width=int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
        )


def read_video(path: Path, start: int = 0, stop: int | None = None) -> Iterator[NDArray[np.uint8]]:
    """Yield frames start..stop−1 of a video: (H, W, 3) uint8, BGR. One frame is in memory at a time.

    Positions are exact: the frames before ``start`` are decoded and dropped, since seeking lands on other frames in
    many files. A ``stop`` beyond the end reads to the end, as in slices.

    A truncated file is noticed in two ways. AVI, MP4 and MOV state the length of the file, which is checked at once.
    When the end comes before ``stop``, an AVI must have had as many frames as its header states (in MP4 and MOV an
    edit list may rightly hide some), and in other containers the last frame must lie within ``DURATION_TOLERANCE``
    seconds of the stated duration.

    Raises:
        SalzooError: the file is missing, empty, not a video, or truncated.
    """
    if start < 0:
        raise ValueError(f"start must not be negative, got {start}")
    with _opened(path) as capture:
        position, time = 0, 0.0
        while stop is None or position < stop:
            if not capture.grab():
                _check_end(path, capture, position, time)
                return
            # only now: after the end, OpenCV answers 0
            time = float(capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000
            position += 1
            if position > start:
                decoded, frame = capture.retrieve()
                if not decoded:
                    raise SalzooError(f"frame {position} of {path} cannot be decoded: the file is damaged")
                yield np.asarray(frame, dtype=np.uint8)


def read_image(path: Path, grey: bool = False) -> NDArray[np.uint8]:
    """Read an image file.

    Args:
        path: PNG, JPEG or any other format that OpenCV reads.
        grey: read a map: one channel, 8 bits, as stored. An image with colour channels is taken where they are
            equal, one with an alpha channel where it is opaque; anything else is refused, not converted.

    Returns:
        (H, W, 3) uint8, BGR, turned as its EXIF orientation says, deeper images scaled to 8 bits; with ``grey``
        (H, W) uint8.

    Raises:
        SalzooError: the file is missing, empty, truncated, damaged, not an image; with ``grey``, not a grey map.
    """
    if not grey:
        return np.asarray(_decode(path, cv2.IMREAD_COLOR), dtype=np.uint8)
    image = read_map(path)
    if image.dtype != np.uint8:
        raise SalzooError(f"{path} is an image of {image.dtype.itemsize * 8} bits a channel; a map must have 8")
    return np.asarray(image, dtype=np.uint8)


def read_map(path: Path) -> NDArray[Any]:
    """Read a grey map as stored, of 8 or 16 bits: (H, W) uint8 or uint16.

    Raises SalzooError as ``read_image`` with ``grey`` does, but not for 16 bits.
    """
    image = _decode(path, cv2.IMREAD_UNCHANGED)
    if image.dtype not in (np.uint8, np.uint16):
        raise SalzooError(f"{path} holds {image.dtype} values; a map must have 8 or 16 bits")
    return _one_channel(path, image)


def _decode(path: Path, flag: int) -> NDArray[Any]:
    data = _file_bytes(path)
    _check_image_bytes(path, data)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    except cv2.error:
        image = None
    if image is None:
        raise SalzooError(f"cannot decode {path} as an image: the file is damaged, or not an image")
    return image


def _one_channel(path: Path, image: NDArray[Any]) -> NDArray[Any]:
    if image.ndim == 2:
        return image
    colours = min(image.shape[2], 3) if image.shape[2] != 2 else 1
    if image.shape[2] > colours and (image[..., colours] != np.iinfo(image.dtype).max).any():
        raise SalzooError(f"{path} has a transparent part; a map must be opaque grey")
    if any((image[..., 0] != image[..., channel]).any() for channel in range(1, colours)):
        raise SalzooError(f"{path} is a colour image; a map must be grey")
    return np.ascontiguousarray(image[..., 0])


def _file_bytes(path: Path) -> bytes:
    _check_file(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise SalzooError(f"cannot read {path}: {error.strerror}") from error


def _check_file(path: Path) -> None:
    try:
        if not path.exists():
            raise SalzooError(f"{path} does not exist")
        if not path.is_file():
            raise SalzooError(f"{path} is not a file")
        if path.stat().st_size == 0:
            raise SalzooError(f"{path} is empty")
    except OSError as error:
        raise SalzooError(f"cannot read {path}: {error.strerror}") from error


def _check_image_bytes(path: Path, data: bytes) -> None:
    """Refuse truncated PNG and JPEG files: decoders fill the missing part with grey, or print lines of their own."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        complete = _png_is_intact(data)
    elif data.startswith(b"\xff\xd8"):
        complete = _jpeg_is_complete(data)
    else:
        return
    if not complete:
        raise SalzooError(f"{path} is truncated or damaged; get or make this image again")


def _png_is_intact(data: bytes) -> bool:
    """Whether every chunk up to IEND is there with the right checksum (PNG specification, section 5.3)."""
    view, at = memoryview(data), 8
    while at + 12 <= len(data):
        length = int.from_bytes(view[at : at + 4], "big")
        end = at + 8 + length
        if zlib.crc32(view[at + 4 : end]) != int.from_bytes(view[end : end + 4], "big"):
            return False
        if data[at + 4 : at + 8] == b"IEND":
            return True
        at = end + 4
    return False


def _jpeg_is_complete(data: bytes) -> bool:
    """Whether an end marker follows the first scan (segments before it may hold thumbnails with markers of theirs)."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        if data[at + 1] == 0xDA:
            return data.find(b"\xff\xd9", at) >= 0
        if data[at + 1] == 0xFF:  # fill byte
            at += 1
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return False


@contextmanager
def _opened(path: Path) -> Iterator[cv2.VideoCapture]:
    _check_file(path)
    head = _head(path)
    if not _reaches_its_end(path, head):
        raise SalzooError(f"{path} is truncated: its header promises more than {path.stat().st_size} bytes")
    # FFmpeg would draw a text file as a film of its lines.
    is_text = all(32 <= byte < 127 or byte in b"\t\r\n" for byte in head)
    capture = cv2.VideoCapture()
    try:
        with silenced():
            # FFmpeg alone: other backends take "0001.png" for the start of an image sequence.
            opened = not is_text and capture.open(str(path), cv2.CAP_FFMPEG)
        if not opened:
            raise SalzooError(f"cannot open {path} as a video: not a video, truncated, or of an unknown format")
        yield capture
    finally:
        capture.release()


@contextmanager
def silenced() -> Iterator[None]:
    """Keep OpenCV from printing about a file that salzoo reports itself."""
    with _log_level:
        level = _log.getLogLevel()
        _log.setLogLevel(0)
        try:
            yield
        finally:
            _log.setLogLevel(level)


def _declared_frames(capture: cv2.VideoCapture) -> int | None:
    frames = capture.get(cv2.CAP_PROP_FRAME_COUNT)
    return int(frames) if 0 < frames < 2**53 else None


def _check_end(path: Path, capture: cv2.VideoCapture, frames: int, time: float) -> None:
    """Raise SalzooError if the video ended early: after ``frames`` frames, the last of them at ``time`` seconds."""
    if frames == 0:
        raise SalzooError(f"no frame of {path} can be decoded: the file is damaged or truncated")
    declared = _declared_frames(capture)
    if declared is None or frames >= declared:
        return
    head = _head(path)
    if head[4:8] == b"ftyp":
        return
    fps = capture.get(cv2.CAP_PROP_FPS)
    missing = declared / fps - (time + 1 / fps) if fps > 0 else 0.0
    if head[:4] == b"RIFF" or missing > DURATION_TOLERANCE:
        raise SalzooError(f"{path} is truncated or damaged: only {frames} of {declared} frames can be decoded")


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(256)
    except OSError as error:
        raise SalzooError(f"cannot read {path}: {error.strerror}") from error


def _reaches_its_end(path: Path, head: bytes) -> bool:
    """Whether an AVI, MP4 or MOV file is as long as its outermost chunks say."""
    size = path.stat().st_size
    if head[:4] == b"RIFF":
        # writers differ on whether the eight bytes of the chunk's own header count
        return int.from_bytes(head[4:8], "little") <= size
    if head[4:8] != b"ftyp":
        return True
    at = 0
    with path.open("rb") as file:
        while at + 8 <= size:  # boxes (ISO/IEC 14496-12, section 4.2)
            file.seek(at)
            box = file.read(16)
            length = int.from_bytes(box[:4], "big")
            if length == 1:
                length = int.from_bytes(box[8:16], "big")
            if length < 8:  # 0: to the end of the file
                return True
            at += length
    return at <= size
