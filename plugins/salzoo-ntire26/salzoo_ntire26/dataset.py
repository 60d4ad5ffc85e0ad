"""The folders of the NTIRE 2026 challenge on video saliency (and of AIM 2024), as their page states them.

::

    TrainTestSplit.json                              names of the videos of each subset
    Videos/…/NAME.mp4
    SaliencyTrain/…/NAME.mp4, SaliencyTest/…/NAME.mp4       maps as a video, grey, each frame from its least to its most
    FixationsTrain/…/NAME/fixations.json, FixationsTest/…   for each frame a list of (row, column) on the map

Sources: the README and ``bench.py`` of msu-video-group/NTIRE26_Saliency_Prediction, and the card of the data set.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from salzoo.interfaces import Dataset, SalzooError

SPLIT_FILE, LARGEST = "TrainTestSplit.json", 1 << 26
"""The file of the subsets, and the bytes that a JSON file may have."""


@dataclass(frozen=True)
class ChallengeVideo:
    """One video.

    Attributes:
        id: its name.
        split: "train"; "val" for the public test, "test" for the private one.
        path: the video.
        map_path: the video of its maps; None where they are not here.
        gaze_path: its fixations; None likewise.
    """

    id: str
    split: str
    path: Path
    map_path: Path | None
    gaze_path: Path | None

    @property
    def frames(self) -> int:
        return header(self.path)[0]

    @property
    def rate(self) -> float:
        return header(self.path)[3]

    @property
    def annotated(self) -> bool:
        return self.map_path is not None or self.gaze_path is not None

    @property
    def lacks(self) -> tuple[str, ...]:
        return (*(["density"] * (self.map_path is None)), *(["fixations"] * (self.gaze_path is None)))

    def frame_name(self, index: int) -> str:
        return f"{index + 1:03d}"

    def read_frames(self, start: int = 0, stop: int | None = None) -> Iterator[NDArray[np.uint8]]:
        yield from decode(self.path, "bgr24", start, self.frames if stop is None else stop)

    def read_density(self, index: int) -> NDArray[np.uint8]:
        """The map of a frame, (H, W) uint8."""
        if self.map_path is None:
            raise SalzooError(f"{self.id} has no video of maps")
        return _Maps.of(self.map_path, index)

    def read_fixations(self, index: int) -> NDArray[np.bool_]:
        """Where a frame was fixated, on the grid of its map; several fixations of one pixel are one."""
        if self.gaze_path is None:
            raise SalzooError(f"{self.id} has no fixations")
        _, height, width, _ = header(self.map_path or self.path)
        points = read_fixations(self.gaze_path)
        if not 0 <= index < len(points):
            raise SalzooError(f"{self.gaze_path} has fixations of {len(points)} frames, and none of frame {index}")
        found = np.zeros((height, width), np.bool_)
        rows, columns = points[index].T
        if points[index].size and ((points[index] < 0) | (points[index] >= (height, width))).any():
            raise SalzooError(f"{self.gaze_path}: frame {index} has fixations outside of {height}×{width}")
        found[rows, columns] = True
        return found


def open_ntire26(root: Path | None) -> Dataset:
    """The videos of the challenge; none is opened.

    Raises SalzooError where the file of the subsets is missing or not as it should be, or names no video that is here.
    """
    if root is None:
        raise SalzooError(f"ntire26: name the folder of {SPLIT_FILE} and Videos with --root")
    subsets = _read_json(root / SPLIT_FILE)
    if not isinstance(subsets, dict) or not all(
        isinstance(names, list) and all(isinstance(name, str) for name in names) for names in subsets.values()
    ):
        raise SalzooError(f"{root / SPLIT_FILE} must hold lists of names")
    videos = {path.stem: path for path in sorted(root.glob("Videos/**/*.mp4"))}
    maps = {path.stem: path for path in sorted(root.glob("Saliency*/**/*.mp4"))}
    gaze = {path.parent.name: path for path in sorted(root.glob("Fixations*/**/fixations.json"))}
    found = []
    for subset, names in subsets.items():
        kind = subset.lower()
        split = "train" if "train" in kind else "test" if "private" in kind else "val"
        for name in (Path(each).stem for each in names):
            if name in videos:
                found.append(ChallengeVideo(name, split, videos[name], maps.get(name), gaze.get(name)))
    if not found:
        raise SalzooError(f"{root} has none of the videos that {SPLIT_FILE} names, as Videos/NAME.mp4")
    named = sum(map(len, subsets.values()))
    note = "gaze by mouse, of many together; val is the public test, test the private one"
    return Dataset(
        "ntire26", found, note=note if len(found) == named else f"{note}; {len(found)} of {named} videos are here"
    )


def check_submission(folder: Path, dataset: Dataset, split: str) -> int:
    """Check that a folder holds a video of maps, NAME.mp4, for each video of a split, with as many frames.

    Returns the number of videos. Raises SalzooError naming the first that is missing, of another length, or too many.
    """
    videos = dataset.split(split)
    there = {path.stem: path for path in sorted(folder.iterdir()) if path.suffix.lower() in (".mp4", ".mkv")}
    for video in videos:
        if video.id not in there:
            raise SalzooError(f"{folder} lacks {video.id}.mp4")
        count = header(there.pop(video.id))[0]
        if count != video.frames:
            raise SalzooError(f"{folder}: the maps of {video.id} have {count} frames, its video {video.frames}")
    if there:
        raise SalzooError(f"{folder} also holds {next(iter(there.values())).name}, which is no video of {split}")
    return len(videos)


@lru_cache(maxsize=4096)
def header(path: Path) -> tuple[int, int, int, float]:
    """Frames, height, width and frames per second of a video."""
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            count = stream.frames or sum(1 for packet in container.demux(stream) if packet.size)
            return count, stream.height, stream.width, float(stream.average_rate or 0)
    except (av.error.FFmpegError, OSError, IndexError, ValueError) as error:
        raise SalzooError(f"{path} is missing, or no video") from error


def decode(path: Path, kind: str, start: int = 0, stop: int | None = None) -> Iterator[NDArray[np.uint8]]:
    """Frames start to stop of a video as arrays of a kind ("bgr24", "gray")."""
    try:
        with av.open(str(path)) as container:
            for number, frame in enumerate(container.decode(container.streams.video[0])):
                if stop is not None and number >= stop:
                    return
                if number >= start:
                    yield np.asarray(frame.to_ndarray(format=kind), np.uint8)
    except (av.error.FFmpegError, OSError, IndexError, ValueError) as error:
        raise SalzooError(f"{path} is missing, damaged, or no video") from error


class _Maps:
    """The map of a frame: that behind the last one is the next to be decoded."""

    path: Path | None = None
    frames: Iterator[NDArray[np.uint8]] = iter(())
    number = 0

    @classmethod
    def of(cls, path: Path, index: int) -> NDArray[np.uint8]:
        if cls.path != path or index < cls.number:
            cls.path, cls.frames, cls.number = path, decode(path, "gray"), 0
        for map_ in cls.frames:
            cls.number += 1
            if cls.number > index:
                return map_
        cls.path = None
        raise SalzooError(f"{path} has fewer frames than {index + 1}")


@lru_cache(maxsize=8)
def read_fixations(path: Path) -> list[NDArray[np.int64]]:
    """For each frame (n, 2) row and column."""
    record = _read_json(path)
    try:
        points = [np.array(frame, np.int64).reshape(-1, 2) for frame in record]
    except (ValueError, TypeError, OverflowError) as error:
        raise SalzooError(f"{path} must hold a list of (row, column) for each frame") from error
    return points


def _read_json(path: Path) -> Any:
    try:
        if path.stat().st_size > LARGEST:
            raise SalzooError(f"{path} is larger than {LARGEST:,} bytes")
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SalzooError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise SalzooError(f"{path} is not JSON") from error
