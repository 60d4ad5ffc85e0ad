"""Simulated observers of the synthetic data set: where each of them looks, frame by frame.

The figures are those of the eye-movement literature in round numbers: saccades start 150–250 ms after the decision and
last 20–50 ms, fixations last 250–600 ms, the first one is at the centre of the screen.
"""

import numpy as np
from numpy.typing import NDArray

from salzoo.datasets.scenes import FPS, FRAMES, HEIGHT, WIDTH, Scene

OBSERVERS = 17

_BASE, _VIVID, _RUNNING = 0.2, 0.8, 2.0
_TRANSIENT, _DECAY = 6.0, 0.6  # weight of an event, and its time constant in seconds
_INHIBITION, _RECOVERY = 0.75, 1.0  # share of priority lost by the object just left, and its time constant in seconds
_CAPTURE = 0.8  # chance that an event cuts a fixation short
_OUTLIER = 0.05
_LAG = 3  # frames by which a pursuing eye is behind


def watch_scene(scene: Scene, rng: np.random.Generator) -> NDArray[np.int16]:
    """Gaze of all observers on a scene.

    Each observer chooses the next object with a chance proportional to its priority at that moment: a little for any
    object, more in the odd colour or running, most after an event that befell it, decaying in about a second, less
    for the object just left. The eye arrives a latency later and follows the object, a little behind, until the next
    saccade. What stands in the world from the start, and glints, draw nobody; the camera's shake is not followed.

    Returns:
        (FRAMES, OBSERVERS, 2) int16: x and y of the fixated pixel, or −1, −1 while the eye is in flight.
    """
    priority = priorities(scene)
    captures = np.array([event.frame / FPS for event in scene.events])
    gaze = np.full((FRAMES, OBSERVERS, 2), -1, np.int16)
    for observer in range(OBSERVERS):
        gaze[:, observer] = _one_observer(scene, priority, captures, rng)
    return gaze


def priorities(scene: Scene) -> NDArray[np.float64]:
    """Attention that each object draws at each frame, apart from what an observer did before: (FRAMES, K)."""
    drawn = _BASE + _VIVID * scene.vivid + _RUNNING * scene.running
    time = np.arange(FRAMES)
    for event in scene.events:
        since = (time[event.frame :] - event.frame) / FPS
        drawn[event.frame :, event.target] += _TRANSIENT * np.exp(-since / _DECAY)
    return np.asarray(drawn * scene.visible)


def _one_observer(
    scene: Scene, priority: NDArray[np.float64], captures: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.int16]:
    gaze = np.full((FRAMES, 2), -1, np.int16)
    end = FRAMES / FPS
    left_at = np.full(priority.shape[1], -np.inf)
    target: int | None = None
    spot = np.array([WIDTH, HEIGHT]) / 2 + rng.normal(0, 0.05 * WIDTH, 2)
    landed, seen, decision = 0.0, 0.0, float(rng.uniform(0.0, 0.1))
    while landed < end:
        # an event since the last decision may bring the next one forward, but not before the eye rests
        for capture in captures[(captures > seen) & (captures < decision)]:
            if rng.random() < _CAPTURE:
                decision = max(float(capture), landed)
                break
        seen = decision
        chosen = _choose(priority, decision, left_at, rng)
        if chosen is not None and chosen == target and decision < end:
            decision += float(rng.uniform(0.25, 0.6))
            continue
        launch = decision + float(rng.uniform(0.15, 0.25))
        frames = np.arange(int(np.ceil(landed * FPS)), min(int(np.ceil(launch * FPS)), FRAMES))
        if len(frames):
            gaze[frames] = _look_at(scene, target, spot, frames, rng)
        if target is not None:
            left_at[target] = launch
        target = chosen
        spot = rng.random(2) * (WIDTH, HEIGHT) if target is None else rng.normal(0, 0.018 * WIDTH, 2)
        landed = launch + float(rng.uniform(0.02, 0.05))
        # dwell of 250 to 600 ms, of which the latency of the next saccade is a part
        decision = landed + float(rng.uniform(0.1, 0.35))
    return gaze


def _choose(
    priority: NDArray[np.float64],
    time: float,
    left_at: NDArray[np.float64],
    rng: np.random.Generator,
) -> int | None:
    """Object to look at next; None is a random place."""
    if rng.random() < _OUTLIER:
        return None
    weights = priority[min(int(time * FPS), FRAMES - 1)] * (1 - _INHIBITION * np.exp(-(time - left_at) / _RECOVERY))
    return int(np.searchsorted(np.cumsum(weights), rng.random() * weights.sum()))


def _look_at(
    scene: Scene, target: int | None, spot: NDArray[np.float64], frames: NDArray[np.intp], rng: np.random.Generator
) -> NDArray[np.float64]:
    """The fixated pixels of a fixation of so many frames: on a place, or pursuing an object with an offset."""
    points = spot + _wander(rng, len(frames))
    if target is not None:
        points = points + scene.centres[np.maximum(frames - _LAG, 0), target]
    return np.clip(np.rint(points), 0, (WIDTH - 1, HEIGHT - 1))


def _wander(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Drift of a fixation and noise of pursuit: (count, 2) pixels, a walk that is drawn back to its start."""
    walk = rng.normal(0, 0.005 * WIDTH, (count, 2))
    for frame in range(1, count):
        walk[frame] += 0.85 * walk[frame - 1]
    return walk
