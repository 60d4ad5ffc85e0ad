"""Videos and recordings of one's own, small."""

import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "gaze"))
from recording import Numbers, record

SIZE, FPS, FRAMES = (60, 80), 25, 50
SCREEN = (1080, 1920)
DEGREE = 60.0
"""Pixels of the screen."""


def make_videos(folder: Path, names: Sequence[str], frames: int = FRAMES) -> Path:
    """Videos (.avi) of a light that moves, and images (.png)."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        pictures = []
        for frame in range(frames):
            picture = np.full((*SIZE, 3), 40 + number, np.uint8)
            cv2.circle(picture, (10 + frame, 30), 6, (255, 255, 255), -1)
            pictures.append(picture)
        if name.endswith(".png"):
            cv2.imwrite(str(folder / name), pictures[0])
            continue
        writer = cv2.VideoWriter(str(folder / name), cv2.VideoWriter_fourcc(*"MJPG"), FPS, SIZE[::-1])
        for picture in pictures:
            writer.write(picture)
        writer.release()
    return folder


def recordings(
    stimuli: Sequence[str], observers: int, *, noise: float = 0.05, frames: int = FRAMES
) -> dict[tuple[str, str], tuple[Numbers, Numbers, Numbers]]:
    """Times, places on the screen and true fixations by stimulus and observer, at 250 samples a second, with blinks."""
    rng = np.random.default_rng(0)
    seconds = frames / FPS
    beside = np.array([0, 0, 240, 0])  # the stimulus is as high as the screen: it fills 1440 of its 1920 columns
    made = {}
    for stimulus in stimuli:
        for observer in range(observers):
            times, places, true = record(
                rng, seconds=seconds, size=(SCREEN[0], 1440), degree=DEGREE, noise=noise, blinks=1
            )
            made[stimulus, f"p{observer}"] = times, places + beside[2:], true + beside
    return made


def to_stimulus(true: Numbers) -> Numbers:
    """True fixations in pixels of the stimulus."""
    scale = SCREEN[0] / SIZE[0]
    return (true - np.array([0, 0, 240, 0])) / np.array([1, 1, scale, scale])


def write_samples(
    path: Path, made: dict[tuple[str, str], tuple[Numbers, Numbers, Numbers]], *, fraction: bool = False
) -> Path:
    """A table of samples in pixels of the screen, or in fractions of it from its lower left corner."""
    lines = ["stimulus,observer,time,x,y"]
    for (stimulus, observer), (times, places, _) in made.items():
        for time, (x, y) in zip(times, places, strict=True):
            if fraction:
                x, y = x / SCREEN[1], 1 - y / SCREEN[0]
            place = "," if np.isnan(x) else f"{x:.5f},{y:.5f}"
            lines.append(f"{stimulus},{observer},{time * 1000:.1f},{place}")
    path.write_text("\n".join(lines) + "\n")
    return path
