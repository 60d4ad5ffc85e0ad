"""Tables of scores: width, directions, the best, people beside models, scores by attribute."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from salzoo.cli import cli
from salzoo.evaluation.relative import add_relative
from salzoo.evaluation.results import CENTER_BIAS, HUMANS, Result, read_results, summarise, write_results
from salzoo.evaluation.tables import format_by, format_table
from salzoo.interfaces import SalzooError

METRICS = ("auc_judd", "auc_shuffled", "nss", "cc", "sim", "kld", "ig")


def result(model: str, level: float, metrics: tuple[str, ...] = METRICS, **more: Any) -> Result:
    """Five videos of three frames around a level."""
    rng = np.random.default_rng(0)  # the same for all: differences are exact
    noise = rng.normal(0, 0.05, (5, 3, len(METRICS)))[:, :, : len(metrics)]
    scores = {f"v{n}": level + each for n, each in enumerate(noise)}
    return Result(
        model=model,
        spec=None,
        weights_sha256=None,
        dataset="osie",
        split="test",
        note="",
        protocol="dhf1k v1",
        seed=0,
        frames_expected=15,
        **summarise(scores, metrics),
        **more,
    )


def rows(text: str) -> dict[str, list[str]]:
    return {line[:29].strip(): line[29:].split() for line in text.splitlines()}


def test_the_best_is_marked_by_its_direction_and_bounds_have_no_part() -> None:
    people = result(HUMANS, 3.0, ("auc_judd", "auc_shuffled", "nss"), detail="sigma 24.0 px")
    text = format_table([result("a", 0.5), result(CENTER_BIAS, 0.25), people])
    found = rows(text)
    assert found["model"] == ["AUC-J↑", "s-AUC↑", "NSS↑", "CC↑", "SIM↑", "KLD↓", "IG↑"]
    assert [cell.endswith("*") for cell in found["a"]] == [True] * 5 + [False, True]
    assert [cell.endswith("*") for cell in found[CENTER_BIAS]] == [False] * 5 + [True, False]
    assert found[HUMANS][3:] == ["–"] * 4
    assert "humans (leave one out): sigma 24.0 px" in text
    assert "*" not in format_table([result("a", 0.5)])


def test_tables_fit_eighty_columns() -> None:
    long = "runs/photos-with-a-name-that-nobody-would-type-twice/best"
    tables = format_table([result(long, -20.0), result(CENTER_BIAS, 0.1)], intervals=True).splitlines()
    assert max(map(len, tables)) <= 80
    assert any(line.startswith("runs/photos") and "type-twice/best" in line for line in tables)
    with_more = format_table([result("a", 0.5, (*METRICS[:6], "nss")), result("b", 0.4, (*METRICS[:6], "nss"))])
    assert max(map(len, with_more.splitlines())) <= 80


def test_intervals_hold_the_mean() -> None:
    lines = format_table([result("a", 0.5)], intervals=True).splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("a "))
    mean, low, high = ([float(cell) for cell in line.split()[-7:]] for line in lines[at : at + 3])
    assert all(lower < middle < upper for lower, middle, upper in zip(low, mean, high, strict=True))


def test_relative_is_the_share_of_the_way_to_people(tmp_path: Path) -> None:
    metrics = ("auc_judd", "auc_shuffled", "nss", "cc")
    given = [result("half", 2.0, metrics), result(CENTER_BIAS, 1.0, metrics), result(HUMANS, 3.0, metrics[:3])]
    half, low, people = add_relative(given)
    assert half.relative is not None
    assert list(half.relative) == list(metrics[:3])
    assert half.relative["nss"][0] == pytest.approx(50)
    assert low.relative is not None
    assert low.relative["nss"] == (0, 0, 0)
    assert people.relative is None
    text = format_table([half, low, people])
    assert "percent of the way from the center bias (0) to people (100)" in text
    assert text.splitlines()[-2].split()[-3:] == ["50", "50", "50"]
    write_results([half, low, people], tmp_path / "r.json")
    assert read_results(tmp_path / "r.json")[0].relative == half.relative


def test_no_percentage_where_people_are_no_better_than_the_center_bias() -> None:
    given = [result("a", 2.0), result(CENTER_BIAS, 1.0), result(HUMANS, 1.0)]
    assert add_relative(given)[0].relative == {}


def test_scores_by_attribute_are_means_over_its_videos(tmp_path: Path) -> None:
    table = tmp_path / "attributes.tsv"
    table.write_text(
        "video\tcamera\tplace\n" + "".join(f"v{n}\t{'still' if n < 2 else 'moves'}\tx\n" for n in range(5))
    )
    a, b = result("a", 0.5), result("b", 0.4)
    text = format_by([a, b], table, "camera")
    assert "camera moves: 3 of 5 videos" in text
    block = text[text.index("camera still") :].splitlines()
    expected = np.mean([a.per_video[video]["nss"] for video in ("v0", "v1")])
    assert float(next(line for line in block if line.startswith("a ")).split()[3].rstrip("*")) == pytest.approx(
        expected, abs=5e-4
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("video,camera\nv0,still\n", "has no row for 4 of 5 videos, first v1"),
        ("video,camrea\nv0,still\n", "has no column 'camera' after its first; did you mean 'camrea'"),
        ("video,camera\nv0,still\nv0,moves\n", "line 3: v0 has a row already"),
        ("video,x,camera\nv0,still\n", "line 2: 2 cells, and camera is number 3"),
        ("", "has no column 'camera'"),
    ],
)
def test_a_table_that_does_not_fit_is_one_line(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(SalzooError, match=message):
        format_by([result("a", 0.5)], tmp_path / "t.csv", "camera")


def test_options_that_do_not_fit_are_refused_before_any_work(tmp_path: Path, tiny_data: Path) -> None:
    run = CliRunner().invoke
    root = ["--root", str(tiny_data)]
    done = run(cli, ["eval", "center-bias", *root, "--by", str(tmp_path / "none.csv"), "camera"])
    assert done.exit_code == 1
    assert "none.csv" in done.output
    done = run(cli, ["eval", "center-bias", *root, "--relative"])
    assert done.exit_code == 1
    assert "the observers of val are not known one by one" in done.output
    assert run(cli, ["eval", "--predictions", str(tmp_path), *root, "--resume"]).exit_code == 2
    done = run(cli, ["eval", "center-bias", *root, "-o", str(tmp_path / "scores.doc")])
    assert "the names of results end in .json, .csv, .tex, .svg, .png" in done.output
