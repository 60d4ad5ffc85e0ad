"""Reading from the middle of a video: where each frame stands, and the key frame to begin at."""

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.format import Flags
from av.packet import Packet
from av.video.stream import VideoStream

from salzoo.interfaces.errors import SalzooError
from salzoo.video.completeness import Progress, check_length
from salzoo.video.opening import Source, open_video

FAR = 24
"""Frames before the first wanted that are decoded and dropped rather than looked up."""


@dataclass(frozen=True)
class Index:
    """Where the frames of a video stand.

    Attributes:
        times: of every frame as shown, in units of the stream's time base, growing.
        keys: numbers of the frames that decoding can begin at, growing.
        exact: whether every packet is one frame with a time of its own, key frames are told apart, and the video is
            whole.
        even: whether the container has no times, but frames at an even rate, and all its packets could be read.
        last: how long the last frame is shown, in the same units; 0 where that is not known.
    """

    times: Sequence[int]
    keys: Sequence[int]
    exact: bool
    even: bool
    last: int


def index_video(source: Source) -> Index:
    """Look at all packets of a video, without decoding them."""
    if not isinstance(source, Path):
        return _index(source)
    status = source.stat()
    return _remembered(source.absolute(), status.st_mtime_ns, status.st_size)


def seek(container: InputContainer, stream: VideoStream, index: Index, start: int) -> int:
    """Move to the last key frame at or before frame ``start``; give its number."""
    key = index.keys[bisect_right(index.keys, start) - 1]
    container.seek(index.times[key], stream=stream)
    return key


def _is_hidden(packet: "Packet[Any]") -> bool:
    """Whether a packet holds a frame of VP8 that is referred to alone, never shown (RFC 6386, section 9.1)."""
    return packet.stream.codec_context.name == "vp8" and not memoryview(packet)[0] & 0x10


@lru_cache(maxsize=4096)
def _remembered(path: Path, changed: int, size: int) -> Index:
    return _index(path)


def _index(source: Source) -> Index:
    times, keys, exact, even, last = array("q"), [], True, False, (-1, 0)
    with open_video(source) as (container, stream):
        progress = Progress()
        exact = Flags.no_timestamps not in Flags(
            container.format.flags
        )  # of streams alone FFmpeg makes up times and keys
        even = "avi" in container.format.name.split(",") or not exact
        try:
            declared = check_length(source, container, stream)
            for packet in container.demux(stream):
                progress.add(packet)
                if packet.size == 0 or packet.is_discard or _is_hidden(packet):
                    continue
                exact &= packet.pts is not None
                times.append(packet.pts or 0)
                last = max(last, (packet.pts or 0, packet.duration or 0))
                if packet.is_keyframe:
                    keys.append(packet.pts or 0)
            progress.check_end(source, container, stream)
            exact &= declared in (None, len(times))
        except (av.FFmpegError, SalzooError):
            exact = even = False
    shown = array("q", sorted(times))
    exact &= len(set(shown)) == len(shown) and bool(keys) and min(keys, default=0) == min(shown, default=0)
    return Index(shown, [bisect_right(shown, key) - 1 for key in sorted(keys)], exact, even, last[1])
