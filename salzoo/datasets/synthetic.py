"""The embedded data set: moving objects, simulated observers, made on first use in DHF1K's layout.

Observers follow what moves, appears and changes, a latency behind, over a shaking, noisy world of signs and standing
things that they have seen enough of, and glints too short to look at: contrast does not tell where they look, and one
frame tells less than those before it. Scores on it compare models under equal conditions and show that a set-up works;
they say nothing about human gaze.

``salzoo train salgan+ema@61`` took 162 s on two cores of an EPYC: NSS 1.13 and CC 0.29 on frames held out, against 0.80
and 0.19 of ``spectral-residual``, 0.81 and 0.21 of the center bias. On a loaded machine it takes longer, with the
same weights, bit for bit.
"""

import json
import os
from collections.abc import Iterator
from functools import cache, partial
from math import log, sqrt
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from salzoo.datasets.dhf1k import LAST_TEST, LAST_TRAIN, LAST_VAL, list_videos
from salzoo.datasets.drawing import draw_frames
from salzoo.datasets.files import cache_folder
from salzoo.datasets.observers import OBSERVERS, watch_scene
from salzoo.datasets.scenes import FPS, FRAMES, HEIGHT, WIDTH, Scene, plan_scene
from salzoo.interfaces.dataset import Dataset
from salzoo.interfaces.errors import SalzooError
from salzoo.runtime.files import read_json, temporary_beside, writing
from salzoo.runtime.pool import map_in_processes
from salzoo.runtime.processes import cores
from salzoo.video.reading import probe_video

VERSION = 2
"""Version of the simulation: the same version and seed give the same gaze."""

DEFAULT_VIDEOS = 80
MANIFEST = "synthetic.json"

# DHF1K's full width at half maximum, 30 px
_SIGMA = 30 / (2 * sqrt(2 * log(2)))


def open_synthetic(root: Path | None) -> Dataset:
    """The synthetic videos under a root folder; None is the default set, made in the cache folder if need be.

    The cache folder is ``SALZOO_CACHE``, else ``XDG_CACHE_HOME/salzoo``, else ``~/.cache/salzoo``.

    Raises:
        SalzooError: the root was not made by ``make_synthetic``, or the default set cannot be written.
    """
    if root is None:
        root = cache_folder() / f"synthetic-v{VERSION}-seed0"
        if not root.exists():
            _make_folder(root, _numbers(DEFAULT_VIDEOS), seed=0, processes=None)
    manifest = _read_manifest(root)
    videos = list_videos(root)
    if len(videos) != manifest["videos"]:
        raise SalzooError(f"{root} has {len(videos)} of {manifest['videos']} videos; delete it and make it again")
    note = (
        f"synthetic data made by salzoo (version {manifest['version']}, seed {manifest['seed']}); "
        "scores on it say nothing about human gaze"
    )
    return Dataset(name="synthetic", videos=videos, note=note)


def make_synthetic(out: Path, videos: int, seed: int = 0, processes: int | None = None) -> None:
    """Make synthetic videos and their annotation in DHF1K's layout: 3 in 4 for training, 1 in 8 for each other split.

    Every video depends on its number, the seed and ``VERSION`` alone. The folder appears when it is complete; of
    several makers at once, the first one's result stays.

    Args:
        out: folder to make; it must not exist, or be empty.
        videos: number of videos, 1 to 1000.
        seed: 0 or more.
        processes: number of processes that work; None is one for each processor core, fewer for few videos.

    Raises:
        SalzooError: the folder holds something else, cannot be written, or a number is out of range.
    """
    numbers = _numbers(videos)
    if seed < 0:
        raise SalzooError(f"the seed must be 0 or more, got {seed}")
    out = Path(os.path.abspath(out))
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise SalzooError(f"{out} exists already; name a new folder")
    _make_folder(out, numbers, seed, processes)


def simulate_video(seed: int, number: int) -> tuple[Scene, Iterator[NDArray[np.uint8]], NDArray[np.int16]]:
    """What happens in one video, its frames (drawn as they are asked for), and where the observers look.

    Returns:
        The scene, its (HEIGHT, WIDTH, 3) uint8 BGR frames, and the gaze, (FRAMES, OBSERVERS, 2) int16: x and y of the
        fixated pixel, or −1, −1 while the eye is in flight.
    """
    plan, look, gaze = np.random.default_rng([seed, number]).spawn(3)
    scene = plan_scene(plan)
    return scene, draw_frames(scene, look), watch_scene(scene, gaze)


def _make_folder(out: Path, numbers: list[int], seed: int, processes: int | None) -> None:
    if processes is None:
        processes = max(min(cores(), len(numbers) // 8), 1)  # starting a process costs as much as a few videos
    # All files are made again as fast as the disk would take them: not waited for, as ``complete_or_absent`` does.
    with writing(out), temporary_beside(out) as unfinished:
        (unfinished / "video").mkdir(parents=True)
        work = partial(_make_video, unfinished, seed)
        map_in_processes(work, numbers, label="making synthetic data", unit="video", processes=processes)
        _write_manifest(unfinished, seed, numbers)
        _rename(unfinished, out)


def _numbers(videos: int) -> list[int]:
    """Numbers of the videos, which give their splits: from 1, 601 and 701 on."""
    if not 1 <= videos <= LAST_TEST:
        raise SalzooError(f"the number of synthetic videos must be 1 to {LAST_TEST}, got {videos}")
    eighth = max(videos // 8, 1)
    val = min(eighth, LAST_VAL - LAST_TRAIN) if videos > 1 else 0
    train = min(videos - val - (eighth if videos > 2 else 0), LAST_TRAIN)
    test = videos - train - val
    return [start + index for start, count in ((1, train), (601, val), (701, test)) for index in range(count)]


def _make_video(root: Path, seed: int, number: int) -> None:
    _, frames, gaze = simulate_video(seed, number)
    _write_avi(root / "video" / f"{number:03d}.AVI", frames)
    folder = root / "annotation" / f"{number:04d}"
    for name in ("maps", "fixation"):
        (folder / name).mkdir(parents=True)
    for frame, points in enumerate(gaze, start=1):
        x, y = points[points[:, 0] >= 0].T
        fixations = np.zeros((HEIGHT, WIDTH), np.uint8)
        fixations[y, x] = 255
        for name, image in (("fixation", fixations), ("maps", _density(x, y))):
            (folder / name / f"{frame:04d}.png").write_bytes(cv2.imencode(".png", image)[1].tobytes())


def _density(x: NDArray[np.int16], y: NDArray[np.int16]) -> NDArray[np.uint8]:
    """Sum of Gaussians at the fixations, scaled to a maximum of 255: (HEIGHT, WIDTH)."""
    density = _bells(HEIGHT)[y].T @ _bells(WIDTH)[x]
    return np.asarray(np.rint(density * (255 / max(float(density.max()), 1e-6))), dtype=np.uint8)


@cache
def _bells(length: int) -> NDArray[np.float32]:
    """Row i is a Gaussian of height 1 around pixel i: (length, length)."""
    pixels = np.arange(length, dtype=np.float32)
    return np.asarray(np.exp(-((pixels[:, None] - pixels) ** 2) / (2 * _SIGMA**2)), dtype=np.float32)


def _write_avi(path: Path, frames: Iterator[NDArray[np.uint8]]) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"XVID"), FPS, (WIDTH, HEIGHT))
    try:
        if not writer.isOpened():
            raise SalzooError(f"cannot write {path}: the folder is not writable, or OpenCV lacks an MPEG-4 encoder")
        for frame in frames:
            writer.write(frame)
    finally:
        writer.release()
    # the writer reports no failure, such as a full disk
    if probe_video(path).frames != FRAMES:
        raise SalzooError(f"cannot write {path}: the disk may be full")


def _write_manifest(root: Path, seed: int, numbers: list[int]) -> None:
    manifest = {
        "version": VERSION,
        "seed": seed,
        "videos": len(numbers),
        "train": sum(number <= LAST_TRAIN for number in numbers),
        "val": sum(LAST_TRAIN < number <= LAST_VAL for number in numbers),
        "test": sum(number > LAST_VAL for number in numbers),
        "frames_per_video": FRAMES,
        "width": WIDTH,
        "height": HEIGHT,
        "observers": OBSERVERS,
    }
    (root / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def _read_manifest(root: Path) -> dict[str, Any]:
    path = root / MANIFEST
    if not path.is_file():
        raise SalzooError(
            f"{root} is no synthetic set: {MANIFEST} is missing; make one with: salzoo data make synthetic --out DIR"
        )
    try:
        manifest = read_json(path)
        return {name: int(manifest[name]) for name in ("version", "seed", "videos")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SalzooError(f"cannot read {path}: {error}; delete {root} and make it again") from error


def _rename(finished: Path, out: Path) -> None:
    """Give the finished folder its name, unless another maker was faster."""
    try:
        if out.exists():
            out.rmdir()  # the empty folder that was there before
        finished.rename(out)
    except OSError:
        if not (out / MANIFEST).is_file():
            raise
