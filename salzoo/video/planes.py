"""Heat drawn in the planes of HD video, whose frames need not become images then."""

from functools import lru_cache

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from salzoo.video.overlay import OPACITY, heat_colours, hidden_share, interpolation_to
from salzoo.video.pixels import pixels_of

_LUMA = np.array([0.0722, 0.7152, 0.2126])
"""Of blue, green, red (ITU-R BT.709)."""


def draw_heat_in_planes(
    frame: av.VideoFrame, grey_map: NDArray[np.uint8], colormap: str = "inferno", opacity: float = OPACITY
) -> av.VideoFrame:
    """As ``draw_heat``, on a frame as ``Decoded`` has it: BT.709, 8 bits of limited range, chroma at half the size.

    Args:
        frame: stays as it was.
        grey_map: (h, w) uint8 of any size.
        colormap, opacity: as for ``draw_heat``.
    """
    drawn = av.VideoFrame(frame.width, frame.height, "yuv420p")
    added, kept = _blending(colormap, opacity)
    levels = share = grey_map
    for plane, (below, above) in enumerate(zip(pixels_of(frame), pixels_of(drawn), strict=True)):
        if plane < 2:  # those of chroma have one size
            how = interpolation_to(grey_map.shape, below.shape)
            levels = cv2.resize(grey_map, below.shape[::-1], interpolation=how)  # type: ignore[assignment]
            share = cv2.LUT(levels, kept)  # type: ignore[assignment]
        dimmed = cv2.multiply(below, share, scale=1 / 255)
        above[:] = cv2.add(dimmed, cv2.LUT(levels, added[plane]))
    return drawn


@lru_cache(maxsize=8)
def _blending(colormap: str, opacity: float) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """For each level of a map, what heat adds to the three planes, (3, 256), and the share of the frame that stays, in
    255ths."""
    colours = heat_colours(colormap).reshape(256, 3) / 255
    luma = colours @ _LUMA
    blue, red = (colours[:, 0] - luma) / 1.8556, (colours[:, 2] - luma) / 1.5748
    hides = hidden_share(opacity)
    planes = np.stack([16 + 219 * luma, 128 + 224 * blue, 128 + 224 * red]) * hides
    return planes.round().astype(np.uint8), (255 * (1 - hides)).round().astype(np.uint8)
