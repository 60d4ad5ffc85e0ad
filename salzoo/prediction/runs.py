"""Running a model on a video or image file, from the file to what is written."""

import copy
import dataclasses
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from time import perf_counter
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from salzoo.hub.sources import load_model
from salzoo.interfaces.errors import SalzooError
from salzoo.model import SaliencyModel
from salzoo.notebook import html_table
from salzoo.prediction.engines.choosing import SAMPLE, choose_engine
from salzoo.prediction.engines.engine import Engine, EngineName, Precision
from salzoo.prediction.inputs import ALL, RATE, Selection, Source, find_inputs
from salzoo.prediction.outputs import OutputOptions, open_output
from salzoo.prediction.pace import Pace
from salzoo.prediction.showing import frames_of
from salzoo.prediction.streaming import fit_frames, stream_maps
from salzoo.runtime.devices import choose_device
from salzoo.video.embedding import picture_uri
from salzoo.video.overlay import resize_map
from salzoo.video.reading import TimedFrame

CALIBRATION = 32
"""First frames of the input that int8 takes its ranges from."""

Frame = NDArray[np.uint8]
Map = NDArray[np.float32]


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

    def _repr_html_(self) -> str:
        """What was written, as a notebook shows it, with some frames where it is a picture or a video."""
        pace = f", {self.frames / self.seconds:.1f} a second" if self.seconds > 0 else ""
        rows = [["frames", f"{self.frames}{pace}"], ["seconds", f"{self.seconds:.1f}"]]
        strip = frames_of(self.out, self.frames)
        picture = f'<img alt="some of its frames" src="{picture_uri(np.hstack(strip))}">' if strip else ""
        return html_table(str(self.out), rows) + picture


def predict(
    model: SaliencyModel | str | Path,
    video: str | Path,
    out: str | Path,
    *,
    device: str | torch.device | None = None,
    engine: EngineName | Literal["auto"] = "auto",
    precision: Precision | Literal["auto"] = "auto",
    selection: Selection = ALL,
    size: tuple[int, int] | None = None,
    options: OutputOptions | None = None,
) -> Prediction:
    """Predict where people look in a video or image, and draw or save it.

    What is written depends on the name of ``out``, and on ``options``:

    - .mp4 (H.264), .webm (VP9), .gif or .avi: the video with the maps as heat over it, or another view, its frames at
      the times that they had; .mp4 and .webm with its sound. By default full heat is each frame's largest value; the
      scale "video" is common to neighbouring frames (the largest so far, fading by 1 % a frame), so that they can be
      compared and nothing flickers.
    - .mkv: the maps as grey video without loss (FFV1), on the same scale.
    - .png or .jpg, for an image: the image with the heat over it, full heat at the largest value.
    - a name without an ending, or an empty folder: a folder of maps 0001.png, 0002.png, …, as in a submission to the
      DHF1K benchmark: 8-bit grey, each map divided by its maximum (each file says by which), and resized (cubic
      interpolation) from the model's input size to the frame's.
    - .npy, .npz: the values, float32 (frames, H, W); .npz with the times.
    - .csv, .json: for each frame the measures of ``salzoo.prediction.measures``.

    Frames are streamed: memory does not grow with the length of the video. After an error or Ctrl-C nothing of ``out``
    is there. What was there before is refused; with ``overwrite`` a file stays until the new one is complete.

    Args:
        model: a model (it is put in eval mode), or what ``load_model`` takes.
        video: a video or image file.
        out: the file or folder to write.
        device: where to run; by default where the model is, or for a name the best device here.
        engine: "torch", "onnx" or "openvino" (extras of these names); "auto" takes the fastest that is installed and
            keeps the maps (see ``choose_engine``), so that maps may differ by a hundredth of the largest value.
        precision: of the layers; "float32" with engine "torch" gives the same maps on every machine.
        selection: which frames of a video.
        size: (height, width) to run the model at; by default its own.
        options: how maps are shown and written.

    Raises:
        SalzooError: an input that cannot be read, an output that cannot be written, an unknown model or device.
    """
    runner = Runner(model, device=device, engine=engine, precision=precision, size=size)
    (source,) = find_inputs([str(video)])
    return runner.run(source, Path(out), selection, options)


class Runner:
    """A model that runs over one input after the other, with the engine that the first one chose.

    Args:
        model, device, engine, precision, size: as for ``predict``.
        report: given a line that says what runs, once that is known.
        pace: how many frames run together; by default that is found by measurement.
        count: called after each frame, in place of a progress bar.
    """

    def __init__(
        self,
        model: SaliencyModel | str | Path,
        *,
        device: str | torch.device | None = None,
        engine: EngineName | Literal["auto"] = "auto",
        precision: Precision | Literal["auto"] = "auto",
        size: tuple[int, int] | None = None,
        report: Callable[[str], None] = lambda line: None,
        pace: Pace | None = None,
        count: Callable[[], None] | None = None,
    ) -> None:
        self.model, self.size, self.report, self.count = model, size, report, count
        self.device = choose_device(device) if isinstance(device, str) else device
        self.asked: tuple[EngineName | Literal["auto"], Precision | Literal["auto"]] = (engine, precision)
        self.engine: Engine | None = None
        self.pace = pace

    def run(
        self, source: Source, out: Path, selection: Selection = ALL, options: OutputOptions | None = None
    ) -> Prediction:
        """Run over one input and write ``out``; see ``predict``."""
        frames, info = source.open(selection)
        if source.is_at(out) and not out.is_dir():
            raise SalzooError(f"{out} is the input: name another output")
        sound = source.sound(selection, info) if info is not None else None
        try:
            out.absolute().parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SalzooError(f"cannot write {out}: {error.strerror}") from error
        total = info.frames if info is not None and info.frames and selection == ALL else None
        with open_output(out, info, options or OutputOptions(), sound, source.frame_names()) as write:
            count, began = 0, None
            rate = source.rate(info, selection)
            pairs = self.stream(frames, 1 if info is None else total, rate=rate, still=source.still)
            for frame, map_ in tqdm(pairs, total=total, unit="frame", disable=None if self.count is None else True):
                began = perf_counter() if began is None else began
                write(frame, map_)
                count += 1
                if self.count is not None:
                    self.count()
            if not count:
                raise SalzooError(f"{source} has no frame in the part that was asked for")
        return Prediction(out, count, perf_counter() - (began or 0))

    def stream(
        self, frames: Iterator[TimedFrame], count: int | None = None, *, rate: float = 0, still: bool = False
    ) -> Iterator[tuple[TimedFrame, Map]]:
        """Each frame of one video with its map, as ``predict_maps`` gives it.

        Args:
            frames: of the video.
            count: how many they are, where that is known: of a few, none are spent on choosing an engine.
            rate: frames per second, 0 where that is not known.
            still: whether each is a still image.
        """
        first = list(islice(frames, CALIBRATION if self.asked[1] == "int8" else SAMPLE)) if self.engine is None else []
        engine = self.prepare([frame.image for frame in first], count) if self.engine is None else self.engine
        self.pace = self.pace or Pace(engine.groups)
        waiting: deque[TimedFrame] = deque()

        def images() -> Iterator[Frame]:
            for frame in chain(first, frames):
                waiting.append(frame)
                yield frame.image

        for _, map_ in stream_maps(engine.at_rate(rate), images(), self.pace, still=still):
            yield waiting.popleft(), map_

    def prepare(self, frames: list[Frame], count: int | None = None) -> Engine:
        """Load the model, and choose what runs it, on the first frames of so many."""
        if isinstance(self.model, SaliencyModel):
            model = self.model.eval() if self.device is None else self.model.eval().to(self.device)
        else:
            model = load_model(self.model, device=self.device or choose_device())
        if self.size is not None:
            model = copy.copy(model)
            model.preprocessing = dataclasses.replace(model.preprocessing, size=self.size)
        sample = [shown for _, shown in fit_frames(model, frames)]
        engine, precision = self.asked
        chosen = choose_engine(model, sample, engine=engine, precision=precision, frames=count)
        self.report(f"engine: {chosen.note}")
        self.engine = chosen.engine
        return chosen.engine


def predict_all(
    runner: Runner,
    sources: Sequence[Source],
    out: str | Path,
    selection: Selection = ALL,
    *,
    options: OutputOptions | None = None,
    resume: bool = False,
) -> Iterator[tuple[Source, Prediction | None]]:
    """Run over several inputs, one after the other; ``salzoo.prediction.corpus`` does so in many processes.

    Args:
        runner: the model.
        sources: the inputs (``find_inputs``).
        out: what to write for each, with the input's name where "{name}" stands.
        selection: which frames of each.
        options: how maps are shown and written.
        resume: leave out those whose output is there: it is complete, or it would not be.

    Yields:
        Each input with what was done; None where it was left out.

    Raises:
        SalzooError: as ``predict`` does, and where the outputs of several would be one file.
    """
    outs = [Path(str(out).replace("{name}", source.name)) for source in sources]
    if len(set(outs)) < len(outs):
        raise SalzooError(f'{len(sources)} inputs cannot all become {out}: name them apart, as "{{name}}.mp4" does')
    for source, each in zip(sources, outs, strict=True):
        yield source, None if resume and is_there(each) else runner.run(source, each, selection, options)


def is_there(out: Path) -> bool:
    """Whether an output is there: complete, or it would not be."""
    return out.exists() and not (out.is_dir() and not any(out.iterdir()))


def predict_frames(
    model: SaliencyModel | str | Path,
    source: str | Path | NDArray[np.uint8] | Iterable[Frame],
    *,
    device: str | torch.device | None = None,
    engine: EngineName | Literal["auto"] = "auto",
    precision: Precision | Literal["auto"] = "auto",
    selection: Selection = ALL,
    size: tuple[int, int] | None = None,
) -> Iterator[tuple[Frame, Map]]:
    """Each frame of a video with its saliency map: ``for frame, saliency in salzoo.predict_frames(model, source)``.

    Args:
        model: a model, or what ``load_model`` takes.
        source: a video, image or folder by name; an array (T, H, W, 3), or (H, W, 3) for a still; or any iterable of
            frames. Frames are uint8, in OpenCV's order (blue, green, red).
        device, engine, precision, selection, size: as for ``predict``; the selection is for files.

    Yields:
        (frame, saliency): the frame as it came and its map, (H, W) float32 in [0, 1], at its size.

    Raises:
        SalzooError: as ``predict`` does, and for frames that are no arrays (H, W, 3) of uint8.
    """
    runner = Runner(model, device=device, engine=engine, precision=precision, size=size)
    if isinstance(source, str | Path):
        (found,) = find_inputs([str(source)])
        frames, info = found.open(selection)
        still, count = found.still, 1 if info is None else info.frames or None
        rate = found.rate(info, selection)
    else:
        given = source[None] if isinstance(source, np.ndarray) and source.ndim == 3 else source
        still, rate = given is not source, 0.0
        count = len(given) if isinstance(given, Sized) else None
        frames = _given_frames(given)
    for frame, map_ in runner.stream(frames, count, rate=rate, still=still):
        yield frame.image, resize_map(map_, frame.image.shape[:2])


def _given_frames(frames: Iterable[Frame]) -> Iterator[TimedFrame]:
    for number, frame in enumerate(frames):
        if not isinstance(frame, np.ndarray) or frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
            kind = f"{frame.dtype} {frame.shape}" if isinstance(frame, np.ndarray) else type(frame).__name__
            raise SalzooError(f"frame {number} is {kind}: frames are arrays (height, width, 3) of uint8")
        yield TimedFrame(frame, number / RATE, 1 / RATE)
