"""The machine that a benchmark ran on: what it is, and the most that it computes."""

import os
import platform
import resource
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter
from typing import Any

import torch

from salzoo.runtime.devices import fast_precision

_PACKAGES = ("salzoo", "torch", "timm", "numpy", "opencv-python", "av", "onnxruntime", "openvino")


def describe_machine(device: torch.device) -> dict[str, Any]:
    """Processor, device, threads, load, versions."""
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else str(device),
        "python": platform.python_version(),
        "versions": versions,
    }


def peak_memory() -> float:
    """The most memory this process has held so far, in MiB."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 2**20 if sys.platform == "darwin" else most / 2**10


def measured_peak(device: torch.device, precision: str) -> float:
    """The most operations a second that multiplying large matrices reached in a few tries."""
    kind = {"bfloat16": torch.bfloat16, "float16": torch.float16}.get(precision, torch.float32)
    size = 1024 if device.type == "cpu" else 8192
    a, b = (torch.rand(size, size, device=device).to(kind) for _ in range(2))
    best = float("inf")
    for _ in range(5):
        began = perf_counter()
        (a @ b).sum().item()
        best = min(best, perf_counter() - began)
    return 2 * size**3 / best


def peaks(device: torch.device) -> dict[str, float]:
    """``measured_peak`` in float32 and in the device's fast precision."""
    return {each: measured_peak(device, each) for each in dict.fromkeys(("float32", fast_precision(device)))}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
