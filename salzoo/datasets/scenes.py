"""Scenes of the synthetic data set: what moves, appears, flashes and changes colour, and how it is drawn."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 320, 180
FPS = 30
FRAMES = 60

Kind = Literal["onset", "colour", "motion", "flash"]
KINDS: tuple[Kind, ...] = ("onset", "colour", "motion", "flash")
SHAPES = ("disk", "square", "triangle", "diamond", "ring", "star")
TEXTURES = ("plain", "stripes", "checks", "dots")
FLASH_FRAMES = 14
RUN_FRAMES = 24


@dataclass(frozen=True)
class Event:
    """Something that draws attention: from ``frame`` on, object ``target`` appears, changes or moves."""

    frame: int
    target: int
    kind: Kind


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
    """

    centres: NDArray[np.float64]
    sizes: NDArray[np.float64]
    visible: NDArray[np.bool_]
    vivid: NDArray[np.bool_]
    running: NDArray[np.bool_]
    flashing: NDArray[np.bool_]
    events: tuple[Event, ...]


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
    return Scene(_paths(rng, sizes, running), sizes, visible, vivid, running, flashing, tuple(events))


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


def draw_frames(scene: Scene, rng: np.random.Generator) -> Iterator[NDArray[np.uint8]]:
    """Yield the frames of a scene: (HEIGHT, WIDTH, 3) uint8, BGR.

    Textured objects in one dull hue, or their vivid one, over a grey, moving background of lower contrast.
    """
    hue = float(rng.random())
    odd = (hue + float(rng.uniform(0.35, 0.65))) % 1.0
    base = float(rng.uniform(70, 150))
    background = _background(rng, base)
    # dull objects are lighter or darker than the background, whichever leaves more room
    value = base + 75 if base < 110 else base - 65
    dull, vivid = _bgr(hue, 0.3, value), _bgr(odd, 0.95, 235)
    looks = []
    for size in scene.sizes:
        alpha, shade = _pattern(rng, round(size))
        looks.append([np.dstack([shade[..., None] * colour, alpha]).astype(np.uint8) for colour in (dull, vivid)])
    spins = rng.uniform(-1.2, 1.2, len(looks)) / FPS
    for t, frame in enumerate(background):
        for k in np.flatnonzero(scene.visible[t]):
            look = looks[k][int(scene.vivid[t, k])]
            blink = scene.flashing[t, k] and t % 6 < 3
            _paste(frame, look, scene.centres[t, k], float(spins[k]) * t, blink)
        yield frame


def _background(rng: np.random.Generator, base: float) -> Iterator[NDArray[np.uint8]]:
    """Two layers of noise that a drifting, turning camera passes at different speeds, one like plaster, one cloudy."""
    height, width = HEIGHT * 3 // 2, WIDTH * 3 // 2
    cloudy = sum((_noise(rng, height, width, cell) * cell**0.5 for cell in (24, 9)), _noise(rng, height, width, 60) * 8)
    plaster = np.sign(_noise(rng, height, width, 30)) * 0.7 + _noise(rng, height, width, 4)
    colour = 2.5 * np.dstack([_noise(rng, height, width, 40) for _ in range(3)]) + rng.normal(0, 8, 3)
    layers = [
        np.clip(layer, 0, 255).astype(np.uint8)
        for layer in (base / 2 + 1.6 * cloudy[..., None] + colour, base / 2 + 7 * plaster)
    ]
    drift = rng.uniform(-25, 25, (2, 2)) / FPS
    sway = rng.uniform(1, 5, (2, 2))
    pace = rng.uniform(0.3, 0.8, (2, 2)) * 2 * np.pi / FPS
    turn = rng.uniform(-2.5, 2.5) / FPS
    for t in range(FRAMES):
        warped = []
        for layer, shift, swing, rate in zip(layers, drift, sway, pace, strict=True):
            matrix = cv2.getRotationMatrix2D((width / 2, height / 2), float(turn * t), 1.0)
            matrix[:, 2] += shift * t + swing * np.sin(rate * t) - ((width - WIDTH) / 2, (height - HEIGHT) / 2)
            warped.append(cv2.warpAffine(layer, matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT))
        yield np.asarray(cv2.add(warped[0], cv2.cvtColor(warped[1], cv2.COLOR_GRAY2BGR)), dtype=np.uint8)


def _noise(rng: np.random.Generator, height: int, width: int, cell: int) -> NDArray[np.float32]:
    """Smooth noise of unit variance at its knots, which lie ``cell`` pixels apart: (height, width) float32."""
    knots = rng.standard_normal((height // cell + 2, width // cell + 2), dtype=np.float32)
    return np.asarray(cv2.resize(knots, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.float32)


def _pattern(rng: np.random.Generator, size: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Outline (alpha, 0..255) and texture (shade, 0..1) of an object: both (size + 4, size + 4) float32."""
    side = size + 4
    y, x = (np.mgrid[:side, :side] - (side - 1) / 2) / (size / 2)
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    shape = SHAPES[int(rng.integers(len(SHAPES)))]
    inside = {
        "disk": 1 - radius,
        "square": 0.85 - np.maximum(np.abs(x), np.abs(y)),
        "triangle": np.minimum(0.7 - y, 0.9 + y - 2 * np.abs(x)) / 1.5,
        "diamond": 1 - np.abs(x) - np.abs(y),
        "ring": 0.33 - np.abs(radius - 0.66),
        "star": 0.75 + 0.22 * np.cos(5 * angle) - radius,
    }[shape]
    alpha = np.clip(0.5 + inside * size / 2, 0, 1) * 255  # one pixel of transition
    cells = float(rng.uniform(2.5, 5)) * np.pi
    wave = {
        "plain": np.ones_like(x),
        "stripes": np.sin(cells * x),
        "checks": np.sign(np.sin(cells * x) * np.sin(cells * y)),
        "dots": np.sign(np.cos(cells * x) + np.cos(cells * y) - 0.6),
    }[TEXTURES[int(rng.integers(len(TEXTURES)))]]
    return alpha.astype(np.float32), (0.82 + 0.18 * wave).astype(np.float32)


def _bgr(hue: float, saturation: float, value: float) -> NDArray[np.float32]:
    hsv = np.array([[[hue * 360, saturation, value / 255]]], np.float32)
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)[0, 0] * 255, dtype=np.float32)


def _paste(
    frame: NDArray[np.uint8], look: NDArray[np.uint8], centre: NDArray[np.float64], angle: float, blink: bool
) -> None:
    """Blend an object, turned by ``angle`` radians, into a frame at a sub-pixel position."""
    side = len(look)
    corner = np.floor(centre - side / 2).astype(int)
    half = (side - 1) / 2
    matrix = cv2.getRotationMatrix2D((half, half), float(np.degrees(angle)), 1.0)
    matrix[:, 2] += centre - corner - side / 2
    left, top = np.maximum(corner, 0)
    right, bottom = np.minimum(corner + side, (WIDTH, HEIGHT))
    turned = cv2.warpAffine(look, matrix, (side, side))[
        top - corner[1] : bottom - corner[1], left - corner[0] : right - corner[0]
    ]
    colour, alpha = turned[..., :3], turned[..., 3:].astype(np.uint16)
    if blink:
        colour = 191 + colour // 4
    area = frame[top:bottom, left:right]
    area[...] = (area * (255 - alpha) + colour * alpha) // 255
