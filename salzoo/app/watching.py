"""``salzoo watch``: a camera on a page, with what a model sees in it."""

import atexit
import os
import sys
import threading
from collections.abc import Callable, Iterator
from time import perf_counter

import cv2

from salzoo.app.looking import read_page
from salzoo.app.serving import Refused, Reply, Request, reply_json, serving
from salzoo.interfaces.errors import SalzooError, shown
from salzoo.prediction.camera import camera_name
from salzoo.prediction.engines.engine import AUTO, RunOptions
from salzoo.prediction.inputs import Input
from salzoo.prediction.live import KeepingUp, Seen, watch
from salzoo.prediction.preview import show
from salzoo.prediction.runner import Runner
from salzoo.video.quiet import quiet_libraries

PAGES = {
    "": ("watch.html", "text/html; charset=utf-8"),
    "watch.js": ("watch.js", "text/javascript; charset=utf-8"),
    "app.css": ("app.css", "text/css; charset=utf-8"),
}

STREAMS = 64
"""Pages that are sent each frame; others look at single ones."""

LEAVE = 1.0
"""Seconds after a signal in which all may end by itself."""


def watch_camera(
    model: str,
    camera: str,
    how: RunOptions = AUTO,
    *,
    host: str = "127.0.0.1",
    port: int = 7861,
    report: Callable[[str], None] = print,
) -> KeepingUp:
    """Serve a page with a camera's newest frame and its saliency, until the camera ends, or Ctrl-C.

    Args:
        model: what ``load_model`` takes.
        camera: its number ("0"), the URL of a stream, or a video file, which plays again and again at its own pace.
        how: the model runs.
        host: address to listen at; others than loopback let others in, who must know the secret in the address.
        port: 0 for any that is free.
        report: given lines: what runs, and the page's address.

    Returns:
        How the model kept up.

    Raises:
        SalzooError: no such camera or model, or a port that is taken.
    """
    page, failed = WatchPage(model, camera), list[BaseException]()

    def run(address: str) -> None:
        try:
            report(f"starting {model} on {camera_name(camera)}")
            stream = Input.of_camera(camera).open()
            first = next(stream.frames, None)
            if first is None:
                raise SalzooError(f"{camera_name(camera)} gave no frame")
            engine = Runner(model, how, report=report).prepare([first.image])
            report(f"open {address} (Ctrl-C ends it)")
            for seen in watch(engine, stream):
                page.show(seen)
                if sys.stderr.isatty():
                    print(f"\r{page.keeping}  ", end="", file=sys.stderr)
        except BaseException as error:
            failed.append(error)

    with quiet_libraries(), serving(page.answer, host, port) as address:
        # In a thread, so that this one hears signals at once.
        working = threading.Thread(target=run, args=(address,), daemon=True)
        working.start()
        try:
            while working.is_alive():
                working.join(0.2)
        except (KeyboardInterrupt, SystemExit) as error:
            status = error.code if isinstance(error, SystemExit) and isinstance(error.code, int) else 0
            _leave_in_time(status)
            if status:
                raise
        finally:
            page.end()
    if failed:
        raise failed[0]
    return page.keeping


def _leave_in_time(status: int) -> None:
    """End the process shortly, whatever its threads wait for: a camera may never answer."""
    atexit.register(os._exit, status)  # nothing is left to tidy, and the interpreter's own end takes PyTorch seconds
    waits = threading.Timer(LEAVE, os._exit, (status,))
    waits.daemon = True
    waits.start()


class WatchPage:
    """Answers what the page asks for.

    Args:
        model, camera: what they are called.
    """

    def __init__(self, model: str, camera: str) -> None:
        self.names = {"model": shown(model, 200), "camera": shown(camera_name(camera), 200)}
        self.keeping = KeepingUp()
        self._changed = threading.Condition()
        self._drawing = threading.Lock()
        self._seen: Seen | None = None
        self._number = self._drawn = 0
        self._picture, self._ended = b"", False
        self._streams = 0

    def show(self, seen: Seen) -> None:
        """Show the next frame. It is drawn once somebody asks for it."""
        with self._changed:
            self._seen, self._number = seen, self._number + 1
            self.keeping.add(seen.latency, seen.dropped, perf_counter())
            self._changed.notify_all()

    def end(self) -> None:
        """Let go of all who wait for the next frame."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def answer(self, request: Request) -> Reply:
        """The answer to a request. Raises Refused where there is none."""
        match request.method, *request.parts:
            case "GET", name if name in PAGES:
                return Reply(read_page(PAGES[name][0]), PAGES[name][1])
            case "GET", "state":
                keeping = self.keeping
                with self._changed:
                    numbers = {"rate": keeping.rate, "latency": keeping.latency, "dropped": keeping.dropped}
                    return reply_json({**self.names, **numbers, "frames": keeping.frames, "ended": self._ended})
            case "GET", "stream":
                if self._streams >= STREAMS:
                    raise Refused(503, f"{STREAMS} pages watch already: close one")
                return Reply(self._stream(), "multipart/x-mixed-replace; boundary=frame")
            case "GET", "frame.jpg" if self._seen is not None:
                return Reply(self._draw()[1], "image/jpeg")
        raise Refused(404, "there is nothing here")

    def _stream(self) -> Iterator[bytes]:
        with self._changed:
            self._streams += 1
        try:
            yield from self._frames()
        finally:
            with self._changed:
                self._streams -= 1

    def _frames(self) -> Iterator[bytes]:
        number = 0
        while True:
            with self._changed:
                while self._number == number and not self._ended:
                    self._changed.wait()
                if self._ended:
                    return
            number, data = self._draw()
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
            yield head.encode() + data + b"\r\n"

    def _draw(self) -> tuple[int, bytes]:
        """The number of the newest frame and its picture, drawn once for all who look."""
        with self._drawing:
            with self._changed:
                seen, number = self._seen, self._number
            if seen is not None and number != self._drawn:
                picture = show(seen.frame, seen.saliency).image
                self._picture, self._drawn = cv2.imencode(".jpg", picture)[1].tobytes(), number
            return self._drawn, self._picture
