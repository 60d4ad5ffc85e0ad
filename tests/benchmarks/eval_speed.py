"""How fast saved maps are scored, from the command to the results file: ``python tests/benchmarks/eval_speed.py``.

A data set in DHF1K's layout is made in a temporary folder: 640×360, 4 training and 6 validation videos of 100 frames,
smooth 8-bit maps and sparse fixations as PNG. With ``--repeat N`` each validation video is linked N times, which shows
what start-up costs and that memory stays flat. Not a test: times depend on the machine.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

HEIGHT, WIDTH, FRAMES = 360, 640, 100


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root, maps = Path(folder) / "data", Path(folder) / "maps"
        for number in (1, 2, 3, 4, *range(601, 607)):
            make_video(root, maps, number)
        for number in range(607, 601 + 6 * options.repeat):
            link_video(root, maps, number, 601 + (number - 601) % 6)
        command = [sys.executable, "-m", "salzoo", "eval", "--dataset", "dhf1k", "--root", root, "--predictions", maps]
        command += ["--workers", str(options.workers), "-o", Path(folder) / "results.json"]
        start = time.perf_counter()
        subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
        seconds = time.perf_counter() - start
    frames = 6 * options.repeat * FRAMES
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{frames} frames, {options.workers} workers: {seconds:.2f} s, {frames / seconds:.0f} frames/s, all included")
    print(f"largest process {used.ru_maxrss / 1024:.0f} MiB; processor time {used.ru_utime + used.ru_stime:.1f} s")


def make_video(root, maps, number):
    rng = np.random.default_rng(number)
    annotation, saved = root / "annotation" / f"{number:04d}", maps / f"{number:04d}"
    for folder in (annotation / "maps", annotation / "fixation", saved):
        folder.mkdir(parents=True)
    places = rng.random((12, 2)) * (HEIGHT, WIDTH)
    for frame in range(1, FRAMES + 1):
        places = np.clip(places + rng.normal(0, 4, places.shape), 0, (HEIGHT - 1, WIDTH - 1))
        fixations = np.zeros((HEIGHT, WIDTH), np.uint8)
        rows, columns = places.astype(int).T
        fixations[rows, columns] = 255
        write(annotation / "fixation" / f"{frame:04d}.png", fixations)
        write(annotation / "maps" / f"{frame:04d}.png", blobs(places, 12.7))
        write(saved / f"{frame:04d}.png", blobs(places[:5] + rng.normal(0, 20, (5, 2)), 45.0))


def link_video(root, maps, number, source):
    for folder in (root / "annotation", maps):
        os.symlink(folder / f"{source:04d}", folder / f"{number:04d}")


def blobs(places, sigma):
    """A sum of Gaussians, scaled to 8 bits."""
    rows, columns = (
        np.exp(-((np.arange(size)[:, None] - centres) ** 2) / (2 * sigma**2))
        for size, centres in zip((HEIGHT, WIDTH), places.T, strict=True)
    )
    total = rows @ columns.T
    return np.rint(255 * total / total.max()).astype(np.uint8)


def write(path, image):
    path.write_bytes(cv2.imencode(".png", image)[1].tobytes())


if __name__ == "__main__":
    main()
