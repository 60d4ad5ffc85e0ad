"""A data set from the HDF5 files that pysaliency writes, stimuli and fixation trains on them; needs no pysaliency."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
from numpy.typing import NDArray

from salzoo.interfaces import Dataset, SalzooError

STIMULI, FIXATIONS = "stimuli.hdf5", "fixations.hdf5"

DEGREES_WIDE = 32
"""Degrees that a stimulus is taken to be wide, where nobody says: sigma is about one."""

MOST = 1 << 28
"""Values that an array in a file may have."""

PATIENCE = 60.0
"""Seconds that looking through a file may take."""

LOOK = """
import sys, h5py

def visit(name, item):
    dict(item.attrs)
    if isinstance(item, h5py.Dataset) and item.size:
        item[(0,) * item.ndim]

with h5py.File(sys.argv[1], "r") as file:
    dict(file.attrs)
    file.visititems(visit)
"""
"""What a process of its own does to a file before this one opens it."""


@dataclass(frozen=True)
class PysaliencyImage:
    """One stimulus.

    Attributes:
        id: the name of its file without the ending, or its number.
        split: asked for by the data set's parameter.
        folder: that holds the two files.
        number: in the file of stimuli.
        size: height and width.
        sigma: standard deviation of the density's Gaussian in pixels.
        observers: how many people there are in the whole set.
        frames, annotated: an image with gaze.
    """

    id: str
    split: str
    folder: Path
    number: int
    size: tuple[int, int]
    sigma: float
    observers: int
    frames: int = 1
    annotated: bool = True

    def frame_name(self, index: int) -> str:
        return self.id

    def read_frames(self, start: int = 0, stop: int | None = None) -> Iterator[NDArray[np.uint8]]:
        if range(1)[start:stop]:
            yield read_stimulus(self.folder / STIMULI, self.number)

    def read_gaze(self, index: int) -> list[NDArray[np.float32]]:
        """Where each observer looked, in order: (n, 2) x and y for each of them, within the frame."""
        if index != 0:
            raise SalzooError(f"{self.id} is an image, and has no frame {index}")
        trains = read_trains(self.folder / FIXATIONS)
        height, width = self.size
        found = []
        for subject in trains.subjects:
            rows = trains.of(self.number, subject)
            inside = (rows[:, 1] >= 0) & (rows[:, 1] < width) & (rows[:, 2] >= 0) & (rows[:, 2] < height)
            found.append(rows[inside, 1:].astype(np.float32))
        return found


@dataclass(frozen=True)
class Trains:
    """Fixation trains of a file.

    Attributes:
        xs, ys, ts: (trains, longest), NaN behind the end of each.
        stimuli, people: the stimulus and the subject of each train.
        subjects: all subjects, sorted.
    """

    xs: NDArray[np.float64]
    ys: NDArray[np.float64]
    ts: NDArray[np.float64]
    stimuli: NDArray[np.int64]
    people: NDArray[np.int64]

    @property
    def subjects(self) -> list[int]:
        return sorted(set(self.people.tolist()))

    def of(self, stimulus: int, subject: int) -> NDArray[np.float64]:
        """The fixations of a subject on a stimulus: (n, 3) time, x, y, train by train, in order."""
        mine = (self.stimuli == stimulus) & (self.people == subject)
        rows = np.stack([self.ts[mine].ravel(), self.xs[mine].ravel(), self.ys[mine].ravel()], 1)
        return np.asarray(rows[~np.isnan(rows[:, 1])])


def open_hdf5(root: Path | None, *, split: str = "val", sigma: float = 0.0) -> Dataset:
    """The stimuli of a folder with ``stimuli.hdf5`` and ``fixations.hdf5``.

    Args:
        root: the folder.
        split: that all stimuli belong to: pysaliency knows none.
        sigma: of the density's Gaussian in pixels; 0 for the width over 32.

    Raises:
        SalzooError: a file is missing, or not as pysaliency writes it.
    """
    if root is None:
        raise SalzooError(f"pysaliency: name the folder of {STIMULI} and {FIXATIONS} with --root")
    if split not in ("train", "val", "test") or not 0 <= sigma < 1e6:
        raise SalzooError("pysaliency: split must be train, val or test, and sigma a number of pixels")
    trains = read_trains(root / FIXATIONS)
    names, sizes = read_outline(root / STIMULI)
    if trains.stimuli.size and not 0 <= trains.stimuli.min() <= trains.stimuli.max() < len(names):
        raise SalzooError(f"{root / FIXATIONS} has fixations on more stimuli than {STIMULI} holds")
    images = [
        PysaliencyImage(name, split, root, number, size, sigma or size[1] / DEGREES_WIDE, len(trains.subjects))
        for number, (name, size) in enumerate(zip(names, sizes, strict=True))
    ]
    said = f"{sigma:g} pixels" if sigma else f"the width over {DEGREES_WIDE}, about a degree where nobody says"
    return Dataset("pysaliency", images, note=f"{len(trains.subjects)} observers, sigma {said}")


@lru_cache(maxsize=4)
def read_trains(path: Path) -> Trains:
    """The fixation trains of a file."""
    with _opened(path, "FixationTrains") as file:
        xs, ys, ts = (np.asarray(_array(file, f"train_{name}"), np.float64) for name in ("xs", "ys", "ts"))
        stimuli, people = (np.asarray(_array(file, f"train_{name}"), np.int64) for name in ("ns", "subjects"))
        if not (xs.ndim == 2 and xs.shape == ys.shape == ts.shape and stimuli.shape == people.shape == xs.shape[:1]):
            raise ValueError("trains of different lengths")
    return Trains(xs, ys, ts, stimuli, people)


@lru_cache(maxsize=4)
def read_outline(path: Path) -> tuple[list[str], list[tuple[int, int]]]:
    """Names and sizes of the stimuli of a file: of arrays their numbers, of files the names without their ending."""
    with _opened(path, "Stimuli", "FileStimuli") as file:
        if _text(file.attrs["type"]) == "FileStimuli":
            files = [_text(name) for name in _array(file, "filenames")]
            sizes = [(int(shape[0]), int(shape[1])) for shape in file["shapes"]]
            names = [Path(name).stem for name in files]
        else:
            count = int(file.attrs["size"])
            sizes = [(int(file[str(n)].shape[0]), int(file[str(n)].shape[1])) for n in range(count)]
            names = [f"{n:04d}" for n in range(count)]
        if len(names) != len(sizes) or any(min(size) < 1 for size in sizes):
            raise ValueError("stimuli without a size")
    if len(set(names)) < len(names):
        raise SalzooError(f"{path} has two stimuli of one name")
    return names, sizes


def read_stimulus(path: Path, number: int) -> NDArray[np.uint8]:
    """One stimulus, (H, W, 3) uint8, BGR: an array of the file, or the image file that it names."""
    with _opened(path, "Stimuli", "FileStimuli") as file:
        if _text(file.attrs["type"]) == "FileStimuli":
            named = path.parent / _text(file["filenames"][number])
            found = cv2.imread(str(named), cv2.IMREAD_COLOR)
            if found is None:
                raise SalzooError(f"{named}, which {path} names, is missing or no image")
            return np.asarray(found, np.uint8)
        image = np.asarray(_array(file, str(number)))
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (1, 3, 4)):
        raise SalzooError(f"{path}: stimulus {number} is {image.dtype} {image.shape}, no picture of 8 bits")
    image = image[..., None] if image.ndim == 2 else image[..., :3]
    return np.ascontiguousarray(np.broadcast_to(image[..., ::-1], (*image.shape[:2], 3)))


@contextmanager
def _opened(path: Path, *types: str) -> Iterator[Any]:
    if not path.is_file():
        raise SalzooError(f"{path} is missing")
    _survive(path)
    try:
        with h5py.File(path, "r") as file:
            found = _text(file.attrs.get("type", ""))
            if found not in types:
                raise ValueError(f"it holds {found or 'nothing of pysaliency'}, not {' or '.join(types)}")
            yield file
    except SalzooError:
        raise
    except (OSError, LookupError, ArithmeticError, AttributeError, ValueError, TypeError, RuntimeError) as error:
        raise SalzooError(f"{path} is not as pysaliency writes it: {' '.join(str(error).split())}") from error


@lru_cache(maxsize=64)
def _survive(path: Path) -> None:
    """Raise SalzooError for a damaged file that would end this process, or hold it for ever: HDF5 follows some wrong
    lengths in circles, and neither a signal nor another thread is heard meanwhile."""
    try:
        done = subprocess.run([sys.executable, "-P", "-c", LOOK, str(path)], capture_output=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired as error:
        raise SalzooError(f"{path} is damaged: HDF5 does not come to its end") from error
    if done.returncode < 0:
        raise SalzooError(f"{path} is damaged: HDF5 dies of it")


def _array(file: Any, name: str) -> Any:
    if not isinstance(file[name], h5py.Dataset) or file[name].size > MOST:
        raise ValueError(f"{name} is no array, or too large a one")
    return file[name][...]


def _text(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)
