"""A small data set in DHF1K's layout, with maps saved for it, made by the tests."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

SIZE = (36, 64)
FRAMES = 8
TRAIN, VAL = (1, 2), (601, 602, 603)


class Gaze:
    """A data set root and a folder of saved maps."""

    def __init__(self, folder: Path) -> None:
        self.root, self.maps = folder / "data", folder / "maps"
        rng = np.random.default_rng(5)
        for number in (*TRAIN, *VAL):
            for frame in range(1, FRAMES + 1):
                fixations = np.zeros(SIZE, np.uint8)
                fixations.flat[rng.choice(fixations.size, 6, replace=False)] = 255
                folder = self.root / "annotation" / f"{number:04d}"
                self.write(folder / "fixation" / f"{frame:04d}.png", fixations)
                self.write(folder / "maps" / f"{frame:04d}.png", self.smooth(fixations))
                if number in VAL:
                    noise = rng.integers(0, 255, SIZE).astype(np.uint8)
                    map_ = self.smooth(np.maximum(fixations, noise))
                    self.write(self.maps / f"{number:04d}" / f"{frame:04d}.png", map_)

    @staticmethod
    def smooth(map_: np.ndarray) -> np.ndarray:
        blurred = cv2.GaussianBlur(map_.astype(np.float64), (0, 0), 3)
        return np.rint(255 * (blurred - blurred.min()) / np.ptp(blurred)).astype(np.uint8)

    @staticmethod
    def write(path: Path, map_: np.ndarray) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(cv2.imencode(path.suffix, map_)[1].tobytes())

    def map_file(self, frame: str) -> Path:
        return self.maps / f"{frame}.png"

    def fixation_file(self, frame: str) -> Path:
        video, name = frame.split("/")
        return self.root / "annotation" / video / "fixation" / f"{name}.png"

    def all_maps(self) -> Iterator[Path]:
        return iter(sorted(self.maps.rglob("*.png")))


@pytest.fixture
def gaze(tmp_path: Path) -> Gaze:
    return Gaze(tmp_path)
