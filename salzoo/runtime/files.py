"""Files and folders that appear under their name only once they are complete."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from salzoo.interfaces.errors import SalzooError


@contextmanager
def complete_or_absent(path: Path) -> Iterator[Path]:
    """Give a temporary name beside a path, with its ending. The file or folder made there takes the path's place when
    the block ends well; after an error or Ctrl-C it is removed.

    Raises SalzooError when the path cannot be replaced.
    """
    # From the root: FFmpeg would take "a:b.mp4" for a protocol.
    temporary = Path(os.path.abspath(path)).with_name(f".salzoo-{secrets.token_hex(4)}{path.suffix}")
    try:
        yield temporary
        try:
            if temporary.is_dir():
                if path.is_dir():
                    path.rmdir()  # an empty one: rename would refuse it on Windows
            else:
                with temporary.open("r+b") as file:
                    os.fsync(file.fileno())
            temporary.replace(path)
        except OSError as error:
            raise SalzooError(f"cannot write {path}: {error.strerror}") from error
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary, ignore_errors=True)
        else:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
