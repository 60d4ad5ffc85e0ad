"""What runs in the process beside the page's server: ``python -m salzoo.app.worker`` reads jobs, a line of JSON each,
from standard input, and writes what comes of them to standard output."""

import json
import math
import os
import queue
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import closing, suppress
from functools import lru_cache
from pathlib import Path
from time import monotonic
from typing import Any, TextIO

import numpy as np

from salzoo.app.look import FRAMES, Look, Shown, make_average, without_average
from salzoo.hub.cards import list_models
from salzoo.hub.places import describe_models
from salzoo.hub.sources import DEFAULT_MODEL, load_model, resolve_source
from salzoo.interfaces.dataset import Video
from salzoo.interfaces.errors import SalzooError, one_line
from salzoo.plugins import registry
from salzoo.prediction.engines.engine import RunOptions
from salzoo.prediction.inputs import Input
from salzoo.prediction.outputs import OutputOptions
from salzoo.prediction.runner import Runner
from salzoo.regions.predicted import Forecaster
from salzoo.regions.reading import Medium, parse_regions, read_regions, region_entry, write_regions
from salzoo.regions.region import Region, distinct_names
from salzoo.runtime.ranks import end_with_parent
from salzoo.video.overlay import COLORMAPS

RUNNERS = 6
"""Models that stay in memory, the last used."""

LOOKS = 20
"""Looks of which files can still be made, the last made."""

PAUSE = 0.15
"""Seconds between two words on how far a job has come."""

REGIONS = 100
"""Regions that are looked at at once."""

Tell = Callable[[dict[str, Any]], None]


def main() -> None:
    """Do jobs until standard input ends, and with it the server."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever else is printed must not stand between answers
    end_with_parent()
    given = json.loads(sys.argv[1])
    try:
        videos = _videos(*given["dataset"]) if given["dataset"] else {}
        names = dict.fromkeys([*given["models"], *(models_at_hand() if given["at_hand"] else [])])
        about = {"models": [_about(name) for name in names], "videos": list(videos), "frames": FRAMES}
    except SalzooError as error:
        _print(out, {"error": str(error)})
        return
    _print(out, about)
    jobs: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    stopped: set[int] = set()

    def read() -> None:
        for line in sys.stdin:
            message = json.loads(line)
            if "stop" in message:
                stopped.add(message["stop"])
            else:
                jobs.put(message)
        os._exit(0)  # the server is gone

    threading.Thread(target=read, daemon=True).start()
    worker = Worker(videos)
    while True:
        job = jobs.get()
        _do(worker, job, lambda values: _print(out, values), lambda job=job: job["job"] in stopped)  # type: ignore[misc]
        stopped.clear()


def _do(worker: "Worker", job: dict[str, Any], tell: Tell, is_stopped: Callable[[], bool]) -> None:
    try:
        match job["do"]:
            case "look":
                found = worker.look(job, tell, is_stopped)
            case "forecast":
                found = worker.forecast(job)
            case "regions":
                found = worker.read_regions(job)
            case _:
                found = worker.write(job)
        tell({**found, "done": True})
    except SalzooError as error:
        tell({"error": str(error), "done": True})
    except OSError as error:
        gone = not Path(job["folder"]).exists()  # with its visit
        tell({"error": "" if gone else f"this machine says: {error.strerror}", "done": True})
    except Exception as error:  # a fault of ours or of a decoder's: one visit's misfortune
        print(f"salzoo: {one_line(error)}", file=sys.stderr)
        tell({"error": "that went wrong; the terminal that serves this page says how", "done": True})


class Worker:
    """Does jobs.

    Args:
        videos: of the data set, by id.
    """

    def __init__(self, videos: dict[str, Video]) -> None:
        self.videos = videos
        self.looks: OrderedDict[str, Look] = OrderedDict()

    def look(self, job: dict[str, Any], tell: Tell, is_stopped: Callable[[], bool]) -> dict[str, Any]:
        """Run models over uploads, or a video of the data set."""
        tell({"says": "loading the model …"})
        models = [shown_model(name) for name in dict.fromkeys(job["models"])]
        if "video" in job:
            sources = [Input.of_video(self.videos[job["video"]])]
        else:
            sources = [Input.of(Path(file)) for file in job["files"]]
        look = Look(sources, models, Path(job["folder"]))
        tell({"look": look.about()})
        began = told = monotonic()
        with closing(look.run(is_stopped)) as frames:
            for count in frames:
                if monotonic() - told > PAUSE or count == 1 or not look.video:
                    told = monotonic()
                    look.show()
                    tell({"look": {"count": count}, "says": f"{count} of {look.about()['total']}"})
        if not look.times:
            raise SalzooError("no frame was run")
        look.show()
        for gone in [folder for folder in self.looks if not Path(folder).exists()]:
            del self.looks[gone]  # with its visit
        self.looks[job["folder"]] = look
        while len(self.looks) > LOOKS:
            self.looks.popitem(last=False)
        count, what = len(look.times), "frames" if look.video else "pictures"
        says = f"{count} of {look.total} {what}, {count / max(monotonic() - began, 1e-9):.1f} a second"
        return {"look": look.found(), "says": says}

    def _look_of(self, job: dict[str, Any]) -> Look:
        look = self.looks.get(job["folder"])
        if look is None:
            raise SalzooError("that is no longer at hand: show it again first")
        return look

    def read_regions(self, job: dict[str, Any]) -> dict[str, Any]:
        """Read a file of regions, of any kind that ``salzoo regions`` takes, for what is shown."""
        look, path = self._look_of(job), Path(job["file"])
        size = look.frame_sizes[0 if look.video else job["source"]]
        times = np.array([*look.times, look.times[-1] + 1 / look.rate]) if look.video else None
        try:
            found = read_regions(path).of(Medium(job["called"], (size[0], size[1]), times))
            entries = [region_entry(region) for region in found[:REGIONS]]
        except SalzooError as error:
            raise SalzooError(str(error).replace(str(path), job["name"])) from error
        more = f", of {len(found)}" if len(found) > REGIONS else ""
        return {"look": {"regions": entries}, "says": f"{len(entries)} regions of {job['name']}{more}"}

    def forecast(self, job: dict[str, Any]) -> dict[str, Any]:
        """Say what people will do with regions of a picture, as ``salzoo regions`` does."""
        look = self._look_of(job)
        path = look.folder / "regions.json"
        write_regions(read_page_regions(job["regions"], path), path)
        found = forecaster(look.models[job["model"]].name).forecast(look.sources[job["source"]], read_regions(path))
        rows = [
            {name: value if math.isfinite(value) else None for name, value in each.row().items()}
            for each in found.regions
        ]
        return {"look": {"forecasts": rows, "notes": found.notes}, "says": "what people will do, with 80 % intervals"}

    def write(self, job: dict[str, Any]) -> dict[str, Any]:
        """Write a file to download."""
        look = self._look_of(job)
        regions = read_page_regions(job["regions"], look.folder / "regions.json")
        average, model, source = make_average(job["average"]), job["model"], job["source"]
        if job["kind"] == "json":
            path = look.folder / "regions.json"
            write_regions(regions, path)
        elif job["kind"] == "csv":
            path = look.write_numbers(model, average, regions, source)
        else:
            colormap = job["colormap"] if job["colormap"] in COLORMAPS else None
            options = OutputOptions(opacity=job["opacity"], colormap=colormap, overwrite=True)
            path = look.write_video(model, average, options)
        return {"made": path.name, "says": f"{path.name} is made"}


@lru_cache(maxsize=RUNNERS)
def shown_model(name: str) -> Shown:
    """A model, loaded once, without the average that it takes of finished maps, which can be another then."""
    network, own = without_average(load_model(name))
    # With PyTorch, so that the first frame need not wait for the trial of engines.
    return Shown(name, Runner(network, RunOptions(engine="torch", precision="float32"), count=lambda: None), own)


def models_at_hand() -> list[str]:
    """Names that need no download: cards whose weights are here, and networks that need none."""
    ready = [each.name for each in describe_models() if each.here]
    free = []
    for entry in registry().entries("backbones"):
        if entry.name not in list_models():
            with suppress(SalzooError):
                resolve_source(entry.name)
                free.append(entry.name)
    return sorted({*ready, *free}, key=lambda name: (name != DEFAULT_MODEL, name in free, name))


@lru_cache(maxsize=RUNNERS)
def forecaster(name: str) -> Forecaster:
    """What a model says that people will do."""
    return Forecaster(name, RunOptions(engine="torch", precision="float32"))


def _about(name: str) -> dict[str, str]:
    """A model's name, and a line on it."""
    source = resolve_source(name)
    for kind in ("models", "backbones"):
        if registry().knows(kind, name):
            return {"name": name, "line": registry().find(kind, name).summary.removeprefix(f"{name}: ")}
    return {"name": name, "line": source.spec}


def _videos(name: str, root: str | None, split: str) -> dict[str, Video]:
    from salzoo.data import open_dataset

    return {video.id: video for video in open_dataset(name, root).split(split)}


def read_page_regions(listed: list[Any], path: Path) -> list[Region]:
    """Regions as the page has them, which is as our own files have them. Raises SalzooError for what is none, and for
    too many."""
    if len(listed) > REGIONS:
        raise SalzooError(f"{len(listed)} regions are too many to look at: {REGIONS} are the most here")
    try:
        return distinct_names(parse_regions(listed, path))
    except SalzooError as error:
        raise SalzooError(str(error).replace(f"{path}: ", "").replace(str(path), "that")) from error


def _print(out: TextIO, values: dict[str, Any]) -> None:
    out.write(json.dumps(values) + "\n")
    out.flush()


if __name__ == "__main__":
    main()
