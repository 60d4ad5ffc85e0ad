"""Running a model on a video or image file, from the file to what is written."""

import copy
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from salzoo.hub.sources import load_model, seeing_one_in
from salzoo.interfaces.errors import SalzooError
from salzoo.model import SaliencyModel
from salzoo.notebook import html_table
from salzoo.prediction.engines.choosing import SAMPLE, choose_engine
from salzoo.prediction.engines.engine import AUTO, Engine, RunOptions
from salzoo.prediction.inputs import ALL, FrameStream, Input, Selection, find_inputs, stream_of
from salzoo.prediction.maps import Frame, FrameMap, Map, fit_frames, frames_to_maps, spaced_maps
from salzoo.prediction.outputs import PLAIN, OutputOptions, open_output
from salzoo.prediction.preview import preview_frames
from salzoo.runtime.files import writing
from salzoo.video.embedding import picture_uri
from salzoo.video.overlay import resize_map
from salzoo.video.pixels import Decoded


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

    def __str__(self) -> str:
        frames = "1 frame" if self.frames == 1 else f"{self.frames} frames"
        return f"{self.out}: {frames} in {self.seconds:.1f} s, {self.frames / max(self.seconds, 1e-9):.1f} frames/s"

    def _repr_html_(self) -> str:
        """What was written, as a notebook shows it, with some frames where it is a picture or a video."""
        rate = f", {self.frames / self.seconds:.1f} a second" if self.seconds > 0 else ""
        rows = [["frames", f"{self.frames}{rate}"], ["seconds", f"{self.seconds:.1f}"]]
        strip = preview_frames(self.out, self.frames)
        picture = f'<img alt="some of its frames" src="{picture_uri(np.hstack(strip))}">' if strip else ""
        return html_table(str(self.out), rows) + picture


def predict(
    model: SaliencyModel | str | Path,
    source: Input | str | Path,
    out: str | Path,
    how: RunOptions = AUTO,
    *,
    selection: Selection = ALL,
    options: OutputOptions = PLAIN,
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
        model: a model (it is put in eval mode and moved where it runs), or what ``load_model`` takes.
        source: a video or image file, a pattern of numbered frames, or any other ``Input``.
        out: the file or folder to write.
        how: the device, engine, precision and size to run with. With "auto", maps may differ a little from machine to
            machine; ``RunOptions(engine="torch", precision="float32")`` gives the same on every one.
        selection: which frames of a video.
        options: how maps are shown and written.

    Many inputs are run by ``salzoo.prediction.corpus.predict_corpus``.

    Raises:
        SalzooError: an input that cannot be read, an output that cannot be written, an unknown model or device.
    """
    return Runner(model, how).run(_input(source), Path(out), selection, options)


def predict_frames(
    model: SaliencyModel | str | Path,
    source: Input | str | Path | NDArray[np.uint8] | Iterable[Frame],
    how: RunOptions = AUTO,
    *,
    selection: Selection = ALL,
) -> Iterator[tuple[Frame, Map]]:
    """Each frame of a video with its saliency map: ``for frame, saliency in salzoo.predict_frames(model, source)``.

    Args:
        model: a model, or what ``load_model`` takes.
        source: a video or image by name, a pattern of numbered frames, or any other ``Input``; an array (T, H, W, 3),
            or (H, W, 3) for a still; or any iterable of frames. Frames are uint8, in OpenCV's order (blue, green, red).
        how, selection: as for ``predict``; the selection is for what is named.

    Yields:
        (frame, saliency): the frame as it came and its map, (H, W) float32 in [0, 1], at its size.

    Raises:
        SalzooError: as ``predict`` does, and for frames that are no arrays (H, W, 3) of uint8.
    """
    if isinstance(source, Input | str | Path):
        stream = _input(source).open(selection)
    else:
        still = isinstance(source, np.ndarray) and source.ndim == 3
        stream = stream_of(source[None] if still else source, still=still)  # type: ignore[index]
    for _, frame, map_ in Runner(model, how).maps(stream):
        yield frame.image, resize_map(map_, frame.image.shape[:2])


def _input(source: Input | str | Path) -> Input:
    if isinstance(source, Input):
        return source
    first, *more = find_inputs([str(source)])
    if more:
        raise SalzooError(f"{source} stands for {1 + len(more)} inputs: name one, or run predict_corpus over all")
    return first


class Runner:
    """A model that runs over one input after the other, with the engine that was chosen on the first.

    Args:
        model, how: as for ``predict``.
        report: given a line that says what runs, once that is known.
        count: called after each frame, in place of a progress bar.
    """

    def __init__(
        self,
        model: SaliencyModel | str | Path,
        how: RunOptions = AUTO,
        *,
        report: Callable[[str], None] = lambda line: None,
        count: Callable[[], None] | None = None,
    ) -> None:
        self.model, self.how, self.report, self.count = model, how, report, count
        self.engine: Engine | None = None

    def run(self, source: Input, out: Path, selection: Selection = ALL, options: OutputOptions = PLAIN) -> Prediction:
        """Run over one input and write ``out``; see ``predict``."""
        stream = source.open(selection)
        if source.is_at(out) and not out.is_dir():
            raise SalzooError(f"{out} is the input: name another output")
        with writing(out):
            out.absolute().parent.mkdir(parents=True, exist_ok=True)
        with open_output(out, stream, options) as write:
            count, began = 0, None
            silent = None if self.count is None else True
            for _, frame, map_ in tqdm(self.maps(stream), total=stream.count, unit="frame", disable=silent):
                began = perf_counter() if began is None else began
                write(frame, map_)
                count += 1
                if self.count is not None:
                    self.count()
            if not count:
                raise SalzooError(f"{source} has no frame in the part that was asked for")
        return Prediction(out, count, perf_counter() - (began or 0))

    def maps(self, stream: FrameStream) -> Iterator[FrameMap]:
        """Each frame of a stream with its map; see ``frames_to_maps``."""
        if self.engine is None:
            first = list(islice(stream.frames, SAMPLE))
            self.prepare([frame.picture for frame in first], stream.count)
            stream = dataclasses.replace(stream, frames=chain(first, stream.frames))
            del first
        assert self.engine is not None
        every = self.how.run_every
        if every > 1 and not stream.still:
            yield from spaced_maps(self.engine, stream, every)
        else:
            yield from frames_to_maps(self.engine, stream, batch=self.engine.batch)

    def load(self) -> SaliencyModel:
        """The model, where it runs, at the size that was asked for."""
        if isinstance(self.model, SaliencyModel):
            model = self.model.eval() if self.how.device is None else self.model.eval().to(self.how.place())
        else:
            model = load_model(self.model, device=self.how.place())
        if self.how.size is not None:
            model = copy.copy(model)
            model.preprocessing = dataclasses.replace(model.preprocessing, size=self.how.size)
        return model

    def prepare(self, frames: Sequence[Frame | Decoded], count: int | None = None) -> Engine:
        """Load the model, and choose what runs it, on the first frames of so many."""
        every = self.how.run_every
        model = self.load() if every == 1 else seeing_one_in(self.load(), every)
        chosen = choose_engine(model, fit_frames(model, frames), self.how, count)
        self.report(f"engine: {chosen.note}" + (f"; it sees one frame in {every}" if every > 1 else ""))
        self.engine = chosen.engine
        return chosen.engine


def is_there(out: Path) -> bool:
    """Whether an output is there: complete, or it would not be."""
    return out.exists() and not (out.is_dir() and not any(out.iterdir()))
