"""Pictures that show whether a model follows: frames, truth and prediction over time."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from salzoo.gaze.truth import read_density
from salzoo.interfaces import Video
from salzoo.model import SaliencyModel
from salzoo.prediction.streaming import predict_maps
from salzoo.video.overlay import map_to_grey, resize_map
from salzoo.video.pictures import write_image
from salzoo.video.resizing import resize_frame

TILE = (90, 160)
"""Height and width of one picture in a strip."""


def save_strips(model: SaliencyModel, videos: Sequence[Video], folder: Path) -> None:
    """Write ``<video id>.png`` for each video into a folder that exists; see ``draw_strip``."""
    for video in videos:
        write_image(folder / f"{video.id}.png", draw_strip(model, video))


def draw_strip(model: SaliencyModel, video: Video, *, columns: int = 8, step: int = 8) -> NDArray[np.uint8]:
    """Frames (top), density and predicted maps (bottom; each scaled to its maximum) side by side in time.

    Args:
        model: in evaluation mode.
        video: annotated.
        columns: moments shown; fewer for a short video.
        step: frames between them.

    Returns:
        One picture, (H, W, 3) uint8, BGR.
    """
    shown = range(step // 2, video.frames, step)[:columns] or range(video.frames)
    stop = shown[-1] + 1
    frames = list(video.read_frames(0, stop))
    maps = list(predict_maps(model, frames))
    tiles = [np.vstack([_tile(frames[i]), _tile(_heat(read_density(video, i))), _tile(_heat(maps[i]))]) for i in shown]
    return np.hstack(tiles)


def _tile(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.pad(resize_frame(image, TILE), ((1, 1), (1, 1), (0, 0)))


def _heat(map_: NDArray[np.float32] | NDArray[np.uint8]) -> NDArray[np.uint8]:
    scaled = map_.astype(np.float32) / max(float(map_.max()), 1e-12)
    return np.asarray(cv2.applyColorMap(map_to_grey(resize_map(scaled, TILE)), cv2.COLORMAP_INFERNO), dtype=np.uint8)
