"""The lines of a text file: encodings, gzip, a progress bar."""

import codecs
import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, TextIOWrapper
from pathlib import Path
from typing import cast

from tqdm import tqdm

from salzoo.interfaces.errors import SalzooError
from salzoo.runtime.files import check_regular

MOST_OF_ONE_LINE = 2**20
"""Characters that a line has at most."""


@contextmanager
def text_lines(path: Path, encoding: str = "") -> Iterator[Iterator[str]]:
    """The lines of a text file, which may be packed with gzip, in a ``with`` block.

    Args:
        path: the file.
        encoding: by default UTF-8, or UTF-16 where the file begins with its mark.

    Raises:
        SalzooError: the file cannot be read, or is no text in this encoding.
    """
    check_regular(path)
    try:
        codec = codecs.lookup(encoding).name if encoding else ""
    except LookupError as error:
        raise SalzooError(f"there is no encoding {encoding!r}; utf-8, utf-16, cp1252 and latin-1 are some") from error
    try:
        with (
            path.open("rb") as file,
            tqdm(total=path.stat().st_size, unit="B", unit_scale=True, desc=path.stem[:40], disable=None) as bar,
        ):
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            data = gzip.GzipFile(fileobj=file) if packed else file
            start = data.read(2)
            data.seek(0)
            codec = codec or ("utf-16" if start in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
            text = TextIOWrapper(cast(BufferedReader, data), codec, newline="")

            def lines() -> Iterator[str]:
                number = 0
                while line := text.readline(MOST_OF_ONE_LINE + 1):
                    if len(line) > MOST_OF_ONE_LINE:
                        raise SalzooError(f"{path} has a line of more than {MOST_OF_ONE_LINE} characters: no table")
                    if "\0" in line:
                        raise SalzooError(
                            f"{path} holds NUL bytes in its line {number + 1}: it is damaged, or text in UTF-16 "
                            "without its mark (--encoding utf-16-le)"
                        )
                    number += 1
                    if number % 10_000 == 0:
                        bar.update(file.tell() - bar.n)
                    yield line

            yield lines()
    except UnicodeError as error:
        raise SalzooError(
            f"{path} is not text in {codec.removesuffix('-sig').upper()}; name its encoding, such as --encoding cp1252"
        ) from error
    except (OSError, EOFError) as error:
        raise SalzooError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
