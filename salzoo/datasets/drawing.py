"""How a scene of the synthetic data set is drawn: its objects, a world that nobody looks at, a camera that shakes."""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from salzoo.datasets.scenes import FPS, FRAMES, HEIGHT, WIDTH, Scene

SHAPES = ("disk", "square", "triangle", "diamond", "ring", "star")
TEXTURES = ("plain", "stripes", "checks", "dots")
NOISE = 9.0
"""Standard deviation of the camera's noise, in grey levels."""

SHAKE = 1.2
"""Standard deviation of the camera's jolt from frame to frame, in pixels."""

_CONTRAST = 45  # of a dull object to the background, in grey levels
_WORLD = (HEIGHT * 3 // 2, WIDTH * 3 // 2)
_PLOTS = (3, 5)  # rows and columns of the places where things stand in the world
_SIGN, _LOOKALIKE = 0.4, 0.25  # chance that a place holds one


def draw_frames(scene: Scene, rng: np.random.Generator) -> Iterator[NDArray[np.uint8]]:
    """Yield the frames of a scene: (HEIGHT, WIDTH, 3) uint8, BGR.

    Textured objects in one dull hue, or their odd, vivid one, move over a world that is there from the start and where
    nothing happens: signs of higher contrast than theirs, and things of their kind that stand still. A drifting,
    shaking, noisy camera sees it all, and glints that are gone after a frame or two.
    """
    hue = float(rng.random())
    odd = (hue + float(rng.uniform(0.35, 0.65))) % 1.0
    base = float(rng.uniform(70, 150))
    # dull objects are lighter or darker than the background, whichever leaves more room
    value = base + _CONTRAST if base < 110 else base - _CONTRAST
    colours = (_bgr(hue, 0.3, value), _bgr(odd, 0.95, 200))
    looks = [_draw_looks(rng, size, colours) for size in scene.sizes]
    spins = rng.uniform(-1.2, 1.2, len(looks)) / FPS
    jolts = _shake(rng)
    for t, frame in enumerate(_draw_world(rng, base, colours, jolts)):
        for k in np.flatnonzero(scene.visible[t]):
            look = looks[k][int(scene.vivid[t, k])]
            blink = scene.flashing[t, k] and t % 6 < 3
            _paste(frame, look, scene.centres[t, k] + jolts[t], float(spins[k]) * t, blink)
        for glint in scene.glints:
            if glint.frame <= t < glint.frame + glint.frames:
                _paste(frame, looks[glint.like][1], np.array(glint.place) + jolts[t], 0.0, blink=False)
        yield _add_noise(rng, frame)


def _draw_looks(
    rng: np.random.Generator, size: float, colours: tuple[NDArray[np.float32], ...]
) -> list[NDArray[np.uint8]]:
    """An object in each of the colours: (size + 4, size + 4, 4) uint8, the last channel its outline."""
    alpha, shade = _pattern(rng, round(size))
    return [np.dstack([shade[..., None] * colour, alpha]).astype(np.uint8) for colour in colours]


def _shake(rng: np.random.Generator) -> NDArray[np.float64]:
    """Where the camera's shake puts what stands still: (FRAMES, 2) pixels, a walk that is drawn back to the middle."""
    jolts = rng.normal(0, SHAKE, (FRAMES, 2))
    for t in range(1, FRAMES):
        jolts[t] += 0.6 * jolts[t - 1]
    return jolts


def _add_noise(rng: np.random.Generator, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A camera's noise, with grains of three pixels, as compression leaves them."""
    grains = rng.standard_normal((HEIGHT // 3, WIDTH // 3 + 1), dtype=np.float32) * NOISE
    noise = cv2.resize(grains, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip(frame + noise[..., None], 0, 255), dtype=np.uint8)


def _draw_world(
    rng: np.random.Generator, base: float, colours: tuple[NDArray[np.float32], ...], jolts: NDArray[np.float64]
) -> Iterator[NDArray[np.uint8]]:
    """Two layers that a drifting, turning, shaking camera passes at different speeds: clouds with all that stands in
    the world, and something like plaster."""
    height, width = _WORLD
    cloudy = sum((_noise(rng, height, width, cell) * cell**0.5 for cell in (24, 9)), _noise(rng, height, width, 60) * 8)
    plaster = np.sign(_noise(rng, height, width, 30)) * 0.7 + _noise(rng, height, width, 4)
    colour = 2.5 * np.dstack([_noise(rng, height, width, 40) for _ in range(3)]) + rng.normal(0, 8, 3)
    far = np.clip(base / 2 + 1.6 * cloudy[..., None] + colour, 0, 255).astype(np.uint8)
    near = np.clip(base / 2 + 7 * plaster, 0, 255).astype(np.uint8)
    _furnish(rng, far, base, colours)
    drift = rng.uniform(-10, 10, (2, 2)) / FPS
    sway = rng.uniform(1, 4, (2, 2))
    pace = rng.uniform(0.3, 0.8, (2, 2)) * 2 * np.pi / FPS
    turn = rng.uniform(-2, 2) / FPS
    for t in range(FRAMES):
        warped = []
        for layer, shift, swing, rate in zip((far, near), drift, sway, pace, strict=True):
            matrix = cv2.getRotationMatrix2D((width / 2, height / 2), float(turn * t), 1.0)
            matrix[:, 2] += shift * t + swing * np.sin(rate * t) - ((width - WIDTH) / 2, (height - HEIGHT) / 2)
            matrix[:, 2] += jolts[t]
            warped.append(cv2.warpAffine(layer, matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT))
        yield np.asarray(cv2.add(warped[0], cv2.cvtColor(warped[1], cv2.COLOR_GRAY2BGR)), dtype=np.uint8)


def _furnish(
    rng: np.random.Generator, world: NDArray[np.uint8], base: float, colours: tuple[NDArray[np.float32], ...]
) -> None:
    """Put up signs and things that look like the objects, which stand still, each on a plot of its own."""
    rows, columns = _PLOTS
    height, width = world.shape[0] / rows, world.shape[1] / columns
    for row, column in np.ndindex(rows, columns):
        kind = rng.random()
        place = (np.array([column, row]) + rng.uniform(0.35, 0.65, 2)) * (width, height)
        if kind < _SIGN:
            sign = _draw_sign(rng, base)
        elif kind < _SIGN + _LOOKALIKE:
            sign = _draw_looks(rng, WIDTH * rng.uniform(0.09, 0.17), colours)[int(rng.random() < 0.4)].copy()
            sign[..., :3] = np.clip(sign[..., :3].astype(int) - round(base / 2), 0, 255)  # the other layer adds to it
        else:
            continue
        _paste(world, sign, place, float(rng.uniform(-0.3, 0.3)), blink=False)


def _draw_sign(rng: np.random.Generator, base: float) -> NDArray[np.uint8]:
    """A board of black and white blocks, like coarse print: (side, side, 4) uint8."""
    cell = int(rng.integers(7, 12))
    rows, columns = rng.integers(2, 5), rng.integers(3, 6)
    blocks = (rng.random((rows, columns)) < 0.5).repeat(cell, 0).repeat(cell, 1)
    side = max(blocks.shape) + 4
    board = np.zeros((side, side, 4), np.uint8)
    top, left = (side - blocks.shape[0]) // 2, (side - blocks.shape[1]) // 2
    part = board[top : top + blocks.shape[0], left : left + blocks.shape[1]]
    part[..., :3] = np.where(blocks, 235 - base / 2, 0)[..., None]
    part[..., 3] = 255
    return board


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
    right, bottom = np.minimum(corner + side, frame.shape[1::-1])
    turned = cv2.warpAffine(look, matrix, (side, side))[
        top - corner[1] : bottom - corner[1], left - corner[0] : right - corner[0]
    ]
    colour, alpha = turned[..., :3], turned[..., 3:].astype(np.uint16)
    if blink:
        colour = 191 + colour // 4
    area = frame[top:bottom, left:right]
    area[...] = (area * (255 - alpha) + colour * alpha) // 255
