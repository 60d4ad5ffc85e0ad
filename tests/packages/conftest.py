"""A virtual environment in which packages are installed."""

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a new virtual environment that sees salzoo and all that the tests have, but keeps its own
    packages to itself."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin" / "python"
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    own = subprocess.run([str(python), "-c", ask], capture_output=True, text=True, check=True).stdout.strip()
    seen = sorted({sysconfig.get_path(name) for name in ("purelib", "platlib")})
    lines = [f"import site; site.addsitedir({path!r})\n" for path in seen]
    (Path(own) / "tests.pth").write_text("".join(lines))
    return python
