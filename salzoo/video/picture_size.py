"""The size that a picture file states, read before anything is decoded: a few kB may claim gigabytes."""

import os
import re
import struct
from pathlib import Path

from salzoo.interfaces.errors import SalzooError

VARIABLE = "SALZOO_MAX_PIXELS"
"""Environment variable that sets how many pixels a picture, or the frame of a video, may have."""

MAX_PIXELS = 2**26
"""Pixels of the largest picture or frame that is read where the variable does not say otherwise, 8192×8192."""

FORMATS = "PNG, JPEG, TIFF, WebP, BMP, GIF or PNM"

_PNM = re.compile(rb"P[1-6](?:\s|#[^\n]*\n)+(\d{1,9})(?:\s|#[^\n]*\n)+(\d{1,9})\s")
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WIDTH, _HEIGHT, _TILE_WIDTH, _TILE_HEIGHT = 256, 257, 322, 323


def max_pixels() -> int:
    """How many pixels a picture may have: ``$SALZOO_MAX_PIXELS``, else ``MAX_PIXELS``. Raises SalzooError where the
    variable holds no whole number."""
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        return MAX_PIXELS
    if not re.fullmatch(r"[1-9]\d{0,17}", text, re.ASCII):
        raise SalzooError(f"{VARIABLE} must be a whole number of pixels, not {text!r}")
    return int(text)


def check_bytes(path: Path) -> None:
    """Raise SalzooError for a file that is larger than any picture that is read."""
    size, most = path.stat().st_size, 4 * max_pixels()
    if size > most:
        raise SalzooError(
            f"{path} has {size:,} bytes, more than the {most:,} that a picture may have: raise {VARIABLE}"
        )


def check_size(path: Path, data: bytes) -> None:
    """Raise SalzooError for a picture of more pixels than are read, by what its header says; for one whose header is
    damaged, and for a format that is not read."""
    size = stated_size(data)
    if size is None:
        raise SalzooError(f"cannot decode {path} as an image: it is no {FORMATS}")
    height, width = size
    if not height or not width:
        raise SalzooError(f"{path} is truncated or damaged; get or make this image again")
    if height * width > max_pixels():
        raise SalzooError(
            f"{path} has {width:,}×{height:,} pixels, more than the {max_pixels():,} that are read: make it smaller, "
            f"or raise {VARIABLE}"
        )


def stated_size(data: bytes) -> tuple[int, int] | None:
    """(height, width) by a picture's own account, (0, 0) where its header is damaged; None for a format that is not
    read. For a TIFF in tiles it is at least that of a tile.

    >>> stated_size(b"P5 4 3 255 ...")
    (3, 4)
    """
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            return _pair(">II", data, 16, swap=True)
        if data.startswith(b"\xff\xd8"):
            return _jpeg(data)
        if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            return _tiff(data)
        if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
            return _webp(data)
        if data.startswith(b"BM"):
            old = int.from_bytes(data[14:18], "little") == 12
            height, width = _pair("<HH" if old else "<ii", data, 18, swap=True)
            return abs(height), abs(width)
        if data.startswith((b"GIF87a", b"GIF89a")):
            return _pair("<HH", data, 6, swap=True)
        if re.match(rb"P[1-6][\s#]", data):
            found = _PNM.match(data)
            return (int(found[2]), int(found[1])) if found else (0, 0)
    except (struct.error, IndexError):
        return 0, 0
    return None


def _pair(form: str, data: bytes, at: int, *, swap: bool) -> tuple[int, int]:
    first, second = struct.unpack_from(form, data, at)
    return (second, first) if swap else (first, second)


def _jpeg(data: bytes) -> tuple[int, int]:
    at = 2
    while data[at] == 0xFF:
        marker = data[at + 1]
        if marker in _START_OF_FRAME:
            return _pair(">HH", data, at + 5, swap=False)
        if marker == 0xFF:  # fill byte
            at += 1
        elif marker == 0x01 or 0xD0 <= marker <= 0xD8:  # markers without a segment
            at += 2
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return 0, 0


def _webp(data: bytes) -> tuple[int, int]:
    match data[12:16]:
        case b"VP8X":
            return 1 + int.from_bytes(data[27:30], "little"), 1 + int.from_bytes(data[24:27], "little")
        case b"VP8L":
            bits = int.from_bytes(data[21:25], "little")
            return 1 + (bits >> 14 & 0x3FFF), 1 + (bits & 0x3FFF)
        case b"VP8 ":
            height, width = _pair("<HH", data, 26, swap=True)
            return height & 0x3FFF, width & 0x3FFF
    return 0, 0


def _tiff(data: bytes) -> tuple[int, int]:
    """Of the first directory of tags (TIFF 6.0, section 2; BigTIFF has 64-bit counts and offsets)."""
    order = "<" if data[:2] == b"II" else ">"
    if data[:4] in (b"II*\0", b"MM\0*"):
        (at,) = struct.unpack_from(order + "I", data, 4)
        (entries,) = struct.unpack_from(order + "H", data, at)
        at, length, short, long = at + 2, 12, order + "HHIH", order + "HHII"
    else:
        (at,) = struct.unpack_from(order + "Q", data, 8)
        (entries,) = struct.unpack_from(order + "Q", data, at)
        at, length, short, long = at + 8, 20, order + "HHQH", order + "HHQQ"
    tags: dict[int, int] = {}
    for index in range(min(entries, 4096)):
        tag, kind, _, value = struct.unpack_from(long, data, at + index * length)
        if kind == 3:  # a short number stands first in the value's field
            value = struct.unpack_from(short, data, at + index * length)[3]
        elif kind == 4 and long.endswith("Q"):
            value = struct.unpack_from(order + "I", data, at + index * length + 12)[0]
        tags.setdefault(tag, value)
    height, width = tags.get(_HEIGHT, 0), tags.get(_WIDTH, 0)
    if not height or not width:
        return 0, 0
    return max(height, tags.get(_TILE_HEIGHT, 0)), max(width, tags.get(_TILE_WIDTH, 0))
