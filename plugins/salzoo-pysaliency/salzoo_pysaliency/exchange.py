"""Data sets and maps from one side to the other. Needs pysaliency."""

import csv
import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from salzoo import open_dataset
from salzoo.interfaces import GazeVideo, SalzooError
from salzoo_pysaliency.hdf5 import DEGREES_WIDE
from salzoo_pysaliency.models import FixationTrains, Model, Stimuli


def to_pysaliency(dataset: str, split: str | None = None, root: str | Path | None = None) -> tuple[Any, Any]:
    """A data set of images as pysaliency's ``Stimuli`` and ``FixationTrains``.

    A train holds what one observer looked at on one stimulus, in order. Its times are in seconds where the data set
    knows them (``read_viewings``), beside durations as the attribute "durations"; else the numbers 0, 1, 2, … . The
    stimuli have their names as the attribute "id".

    Args:
        dataset, root: what ``salzoo eval --dataset`` and ``--root`` take.
        split: of it; by default all.

    Raises:
        SalzooError: no such data set, a video, or a set that does not know its observers.
    """
    videos = open_dataset(dataset, root)
    chosen = videos.videos if split is None else videos.split(split)
    pictures: list[NDArray[np.uint8]] = []
    trains: list[tuple[int, int, NDArray[np.float64]]] = []
    people: dict[str, int] = {}
    for number, video in enumerate(chosen):
        if video.frames != 1 or not isinstance(video, GazeVideo):
            raise SalzooError(f"{dataset}: {video.id} is no image with the gaze of observers, as pysaliency has them")
        (frame,) = video.read_frames()
        pictures.append(np.ascontiguousarray(frame[..., ::-1]))
        for name, rows in _viewings(video):
            if not len(rows):
                continue  # whoever looked nowhere on a stimulus has no train there
            trains.append((number, people.setdefault(name, len(people)), rows))
    timed = all(np.isfinite(rows[:, :2]).all() for _, _, rows in trains)
    fixations = FixationTrains.from_fixation_trains(
        xs=[rows[:, 2] for _, _, rows in trains],
        ys=[rows[:, 3] for _, _, rows in trains],
        ts=[rows[:, 0] if timed else np.arange(len(rows), dtype=float) for _, _, rows in trains],
        ns=[number for number, _, _ in trains],
        subjects=[who for _, who, _ in trains],
        scanpath_fixation_attributes={"durations": [rows[:, 1] for _, _, rows in trains]} if timed else None,
    )
    return Stimuli(pictures, attributes={"id": [video.id for video in chosen]}), fixations


def _viewings(video: Any) -> list[tuple[str, NDArray[np.float64]]]:
    """Observer, and (n, 4) start, duration, x, y, for each viewing; NaN for times that nobody knows."""
    if hasattr(video, "read_viewings"):
        return [(each.observer, np.asarray(each.fixations, np.float64)) for each in video.read_viewings()]
    found = []
    for number, points in enumerate(video.read_gaze(0)):
        rows = np.full((len(points), 4), np.nan)
        rows[:, 2:] = points
        found.append((f"{number:03d}", rows))
    return found


def from_pysaliency(
    stimuli: Any, fixations: Any, folder: str | Path, *, sigma: float = 0.0, split: str = "val"
) -> Path:
    """Write ``Stimuli`` and ``FixationTrains`` as a folder that ``salzoo eval --dataset FOLDER`` reads.

    Observers, times, durations (the attribute "durations", in seconds; else 0) and order are kept; every fixation is,
    and each train stays one: of an observer who saw a stimulus twice they are two viewings.

    Args:
        stimuli: arrays (H, W) or (H, W, 3), RGB, of 8 bits. The attribute "id" names them, else the files' names, else
            their numbers.
        fixations: the trains.
        folder: to make; it must not exist.
        sigma: of the density's Gaussian in pixels; 0 for the width over 32.
        split: that all belong to: "train", "val" or "test". ``set.toml`` may be changed by hand.

    Raises:
        SalzooError: the folder exists or cannot be written, or names that cannot be files.
    """
    folder = Path(folder)
    names = _names(stimuli)
    people = max(map(int, fixations.train_subjects), default=0)
    digits = len(str(people))
    durations = fixations.scanpath_fixation_attributes.get("durations")
    lines = [
        "# Written by salzoo-pysaliency. Splits and sigmas may be changed by hand.",
        "format = 2",
        f"observers = {len(set(fixations.train_subjects.tolist()))}",
        f"sigma = {json.dumps(f'sigma {sigma:g} pixels' if sigma else f'sigma the width over {DEGREES_WIDE}')}",
        "[gaze]",
        "first_fixations = true",
    ]
    try:
        (folder / "videos").mkdir(parents=True)
        for number, name in enumerate(names):
            picture = np.asarray(stimuli[number].stimulus_data)
            height, width = picture.shape[:2]
            bgr = picture if picture.ndim == 2 else np.ascontiguousarray(picture[..., 2::-1])
            (folder / "videos" / f"{name}.png").write_bytes(cv2.imencode(".png", bgr)[1].tobytes())
            lines += ["[[videos]]", f"id = {json.dumps(name)}", f"split = {json.dumps(split)}"]
            lines += [f"file = {json.dumps(f'videos/{name}.png')}", f"height = {height}", f"width = {width}"]
            lines += ["rate = 0.0", f"sigma = {float(sigma or width / DEGREES_WIDE)!r}"]
        with (folder / "gaze.csv").open("w", encoding="utf-8", newline="") as file:
            write = csv.writer(file).writerow
            write(("video", "observer", "viewing", "start_ms", "duration_ms", "x", "y"))
            viewings = Counter[tuple[int, int]]()
            for train, (n, who) in enumerate(zip(fixations.train_ns, fixations.train_subjects, strict=True)):
                viewings[int(n), int(who)] += 1
                own = names[int(n)], f"{int(who):0{digits}d}", viewings[int(n), int(who)]
                for step in np.flatnonzero(~np.isnan(fixations.train_xs[train])):
                    t, x, y = (
                        float(a[train, step]) for a in (fixations.train_ts, fixations.train_xs, fixations.train_ys)
                    )
                    lasted = 0.0 if durations is None else float(durations[train][step])
                    write((*own, *map(repr, (1000 * t, 1000 * lasted, x, y))))
        (folder / "set.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise SalzooError(f"cannot write {folder}: {error.strerror}") from error
    return folder


def save_maps(model: Any, stimuli: Any, folder: str | Path, names: Sequence[str] | None = None) -> Path:
    """Save what a pysaliency model gives, its HDF5 files included (``pysaliency.HDF5Model``), for ``salzoo eval
    --predictions FOLDER``: ``NAME/NAME.npy``, float64.

    Of a model of log densities it is the density; a map with negative values is shifted to begin at 0.

    Args:
        model: a ``pysaliency.Model`` or ``pysaliency.SaliencyMapModel``.
        stimuli: what it is asked for.
        folder: to make; it must not exist.
        names: of the stimuli in salzoo's data set; by default as ``from_pysaliency`` names them.

    Raises:
        SalzooError: the folder exists or cannot be written.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True)
        for stimulus, name in zip(stimuli, names or _names(stimuli), strict=True):
            if isinstance(model, Model):
                values = np.exp(np.asarray(model.log_density(stimulus), np.float64))
            else:
                values = np.asarray(model.saliency_map(stimulus), np.float64)
                values = values - min(values.min(), 0.0)
            (folder / name).mkdir()
            np.save(folder / name / f"{name}.npy", values)
    except OSError as error:
        raise SalzooError(f"cannot write {folder}: {error.strerror}") from error
    return folder


def _names(stimuli: Any) -> list[str]:
    """What the stimuli are called. Raises SalzooError for names that two share, or that cannot be files."""
    given = getattr(stimuli, "attributes", {}).get("id")
    if given is None:
        files = getattr(stimuli, "filenames", None)
        given = [Path(str(f)).stem for f in files] if files else [f"{number:04d}" for number in range(len(stimuli))]
    names = [str(name) for name in given]
    wrong = [name for name in names if not re.fullmatch(r"\w[\w. -]*", name)]
    if wrong or len(set(names)) < len(names):
        raise SalzooError(f"stimuli need names of their own that can be files{f', not {wrong[0]!r}' if wrong else ''}")
    return names
