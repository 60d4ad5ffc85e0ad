"""``salzoo app``: a page on which videos and pictures are looked at, and the answers to what it asks for."""

import re
from collections.abc import Sequence
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from threading import Event
from typing import Any

from salzoo.app.serving import Refused, Reply, Request, reply_json, serving
from salzoo.app.visits import FILES, MEGABYTES, Visit, Visits, temporary_folder
from salzoo.app.work import Job, Work
from salzoo.interfaces.errors import shown

PAGES = {
    "": ("app.html", "text/html; charset=utf-8"),
    "app.js": ("app.js", "text/javascript; charset=utf-8"),
    "app.css": ("app.css", "text/css; charset=utf-8"),
}

REGIONS_BYTES = 2**22
"""Bytes of a file of regions."""

ENDINGS = (".csv", ".json", ".xml", ".ias")
"""Of files of regions."""

KINDS = {"mp4": "video/mp4", "csv": "text/csv; charset=utf-8", "json": "application/json"}
"""What can be downloaded."""


def read_page(name: str) -> bytes:
    """A file of the folder ``pages``."""
    return files("salzoo.app").joinpath("pages", name).read_bytes()


def serve(
    models: Sequence[str],
    host: str = "127.0.0.1",
    port: int = 7860,
    *,
    dataset: Sequence[str | None] = (),
    at_hand: bool = False,
    public: bool = False,
) -> None:
    """Serve the page until Ctrl-C, or another signal that ends the program; its address is printed.

    Args:
        models: names to choose from; the first is chosen.
        host: address to listen at; others than loopback let other machines in, who must know the secret in the address.
        port: 0 for any that is free.
        dataset: whose videos can be looked at beside uploads: name, root or None, and split.
        at_hand: whether models that need no download can be chosen beside these.
        public: open to everybody, with no secret in the address, as a Space is.

    Raises:
        SalzooError: an unknown model or data set, a port that is taken.
    """
    with temporary_folder() as folder:
        work = Work(models, dataset, at_hand)
        try:
            looking = Looking(Visits(folder), work, work.about())
            with serving(looking.answer, host, port, public=public, each_second=looking.visits.end_idle) as address:
                print(f"open {address} (Ctrl-C ends it)", flush=True)
                with suppress(KeyboardInterrupt):
                    while True:
                        Event().wait(1)
        finally:
            work.end()


class Looking:
    """Answers what the page asks for.

    Args:
        visits: who looks.
        work: runs the models.
        about: what it knows.
    """

    def __init__(self, visits: Visits, work: Work, about: dict[str, Any]) -> None:
        self.visits, self.work, self.about = visits, work, about
        self.models = [model["name"] for model in about["models"]]

    def answer(self, request: Request) -> Reply:
        """The answer to a request. Raises Refused where there is none."""
        match request.method, *request.parts:
            case "GET", name if name in PAGES:
                return Reply(read_page(PAGES[name][0]), PAGES[name][1])
            case "GET", "about":
                return reply_json({**self.about, "megabytes": MEGABYTES, "files": FILES, "heat": heat()})
            case "POST", "visits":
                return reply_json({"visit": self.visits.begin().key})
            case "GET", "visits", key, *rest:
                return self._give(self.visits.of(key), rest, request)
            case "POST", "visits", key, *rest:
                return self._take(self.visits.of(key), rest, request)
        raise Refused(404, "there is nothing here")

    def _give(self, visit: Visit, what: list[str], request: Request) -> Reply:
        folder = visit.look.get("folder")
        match what:
            case ["state"]:
                look = {name: value for name, value in visit.look.items() if name not in ("folder", "of")}
                return reply_json(
                    {"says": visit.says, "before": self.work.before(visit), "look": look, "made": visit.made}
                )
            case ["maps", model] if folder is not None and re.fullmatch(r"[0-9]", model):
                return Reply(self._maps(visit, folder / f"{model}.grid", request.query), "application/octet-stream")
            case [name] if folder is not None and re.fullmatch(r"(frame-)?[0-9]{1,6}\.jpg|play\.mp4", name):
                return Reply(folder / name, "video/mp4" if name == "play.mp4" else "image/jpeg")
            case ["made", name] if folder is not None and name == visit.made:
                return Reply(folder / name, KINDS[name.rpartition(".")[2]], saved_as=name)
        raise Refused(404, "there is nothing here")

    def _maps(self, visit: Visit, path: Path, query: dict[str, str]) -> bytes:
        """Maps of a model from one on, up to those of the last frame that all models have."""
        first = query.get("from", "0")
        if not re.fullmatch(r"[0-9]{1,6}", first) or "grid" not in visit.look:
            raise Refused(404, "there is no map yet")
        rows, columns = visit.look["grid"]
        size = 2 * rows * columns
        try:
            with path.open("rb") as file:
                file.seek(int(first) * size)
                return file.read(max(visit.look.get("count", 0) - int(first), 0) * size)
        except OSError as error:
            raise Refused(404, "there is no map yet") from error

    def _take(self, visit: Visit, what: list[str], request: Request) -> Reply:
        match what:
            case ["files"]:
                name = request.query.get("name", "file")
                return reply_json({"file": self.visits.take(visit, name, request.length, request.pieces)})
            case ["look"]:
                self._look(visit, request.json())
            case ["make"]:
                self._make(visit, request.json())
            case ["forecast"]:
                self._forecast(visit, request.json())
            case ["regions"]:
                self._read_regions(visit, request)
            case ["stop"]:
                self.work.stop(visit)
            case ["end"]:
                self.visits.end(visit)
            case _:
                raise Refused(404, "there is nothing here")
        return reply_json({})

    def _look(self, visit: Visit, asked: dict[str, Any]) -> None:
        models, video = asked.get("models"), asked.get("video")
        if not isinstance(models, list) or not 0 < len(models) <= 3 or any(each not in self.models for each in models):
            raise Refused(400, "choose one to three of the models")
        if self.work.before(visit) is not None:
            raise Refused(409, "one thing at a time: stop what runs, or wait for it")
        message: dict[str, Any] = {"do": "look", "models": models}
        if video is not None:
            if video not in self.about["videos"]:
                raise Refused(404, "the data set has no such video")
            message["video"] = video
        elif visit.uploads:
            message["files"] = [str(path) for path, _ in visit.uploads]
        else:
            raise Refused(400, "drop a video or pictures first")
        folder = self.visits.new_look(visit)
        visit.look["of"] = video or ""
        self._add(visit, {**message, "folder": str(folder)})

    def _make(self, visit: Visit, asked: dict[str, Any]) -> None:
        look = visit.look
        kind = asked.get("kind")
        if kind not in ("csv", "json") and not (kind == "mp4" and look.get("video")):
            raise Refused(400, "that cannot be made of what is shown")
        shown = _of_what_is_shown(look, asked)
        if not isinstance(asked.get("average"), dict):
            raise Refused(400, "an average is an object")
        values: dict[str, Any] = {name: asked.get(name) for name in ("opacity", "colormap", "average")}
        opacity, colours = values["opacity"], values["colormap"]
        if type(opacity) not in (int, float) or not 0 <= opacity <= 1 or not isinstance(colours, str):
            raise Refused(400, "opacity is a number from 0 to 1, and colours have a name")
        self._add(visit, {"do": "write", "kind": kind, **values, **shown})

    def _forecast(self, visit: Visit, asked: dict[str, Any]) -> None:
        if visit.look.get("video", True) or not asked.get("regions"):
            raise Refused(400, "draw a region on a picture first; of films, salzoo regions says more")
        self._add(visit, {"do": "forecast", **_of_what_is_shown(visit.look, asked)})

    def _read_regions(self, visit: Visit, request: Request) -> None:
        source = request.query.get("source", "0")
        number = int(source) if re.fullmatch(r"[0-9]{1,6}", source) else None
        about = _of_what_is_shown(visit.look, {"model": 0, "source": number, "regions": []})
        if request.length > REGIONS_BYTES:
            raise Refused(413, f"a file of regions has at most {REGIONS_BYTES / 2**20:.0f} MB here")
        name = shown(request.query.get("name", "regions"), 100)
        ending = Path(name).suffix.lower()
        path = visit.look["folder"] / f"given{ending if ending in ENDINGS else ''}"
        try:
            path.write_bytes(b"".join(request.pieces()))
        except OSError as error:
            raise Refused(507, "there is no room for that here") from error
        called = visit.uploads[about["source"]][1] if visit.uploads else visit.look["of"]
        self._add(visit, {"do": "regions", "file": str(path), "name": name, "called": called, **about})

    def _add(self, visit: Visit, message: dict[str, Any]) -> None:
        def told(answer: dict[str, Any]) -> None:
            visit.look.update(answer.get("look", {}))
            visit.made = answer.get("made", visit.made)
            if "error" in answer or "says" in answer:
                visit.says = shown(visit.name_files(answer.get("error") or answer["says"]), 500)
                visit.look["failed"] = "error" in answer

        self.work.add(Job(visit, message, told))


def _of_what_is_shown(look: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    """The model, picture, regions and folder that a message is about. Raises Refused where they are not those shown."""
    model, source, regions = (asked.get(name) for name in ("model", "source", "regions"))
    for number, count in ((model, len(look.get("models", ()))), (source, look.get("count", 0))):
        if type(number) is not int or not 0 <= number < count:
            raise Refused(400, "that is not what is shown")
    if not isinstance(regions, list):
        raise Refused(400, "regions are a list")
    return {"model": model, "source": 0 if look["video"] else source, "regions": regions, "folder": str(look["folder"])}


def heat() -> dict[str, list[list[int]]]:
    """The colours of each map, as the page draws with them."""
    from salzoo.video.overlay import COLORMAPS, heat_colours

    return {name: heat_colours(name)[:, 0, ::-1].tolist() for name in COLORMAPS}
