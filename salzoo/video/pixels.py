"""From a decoded frame to BGR of 8 bits, as it is to be seen."""

from fractions import Fraction
from functools import cached_property
from threading import Lock
from typing import Any

import av
import cv2
import numpy as np
from av.sidedata.sidedata import SideData
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray

from salzoo.interfaces.errors import SalzooError
from salzoo.video.hdr import HLG, PQ, tone_map
from salzoo.video.opening import Source, name_of
from salzoo.video.resizing import resize_frame
from salzoo.video.transparency import blend_on_white

_BT709, _UNSPECIFIED = 1, 2
_HD_ROWS = 720
_ROTATIONS = {1: cv2.ROTATE_90_COUNTERCLOCKWISE, 2: cv2.ROTATE_180, 3: cv2.ROTATE_90_CLOCKWISE}
_TO_BGR = np.array(  # from luma and chroma of BT.709; libswscale rounds down, by so much in the mean
    [
        [1.1644, 2.1124, 0, -18.63 - 270.39 - 0.9],
        [1.1644, -0.2132, -0.5329, -18.63 + 95.50 - 1.4],
        [1.1644, 0, 1.7927, -18.63 - 229.47 - 0.9],
    ]
)
_BLEND = np.array([[1], [2], [1]], np.float32) / 4


class PixelReader:
    """Turns the frames of one video into images of one size: that of its first.

    Colours are those of the frame's matrix and range; without a matrix, BT.709 from 720 rows on and BT.601 below, as
    players take it. HDR (PQ and HLG) is tone-mapped to BT.709; see ``salzoo.video.hdr``. Transparent parts are white.
    """

    def __init__(self, first: av.VideoFrame) -> None:
        self._stored = first.width, first.height
        self._mirrored = _is_mirrored(first)
        self._turns = round(first.rotation / 90) % 4
        self._reformatter, self._lock = VideoReformatter(), Lock()
        self.size = (first.height, first.width) if self._turns % 2 == 0 else (first.width, first.height)

    def aspect(self, stored: Fraction | None) -> Fraction:
        """The width of a pixel over its height, after rotation."""
        aspect = stored if stored and stored > 0 else Fraction(1)
        return aspect if self._turns % 2 == 0 else 1 / aspect

    def picture(self, path: Source, frame: av.VideoFrame) -> "NDArray[np.uint8] | Decoded":
        """A frame as it was decoded, where that is all that there is to it: upright, whole frames of the first one's
        size, in the 8-bit planes of HD video; else ``read``. Raises SalzooError as that does."""
        plain = (
            frame.format.name == "yuv420p"
            and (frame.width, frame.height) == self._stored
            and not (self._mirrored or self._turns or frame.interlaced_frame or frame.width % 2 or frame.height % 2)
            and frame.color_range in (ColorRange.UNSPECIFIED, ColorRange.MPEG)
            and (frame.colorspace == _BT709 or (frame.colorspace == _UNSPECIFIED and frame.height >= _HD_ROWS))
            and frame.color_trc not in (PQ, HLG)
        )
        return Decoded(self, path, frame) if plain else self.read(path, frame)

    def read(self, path: Source, frame: av.VideoFrame) -> NDArray[np.uint8]:
        """(H, W, 3) uint8, BGR. Raises SalzooError for a kind of pixels that cannot be converted."""
        matrix, deep = None, frame.color_trc in (PQ, HLG)
        clear = not deep and (frame.format.has_palette or any(part.is_alpha for part in frame.format.components))
        if frame.colorspace == _UNSPECIFIED:
            small = Colorspace.ITU709 if frame.height >= _HD_ROWS else Colorspace.ITU601
            matrix = Colorspace.BT2020 if deep else small
        try:
            with self._lock:
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
        if self._mirrored:
            image = cv2.flip(image, 0)
        if self._turns:
            image = cv2.rotate(image, _ROTATIONS[self._turns])
        return np.asarray(image, dtype=np.uint8)


def _is_mirrored(frame: av.VideoFrame) -> bool:
    """Whether its file asks to show it upside down, before it is turned: a front camera's may ask for a mirror image,
    which is that, turned by 180 degrees."""
    try:
        stored = frame.side_data.get("DISPLAYMATRIX")
    except ValueError:  # PyAV tells nothing of a frame that carries a kind that it does not know, as EXIF may be
        return False
    if not isinstance(stored, SideData):
        return False
    across, down, _, across_y, down_y, *_ = np.frombuffer(bytes(stored), np.int32).astype(np.float64).tolist()
    return bool(across * down_y < down * across_y)


class Decoded:
    """A frame in the planes that it was decoded to: BT.709, 8 bits of limited range, chroma at half the size.

    Attributes:
        shape: (H, W, 3), of its image.
        planes: the frame.
    """

    def __init__(self, reader: PixelReader, path: Source, planes: av.VideoFrame) -> None:
        self.shape = planes.height, planes.width, 3
        self.planes = planes
        self._reader, self._path = reader, path

    @cached_property
    def image(self) -> NDArray[np.uint8]:
        """(H, W, 3) uint8, BGR; converted when first asked for."""
        return self._reader.read(self._path, self.planes)

    def resized(self, size: tuple[int, int], interpolation: Any) -> NDArray[Any]:
        """As ``resize_frame``; where all planes shrink by area, they do that before their colours are converted."""
        if interpolation != "opencv-area" or 2 * size[0] > self.shape[0] or 2 * size[1] > self.shape[1]:
            return resize_frame(self.image, size, interpolation)
        return cv2.transform(cv2.merge([resize_frame(plane, size) for plane in pixels_of(self.planes)]), _TO_BGR)


def pixels_of(frame: av.VideoFrame) -> list[NDArray[np.uint8]]:
    """The samples of a frame's planes, (h, w) each, where they lie."""
    rows = [(plane, np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)) for plane in frame.planes]
    return [each[: plane.height, : plane.width] for plane, each in rows]
