"""What the page of ``salzoo app`` may ask for: all else is refused at once, before it waits for the models' process."""

import json
from pathlib import Path
from typing import Any

import pytest

from salzoo.app.looking import Looking
from salzoo.app.serving import Refused, Request
from salzoo.app.visits import Visits


class NoWork:
    """Takes the place of the models' process, of which nothing is asked but what it was given."""

    def __init__(self) -> None:
        self.jobs: list[Any] = []

    def add(self, job: Any) -> None:
        self.jobs.append(job)


def post(looking: Looking, key: str, what: str, message: dict[str, Any]) -> None:
    body = json.dumps(message).encode()
    looking.answer(Request("POST", ("visits", key, what), {}, len(body), lambda: iter([body])))


WELL = {"kind": "csv", "model": 0, "source": 1, "opacity": 0.5, "colormap": "inferno", "regions": [], "average": {}}


@pytest.mark.parametrize(
    "wrong",
    [
        {"model": 0.0},
        {"model": True},
        {"model": 1},
        {"model": -1},
        {"model": "0"},
        {"source": 1.0},
        {"source": None},
        {"source": 2},
        {"opacity": True},
        {"opacity": "1"},
        {"opacity": float("nan")},
        {"colormap": ["inferno"]},
        {"regions": {}},
        {"average": None},
        {"kind": "mp4"},
        {"kind": ["csv"]},
    ],
)
def test_what_cannot_be_is_refused_at_once(tmp_path: Path, wrong: dict[str, Any]) -> None:
    work = NoWork()
    looking = Looking(Visits(tmp_path), work, {"models": [{"name": "center-bias"}], "videos": []})  # type: ignore[arg-type]
    visit = looking.visits.begin()
    visit.look = {"folder": tmp_path, "models": ["center-bias"], "count": 2, "video": False}
    post(looking, visit.key, "make", WELL)
    assert [job.message["source"] for job in work.jobs] == [1]
    with pytest.raises(Refused):
        post(looking, visit.key, "make", WELL | wrong)
    assert len(work.jobs) == 1
