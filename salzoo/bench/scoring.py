"""The metrics on one frame of DHF1K's size, and the reading of data."""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from salzoo import metrics
from salzoo.bench.measuring import Table, time_in_turn

SIZE = (360, 640)
FIXATIONS, OTHERS = 17, 170
REPEATS = 20
"""Calls between two looks at the clock."""


def bench_metrics(device: torch.device | None = None, *, rounds: int = 9) -> list[Table]:
    """Time each score of one frame, 640×360 with 17 fixations and 170 others, in one thread: 8-bit and float32 maps, as
    NumPy arrays and as torch tensors on a device, by default the CPU."""
    where = device or torch.device("cpu")
    rng = np.random.default_rng(0)
    density, prediction = _blobs(rng, 6, 13.0), _blobs(rng, 8, 60.0)
    fixations, others = _scatter(rng, density + 1e-4, FIXATIONS), _scatter(rng, _blobs(rng, 30, 60.0), OTHERS)
    grey = np.round(density * 255).astype(np.uint8)
    truths: dict[str, tuple[NDArray[Any], ...]] = {
        "auc_judd": (fixations,),
        "auc_shuffled": (fixations, others),
        "nss": (fixations,),
        "cc": (grey,),
        "sim": (grey,),
        "kld": (grey,),
        "ig": (fixations, grey),
    }
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    maps: dict[str, NDArray[Any]] = {
        "8-bit": np.round(prediction * 255).astype(np.uint8),
        "float32": prediction.astype(np.float32),
    }
    try:
        return [_metrics_table(kind, map_, truths, where, rounds) for kind, map_ in maps.items()]
    finally:
        torch.set_num_threads(threads)


def _metrics_table(
    kind: str, map_: NDArray[Any], truths: dict[str, tuple[NDArray[Any], ...]], device: torch.device, rounds: int
) -> Table:
    def repeat(names: list[str], convert: Callable[[NDArray[Any]], Any]) -> Callable[[], None]:
        calls = [
            partial(getattr(metrics, name), convert(map_), *(convert(each) for each in truths[name])) for name in names
        ]

        def run() -> None:
            for _ in range(REPEATS):
                for call in calls:
                    call()

        return run

    five = list(truths)[:5]
    variants = {"five scores (AUC-J, s-AUC, NSS, CC, SIM)": repeat(five, np.asarray)}
    variants |= {name: repeat([name], np.asarray) for name in truths}
    variants[f"five scores, torch on {device.type}"] = repeat(five, lambda array: torch.from_numpy(array).to(device))
    rows = time_in_turn(variants, rounds=rounds, units=REPEATS)
    return Table(f"scores of a {kind} map of 640x360, one thread", "frame", rows)


def bench_data(*, rounds: int = 5) -> Table:
    """Time the reading of a small synthetic data set: frames, frames at a model's size, and their truth."""
    from salzoo.data import open_dataset
    from salzoo.datasets.synthetic import make_synthetic
    from salzoo.gaze.truth import read_density
    from salzoo.video.resizing import resize_frame

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "synthetic"
        make_synthetic(root, videos=6, seed=0, processes=1)
        video = open_dataset("synthetic", root).videos[0]
        count = video.frames

        def frames() -> None:
            for _ in video.read_frames():
                pass

        def small() -> None:
            for frame in video.read_frames():
                resize_frame(frame, (192, 256))

        def truth() -> None:
            for index in range(count):
                read_density(video, index)

        variants = {"decode frames": frames, "decode and resize to 192x256": small, "read density": truth}
        return Table("reading of the data set synthetic", "frame", time_in_turn(variants, rounds=rounds, units=count))


def _blobs(rng: np.random.Generator, count: int, sigma: float) -> NDArray[np.float64]:
    """A sum of Gaussians at random places, divided by its maximum."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    places = rng.random((count, 2)) * SIZE
    total = np.sum([np.exp(-((y - v) ** 2 + (x - u) ** 2) / (2 * sigma**2)) for v, u in places], axis=0)
    return np.asarray(total / total.max(), dtype=np.float64)


def _scatter(rng: np.random.Generator, weights: NDArray[np.float64], count: int) -> NDArray[np.uint8]:
    """A map with so many ones, drawn by weight."""
    fixations = np.zeros(SIZE, np.uint8)
    fixations.flat[rng.choice(fixations.size, count, replace=False, p=weights.ravel() / weights.sum())] = 1
    return fixations
