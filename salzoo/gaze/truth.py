"""What a video says about where people looked: read from its files, or made from the gaze of its observers."""

from typing import cast

import numpy as np
from numpy.typing import NDArray

from salzoo.gaze.maps import density_map, fixation_map, join_observers
from salzoo.interfaces.dataset import DensityVideo, FixationVideo, GazeVideo, Video
from salzoo.interfaces.errors import SalzooError


def has_gaze(video: Video) -> bool:
    """Whether a video knows its observers one by one (``GazeVideo``)."""
    return _offers(video, "read_gaze")


def has_density(video: Video) -> bool:
    """Whether a video has density maps, its own or made from gaze."""
    return _offers(video, "read_density") or has_gaze(video)


def has_fixations(video: Video) -> bool:
    """Whether a video has fixation maps, its own or made from gaze."""
    return _offers(video, "read_fixations") or has_gaze(video)


def read_density(video: Video, index: int) -> NDArray[np.uint8]:
    """The density map of a frame, (H, W) uint8: the video's own, else Gaussians of its ``sigma`` at all fixations.

    Raises SalzooError where there is neither, or a file cannot be read.
    """
    if _offers(video, "read_density"):
        return cast(DensityVideo, video).read_density(index)
    seen = _gaze(video, "density maps")
    return density_map(join_observers(seen.read_gaze(index)), seen.size, seen.sigma)


def read_fixations(video: Video, index: int) -> NDArray[np.bool_]:
    """The fixation map of a frame, (H, W) bool: the video's own, else the pixels that its observers fixated.

    Raises SalzooError where there is neither, or a file cannot be read.
    """
    if _offers(video, "read_fixations"):
        return cast(FixationVideo, video).read_fixations(index)
    seen = _gaze(video, "fixations")
    return fixation_map(join_observers(seen.read_gaze(index)), seen.size)


def _offers(video: Video, reader: str) -> bool:
    return callable(getattr(video, reader, None))


def _gaze(video: Video, wanted: str) -> GazeVideo:
    if not has_gaze(video):
        raise SalzooError(f"video {video.id} has no {wanted}, and no gaze of observers to make them from")
    return cast(GazeVideo, video)
