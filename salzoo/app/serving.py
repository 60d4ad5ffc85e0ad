"""The page on 127.0.0.1: one process, one temporary folder, nothing asked of the network."""

import gc
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from salzoo.interfaces.errors import SalzooError

HOST = "127.0.0.1"

OFFLINE = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_SHARE": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}
"""What keeps Gradio from asking anything of the network."""


def models_at_hand() -> list[str]:
    """Names that need no download: cards whose weights are here, and networks that need none."""
    from salzoo.hub.cards import list_models
    from salzoo.hub.places import describe_models
    from salzoo.hub.sources import DEFAULT_MODEL, resolve_source
    from salzoo.plugins import registry

    ready = [each.name for each in describe_models() if each.weights.startswith(("ready", "at hand"))]
    free = []
    for entry in registry().entries("backbones"):
        if entry.name not in list_models():
            with suppress(SalzooError):
                resolve_source(entry.name)
                free.append(entry.name)
    return sorted({*ready, *free}, key=lambda name: (name != DEFAULT_MODEL, name in free, name))


def serve(models: Sequence[str], host: str, port: int, report: Callable[[str], None]) -> None:
    """Serve the page until Ctrl-C.

    Args:
        models: names to choose from.
        host: address to listen at; others than 127.0.0.1 let other machines in.
        port: 0 for any that is free.
        report: given the page's address once it can be opened.

    Raises:
        SalzooError: Gradio is missing, an unknown model, a port that is taken.
    """
    from salzoo.hub.sources import resolve_source

    for name in models:
        resolve_source(name)
    os.environ |= OFFLINE
    with _temporary() as folder:
        os.environ["GRADIO_TEMP_DIR"] = str(folder / "uploads")
        _run(models, folder, host, port, report)


@contextmanager
def _temporary() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="salzoo-app-"))
    try:
        (folder / "uploads").mkdir()
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(models: Sequence[str], folder: Path, host: str, port: int, report: Callable[[str], None]) -> None:
    try:
        import gradio as gr
        import uvicorn
        from fastapi import FastAPI
        from starlette.middleware.trustedhost import TrustedHostMiddleware
    except ImportError as error:
        raise SalzooError("the page needs Gradio: pip install 'salzoo[app]'") from error
    from salzoo.app.page import MEGABYTES, STYLE, make_page
    from salzoo.app.visits import Visits

    visits = Visits(folder)
    app: Any = FastAPI()
    if host == HOST:  # a page elsewhere must not reach this one by a name that it points here
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])
    fonts = ["system-ui", "sans-serif"]
    app = gr.mount_gradio_app(
        app,
        make_page(models, visits),
        path="",
        theme=gr.themes.Default(font=fonts, font_mono=["monospace"]),
        css=STYLE,
        max_file_size=MEGABYTES * 2**20,
        footer_links=[],
    )

    try:
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise SalzooError(f"port {port} of {host} cannot be used: {error.strerror}") from error
    config = uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1)
    report(f"http://{host}:{listening.getsockname()[1]}/")
    try:
        uvicorn.Server(config).run(sockets=[listening])
    except KeyboardInterrupt:  # raised again by the server once it has ended: the way that this ends
        pass
    finally:
        visits.end_all()
        gc.freeze()  # the interpreter's last collection would go through all of PyTorch, for seconds
