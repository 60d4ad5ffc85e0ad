"""Photographs with the fixations of each observer: OSIE, EyeCrowd and SUN500, as their authors publish them.

Each is read from a checkout of its public repository::

    data/stimuli/1001.jpg …   data/eye/fixations.mat        osie (Xu et al., "Predicting human gaze beyond pixels",
                                                            JoV 2014) and eyecrowd (Jiang et al., "Saliency in crowd",
                                                            ECCV 2014)
    data/stimuli/001.jpg …    data/tidy/fixations.mat       sun500 (Liang et al., "Saliency prediction with scene
                                                            structural guidance", 2015)

**Splits.** The images, in the order of their names, are put into the order
``numpy.random.RandomState(0).permutation(n)`` and cut into parts of 100: seven of osie, five of the others. Part
``fold`` is the test split; of the part after it (the first after the last), all of osie or the first half of the others
is the validation split; all else is the training split.

**The first fixation** of an observer still lies where the cross was in a quarter to a third of the trials. It is kept,
as in the authors' own evaluation, unless ``first=false``.

**Density**: sigma is 24 pixels for osie and 26 for eyecrowd, as their authors blur. For sun500 degrees per pixel are
not stated: a thirty-second of the image's width.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salzoo.datasets.files import IMAGES, check_root, names_in
from salzoo.datasets.matlab import load_mat
from salzoo.datasets.stills import Still
from salzoo.gaze.maps import clip_points
from salzoo.interfaces.dataset import Dataset, Viewing
from salzoo.interfaces.errors import SalzooError
from salzoo.video.pictures import read_image

PUBLISHED = {
    "osie": {"train": 500, "val": 100, "test": 100},
    "eyecrowd": {"train": 350, "val": 50, "test": 100},
    "sun500": {"train": 350, "val": 50, "test": 100},
}
"""Images in each split of the sets as published."""

PARTS = {
    "osie": (7, 1.0),
    "mit1003": (10, 1.0),
    "pascals": (10, 1.0),
    "eyecrowd": (5, 0.5),
    "sun500": (5, 0.5),
    "fiwi": (5, 0.5),
    "interiors": (5, 0.5),
    "traffic100": (5, 0.5),
}
"""Parts that each set is cut into, and the share of the one after the test split that is the validation split."""

_EYE, _TIDY = "data/eye/fixations.mat", "data/tidy/fixations.mat"

LATENCY, SACCADE = 0.28, 0.06
"""Seconds from the onset to the first fixation after it, and between two, where no starts were published: medians of
sun500 are 0.28 and 0.05, of mit1003 0.33 and 0.07."""

Points = NDArray[np.float32]


@dataclass(frozen=True)
class GazeImage(Still):
    """A photograph and what each observer fixated; see ``salzoo.interfaces.dataset.GazeVideo``.

    Attributes:
        points: for each observer (n, 2) x and y as recorded, counted from 0; they may lie outside. Where durations were
            published, (n, 4): x, y, start and duration in seconds.
        sigma_of_width: standard deviation of the density's Gaussian, as a share of the image's width.
    """

    points: tuple[Points, ...]
    sigma_of_width: float

    @property
    def annotated(self) -> bool:
        return any(len(points) for points in self.points)

    @property
    def observers(self) -> int:
        return len(self.points)

    @cached_property
    def size(self) -> tuple[int, int]:
        height, width = read_image(self.image).shape[:2]
        return height, width

    @property
    def sigma(self) -> float:
        return self.sigma_of_width * self.size[1]

    def read_gaze(self, index: int) -> list[Points]:
        """Where each observer looked: (n, 2) x and y, in the order of time; what was recorded outside the image is
        moved to its border, as the authors do."""
        self._check_index(index)
        return [clip_points(points[:, :2], self.size) for points in self.points]

    def read_viewings(self) -> list[Viewing]:
        """The fixations of each observer in order of time. Raises SalzooError where their durations are not known."""
        if any(points.shape[1] != 4 for points in self.points):
            raise SalzooError(f"when, and how long, people fixated on image {self.id} was not published")
        each = [points.astype(np.float64) for points in self.points]
        return [Viewing(str(number), points[:, [2, 3, 0, 1]]) for number, points in enumerate(each, start=1)]


def open_osie(root: Path | None, *, fold: int = 0, first: bool = True) -> Dataset:
    """OSIE: 700 photographs of 800×600, 15 observers for 3 s each. ``fold`` 0–6 chooses the split."""
    return gaze_images("osie", _read("osie", root, _EYE, _by_image), 24 / 800, fold=fold, first=first)


def open_eyecrowd(root: Path | None, *, fold: int = 0, first: bool = True) -> Dataset:
    """EyeCrowd: 500 photographs of crowds, 1024×768, 15–16 observers for 5 s each. ``fold`` 0–4 chooses the split."""
    return gaze_images("eyecrowd", _read("eyecrowd", root, _EYE, _by_image), 26 / 1024, fold=fold, first=first)


def open_sun500(root: Path | None, *, fold: int = 0, first: bool = True) -> Dataset:
    """SUN500: 500 photographs of scenes in several sizes, 10–12 observers. ``fold`` 0–4 chooses the split."""
    return gaze_images("sun500", _read("sun500", root, _TIDY, _by_number), 1 / 32, fold=fold, first=first)


Recorded = tuple[Points, ...]
Reader = Callable[[Any, Sequence[str]], dict[str, Recorded]]


def _read(name: str, root: Path | None, mat: str, read: Reader) -> dict[Path, Recorded]:
    """Every image that was shown, in the order of the names, whether or not its file is there."""
    root = check_root(name, root)
    stimuli = root / "data" / "stimuli"
    images = sorted(each for each in names_in(stimuli) if Path(each).suffix.lower() in IMAGES and each[0] != ".")
    if not images:
        raise SalzooError(
            f"no images of {name} in {root}: expected data/stimuli/*.jpg and {mat}, as its repository has"
        )
    variables = load_mat(root / mat, ("fixations",))
    try:
        recorded = read(variables["fixations"], images)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise SalzooError(f"the variable fixations of {root / mat} is not as {name} has it") from error
    return {stimuli / image: recorded[image] for image in sorted(recorded)}


def gaze_images(
    name: str, recorded: Mapping[Path, Recorded], sigma_of_width: float, *, fold: int, first: bool
) -> Dataset:
    """A data set of images.

    Args:
        name: of the data set.
        recorded: the files, in the order of the data set, and for each where its observers looked; all that were shown,
            so that a missing file moves no other into another split.
        sigma_of_width: of the densities.
        fold: the part that is the test split.
        first: whether the first fixation of each observer counts.
    """
    splits = split_parts(name, len(recorded), fold)
    skip = 0 if first else 1
    videos = [
        GazeImage(image, part, tuple(each[skip:] for each in points), sigma_of_width)
        for (image, points), part in zip(recorded.items(), splits, strict=True)
    ]
    return Dataset(name, videos, note="" if first else "the first fixation of each observer is left out")


def split_parts(name: str, count: int, fold: int) -> list[str]:
    """The split of each of ``count`` images, by the rule above.

    Args:
        name: of the data set.
        count: images.
        fold: the part that is the test split.

    Raises:
        SalzooError: where there is no such fold.
    """
    folds, validation = PARTS[name]
    if not 0 <= fold < folds:
        raise SalzooError(f"{name}: fold must be 0 to {folds - 1}, not {fold}")
    splits = ["train"] * count
    order = np.random.RandomState(0).permutation(count)
    part, following = count // folds, (fold + 1) % folds
    for number in order[part * following :][: math.ceil(validation * part)]:
        splits[number] = "val"
    for number in order[part * fold : part * (fold + 1)]:
        splits[number] = "test"
    return splits


def in_order(points: NDArray[Any], durations: NDArray[Any]) -> NDArray[np.float32]:
    """Fixations in order whose starts were not published: (n, 4) x, y, start and duration in seconds.

    The first is taken to start at ``LATENCY``, each further one ``SACCADE`` after the end of the one before.

    >>> in_order(np.array([[5, 5], [9, 9]]), np.array([0.2, 0.3])).round(2)[:, 2].tolist()
    [0.2800000011920929, 0.5400000214576721]
    """
    starts = LATENCY + np.cumsum(durations + SACCADE) - durations - SACCADE
    return np.column_stack([points, starts, durations]).astype(np.float32)


def _by_image(variable: Any, images: Sequence[str]) -> dict[str, Recorded]:
    """osie and eyecrowd: a cell an image with ``img`` and ``subjects``; x and y are counted from 1, durations in ms."""
    recorded: dict[str, Recorded] = {}
    for cell in variable.ravel():
        observers = [each.ravel()[0] for each in cell["subjects"].ravel()[0].ravel()]
        points = tuple(
            in_order(
                np.stack([each["fix_x"].ravel(), each["fix_y"].ravel()], 1) - 0.5, each["fix_duration"].ravel() / 1000
            )
            for each in observers
        )
        recorded[str(cell["img"].ravel()[0].ravel()[0])] = points
    return recorded


def _by_number(variable: Any, images: Sequence[str]) -> dict[str, Recorded]:
    """sun500: a row of cells an image, by sorted names; rows of y, x, onset and duration in s. An empty cell is an
    observer who is absent."""
    recorded: dict[str, Recorded] = {}
    for image, row in zip(images, variable, strict=True):
        present = [np.asarray(cell, np.float32).reshape(-1, 4) for cell in row if np.size(cell)]
        recorded[image] = tuple(each[:, [1, 0, 2, 3]] for each in present)
    return recorded
