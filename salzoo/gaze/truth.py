"""What a video says about where people looked: read from its files, or made from the gaze of its observers."""

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from salzoo.gaze.maps import density_map, fixation_map, join_observers
from salzoo.interfaces.dataset import DensityVideo, FixationVideo, GazeVideo, Video
from salzoo.interfaces.errors import SalzooError

_WORDS = {"density": "density maps", "fixations": "fixation maps"}


def has_gaze(video: Video) -> bool:
    """Whether a video knows its observers one by one (``GazeVideo``)."""
    return callable(getattr(video, "read_gaze", None))


def has_density(video: Video) -> bool:
    """Whether a video has density maps, its own or made from gaze."""
    return _offers(video, "density") or has_gaze(video)


def has_fixations(video: Video) -> bool:
    """Whether a video has fixation maps, its own or made from gaze."""
    return _offers(video, "fixations") or has_gaze(video)


def kinds_of(videos: Sequence[Video], name: str) -> frozenset[str]:
    """Which of "density" and "fixations" some annotated videos have.

    Args:
        videos: what is asked.
        name: what they are called in the message.

    Raises:
        SalzooError: where some of them have a kind and others lack it.
    """
    kinds = set()
    for kind, has in (("density", has_density), ("fixations", has_fixations)):
        lacking = [video.id for video in videos if not has(video)]
        if lacking and len(lacking) < len(videos):
            what = _WORDS[kind]
            raise SalzooError(f"{name}: no {what} of {len(lacking)} of {len(videos)} videos, first {lacking[0]}")
        if not lacking:
            kinds.add(kind)
    return frozenset(kinds)


def read_density(video: Video, index: int) -> NDArray[np.uint8]:
    """The density map of a frame, (H, W) uint8: the video's own, else Gaussians of its ``sigma`` at all fixations.

    Raises SalzooError where there is neither, or a file cannot be read.
    """
    if _offers(video, "density"):
        return cast(DensityVideo, video).read_density(index)
    seen = _gaze(video, "density")
    return density_map(join_observers(seen.read_gaze(index)), seen.size, seen.sigma)


def read_fixations(video: Video, index: int) -> NDArray[np.bool_]:
    """The fixation map of a frame, (H, W) bool: the video's own, else the pixels that its observers fixated.

    Raises SalzooError where there is neither, or a file cannot be read.
    """
    if _offers(video, "fixations"):
        return cast(FixationVideo, video).read_fixations(index)
    seen = _gaze(video, "fixations")
    return fixation_map(join_observers(seen.read_gaze(index)), seen.size)


def _offers(video: Video, kind: str) -> bool:
    return callable(getattr(video, f"read_{kind}", None)) and kind not in getattr(video, "lacks", ())


def _gaze(video: Video, wanted: str) -> GazeVideo:
    if not has_gaze(video):
        raise SalzooError(f"video {video.id} has no {_WORDS[wanted]}, and no gaze of observers to make them from")
    return cast(GazeVideo, video)
