"""A camera or a stream as it comes: the newest frame first, late ones dropped and counted, shown on a page."""

import math
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import perf_counter

import cv2
import numpy as np
from numpy.typing import NDArray

from salzoo.interfaces.errors import SalzooError
from salzoo.prediction.engines.engine import Engine
from salzoo.prediction.streaming import fit_frames
from salzoo.video.resizing import free_map

REMEMBERED = 300
"""Frames that the latency is told of: the last so many."""

_PAGE = b"""<!doctype html><meta charset="utf-8"><title>salzoo</title>
<style>body{margin:0;background:#111}img{display:block;margin:auto;max-width:100%;max-height:100vh}</style>
<img src="/stream" alt="saliency over the live picture">"""


@dataclass(frozen=True)
class Seen:
    """A live frame with its map.

    Attributes:
        frame: (H, W, 3) uint8, BGR.
        saliency: (h, w) float32 in [0, 1], of the model's input size.
        latency: seconds from the frame's arrival to its map.
        dropped: frames, of all so far, that came too late to be run.
    """

    frame: NDArray[np.uint8]
    saliency: NDArray[np.float32]
    latency: float
    dropped: int


class Latency:
    """How late the maps of the last frames were.

    >>> latency = Latency()
    >>> for seconds in range(1, 101):
    ...     latency.add(seconds / 1000)
    >>> str(latency)
    'latency 50 ms (median), 95 ms (95 %)'
    """

    def __init__(self) -> None:
        self.seconds: deque[float] = deque(maxlen=REMEMBERED)

    def add(self, seconds: float) -> None:
        """Take note of one frame's."""
        self.seconds.append(seconds)

    def __str__(self) -> str:
        if not self.seconds:
            return "no frame yet"
        half, most = np.quantile(self.seconds, [0.5, 0.95], method="inverted_cdf")
        return f"latency {1e3 * half:.0f} ms (median), {1e3 * most:.0f} ms (95 %)"


def read_live(source: str) -> Iterator[NDArray[np.uint8]]:
    """Frames of a camera, by its number ("0"), or of a stream, by its URL, as they come.

    Raises SalzooError where there is none.
    """
    if not source.isdecimal() and "://" not in source:
        raise SalzooError(f"{source!r} is neither the number of a camera nor a URL; a file needs no --live")
    capture = cv2.VideoCapture()
    try:
        opened = capture.open(int(source)) if source.isdecimal() else capture.open(source, cv2.CAP_FFMPEG)
        if not opened:
            what = f"camera {source}" if source.isdecimal() else source
            raise SalzooError(f"cannot open {what}: is it there, and in use by nobody else?")
        while True:
            read, frame = capture.read()
            if not read:
                return
            yield np.asarray(frame, dtype=np.uint8)
    finally:
        capture.release()


def watch(engine: Engine, frames: Iterable[NDArray[np.uint8]]) -> Iterator[Seen]:
    """Run a model on the newest frame, again and again; the temporal state goes on from one that was run to the next,
    and where the model's constants are in seconds, by the time between them.

    Args:
        engine: what runs.
        frames: as they come; a thread takes them at once.
    """
    state, before = None, -math.inf
    newest = _newest(frames)
    try:
        for frame, arrived, dropped in newest:
            ((_, shown),) = fit_frames(engine.model, [frame])
            maps, state = engine.at_rate(1 / (arrived - before)).run(shown[None], state)
            before = arrived
            map_ = free_map(maps[0], frame.shape[:2], engine.model.preprocessing)
            yield Seen(frame, map_, perf_counter() - arrived, dropped)
    finally:
        newest.close()


def _newest(frames: Iterable[NDArray[np.uint8]]) -> Generator[tuple[NDArray[np.uint8], float, int], None, None]:
    """The newest frame whenever it is asked for, with the time of its arrival and how many were dropped so far."""
    changed = threading.Condition()
    waiting: list[tuple[NDArray[np.uint8], float]] = []
    ended: list[BaseException | None] = []
    dropped, closed = 0, False

    def take() -> None:
        nonlocal dropped
        error: BaseException | None = None
        try:
            for frame in frames:
                with changed:
                    if closed:
                        return
                    dropped += len(waiting)
                    waiting[:] = [(frame, perf_counter())]
                    changed.notify()
        except BaseException as caught:
            error = caught
        with changed:
            ended.append(error)
            changed.notify()

    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    try:
        while True:
            with changed:
                while not (waiting or ended):
                    changed.wait(0.5)  # short enough for Ctrl-C
                if not waiting:
                    if ended[0] is not None:
                        raise ended[0]
                    return
                frame, arrived = waiting.pop()
                lost = dropped
            yield frame, arrived, lost
    finally:
        with changed:
            closed = True


@contextmanager
def live_page(port: int = 0) -> Iterator[tuple[str, Callable[[NDArray[np.uint8]], None]]]:
    """A page on this machine alone that shows pictures as they come (Motion JPEG, which every browser plays).

    Args:
        port: of 127.0.0.1; 0 for any that is free.

    Yields:
        The page's address, and a function that shows the next picture, (H, W, 3) uint8, BGR.

    Raises:
        SalzooError: the port is taken.
    """
    changed = threading.Condition()
    newest: list[bytes] = []
    number, closed = 0, False

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path != "/stream":
                self._send("text/html; charset=utf-8")
                self.wfile.write(_PAGE)
                return
            self._send("multipart/x-mixed-replace; boundary=frame")
            shown = 0
            while True:
                with changed:
                    while not closed and number == shown:
                        changed.wait()
                    if closed:
                        return
                    shown, data = number, newest[0]
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
                try:
                    self.wfile.write(head.encode() + data + b"\r\n")
                except OSError:  # the browser has gone
                    return

        def _send(self, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Cache-Control", "no-store")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing of what is asked for."""

    def show(image: NDArray[np.uint8]) -> None:
        nonlocal number
        data = cv2.imencode(".jpg", image)[1].tobytes()
        with changed:
            newest[:] = [data]
            number += 1
            changed.notify_all()

    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    except OSError as error:
        raise SalzooError(f"port {port} of 127.0.0.1 cannot be used: {error.strerror}") from error
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/", show
    finally:
        with changed:
            closed = True
            changed.notify_all()
        server.shutdown()
        server.server_close()
