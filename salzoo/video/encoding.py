"""How each kind of video file is encoded."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
import cv2
import numpy as np
from av.container import OutputContainer
from av.packet import Packet
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray

_BT709 = 1
_ACCURATE = Interpolation.AREA | Interpolation.ACCURATE_RND  # without it, grey gets 2 to 4 levels darker


@dataclass(frozen=True)
class Kind:
    """What a file's ending stands for.

    Attributes:
        container: FFmpeg's name of it.
        codec: of the pictures.
        pixels: format of colour frames.
        options: of the codec.
        even: whether frames must have even sides.
        copied: codecs of sound that this container takes and its players know.
        sound: the codec of other sound; None for a container without any.
        time_base: unit of times that the container prescribes, if it does.
    """

    container: str
    codec: str
    pixels: str
    options: dict[str, str] = field(default_factory=dict)
    even: bool = False
    copied: tuple[str, ...] = ()
    sound: str | None = None
    time_base: Fraction | None = None


KINDS = {
    ".mp4": Kind(
        "mp4", "libx264", "yuv420p", {"preset": "superfast", "crf": "21"}, True, ("aac", "mp3", "opus", "flac"), "aac"
    ),
    ".webm": Kind(
        "webm",
        "libvpx-vp9",
        "yuv420p",
        {"deadline": "realtime", "cpu-used": "8", "row-mt": "1", "crf": "32", "b": "0"},
        copied=("opus", "vorbis"),
        sound="libopus",
        time_base=Fraction(1, 1000),
    ),
    ".mkv": Kind("matroska", "ffv1", "bgr0", {"level": "3", "slices": "4", "slicecrc": "1"}),
    ".gif": Kind("gif", "gif", "pal8", time_base=Fraction(1, 100)),
    ".avi": Kind("avi", "mjpeg", "yuvj420p", {"qmin": "2", "qmax": "2"}),
}
"""Endings of videos that can be written: H.264, VP9, lossless FFV1, GIF, Motion JPEG."""


class PictureEncoder:
    """Encodes images of one size, with the times they stand at, into a stream of a container."""

    def __init__(
        self,
        container: OutputContainer,
        kind: Kind,
        size: tuple[int, int],
        fps: Fraction,
        time_base: Fraction,
        pixel_aspect: Fraction,
    ) -> None:
        self._kind, self._size = kind, size
        self._pad = (size[0] % 2, size[1] % 2) if kind.even else (0, 0)
        self._time_base = kind.time_base or (1 / fps if kind.container == "avi" else time_base)
        self._durations: dict[int, int] = {}
        self._last: int | None = None
        self._reformatter = VideoReformatter()
        self._palette: _Palette | None = None
        self.stream: Any = container.add_stream(kind.codec, rate=fps, options=kind.options)
        stream: Any = self.stream
        stream.height, stream.width = size[0] + self._pad[0], size[1] + self._pad[1]
        stream.time_base = stream.codec_context.time_base = self._time_base
        stream.codec_context.sample_aspect_ratio = pixel_aspect
        stream.thread_type = "AUTO"

    def encode(
        self, image: NDArray[Any] | av.VideoFrame, time: Fraction, duration: Fraction
    ) -> "Iterator[Packet[Any]]":
        """The packets that are ready once this image is taken in: (H, W, 3) uint8 BGR, (H, W) uint8 or uint16, or a
        frame of its own that has the pixels of this kind, BT.709 of limited range."""
        if isinstance(image, av.VideoFrame):
            if (image.height, image.width) != self._size or any(self._pad) or image.format.name != self._kind.pixels:
                raise ValueError(f"a frame of {image.format.name} {image.width}x{image.height} is not taken as it is")
        elif image.shape not in (self._size, (*self._size, 3)):
            raise ValueError(f"a frame has shape {(*self._size, 3)}, not {image.shape}")
        pts = round(time / self._time_base)
        frame = image if isinstance(image, av.VideoFrame) else self._convert(image, pts)
        if self._last is None:
            self._describe(frame)
        else:
            pts = max(pts, self._last + 1)
        frame.pts, frame.time_base = pts, self._time_base
        self._last = pts
        self._durations[pts] = max(round(duration / self._time_base), 1)
        yield from self._packets(self.stream.encode(frame))

    def finish(self) -> "Iterator[Packet[Any]]":
        """The packets that are left."""
        yield from self._packets(self.stream.encode(None))

    def _packets(self, packets: "list[Packet[Any]]") -> "Iterator[Packet[Any]]":
        for packet in packets:
            if packet.pts is not None:
                packet.duration = self._durations.pop(packet.pts, packet.duration)
            yield packet

    def _describe(self, frame: av.VideoFrame) -> None:
        """Tell the encoder what it gets."""
        context: Any = self.stream.codec_context
        context.pix_fmt = frame.format.name
        if frame.format.name == "yuv420p":
            context.colorspace = context.color_primaries = context.color_trc = _BT709
            context.color_range = ColorRange.MPEG

    def _convert(self, image: NDArray[Any], pts: int) -> av.VideoFrame:
        if self._kind.codec == "ffv1" and image.ndim == 2:
            return av.VideoFrame.from_ndarray(image, "gray" if image.dtype == np.uint8 else "gray16le")
        if any(self._pad):
            image = cv2.copyMakeBorder(image, 0, self._pad[0], 0, self._pad[1], cv2.BORDER_REPLICATE)
        if image.ndim == 2:
            image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), "bgr24")
        if self._kind.codec == "gif":
            frame.pts, frame.time_base = pts, self._time_base
            self._palette = self._palette or _Palette(frame, self._time_base)
            return self._palette.apply(frame)
        if self._kind.pixels == "bgr0":
            return self._reformatter.reformat(frame, format="bgr0", threads=1)
        full = self._kind.pixels == "yuvj420p"
        return self._reformatter.reformat(
            frame,
            format=self._kind.pixels,
            dst_colorspace=Colorspace.ITU601 if full else Colorspace.ITU709,
            dst_color_range=ColorRange.JPEG if full else ColorRange.MPEG,
            interpolation=_ACCURATE,
            threads=1,
        )


class _Palette:
    """Brings each frame to 256 colours of its own."""

    def __init__(self, frame: av.VideoFrame, time_base: Fraction) -> None:
        graph = av.filter.Graph()
        source = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=time_base)
        split, palette = graph.add("split"), graph.add("palettegen", "stats_mode=single")
        use, sink = graph.add("paletteuse", "new=1:dither=bayer:bayer_scale=4"), graph.add("buffersink")
        source.link_to(split)
        split.link_to(use, 0, 0)
        split.link_to(palette, 1, 0)
        palette.link_to(use, 0, 1)
        use.link_to(sink)
        graph.configure()
        self._graph = graph

    def apply(self, frame: av.VideoFrame) -> av.VideoFrame:
        self._graph.push(frame)
        return self._graph.vpull()
