"""Reports as people open them, in a browser; and what goes into them."""

import dataclasses
import html
import json
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from browser import WIDTHS, visit
from click.testing import CliRunner
from made_results import HOSTILE, METRICS, make_result

from salzoo.cli import cli
from salzoo.data import open_dataset
from salzoo.evaluation.leaderboard import Leaderboard, leaderboard_json
from salzoo.evaluation.results import CENTER_BIAS, HUMANS, Result, summarise, write_results
from salzoo.interfaces import Dataset
from salzoo.model import create_model
from salzoo.spec import parse_spec
from salzoo.training.experiment import Experiment
from salzoo.training.folder import RunFolder
from salzoo.training.recipe import load_recipe, override

FAULTY = """<!doctype html><html lang="en"><title>Faulty</title><main><h1>Faulty</h1>
<div style="width: 900px; color: #999; background: #fff">Pale words</div><button></button>
<img src="http://example.org/picture.png" alt=""><script>undefined_name()</script></main></html>"""


def write_page(folder: Path, *results: Result, more: tuple[str, ...] = ()) -> Path:
    write_results(results, folder / "eval.json")
    outcome = CliRunner().invoke(cli, ["report", str(folder / "eval.json"), *more, "-o", str(folder / "report.html")])
    assert outcome.exit_code == 0, outcome.output
    return folder / "report.html"


def write_run(folder: Path) -> Path:
    recipe = override(load_recipe("human"), {"epochs": 3, "lr": 0.5})
    run = RunFolder(
        folder,
        Experiment(parse_spec("salgan+ema@61"), (("osie", None), ("sun500", "/data/s")), recipe),
        [Dataset("osie", []), Dataset("sun500", [])],
    )
    run.create()
    header = "step,loss,network,grad_norm,lr,alpha,epoch,frames,seconds,waited,done\n"
    rows = [f"{n},{1 / n:.4f},generator,1,1e-5,nan,1,{n},{n},0,0\n" for n in range(1, 900)]
    (folder / "metrics.csv").write_text(header + "".join(rows))
    (folder / "scores.csv").write_text("epoch,step,nss\n1,400,0.5\n2,800,1.5\n")
    write_results([make_result("salgan+ema@61", spec="salgan+ema@61")], folder / "results.json")
    return folder


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run and results of four more models, one with a hostile name."""
    folder = tmp_path_factory.mktemp("report")
    run = write_run(folder / "run <b>")
    results = [make_result(HOSTILE, 0.1), make_result("b", -0.1), make_result(CENTER_BIAS, -0.4)]
    odd = make_result("odd", 0.2, notices={f"no {HOSTILE}": [HOSTILE] * 4}, frames=46)
    return write_page(folder, *results, odd, make_result(HUMANS, 0.5, METRICS[:2]), more=(str(run),))


def test_the_faults_of_a_page_are_seen(browser, tmp_path: Path) -> None:
    """Without that, no finding means nothing."""
    (tmp_path / "page.html").write_text(FAULTY)
    with visit(browser, (tmp_path / "page.html").as_uri(), width=390) as seen:
        assert any("undefined_name" in error for error in seen.errors)
        assert "http://example.org/picture.png" in seen.requests
        assert seen.overflow() > 400
        assert seen.beyond()[:2] == ["window 390", "DIV. ends at 908"]
        assert {rule.partition(":")[0] for rule in seen.violations()} == {"color-contrast", "button-name"}


@pytest.mark.parametrize("width", WIDTHS)
def test_a_report_fits_and_asks_for_nothing(browser, page: Path, width: int) -> None:
    with visit(browser, page.as_uri(), width=width) as seen:
        assert seen.errors == []
        assert seen.requests == [page.as_uri()]
        assert seen.overflow() <= 0, seen.beyond()


@pytest.mark.parametrize(
    ("width", "dark"),
    [
        (390, True),
        *(pytest.param(w, d, marks=pytest.mark.slow) for w, d in ((390, False), (1440, True), (1440, False))),
    ],
)
def test_a_report_can_be_used_by_all(browser, page: Path, width: int, dark: bool) -> None:
    with visit(browser, page.as_uri(), width=width, dark=dark) as seen:
        assert seen.violations() == []


def test_a_heading_sorts_by_click_and_key(browser, page: Path) -> None:
    with visit(browser, page.as_uri()) as seen:
        column = "table.scores:not(.videos) tbody td:nth-child(2)"

        def shown() -> list[str]:
            return list(seen.page.eval_on_selector_all(column, "all => all.map(x => x.dataset.value)"))

        head = seen.page.locator("table.scores thead th", has_text="NSS")
        head.locator("button").click()
        assert head.get_attribute("aria-sort") == "descending"
        falling = [float(value) for value in shown()]
        assert falling == sorted(falling, reverse=True)
        assert len(falling) == 6
        seen.page.keyboard.press("Enter")
        assert head.get_attribute("aria-sort") == "ascending"
        assert [float(value) for value in shown()] == falling[::-1]
        column = "table.scores:not(.videos) tbody td:nth-child(4)"
        for _ in range(2):
            seen.page.keyboard.press("Tab")
        for _ in range(2):
            seen.page.keyboard.press("Space")
            assert shown()[-1] == ""  # people have no KLD: last, whichever way
        assert head.get_attribute("aria-sort") is None


def test_a_report_says_first_what_was_found(tmp_path: Path) -> None:
    def finding(*results: Result) -> str:
        page = write_page(tmp_path, *results).read_text(encoding="utf-8")
        (found,) = re.findall(r'<p class="finding"><bdi>(.*?)</bdi></p>', page)
        return html.unescape(re.sub(r"<[^>]+>", "", found))

    first, other, people = make_result("a"), make_result("b", -0.2), make_result(HUMANS, 0.5)
    low, high = first.interval_95["nss"]
    beginning = f"a reaches NSS {first.mean['nss']:.3f} (95 % interval [{low:.3f}, {high:.3f}])"
    beginning += " on osie val (12 videos, 48 frames)"
    said = finding(first, make_result(CENTER_BIAS, 0.1), other, people)
    assert said.startswith(f"{beginning}: better than b by 0.200 (+0.200 [")
    assert said.endswith(f"). People, each against the others, reach {people.mean['nss']:.3f}.")
    assert "worse than center-bias (fitted to train) by 0.100" in finding(first, make_result(CENTER_BIAS, 0.1))
    assert "no clear difference from c (+0.000" in finding(first, dataclasses.replace(first, model="c"))
    assert finding(first) == f"{beginning}."
    few = make_result("few", videos=3)
    assert finding(few) == f"few reaches NSS {few.mean['nss']:.3f} on osie val (3 videos, 12 frames)."


def test_one_metric_is_chosen_for_chart_and_videos(browser, page: Path) -> None:
    with visit(browser, page.as_uri()) as seen:
        shown = seen.page.locator(".choice:visible caption")
        assert shown.all_inner_texts() == ["NSS (standard deviations), higher is better"]
        rows = seen.page.locator("table.videos tbody tr")
        assert rows.count() == 12
        before = [float(text) for text in seen.page.locator("table.videos tbody td:nth-child(2)").all_inner_texts()]
        assert before == sorted(before, reverse=True)
        seen.page.get_by_label("Metric").select_option(label="KLD (nats), lower is better")
        assert shown.all_inner_texts() == ["KLD (nats), lower is better"]
        after = [float(text) for text in seen.page.locator("table.videos tbody td:nth-child(2)").all_inner_texts()]
        wanted = [round(each["kld"], 3) for each in make_result("salgan+ema@61").per_video.values()]
        assert sorted(after) == pytest.approx(sorted(wanted), abs=1e-3)
        seen.page.locator("table.videos thead button").nth(1).click()
        falling = [float(text) for text in seen.page.locator("table.videos tbody td:nth-child(2)").all_inner_texts()]
        assert falling == sorted(after, reverse=True)


def test_names_break_at_their_joints_alone(browser, tmp_path: Path) -> None:
    name = "gaze-lite+ema:tau=0.2@output"
    page = write_page(tmp_path, make_result(name), make_result("some/where/gaze-lite"))
    with visit(browser, page.as_uri(), width=390) as seen:
        cell = seen.page.locator("table.scores tbody th bdi").first
        assert cell.inner_text().replace("\n", "") == name  # no sign is added to what one copies
        parts = cell.locator(".part").evaluate_all("all => all.map(each => each.getClientRects().length)")
        assert parts == [1]


def test_hostile_names_are_text(browser, page: Path) -> None:
    with visit(browser, page.as_uri()) as seen:
        opened: list[str] = []
        seen.page.on("dialog", lambda dialog: opened.append(dialog.message))
        seen.page.reload()
        names = seen.page.locator("table.scores tbody th").all_inner_texts()
        assert HOSTILE.replace("\u202e", "\\u202e") in names
        assert seen.page.locator("main script").count() == 0
        assert opened == []
        assert "run <b>" in seen.page.locator("dl").first.inner_text()


def test_markup_that_came_through_would_be_seen(browser, page: Path, tmp_path: Path) -> None:
    """The page lets no script run but its own, so that an error on the console tells of one that came through."""
    text = page.read_text(encoding="utf-8")
    for number, markup in enumerate(
        (
            "<script>document.title='bad'</script>",
            "<img src='data:,' onerror=\"document.title='bad'\">",
            "<p style='color: red'>",
        )
    ):
        changed = tmp_path / f"{number}.html"
        changed.write_text(text.replace("<main>", f"<main>{markup}"), encoding="utf-8")
        with visit(browser, changed.as_uri()) as seen:
            assert "Content Security Policy" in "".join(seen.errors)
            assert seen.page.title() != "bad"


def test_what_a_report_says(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "PARTIAL: odd has 46 of 48 frames" in text
    assert "salzoo train salgan+ema@61 --dataset osie,sun500 --root /data/s --recipe human" in text
    assert "--set epochs=3 --set lr=0.5" in text
    assert "validation NSS (standard deviations), higher is better" in text
    assert text.count('"faint" points') == 1
    assert text.count('class="series0" points') + text.count('<line class="series0"') == 3  # loss, its rate, validation
    result = make_result("a")
    low, high = result.interval_95["nss"]
    assert f"{low:.3f} to {high:.3f}" in text


def test_the_commands_of_a_report_give_it_again(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["eval", "center-bias", "--root", str(tiny_data), "--max-frames", "5", "--per-frame", "--seed", "3"]
    report = ["report", "my scores.json", "--frames", "0"]
    for command in ([*words, "-o", "my scores.json", "-o", "t.tex"], [*report, "-o", "r.html"]):
        done = CliRunner().invoke(cli, command)
        assert done.exit_code == 0, done.output
    made = {name: Path(name).read_bytes() for name in ("my scores.json", "t.tex", "r.html")}
    page = made["r.html"].decode()
    assert "5 of " in page
    assert "every frame" not in page
    commands = [html.unescape(each) for each in re.findall(r"<code>(salzoo .*?)</code>", page, re.DOTALL)]
    assert len(commands) == 2
    for name in made:
        Path(name).unlink()
    for command in commands:
        done = CliRunner().invoke(cli, shlex.split(command)[1:])
        assert done.exit_code == 0, done.output
    assert {name: Path(name).read_bytes() for name in made} == made


def test_the_commands_of_a_run_give_its_weights_again(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["train", "salgan:width=0.05+ema@61", "--dataset", "synthetic", "--root", str(tiny_data), "--size", "16x16"]
    more = ["--set", "frames=20", "--lr", "0.003", "--seed", "4", "--score-frames", "1", "--device", "cpu", "-o", "run"]
    for command in ([*words, *more], ["report", "run", "--frames", "0", "-o", "r.html"]):
        done = CliRunner().invoke(cli, command)
        assert done.exit_code == 0, done.output
    weights = Path("run/model.safetensors").read_bytes()
    again = re.findall(r"<code>(salzoo .*?)</code>", Path("r.html").read_text(), re.DOTALL)
    shutil.rmtree("run")
    for command in again:
        done = CliRunner().invoke(cli, shlex.split(html.unescape(command))[1:])
        assert done.exit_code == 0, done.output
    assert Path("run/model.safetensors").read_bytes() == weights
    assert len(again) == 2


def test_reported_scores_stand_beside_with_their_status(tmp_path: Path) -> None:
    page = write_page(tmp_path, make_result("mine", dataset="dhf1k")).read_text(encoding="utf-8")
    assert page.count('<tr class="reported">') > 3
    assert page.count('<tr class="withdrawn">') > 0
    assert "do not quote them" in page


def test_a_table_that_does_not_fit_says_so(browser, page: Path) -> None:
    for width, fits in ((390, False), (1440, True)):
        with visit(browser, page.as_uri(), width=width) as seen:
            more = seen.page.locator("p.more").first
            assert more.is_visible() is not fits
            assert "scrolls" in (more.text_content() or "")


def test_on_a_phone_the_status_stands_below_the_name(browser, page: Path) -> None:
    for width, below in ((390, True), (820, False)):
        with visit(browser, page.as_uri(), width=width) as seen:
            baseline = seen.page.locator("tr.baseline").first
            assert ("measured: a baseline" in baseline.locator("th").inner_text()) is below
            assert baseline.locator("td").last.is_visible() is not below


def test_what_a_leaderboard_could_not_score_is_said(tmp_path: Path) -> None:
    board = Leaderboard([make_result("a")], [], {HOSTILE: "its weights are not here <b>"})
    (tmp_path / "board.json").write_text(leaderboard_json(board), encoding="utf-8")
    page = write_page(tmp_path, make_result("b"), more=(str(tmp_path / "board.json"),)).read_text(encoding="utf-8")
    assert "its weights are not here &lt;b&gt;" in page
    assert page.count("<script>") == 1


def test_results_that_cannot_be_compared_stand_apart(tmp_path: Path) -> None:
    page = write_page(tmp_path, make_result("a"), make_result("b", split="test")).read_text(encoding="utf-8")
    assert page.count("<h2 id=") == 3
    assert "Differences from the first" not in page


def test_what_is_no_run_nor_result_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "some.json").write_text(json.dumps({"results": []}))
    many = [dataclasses.replace(make_result(f"{n}"), note="x" * 5_000_000 + str(n)) for n in range(5)]
    write_results(many, tmp_path / "large.json")
    for name, message in (
        ("empty", "is no run folder"),
        ("some.json", "is no results file"),
        ("none.json", "cannot read"),
        ("large.json", "the report would have 25 MB"),
    ):
        out = tmp_path / "report.html"
        outcome = CliRunner().invoke(cli, ["report", str(tmp_path / name), "-o", str(out)])
        assert (outcome.exit_code, message in outcome.output, len(outcome.output.splitlines())) == (1, True, 1)
        assert not out.exists()
    outcome = CliRunner().invoke(cli, ["report", str(tmp_path / "some.json"), "-o", str(tmp_path / "report.pdf")])
    assert outcome.exit_code == 2


def write_trained(folder: Path, dataset: Dataset, root: Path, split: str) -> Path:
    """A run of an untrained network, whose results name videos of a data set."""
    recipe = load_recipe("synthetic")
    experiment = Experiment(parse_spec("salgan:width=0.05"), ((dataset.name, str(root)),), recipe)
    run = RunFolder(folder, experiment, [dataset])
    run.create()
    torch.manual_seed(0)
    model = create_model(experiment.spec)
    model.preprocessing = dataclasses.replace(model.preprocessing, size=(24, 32))
    run.save(model)
    videos = [video.id for video in dataset.split(split)]
    scores = {video: np.full((1, 1), float(number)) for number, video in enumerate(videos)}
    result = make_result(
        str(experiment.spec), dataset=dataset.name, split=split, frames_expected=1, **summarise(scores, ["nss"])
    )
    write_results([result], folder / "results.json")
    return folder


def test_a_run_shows_clips_with_the_score_of_each_frame(browser, tiny_data: Path, tmp_path: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    data = open_dataset("synthetic", tiny_data)
    run = write_trained(tmp_path / "run", data, tiny_data, "val")
    outcome = CliRunner().invoke(cli, ["report", str(run), "--frames", "29", "-o", str(tmp_path / "report.html")])
    assert outcome.exit_code == 0, outcome.output
    with visit(browser, (tmp_path / "report.html").as_uri(), width=390) as seen:
        seen.page.evaluate(
            "new Promise((then, fail) => { const video = document.querySelector('video');"
            "if (video.readyState >= 2) then(); if (video.error) fail(video.error.message);"
            "video.addEventListener('loadeddata', then); video.addEventListener('error', fail); })"
        )
        assert seen.page.evaluate("document.querySelector('video').duration") == pytest.approx(29 / 25, abs=0.01)
        slider, said = seen.page.get_by_label("Frame", exact=True), seen.page.locator("output")
        slider.focus()
        assert said.inner_text().startswith("frame 0001: CC ")
        for _ in range(3):
            seen.page.keyboard.press("ArrowRight")
        assert said.inner_text().startswith("frame 0004: CC ")
        assert seen.page.evaluate("document.querySelector('video').currentTime") == pytest.approx(3.5 / 25, abs=0.01)
        seen.page.get_by_role("button", name="Play").click()
        playwright.expect(said).to_have_text(re.compile("frame 00[12][0-9]: CC "))
        playwright.expect(seen.page.get_by_role("button", name="Pause")).to_be_visible()
        assert seen.page.locator(".sight img").evaluate("image => image.naturalHeight") > 300
        assert all(url.startswith(("data:", "file:")) for url in seen.requests)
        assert (seen.errors, seen.overflow()) == ([], 0), seen.beyond()
        assert seen.page.locator("figcaption", has_text="only: 0601").count() == 1


def test_the_best_the_median_and_the_worst_picture_are_shown(tiny_gaze: Path, tmp_path: Path) -> None:
    data = open_dataset("osie", tiny_gaze)
    run = write_trained(tmp_path / "run", data, tiny_gaze, "train")
    arguments = ["report", str(run), "-o", str(tmp_path / "report.html")]
    assert CliRunner().invoke(cli, arguments).exit_code == 0
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    videos = [video.id for video in data.split("train")]
    for rank, number in (("best", len(videos) - 1), ("median", len(videos) - 1 - len(videos) // 2), ("worst", 0)):
        assert f"{rank}: <bdi>{videos[number]}</bdi>, NSS {number}.000" in page
    assert page.count("data:image/jpeg;base64,") == 3
    assert "<video" not in page


def test_a_run_whose_data_are_gone_says_so(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    outcome = CliRunner().invoke(cli, ["report", str(run), "-o", str(tmp_path / "report.html")])
    assert outcome.exit_code == 0
    assert "no pictures: " in outcome.output
    assert "no pictures: " in (tmp_path / "report.html").read_text(encoding="utf-8")


@dataclasses.dataclass(frozen=True)
class HostileVideo:
    """A video of three frames whose name, and whose frames' names, are markup, turned around, and long."""

    id: str = HOSTILE
    split: str = "val"
    frames: int = 3
    annotated: bool = True

    def frame_name(self, index: int) -> str:
        return HOSTILE + str(index)

    def read_frames(self, start: int = 0, stop: int | None = None):
        return iter([np.full((48, 64, 3), 90, np.uint8)] * 3)

    def read_density(self, index: int):
        return np.eye(48, 64, dtype=np.uint8) * 200


def test_hostile_videos_are_text_beside_their_pictures(
    browser, tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = Dataset("synthetic", [HostileVideo()], note=HOSTILE)
    run = write_trained(tmp_path / "run", data, tiny_data, "val")
    monkeypatch.setattr("salzoo.report.videos.open_dataset", lambda name, root: data)
    outcome = CliRunner().invoke(cli, ["report", str(run), "-o", str(tmp_path / "report.html")])
    assert outcome.exit_code == 0, outcome.output
    with visit(browser, (tmp_path / "report.html").as_uri(), width=390) as seen:
        assert "<script>alert('x')</script>" in seen.page.locator(".sight figcaption").inner_text()
        assert "<script>alert('x')</script>" in seen.page.locator("output").inner_text()
        assert (seen.errors, seen.overflow()) == ([], 0), seen.beyond()
