"""What ``salzoo regions`` wrote, on a report."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from browser import visit
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from salzoo.cli import cli
from salzoo.interfaces import SalzooError
from salzoo.report.regions import read_regions
from salzoo.video.writing import video_writer


def run(*words: str) -> str:
    outcome = CliRunner().invoke(cli, list(words))
    assert outcome.exit_code == 0, outcome.output
    return outcome.output


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pictures against each other, a video, and the report on both."""
    folder = tmp_path_factory.mktemp("told")
    rng = np.random.default_rng(0)
    for name in ("old", "new"):
        cv2.imwrite(str(folder / f"{name}.png"), rng.integers(0, 255, (90, 120, 3)).astype(np.uint8))
    with video_writer(folder / "film.mp4", (90, 120), 10) as write:
        for _ in range(6):
            write(rng.integers(0, 255, (90, 120, 3)).astype(np.uint8))
    (folder / "r.csv").write_text("name,x,y,width,height\n<b>logo</b>,10,10,40,30\nrest,60,20,50,60\n")
    how = ("--regions", str(folder / "r.csv"), "--device", "cpu", "--precision", "float32", "-o")
    run(
        "regions",
        "spectral-residual",
        *(str(folder / f"{n}.png") for n in ("old", "new")),
        *how,
        str(folder / "a.json"),
    )
    run("regions", "spectral-residual", str(folder / "film.mp4"), *how, str(folder / "film.json"))
    run("report", str(folder / "a.json"), str(folder / "film.json"), "-o", str(folder / "report.html"))
    return folder


@pytest.mark.parametrize("width", [1440, 390])
def test_regions_stand_on_a_report(browser: Any, told: Path, width: int) -> None:
    with visit(browser, (told / "report.html").as_uri(), width=width) as seen:
        assert (seen.errors, seen.requests) == ([], [(told / "report.html").as_uri()])
        assert seen.overflow() <= 0, seen.beyond()
        assert seen.violations() == []
        heads = seen.page.locator("h2").all_inner_texts()
        assert heads[:3] == [f"Regions: {name}, spectral-residual" for name in ("old", "new", "film")]
        widths = seen.page.eval_on_selector_all("img.regions", "all => all.map(each => each.naturalWidth)")
        assert widths == [800, 800, 800]
        bars = seen.page.locator("table.chart").first
        assert "<b>logo</b>" in bars.inner_text()
        assert bars.locator("rect.box").count() == 2


def test_a_report_has_shares_changes_curves_and_commands(told: Path) -> None:
    old, new = read_regions(told / "a.json")
    record = json.loads((told / "a.json").read_text())
    share = record["inputs"][0]["regions"][0]["share"]
    assert [len(each.charts) for each in (old, new)] == [2, 3]
    assert {row.name: row.at for row in old.charts[0].rows}["<b>logo</b>"] == pytest.approx(100 * share)
    change = {row.name: row.at for row in new.charts[2].rows}["rest"]
    assert change == pytest.approx(100 * record["differences"]["rest"]["share"]["value"])
    (film,) = read_regions(told / "film.json")
    assert [panel.series[0].values.shape for panel in film.panels] == [(6,), (6,)]
    page = (told / "report.html").read_text()
    assert page.count(f"salzoo regions spectral-residual {told}/old.png") == 1


def test_only_a_file_has_pictures_and_another_file_is_none(told: Path, tmp_path: Path) -> None:
    printed = run("regions", "spectral-residual", str(told / "old.png"), "--regions", str(told / "r.csv"), "--json")
    assert "pictures" not in json.loads(printed)
    (tmp_path / "printed.json").write_text(printed)
    assert read_regions(tmp_path / "printed.json")[0].picture == ""
    (tmp_path / "other.json").write_text('{"results": []}')
    assert read_regions(tmp_path / "other.json") == []


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("salzoo_regions_result", 99, "version 99"),
        ("pictures", ["http://example.org/a.jpg", ""], "no JPEG"),
        ("pictures", ['data:image/jpeg;base64,AA" onload="x', ""], "no JPEG"),
        ("inputs", 3, "no result of salzoo regions"),
        ("inputs", [{"name": "a", "notes": [], "regions": [{"name": "b", "share": 1e999}]}], "make it again"),
    ],
)
def test_a_damaged_file_is_one_line(told: Path, tmp_path: Path, key: str, value: Any, message: str) -> None:
    record = json.loads((told / "a.json").read_text()) | {key: value}
    (tmp_path / "bad.json").write_text(json.dumps(record))
    with pytest.raises(SalzooError, match=message):
        read_regions(tmp_path / "bad.json")


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_any_change_of_a_file_is_shown_or_one_line(told: Path, data: st.DataObject) -> None:
    """A value anywhere in a file is replaced by another."""
    record = json.loads((told / "film.json").read_text())
    place: Any = record
    while True:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not (isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans())):
            break
        place = place[key]
    place[key] = data.draw(st.none() | st.integers(-3, 10**30) | st.text(max_size=5) | st.just([]) | st.just({}))
    path = told / "changed.json"
    path.write_text(json.dumps(record))
    outcome = CliRunner().invoke(cli, ["report", str(path), "-o", str(told / "changed.html")])
    assert outcome.exit_code in (0, 1)
    assert len(outcome.output.strip().splitlines()) == 1, outcome.output
