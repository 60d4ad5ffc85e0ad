"""Running things in a virtual environment, as a package's users do."""

import os
import subprocess
from pathlib import Path


def run(python: Path, *arguments: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run ``python -m ARGUMENTS`` in a folder, and fail with what it printed unless it succeeds."""
    done = try_out(python, *arguments, cwd=cwd, **variables)
    assert done.returncode == 0, f"{arguments} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done


def try_out(python: Path, *arguments: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run ``python -m ARGUMENTS`` in a folder."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | variables
    return subprocess.run(
        [str(python), "-m", *arguments], capture_output=True, text=True, cwd=cwd, env=environment, timeout=300
    )


def install(python: Path, folder: Path) -> None:
    """``pip install FOLDER``, without a network: the tests' own environment has what builds and what is required."""
    run(python, "pip", "install", "--quiet", "--no-index", "--no-build-isolation", str(folder), cwd=folder.parent)
