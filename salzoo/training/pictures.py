"""Pictures that show whether a model follows: frames, where people looked, and prediction over time, with scores."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from salzoo.charts.pixels import write_text
from salzoo.evaluation.protocols import resize_as_benchmark
from salzoo.evaluation.results import heading, number
from salzoo.gaze.truth import has_density, has_fixations, read_density, read_fixations
from salzoo.interfaces import Video
from salzoo.metrics import cc, nss
from salzoo.model import SaliencyModel
from salzoo.prediction.inputs import Input
from salzoo.prediction.maps import as_engine, frames_to_maps
from salzoo.video.overlay import map_to_grey, resize_map
from salzoo.video.pictures import write_image
from salzoo.video.resizing import resize_frame

AREA = 90 * 160
"""Pixels of one picture in a strip; its height and width are as the frame's."""

COLUMNS, STEP = 8, 8
"""Moments of a strip, and frames between them."""

ROWS = ("frame", "people", "model")
LEFT, LINE, GAP = 64, 20, 2
"""Pixels left of a strip for what its rows are called; of a line of text; between pictures."""

BACK, TEXT = (30, 30, 30), (225, 225, 225)

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Moment:
    """A frame of a video, where people looked, and what a model says, as pictures (h, w, 3) uint8 BGR of one size.

    Attributes:
        label: what the data set calls the frame.
        frame, people, model: the frame; density and map as heat, each scaled to its maximum. Where there is no density,
            the fixations are dots.
        scores: CC and NSS of the map, as the protocol "dhf1k" has them; without those that the data set does not allow.
    """

    label: str
    frame: Picture
    people: Picture
    model: Picture
    scores: dict[str, float]

    def score_texts(self) -> list[str]:
        """The scores, each as "CC 0.61"."""
        return [
            f"{heading(name)} {'undefined' if math.isnan(value) else number(value, 2)}"
            for name, value in self.scores.items()
        ]


def save_strips(model: SaliencyModel, videos: Sequence[Video], folder: Path) -> None:
    """Write ``<video id>.png`` for each video into a folder that exists; see ``draw_strip``."""
    for video in videos:
        shown = range(STEP // 2, video.frames, STEP)[:COLUMNS] or range(video.frames)
        write_image(folder / f"{video.id}.png", draw_strip(list(watch(model, video, shown))))


def watch(model: SaliencyModel, video: Video, shown: Sequence[int], area: int = AREA) -> Iterator[Moment]:
    """Run a model over a video and keep some of its moments.

    Args:
        model: in evaluation mode.
        video: annotated.
        shown: which frames, rising; the model sees all up to the last.
        area: pixels of each picture.
    """
    stream = Input.of_video(video).open()
    for index, frame, map_ in frames_to_maps(as_engine(model), stream, wanted=shown):
        picture = resize_frame(frame.image, _size(frame.image.shape, area))
        people, scores = _truth(video, index, map_, picture.shape[:2])
        yield Moment(video.frame_name(index), picture, people, _heat(map_, picture.shape[:2]), scores)


def draw_strip(moments: Sequence[Moment]) -> Picture:
    """Moments of a video side by side: frame, people and model below each other, above them the frame's name, below
    them the scores. A single one, as of a still image, lies on its side.

    Returns:
        One picture, (H, W, 3) uint8, BGR.
    """
    if len(moments) == 1:
        moment = moments[0]
        tiles = [[moment.frame, moment.people, moment.model]]
        return _draw_grid(tiles, [""], ROWS, [[], [], moment.score_texts()])
    tiles = [[moment.frame for moment in moments], [m.people for m in moments], [m.model for m in moments]]
    labels = [f"frame {moment.label}" for moment in moments]
    return _draw_grid(tiles, ROWS, labels, [moment.score_texts() for moment in moments])


def _draw_grid(
    tiles: Sequence[Sequence[Picture]], rows: Sequence[str], columns: Sequence[str], captions: Sequence[Sequence[str]]
) -> Picture:
    """Rows of pictures of one size, with names of rows and columns, and lines of text below each column."""
    height, width = tiles[0][0].shape[:2]
    left = LEFT if any(rows) else GAP
    bottom = LINE + len(tiles) * (height + GAP)
    shape = bottom + LINE * max(map(len, captions)) + GAP, left + len(columns) * (width + GAP), 3
    canvas = np.full(shape, BACK, np.uint8)
    for row, name in enumerate(rows):
        top = LINE + row * (height + GAP)
        write_text(canvas, name, (6, top + height // 2), TEXT)
        for column, tile in enumerate(tiles[row]):
            at = left + column * (width + GAP)
            canvas[top : top + height, at : at + width] = tile
    for column, name in enumerate(columns):
        at = left + column * (width + GAP) + 2
        write_text(canvas, name[: width // 9], (at, LINE - 6), TEXT)
        for line, text in enumerate(captions[column], start=1):
            write_text(canvas, text[: width // 9], (at, bottom + LINE * line - 6), TEXT)
    return canvas


def _truth(
    video: Video, index: int, map_: NDArray[np.float32], size: tuple[int, ...]
) -> tuple[Picture, dict[str, float]]:
    """Where people looked, as a picture, and the scores of a map."""
    scores = {}
    people = np.zeros((*size, 3), np.uint8)
    if has_fixations(video):
        fixations = read_fixations(video, index)
        scores["nss"] = float(nss(resize_as_benchmark(map_, fixations.shape), fixations))
        if not has_density(video):
            rows, columns = np.nonzero(fixations)
            for y, x in zip(rows * size[0] // fixations.shape[0], columns * size[1] // fixations.shape[1], strict=True):
                cv2.circle(people, (int(x), int(y)), 2, (255, 255, 255), -1, cv2.LINE_AA)
    if has_density(video):
        density = read_density(video, index)
        scores = {"cc": float(cc(resize_as_benchmark(map_, density.shape), density)), **scores}
        people = _heat(density, size)
    return people, scores


def _size(shape: tuple[int, ...], area: int) -> tuple[int, int]:
    """Height and width of so many pixels in the proportion of a frame, both even; no side is over four times the
    other."""
    ratio = min(max(shape[1] / shape[0], 0.25), 4.0)
    height = math.sqrt(area / ratio)
    return 2 * round(height / 2), 2 * round(height * ratio / 2)


def _heat(map_: NDArray[np.float32] | NDArray[np.uint8], size: tuple[int, ...]) -> Picture:
    scaled = map_.astype(np.float32) / max(float(map_.max()), 1e-12)
    return np.asarray(
        cv2.applyColorMap(map_to_grey(resize_map(scaled, (size[0], size[1]))), cv2.COLORMAP_INFERNO), np.uint8
    )
