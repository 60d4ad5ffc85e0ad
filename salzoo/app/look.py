"""What a visitor looks at: a video or pictures, the maps that models gave for them, and what is made of these."""

import re
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, closing
from itertools import islice
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from salzoo.interfaces.errors import SalzooError
from salzoo.prediction.inputs import ALL, Selection, Source
from salzoo.prediction.measures import Box, measure_map
from salzoo.prediction.outputs import Drawing, OutputOptions, open_output
from salzoo.prediction.runs import Runner
from salzoo.temporal.ema import EMA
from salzoo.video.overlay import resize_map
from salzoo.video.reading import TimedFrame, read_timed
from salzoo.video.resizing import resize_frame

FRAMES = 300
"""Frames of a video that are looked at, from its first on."""

PICTURES = 20
"""Pictures that are looked at together."""

MODELS = 3
"""Models beside each other."""

SHOWN = 640
"""Pixels that the longer side of a frame has on the page, at most."""

CLIP = 32
"""Maps that are filtered at once."""

Map = NDArray[np.float32]


class Look:
    """One video, or pictures, with the maps of up to three models, kept in a folder as the networks gave them.

    Args:
        files: a video, or pictures, each a scene of its own.
        names: of the models.
        folder: where maps and downloads lie.

    Raises:
        SalzooError: several files that are not all pictures, too many; a file that cannot be read.
    """

    def __init__(self, files: Sequence[Path], names: Sequence[str], folder: Path) -> None:
        self.sources = [Source.of(file) for file in files]
        self.video = not self.sources[0].still
        if len(files) > 1 and not all(source.still for source in self.sources):
            raise SalzooError("drop one video, or pictures")
        if len(files) > PICTURES:
            raise SalzooError(f"drop at most {PICTURES} pictures")
        if not 0 < len(names) <= MODELS:
            raise SalzooError(f"choose one to {MODELS} models")
        self.names, self.folder = list(names), folder
        self.info = self.sources[0].open()[1]
        self.total = self.info.frames if self.info is not None else len(files)
        self.count = 0
        self.latest: TimedFrame | None = None
        self.times: list[float] = []
        self._shapes: dict[tuple[int, int], tuple[int, ...]] = {}

    def run(self, runners: Sequence[Runner], ended: Event) -> Generator[int, None, None]:
        """Run the models side by side, and keep their maps; gives the number of each frame that is there.

        Args:
            runners: of the models.
            ended: set by another thread to stop.
        """
        for number, source in enumerate(self.sources):
            with ExitStack() as stack:
                streams: list[Any] = [
                    runner.stream(
                        islice(source.open()[0], FRAMES),
                        self.total if self.video else 1,
                        rate=source.rate(self.info),
                        still=source.still,
                    )
                    for runner in runners
                ]
                for stream in streams:
                    stack.enter_context(closing(stream))
                files = [stack.enter_context(self._path(model, number).open("wb")) for model in range(len(runners))]
                for pairs in zip(*streams, strict=True):
                    if ended.is_set():
                        return
                    for model, ((_, map_), file) in enumerate(zip(pairs, files, strict=True)):
                        self._shapes[model, number] = map_.shape
                        file.write(np.ascontiguousarray(map_, np.float32).tobytes())
                        file.flush()
                    self.latest = pairs[0][0]
                    self.times.append(float(self.latest.time))
                    self.count += 1
                    yield self.count - 1

    def frame(self, index: int) -> TimedFrame:
        """A frame of the video by its number, or a picture."""
        if self.latest is not None and index == self.count - 1:
            return self.latest
        if self.video:
            return next(read_timed(self.sources[0].files[0], index, index + 1))
        return next(self.sources[index].open()[0])

    def maps(self, model: int, alpha: float, source: int = 0, count: int | None = None) -> Iterator[Map]:
        """The kept maps of a model, as MODEL+ema:alpha=…@output gives them: no network runs.

        Args:
            model: its place among the names.
            alpha: weight of the new frame; 1 leaves maps as they are.
            source: which picture.
            count: how many, by default all that are there.
        """
        shape = self._shapes[model, source]
        there = (self.count if count is None else count) if self.video else 1
        kept = np.memmap(self._path(model, source), np.float32, "r", shape=(there, *shape))
        average, state = EMA(1, 1, alpha=alpha), None
        for begin in range(0, there, CLIP):
            clip = np.array(kept[begin : begin + CLIP])
            if alpha < 1:
                with torch.inference_mode():
                    filtered, state = average(torch.from_numpy(clip)[None, :, None], lambda x: x, state)
                clip = filtered[0, :, 0].numpy()
            yield from clip

    def draw(self, index: int, alpha: float, options: OutputOptions) -> list[NDArray[np.uint8]]:
        """The frame with each model's map over it, (h, w, 3) uint8 BGR, no longer than ``SHOWN``."""
        frame = self.frame(index)
        height, width = frame.image.shape[:2]
        factor = min(1.0, SHOWN / max(height, width))
        small = resize_frame(frame.image, (max(round(height * factor), 1), max(round(width * factor), 1)))
        shown = TimedFrame(small, frame.time, frame.duration)
        return [Drawing(options)(shown, self._map(model, index, alpha)) for model in range(len(self.names))]

    def _map(self, model: int, index: int, alpha: float) -> Map:
        if not self.video:
            return next(self.maps(model, 1.0, index))
        begin = index if alpha == 1 else 0
        *_, last = islice(self.maps(model, alpha, count=index + 1), begin, None)
        return last

    def shares(self, alpha: float, boxes: Sequence[Box]) -> Iterator[tuple[float, str, str, float]]:
        """Time (or a picture's number), model, area, and the share of attention there, for each frame."""
        for model, name in enumerate(self.names):
            for source in range(len(self.sources)):
                size = self._size(source)
                for index, map_ in enumerate(self.maps(model, alpha, source)):
                    found = measure_map(resize_map(map_, size), boxes)
                    at = self.times[index] if self.video else source + 1.0
                    for box in boxes:
                        share = found[box.name]
                        if share is not None:
                            yield at, name, box.name, share

    def _size(self, source: int) -> tuple[int, int]:
        if self.info is not None:
            return self.info.height, self.info.width
        height, width = next(self.sources[source].open()[0]).image.shape[:2]
        return height, width

    def write(self, alpha: float, options: OutputOptions, boxes: Path | None) -> Iterator[Path]:
        """Write overlay, maps and measures of each model and file, as ``salzoo predict`` does."""
        plain = OutputOptions(scale=options.scale, view="map", overwrite=True)
        measured = OutputOptions(boxes=boxes, overwrite=True)
        endings = ("mp4", "mkv", "csv") if self.video else ("png", "png", "csv")
        for number, source in enumerate(self.sources):
            for model, name in enumerate(self.names):
                stem = re.sub(r"[^\w.=@+-]+", "_", f"{number + 1}-{name}")[-80:]
                kinds = zip(("overlay", "maps", "measures"), endings, (options, plain, measured), strict=True)
                for kind, ending, chosen in kinds:
                    out = self.folder / f"{stem}-{kind}.{ending}"
                    self._write(out, source, self.maps(model, alpha if self.video else 1, number), chosen)
                    yield out

    def _write(self, out: Path, source: Source, maps: Iterator[Map], options: OutputOptions) -> None:
        cut = self.video and self.total > self.count
        selection = Selection(stop=self.times[-1] + 1e-6) if cut else ALL
        frames, info = source.open()
        sound = source.sound(selection, info) if info is not None else None
        with open_output(out, info, options, sound) as write:
            for frame, map_ in zip(frames, maps, strict=False):  # of a long video, the first frames have maps
                write(frame, map_)

    def _path(self, model: int, source: int) -> Path:
        return self.folder / f"{model}-{source}.maps"


def read_areas(text: str) -> list[Box]:
    """Areas of interest from lines "x0,y0,x1,y1" in pixels of the frame, called "area 1" and so on.

    >>> read_areas("10, 20, 110, 70")
    [Box(name='area 1', x=10.0, y=20.0, width=100.0, height=50.0)]

    Raises SalzooError for a line that is no box.
    """
    boxes: list[Box] = []
    for line in filter(str.strip, text[:2000].splitlines()):
        try:
            x0, y0, x1, y1 = (float(word) for word in line.split(","))
        except ValueError as error:
            raise SalzooError(f"an area is a line of four numbers, x0,y0,x1,y1, not {line[:60]!r}") from error
        if not (np.isfinite([x0, y0, x1, y1]).all() and x0 < x1 and y0 < y1):
            raise SalzooError(f"the area {line[:60]} has no size: x1 and y1 lie right of and below x0 and y0")
        boxes.append(Box(f"area {len(boxes) + 1}", x0, y0, x1 - x0, y1 - y0))
    return boxes
