"""Pictures made to do harm, or damaged: refused with one line, before their size is paid for, and in silence."""

import os
import random
import re
import resource
import struct
import threading
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from salzoo.interfaces import SalzooError
from salzoo.video.picture_size import max_pixels, stated_size
from salzoo.video.pictures import read_image, read_map
from salzoo.video.quiet import quiet_libraries

FORMATS = (".png", ".jpg", ".tif", ".webp", ".bmp", ".pgm", ".ppm", ".gif")
CLASS_NAME = re.compile(r"\b[A-Z]\w*(Error|Exception)\b")


def picture(ending: str, seed: int = 0, size: tuple[int, int] = (48, 64)) -> bytes:
    """A small picture in a format, grey or in colour, of 8 or 16 bits."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    image = cv2.resize(small, size[::-1], interpolation=cv2.INTER_CUBIC)
    if ending == ".pgm" or (ending in (".png", ".tif") and seed % 3 == 1):
        image = image[..., 0]
    if ending in (".png", ".tif") and seed % 3 == 2:
        image = image.astype(np.uint16) * 257
    options = {
        ".jpg": [cv2.IMWRITE_JPEG_PROGRESSIVE, seed % 2],
        ".tif": [cv2.IMWRITE_TIFF_COMPRESSION, (1, 5, 8, 32773)[seed % 4]],
        ".webp": [cv2.IMWRITE_WEBP_QUALITY, (80, 101)[seed % 2]],
    }
    encoded, data = cv2.imencode(ending, image, options.get(ending, []))
    assert encoded
    return bytes(data)


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("seed", range(4))
def test_the_stated_size_is_that_of_the_picture(ending: str, seed: int) -> None:
    for size in ((48, 64), (1, 7), (300, 257)):
        assert stated_size(picture(ending, seed, size)) == size


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def tiff(width: int, height: int, big: bool, **more: int) -> bytes:
    """A TIFF with nothing but its directory of tags."""
    tags = {256: width, 257: height, **{int(tag[1:]): value for tag, value in more.items()}}
    if big:
        entries = b"".join(struct.pack("<HHQQ", tag, 4, 1, value) for tag, value in tags.items())
        return b"II+\0" + struct.pack("<HHQQ", 8, 0, 16, len(tags)) + entries
    entries = b"".join(struct.pack(">HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"MM\0*" + struct.pack(">IH", 8, len(tags)) + entries


BOMBS = {
    "png": b"\x89PNG\r\n\x1a\n"
    + chunk(b"IHDR", struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0))
    + chunk(b"IDAT", zlib.compress(bytes(10**6)))
    + chunk(b"IEND", b""),
    "jpeg": picture(".jpg"),
    "gif": b"GIF89a" + struct.pack("<HH", 16000, 16000) + bytes(300),
    "bmp": b"BM" + bytes(12) + struct.pack("<Iii", 40, 65500, -65500) + bytes(300),
    "old-bmp": b"BM" + bytes(12) + struct.pack("<IHH", 12, 65500, 65500) + bytes(300),
    "tiff": tiff(60000, 60000, big=False),
    "big-tiff": tiff(60000, 60000, big=True),
    "tiled-tiff": tiff(64, 64, big=False, _322=32768, _323=32768),
    "webp": b"RIFF\0\1\0\0WEBPVP8X" + bytes(8) + (16382).to_bytes(3, "little") * 2 + bytes(300),
    "pnm": b"P6\n# made by\n60000 60000\n255\n" + bytes(300),
}
at = BOMBS["jpeg"].index(b"\xff\xc2" if b"\xff\xc2" in BOMBS["jpeg"] else b"\xff\xc0")
BOMBS["jpeg"] = BOMBS["jpeg"][: at + 5] + struct.pack(">HH", 65500, 16000) + BOMBS["jpeg"][at + 9 :]


@pytest.mark.parametrize("kind", BOMBS)
def test_pictures_that_claim_too_much(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(BOMBS[kind])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for read in (read_image, read_map):
        with pytest.raises(SalzooError, match=r"bomb.png has \d+,.* pixels, more than the 67,108,864 that are read"):
            read(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**18  # kB: a quarter of a GiB


def test_the_limit_can_be_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "small.png"
    path.write_bytes(picture(".png"))
    monkeypatch.setenv("SALZOO_MAX_PIXELS", "3071")
    with pytest.raises(SalzooError, match="more than the 3,071 that are read: make it smaller, or raise SALZOO_MAX"):
        read_image(path)
    monkeypatch.setenv("SALZOO_MAX_PIXELS", "3072")
    assert read_image(path).shape == (48, 64, 3)
    for wrong in ("0", "-1", "1e9", "x", "9" * 30):
        monkeypatch.setenv("SALZOO_MAX_PIXELS", wrong)
        with pytest.raises(SalzooError, match="SALZOO_MAX_PIXELS must be a whole number"):
            max_pixels()


def test_files_too_large_or_of_other_formats(tmp_path: Path) -> None:
    path = tmp_path / "sparse.png"
    with path.open("wb") as file:
        file.truncate(20 * 2**30)
    with pytest.raises(SalzooError, match=r"sparse.png has 21,474,836,480 bytes, more than the 268,435,456"):
        read_image(path)
    path.write_bytes(b"#EXTM3U\n")
    with pytest.raises(SalzooError, match="it is no PNG, JPEG"):
        read_image(path)


def check_damaged(seed: int, path: Path) -> bool:
    """Read a damaged picture as image and as map. Returns whether it was refused, which must take one line."""
    rng = random.Random(seed)
    data = bytearray(picture(FORMATS[seed % len(FORMATS)], seed))
    match rng.randrange(4):
        case 0:
            del data[rng.randrange(len(data)) :]
        case 1:
            for _ in range(rng.choice([1, 5, 50])):
                data[rng.randrange(len(data))] = rng.randrange(256)
        case 2:
            start = rng.randrange(len(data))
            data[start : start + rng.randrange(200)] = rng.randbytes(rng.randrange(200))
        case 3:
            data[rng.randrange(min(len(data), 60))] ^= 1 << rng.randrange(8)
    if data.startswith(b"\x89PNG") and rng.random() < 0.7:
        data = sealed(data)
    path.write_bytes(data)
    messages = []
    for read in (read_image, read_map):
        try:
            assert read(path).size <= 4 * 2**26
        except SalzooError as error:
            messages.append(str(error))
    assert all(message.isprintable() and not CLASS_NAME.search(message) for message in messages), (seed, messages)
    return bool(messages)


def sealed(data: bytearray) -> bytearray:
    """A PNG with the checksums that its chunks should have, so that the decoder itself meets the damage."""
    at = 8
    while at + 12 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        if end + 4 > len(data):
            break
        data[end : end + 4] = struct.pack(">I", zlib.crc32(data[at + 4 : end]))
        at = end + 4
    return data


def test_damaged_pictures_are_refused_in_silence(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert sum(check_damaged(seed, tmp_path / "damaged.png") for seed in range(120)) > 40
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_2000_damaged_pictures(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused = sum(check_damaged(seed, tmp_path / "damaged.png") for seed in range(2000))
    assert capfd.readouterr() == ("", "")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    with capfd.disabled():
        print(
            f"\n{refused} of 2000 damaged pictures refused, each with one line; peak memory grew by {grown >> 10} MiB"
        )
    assert grown < 2**20


def test_threads_silence_together(capfd: pytest.CaptureFixture[str]) -> None:
    """Descriptor 2 is silent as long as any thread is inside, and as it was thereafter."""

    def work() -> None:
        for _ in range(50):
            with quiet_libraries():
                os.write(2, b"a library's line\n")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert capfd.readouterr().err == ""
    os.write(2, b"a library's line\n")
    assert capfd.readouterr().err == "a library's line\n"
