"""Running a model on a video or image file, from the file to what is written."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from salzoo.hub.sources import load_model
from salzoo.interfaces.errors import SalzooError
from salzoo.model import SaliencyModel
from salzoo.prediction.streaming import predict_maps
from salzoo.runtime.devices import choose_device
from salzoo.video.overlay import draw_heat, map_to_grey, resize_map
from salzoo.video.pictures import IMAGE_ENDINGS, image_folder, read_image, write_image
from salzoo.video.reading import TimedFrame, VideoInfo, probe_video, read_timed
from salzoo.video.resizing import resize_frame
from salzoo.video.sound import Sound
from salzoo.video.writing import VIDEO_ENDINGS, Write, video_writer

IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
"""Endings of input files that are still images; any other file is opened as a video."""

FADING = 0.99
"""What is left of the overlay's scale after each frame: half in 69 frames."""

BLANK = 1 / 255
"""The smallest value that the overlay's scale reaches down to: a map that stays below it everywhere looks blank."""

DEFAULT_FPS = 25.0
"""Frames per second of an overlay where the video states no rate, or one that no encoder takes."""

Frame = NDArray[np.uint8]
Map = NDArray[np.float32]
Draw = Callable[[Frame, Map], Frame]


@dataclass(frozen=True)
class Prediction:
    """What a run of ``predict`` did.

    Attributes:
        out: what was written.
        frames: number of frames.
        seconds: time taken, from the first frame read to the last written.
    """

    out: Path
    frames: int
    seconds: float


def predict(
    model: SaliencyModel | str | Path,
    video: str | Path,
    out: str | Path,
    *,
    device: str | torch.device | None = None,
) -> Prediction:
    """Predict where people look in a video or image, and draw or save it.

    What is written depends on the name of ``out``:

    - .mp4 (H.264), .webm (VP9), .gif, .mkv (lossless) or .avi: the video with the maps as heat over it, its frames at
      the times that they had; .mp4 and .webm with its sound. The heat's scale is common to neighbouring frames: full
      heat is the largest value of late (the largest so far, fading by 1 % a frame), so that frames can be compared and
      the picture does not flicker as it would with a scale for each frame.
    - .png or .jpg, for an image: the image with the heat over it, full heat at the largest value.
    - a name without an ending, or an empty folder: a folder of maps 0001.png, 0002.png, …, as in a submission to the
      DHF1K benchmark: 8-bit grey, each map divided by its maximum, and resized (cubic interpolation) from the model's
      input size to the frame's.

    Frames are streamed: memory does not grow with the length of the video. After an error or Ctrl-C nothing of ``out``
    is there; a file that had its name stays as it was until the new one is complete.

    Args:
        model: a model (it is put in eval mode), or what ``load_model`` takes.
        video: a video or image file.
        out: the file or folder to write.
        device: where to run; by default where the model is, or for a name the best device here.

    Raises:
        SalzooError: an input that cannot be read, an output that cannot be written, an unknown model or device.
    """
    video, out = Path(video), Path(out)
    is_image = video.suffix.lower() in IMAGES
    if is_image:
        frames, info = iter([TimedFrame(read_image(video), Fraction(0), Fraction(1))]), None
    else:
        frames, info = read_timed(video), probe_video(video)
    opened, draw = _choose_output(video, out, info)
    if isinstance(device, str):
        device = choose_device(device)
    with opened as write:
        if isinstance(model, SaliencyModel):
            model = model.eval() if device is None else model.eval().to(device)
        else:
            model = load_model(model, device=device or choose_device())
        start, count = perf_counter(), 0
        for frame, map_ in tqdm(_pair(model, frames), total=info and info.frames, unit="frame", disable=None):
            write(draw(frame.image, map_), frame.time, frame.duration)
            count += 1
    return Prediction(out, count, perf_counter() - start)


def _pair(model: SaliencyModel, frames: Iterable[TimedFrame]) -> Iterator[tuple[TimedFrame, Map]]:
    """Each frame with its map."""
    waiting: deque[TimedFrame] = deque()

    def read() -> Iterator[Frame]:
        for frame in frames:
            waiting.append(frame)
            yield frame.image

    for map_ in predict_maps(model, read()):
        yield waiting.popleft(), map_


def _choose_output(video: Path, out: Path, info: VideoInfo | None) -> tuple[AbstractContextManager[Write], Draw]:
    """How to write what ``out`` names, and what is written for a frame and its map. ``info`` is None for an image."""
    ending = out.suffix.lower()
    if out.is_dir() or not ending:
        return _untimed(image_folder(out)), draw_map
    if out.exists() and out.samefile(video):
        raise SalzooError(f"{out} is the input: name another output")
    if ending in VIDEO_ENDINGS and info is not None:
        size = info.height, info.width
        writer = video_writer(
            out,
            size,
            info.fps or DEFAULT_FPS,
            time_base=info.time_base,
            pixel_aspect=info.pixel_aspect,
            sound=Sound(video) if info.has_sound else None,
        )
        return writer, overlay(size)
    if ending in IMAGE_ENDINGS and info is None:
        return _untimed(nullcontext(partial(write_image, out))), overlay()
    kind, endings = ("image", IMAGE_ENDINGS) if info is None else ("video", VIDEO_ENDINGS)
    raise SalzooError(
        f"cannot write {out}: for the {kind} {video.name} name a file that ends in {', '.join(endings)} (overlay) or a "
        "folder (maps)"
    )


@contextmanager
def _untimed(opened: AbstractContextManager[Callable[[Frame], None]]) -> Iterator[Write]:
    """A writer that has no use for times."""
    with opened as write:
        yield lambda image, time=None, duration=None: write(image)


def draw_map(frame: Frame, map_: Map) -> Frame:
    """A map as 8-bit grey at its frame's size, white at its maximum: scores do not depend on a map's scale, and of a
    dark one 256 levels would tell little apart."""
    return _to_grey(frame, map_ / max(float(map_.max()), BLANK * BLANK))


def _to_grey(frame: Frame, map_: Map) -> Frame:
    return map_to_grey(resize_map(map_, frame.shape[:2]))


def overlay(size: tuple[int, int] | None = None) -> Draw:
    """A function that draws one map after the other over its frame, on a scale that they share.

    Args:
        size: (height, width) to bring the results to, if they must have one.
    """
    scale = BLANK

    def draw(frame: Frame, map_: Map) -> Frame:
        nonlocal scale
        scale = max(float(map_.max()), FADING * scale, BLANK)
        drawn = draw_heat(frame, _to_grey(frame, map_ / scale))
        return resize_frame(drawn, size or drawn.shape[:2])

    return draw
