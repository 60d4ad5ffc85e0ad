"""Versions of the software."""

import platform
from importlib.metadata import version

from salzoo.version import __version__


def software_versions() -> dict[str, str]:
    """Versions of salzoo and of what computes beneath it."""
    names = ("torch", "numpy", "opencv-python")
    return {"salzoo": __version__, "python": platform.python_version()} | {name: version(name) for name in names}
