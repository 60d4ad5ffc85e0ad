"""The page: what stands on it, and what its controls do."""

import base64
import html
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from time import perf_counter
from typing import Any

import cv2
import gradio as gr
import numpy as np
from numpy.typing import NDArray

from salzoo.app.look import FRAMES, MODELS, PICTURES, Look, read_areas
from salzoo.app.visits import Visit, Visits, run
from salzoo.interfaces.errors import SalzooError, shown
from salzoo.prediction.outputs import OutputOptions
from salzoo.runtime.files import write_text
from salzoo.video.overlay import COLORMAPS, OPACITY

MEGABYTES = 200
"""Size that a file may have."""

PAUSE = 0.2
"""Seconds between two pictures while frames arrive."""

KEPT = 600
"""Seconds after which downloads are removed, where the page is still open."""

STYLE = """
.looks { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 18rem), 1fr)); gap: 1rem; }
.looks figure { margin: 0; min-width: 0; }
.looks img { width: 100%; max-height: 75vh; object-fit: contain; object-position: left; display: block; }
.looks figcaption, .says { overflow-wrap: anywhere; }
"""

INTRODUCTION = f"""# Where people look
Drop a video or pictures, or record with the camera; up to {MODELS} models show beside each other where people look.
Files have at most {MEGABYTES} MB; of a video the first {FRAMES} frames are taken, of pictures {PICTURES}.
Nothing leaves the machine that serves this page, and files are removed when the page is closed.
"""


def make_page(models: Sequence[str], visits: Visits) -> gr.Blocks:
    """The page as a Gradio app, which a server then serves.

    Args:
        models: names to choose from; the first is chosen.
        visits: keeps what visitors look at.
    """
    with gr.Blocks(title="salzoo", analytics_enabled=False, delete_cache=(60, KEPT)) as page:
        gr.Markdown(INTRODUCTION)
        with gr.Row():
            with gr.Column(min_width=260):
                drop = gr.File(label="Video or pictures", file_count="multiple", file_types=["video", "image"])
                with gr.Accordion("Camera", open=False):
                    camera = gr.Video(label="Record", sources=["webcam"], webcam_options=gr.WebcamOptions(mirror=False))
            with gr.Column(min_width=260):
                chosen = gr.Dropdown(
                    list(models), value=[models[0]], multiselect=True, max_choices=MODELS, label="Models"
                )
                with gr.Row():
                    go = gr.Button("Show", variant="primary", min_width=80)
                    stop = gr.Button("Stop", min_width=80)
                opacity = gr.Slider(0, 1, OPACITY, step=0.05, label="Opacity")
                colormap = gr.Dropdown(list(COLORMAPS), value=COLORMAPS[0], label="Colours")
                alpha = gr.Slider(
                    0.02, 1, 1, step=0.02, label="Alpha: weight of the new frame in a moving average; 1 is none"
                )
        says = gr.HTML()
        looks = gr.HTML()
        place = gr.Slider(0, 1, 0, step=1, label="Frame", interactive=True)
        with gr.Accordion("Areas of interest", open=False):
            areas = gr.Textbox(label="A line x0,y0,x1,y1 each, in pixels of the frame", lines=3, max_length=2000)
            measure = gr.Button("Measure")
            shares = gr.LinePlot(
                x="seconds", y="share", color="where", label="Share of attention", visible=False, y_lim=[0, 1]
            )
        with gr.Accordion("Download", open=False):
            make = gr.Button("Make files: overlay, maps, measures")
            files = gr.File(label="Files", file_count="multiple", interactive=False)

        drawn = [opacity, colormap, alpha]
        show = _answer(visits, _show)
        running = gr.on(
            [drop.upload, camera.stop_recording, go.click],
            _runner(visits),
            [drop, camera, chosen, *drawn],
            [looks, place, says],
            concurrency_limit=1,
            show_progress="hidden",
            trigger_mode="always_last",
            api_visibility="private",
        )
        stop.click(None, cancels=[running], api_visibility="private")
        gr.on(
            [place.input, opacity.input, colormap.input, alpha.input],
            show,
            [place, *drawn],
            [looks, says],
            show_progress="hidden",
            trigger_mode="always_last",
            api_visibility="private",
        )
        measure.click(_answer(visits, _measure), [areas, alpha], [shares, says], api_visibility="private")
        make.click(_answer(visits, _make), [areas, *drawn], [files, says], api_visibility="private")
        page.unload(_leaver(visits))
    return page


def _leaver(visits: Visits) -> Callable[..., None]:
    def leave(request: gr.Request) -> None:
        visits.end(request.session_hash)

    return leave


def _runner(visits: Visits) -> Callable[..., Iterator[Any]]:
    def look_at(
        drop: list[str] | None,
        camera: str | None,
        names: list[str],
        opacity: float,
        colormap: str,
        alpha: float,
        request: gr.Request,
    ) -> Iterator[Any]:
        uploads = [Path(file) for file in drop or ([camera] if camera else [])]
        visit = visits.of(request.session_hash)
        options, began, told = OutputOptions(opacity=opacity, colormap=colormap), perf_counter(), 0.0
        look, index = None, 0
        yield "", gr.skip(), _line("loading the model …")
        try:
            with closing(run(visits, visit, uploads, names)) as frames:
                for look, index in frames:
                    if perf_counter() - told > PAUSE:
                        told = perf_counter()
                        place = gr.Slider(maximum=max(look.total - 1, 1), value=index)
                        yield _figures(look, index, alpha, options), place, _line(f"frame {index + 1} of {look.total}")
            if look is None:
                return
            taken = f"{look.count} of {look.total} frames" if look.video else f"{look.count} of {look.total} pictures"
            speed = look.count / (perf_counter() - began)
            place = gr.Slider(maximum=max(look.count - 1, 1), value=index)
            yield _figures(look, index, alpha, options), place, _line(f"{taken}; {speed:.1f} a second")
        except SalzooError as error:
            yield "", gr.skip(), _line(visit.name_files(str(error)))
        except Exception:
            yield "", gr.skip(), _line("that went wrong; the terminal that serves this page says how")
            raise

    return look_at


def _answer(visits: Visits, do: Callable[..., Any]) -> Callable[..., Any]:
    """An answer to a control, on what the visitor looks at: what ``do`` makes of it, and an empty line; or a line that
    says what is wrong."""

    def answer(request: gr.Request, *values: Any) -> Any:
        visit = visits.of(request.session_hash)
        try:
            if visit.look is None or not visit.look.count:
                raise SalzooError("drop a video or pictures first")
            return do(visit, visit.look, *values), gr.skip()
        except SalzooError as error:
            return gr.skip(), _line(visit.name_files(str(error)))

    return answer


def _show(visit: Visit, look: Look, index: float, opacity: float, colormap: str, alpha: float) -> str:
    options = OutputOptions(opacity=opacity, colormap=colormap)
    return _figures(look, min(int(index), look.count - 1), alpha, options)


def _measure(visit: Visit, look: Look, areas: str, alpha: float) -> Any:
    import pandas

    boxes = read_areas(areas)
    if not boxes:
        raise SalzooError("name an area: a line of four numbers, x0,y0,x1,y1")
    rows = [(at, f"{name}, {area}", share) for at, name, area, share in look.shares(alpha, boxes)]
    table = pandas.DataFrame(rows, columns=["seconds", "where", "share"])
    return gr.LinePlot(table, x_title="seconds" if look.video else "picture", visible=True)


def _make(visit: Visit, look: Look, areas: str, opacity: float, colormap: str, alpha: float) -> list[str]:
    boxes = read_areas(areas)
    listed = look.folder / "areas.csv"
    rows = [f"{box.name},{box.x},{box.y},{box.width},{box.height}" for box in boxes]
    write_text("\n".join(["name,x,y,width,height", *rows, ""]), listed)
    options = OutputOptions(opacity=opacity, colormap=colormap, overwrite=True)
    return [str(path) for path in look.write(alpha, options, listed if boxes else None)]


def _figures(look: Look, index: int, alpha: float, options: OutputOptions) -> str:
    pictures = zip(look.names, look.draw(index, alpha, options), strict=True)
    return f'<div class="looks">{"".join(_figure(name, picture) for name, picture in pictures)}</div>'


def _figure(name: str, picture: NDArray[np.uint8]) -> str:
    data = base64.b64encode(cv2.imencode(".jpg", picture)[1].tobytes()).decode()
    title = html.escape(shown(name, 200))
    return (
        f'<figure><img src="data:image/jpeg;base64,{data}" alt="Where {title} sees people look">'
        f"<figcaption>{title}</figcaption></figure>"
    )


def _line(text: str) -> str:
    return f'<p class="says" role="status">{html.escape(shown(text, 500))}</p>'
