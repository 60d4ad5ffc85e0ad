"""How long the metrics take on one core, the plain definitions beside: ``python tests/benchmarks/metrics_speed.py``.

One frame of 640×360 with 17 fixations and 170 other fixations, as in DHF1K; the median of many runs. Not a test: times
depend on the machine.
"""

import os

# One core: to be set before NumPy loads its BLAS.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

import statistics
import time

import numpy as np
import plain_metrics as plain
import torch

from salzoo import metrics

SIZE = (360, 640)


def main():
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    density = gaussians(rng, 6, 13.0)
    prediction = gaussians(rng, 8, 60.0)
    fixations = scatter(rng, density + 1e-4, 17)
    other_fixations = scatter(rng, gaussians(rng, 30, 60.0), 170)
    grey = np.round(density * 255).astype(np.uint8)
    print(f"{'ms a frame':28}{'plain':>10}{'NumPy':>10}{'torch':>10}")
    for kind, maps in {
        "uint8": np.round(prediction * 255).astype(np.uint8),
        "float32": prediction.astype(np.float32),
    }.items():
        rows = {
            "AUC-J": ("auc_judd", (fixations,), (rng,)),
            "s-AUC": ("auc_shuffled", (fixations, other_fixations), (rng,)),
            "NSS": ("nss", (fixations,), ()),
            "CC": ("cc", (grey,), ()),
            "SIM": ("sim", (grey,), ()),
            "KLD": ("kld", (grey,), ()),
            "IG": ("ig", (fixations, grey), ()),
        }
        times = {}
        for label, (name, truths, extra) in rows.items():
            score = getattr(metrics, name)
            tensors = [torch.from_numpy(array) for array in (maps, *truths)]
            times[label] = (
                milliseconds(lambda n=name, a=(maps, *truths, *extra): getattr(plain, n)(*a), 11),
                milliseconds(lambda f=score, a=(maps, *truths): f(*a), 101),
                milliseconds(lambda f=score, a=tensors: f(*a), 101),
            )
        for label, row in times.items():
            show(f"{kind} {label}", row)
        five = [times[label] for label in ("AUC-J", "s-AUC", "NSS", "CC", "SIM")]
        show(f"{kind} five scores", [sum(column) for column in zip(*five, strict=True)])
    for size in ((192, 256), (1080, 1920)):
        small = rng.random(size, np.float32)
        tensor = torch.from_numpy(small)
        show(
            f"resize {size[0]}×{size[1]}",
            (
                milliseconds(lambda a=small: plain.resize(a, SIZE), 3),
                milliseconds(lambda a=small: metrics.resize_prediction(a, SIZE), 101),
                milliseconds(lambda a=tensor: metrics.resize_prediction(a, SIZE), 101),
            ),
        )


def gaussians(rng, count, sigma):
    """A sum of Gaussians at random places, divided by its maximum."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    places = rng.random((count, 2)) * SIZE
    total = sum(np.exp(-((y - v) ** 2 + (x - u) ** 2) / (2 * sigma**2)) for v, u in places)
    return total / total.max()


def scatter(rng, weights, count):
    """A map with ``count`` ones, drawn by weight."""
    fixations = np.zeros(SIZE, np.uint8)
    fixations.flat[rng.choice(fixations.size, count, replace=False, p=weights.ravel() / weights.sum())] = 1
    return fixations


def milliseconds(run, repeats):
    run()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return 1e3 * statistics.median(times)


def show(label, row):
    print(f"{label:28}" + "".join(f"{value:10.3f}" for value in row), flush=True)


if __name__ == "__main__":
    main()
