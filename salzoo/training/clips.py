"""Clips of consecutive frames with their truth, batched over videos, and batches of still frames.

What comes in which order is a function of the seed and the epoch alone, so that a run which is resumed skips what it
has seen without reading it, and each rank of a job knows what the others have.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from salzoo.gaze.truth import read_density, read_fixations
from salzoo.interfaces import Interpolation, SalzooError, Video
from salzoo.runtime.ranks import Rank
from salzoo.training.augmentation import Augmentation, Transform
from salzoo.video.resizing import resize_frame

KEPT_BYTES = 2**29
"""What stills of one data set may take in memory, at the model's size and with their truth. So many videos are read at
once that their stills, shuffled together, stay below it; photographs are kept as far as it goes, because decoding them
anew in every epoch would take a quarter of the training's time."""

PHOTOGRAPHS = 64
"""Batches of photographs that are shuffled together: the first waits for all of them to be read."""

_STILL_BYTES = 5  # of a pixel: three of the frame, one each of density and fixations

ALONE = Rank(0, 1)


@dataclass(frozen=True)
class ClipBatch:
    """The next clip of each of B videos that run side by side, or B stills.

    Attributes:
        frames: (B, T, H, W, 3) uint8, BGR; zeros where not valid.
        density: (B, T, H, W) float32 in [0, 1].
        fixations: (B, T, H, W) bool; None where not asked for.
        valid: (B, T) bool, false for the padding after a video's end.
        starts: (B,) bool, true where the clip is a video's first.
        names: what each slot holds, "0001 frames 11-20"; empty for a slot without a video.
        count: valid frames of this batch on all ranks together.
        longest: the longest clip of this batch on all ranks.
        still: whether these are stills, each a video of one frame.
        primes: the first so many frames prime the model: there are as many less of density, fixations and ``valid``.
    """

    frames: NDArray[np.uint8]
    density: NDArray[np.float32]
    fixations: NDArray[np.bool_] | None
    valid: NDArray[np.bool_]
    starts: NDArray[np.bool_]
    names: tuple[str, ...]
    count: int
    longest: int
    still: bool
    primes: int = 0


@dataclass(frozen=True)
class Reading:
    """How frames and their truth are read for training.

    Attributes:
        size: (height, width) of frames and maps.
        target: "range" scales a density map to a minimum of 0 and a maximum of 1, as SalEMA does, "255" divides by 255,
            as SalGAN does.
        augmentation: drawn once for each video and epoch, because temporal state runs on from clip to clip.
        fixations: whether they are read.
        seed: of order and augmentation.
        batch: videos side by side, or stills, on each rank.
        rank: this process among those that share the batches.
        interpolation: how frames are resized; truths always by area.
    """

    size: tuple[int, int]
    target: Literal["range", "255"] = "range"
    augmentation: Augmentation = Augmentation()  # noqa: RUF009 - frozen
    fixations: bool = False
    seed: int = 0
    batch: int = 1
    rank: Rank = ALONE
    interpolation: Interpolation = "opencv-area"

    @property
    def whole(self) -> int:
        """What all ranks have together in a batch."""
        return self.batch * self.rank.size

    @property
    def mine(self) -> slice:
        """This rank's part of that."""
        return slice(self.rank.number * self.batch, (self.rank.number + 1) * self.batch)


def clip_batches(
    videos: Sequence[Video],
    reading: Reading,
    *,
    length: int,
    shuffle: bool = False,
    epochs: int | None = 1,
    skip: int = 0,
) -> Iterator[ClipBatch]:
    """Cut videos into clips of consecutive frames; the last of a video may be shorter.

    Each slot of a batch plays a video from start to end and then takes the next of the list, so that with one slot the
    videos follow each other in order. With W ranks there are W times as many slots; each gets its share.

    Args:
        videos: annotated videos.
        reading: how to read them.
        length: frames in a clip.
        shuffle: take the videos in another order in every epoch.
        epochs: passes over the videos; None for no end.
        skip: batches to leave out, unread, at the beginning.
    """
    players = [_Player(reading) for _ in range(reading.batch)]
    for epoch in itertools.count() if epochs is None else range(epochs):
        order = np.random.default_rng([reading.seed, epoch]).permutation(len(videos)) if shuffle else range(len(videos))
        for cuts in _plan_clips(videos, order, length, reading.whole):
            if skip:
                skip -= 1
                continue
            clips = [
                player.play(videos[cut.video], cut, epoch) if cut else None
                for player, cut in zip(players, cuts[reading.mine], strict=True)
            ]
            counts = [len(cut.frames) if cut else 0 for cut in cuts]
            yield stack(clips, reading, sum(counts), max(counts))


def still_batches(
    videos: Sequence[Video],
    reading: Reading,
    *,
    every: int = 10,
    drop_last: bool = False,
    epochs: int | None = 1,
    skip: int = 0,
) -> Iterator[ClipBatch]:
    """Single frames in random order, each as a video of one frame.

    Neighbouring frames hardly differ, so one in ``every`` of a video is taken, from a random first one on. Frames are
    shuffled among as many videos at a time as ``KEPT_BYTES`` holds.

    Args:
        videos: annotated videos.
        reading: how to read them; the last batch of a shuffle may have fewer.
        every: frames from one still of a video to the next.
        drop_last: leave out batches that are not full.
        epochs: passes over the videos; None for no end.
        skip: batches to leave out, unread, at the beginning.
    """
    whole = reading.whole
    kept: dict[int, _Shown] = {}
    for epoch in itertools.count() if epochs is None else range(epochs):
        rng = np.random.default_rng([reading.seed, epoch])
        order = rng.permutation(len(videos))
        for group in _group_videos(videos, order, every, whole, reading.size):
            cuts = [cut for number in group for cut in _draw_stills(videos, number, every, rng)]
            rng.shuffle(cuts)
            batches = [cuts[start : start + whole] for start in range(0, len(cuts), whole)]
            if drop_last:
                batches = [each for each in batches if len(each) == whole]
            skipped = min(skip, len(batches))
            skip -= skipped
            yield from _read_stills(videos, batches[skipped:], reading, epoch, kept)


@dataclass(frozen=True)
class Cut:
    """Frames of a video, by its number in the list; of the first ``primes`` no truth is read."""

    video: int
    frames: range
    primes: int = 0


@dataclass(frozen=True)
class _Shown:
    """Frames and the truth of those behind the ones that prime, at the model's size, as they are before augmentation:
    (T, H, W, 3), (T − primes, H, W) twice."""

    images: NDArray[np.uint8]
    density: NDArray[np.uint8]
    fixations: NDArray[np.bool_] | None


@dataclass(frozen=True)
class Clip:
    """What a slot of a batch shows, augmented; ``goes_on`` where it is not a video's first."""

    name: str
    goes_on: bool
    frames: NDArray[np.uint8]
    density: NDArray[np.float32]
    fixations: NDArray[np.bool_] | None


def _plan_clips(
    videos: Sequence[Video], order: Sequence[int] | NDArray[np.int64], length: int, slots: int
) -> Iterator[list[Cut | None]]:
    """Which frames each slot shows, batch after batch."""
    queue = iter(order)
    playing: list[Iterator[Cut]] = [iter(()) for _ in range(slots)]

    def cut(number: int) -> Iterator[Cut]:
        frames = range(videos[number].frames)
        return (Cut(number, frames[start : start + length]) for start in frames[::length])

    def next_cut(slot: int) -> Cut | None:
        while (following := next(playing[slot], None)) is None:
            number = next(queue, None)
            if number is None:
                return None
            playing[slot] = cut(int(number))
        return following

    while any(cuts := [next_cut(slot) for slot in range(slots)]):
        yield cuts


def _group_videos(
    videos: Sequence[Video], order: NDArray[np.int64], every: int, batch: int, size: tuple[int, int]
) -> Iterator[list[int]]:
    """Cut an order of videos into groups whose stills are read and shuffled together."""
    most = KEPT_BYTES // (_STILL_BYTES * size[0] * size[1])
    group: list[int] = []
    stills = 0
    for number in map(int, order):
        frames = videos[number].frames
        count = -(-frames // every)
        if group and stills + count > (PHOTOGRAPHS * batch if frames == 1 else most):
            yield group
            group, stills = [], 0
        group.append(number)
        stills += count
    if group:
        yield group


def _draw_stills(videos: Sequence[Video], number: int, every: int, rng: np.random.Generator) -> list[Cut]:
    frames = videos[number].frames
    first = int(rng.integers(min(every, frames))) if frames else 0
    return [Cut(number, range(frame, frame + 1)) for frame in range(first, frames, every)]


class _Player:
    """Reads the clips of one slot; it goes on in a video where it stands, and jumps where a run is resumed."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.at: tuple[int, int, int] | None = None  # epoch, video, next frame

    def play(self, video: Video, cut: Cut, epoch: int) -> Clip:
        start, stop = cut.frames.start, cut.frames.stop
        if self.at != (epoch, cut.video, start):
            self.frames = video.read_frames(start)
            self.transform = draw_transform(self.reading, epoch, cut.video)
        self.at = (epoch, cut.video, stop)
        shown = show(video, cut, list(itertools.islice(self.frames, stop - start)), self.reading)
        return make_clip(name_frames(video, cut), shown, self.transform, self.reading, goes_on=start > 0)


def name_frames(video: Video, cut: Cut) -> str:
    """What messages call the frames of a clip.

    >>> from types import SimpleNamespace as Video
    >>> name_frames(Video(id="0001"), Cut(0, range(10, 20)))
    '0001 frames 11-20'
    """
    return f"{video.id} frames {cut.frames[0] + 1}-{cut.frames[-1] + 1}"


def _read_stills(
    videos: Sequence[Video],
    batches: Sequence[Sequence[Cut]],
    reading: Reading,
    epoch: int,
    kept: dict[int, _Shown],
) -> Iterator[ClipBatch]:
    """Read this rank's part of the batches, each video in one pass; photographs are kept, by their number."""
    shares = [cuts[reading.mine] for cuts in batches]
    wanted: dict[int, list[Cut]] = {}
    for cut in itertools.chain.from_iterable(shares):
        wanted.setdefault(cut.video, []).append(cut)
    stills: dict[Cut, Clip] = {}
    for number, cuts in wanted.items():
        video = videos[number]
        places = {cut.frames.start: cut for cut in cuts}
        low, high = min(places), max(places) + 1
        shown = {low: kept[number]} if number in kept else _show_frames(video, places, low, high, reading)
        for index, each in shown.items():
            transform = draw_transform(reading, epoch, number, index)
            stills[places[index]] = make_clip(f"{video.id} frame {index + 1}", each, transform, reading)
        if video.frames == 1 and (len(kept) + 1) * _STILL_BYTES * reading.size[0] * reading.size[1] <= KEPT_BYTES:
            kept[number] = shown[low]
    for whole, share in zip(batches, shares, strict=True):
        clips: list[Clip | None] = [stills.pop(cut) for cut in share]
        clips += [None] * (reading.batch - len(clips))
        yield stack(clips, reading, len(whole), 1, still=True)


def _show_frames(video: Video, places: Mapping[int, Cut], low: int, high: int, reading: Reading) -> dict[int, _Shown]:
    """Those of the frames low..high−1 that are wanted, by their index."""
    frames = enumerate(video.read_frames(low, high), start=low)
    return {index: show(video, places[index], [frame], reading) for index, frame in frames if index in places}


def show(video: Video, cut: Cut, frames: Sequence[NDArray[np.uint8]], reading: Reading) -> _Shown:
    """Resize a clip's frames and truth. Raises SalzooError where the video gave fewer frames than it states."""
    size = reading.size
    if len(frames) != len(cut.frames):
        first, last = cut.frames[0] + 1, cut.frames[-1] + 1
        raise SalzooError(f"video {video.id} gave {len(frames)} of frames {first}-{last}")
    learned = cut.frames[cut.primes :]
    images = np.stack([_shrink(frame, reading) for frame in frames])
    density = np.stack([resize_frame(read_density(video, index), size) for index in learned])
    fixations = None
    if reading.fixations:
        fixations = np.stack([shrink_fixations(read_fixations(video, index), size) for index in learned])
    return _Shown(images, density, fixations)


def _shrink(frame: NDArray[np.uint8], reading: Reading) -> NDArray[np.uint8]:
    """Resize a frame as the model's input is; where that gives fractions of grey levels, rounded."""
    resized = resize_frame(frame, reading.size, reading.interpolation)
    return resized if resized.dtype == np.uint8 else np.rint(resized).astype(np.uint8)


def make_clip(name: str, shown: _Shown, transform: Transform, reading: Reading, *, goes_on: bool = False) -> Clip:
    """Augment a clip and scale its density."""
    images, density, fixations = transform.apply(shown.images, shown.density, shown.fixations)
    scaled = np.stack([normalise(each) if reading.target == "range" else scale_by_255(each) for each in density])
    return Clip(name, goes_on, images, scaled, fixations)


def stack(
    clips: Sequence[Clip | None], reading: Reading, count: int, longest: int, *, still: bool = False, primes: int = 0
) -> ClipBatch:
    """Put clips side by side, padded to the longest of them."""
    own = max((len(clip.frames) for clip in clips if clip), default=1)
    shape = (len(clips), own - primes, *reading.size)
    frames, density = np.zeros((len(clips), own, *reading.size, 3), np.uint8), np.zeros(shape, np.float32)
    fixations = np.zeros(shape, bool) if reading.fixations else None
    valid = np.zeros(shape[:2], bool)
    for slot, clip in enumerate(clips):
        if clip:
            frames[slot, : len(clip.frames)] = clip.frames
            density[slot, : len(clip.density)] = clip.density
            valid[slot, : len(clip.density)] = True
            if fixations is not None:
                fixations[slot, : len(clip.density)] = clip.fixations
    starts = np.array([clip is None or not clip.goes_on for clip in clips])
    names = tuple(clip.name if clip else "" for clip in clips)
    return ClipBatch(frames, density, fixations, valid, starts, names, count, longest, still, primes)


def draw_transform(reading: Reading, *place: int) -> Transform:
    """The augmentation of what stands at a place: an epoch, a video, for stills a frame."""
    return reading.augmentation.draw(np.random.default_rng([reading.seed, 1, *place]))


def normalise(density: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Scale a density map to a minimum of 0 and a maximum of 1, as SalEMA's training does; a blank map gives zeros."""
    low, high = float(density.min()), float(density.max())
    return (density.astype(np.float32) - low) / (high - low if high > low else 1)


def scale_by_255(density: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Scale a density map (uint8) as SalGAN's training does."""
    return np.asarray(density / 255, dtype=np.float32)


def shrink_fixations(fixations: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Move the points of a fixation map (H, W) to a map of another size; those that meet count once."""
    height, width = size
    rows, columns = np.nonzero(fixations)
    moved = np.zeros(size, bool)
    moved[rows * height // fixations.shape[0], columns * width // fixations.shape[1]] = True
    return moved
