"""Videos, images and folders of images that appear under their name only once they are complete.

The videos have no sound: OpenCV writes none.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from salzoo.interfaces.errors import SalzooError
from salzoo.runtime.files import complete_or_absent
from salzoo.video.reading import probe_video, silenced

VIDEO_CODECS = {".mp4": "mp4v", ".webm": "VP80", ".avi": "MJPG"}
"""The encoder for each ending of a file, all in OpenCV's wheels. Browsers play the .webm; VP9 would be much slower."""

IMAGE_ENDINGS = (".png", ".jpg", ".jpeg")

Write = Callable[[NDArray[np.uint8]], None]


@contextmanager
def video_writer(path: Path, size: tuple[int, int], fps: float) -> Iterator[Write]:
    """Write a video, frame by frame, in a ``with`` block; it replaces what had its name when the block ends well.

    Args:
        path: .mp4 (MPEG-4), .webm (VP8) or .avi (Motion JPEG).
        size: (height, width) of every frame. Encoders take even sizes: of an odd one the last row or column is lost.
        fps: frames per second, 1/10 to 1000.

    Yields:
        A function that writes the next frame, (H, W, 3) uint8, BGR.

    Raises:
        SalzooError: unknown ending, a folder that is missing or cannot be written to, an encoder that does not take
            this size or rate, a full disk (noticed at the end: OpenCV does not report it).
    """
    codec = VIDEO_CODECS.get(path.suffix.lower())
    if codec is None:
        raise SalzooError(f"cannot write {path}: a video's name ends in {', '.join(VIDEO_CODECS)}")
    writer, frames = cv2.VideoWriter(), 0

    def write(frame: NDArray[np.uint8]) -> None:
        nonlocal frames
        if frame.shape != (*size, 3):  # OpenCV would leave it out without a word
            raise ValueError(f"a frame has shape {(*size, 3)}, not {frame.shape}")
        with silenced():
            writer.write(frame)
        frames += 1

    with complete_or_absent(path) as temporary:
        _write_bytes(temporary, path, b"")  # the system's own word on what is wrong with the place
        try:
            with _without_stderr():
                fourcc = cv2.VideoWriter.fourcc(*codec)
                opened = writer.open(str(temporary), cv2.CAP_FFMPEG, fourcc, fps, size[::-1])
            if not opened:
                raise SalzooError(
                    f"cannot write {path}: the encoder {codec} does not take {size[1]}×{size[0]} pixels at {fps:g} "
                    "frames/s, or this OpenCV lacks it; try another ending"
                )
            yield write
        finally:
            with silenced():
                writer.release()
        if not _is_whole(temporary, frames):
            raise SalzooError(f"cannot write {path}: the encoder {codec} lost frames; is the disk full?")


@contextmanager
def image_folder(path: Path) -> Iterator[Write]:
    """Write a folder of PNG images in a ``with`` block: 0001.png, 0002.png, …, as DHF1K numbers frames.

    The folder appears when the block ends well. It must not exist, or be empty.

    Yields:
        A function that writes the next image, (H, W) or (H, W, 3) uint8, BGR.

    Raises:
        SalzooError: a folder that is not empty, or a place that cannot be written to.
    """
    images = 0

    def write(image: NDArray[np.uint8]) -> None:
        nonlocal images
        images += 1
        _write_bytes(temporary / f"{images:04d}.png", path, _encode(path, ".png", image))

    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise SalzooError(f"{path} exists and is not an empty folder; name another, or remove it")
    with complete_or_absent(path) as temporary:
        try:
            temporary.mkdir()
        except OSError as error:
            raise SalzooError(f"cannot write {path}: {error.strerror}") from error
        yield write


def write_image(path: Path, image: NDArray[np.uint8]) -> None:
    """Write an image, (H, W) or (H, W, 3) uint8, BGR, as its name's ending says: .png, .jpg or .jpeg.

    Raises SalzooError for another ending and for a place that cannot be written to.
    """
    ending = path.suffix.lower()
    if ending not in IMAGE_ENDINGS:
        raise SalzooError(f"cannot write {path}: an image's name ends in {', '.join(IMAGE_ENDINGS)}")
    with complete_or_absent(path) as temporary:
        _write_bytes(temporary, path, _encode(path, ending, image))


def _encode(path: Path, ending: str, image: NDArray[np.uint8]) -> bytes:
    try:
        encoded, data = cv2.imencode(ending, image)
    except cv2.error:
        encoded = False
    if not encoded:
        raise SalzooError(f"cannot write {path}: an image of shape {image.shape} cannot be encoded as {ending}")
    return data.tobytes()


def _write_bytes(temporary: Path, path: Path, data: bytes) -> None:
    try:
        temporary.write_bytes(data)
    except OSError as error:
        raise SalzooError(f"cannot write {path}: {error.strerror}") from error


def _is_whole(path: Path, frames: int) -> bool:
    """Whether a finished video holds that many frames and all that was written. OpenCV reports neither."""
    try:
        info = probe_video(path)
    except SalzooError:
        return False
    # WebM states a duration in milliseconds instead, so the number is rounded.
    return abs(info.frames - frames) <= 1 + frames // 1000 and _declared_length(path) == path.stat().st_size


def _declared_length(path: Path) -> int:
    """Bytes of a video file by its own account, summed over its top-level elements: the chunks of AVI (RIFF), the
    elements of WebM (RFC 8794), the boxes of MP4 (ISO/IEC 14496-12, section 4.2)."""
    size, at = path.stat().st_size, 0
    with path.open("rb") as file:
        while at < size:
            file.seek(at)
            head = file.read(16)
            if head[:4] == b"RIFF":
                length = 8 + int.from_bytes(head[4:8], "little")
            elif head[:4] in (b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"):  # EBML, Segment
                width = 9 - head[4].bit_length()
                length = 4 + width + (int.from_bytes(head[4 : 4 + width], "big") & ~(-1 << 7 * width))
            else:
                length = int.from_bytes(head[:4], "big")
                if length == 1:
                    length = int.from_bytes(head[8:16], "big")
            if length < 8:  # never completed
                break
            at += length
    return at


@contextmanager
def _without_stderr() -> Iterator[None]:
    """Keep C code from printing: for every WebM, OpenCV says past all log levels that the format has no tags."""
    try:
        stderr = os.dup(2)
    except OSError:  # closed
        yield
        return
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    os.close(null)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
