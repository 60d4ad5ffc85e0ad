"""What people looked at: measures of each region, observer and viewing.

The measures are the field's own (Holmqvist et al., "Eye Tracking: A Comprehensive Guide to Methods and Measures", 2011,
chapters 6 and 10–13), by these rules:

- A fixation is **on a region** where the region holds its point. Left and upper edges belong to a region and right and
  lower ones do not, so that of regions side by side one has it; where regions overlap, each of them has it.
- **On a region that moves**, each hundredth of a second of a fixation counts for itself, by where the region is in its
  middle. The fixation is on the region where one of them is.
- **Dwell time** is the time of the fixations on it; saccades and blinks between them do not count. The **shares** are
  of all fixations, and of the time of all fixations, of the viewing while the region is there.
- An **entry** is a fixation on it after one that was not, or at the beginning; **revisits** are the entries after the
  first.
- **Time to first fixation** counts from when the region is there for the first time, to the beginning of the first
  fixation on it; one that lasts already when the region comes has 0. **Order** is the place of the region among those
  that were looked at, by that fixation.
- **Missing, and never 0,** are revisits, time, duration and order where a viewing never looked at it, and all measures
  of a viewing without any fixation while the region is there.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from salzoo.evaluation.bootstrap import VideoScores, draw_resamples, interval
from salzoo.interfaces import Dataset, GazeVideo, SalzooError, Video, ViewedVideo, Viewing
from salzoo.interfaces.dataset import rate_of
from salzoo.regions.reading import Medium, RegionFile
from salzoo.regions.region import Region
from salzoo.regions.shapes import Shape
from salzoo.video.timing import frame_times

STEP = 0.01
"""Seconds of a fixation that count for themselves on a region that moves."""

MISSING = float("nan")

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Look:
    """How one person looked at one region in one viewing. Seconds; NaN where missing.

    Attributes:
        item: the picture or video.
        region, observer, viewing: which.
        fixations: on it.
        dwell_s: their time in all.
        share_fixations, share_dwell: of all, while the region is there.
        entries, revisits: how often the gaze came to it, and came back.
        first_s: time to the first fixation on it.
        first_duration_s: how long that lasted.
        order: 1 for the region that was looked at first.
    """

    item: str
    region: str
    observer: str
    viewing: int
    fixations: float
    dwell_s: float
    share_fixations: float
    share_dwell: float
    entries: float
    revisits: float
    first_s: float
    first_duration_s: float
    order: float


MEASURES = tuple(field.name for field in fields(Look))[4:]
"""Columns that are measures."""


def viewings_of(video: Video) -> list[Viewing]:
    """The viewings of a data set's picture or video.

    Raises SalzooError where the set does not know the order and the times of fixations.
    """
    if not isinstance(video, ViewedVideo):
        raise SalzooError(
            f"{video.id}: its data set does not tell observers and the times of their fixations, which regions need"
        )
    return video.read_viewings()


def find_items(data: Dataset, names: Sequence[str], file: RegionFile) -> list[Video]:
    """The items of a data set that are named, or with "all" those that a file has regions for.

    Raises SalzooError for a name that it does not know.
    """
    videos = {video.id: video for video in data.videos}
    if list(names) == ["all"] and "all" not in videos:
        names = [each for each in videos if file.has(each)]
        if not names:
            raise SalzooError(f"{file.path} has regions for no item of {data.name}")
    missing = [each for each in names if each not in videos]
    if missing:
        called = ", ".join(list(videos)[:3])
        raise SalzooError(f"{data.name} has no item {missing[0]!r}; its items are called {called} …")
    return [videos[name] for name in names]


def measure_items(videos: Sequence[Video], file: RegionFile) -> list[Look]:
    """The looks at the regions of pictures and videos of a data set.

    Raises SalzooError where their observers are not known, or regions do not fit an item.
    """
    looks: list[Look] = []
    for video in tqdm(videos, unit="item", disable=None if len(videos) > 1 else True):
        viewings = viewings_of(video)
        size = cast(GazeVideo, video).size
        looks += measure_people(viewings, file.of(Medium(video.id, size, times_of(video))), video.id)
    return looks


def times_of(video: Video) -> Numbers | None:
    """When each frame of a data set's video begins, and the last one ends; None for a picture, or where that is not
    known."""
    rate = rate_of(video)
    if video.frames == 1 or not rate:
        return None
    path = getattr(video, "path", None)
    return frame_times(path) if isinstance(path, Path) else np.arange(video.frames + 1) / rate


def measure_people(viewings: Iterable[Viewing], regions: Sequence[Region], item: str = "") -> list[Look]:
    """The measures of each region in each viewing, by region, then as the viewings come.

    >>> from salzoo.regions.shapes import Rectangle
    >>> fixations = np.array([[0.1, 0.2, 5, 5], [0.4, 0.3, 50, 5], [0.8, 0.1, 6, 5]])
    >>> (look,) = measure_people([Viewing("anna", fixations)], [Region("door", (Rectangle(0, 0, 10, 10),))])
    >>> look.fixations, round(look.dwell_s, 3), look.entries, look.revisits, look.first_s, look.order
    (2.0, 0.3, 2.0, 1.0, 0.1, 1.0)
    """
    found: list[list[Look]] = [[] for _ in regions]
    moments: list[dict[int, Shape | None]] = [{} for _ in regions]
    for viewing in viewings:
        on = [_On.of(each, viewing.fixations, known) for each, known in zip(regions, moments, strict=True)]
        firsts = np.array([each.first for each in on])
        for index, each in enumerate(on):
            order = MISSING if np.isnan(each.first) else 1.0 + float((firsts < each.first).sum())
            found[index].append(each.look(item, regions[index], viewing, order))
    return [look for of_region in found for look in of_region]


@dataclass(frozen=True)
class _On:
    """How a viewing's fixations are on a region.

    Attributes:
        durations: (n,) of the fixations.
        inside, there: (n,) the part of each that is on the region; during which the region is there.
        begins: (n,) when each comes to be on it.
    """

    durations: Numbers
    inside: Numbers
    there: Numbers
    begins: Numbers

    @classmethod
    def of(cls, region: Region, fixations: Numbers, known: dict[int, Shape | None]) -> "_On":
        """Those of a region; ``known`` keeps its shapes by hundredths of a second, for the next viewing."""
        fixations = np.asarray(fixations, np.float64)
        starts, durations, points = fixations[:, 0], fixations[:, 1], fixations[:, 2:]
        if not region.times:
            inside = region.holds(points, starts).astype(np.float64)
            return cls(durations, inside, np.ones(len(starts)), starts)
        inside, there, begins = np.zeros(len(starts)), np.zeros(len(starts)), starts.copy()
        for index, (start, duration) in enumerate(zip(starts.tolist(), durations.tolist(), strict=True)):
            first = math.ceil(start / STEP - 0.5)
            moments = range(first, max(math.ceil((start + duration) / STEP - 0.5), first + 1))
            for moment in moments:
                if moment not in known:
                    known[moment] = region.at((moment + 0.5) * STEP)
            shapes = [known[moment] for moment in moments]
            held = [shape is not None and bool(shape.holds(points[index : index + 1])[0]) for shape in shapes]
            inside[index] = sum(held) / len(held)
            there[index] = sum(shape is not None for shape in shapes) / len(shapes)
            if any(held):
                begins[index] = max(start, (first + held.index(True)) * STEP)
        return cls(durations, inside, there, begins)

    @property
    def first(self) -> float:
        """When the first fixation comes to be on it; NaN where none does."""
        on = self.inside > 0
        return float(self.begins[on].min()) if on.any() else MISSING

    def look(self, item: str, region: Region, viewing: Viewing, order: float) -> Look:
        """The measures."""
        on, while_there = self.inside > 0, self.there > 0
        present, looked = bool(while_there.any()), bool(on.any())
        dwell, time = float(self.durations @ self.inside), float(self.durations @ self.there)
        entries = float((on & ~np.concatenate([[False], on[:-1]])).sum())
        return Look(
            item,
            region.name,
            viewing.observer,
            viewing.number,
            fixations=float(on.sum()) if present else MISSING,
            dwell_s=dwell if present else MISSING,
            share_fixations=float(on.sum() / while_there.sum()) if present else MISSING,
            share_dwell=dwell / time if time > 0 else MISSING,
            entries=entries if present else MISSING,
            revisits=entries - 1 if looked else MISSING,
            first_s=max(self.first - region.begin, 0.0) if looked else MISSING,
            first_duration_s=float(self.durations[on][0]) if looked else MISSING,
            order=order,
        )


@dataclass(frozen=True)
class Summary:
    """A measure of a region over observers.

    Attributes:
        item, region, measure: which; "looked" is the share of observers who looked at it at all.
        mean: of the observers' means over their viewings.
        low, high: the central 95 % of that mean over resampled observers (bootstrap); NaN of fewer than five.
        observers: how many of them have the measure.
    """

    item: str
    region: str
    measure: str
    mean: float
    low: float
    high: float
    observers: int


def summarize(looks: Sequence[Look]) -> list[Summary]:
    """Each measure of each region over the observers, with bootstrap intervals that resample observers."""
    regions: dict[tuple[str, str], list[Look]] = {}
    for look in looks:
        regions.setdefault((look.item, look.region), []).append(look)
    found = []
    for (item, region), own in regions.items():
        observers = sorted({look.observer for look in own})
        number = {name: index for index, name in enumerate(observers)}
        values = np.array([[*(getattr(look, name) for name in MEASURES), _looked(look)] for look in own])
        totals, counts = np.zeros((len(observers), len(MEASURES) + 1)), np.zeros((len(observers), len(MEASURES) + 1))
        at = [number[look.observer] for look in own]
        np.add.at(totals, at, np.nan_to_num(values))
        np.add.at(counts, at, np.isfinite(values))
        scores = VideoScores(totals, counts, mean_of_videos=True)
        bounds = interval(scores.resampled_means(draw_resamples(len(observers))), scores.units)
        means = scores.mean()
        for column, measure in enumerate((*MEASURES, "looked")):
            low, high = bounds[:, column].tolist()
            found.append(Summary(item, region, measure, float(means[column]), low, high, int(scores.units[column])))
    return found


def _looked(look: Look) -> float:
    return look.fixations if np.isnan(look.fixations) else float(look.fixations > 0)
