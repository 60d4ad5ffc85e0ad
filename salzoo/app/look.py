"""What a visitor looks at: a video or pictures, the maps that models gave for them, and what is made of these."""

import math
import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import nn

from salzoo.gaze.truth import has_gaze, read_fixations
from salzoo.interfaces.dataset import Video
from salzoo.interfaces.errors import SalzooError
from salzoo.model import SaliencyModel
from salzoo.prediction.inputs import Input, Selection
from salzoo.prediction.maps import filter_maps
from salzoo.prediction.measures import measure_map
from salzoo.prediction.outputs import OutputOptions, open_output
from salzoo.prediction.runner import Runner
from salzoo.regions.region import Region
from salzoo.regions.shares import see_regions
from salzoo.runtime.files import write_text
from salzoo.runtime.texts import csv_text
from salzoo.spec import Spec
from salzoo.temporal.ema import EMA
from salzoo.video.cuts import CUT, difference, thumbnail
from salzoo.video.overlay import resize_map
from salzoo.video.reading import UNKNOWN_RATE, TimedFrame
from salzoo.video.resizing import resize_frame
from salzoo.video.writing import Stated, Write, video_writer

FRAMES = 300
"""Frames of a video that are looked at, from its first on."""

MODELS = 3
"""Models beside each other."""

SHOWN = 960
"""Pixels that the longer side of a frame has on the page, at most."""

PICTURES = 40
"""Of a video's frames while the models run, the last shown: the page may ask late."""

CELLS = 7000
"""Cells of a map on the page."""

LEVELS = 65535
"""Of a map's value 1, where maps are kept."""

CLIP = 32
"""Maps that are filtered at once."""

Map = NDArray[np.float32]


@dataclass(frozen=True)
class Shown:
    """A model as the page runs it: its maps before any average over finished maps, and that average.

    Attributes:
        name: of the model.
        runner: gives the maps.
        own: the average that the model has, which another can take the place of; None where it has none there.
    """

    name: str
    runner: Runner
    own: EMA | None


class Look:
    """One video, or pictures, with the maps of up to three models, kept in a folder as the networks gave them.

    Args:
        sources: a video, or pictures, each a scene of its own.
        models: what runs.
        folder: where maps and downloads lie.

    Raises:
        SalzooError: several inputs that are not all pictures; one that cannot be read.
    """

    def __init__(self, sources: Sequence[Input], models: Sequence[Shown], folder: Path) -> None:
        self.sources, self.models, self.folder = list(sources), list(models), folder
        self.video = not self.sources[0].still
        if len(sources) > 1 and not all(source.still for source in sources):
            raise SalzooError("drop one video, or pictures")
        if not 0 < len(models) <= MODELS:
            raise SalzooError(f"choose one to {MODELS} models")
        stream = self.sources[0].open()
        self.info = stream.info
        self.frame_size = next(stream.frames).image.shape[:2]
        self.total = self.info.frames if self.info is not None else len(sources)
        self.rate = stream.rate or float(UNKNOWN_RATE)
        self.times: list[float] = []
        self.frame_sizes: list[tuple[int, ...]] = []
        self._latest: NDArray[np.uint8] | None = None
        self._pictures: list[Path] = []
        self._differences: list[float] = []
        self.people: list[list[tuple[float, float]]] = []
        self._shapes: dict[tuple[int, int], tuple[int, ...]] = {}
        rows = round((CELLS * self.frame_size[0] / self.frame_size[1]) ** 0.5)
        self.grid = min(max(rows, 8), CELLS // 8), min(max(CELLS // max(rows, 1), 8), CELLS // 8)

    def about(self) -> dict[str, Any]:
        """What the page must know before the first map."""
        own = [_described(model.own) for model in self.models]
        names = [model.name for model in self.models]
        size = shown_size(self.frame_size, self._aspect())
        return {
            "video": self.video,
            "total": min(self.total, FRAMES) if self.video and self.total else self.total,
            "all": self.total,
            "grid": self.grid,
            "size": size,
            "frame": self.frame_size,
            "rate": self.rate,
            "models": names,
            "own": own,
        }

    def found(self) -> dict[str, Any]:
        """What the page must know once all maps are there."""
        found = {
            "count": len(self.times),
            "times": self.times,
            "cuts": find_cuts(self._differences),
            "people": self.people,
        }
        return found if self.video else {**found, "frames": self.frame_sizes}

    def run(self, is_stopped: Callable[[], bool] = lambda: False) -> Generator[int, None, None]:
        """Run the models side by side, and keep their maps: gives how many frames are there, after each, until it is
        stopped."""
        with ExitStack() as stack:
            grids = [stack.enter_context((self.folder / f"{m}.grid").open("wb")) for m in range(len(self.models))]
            play = stack.enter_context(self._player()) if self.video else None
            for number, source in enumerate(self.sources):
                for count in self._run_one(number, source, grids, play):
                    yield count
                    if is_stopped():
                        return

    def _player(self) -> Any:
        info = self.info
        assert info is not None
        size = shown_size(self.frame_size, self._aspect())
        stop = FRAMES / self.rate if self.total > FRAMES else None
        sound = self.sources[0].open(Selection(stop=stop)).sound
        return video_writer(self.folder / "play.mp4", size, self.rate, stated=Stated(info.time_base), sound=sound)

    def _run_one(self, number: int, source: Input, grids: Sequence[Any], play: Write | None) -> Iterator[int]:
        before = None
        with ExitStack() as stack:
            streams: list[Any] = []
            for each in self.models:
                stream = source.open()
                stream = replace(stream, frames=islice(stream.frames, FRAMES), rate=self.rate)
                streams.append(each.runner.maps(stream))
            for maps in streams:
                stack.enter_context(closing(maps))
            kept = [stack.enter_context(self._path(model, number).open("wb")) for model in range(len(streams))]
            for pairs in zip(*streams, strict=True):
                frame: TimedFrame = pairs[0].frame
                for model, ((_, _, map_), file, grid) in enumerate(zip(pairs, kept, grids, strict=True)):
                    self._shapes[model, number] = map_.shape
                    file.write(_levels(map_))
                    file.flush()
                    grid.write(_levels(resize_map(map_, self.grid)))
                    grid.flush()
                small = resize_frame(frame.image, shown_size(frame.image.shape[:2], self._aspect()))
                self._latest = small
                self.frame_sizes.append(frame.image.shape[:2])
                if play is not None:
                    play(small, frame.time, frame.duration)
                    now = thumbnail(small)
                    self._differences.append(0.0 if before is None else difference(before, now))
                    before = now
                self.people.append(self._gaze(len(self.times) if self.video else 0, source.video))
                self.times.append(float(frame.time) if self.video else float(number))
                yield len(self.times)

    def show(self) -> None:
        """Write the picture of the newest frame, for the page; of a video's frames the last few stay."""
        count = len(self.times)
        assert self._latest is not None
        data = cv2.imencode(".jpg", self._latest)[1].tobytes()
        if not self.video:
            (self.folder / f"{count - 1}.jpg").write_bytes(data)
            return
        (self.folder / f"frame-{count}.jpg").write_bytes(data)
        self._pictures.append(self.folder / f"frame-{count}.jpg")
        while len(self._pictures) > PICTURES:
            self._pictures.pop(0).unlink(missing_ok=True)

    def _aspect(self) -> float:
        return float(self.info.pixel_aspect) if self.info is not None else 1.0

    def _gaze(self, index: int, video: Video | None) -> list[tuple[float, float]]:
        """Where people looked at a frame, in parts of its width and height."""
        if video is None or not (has_gaze(video) or hasattr(video, "read_fixations")):
            return []
        fixated = read_fixations(video, index)
        rows, columns = np.nonzero(fixated)
        height, width = fixated.shape
        return [(round((x + 0.5) / width, 4), round((y + 0.5) / height, 4)) for y, x in zip(rows, columns, strict=True)]

    def maps(self, model: int, average: EMA | None, source: int = 0) -> Iterator[Map]:
        """The kept maps of a model, filtered: no network runs.

        Args:
            model: its place among the models.
            average: what filters them.
            source: which picture.
        """
        shape = self._shapes[model, source]
        count = len(self.times) if self.video else 1
        kept = np.memmap(self._path(model, source), np.uint16, "r", shape=(count, *shape))
        at_rate = average.at_rate(self.rate) if average is not None and average.timed else average
        state = None
        for begin in range(0, count, CLIP):
            clip: Map = np.array(kept[begin : begin + CLIP], np.float32) / np.float32(LEVELS)
            if at_rate is not None:
                clip, state = filter_maps(at_rate, clip, state)
            yield from clip

    def write_video(self, model: int, average: EMA | None, options: OutputOptions) -> Path:
        """Write a video's overlay, mp4, as ``salzoo predict`` does."""
        out, maps = self._out(model, average, "mp4"), self.maps(model, average)
        cut = self.total > len(self.times)  # of a long video, the first frames have maps
        stream = self.sources[0].open(Selection(stop=self.times[-1] + 1e-6) if cut else Selection())
        with open_output(out, stream, options) as write:
            for frame, map_ in zip(stream.frames, maps, strict=False):
                write(frame, map_)
        return out

    def write_numbers(self, model: int, average: EMA | None, regions: Sequence[Region], source: int = 0) -> Path:
        """Write a line for each frame, csv: what ``salzoo predict`` measures, and each region's share of the map."""
        out = self._out(model, average, "csv", source)
        if source >= len(self.sources):
            raise SalzooError("there is no such picture")
        size = self.frame_sizes[0 if self.video else source]
        rows: list[dict[str, float | None]] = []
        for frame, map_ in enumerate(self.maps(model, average if self.video else None, source)):
            row: dict[str, float | None] = {
                "frame": frame + 1,
                "time": round(self.times[frame], 6) if self.video else 0.0,
            }
            row |= measure_map(resize_map(map_, (size[0], size[1])))
            shares = see_regions(map_, [region.at(self.times[frame]) for region in regions], (size[0], size[1]))[:, 0]
            row |= {f"share of {region.name}": share for region, share in zip(regions, shares.tolist(), strict=True)}
            rows.append(row)
        cells = ([f"{value:.6g}" if isinstance(value, float) else value for value in row.values()] for row in rows)
        write_text(csv_text(rows[0], cells), out)
        return out

    def _out(self, model: int, average: EMA | None, ending: str, source: int = 0) -> Path:
        name = f"{self.models[model].name}{'' if average is None else '+' + _named(average)}"
        name = re.sub(r"[^\w.=@+-]+", "_", name)[-80:]
        return self.folder / f"{source + 1}-{name}.{ending}"

    def _path(self, model: int, source: int) -> Path:
        return self.folder / f"{model}-{source}.maps"


def make_average(values: dict[str, Any]) -> EMA | None:
    """The average that a page asks for: ``{"alpha": 0.2}``, ``{"tau": 0.3}`` or none. Raises SalzooError for others."""
    if not values:
        return None
    try:
        (name, value), *rest = values.items()
        if rest or name not in ("alpha", "tau") or not math.isfinite(float(value)):
            raise ValueError
        return EMA(1, 1, alpha=float(value)) if name == "alpha" else EMA(1, 1, tau=float(value))
    except (TypeError, ValueError) as error:
        raise SalzooError("an average has an alpha or a tau") from error


def _described(average: EMA | None) -> dict[str, float]:
    if average is None:
        return {}
    return {"tau": average.tau} if average.timed else {"alpha": average.constant}


def _named(average: EMA) -> str:
    ((name, value),) = _described(average).items()
    return f"ema:{name}={value:g}@output"


def shown_size(size: tuple[int, ...], aspect: float = 1.0) -> tuple[int, int]:
    """The (height, width) of a frame on the page: even, of square pixels, no larger than it is, nor than ``SHOWN``.

    >>> shown_size((1080, 1920)), shown_size((99, 176), 12 / 11)
    ((540, 960), (98, 192))
    """
    height, width = size[0], size[1] * aspect
    factor = min(1.0, SHOWN / max(height, width))
    return max(int(height * factor) // 2 * 2, 2), max(int(width * factor) // 2 * 2, 2)


def find_cuts(differences: Sequence[float]) -> list[int]:
    """The frames with which another scene begins: they differ much from the one before, and by far more than their
    neighbours do, as those of a fast pan do not.

    >>> find_cuts([0, 5, 6, 60, 4, 30, 28, 31])
    [3]
    """
    padded = [0.0, *differences, 0.0]
    triples = zip(padded, differences, padded[2:], strict=False)
    return [n for n, (last, here, later) in enumerate(triples) if here > CUT and here > 2.5 * max(last, later)]


def without_average(model: SaliencyModel) -> tuple[SaliencyModel, EMA | None]:
    """A model without the average that it takes of its finished maps, and that average; None where it takes none."""
    last = str(len(model.backbone.layers) - 1)
    module: nn.Module | None = dict(model.temporal).get(last)
    if (
        list(model.temporal) != [last]
        or not isinstance(module, EMA)
        or module.acts_on != "output"
        or module.state_dict()
    ):
        return model, None
    network = SaliencyModel(Spec(model.spec.backbone), model.backbone, {})
    network.preprocessing = model.preprocessing
    return network.eval(), module


def _levels(map_: Map) -> bytes:
    return np.rint(map_ * LEVELS).astype(np.uint16).tobytes()
