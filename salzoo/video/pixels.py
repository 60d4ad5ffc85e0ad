"""From a decoded frame to BGR of 8 bits, as it is to be seen."""

from fractions import Fraction
from typing import Any

import av
import cv2
import numpy as np
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray

from salzoo.interfaces.errors import SalzooError
from salzoo.video.hdr import HLG, PQ, tone_map
from salzoo.video.opening import Source, name_of
from salzoo.video.transparency import blend_on_white

_UNSPECIFIED = 2
_HD_ROWS = 720
_ROTATIONS = {1: cv2.ROTATE_90_COUNTERCLOCKWISE, 2: cv2.ROTATE_180, 3: cv2.ROTATE_90_CLOCKWISE}
_BLEND = np.array([[1], [2], [1]], np.float32) / 4


class PixelReader:
    """Turns the frames of one video into images of one size: that of its first.

    Colours are those of the frame's matrix and range; without a matrix, BT.709 from 720 rows on and BT.601 below, as
    players take it. HDR (PQ and HLG) is tone-mapped to BT.709; see ``salzoo.video.hdr``. Transparent parts are white.
    """

    def __init__(self, first: av.VideoFrame) -> None:
        self._stored = first.width, first.height
        self._turns = round(first.rotation / 90) % 4
        self._reformatter = VideoReformatter()
        self.size = (first.height, first.width) if self._turns % 2 == 0 else (first.width, first.height)

    def aspect(self, stored: Fraction | None) -> Fraction:
        """The width of a pixel over its height, after rotation."""
        aspect = stored if stored and stored > 0 else Fraction(1)
        return aspect if self._turns % 2 == 0 else 1 / aspect

    def read(self, path: Source, frame: av.VideoFrame) -> NDArray[np.uint8]:
        """(H, W, 3) uint8, BGR. Raises SalzooError for a kind of pixels that cannot be converted."""
        matrix, deep = None, frame.color_trc in (PQ, HLG)
        clear = not deep and (frame.format.has_palette or any(part.is_alpha for part in frame.format.components))
        if frame.colorspace == _UNSPECIFIED:
            small = Colorspace.ITU709 if frame.height >= _HD_ROWS else Colorspace.ITU601
            matrix = Colorspace.BT2020 if deep else small
        try:
            converted = self._reformatter.reformat(
                frame,
                *self._stored,
                format="rgb48le" if deep else "bgra" if clear else "bgr24",
                src_colorspace=matrix,
                interpolation=Interpolation.AREA,
                threads=1,
            )
        except (av.FFmpegError, ValueError) as error:
            raise SalzooError(f"{name_of(path)} has pixels that cannot be converted ({frame.format.name})") from error
        image: NDArray[Any] = converted.to_ndarray()
        if deep:
            image = cv2.cvtColor(tone_map(image, frame.color_trc), cv2.COLOR_RGB2BGR)
        elif clear:
            image = blend_on_white(image[..., :3], image[..., 3] / np.float32(255))
        if frame.interlaced_frame:
            image = cv2.filter2D(image, -1, _BLEND, borderType=cv2.BORDER_REPLICATE)
        if self._turns:
            image = cv2.rotate(image, _ROTATIONS[self._turns])
        return np.asarray(image, dtype=np.uint8)
