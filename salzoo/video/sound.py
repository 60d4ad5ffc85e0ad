"""The sound of one video for another."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet

from salzoo.video.encoding import Kind
from salzoo.video.opening import open_video
from salzoo.video.timing import frame_times


@dataclass(frozen=True)
class Sound:
    """Part of a video's sound.

    Attributes:
        path: of the video.
        start: seconds after its first frame; the sound from the first frame that begins then or later, which is the
            new video's first, stands at the new video's start.
        stop: where it ends, in the same seconds; None for all.
    """

    path: Path
    start: Fraction = Fraction(0)
    stop: Fraction | None = None


class SoundTrack:
    """Packets of sound for a new container, handed out up to a time, so that pictures and sound interleave."""

    def __init__(self, packets: "Iterator[Packet[Any]]") -> None:
        self._packets = packets
        self._next = next(packets, None)

    def until(self, time: Fraction | None) -> "Iterator[Packet[Any]]":
        """What begins before a time of the new video, and was not handed out yet; all for None."""
        while self._next is not None and (time is None or _begin(self._next) < time):
            yield self._next
            self._next = next(self._packets, None)


@contextmanager
def sound_track(sound: Sound, container: OutputContainer, kind: Kind) -> Iterator[SoundTrack]:
    """Add a stream for a video's sound to a container: copied where the container takes its codec, else encoded anew.

    Damaged packets of sound are left out. Raises SalzooError as ``open_video`` does.
    """
    with open_video(sound.path) as (source, pictures):
        track = source.streams.audio[0]
        times = frame_times(sound.path) if sound.start else [0.0]
        shown = Fraction(next((time for time in times if time >= float(sound.start) - 1e-9), sound.start))
        origin = (pictures.start_time or 0) * (pictures.time_base or 1) + shown
        length = None if sound.stop is None else sound.stop - shown
        if track.codec_context.name.removesuffix("float") in kind.copied:
            packets = _copied(source, track, container.add_stream_from_template(track), origin)
        else:
            rate = 48_000 if kind.sound == "libopus" else track.rate
            layout = "mono" if track.channels == 1 else "stereo"
            packets = _encoded(source, track, container.add_stream(str(kind.sound), rate=rate, layout=layout), origin)
        yield SoundTrack(packet for packet in packets if length is None or _begin(packet) < length)


def _copied(source: InputContainer, track: AudioStream, stream: Any, origin: Fraction) -> "Iterator[Packet[Any]]":
    shift = round(origin / (track.time_base or 1))
    for packet in source.demux(track):
        if packet.size == 0 or packet.is_corrupt or packet.pts is None or packet.pts < shift:
            continue
        packet.pts -= shift
        packet.dts = packet.pts
        packet.stream = stream
        yield packet


def _encoded(source: InputContainer, track: AudioStream, stream: Any, origin: Fraction) -> "Iterator[Packet[Any]]":
    for packet in source.demux(track):
        frames: list[av.AudioFrame] = []
        with suppress(av.FFmpegError):
            frames = track.decode(packet)
        for frame in frames:
            base = frame.time_base or Fraction(1, frame.sample_rate)
            if frame.pts is None or frame.pts * base < origin:
                continue
            frame.pts -= round(origin / base)
            yield from stream.encode(frame)
    yield from stream.encode(None)


def _begin(packet: "Packet[Any]") -> Fraction:
    return (packet.pts or 0) * packet.time_base
