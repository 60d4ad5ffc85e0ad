"""Scenes of the synthetic data set: what moves, appears, flashes and changes colour; ``drawing`` makes their frames."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 320, 180
FPS = 30
FRAMES = 60

Kind = Literal["onset", "colour", "motion", "flash"]
KINDS: tuple[Kind, ...] = ("onset", "colour", "motion", "flash")
FLASH_FRAMES = 14
RUN_FRAMES = 24
GLINTS_PER_FRAME = 0.3


@dataclass(frozen=True)
class Event:
    """Something that draws attention: from ``frame`` on, object ``target`` appears, changes or moves."""

    frame: int
    target: int
    kind: Kind


@dataclass(frozen=True)
class Glint:
    """A copy of object ``like`` in its odd colour that shows at ``place`` for one or two frames from ``frame`` on: gone
    before an eye could set out for it."""

    frame: int
    frames: int
    place: tuple[float, float]
    like: int


@dataclass(frozen=True)
class Scene:
    """Objects of one video over its T frames; K objects.

    Attributes:
        centres: (T, K, 2) float64, x and y in pixels, also while an object is hidden.
        sizes: (K,) float64, diameters in pixels.
        visible: (T, K) bool.
        vivid: (T, K) bool, true while the object wears its saturated, odd colour.
        running: (T, K) bool, true while the object moves much faster than the others.
        flashing: (T, K) bool, true while the object blinks.
        events: in order of time.
        glints: in order of time.
    """

    centres: NDArray[np.float64]
    sizes: NDArray[np.float64]
    visible: NDArray[np.bool_]
    vivid: NDArray[np.bool_]
    running: NDArray[np.bool_]
    flashing: NDArray[np.bool_]
    events: tuple[Event, ...]
    glints: tuple[Glint, ...]


def plan_scene(rng: np.random.Generator) -> Scene:
    """Draw the objects of a video and what happens to them.

    Three or four objects are there from the start, often one of them in the odd colour. Every 0.45–0.85 s an event
    befalls another object: it appears, turns to the odd colour, starts to run, or flashes. What follows on screen does
    not tell which object it was: an object that appeared looks like the others, and of several odd-coloured ones any
    may be the latest.
    """
    present = int(rng.integers(3, 5))
    count = present + 2
    visible = np.zeros((FRAMES, count), bool)
    visible[:, :present] = True
    vivid, running, flashing = np.zeros((3, FRAMES, count), bool)
    if rng.random() < 0.6:
        vivid[:, int(rng.integers(present))] = True

    events: list[Event] = []
    frame, last = int(rng.integers(10, 18)), -1
    while frame < FRAMES - 8:
        kind = KINDS[int(rng.choice(4, p=(0.4, 0.25, 0.15, 0.2)))]
        hidden = np.flatnonzero(~visible[frame])
        if kind == "onset" and not len(hidden):
            kind = "colour"
        if kind == "onset":
            target = int(hidden[0])
            visible[frame:, target] = True
            vivid[frame:, target] = rng.random() < 0.5
        else:
            target = int(rng.choice([k for k in np.flatnonzero(visible[frame]) if k != last]))
            if kind == "colour":
                if rng.random() < 0.4:
                    vivid[frame:] = False
                vivid[frame:, target] = True
            elif kind == "motion":
                running[frame : frame + RUN_FRAMES, target] = True
            else:
                flashing[frame : frame + FLASH_FRAMES, target] = True
        events.append(Event(frame, target, kind))
        last = target
        frame += int(rng.integers(14, 26))

    sizes = WIDTH * rng.uniform(0.09, 0.17, count)
    centres = _paths(rng, sizes, running)
    return Scene(centres, sizes, visible, vivid, running, flashing, tuple(events), tuple(_plan_glints(rng, count)))


def _plan_glints(rng: np.random.Generator, count: int) -> Iterator[Glint]:
    for frame in np.flatnonzero(rng.random(FRAMES) < GLINTS_PER_FRAME):
        x, y = rng.uniform(0.1, 0.9, 2) * (WIDTH, HEIGHT)
        yield Glint(int(frame), int(rng.integers(1, 3)), (float(x), float(y)), int(rng.integers(count)))


def _paths(rng: np.random.Generator, sizes: NDArray[np.float64], running: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Centres of the objects over time: straight paths, slow or running, that bounce off the edges of the frame."""
    count = len(sizes)
    margin = sizes[:, None] * 0.6
    room = np.array([WIDTH, HEIGHT]) - 2 * margin
    starts: list[NDArray[np.float64]] = []
    for k in range(count):  # of ten random places, the one farthest from the other objects
        places = margin[k] + rng.random((10, 2)) * room[k]
        gaps = [min((np.hypot(*(place - other)) for other in starts), default=0.0) for place in places]
        starts.append(places[int(np.argmax(gaps))])
    angle = rng.uniform(0, 2 * np.pi, count)
    speed = np.where(running, rng.uniform(70, 120, count), rng.uniform(6, 32, count)) / FPS
    way = np.cumsum(speed, axis=0)[..., None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    folded = np.mod(np.array(starts) - margin + way, 2 * room)
    return np.asarray(margin + np.minimum(folded, 2 * room - folded))
