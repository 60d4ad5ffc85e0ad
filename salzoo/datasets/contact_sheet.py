"""Gaze on ten frames of a data set in one picture: the quickest way to see a wrong origin, size or start."""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from salzoo.gaze.truth import has_fixations, has_gaze, read_fixations
from salzoo.interfaces.dataset import GazeVideo, Video
from salzoo.interfaces.errors import SalzooError
from salzoo.video.pictures import write_image

FRAMES = 10
COLUMNS = 2

_WIDTH, _CAPTION, _EDGE = 480, 26, 8
_GOLDEN = 0.61803


def draw_gaze(videos: Sequence[Video], path: Path) -> int:
    """Write a picture of up to ten frames, from videos spread over the set, with where people looked.

    Args:
        videos: of the data set.
        path: an image file.

    Returns:
        How many frames it shows.

    Raises:
        SalzooError: no frame has gaze or fixations, or a file cannot be read or written.
    """
    shown = [video for video in videos if video.annotated and (has_gaze(video) or has_fixations(video))]
    places = np.unique(np.linspace(0, max(len(shown) - 1, 0), FRAMES).round().astype(int))
    chosen = [shown[at] for at in places if shown]
    each = -(-FRAMES // max(len(chosen), 1))
    tiles = [tile for video in chosen for tile in _tiles(video, each)][:FRAMES]
    if not tiles:
        raise SalzooError("no frame has gaze or fixations that could be drawn")
    write_image(path, _sheet(tiles))
    return len(tiles)


def _tiles(video: Video, wanted: int) -> list[NDArray[np.uint8]]:
    """Frames of a video with gaze, spread over it."""
    count = video.frames
    places = [0] if count == 1 else sorted(range(8 * wanted), key=lambda n: (n + 1) * _GOLDEN % 1)
    found: dict[int, NDArray[np.uint8]] = {}
    for place in places:
        index = int((place + 0.5) / len(places) * count)
        points = _points(video, index) if index not in found else []
        if any(len(each) for each in points):
            frame = next(video.read_frames(index, index + 1))
            found[index] = _draw(frame, points, f"{video.id}  {video.frame_name(index)}" if count > 1 else video.id)
        if len(found) == wanted:
            break
    return [found[index] for index in sorted(found)]


def _points(video: Video, index: int) -> Sequence[NDArray[np.floating]]:
    """x and y by observer; of a set without observers, all together."""
    if has_gaze(video):
        return cast(GazeVideo, video).read_gaze(index)
    return [np.argwhere(read_fixations(video, index))[:, ::-1] + 0.5]


def _draw(frame: NDArray[np.uint8], points: Sequence[NDArray[np.floating]], caption: str) -> NDArray[np.uint8]:
    """A frame of the sheet's width with a dot a fixation, of a colour an observer, and its name below."""
    scale = _WIDTH / frame.shape[1]
    height = max(round(frame.shape[0] * scale), 1)
    tile = np.full((height + _CAPTION, _WIDTH, 3), 255, np.uint8)
    tile[:height] = cv2.resize(frame, (_WIDTH, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    for number, each in enumerate(points):
        hue = np.array([[[round(179 * (number * _GOLDEN % 1)), 210, 255]]], np.uint8)
        colour = tuple(cv2.cvtColor(hue, cv2.COLOR_HSV2BGR)[0, 0].tolist())
        for x, y in each:
            at = round(float(x) * scale), round(float(y) * scale)
            cv2.circle(tile[:height], at, 7, (0, 0, 0), -1, cv2.LINE_AA)
            cv2.circle(tile[:height], at, 5, colour, -1, cv2.LINE_AA)
    text = "".join(letter if letter.isascii() else "?" for letter in caption)[:52]
    cv2.putText(tile, text, (4, height + 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
    return tile


def _sheet(tiles: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Tiles in rows, as high as the highest of a row, with white between them."""
    rows = []
    for first in range(0, len(tiles), COLUMNS):
        row = tiles[first : first + COLUMNS]
        sheet = np.full((max(map(len, row)) + _EDGE, COLUMNS * (_WIDTH + _EDGE), 3), 255, np.uint8)
        for number, tile in enumerate(row):
            left = number * (_WIDTH + _EDGE)
            sheet[: len(tile), left : left + _WIDTH] = tile
        rows.append(sheet)
    return np.concatenate(rows)
