"""Cutting videos into clips."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from salzoo.interfaces import SalzooError
from salzoo.runtime.ranks import Rank
from salzoo.training.augmentation import Augmentation
from salzoo.training.clips import Reading, clip_batches, normalise, scale_by_255, shrink_fixations, still_batches

READING = Reading((4, 4))


@dataclass(frozen=True)
class Counting:
    """A video whose frame i of video n is grey 10 n + i, and whose density has its maximum at pixel i."""

    number: int
    frames: int
    split: str = "train"
    annotated: bool = True

    @property
    def id(self) -> str:
        return f"{self.number:04d}"

    def frame_name(self, index: int) -> str:
        return f"{index + 1:04d}"

    def read_frames(self, start: int = 0, stop: int | None = None) -> Iterator[NDArray[np.uint8]]:
        for index in range(start, self.frames if stop is None else stop):
            yield np.full((4, 4, 3), 10 * self.number + index, np.uint8)

    def read_density(self, index: int) -> NDArray[np.uint8]:
        density = np.zeros((4, 4), np.uint8)
        density.flat[index] = 99
        return density

    def read_fixations(self, index: int) -> NDArray[np.bool_]:
        return self.read_density(index) > 0


def test_one_slot_plays_videos_in_order_in_consecutive_clips() -> None:
    batches = list(clip_batches([Counting(1, 5), Counting(2, 2)], READING, length=3))
    seen = [batch.frames[0, :, 0, 0, 0].tolist() for batch in batches]
    assert seen == [[10, 11, 12], [13, 14], [20, 21]]
    assert [batch.starts.tolist() for batch in batches] == [[True], [False], [True]]
    assert [batch.names for batch in batches] == [("0001 frames 1-3",), ("0001 frames 4-5",), ("0002 frames 1-2",)]
    assert all(batch.valid.all() for batch in batches)
    assert [int(each.argmax()) for batch in batches for each in batch.density[0]] == [0, 1, 2, 3, 4, 0, 1]


def test_slots_take_the_next_video_when_theirs_ends() -> None:
    videos = [Counting(1, 5), Counting(2, 2), Counting(3, 4)]
    batches = list(clip_batches(videos, Reading((4, 4), batch=2), length=3))
    played: list[list[int]] = [[], []]
    for batch in batches:
        for slot in range(2):
            played[slot] += batch.frames[slot, batch.valid[slot], 0, 0, 0].tolist()
    assert played == [[10, 11, 12, 13, 14], [20, 21, 30, 31, 32, 33]]
    assert [batch.starts.tolist() for batch in batches] == [[True, True], [False, True], [True, False]]
    assert batches[-1].names == ("", "0003 frames 4-4")
    assert not batches[-1].valid[0].any()


def test_every_frame_comes_once_whatever_the_shape_of_the_batches() -> None:
    videos = [Counting(n, frames) for n, frames in enumerate([7, 1, 4, 10, 3])]
    for length in (1, 2, 10, 50):
        for batch in (1, 2, 5, 8):
            frames = [
                value
                for clip in clip_batches(videos, Reading((4, 4), batch=batch), length=length)
                for value in clip.frames[clip.valid][:, 0, 0, 0].tolist()
            ]
            assert sorted(frames) == sorted(10 * v.number + i for v in videos for i in range(v.frames))


def test_ranks_share_what_one_process_sees() -> None:
    videos = [Counting(n, frames) for n, frames in enumerate([7, 1, 4, 9, 3])]
    alone = list(clip_batches(videos, Reading((4, 4), batch=2), length=3))
    shares = [list(clip_batches(videos, Reading((4, 4), rank=Rank(n, 2)), length=3)) for n in range(2)]
    assert [len(share) for share in shares] == [len(alone)] * 2
    for whole, *parts in zip(alone, *shares, strict=True):
        assert [name for part in parts for name in part.names] == list(whole.names)
        assert {part.count for part in parts} == {whole.count}
        assert {part.longest for part in parts} == {whole.longest}
        for slot, part in enumerate(parts):
            assert np.array_equal(part.frames[part.valid], whole.frames[slot, whole.valid[slot]])


def test_what_is_skipped_is_what_came_before() -> None:
    videos = [Counting(n, frames) for n, frames in enumerate([7, 1, 4, 9, 3])]
    reading = Reading((4, 4), augmentation=Augmentation(flip=0.5), seed=3, batch=2)
    for skip in (1, 4, 9):
        clips = [clip_batches(videos, reading, length=2, shuffle=True, epochs=3, skip=n) for n in (0, skip)]
        stills = [still_batches(videos, reading, every=2, epochs=3, skip=n) for n in (0, skip)]
        for first, second in (clips, stills):
            for ours, theirs in zip(list(first)[skip:], second, strict=True):
                assert ours.names == theirs.names
                assert np.array_equal(ours.frames, theirs.frames)
                assert np.array_equal(ours.density, theirs.density)


def test_stills_come_shuffled_once_each_and_padded() -> None:
    videos = [Counting(n, frames) for n, frames in enumerate([7, 1, 4, 9, 3])]
    batches = list(still_batches(videos, Reading((4, 4), batch=5), every=1))
    names = [name for batch in batches for name in batch.names if name]
    assert sorted(names) == sorted(f"{v.id} frame {i + 1}" for v in videos for i in range(v.frames))
    assert names != sorted(names)
    assert all(batch.frames.shape == (5, 1, 4, 4, 3) and batch.starts.all() for batch in batches)
    assert [int(batch.valid.sum()) for batch in batches] == [batch.count for batch in batches] == [5, 5, 5, 5, 4]
    full = still_batches(videos, Reading((4, 4), batch=5), every=1, drop_last=True)
    assert [batch.count for batch in full] == [5, 5, 5, 5]


def test_fixations_keep_their_places_on_a_smaller_map() -> None:
    fixations = np.zeros((8, 12), bool)
    fixations[[0, 7, 4, 5], [0, 11, 6, 7]] = True
    moved = shrink_fixations(fixations, (4, 6))
    assert {(int(y), int(x)) for y, x in np.argwhere(moved)} == {(0, 0), (3, 5), (2, 3)}
    batch = next(clip_batches([Counting(1, 3)], Reading((2, 2), fixations=True), length=3))
    assert batch.fixations is not None
    assert batch.fixations.shape == (1, 3, 2, 2)
    assert batch.fixations.any((0, 2, 3)).all()


def test_a_video_with_fewer_frames_than_it_says_is_named() -> None:
    @dataclass(frozen=True)
    class Short(Counting):
        def read_frames(self, start: int = 0, stop: int | None = None) -> Iterator[NDArray[np.uint8]]:
            return super().read_frames(start, 4)

    with pytest.raises(SalzooError, match="0003 gave 1 of frames 4-6"):
        list(clip_batches([Short(3, 6)], READING, length=3))


def test_density_is_scaled_to_the_unit_range() -> None:
    assert normalise(np.array([[10, 60], [110, 10]], np.uint8)).tolist() == [[0, 0.5], [1, 0]]
    assert scale_by_255(np.array([[0, 51], [255, 0]], np.uint8)).tolist() == [[0, np.float32(0.2)], [1, 0]]


@pytest.mark.parametrize("value", [0, 7])
def test_a_blank_density_is_zeros(value: int) -> None:
    assert not normalise(np.full((2, 2), value, np.uint8)).any()
