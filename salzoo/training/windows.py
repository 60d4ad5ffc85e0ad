"""Random windows of videos, one of each in an epoch: what networks that look over time are trained on."""

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from salzoo.gaze.truth import read_density, read_fixations
from salzoo.interfaces import SalzooError, Video
from salzoo.training.clips import ClipBatch, Reading, normalise, scale_by_255, shrink_fixations
from salzoo.video.resizing import resize_frame


def window_batches(
    videos: Sequence[Video],
    reading: Reading,
    *,
    length: int,
    primes: int = 0,
    step: int = 1,
    batch: int = 1,
    epochs: int | None = 1,
    skip: int = 0,
) -> Iterator[ClipBatch]:
    """Windows that begin anywhere in their video, the videos in random order; videos too short for one are left out,
    and so is the last batch of an epoch where it is not full.

    Args:
        videos: annotated videos.
        reading: how to read them; a window is augmented as a whole.
        length: frames of a window.
        primes: the first so many have no truth: they prime the model.
        step: frames of the video from one of a window to the next.
        batch: windows of each rank.
        epochs: passes over the videos; None for no end.
        skip: batches to leave out, unread, at the beginning.

    Raises:
        SalzooError: fewer videos are long enough than a batch holds; a video gives fewer frames than it states.
    """
    span = (length - 1) * step + 1
    fitting = [number for number, video in enumerate(videos) if video.frames >= span]
    whole = batch * reading.rank.size
    if len(fitting) < whole:
        raise SalzooError(
            f"a batch of {whole} windows needs as many videos of at least {span} frames; there are {len(fitting)}: "
            "lower --batch, or clip_length"
        )
    first = reading.rank.number * batch
    for epoch in itertools.count() if epochs is None else range(epochs):
        rng = np.random.default_rng([reading.seed, epoch])
        order = rng.permutation(fitting)
        starts = {int(number): int(rng.integers(videos[number].frames - span + 1)) for number in order}
        for begin in range(0, len(order) - whole + 1, whole):
            if skip:
                skip -= 1
                continue
            mine = [int(number) for number in order[begin + first : begin + first + batch]]
            indices = [range(starts[number], starts[number] + span, step) for number in mine]
            windows = [
                _read_window(videos[number], shown, primes, reading, (epoch, number))
                for number, shown in zip(mine, indices, strict=True)
            ]
            yield ClipBatch(
                frames=np.stack([frames for frames, _, _ in windows]),
                density=np.stack([density for _, density, _ in windows]),
                fixations=np.stack([points for _, _, points in windows]) if reading.fixations else None,
                valid=np.ones((batch, length - primes), bool),
                starts=np.ones(batch, bool),
                names=tuple(
                    f"{videos[number].id} frames {shown[0] + 1}-{shown[-1] + 1}"
                    for number, shown in zip(mine, indices, strict=True)
                ),
                count=whole * (length - primes),
                longest=length - primes,
                still=False,
                primes=primes,
            )


def _read_window(
    video: Video, indices: range, primes: int, reading: Reading, place: tuple[int, int]
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.bool_]]:
    """The frames of a window, density and fixations of those behind the first ``primes``."""
    frames = list(video.read_frames(indices[0], indices[-1] + 1))[:: indices.step]
    if len(frames) != len(indices):
        raise SalzooError(f"video {video.id} gave {len(frames)} of {len(indices)} frames from {indices[0] + 1} on")
    shrunk = [resize_frame(frame, reading.size, reading.interpolation) for frame in frames]
    images = np.rint(np.stack(shrunk)).astype(np.uint8)
    learned = indices[primes:]
    density = np.stack([resize_frame(read_density(video, index), reading.size) for index in learned])
    points = np.zeros(density.shape, bool)
    if reading.fixations:
        points = np.stack([shrink_fixations(read_fixations(video, index), reading.size) for index in learned])
    transform = reading.augmentation.draw(np.random.default_rng([reading.seed, 1, *place]))
    images, density, moved = transform.apply(images, density, points)
    scaled = np.stack([normalise(each) if reading.target == "range" else scale_by_255(each) for each in density])
    return images, scaled, points if moved is None else moved
