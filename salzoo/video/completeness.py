"""Whether a video is all there, as far as its header, its index and what FFmpeg says of packets and frames tell."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from salzoo.interfaces.errors import SalzooError
from salzoo.video.opening import Source, bytes_in, name_of

DURATION_TOLERANCE = 0.1
"""Seconds, beside two frames, that all streams of a video may end before the duration in its header."""


def check_length(source: Source, container: InputContainer, stream: VideoStream) -> int | None:
    """Check that the file reaches as far as its index, and give the number of frames that it states, if it states all.

    Raises:
        SalzooError: a frame of the index lies beyond the end of the file.
    """
    size = bytes_in(container)
    index = stream.index_entries
    if size is not None and any(entry.pos + entry.size > size for entry in index):
        raise SalzooError(f"{name_of(source)} is truncated: its index promises more than {size} bytes")
    if _is(container, "avi") and stream.duration is not None and stream.duration < stream.frames:
        # FFmpeg lowers the duration by the part of the file that is missing
        raise SalzooError(f"{name_of(source)} is truncated: its header promises more than {size} bytes")
    if _is(container, "mov") and len(index):
        # An edit list may hide some; the index at hand may be that of the first fragments alone.
        return None if _is_fragmented(source) else sum(not entry.is_discard for entry in index)
    return stream.frames or None


class Progress:
    """What was read of a video so far, for the question at its end."""

    def __init__(self) -> None:
        self._reached = 0
        self._frames = 0
        self._end = 0.0

    def add(self, packet: "Packet[Any]") -> None:
        """Note a packet of any stream. Raises av.FFmpegError for a damaged one of the pictures."""
        if packet.size == 0:
            return
        pictures = packet.stream.type == "video"
        if pictures and packet.pts is not None:
            self._reached = max(self._reached, packet.pts + 1)
        if packet.pts is not None:
            self._end = max(self._end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
        if pictures and packet.is_corrupt:
            raise av.InvalidDataError(0, "damaged packet")

    def intact(self, frames: Iterable[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        """Frames, which after the first good one must be undamaged."""
        for frame in frames:
            if frame.is_corrupt and self._frames:
                raise av.InvalidDataError(0, "damaged frame")
            self._frames += not frame.is_corrupt
            yield frame

    def check_end(self, source: Source, container: InputContainer, stream: VideoStream) -> None:
        """Raise SalzooError if the video ended early."""
        if _is(container, "avi") and self._reached < stream.frames:  # its unit of time is a frame
            raise SalzooError(
                f"{name_of(source)} is truncated or damaged: it has only {self._reached} of {stream.frames} frames"
            )
        start, length = (container.start_time or 0) / av.time_base, (container.duration or 0) / av.time_base
        frames = 2 / float(stream.average_rate or stream.guessed_rate or 25)
        if self._end - start < length - DURATION_TOLERANCE - frames:
            reached = f"{self._end - start:.2f} of {length:.2f} seconds"
            raise SalzooError(f"{name_of(source)} is truncated or damaged: it ends after {reached}")
        if _is(container, "gif") and not _ends_with(source, b";"):
            raise SalzooError(f"{name_of(source)} is truncated: it lacks the mark at the end of a GIF")


def _is(container: InputContainer, name: str) -> bool:
    return name in container.format.name.split(",")


def _is_fragmented(source: Source) -> bool:
    """Whether frames of an MP4 lie in fragments (boxes "moof": ISO/IEC 14496-12, section 8.8), as DASH and CMAF have
    it."""
    if not isinstance(source, Path):
        return True
    at, size = 0, source.stat().st_size
    with source.open("rb") as file:
        while at + 8 <= size:
            file.seek(at)
            head = file.read(16)
            if head[4:8] == b"moof":
                return True
            length = int.from_bytes(head[:4], "big")
            length = int.from_bytes(head[8:16], "big") if length == 1 else length
            if length < 8:  # to the end of the file, or none
                break
            at += length
    return False


def _ends_with(source: Source, mark: bytes) -> bool:
    if not isinstance(source, Path):
        return True
    with source.open("rb") as file:
        file.seek(max(file.seek(0, 2) - 256, 0))
        return file.read().rstrip(b"\0").endswith(mark)
