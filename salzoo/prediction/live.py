"""A camera with its saliency, shown on a page."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import perf_counter

import cv2
import numpy as np
from numpy.typing import NDArray

from salzoo.interfaces.errors import SalzooError
from salzoo.prediction.engines.engine import Engine
from salzoo.prediction.inputs import FrameStream
from salzoo.prediction.maps import frames_to_maps

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


def watch(engine: Engine, stream: FrameStream) -> Iterator[Seen]:
    """Run a model on the newest frame, again and again; the temporal state goes on from one that was run to the next.

    Args:
        engine: what runs.
        stream: of a camera.
    """
    for _, frame, map_ in frames_to_maps(engine, stream):
        dropped = getattr(stream.frames, "dropped", 0)
        yield Seen(frame.image, map_, perf_counter() - float(frame.time), dropped)


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
