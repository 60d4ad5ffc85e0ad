"""Maps of a video as one NumPy file, written frame by frame."""

import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from salzoo.interfaces.errors import SalzooError
from salzoo.runtime.files import complete_or_absent

ARRAY_ENDINGS = (".npy", ".npz")
"""Endings of files of arrays: the maps alone, or with their times."""

_HEADER = 128  # bytes, for the number of frames is known at the end


@contextmanager
def array_writer(path: Path, values: str = "map") -> Iterator[Callable[[NDArray[np.float32], Fraction], None]]:
    """Write maps as float32 (frames, H, W): .npy holds them alone, .npz as "maps" beside "times" in seconds and the
    text "values", what they are.

    Yields:
        A function that takes the next map, (H, W) float32, and its time.

    Raises:
        SalzooError: no map, one of another size, or a place that cannot be written to.
    """
    shape: tuple[int, ...] | None = None
    times: list[float] = []
    with complete_or_absent(path) as temporary:
        part = temporary.with_suffix(".maps") if path.suffix.lower() == ".npz" else temporary
        try:
            with part.open("wb") as file:
                file.write(bytes(_HEADER))

                def write(map_: NDArray[np.float32], time: Fraction) -> None:
                    nonlocal shape
                    shape = shape or map_.shape
                    if map_.shape != shape:
                        raise SalzooError(f"cannot write {path}: frames have different sizes; name a folder instead")
                    file.write(np.ascontiguousarray(map_, np.float32).data)
                    times.append(float(time))

                yield write
                if shape is None:
                    raise SalzooError(f"cannot write {path}: there is no frame")
                _write_header(file, (len(times), *shape))
            if part != temporary:
                _pack(part, temporary, times, values)
        except OSError as error:
            raise SalzooError(f"cannot write {path}: {error.strerror}") from error
        finally:
            if part != temporary:
                part.unlink(missing_ok=True)


def _write_header(file: BinaryIO, shape: tuple[int, ...]) -> None:
    """The header of format 1.0: magic, version, length, a dictionary padded with spaces to a fixed length."""
    text = repr({"descr": "<f4", "fortran_order": False, "shape": shape}).encode()
    file.seek(0)
    file.write(b"\x93NUMPY\x01\x00" + (_HEADER - 10).to_bytes(2, "little") + text.ljust(_HEADER - 11) + b"\n")


def _pack(part: Path, path: Path, times: list[float], values: str) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        archive.write(part, "maps.npy")
        found: dict[str, NDArray[Any]] = {"times": np.array(times), "values": np.array(values)}
        for name, array in found.items():
            with archive.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, array)
