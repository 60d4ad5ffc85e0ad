"""Regions in the pictures of data sets, with what a model says of them and what people did: for fitting and judging."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from detecting import Detector, random_boxes
from films import sample_film
from numpy.typing import NDArray
from tqdm import tqdm

from salzoo.data import open_dataset
from salzoo.datasets.hevc33 import HEVC33Video
from salzoo.gaze.truth import read_fixations
from salzoo.hub.checkpoint import weights_hash
from salzoo.hub.sources import load_model
from salzoo.interfaces import SalzooError, Video, ViewedVideo, Viewing
from salzoo.model import SaliencyModel
from salzoo.prediction.engines.engine import RunOptions
from salzoo.prediction.inputs import Input
from salzoo.prediction.runner import Runner
from salzoo.regions.calibration import SECONDS, TARGETS, Numbers
from salzoo.regions.shapes import Rectangle
from salzoo.regions.shares import see_regions
from salzoo.regions.unlike import TRAITS, traits_of
from salzoo.runtime.files import complete_or_absent
from salzoo.trained_on import overlap

WATCHED = 3.0
"""Seconds whose fixations count for the share."""

CROSS = 0.075
"""Of the width: so near to the middle, an observer's first fixation is taken to be still on the cross."""

FILMS = "hevc33"
"""The set of films, which nothing is fitted to."""

MOST = 100
"""Training pictures of a set that the table is fitted to."""

BASELINES = ("center-bias", "spectral-residual")


@dataclass(frozen=True)
class About:
    """What a data set is good for.

    Attributes:
        fitted: targets that are fitted to it.
        cross: whether it keeps fixations that are still on the cross.
    """

    fitted: tuple[str, ...]
    cross: bool


SETS = {
    "osie": About(TARGETS[:4], cross=True),
    "mit1003": About(TARGETS[:4], cross=False),
    "sun500": About(TARGETS[:4], cross=True),
    "eyecrowd": About(TARGETS[4:], cross=True),
}
"""Sets whose training splits something is fitted to."""

PAGES = "fiwi"
"""Drawn pages: how much wider the intervals are of pictures unlike photographs is fitted to its training split."""

NEW = ("pascals", PAGES, "traffic100")
"""Sets that nothing else is fitted to, where they are there."""


@dataclass(frozen=True)
class Sample:
    """Regions of some pictures.

    Attributes:
        seen: (n, 5) what the model's map says (``salzoo.regions.shares``).
        people: (n, 5) what people did (``TARGETS``); NaN where it is not known.
        picture: (n,) number of the picture.
        found: (n,) whether it is round something that a detector found.
        traits: (n, 4) of the picture; NaN where they are not known.
    """

    seen: Numbers
    people: Numbers
    picture: NDArray[np.intp]
    found: NDArray[np.bool_]
    traits: Numbers

    def knowing(self, target: int) -> "Sample":
        """Those of which a target is known, and that lie in the frame."""
        return self.those(np.isfinite(self.people[:, target]) & np.isfinite(self.seen[:, 0]))

    def those(self, kept: NDArray[np.bool_]) -> "Sample":
        """Some of the regions, (n,) says which."""
        return Sample(*(getattr(self, each.name)[kept] for each in fields(self)))

    @classmethod
    def joined(cls, samples: Sequence["Sample"]) -> "Sample":
        """Several sets in one; their pictures stay apart."""
        firsts = np.cumsum([0, *(each.picture.max(initial=-1) + 1 for each in samples)])
        return cls(
            np.concatenate([each.seen for each in samples]),
            np.concatenate([each.people for each in samples]),
            np.concatenate([each.picture + first for each, first in zip(samples, firsts, strict=False)]),
            np.concatenate([each.found for each in samples]),
            np.concatenate([each.traits for each in samples]),
        )


@dataclass(frozen=True)
class Picture:
    """A picture of a set.

    Attributes:
        id, split, size: as its set has them.
        boxes: (n, 4) left, top, width, height.
        found: (n,) whether a detector found it.
        people: (n, 5) ``TARGETS``.
        traits: of its frame.
        maps: by the name of a model, float16.
    """

    id: str
    split: str
    size: tuple[int, int]
    boxes: Numbers
    found: NDArray[np.bool_]
    people: Numbers
    traits: Numbers
    maps: dict[str, NDArray[np.float16]]

    def see(self, model: str) -> Numbers:
        """What a model's map says of its boxes."""
        shapes = [Rectangle(*map(float, box)) for box in self.boxes]
        return see_regions(self.maps[model].astype(np.float32), shapes, self.size)


@dataclass(frozen=True)
class Samples:
    """The pictures of all sets that are there.

    Attributes:
        sets: by name.
        model, weights: what made the maps, and the first letters of its weights' SHA-256.
        learned: sets of which the model learned from some pictures, or may have.
        films: regions of the films of ``FILMS`` that it has not learned from.
    """

    sets: dict[str, list[Picture]]
    model: str
    weights: str
    learned: frozenset[str]
    films: Sample | None

    @property
    def others(self) -> list[str]:
        """Sets that nothing is fitted to."""
        return [name for name in NEW if name in self.sets]

    def held_out(self, name: str) -> str | None:
        """The split of a set of ``NEW`` that neither model nor table has learned from; None for all of it."""
        return "test" if name in self.learned or name == PAGES else None

    def of(self, name: str, split: str | None, model: str | None = None) -> Sample:
        """The regions of a split; of the whole set where split is None."""
        pictures = self._pictures(name, split)
        counts = [len(each.boxes) for each in pictures]
        return Sample(
            np.concatenate([each.see(model or self.model) for each in pictures]),
            np.concatenate([each.people for each in pictures]),
            np.repeat(np.arange(len(pictures)), counts),
            np.concatenate([each.found for each in pictures]),
            np.repeat([each.traits for each in pictures], counts, 0),
        )

    def traits(self, name: str, split: str | None) -> Numbers:
        """Those of a split's pictures, (n, 4)."""
        return np.stack([each.traits for each in self._pictures(name, split)])

    def _pictures(self, name: str, split: str | None) -> list[Picture]:
        return [each for each in self.sets[name] if split in (None, each.split)]


def sample_sets(model: str, faces: Path, objects: Path, cache: Path, report: Callable[[str], None]) -> Samples:
    """Read every set, and make or look up its maps and boxes.

    Args:
        model: what makes the maps.
        faces, objects: the detectors' files.
        cache: folder of maps and boxes.
        report: given a line for each set.

    Raises:
        SalzooError: a set that is fitted to is missing, or a file cannot be read.
    """
    models = {name: load_model(name).eval() for name in (model, *BASELINES)}
    weights = weights_hash(models[model])[:16]
    keep = _Cache(cache, faces, objects)
    sets, learned = {}, set()
    for name in (*SETS, *NEW):
        try:
            videos = open_dataset(name).videos
        except SalzooError:
            if name in SETS:
                raise
            report(f"{name}: not there, and not judged on")
            continue
        if overlap(models[model].trained_on, name, videos).seen != 0:
            learned.add(name)
        sets[name] = keep.pictures(name, choose_pictures(name, videos, name in learned), models, weights)
        report(f"{name}: {len(sets[name])} pictures, {sum(len(each.boxes) for each in sets[name])} regions")
    films = keep.films(models[model], weights)
    report(f"{FILMS}: {0 if films is None else len(films.seen)} regions of films that it has not learned from")
    return Samples(sets, model, weights, frozenset(learned), films)


def choose_pictures(name: str, videos: Sequence[Video], learned: bool) -> list[Video]:
    """The pictures of a set that are used: of one that something is fitted to, ``MOST`` of its training split and all
    of the others; else all, or where the model has learned from the set its test split."""
    if name in NEW:
        return [video for video in videos if not learned or video.split == "test"]
    train = [video for video in videos if video.split == "train"]
    return [*train[:: max(len(train) // MOST, 1)][:MOST], *(video for video in videos if video.split != "train")]


class _Cache:
    """Maps and boxes, made once for each set."""

    def __init__(self, folder: Path, faces: Path, objects: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.detectors = folder, (faces, objects)

    def pictures(
        self, name: str, videos: Sequence[Video], models: dict[str, SaliencyModel], weights: str
    ) -> list[Picture]:
        """The pictures of a set."""
        boxes = self._kept(f"boxes-{name}", self._detected(videos))
        maps = {}
        judged = [video for video in videos if name in NEW or video.split == "test"]
        for label, model in models.items():
            if label in BASELINES:
                maps[label] = self._kept(f"maps-{label}-{name}", _maps(model, judged))
            else:
                maps[label] = self._kept(f"maps-{weights}-{name}", _maps(model, videos))
        rng = np.random.default_rng(0)
        found = []
        cross = SETS[name].cross if name in SETS else False
        for video in videos:
            size, traits = _whole(boxes[f"{video.id}.size"]), boxes[f"{video.id}.traits"]
            drawn = boxes[video.id].reshape(-1, 4)
            beside = random_boxes(drawn, size, rng)
            both = np.concatenate([drawn, beside])
            people = people_on(video, [Rectangle(*map(float, box)) for box in both], size, cross)
            is_found = np.arange(len(both)) < len(drawn)
            own = {label: kept[video.id] for label, kept in maps.items() if video.id in kept}
            found.append(Picture(video.id, video.split, size, both, is_found, people, traits, own))
        return found

    def films(self, model: SaliencyModel, weights: str) -> Sample | None:
        """Regions of films that the model has not learned from; None where there is no such film."""
        films = [each for each in open_dataset(FILMS).videos if overlap(model.trained_on, FILMS, [each]).seen == 0]

        def sampled() -> Iterator[tuple[str, NDArray[Any]]]:
            detect = Detector(*self.detectors)
            for film in films:
                assert isinstance(film, HEVC33Video)
                for name, array in sample_film(film, model, detect).items():
                    yield f"{film.id}.{name}", array

        kept = self._kept(f"films-{weights}", sampled())
        samples = []
        for film in films:
            seen, people, window, found = (kept[f"{film.id}.{name}"] for name in ("seen", "people", "window", "found"))
            samples.append(Sample(seen, people, window, found, np.full((len(seen), len(TRAITS)), np.nan)))
        return Sample.joined(samples) if samples else None

    def _kept(self, name: str, arrays: Iterator[tuple[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
        """Named arrays as a file holds them, or as they come, which are then kept."""
        path = self.folder / f"{name}.npz"
        if not path.exists():
            made = dict(tqdm(arrays, desc=name, unit="array"))
            with complete_or_absent(path) as temporary, temporary.open("wb") as file:
                np.savez(file, **made)
        with np.load(path) as held:
            return {key: held[key] for key in held.files}

    def _detected(self, videos: Sequence[Video]) -> Iterator[tuple[str, NDArray[Any]]]:
        detect = Detector(*self.detectors)
        for video in videos:
            frame = next(iter(video.read_frames()))
            yield video.id, detect(frame).round(1)
            yield f"{video.id}.size", np.array(frame.shape[:2])
            yield f"{video.id}.traits", traits_of(frame)


def _maps(model: SaliencyModel, videos: Sequence[Video]) -> Iterator[tuple[str, NDArray[Any]]]:
    runner = Runner(model, RunOptions(precision="float32"))
    for video in videos:
        ((_, _, map_),) = runner.maps(Input.of_video(video).open())
        yield video.id, map_.astype(np.float16)


def _whole(pair: NDArray[Any]) -> tuple[int, int]:
    return int(pair[0]), int(pair[1])


def people_on(video: Video, shapes: Sequence[Rectangle], size: tuple[int, int], cross: bool) -> Numbers:
    """What people did with regions of a picture: (n, 5) ``TARGETS``, NaN for what its set does not know.

    Args:
        video: of a data set; without times the share alone is known, of all fixations.
        shapes: the regions.
        size: height and width.
        cross: leave out an observer's first fixation where it lies in the middle.
    """
    found = np.full((len(shapes), len(TARGETS)), np.nan)
    viewings = _viewings(video)
    if viewings is None:
        pixels = np.argwhere(read_fixations(video, 0))  # rows and columns; two fixations in a pixel count as one
        points = pixels[:, ::-1].astype(np.float64) + 0.5
        found[:, 0] = [shape.holds(points).mean() for shape in shapes] if len(points) else np.nan
        return found
    rows = [each.fixations for each in viewings if len(each.fixations)]
    if cross:
        middle = np.array([size[1], size[0]]) / 2
        rows = [each[int(np.hypot(*(each[0, 2:] - middle)) < CROSS * size[1]) :] for each in rows]
    rows = [each for each in rows if len(each)]
    if not rows:
        return found
    every = np.concatenate(rows)
    early = every[every[:, 0] < WATCHED]
    watched = max(float((each[:, 0] + each[:, 1]).max()) for each in rows)
    for index, shape in enumerate(shapes):
        found[index, 0] = shape.holds(early[:, 2:]).mean()
        firsts = [each[shape.holds(each[:, 2:]), 0].min(initial=np.inf) for each in rows]
        for number, seconds in enumerate(SECONDS, start=1):
            if seconds < watched + 0.5:
                found[index, number] = np.mean(np.array(firsts) <= seconds)
    return found


def _viewings(video: Video) -> list[Viewing] | None:
    """The viewings of a picture; None where its set does not know order and times."""
    if not isinstance(video, ViewedVideo):
        return None
    try:
        return video.read_viewings()
    except SalzooError:
        return None
