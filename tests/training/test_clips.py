"""Cutting videos into clips."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from salzoo.training.clips import clip_batches, normalise


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
    batches = list(clip_batches([Counting(1, 5), Counting(2, 2)], size=(4, 4), length=3))
    seen = [batch.frames[0, :, 0, 0, 0].tolist() for batch in batches]
    assert seen == [[10, 11, 12], [13, 14], [20, 21]]
    assert [batch.starts.tolist() for batch in batches] == [[True], [False], [True]]
    assert [batch.names for batch in batches] == [("0001 frames 1-3",), ("0001 frames 4-5",), ("0002 frames 1-2",)]
    assert all(batch.valid.all() for batch in batches)
    assert [int(each.argmax()) for batch in batches for each in batch.density[0]] == [0, 1, 2, 3, 4, 0, 1]


def test_slots_take_the_next_video_when_theirs_ends() -> None:
    videos = [Counting(1, 5), Counting(2, 2), Counting(3, 4)]
    batches = list(clip_batches(videos, size=(4, 4), length=3, batch=2))
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
                for clip in clip_batches(videos, size=(4, 4), length=length, batch=batch)
                for value in clip.frames[clip.valid][:, 0, 0, 0].tolist()
            ]
            assert sorted(frames) == sorted(10 * v.number + i for v in videos for i in range(v.frames))


def test_density_is_scaled_to_the_unit_range() -> None:
    assert normalise(np.array([[10, 60], [110, 10]], np.uint8)).tolist() == [[0, 0.5], [1, 0]]


@pytest.mark.parametrize("value", [0, 7])
def test_a_blank_density_is_zeros(value: int) -> None:
    assert not normalise(np.full((2, 2), value, np.uint8)).any()
