"""From a video file to what is written, against the script that one would write oneself."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from statistics import median
from time import process_time

import av
import cv2
import numpy as np
import torch

from salzoo.bench.measuring import Table, quartiles, time_in_turn
from salzoo.model import SaliencyModel
from salzoo.prediction.engines.engine import RunOptions
from salzoo.prediction.inputs import Input, Selection
from salzoo.prediction.outputs import OutputOptions
from salzoo.prediction.runner import Runner
from salzoo.video.reading import probe_video

KINDS = ("mp4", "mkv", "csv")
"""What is written."""

SECONDS = 4.0
"""Of the video."""

RUN_EVERY = 3
"""Frames from one that the network sees to the next, in the variant that leaves some out."""


def bench_pipeline(model: SaliencyModel, video: Path, *, rounds: int = 5) -> Table:
    """Time ``predict`` on a video's first seconds, by what is written, against a plain script that writes .mp4.

    Notes have the processor's time, of all threads, which other work on the machine changes little.

    Args:
        model: in eval mode, where it is to run.
        video: to read.
        rounds: how often each is timed.
    """
    info, how = probe_video(video), RunOptions()
    frames = max(min(int(SECONDS * info.fps), info.frames), 1)
    options, selection = OutputOptions(overwrite=True), Selection(stop=SECONDS)
    with tempfile.TemporaryDirectory(prefix="salzoo-") as folder:

        def run(runner: Runner, kind: str) -> Callable[[], object]:
            out = Path(folder, f"out.{kind}")
            return lambda: runner.run(Input.of(video), out, selection, options)

        runner = Runner(model, how, count=lambda: None)
        spaced = Runner(model, replace(how, run_every=RUN_EVERY), count=lambda: None)
        variants: dict[str, Callable[[], object]] = {
            "plain script, .mp4": lambda: plain_script(model, video, Path(folder, "plain.mp4"), frames)
        }
        variants |= {f"predict, .{kind}": run(runner, kind) for kind in KINDS}
        variants[f"predict --run-every {RUN_EVERY}, .mp4"] = run(spaced, "mp4")
        spent: dict[str, list[float]] = {name: [] for name in variants}

        def measured(name: str) -> Callable[[], None]:
            def run_and_measure() -> None:
                began = process_time()
                variants[name]()
                spent[name].append((process_time() - began) / frames)

            return run_and_measure

        rows = time_in_turn({name: measured(name) for name in variants}, rounds=rounds, units=frames)
    notes = [f"predict runs {runner.engine.name} {runner.engine.precision}"] if runner.engine else []
    first, *_ = spent.values()
    for name, taken in spent.items():  # without the round that sets up
        ratios = [before / after for before, after in zip(first[1:], taken[1:], strict=True)]
        low, high = quartiles(ratios)
        notes.append(
            f"{name}: {1e3 * median(taken[1:]):.1f} ms of the processor's time a frame, "
            f"x first {median(ratios):.2f} ({low:.2f} to {high:.2f})"
        )
    return Table(f"{model.spec} over {frames} frames of {info.width}x{info.height}", "frame", rows, notes)


def plain_script(model: SaliencyModel, video: Path, out: Path, frames: int) -> None:
    """What one would write oneself: PyAV, the model frame by frame, OpenCV's overlay, x264."""
    height, width = model.preprocessing.size
    with av.open(str(video)) as reading, av.open(str(out), "w") as writing, torch.inference_mode():
        stream = writing.add_stream("libx264", rate=25, options={"preset": "veryfast"})
        stream.pix_fmt = "yuv420p"
        shown = reading.streams.video[0]
        stream.height, stream.width = shown.height // 2 * 2, shown.width // 2 * 2
        state = None
        for number, frame in enumerate(reading.decode(video=0)):
            if number == frames:
                break
            image = frame.to_ndarray(format="bgr24")
            image = image[: stream.height, : stream.width]
            small = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
            maps, state = model(model.preprocess(small[None]), state)
            map_ = model.as_maps(maps)[0, 0, 0].float().cpu().numpy()
            grey = (255 * map_ / max(float(map_.max()), 1e-12)).astype(np.uint8)
            heat = cv2.applyColorMap(cv2.resize(grey, (image.shape[1], image.shape[0])), cv2.COLORMAP_INFERNO)
            blended = np.asarray(cv2.addWeighted(image, 0.5, heat, 0.5, 0), np.uint8)
            drawn = av.VideoFrame.from_ndarray(blended, "bgr24")
            drawn.pts, drawn.time_base = number, Fraction(1, 25)
            writing.mux(stream.encode(drawn))
        writing.mux(stream.encode(None))
