"""A camera or a stream as it comes: the newest frame, late ones dropped and counted."""

import threading
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from time import perf_counter, sleep

import cv2
import numpy as np
from numpy.typing import NDArray

from salzoo.interfaces.errors import SalzooError
from salzoo.video.reading import TimedFrame, read_timed


def camera_name(camera: str) -> str:
    """What a camera is called where others may read it: a stream's address without its login and query.

    >>> camera_name("rtsp://admin:secret@cam/front?token=7")
    'rtsp://cam/front'
    """
    if camera.isdecimal():
        return f"camera {camera}"
    scheme, stream, rest = camera.partition("://")
    if not stream:
        return Path(camera).name
    host, slash, path = rest.partition("?")[0].partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def read_camera(camera: str) -> Iterator[NDArray[np.uint8]]:
    """Frames of a camera, by its number ("0"), of a stream, by its URL, as they come, or of a video file, again and
    again at its own pace: (H, W, 3), BGR.

    Raises SalzooError where there is none.
    """
    if not camera.isdecimal() and "://" not in camera:
        yield from _play(Path(camera))
    capture = cv2.VideoCapture()
    try:
        opened = capture.open(int(camera)) if camera.isdecimal() else capture.open(camera, cv2.CAP_FFMPEG)
        if not opened:
            raise SalzooError(f"cannot open {camera_name(camera)}: is it there, and in use by nobody else?")
        while True:
            read, frame = capture.read()
            if not read:
                return
            yield np.asarray(frame, dtype=np.uint8)
    finally:
        capture.release()


def _play(path: Path) -> Iterator[NDArray[np.uint8]]:
    if not path.exists():
        raise SalzooError(f"{str(path)!r} is neither the number of a camera, nor a URL, nor a video file")
    while True:
        began = perf_counter()
        for frame in read_timed(path):
            sleep(max(began + float(frame.time) - perf_counter(), 0))
            yield frame.image
        sleep(max(began + float(frame.time + frame.duration) - perf_counter(), 0))


class NewestFrames:
    """The newest frame whenever one is asked for: an iterator of ``TimedFrame``, whose times are those of arrival on
    the machine's clock (``time.perf_counter``), in seconds.

    Args:
        images: as they come; a thread takes them at once.

    Attributes:
        dropped: frames so far that came too late to be given out.
    """

    def __init__(self, images: Iterable[NDArray[np.uint8]]) -> None:
        self.dropped = 0
        self._changed = threading.Condition()
        self._waiting: TimedFrame | None = None
        self._lost = 0
        self._ended: list[BaseException | None] = []
        self._closed = False
        threading.Thread(target=self._take, args=(images,), daemon=True).start()

    def __iter__(self) -> "NewestFrames":
        return self

    def __next__(self) -> TimedFrame:
        with self._changed:
            while self._waiting is None and not self._ended:
                self._changed.wait(0.5)  # short enough for Ctrl-C
            if self._waiting is None:
                raise self._ended[0] or StopIteration
            frame, self._waiting, self.dropped = self._waiting, None, self._lost
            return frame

    def close(self) -> None:
        """Take no more frames."""
        with self._changed:
            self._closed = True

    def _take(self, images: Iterable[NDArray[np.uint8]]) -> None:
        error: BaseException | None = None
        try:
            for image in images:
                with self._changed:
                    if self._closed:
                        return
                    self._lost += self._waiting is not None
                    self._waiting = TimedFrame(image, Fraction(perf_counter()), Fraction(0))
                    self._changed.notify()
        except BaseException as caught:
            error = caught
        with self._changed:
            self._ended.append(error)
            self._changed.notify()
