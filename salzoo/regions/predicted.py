"""What a model says that people will do with regions of a picture or video."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from salzoo.hub.checkpoint import weights_hash
from salzoo.interfaces import SalzooError
from salzoo.model import SaliencyModel
from salzoo.prediction.engines.engine import AUTO, RunOptions
from salzoo.prediction.inputs import Input
from salzoo.prediction.runner import Runner
from salzoo.regions.calibration import SECONDS, TARGETS, Calibration, median_time, shipped_calibration
from salzoo.regions.people import times_of
from salzoo.regions.reading import Medium, RegionFile
from salzoo.regions.region import Region
from salzoo.regions.shares import Map, see_regions
from salzoo.regions.unlike import is_unlike, traits_of
from salzoo.video.reading import TimedFrame
from salzoo.video.timing import frame_times

LOOKED_AT = 25
"""Every so-manieth frame of a video is asked whether it is drawn; where half of these are, the video is."""

LARGEST = 5 * 10**7
"""Regions times frames of a video that are measured at once."""

Numbers = NDArray[np.float64]
Frame = NDArray[np.uint8]


@dataclass(frozen=True)
class Estimate:
    """A number with the interval that holds what people did four times in five; NaN where there is none."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Forecast:
    """What is expected of people for one region.

    Attributes:
        region: which.
        area: of the frame that it covers, from 0 to 1; in a video the mean while it is there.
        map_share: of the model's map that lies in it, likewise.
        share: of people's fixations while it is there.
        seen: by ``SECONDS``, the share of viewers who look at it within so many seconds from when it is there.
        first_look: seconds until half of the viewers have looked at it; NaN where fewer do within 5.
        shares: of the map at each frame of a video, NaN where it is absent.
    """

    region: Region
    area: float
    map_share: float
    share: Estimate
    seen: dict[int, Estimate]
    first_look: Estimate
    shares: Numbers = field(default_factory=lambda: np.zeros(0))

    def row(self) -> dict[str, float]:
        """Every number by name: those of a line of the table, which ``--expect`` may name."""
        found = {"area": self.area, "map_share": self.map_share}
        named = {"share": self.share, **{f"seen_{each}s": self.seen[each] for each in SECONDS}}
        for name, each in {**named, "first_look_s": self.first_look}.items():
            found |= {name: each.value, f"{name}_low": each.low, f"{name}_high": each.high}
        found["times_area"] = self.share.value / self.area if self.area > 0 else float("nan")
        return found


@dataclass(frozen=True)
class Forecasts:
    """What a model says of the regions of a picture or video.

    Attributes:
        item: its name.
        size: height and width.
        model: what the user calls the model.
        regions: one each, in the order of their file.
        times: seconds of each frame; one of a picture.
        frame: the picture, or the video's first frame, (H, W, 3) uint8, BGR.
        map_: of that frame.
        notes: what a reader must know.
    """

    item: str
    size: tuple[int, int]
    model: str
    regions: list[Forecast]
    times: Numbers
    frame: Frame
    map_: Map
    notes: list[str]

    @property
    def still(self) -> bool:
        return len(self.times) == 1


class Forecaster:
    """A model that says what people will do with regions of one picture or video after the other.

    Args:
        model: a model, or what ``load_model`` takes.
        how: the device, engine, precision and size to run with.
        report: given a line that says what runs.
    """

    def __init__(
        self,
        model: SaliencyModel | str | Path,
        how: RunOptions = AUTO,
        report: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.name = str(model.spec) if isinstance(model, SaliencyModel) else str(model)
        self.runner = Runner(model, how, report=report)
        self.table = shipped_calibration()

    def forecast(self, source: Input, file: RegionFile) -> Forecasts:
        """Run over a picture or video, and say what is expected of each region of a file.

        Raises:
            SalzooError: the input cannot be read, or regions do not fit it.
        """
        stream = source.open()
        maps = self.runner.maps(stream)
        first = next(maps, None)
        if first is None:
            raise SalzooError(f"{source} has no frame")
        _, frame, map_ = first
        size = frame.image.shape[0], frame.image.shape[1]
        regions = file.of(medium_of(source, size))
        times, seen = [float(frame.time)], [_see(map_, regions, frame, size)]
        traits = [traits_of(frame.image)]
        for _, later, its_map in tqdm(maps, total=stream.count, unit="frame", disable=True if source.still else None):
            if len(regions) * len(times) > LARGEST:
                raise SalzooError(f"{source} has too many frames for {len(regions):,} regions: take fewer, or a part")
            times.append(float(later.time))
            seen.append(_see(its_map, regions, later, size))
            if len(times) % LOOKED_AT == 0:
                traits.append(traits_of(later.image))
        each = np.stack(seen)  # frames, regions, numbers
        unlike = bool(2 * is_unlike(np.stack(traits), self.table.usual).mean() >= 1)
        found = forecast_regions(regions, np.array(times), each, self.table, unlike)
        notes = [*file.notes(), *self._notes(unlike, source.still)]
        return Forecasts(source.name, size, self.name, found, np.array(times), frame.image, map_, notes)

    def _notes(self, unlike: bool, still: bool) -> list[str]:
        assert self.runner.engine is not None
        notes = []
        if weights_hash(self.runner.engine.model)[: len(self.table.weights)] != self.table.weights:
            notes.append(
                f"the intervals were fitted to {self.table.model} (weights {self.table.weights[:8]}); how often they "
                f"hold was not measured of {self.name}"
            )
        if unlike:
            notes.append(
                "this is drawn, not a photograph as the intervals were fitted on, and they are wider: "
                + _how_often(self.table, "fiwi", "web pages")
            )
        if not still:
            notes.append(f"the intervals were fitted on photographs: {_how_often(self.table, 'films', 'films')}")
        return notes


def _how_often(table: Calibration, name: str, what: str) -> str:
    measured = table.measured.get(name)
    if measured is None:
        return f"how often they hold on {what} was not measured"
    held, regions = measured["share"]["holds"], measured["regions"]
    return f"on {what} that of the share held {100 * held:.0f} times in 100 (of {regions:,} regions), where 80 is right"


def medium_of(source: Input, size: tuple[int, int]) -> Medium:
    """What files of regions need to know of an input."""
    if source.video is not None:
        return Medium(source.name, size, times_of(source.video))
    if source.still:
        return Medium(source.files[0].name, size)
    if len(source.files) == 1:
        return Medium(source.files[0].name, size, frame_times(source.files[0]))
    return Medium(source.name, size)


def _see(map_: Map, regions: list[Region], frame: TimedFrame, size: tuple[int, int]) -> Numbers:
    return see_regions(map_, [region.at(float(frame.time)) for region in regions], size)


def forecast_regions(
    regions: list[Region], times: Numbers, seen: Numbers, table: Calibration, unlike: bool = False
) -> list[Forecast]:
    """What is expected of people for regions.

    Args:
        regions: of a picture or video.
        times: (frames,) seconds.
        seen: (frames, regions, 5), what the map of each frame says of them (``see_regions``).
        table: what turns that into what people do.
        unlike: whether the picture is unlike photographs (``salzoo.regions.unlike``).
    """
    there = np.isfinite(seen[:, :, 0])
    # A mean over the frames in which a region is there, NaN for one that never is
    mean = np.where(there[..., None], seen, 0).sum(0) / np.where(there.any(0), there.sum(0), np.nan)[:, None]
    found = {target: np.stack(table.curves[target].interval(mean, unlike), 1) for target in TARGETS}
    chances = np.maximum.accumulate([found[target] for target in TARGETS[1:]], 0)  # more time, more viewers
    forecasts = []
    for index, region in enumerate(regions):
        share = Estimate(*found["share"][index].tolist())
        seen_by = {each: Estimate(*chances[number, index].tolist()) for number, each in enumerate(SECONDS)}
        value, late, early = (median_time(chances[:, index, column]) for column in range(3))
        forecasts.append(
            Forecast(
                region,
                float(mean[index, 1]),
                float(mean[index, 0]),
                share,
                seen_by,
                Estimate(value, early, late),
                seen[:, index, 0] if len(times) > 1 else np.zeros(0),
            )
        )
    return forecasts
