"""Regions in films, with what a model says of them and what people did: hevc33, cut into windows of five seconds.

In each window: what the detectors find in its first frame, followed every half second by the box that overlaps most,
as regions that move, if they last two seconds; and for each box that was found, and three more, one that stays, as
``detecting`` draws them. People's gaze counts from the window's beginning; a region's numbers of the map
are means over every fifth of a second.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from detecting import Detector, random_boxes
from numpy.typing import NDArray

from salzoo.datasets.hevc33 import HEVC33Video
from salzoo.interfaces import Viewing
from salzoo.model import SaliencyModel
from salzoo.prediction.maps import predict_maps
from salzoo.regions.calibration import SECONDS, TARGETS, Numbers
from salzoo.regions.people import measure_people
from salzoo.regions.region import Region
from salzoo.regions.shapes import Rectangle
from salzoo.regions.shares import see_regions
from salzoo.video.timing import frame_times

WINDOW, FOLLOWED, LOOKED = 5.0, 0.5, 0.2
"""Seconds of a window; between two boxes of a region; between two maps."""

OVERLAP, LEAST = 0.3, 4
"""Intersection over union of a box and the next of the same thing; boxes that it must have after the first."""


def sample_film(video: HEVC33Video, model: SaliencyModel, detect: Detector) -> dict[str, NDArray[Any]]:
    """Regions of a film: ``seen`` (n, 5), ``people`` (n, 5), ``window`` (n,) number, ``found`` (n,) by a detector."""
    times = frame_times(video.path)
    windows = int((times[-1] + 0.05) // WINDOW)
    at = np.searchsorted(times, np.arange(0, windows * WINDOW - 1e-6, LOOKED) + 1e-6, side="right") - 1
    boxed = np.searchsorted(times, np.arange(0, windows * WINDOW - 1e-6, FOLLOWED) + 1e-6, side="right") - 1
    maps, boxes = {}, {}
    for index, frame in enumerate(video.read_frames(0, int(at[-1]) + 1)):
        if index in at:
            (maps[index],) = predict_maps(model, [frame], still=True)
        if index in boxed:
            boxes[index] = detect(frame)
    rng = np.random.default_rng(0)
    parts = []
    for window in range(windows):
        begin = window * WINDOW
        first = round(WINDOW / FOLLOWED) * window
        tracks = follow([boxes[index] for index in boxed[first : first + round(WINDOW / FOLLOWED)].tolist()])
        still = random_boxes(boxes[int(boxed[first])], video.size, rng)
        regions = [*tracks, *(Region(f"still {number}", (_rectangle(box),)) for number, box in enumerate(still))]
        shown = at[(times[at] >= begin - 1e-6) & (times[at] < begin + WINDOW - 1e-6)].tolist()
        seen = np.stack(
            [
                see_regions(maps[index], [each.at(float(times[index]) - begin) for each in regions], video.size)
                for index in shown
            ]
        )
        parts.append(
            {
                "seen": np.nanmean(seen, 0),
                "people": people_in(video.read_viewings(), regions, begin),
                "window": np.full(len(regions), window),
                "found": np.arange(len(regions)) < len(tracks),
            }
        )
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]} if parts else {}


def follow(boxes: list[Numbers]) -> list[Region]:
    """Things that are in the first of some frames, as far as they can be followed through the next."""
    tracks = [[box] for box in boxes[0]]
    going = list(range(len(tracks)))
    for found in boxes[1:]:
        free, still_going = set(range(len(found))), []
        pairs = sorted(
            ((overlap(tracks[track][-1], found[each]), track, each) for track in going for each in free), reverse=True
        )
        for shared, track, each in pairs:
            if shared >= OVERLAP and each in free and track not in still_going:
                free.discard(each)
                still_going.append(track)
                tracks[track].append(found[each])
        going = still_going
    return [
        Region(
            f"followed {number}",
            tuple(_rectangle(box) for box in track),
            tuple(FOLLOWED * step for step in range(len(track))),
        )
        for number, track in enumerate(tracks)
        if len(track) > LEAST
    ]


def overlap(box: Numbers, other: Numbers) -> float:
    """Intersection over union of two boxes (4,): left, top, width, height."""
    sides = np.minimum(box[:2] + box[2:], other[:2] + other[2:]) - np.maximum(box[:2], other[:2])
    both = float(np.prod(np.clip(sides, 0, None)))
    return both / float(box[2] * box[3] + other[2] * other[3] - both)


def people_in(viewings: list[Viewing], regions: list[Region], begin: float) -> Numbers:
    """What people did with regions in a window that begins so many seconds after the film: (n, 5) ``TARGETS``."""
    looks = measure_people(list(_cut(viewings, begin)), regions)
    found = np.full((len(regions), len(TARGETS)), np.nan)
    count = len(looks) // max(len(regions), 1)
    for index in range(len(regions)):
        own = looks[index * count : (index + 1) * count]
        shares = np.array([each.share_fixations for each in own])
        firsts = np.array([each.first_s for each in own])[np.isfinite(shares)]
        if len(firsts):
            found[index, 0] = np.nanmean(shares)
            found[index, 1:] = [(firsts <= seconds).mean() for seconds in SECONDS]  # a missing one is never
    return found


def _cut(viewings: list[Viewing], begin: float) -> Iterator[Viewing]:
    """The fixations that last in a window, as far as they do, counted from its beginning."""
    for viewing in viewings:
        rows = viewing.fixations
        starts = np.maximum(rows[:, 0] - begin, 0)
        ends = np.minimum(rows[:, 0] + rows[:, 1] - begin, WINDOW)
        kept = ends > starts
        yield Viewing(viewing.observer, np.column_stack([starts, ends - starts, rows[:, 2:]])[kept], viewing.number)


def _rectangle(box: Numbers) -> Rectangle:
    return Rectangle(*map(float, box))
