"""What a model says of regions, through the command line."""

import csv
import json
from pathlib import Path
from time import perf_counter

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result
from fitting import describe_usual

from salzoo.cli import cli
from salzoo.hub.checkpoint import weights_hash
from salzoo.hub.sources import load_model
from salzoo.interfaces import SalzooError
from salzoo.prediction.inputs import Input
from salzoo.regions.calibration import TARGETS, read_calibration, shipped_calibration
from salzoo.regions.comparing import Expectation
from salzoo.regions.predicted import forecast_regions, medium_of
from salzoo.regions.reading import read_regions
from salzoo.regions.region import Region
from salzoo.regions.shapes import Rectangle
from salzoo.regions.shares import see_regions
from salzoo.regions.unlike import is_unlike, traits_of
from salzoo.video.reading import read_timed
from salzoo.video.writing import video_writer


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two pictures, of noise with a bright patch, and regions."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    picture = cv2.GaussianBlur(rng.integers(0, 255, (120, 160, 3)).astype(np.uint8), (0, 0), 3)
    cv2.imwrite("old.png", picture)
    picture[70:90, 100:120] = (0, 0, 255)
    cv2.imwrite("new.png", picture)
    Path("regions.csv").write_text("name,shape,x,y,width,height\nlogo,,95,65,30,30\nrest,ellipse,0,0,90,60\n")
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, ["regions", *words])


def test_a_picture_its_table_its_picture_and_its_json(here: Path) -> None:
    done = run("old.png", "--regions", "regions.csv", "-o", "out.csv", "-o", "out.json", "-o", "out.png")
    assert done.exit_code == 0, done.output
    assert "4 times in 5" in done.output
    fitted = weights_hash(load_model("gaze-lite"))[:16] == shipped_calibration().weights
    assert (
        "was not measured of gaze-lite" in done.output
    ) is not fitted  # of new weights, until the table is made anew
    rows = list(csv.DictReader((here / "out.csv").read_text().splitlines()))
    assert [(row["item"], row["region"]) for row in rows] == [("old", "logo"), ("old", "rest")]
    logo = {name: float(value) if value else None for name, value in list(rows[0].items())[2:]}
    assert logo["area"] == pytest.approx(900 / (120 * 160), rel=1e-3)
    assert 0 <= logo["share_low"] <= logo["share"] <= logo["share_high"] <= 1
    assert logo["seen_1s"] <= logo["seen_2s"] <= logo["seen_3s"] <= logo["seen_5s"]
    record = json.loads((here / "out.json").read_text())
    assert record["salzoo_regions_result"] == 1
    assert record["interval"] == 0.8
    assert record["inputs"][0]["regions"][0]["share"] == pytest.approx(logo["share"], rel=1e-5)
    assert record["expected_error"]["share"] < 0.06
    assert record["measured"]["mit1003"]["share"]["holds"] > 0.7
    picture = cv2.imread("out.png")
    assert picture.shape[1] == 1280
    assert picture.shape[0] > 1280 * 120 // 160  # the bars stand beneath


def test_two_pictures_are_compared(here: Path) -> None:
    done = run("old.png", "new.png", "--regions", "regions.csv", "--json")
    assert done.exit_code == 0, done.output
    record = json.loads(done.output)
    before, after = (each["regions"][0]["share"] for each in record["inputs"])
    change = record["differences"]["logo"]["share"]
    assert change["value"] == pytest.approx(after - before)
    assert change["low"] <= change["value"] <= change["high"]
    assert after > before


def test_expectations_are_an_exit_status(here: Path) -> None:
    done = run(
        "spectral-residual",
        "new.png",
        "--regions",
        "regions.csv",
        "--expect",
        "logo.share>0.001",
        "--expect",
        "rest.area<30%",
    )
    assert done.exit_code == 0, done.output
    done = run("spectral-residual", "new.png", "--regions", "regions.csv", "--expect", "logo.area>0.5")
    assert done.exit_code == 3
    assert "logo.area>0.5 does not hold: logo.area is 0.04688" in done.output
    done = run("spectral-residual", "old.png", "new.png", "--regions", "regions.csv", "--expect", "logo.share_change>0")
    assert done.exit_code == 0, done.output
    for wrong, message in (
        ("logo.fame>1", "no number is called 'fame'"),
        ("hat.share>1", "there is no region 'hat'"),
        ("logo.share=1", "is no expectation"),
    ):
        done = run("spectral-residual", "new.png", "--regions", "regions.csv", "--expect", wrong)
        assert done.exit_code == 1
        assert message in done.output


def test_what_is_wrong_is_one_line(here: Path) -> None:
    (here / "far.csv").write_text("name,x,y,width,height\nlogo,500,500,10,10\n")
    done = run("spectral-residual", "old.png", "--regions", "far.csv")
    assert done.exit_code == 1
    assert "'logo' lies outside of old.png, which is 160×120" in done.output
    assert run("spectral-residual", "old.png", "--regions", "gone.csv").exit_code == 1
    assert run("spectral-residual", "old.png", "--regions", "regions.csv", "-o", "out.gif").exit_code == 2
    before = (here / "old.png").read_bytes()
    for read in ("old.png", "regions.csv"):
        assert run("spectral-residual", "old.png", "--regions", "regions.csv", "-o", read).exit_code == 2
    assert (here / "old.png").read_bytes() == before
    assert run("spectral-residual", "old.png", "old.png", "new.png", "--regions", "regions.csv").exit_code != 0


def test_of_another_model_and_of_drawings_a_line_says_what_was_not_measured(here: Path) -> None:
    page = np.full((120, 160, 3), 255, np.uint8)
    page[20:30, 10:150] = 0
    page[50:110:8, 10:80] = 0
    cv2.imwrite("page.png", page)
    done = run("spectral-residual", "page.png", "--regions", "regions.csv")
    assert done.exit_code == 0, done.output
    assert "was not measured of spectral-residual" in done.output
    assert "this is drawn" in done.output


def ball_video(path: Path, frames: int = 20) -> list[Rectangle]:
    """A white ball on black that moves by 6 pixels right and 2 down a frame."""
    places = [Rectangle(10 + 6 * number, 10 + 2 * number, 20, 20) for number in range(frames)]
    with video_writer(path, (96, 160), 25) as write:
        for number, place in enumerate(places):
            frame = np.zeros((96, 160, 3), np.uint8)
            frame[int(place.y) : int(place.y) + 20, int(place.x) : int(place.x) + 20] = 255
            write(frame, number / 25, 1 / 25)
    return places


def test_a_moving_region_follows_a_ball_to_the_pixel(tmp_path: Path) -> None:
    film = tmp_path / "film.avi"
    places = ball_video(film)
    (tmp_path / "ball.csv").write_text(
        f"name,x,y,width,height,time\nball,10,10,20,20,0\nball,{10 + 6 * 19},{10 + 2 * 19},20,20,{19 / 25}\n"
    )
    (region,) = read_regions(tmp_path / "ball.csv").of(medium_of(Input.of(film), (96, 160)))
    for frame, place in zip(read_timed(film), places, strict=True):
        shape = region.at(float(frame.time))
        assert shape is not None
        np.testing.assert_allclose(shape.bounds, place.bounds, atol=1e-5)
        bright = frame.image[..., 0].astype(np.float32)
        bright[bright < 128] = 0  # what the codec leaves beside the ball
        assert see_regions(bright, [shape], (96, 160))[0, 0] > 0.995


def test_a_video_over_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ball_video(tmp_path / "film.avi")
    (tmp_path / "tracks.xml").write_text(
        '<annotations><track id="0" label="ball"><box frame="0" outside="0" xtl="10" ytl="10" xbr="30" ybr="30"/>'
        '<box frame="9" outside="0" xtl="64" ytl="28" xbr="84" ybr="48"/>'
        '<box frame="10" outside="1" xtl="64" ytl="28" xbr="84" ybr="48"/></track></annotations>'
    )
    words = ["spectral-residual", "film.avi", "--regions", "tracks.xml"]
    done = run(*words, "-o", "out.json", "-o", "out.png", "--curves", "curves.csv")
    assert done.exit_code == 0, done.output
    record = json.loads((tmp_path / "out.json").read_text())
    shares = record["inputs"][0]["map_shares"]["ball"]
    assert len(shares) == 20
    assert [share is None for share in shares] == [False] * 10 + [True] * 10
    assert record["inputs"][0]["times"][:2] == [0, 0.04]
    assert "on films that of the share held" in done.output
    assert "wrote curves.csv" in done.output
    rows = list(csv.DictReader((tmp_path / "curves.csv").read_text().splitlines()))
    assert [(row["frame"], row["time"]) for row in rows[:2]] == [("1", "0"), ("2", "0.04")]
    assert float(rows[3]["map_share"]) == pytest.approx(shares[3], rel=1e-4)
    assert rows[12]["map_share"] == ""


def test_two_versions_may_have_one_name(here: Path) -> None:
    for name in ("old", "new"):
        (here / name).mkdir()
        (here / f"{name}.png").rename(here / name / "page.png")
    done = run("spectral-residual", "old/page.png", "new/page.png", "--regions", "regions.csv", "--json")
    assert done.exit_code == 0, done.output
    record = json.loads(done.output)
    assert [each["name"] for each in record["inputs"]] == ["old/page.png", "new/page.png"]


def test_people_through_the_command_line(tiny_gaze: Path, here: Path) -> None:
    done = run("1001", "--dataset", "osie", "--root", str(tiny_gaze), "--regions", "regions.csv", "-o", "looks.csv")
    assert "outside of 1001" in done.output  # 64 × 48 pixels
    (here / "regions.csv").write_text("name,x,y,width,height\nleft,0,0,30,48\n")
    done = run("1001", "--dataset", "osie", "--root", str(tiny_gaze), "--regions", "regions.csv", "-o", "looks.csv")
    assert done.exit_code == 0, done.output
    rows = list(csv.DictReader((here / "looks.csv").read_text().splitlines()))
    assert [(row["observer"], row["fixations"], row["first_s"]) for row in rows] == [("1", "1", "0.28"), ("2", "0", "")]
    both = ["spectral-residual", "1001", "1002", "--dataset", "osie", "--root", str(tiny_gaze)]
    done = run(*both, "--regions", "regions.csv", "--json")
    record = json.loads(done.output)
    assert [each["name"] for each in record["inputs"]] == ["1001", "1002"]
    assert {(each["item"], each["measure"]): each["mean"] for each in record["people"]}["1001", "looked"] == 0.5
    assert run("1001", "--dataset", "osie", "--regions", "regions.csv", "--expect", "left.share>0").exit_code == 2


def test_many_regions_are_measured_in_time(here: Path) -> None:
    lines = [f"r{number},{number % 150},{number % 110},5,5" for number in range(10_000)]
    (here / "many.csv").write_text("name,x,y,width,height\n" + "\n".join(lines))
    regions = read_regions(here / "many.csv").of(medium_of(Input.of(here / "old.png"), (120, 160)))
    map_ = np.random.default_rng(0).random((288, 384)).astype(np.float32)
    began = perf_counter()
    seen = see_regions(map_, [region.at(0) for region in regions], (120, 160))
    found = forecast_regions(regions, np.zeros(1), seen[None], shipped_calibration())
    assert perf_counter() - began < 30  # about one second; this finds what grows with their square
    assert len(found) == 10_000
    assert all(0 <= each.share.low <= each.share.value <= each.share.high <= 1 for each in found)


def test_a_region_that_is_never_there_has_no_numbers() -> None:
    regions = [Region("late", (Rectangle(0, 0, 5, 5), Rectangle(0, 0, 5, 5)), (9.0, 10.0))]
    seen = see_regions(np.ones((8, 8), np.float32), [regions[0].at(0.0)], (8, 8))
    (found,) = forecast_regions(regions, np.zeros(1), seen[None], shipped_calibration())
    assert all(np.isnan(value) for value in found.row().values())


def test_the_table_says_what_it_is() -> None:
    table = shipped_calibration()
    assert list(table.curves) == list(TARGETS)
    assert table.model == "gaze-lite"
    numbers = sum(len(curve.weights) + 24 * len(curve.bands) for curve in table.curves.values())
    assert numbers < 550


def test_of_a_picture_unlike_photographs_the_intervals_are_wider() -> None:
    curve = shipped_calibration().curves["seen_5s"]
    seen = np.array([[0.3, 0.1, 0.2, 0.9, 0.8], [0.05, 0.02, 0.5, 0.7, 0.3]])
    expected, low, high = curve.interval(seen)
    drawn, lower, higher = curve.interval(seen, unlike=True)
    np.testing.assert_array_equal(drawn, expected)
    assert (higher - lower > 1.2 * (high - low)).all()


def test_a_table_of_another_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "table.json").write_text('{"version": 1}')
    with pytest.raises(SalzooError, match=r"has version 1 of the table"):
        read_calibration(tmp_path / "table.json")


def test_drawn_pages_are_told_from_photographs() -> None:
    rng = np.random.default_rng(0)
    photographs = [
        cv2.GaussianBlur(rng.integers(0, 255, (120, 160, 3)).astype(np.uint8), (0, 0), sigma)
        for sigma in rng.uniform(0.8, 6, 60)
    ]
    usual = describe_usual(np.stack([traits_of(each) for each in photographs]))
    page = np.full((120, 160, 3), 255, np.uint8)
    page[10:20, 5:100] = 0
    assert is_unlike(traits_of(page), usual)
    assert np.mean([is_unlike(traits_of(each), usual) for each in photographs]) < 0.06


def test_an_expectation_reads_names_with_dots() -> None:
    found = Expectation.parse("big logo.v2.seen_3s >= 50%")
    assert (found.region, found.name, found.sign, found.limit) == ("big logo.v2", "seen_3s", ">=", 0.5)
    with pytest.raises(SalzooError):
        Expectation.parse("logo.share>lots")
