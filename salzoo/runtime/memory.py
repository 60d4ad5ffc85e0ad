"""Memory: how much there is, what asking for too much looks like, and asking first."""

import contextlib
import ctypes
import functools
import os
import re
from pathlib import Path

from salzoo.interfaces.errors import SalzooError

_WORDS = re.compile(
    r"out of memory|not enough memory|insufficient memory|(can't|cannot|unable to|failed to) allocate"
    r"|alloc_cpu|bad_alloc|storage size calculation overflowed|cannot allocate memory",
    re.IGNORECASE,
)


_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8  # of glibc's malloc.h
_KEPT = 2**28


@functools.cache
def keep_freed_memory() -> None:
    """Let this process keep up to 256 MiB that it has freed, where the C library is glibc. By default it gives each
    activation of a network back to the system, which has to clear those pages again for the next one: a third of the
    time of a small network in bfloat16, a quarter of that of an adapted one at 576×768, whose activations are larger
    than the largest threshold of size that it would take."""
    with contextlib.suppress(AttributeError, OSError, TypeError):
        library = ctypes.CDLL(None)
        library.gnu_get_libc_version  # noqa: B018 - another C library has other numbers
        for parameter, value in ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, _KEPT), (_ARENA_MAX, 1)):
            library.mallopt(parameter, value)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of Python, torch, NumPy or OpenCV says that memory did not suffice."""
    return isinstance(error, MemoryError) or bool(_WORDS.search(str(error)))


def available_memory() -> int | None:
    """Bytes that a process can still take without swapping, at most what its control group allows; None where nothing
    tells."""
    found = []
    with contextlib.suppress(OSError, ValueError, IndexError):
        meminfo = Path("/proc/meminfo").read_text(encoding="ascii")
        found += [1024 * int(line.split()[1]) for line in meminfo.splitlines() if line.startswith("MemAvailable:")]
    if not found:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):  # no such group, or "max"
            found.append(int((Path("/sys/fs/cgroup") / name).read_text(encoding="ascii")))
    return min(found, default=None)


def check_memory(needed: int, what: str, advice: str, available: int | None) -> None:
    """Raise SalzooError before something is begun that cannot fit into memory.

    Args:
        needed: bytes that it takes at least.
        what: needs them ("training salgan at 192x256").
        advice: what to lower.
        available: bytes that are free, where that is known.
    """
    if available is not None and needed > available:
        raise SalzooError(f"{what} takes at least {_size(needed)} of memory, and {_size(available)} is free: {advice}")


def _size(count: int) -> str:
    """Bytes in words.

    >>> _size(3 * 2**30), _size(2**62), _size(2**80)
    ('3.0 GiB', '4,194,304 TiB', 'more than any machine has')
    """
    if count >= 2**63:
        return "more than any machine has"
    return f"{count / 2**30:.1f} GiB" if count < 2**40 else f"{count / 2**40:,.0f} TiB"
