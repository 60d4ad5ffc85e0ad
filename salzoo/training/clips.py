"""Clips of consecutive frames with their density maps, batched over videos, and batches of still frames."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from salzoo.interfaces import Video
from salzoo.video.resizing import resize_frame

STILL_EVERY = 10
"""Frames from one still to the next of a video."""

STILL_VIDEOS = 20
"""Videos whose stills are shuffled together."""


@dataclass(frozen=True)
class ClipBatch:
    """The next clip of each of B videos that run side by side.

    Attributes:
        frames: (B, T, H, W, 3) uint8, BGR; zeros where not valid.
        density: (B, T, H, W) float32, each map min-max normalised to [0, 1] (a blank one stays 0).
        valid: (B, T) bool, false for the padding after a video's end.
        starts: (B,) bool, true where the clip is a video's first.
        names: what each slot holds, "0001 frames 11-20"; empty for a slot without a video.
    """

    frames: NDArray[np.uint8]
    density: NDArray[np.float32]
    valid: NDArray[np.bool_]
    starts: NDArray[np.bool_]
    names: tuple[str, ...]


def clip_batches(videos: Sequence[Video], *, size: tuple[int, int], length: int, batch: int = 1) -> Iterator[ClipBatch]:
    """Cut videos into clips of consecutive frames; the last of a video may be shorter.

    Each of the ``batch`` slots plays a video from start to end and then takes the next of the list, so that with one
    slot the videos follow each other in order.

    Args:
        videos: annotated videos.
        size: (height, width) of frames and maps.
        length: frames in a clip.
        batch: videos side by side.
    """
    queue = iter(videos)
    slots: list[Iterator[_Clip]] = [iter(()) for _ in range(batch)]

    def next_clip(slot: int) -> _Clip | None:
        while True:
            clip = next(slots[slot], None)
            if clip is not None:
                return clip
            video = next(queue, None)
            if video is None:
                return None
            slots[slot] = _clips(video, size, length)

    while any(clips := [next_clip(slot) for slot in range(batch)]):
        frames = np.zeros((batch, length, *size, 3), np.uint8)
        density = np.zeros((batch, length, *size), np.float32)
        valid = np.zeros((batch, length), bool)
        for slot, clip in enumerate(clips):
            if clip:
                count = len(clip.frames)
                frames[slot, :count], density[slot, :count], valid[slot, :count] = clip.frames, clip.density, True
        longest = int(valid.sum(1).max())
        yield ClipBatch(
            frames[:, :longest],
            density[:, :longest],
            valid[:, :longest],
            starts=np.array([clip is None or clip.start == 0 for clip in clips]),
            names=tuple(clip.name if clip else "" for clip in clips),
        )


def still_batches(
    videos: Sequence[Video], *, size: tuple[int, int], batch: int, rng: np.random.Generator
) -> Iterator[ClipBatch]:
    """Single frames in random order, each as a video of one frame.

    Neighbouring frames hardly differ, so one in ``STILL_EVERY`` is taken, from a random first one on. Frames are
    shuffled among ``STILL_VIDEOS`` videos at a time, which bounds what is held in memory.

    Args:
        videos: annotated videos.
        size: (height, width) of frames and maps.
        batch: frames in a batch; some are smaller.
        rng: draws the order.
    """
    order = rng.permutation(len(videos))
    for chunk in range(0, len(videos), STILL_VIDEOS):
        stills: list[_Clip] = []
        for number in order[chunk : chunk + STILL_VIDEOS]:
            first = int(rng.integers(STILL_EVERY))
            stills += _stills(videos[number], size, first)
        rng.shuffle(stills)
        for start in range(0, len(stills), batch):
            taken = stills[start : start + batch]
            yield ClipBatch(
                np.stack([still.frames for still in taken]),
                np.stack([still.density for still in taken]),
                valid=np.ones((len(taken), 1), bool),
                starts=np.ones(len(taken), bool),
                names=tuple(still.name for still in taken),
            )


@dataclass(frozen=True)
class _Clip:
    name: str
    start: int
    frames: NDArray[np.uint8]
    density: NDArray[np.float32]


def _clips(video: Video, size: tuple[int, int], length: int) -> Iterator[_Clip]:
    frames = (resize_frame(frame, size) for frame in video.read_frames())
    for start in itertools.count(0, length):
        chunk = list(itertools.islice(frames, length))
        if not chunk:
            return
        density = [normalise(resize_frame(video.read_density(start + i), size)) for i in range(len(chunk))]
        name = f"{video.id} frames {start + 1}-{start + len(chunk)}"
        yield _Clip(name, start, np.stack(chunk), np.stack(density))


def _stills(video: Video, size: tuple[int, int], first: int) -> list[_Clip]:
    shown = range(first, video.frames, STILL_EVERY)
    frames = itertools.islice(video.read_frames(), first, None, STILL_EVERY)
    return [
        _Clip(
            f"{video.id} frame {index + 1}",
            0,
            resize_frame(frame, size)[None],
            normalise(resize_frame(video.read_density(index), size))[None],
        )
        for index, frame in zip(shown, frames, strict=True)
    ]


def normalise(density: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Scale a density map to a minimum of 0 and a maximum of 1, as SalEMA's training does; a blank map gives zeros."""
    low, high = float(density.min()), float(density.max())
    return (density.astype(np.float32) - low) / (high - low if high > low else 1)
