"""Memory that a process keeps."""

import os
import platform
import subprocess
import sys

import pytest

_SCRIPT = """
import resource
import numpy as np
from salzoo.runtime.memory import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        np.ones(2**20)  # 8 MiB
        np.ones(6 * 2**20)  # 48 MiB, as activations at 576×768 have
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

keep_freed_memory()
np.ones(6 * 2**20)
print(faults())
"""


@pytest.mark.skipif(sys.platform != "linux" or platform.libc_ver()[0] != "glibc", reason="not glibc")
def test_freed_memory_is_used_again() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    done = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, env=environment, check=True)
    assert int(done.stdout) < 100  # by default a thousand and more
