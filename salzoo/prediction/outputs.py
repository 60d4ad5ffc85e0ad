"""What is written for a video's frames and maps: which kind of file, which view, on which scale."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from salzoo.interfaces.errors import SalzooError
from salzoo.metrics import log_density
from salzoo.prediction.inputs import FrameStream
from salzoo.prediction.measures import MEASURE_ENDINGS, measures_writer
from salzoo.video.arrays import ARRAY_ENDINGS, array_writer
from salzoo.video.cropping import CropWindow, crop_size, parse_aspect
from salzoo.video.encoding import KINDS
from salzoo.video.overlay import OPACITY, map_to_grey, resize_map
from salzoo.video.pictures import IMAGE_ENDINGS, image_folder, write_image
from salzoo.video.planes import draw_heat_in_planes
from salzoo.video.reading import UNKNOWN_RATE, TimedFrame, VideoInfo
from salzoo.video.resizing import resize_frame
from salzoo.video.sound import Sound
from salzoo.video.views import make_view
from salzoo.video.writing import VIDEO_ENDINGS, Stated, video_writer

SCALES = ("none", "frame", "video")
"""What is white, or full heat: 1; the largest value of the frame; the largest so far in the video, fading."""

VALUES = ("map", "log-density", "log2-density")
"""What arrays hold: the map; or the natural logarithm, or that to base 2, of the map as a density."""

FADING = 0.99
"""What is left of a video's scale after each frame: half in 69 frames."""

BLANK = 255.0**-2
"""The smallest value that a scale reaches down to: a map that stays below it everywhere is black."""

_ONLY_MEASURED = f"seconds are measured, not drawn: name a file that ends in {' or '.join(MEASURE_ENDINGS)}"

Map = NDArray[np.float32]
WriteMap = Callable[[TimedFrame, Map], None]
"""Takes the next frame with its map, (H, W) float32 in [0, 1] of any size."""


@dataclass(frozen=True)
class OutputOptions:
    """How maps are shown and written.

    Attributes:
        view: one of ``VIEWS``, or "crop", the part of the frame that keeps most attention; None is "map" for folders
            and .mkv, else "heat".
        aspect: width over height of that part.
        colormap: one of ``COLORMAPS``; None is inferno, and grey for maps.
        opacity: how much of the frame the hottest colour hides.
        scale: one of ``SCALES``. Most losses and scores do not ask how large a map's values are, so that those of two
            frames mean little beside each other: "frame" shows where each draws the eye. A map of small values, as that
            of a network that ends in a softmax, is readable in it and in "video".
        bits: of a grey map in .png and .mkv, 8 or 16.
        values: of .npy and .npz, one of ``VALUES``; a log density sums to one over the frame's pixels.
        per: of .csv and .json, measures of each "frame", or means over each "second".
        overwrite: replace a file that has the output's name; without it, what is there is never touched.
    """

    view: str | None = None
    aspect: str = "9:16"
    colormap: str | None = None
    opacity: float = OPACITY
    scale: str = "frame"
    bits: int = 8
    values: str = "map"
    per: str = "frame"
    overwrite: bool = False


PLAIN = OutputOptions()


def _check_ending(ending: str, options: OutputOptions) -> None:
    """Raise SalzooError where means over seconds are asked for as something else than measures, logarithms as
    something else than an array, or a look of what is not drawn."""
    drawn = replace(options, values="map", per="frame", overwrite=False)
    if ending in (*ARRAY_ENDINGS, *MEASURE_ENDINGS) and drawn not in (PLAIN, replace(PLAIN, view="map")):
        raise SalzooError(
            f"{ending} holds numbers, for which no view, aspect, colormap, opacity, scale or bits are chosen: leave "
            "these out, or write a picture or video"
        )
    if options.per != "frame" and ending not in MEASURE_ENDINGS:
        raise SalzooError(_ONLY_MEASURED)
    if options.values != "map" and ending not in ARRAY_ENDINGS:
        raise SalzooError(f"{options.values} is for values: a file that ends in {' or '.join(ARRAY_ENDINGS)}")


def check_options(kind: str, options: OutputOptions) -> None:
    """Raise SalzooError where options do not fit a kind of output: an ending without its point, png for a folder."""
    _check_ending(f".{kind}", options)
    if kind in ("mkv", "png", "mp4"):
        Drawing(options, deep=kind != "mp4", view="heat" if kind == "mp4" else "map")


@contextmanager
def open_output(out: Path, stream: FrameStream, options: OutputOptions) -> Iterator[WriteMap]:
    """Open what a name stands for, in a ``with`` block; it is there, complete, once the block ends well.

    Args:
        out: .mp4, .webm, .gif, .mkv or .avi for a video; .png or .jpg for an image; .npy or .npz for arrays, .csv or
            .json for measures, both of the values themselves; without an ending, or a folder, for numbered images.
        stream: what is known of the frames. Where they have names, ``out`` is a folder of images of these names.
        options: how maps are shown.

    Raises:
        SalzooError: an ending that does not fit, options that do not fit it, a place that cannot be written to.
    """
    ending, info = out.suffix.lower(), stream.info
    folder = stream.names is not None or out.is_dir() or not ending
    if out.is_file() and not options.overwrite:
        raise SalzooError(f"{out} is there already: name another output, remove it, or replace it with --overwrite")
    _check_ending(ending, options)
    if ending in MEASURE_ENDINGS and not folder:
        with measures_writer(out, options.per) as put:
            yield lambda frame, map_: put(resize_map(map_, frame.size), frame.time)
    elif ending in ARRAY_ENDINGS and not folder:
        with array_writer(out, options.values) as put:
            yield lambda frame, map_: put(_values(resize_map(map_, frame.size), options), frame.time)
    elif folder:
        draw = Drawing(options, view="map")
        with image_folder(out, stream.names) as write:
            yield lambda frame, map_: write(draw(frame, map_), draw.note)
    elif ending in VIDEO_ENDINGS and info is not None:
        draw = Drawing(options, view="map" if ending == ".mkv" else "heat", deep=ending == ".mkv")
        with _video(out, info, draw, stream.sound) as write_map:
            yield write_map
    elif ending in IMAGE_ENDINGS and info is None:
        draw = Drawing(options, deep=ending == ".png")
        yield lambda frame, map_: write_image(out, draw(frame, map_), draw.note)
    else:
        kind, endings = ("image", IMAGE_ENDINGS) if info is None else ("video", VIDEO_ENDINGS)
        raise SalzooError(
            f"cannot write {out}: for {'an' if info is None else 'a'} {kind} name a file that ends in "
            f"{', '.join(endings)} (a picture), {', '.join(ARRAY_ENDINGS)} (values), {', '.join(MEASURE_ENDINGS)} "
            "(measures) or a folder (maps)"
        )


def _values(map_: Map, options: OutputOptions) -> Map:
    """A map at the frame's size as arrays hold it."""
    if options.values == "map":
        return map_
    return log_density(map_, bits=options.values == "log2-density").astype(np.float32)


@contextmanager
def _video(out: Path, info: VideoInfo, draw: "Drawing", sound: Sound | None) -> Iterator[WriteMap]:
    size = info.height, info.width * (2 if draw.view == "side-by-side" else 1)
    if draw.view == "crop":
        size = crop_size((info.height, info.width), draw.aspect, info.pixel_aspect)
        draw.window = CropWindow(size)
    make = draw.in_planes if KINDS[out.suffix.lower()].pixels == "yuv420p" else draw
    stated = Stated(info.time_base, info.pixel_aspect, f"salzoo: view {draw.view}, scale {draw.scale}")
    with video_writer(out, size, info.fps or UNKNOWN_RATE, stated=stated, sound=sound) as write:

        def write_map(frame: TimedFrame, map_: Map) -> None:
            picture = make(frame, map_)
            write(
                resize_frame(picture, size) if isinstance(picture, np.ndarray) else picture, frame.time, frame.duration
            )

        yield write_map


class Drawing:
    """Draws one map after the other in a view, on one scale.

    Attributes:
        view, scale: what was chosen.
        note: says what the last picture's values are.
        aspect, window: of the view "crop"; without a window, each picture is one by itself.
    """

    def __init__(self, options: OutputOptions, view: str = "heat", deep: bool = True) -> None:
        self.view, self.scale = options.view or view, options.scale
        self.aspect = parse_aspect(options.aspect)
        self.window: CropWindow | None = None
        self.note = ""
        self._options = options
        self._white = 0.0
        self._levels = 255 if options.bits == 8 else 65535
        if self._levels > 255 and (self.view != "map" or options.colormap or not deep):
            raise SalzooError("16 bits are for grey maps alone: --view map as .png, .mkv or a folder")
        self._view = None if self.view == "crop" else make_view(self.view, options.colormap, options.opacity)

    def __call__(self, frame: TimedFrame, map_: Map) -> NDArray[Any]:
        """The picture of a frame and its map, (H, W, 3) or (H, W), uint8 or uint16."""
        if self._view is None:
            window = self.window or CropWindow(crop_size(frame.size, self.aspect))
            self.note = f"salzoo crop: {self.aspect.numerator}:{self.aspect.denominator}"
            return window.crop(frame.image, map_, float(frame.time))
        resized = resize_map(self._scaled(map_), frame.size)
        levels: NDArray[Any] = np.rint(resized * self._levels).astype(np.uint8 if self._levels == 255 else np.uint16)
        return self._view(levels if self.view == "map" else frame.image, levels)  # a map needs no image

    def in_planes(self, frame: TimedFrame, map_: Map) -> NDArray[Any] | av.VideoFrame:
        """The same; heat is drawn on a frame as it was decoded, where that can be."""
        if self.view != "heat" or isinstance(frame.picture, np.ndarray):
            return self(frame, map_)
        colours = self._options.colormap or "inferno"
        grey_map = map_to_grey(self._scaled(map_))
        return draw_heat_in_planes(frame.picture.planes, grey_map, colours, self._options.opacity)

    def _scaled(self, map_: Map) -> Map:
        """A map on the scale, on which 1 is white."""
        if self.scale == "none":
            self._white = 1.0
        else:
            late = FADING * self._white if self.scale == "video" else 0.0
            self._white = max(float(map_.max()), late, BLANK)
        self.note = f"salzoo {self.view}: {self._levels} is {self._white:.6g}"
        return map_ / np.float32(self._white)
