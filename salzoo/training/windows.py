"""Random windows of videos, one of each in an epoch: what networks that look over time are trained on."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from salzoo.interfaces import SalzooError, Video
from salzoo.training.clips import Clip, ClipBatch, Cut, Reading, draw_transform, make_clip, name_frames, show, stack


@dataclass(frozen=True)
class Window:
    """What a window is.

    Attributes:
        length: frames of it.
        primes: the first so many have no truth: they prime the model.
        step: frames of the video from one of the window to the next.
    """

    length: int
    primes: int = 0
    step: int = 1

    @property
    def span(self) -> int:
        """Frames of the video from its first to its last."""
        return (self.length - 1) * self.step + 1


def window_batches(
    videos: Sequence[Video], reading: Reading, window: Window, *, epochs: int | None = 1, skip: int = 0
) -> Iterator[ClipBatch]:
    """Windows that begin anywhere in their video, the videos in random order; videos too short for one are left out,
    and so is the last batch of an epoch where it is not full.

    Args:
        videos: annotated videos.
        reading: how to read them; a window is augmented as a whole.
        window: what a window is.
        epochs: passes over the videos; None for no end.
        skip: batches to leave out, unread, at the beginning.

    Raises:
        SalzooError: fewer videos are long enough than a batch holds; a video gives fewer frames than it states.
    """
    span, whole = window.span, reading.whole
    fitting = [number for number, video in enumerate(videos) if video.frames >= span]
    if len(fitting) < whole:
        raise SalzooError(
            f"a batch of {whole} windows needs as many videos of at least {span} frames; there are {len(fitting)}: "
            "lower --batch, or clip_length"
        )
    learned = window.length - window.primes
    for epoch in itertools.count() if epochs is None else range(epochs):
        rng = np.random.default_rng([reading.seed, epoch])
        order = rng.permutation(fitting)
        starts = {int(number): int(rng.integers(videos[number].frames - span + 1)) for number in order}
        for begin in range(0, len(order) - whole + 1, whole):
            if skip:
                skip -= 1
                continue
            cuts = [
                Cut(int(number), range(starts[number], starts[number] + span, window.step), window.primes)
                for number in order[begin : begin + whole][reading.mine]
            ]
            clips = [_read_window(videos[cut.video], cut, reading, epoch) for cut in cuts]
            yield stack(clips, reading, whole * learned, learned, primes=window.primes)


def _read_window(video: Video, cut: Cut, reading: Reading, epoch: int) -> Clip:
    frames = list(video.read_frames(cut.frames[0], cut.frames[-1] + 1))[:: cut.frames.step]
    shown = show(video, cut, frames, reading)
    return make_clip(name_frames(video, cut), shown, draw_transform(reading, epoch, cut.video), reading)
