"""Augmentation that keeps frames, density and fixations aligned, and is the same for all frames of a video."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

GREY = 115.0
"""What contrast turns about: the mean grey of ImageNet's photographs. It does not depend on what is shown, so that a
frame looks the same in whatever clip it comes."""

Arrays = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.bool_] | None]


@dataclass(frozen=True)
class Augmentation:
    """What may be done to a video.

    Attributes:
        flip: probability of the mirror image.
        zoom: largest factor, from 1: a random part of that share is enlarged.
        jitter: strength in [0, 1] of random brightness, contrast and saturation.
    """

    flip: float = 0.0
    zoom: float = 1.0
    jitter: float = 0.0

    def draw(self, rng: np.random.Generator) -> "Transform":
        """Draw what is done to one video."""
        flip = bool(rng.random() < self.flip)
        zoom, x, y = 1 + (self.zoom - 1) * rng.random(), rng.random(), rng.random()
        brightness, contrast, saturation = 1 + self.jitter * rng.uniform(-1, 1, 3)
        return Transform(flip, float(zoom), float(x), float(y), float(brightness), float(contrast), float(saturation))


@dataclass(frozen=True)
class Transform:
    """What is done to one video.

    Attributes:
        flip: mirror left and right.
        zoom: enlarge a part of 1/zoom of each side.
        x, y: where that part lies, from 0 (left, top) to 1 (right, bottom).
        brightness, contrast, saturation: factors; 1 leaves a frame as it is. Contrast turns about ``GREY``.
    """

    flip: bool = False
    zoom: float = 1.0
    x: float = 0.0
    y: float = 0.0
    brightness: float = 1.0
    contrast: float = 1.0
    saturation: float = 1.0

    def apply(
        self, frames: NDArray[np.uint8], density: NDArray[np.uint8], fixations: NDArray[np.bool_] | None = None
    ) -> Arrays:
        """Transform a clip; sizes stay.

        Args:
            frames: (T, H, W, 3) uint8, BGR.
            density: (T, H, W) uint8.
            fixations: (T, H, W) bool; each fixation within the part that is kept moves as a point.

        Returns:
            The three, new arrays where something changed.
        """
        height, width = frames.shape[1:3]
        part_height, part_width = (max(1, round(side / self.zoom)) for side in (height, width))
        if (part_height, part_width) != (height, width):
            top, left = round(self.y * (height - part_height)), round(self.x * (width - part_width))
            part = (slice(None), slice(top, top + part_height), slice(left, left + part_width))
            frames, density = (_enlarge(each[part], height, width) for each in (frames, density))
            if fixations is not None:
                fixations = _spread(fixations[part], height, width)
        if self.flip:
            frames, density = np.ascontiguousarray(frames[:, :, ::-1]), np.ascontiguousarray(density[:, :, ::-1])
            fixations = None if fixations is None else np.ascontiguousarray(fixations[:, :, ::-1])
        return self._recolour(frames), density, fixations

    def _recolour(self, frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if self.brightness == self.contrast == self.saturation == 1:
            return frames
        values = frames.astype(np.float32) * self.brightness
        values = GREY + self.contrast * (values - GREY)
        grey = values @ np.array([0.114, 0.587, 0.299], np.float32)
        values = grey[..., None] + self.saturation * (values - grey[..., None])
        return np.asarray(np.clip(np.rint(values), 0, 255), dtype=np.uint8)


def _enlarge(images: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    resized = [cv2.resize(np.ascontiguousarray(image), (width, height)) for image in images]
    return np.stack(resized).astype(np.uint8, copy=False)


def _spread(fixations: NDArray[np.bool_], height: int, width: int) -> NDArray[np.bool_]:
    """Move points to the centres that their pixels have after enlarging: none is lost, none is added."""
    frames, rows, columns = np.nonzero(fixations)
    spread = np.zeros((len(fixations), height, width), bool)
    y = ((rows + 0.5) * height / fixations.shape[1]).astype(int)
    x = ((columns + 0.5) * width / fixations.shape[2]).astype(int)
    spread[frames, y, x] = True
    return spread
