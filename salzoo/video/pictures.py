"""Pixels of image files, read and written with OpenCV: nothing truncated, damaged or converted without a word."""

import itertools
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from salzoo.interfaces.errors import SalzooError
from salzoo.runtime.crashes import being_read
from salzoo.runtime.files import check_file, complete_or_absent, reading, writing
from salzoo.video.picture_size import check_bytes, check_size, max_pixels
from salzoo.video.quiet import quiet_libraries
from salzoo.video.transparency import blend_on_white

IMAGE_ENDINGS = (".png", ".jpg", ".jpeg")
"""Endings of images that can be written."""


class WriteImage(Protocol):
    """Takes the next image of a folder, and a note to stand in it."""

    def __call__(self, image: NDArray[Any], note: str = "") -> None: ...


def read_image(path: Path, grey: bool = False) -> NDArray[np.uint8]:
    """Read an image file.

    Args:
        path: PNG, JPEG, TIFF, WebP, BMP, GIF or PNM, of at most ``salzoo.video.picture_size.max_pixels()`` pixels.
        grey: read a map: one channel, 8 bits, as stored. An image with colour channels is taken where they are
            equal, one with an alpha channel where it is opaque; anything else is refused, not converted.

    Returns:
        (H, W, 3) uint8, BGR, turned as its EXIF orientation says, deeper images scaled to 8 bits, white where they are
        transparent; with ``grey`` (H, W) uint8.

    Raises:
        SalzooError: the file is missing, empty, truncated, damaged, not an image; with ``grey``, not a grey map.
    """
    if not grey:
        data = _file_bytes(path)
        return _on_white(path, data, np.asarray(_decode(path, data, cv2.IMREAD_COLOR), dtype=np.uint8))
    image = read_map(path)
    if image.dtype != np.uint8:
        raise SalzooError(f"{path} is an image of {image.dtype.itemsize * 8} bits a channel; a map must have 8")
    return np.asarray(image, dtype=np.uint8)


def read_map(path: Path) -> NDArray[Any]:
    """Read a grey map as stored, of 8 or 16 bits: (H, W) uint8 or uint16; or the values of a .npy file, (H, W) float.

    Raises SalzooError as ``read_image`` with ``grey`` does, but not for 16 bits; and for values below 0, which are no
    saliency: KLD, IG and NSS of a log density would be others than the density's.
    """
    if path.suffix.lower() == ".npy":
        return _read_values(path)
    image = _decode(path, _file_bytes(path), cv2.IMREAD_UNCHANGED)
    if image.dtype not in (np.uint8, np.uint16):
        raise SalzooError(f"{path} holds {image.dtype} values; a map must have 8 or 16 bits")
    return _one_channel(path, image)


def _read_values(path: Path) -> NDArray[Any]:
    check_file(path)
    try:
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # of many types, in a damaged file
        raise SalzooError(f"{path} is damaged, or no .npy file of plain numbers") from error
    values = values[0] if values.ndim == 3 and len(values) == 1 else values  # as predict writes a still's map
    if values.ndim != 2 or values.dtype.kind != "f" or not 0 < values.size <= max_pixels():
        raise SalzooError(f"{path} holds {values.dtype} {values.shape}; a map must be (height, width) of floats")
    if values.min() < 0:
        raise SalzooError(f"{path} holds values below 0; a map must have none: of a log density, give its exponential")
    return np.array(values)


def _decode(path: Path, data: bytes, flag: int) -> NDArray[Any]:
    check_size(path, data)
    _check_image_bytes(path, data)
    try:
        with quiet_libraries(), being_read(path):
            image = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    except cv2.error:
        image = None
    if image is None:
        raise SalzooError(f"cannot decode {path} as an image: the file is damaged, or not an image")
    return image


def _on_white(path: Path, data: bytes, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """An image as it looks on white paper: what stands in its transparent pixels is not to be seen."""
    start = data[: data.find(b"IDAT")] if data.startswith(b"\x89PNG") else data[:12]
    if data.startswith(b"\xff\xd8") or (start[:4] == b"\x89PNG" and start[25] not in (4, 6) and b"tRNS" not in start):
        return image  # JPEG, and PNG of kinds without transparency
    stored = _decode(path, data, cv2.IMREAD_UNCHANGED)
    if stored.ndim == 2 or stored.shape[2] != 4 or stored.dtype not in (np.uint8, np.uint16):
        return image
    whole = np.iinfo(stored.dtype).max
    if (stored[..., 3] == whole).all():
        return image
    if not np.array_equal(image, _decode(path, data, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)):
        raise SalzooError(f"{path} has transparent parts and is to be turned by its EXIF; save it as it is to be seen")
    return blend_on_white(image, stored[..., 3] / np.float32(whole))


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
    check_file(path)
    check_bytes(path)
    with reading(path):
        return path.read_bytes()


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
def image_folder(path: Path, names: Iterator[str] | None = None) -> Iterator[WriteImage]:
    """Write a folder of PNG images in a ``with`` block.

    The folder appears when the block ends well. It must not exist, or be empty.

    Args:
        path: of the folder.
        names: of the images, without ending; by default 0001, 0002, …, as DHF1K numbers frames.

    Yields:
        A function that writes the next image, as ``write_image`` does.

    Raises:
        SalzooError: a folder that is not empty, a place that cannot be written to, or more images than names.
    """
    left = (f"{number:04d}" for number in itertools.count(1)) if names is None else names

    def write(image: NDArray[Any], note: str = "") -> None:
        name = next(left, None)
        if name is None:
            raise SalzooError(f"cannot write {path}: the video has more frames than its data set says")
        _write_bytes(temporary / f"{name}.png", path, _encode(path, ".png", image, note))

    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise SalzooError(f"{path} exists and is not an empty folder; name another, or remove it")
    with complete_or_absent(path) as temporary:
        with writing(path):
            temporary.mkdir()
        yield write


def write_image(path: Path, image: NDArray[Any], note: str = "") -> None:
    """Write an image, (H, W) or (H, W, 3) uint8, BGR, for .png also uint16, as its name's ending says: .png, .jpg or
    .jpeg. A .png holds the note as its comment.

    Raises SalzooError for another ending and for a place that cannot be written to.
    """
    ending = path.suffix.lower()
    if ending not in IMAGE_ENDINGS:
        raise SalzooError(f"cannot write {path}: an image's name ends in {', '.join(IMAGE_ENDINGS)}")
    with complete_or_absent(path) as temporary:
        _write_bytes(temporary, path, _encode(path, ending, image, note))


def _encode(path: Path, ending: str, image: NDArray[Any], note: str = "") -> bytes:
    try:
        encoded, data = cv2.imencode(ending, image)
    except cv2.error:
        encoded = False
    if not encoded:
        raise SalzooError(f"cannot write {path}: an image of shape {image.shape} cannot be encoded as {ending}")
    if ending != ".png" or not note:
        return data.tobytes()
    text = b"tEXtComment\0" + note.encode("latin-1")  # PNG specification, section 11.3.4.3; after IHDR of 25 bytes
    chunk = (len(text) - 4).to_bytes(4, "big") + text + zlib.crc32(text).to_bytes(4, "big")
    return data[:33].tobytes() + chunk + data[33:].tobytes()


def _write_bytes(temporary: Path, path: Path, data: bytes) -> None:
    with writing(path):
        temporary.write_bytes(data)
