"""What a data set gives: video records with readers."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from salzoo.interfaces.errors import SalzooError


class Video(Protocol):
    """One video, or one still image (a video of one frame). Nothing is read before a reader is called.

    Implementations are small picklable records (worker processes receive them). Frames are counted from 0.
    Readers raise SalzooError naming the file when it is missing or cannot be decoded.

    What was measured of people is read by the methods of ``DensityVideo``, ``FixationVideo`` and ``GazeVideo``, as far
    as a set has it; ``salzoo.gaze.truth`` asks for it and makes what is missing from what is there. A record whose
    class has a reader for what its own files lack says so in ``lacks``: ("density",) or ("fixations",).
    One that knows its frames per second has them as ``rate``, 0 where they are unknown.
    """

    @property
    def id(self) -> str:
        """Name of the video, unique in its data set; the folder that saved maps of this video lie in."""

    @property
    def split(self) -> str:
        """Split that the video belongs to: "train", "val" or "test"."""

    @property
    def frames(self) -> int:
        """Number of frames."""

    @property
    def annotated(self) -> bool:
        """Whether there is anything of people to read (test splits are often held back)."""

    def frame_name(self, index: int) -> str:
        """File name of a frame without its ending, as the data set numbers it ("0001")."""

    def read_frames(self, start: int = 0, stop: int | None = None) -> Iterator[NDArray[np.uint8]]:
        """Yield frames start..stop−1 (to the end when stop is None): (H, W, 3) uint8, BGR."""


def digest_of(video: Video) -> list[str]:
    """A short text that changes with what a video holds, of a record that has one as ``digest``; else none."""
    found = getattr(video, "digest", "")
    return [found] if found else []


def rate_of(video: Video) -> float:
    """Frames per second of a video, 0 where they are not known."""
    return getattr(video, "rate", 0.0)


@runtime_checkable
class DensityVideo(Protocol):
    """A ``Video`` with density maps."""

    def read_density(self, index: int) -> NDArray[np.uint8]:
        """Density map of a frame: (H, W) uint8."""


@runtime_checkable
class FixationVideo(Protocol):
    """A ``Video`` with fixation maps."""

    def read_fixations(self, index: int) -> NDArray[np.bool_]:
        """Fixation map of a frame: (H, W) bool, true at the fixated pixels."""


@runtime_checkable
class GazeVideo(Protocol):
    """A ``Video`` that knows its observers one by one.

    Density and fixation maps are made from it where the video has none of its own. A frame at which nobody looked has
    no truth: it is neither scored nor trained on.

    Points are (x, y) in continuous pixels of the frame, from its upper left corner: column c spans x from c to c + 1.
    """

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of its frames."""

    @property
    def sigma(self) -> float:
        """Standard deviation of the density's Gaussian, in pixels of its frames."""

    @property
    def observers(self) -> int:
        """How many people watched."""

    def read_gaze(self, index: int) -> list[NDArray[np.float32]]:
        """Where each observer looked at a frame: for each of them (n, 2) x and y within the frame, often of one point
        or none."""


@dataclass(frozen=True)
class Viewing:
    """One person's watching of one video or image.

    Attributes:
        observer: who.
        fixations: (n, 4) start and duration in seconds from the first frame on, x and y in pixels as for ``GazeVideo``
            (as recorded, so that they may lie outside the frame), in order of start. There may be none.
        number: which of this observer's viewings it is, from 1.
    """

    observer: str
    fixations: NDArray[np.float64]
    number: int = 1


@runtime_checkable
class ViewedVideo(Protocol):
    """A ``Video`` that knows the order and the times of each observer's fixations."""

    def read_viewings(self) -> list[Viewing]:
        """Every viewing, by observer. Raises SalzooError where order or times were not published."""


@dataclass(frozen=True)
class Dataset:
    """The videos found under a root folder.

    Attributes:
        name: registered name of the data set.
        videos: all videos, in the data set's own order.
        note: printed wherever a score on this data set is printed (for example that it is synthetic).
    """

    name: str
    videos: Sequence[Video]
    note: str = ""

    def split(self, name: str) -> list[Video]:
        """The videos of one split, in order; those of all for "all". Raises SalzooError when there are none."""
        videos = [video for video in self.videos if name in (video.split, "all")]
        if not videos:
            splits = sorted({video.split for video in self.videos})
            raise SalzooError(
                f"data set {self.name} has no split {name!r} here; it has {', '.join(splits) or 'no videos'}"
            )
        return videos


DatasetFactory = Callable[..., Dataset]
"""A registered data set, ``dataset(root, *, **params)``: from a root folder to its videos. Parameters are keyword-only,
annotated int, float, bool or str, with defaults: ``hevc33:fold=2`` sets one. None as root means that the user named
none: a data set that makes its own (``synthetic``) uses its cache, any other raises SalzooError saying how to name
one."""
