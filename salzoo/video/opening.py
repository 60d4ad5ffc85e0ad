"""Opening a video with PyAV: the named file alone is read, and what is wrong with it is one clear line."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from salzoo.interfaces.errors import SalzooError
from salzoo.runtime.crashes import being_read
from salzoo.runtime.files import check_file, reading
from salzoo.runtime.processes import cores
from salzoo.video.picture_size import VARIABLE, max_pixels

Source = Path | BinaryIO
"""A video's file, or what gives its bytes: a pipe, a download."""

DEMUXERS = (
    "mov,matroska,webm,avi,mpegts,mpeg,mpegvideo,asf,flv,live_flv,ogg,gif,apng,mxf,nut,ivf,obu,dv,rm,wtv,swf,h261,h263,"
    "h264,hevc,vvc,m4v,mjpeg,vc1,yuv4mpegpipe,png_pipe,jpeg_pipe,bmp_pipe,tiff_pipe,webp_pipe"
)
"""The containers that are read. None names other files, as playlists, lists of parts and patterns of images do."""

_THREADS = 8  # each keeps a frame in memory


@contextmanager
def open_video(source: Source) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a video, in a ``with`` block: its container and its first stream of moving pictures, ready to decode.

    PyAV is given an open file without a name, so that no character of the name means anything to FFmpeg, and any
    attempt to open another file is refused.

    Raises:
        SalzooError: the file is missing, empty, truncated, not a video, of a kind that names other files, or with
            frames too large.
    """
    with _bytes_of(source) as file, being_read(name_of(source)):
        try:
            container = av.open(
                _Nameless(file),
                "r",
                container_options={"format_whitelist": DEMUXERS, "protocol_whitelist": "none"},
                metadata_errors="replace",
                buffer_size=2**16,
                io_open=_refuse,
            )
        except av.FFmpegError as error:
            raise SalzooError(
                f"cannot open {name_of(source)} as a video: not a video, truncated, or of an unknown format"
            ) from error
        with container:
            yield container, _picture_stream(source, container)


def name_of(source: Source) -> str:
    """What messages call a source."""
    return str(source) if isinstance(source, Path) else str(getattr(source, "name", "the stream"))


def bytes_in(container: InputContainer) -> int | None:
    """How long the file is; None for a pipe."""
    try:
        size = int(container.size)
    except av.FFmpegError:
        return None
    return size if size > 0 else None


class _Nameless:
    """An open file, of which PyAV sees nothing but how to read it."""

    def __init__(self, file: BinaryIO) -> None:
        self.read = file.read
        if file.seekable():
            self.seek, self.tell = file.seek, file.tell


@contextmanager
def _bytes_of(source: Source) -> Iterator[BinaryIO]:
    if not isinstance(source, Path):
        yield source
        return
    check_file(source)
    with reading(source):
        file = source.open("rb", buffering=0)
    with file:
        yield file


def _refuse(url: str, flags: int, options: dict[str, Any]) -> NoReturn:
    raise PermissionError("a video opens no other file")


def _picture_stream(source: Source, container: InputContainer) -> VideoStream:
    # A cover picture of a song is a stream of its own kind.
    streams = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not streams:
        raise SalzooError(f"{name_of(source)} holds no video: it has no stream of moving pictures")
    if any(stream.disposition & Disposition.dependent for stream in streams):  # each tile is a stream of its own
        raise SalzooError(f"{name_of(source)} is a photograph in tiles, as phones write HEIC: save it as JPEG or PNG")
    stream = streams[0]
    if stream.codec_context is None:
        raise SalzooError(f"{name_of(source)} cannot be decoded: this FFmpeg does not know its kind of video")
    most = max_pixels()
    if stream.width * stream.height > most:
        raise SalzooError(
            f"{name_of(source)} has frames of {stream.width}×{stream.height} pixels, more than the {most:,} that are "
            f"read: make a smaller one, or raise {VARIABLE}"
        )
    stream.codec_context.options = {"max_pixels": str(most)}
    stream.thread_type = "AUTO"
    stream.thread_count = min(cores(), _THREADS)
    return stream
