"""Bootstrap intervals, and results beside each other."""

import functools
import json
import math
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from made_results import METRICS, make_result, score_saved_maps

from salzoo.cli import cli
from salzoo.evaluation.bootstrap import RESAMPLES, VideoScores, draw_resamples, interval
from salzoo.evaluation.comparison import compare, compare_each, compare_files, format_comparison
from salzoo.evaluation.export import comparison_latex, means_csv
from salzoo.evaluation.results import CENTER_BIAS, HUMANS, Result, read_results, write_results
from salzoo.evaluation.tasks import Scoring
from salzoo.interfaces import SalzooError


@pytest.fixture
def two(gaze: Any, tmp_path: Path) -> tuple[Path, Path]:
    """Results files of the saved maps, and of the same maps blurred."""
    paths = tmp_path / "sharp.json", tmp_path / "blurred.json"
    write_results([evaluate(gaze)], paths[0])
    for path in list(gaze.all_maps()):
        gaze.write(path, cv2.GaussianBlur(cv2.imread(str(path), 0), (0, 0), 2))
    write_results([evaluate(gaze)], paths[1])
    return paths


def evaluate(gaze: Any, **options: Any) -> Result:
    return score_saved_maps(gaze.maps, Scoring("dhf1k", root=gaze.root, **options), workers=1)


@pytest.mark.parametrize("mean_of_videos", [False, True])
def test_intervals_are_those_of_a_loop_over_resamples(mean_of_videos: bool) -> None:
    rng = np.random.default_rng(0)
    frames = [rng.normal(size=(n, 1)) for n in (3, 30, 5, 12, 7)]
    scores = VideoScores(
        np.array([f.sum(0) for f in frames]), np.array([[float(len(f))] for f in frames]), mean_of_videos
    )
    times = draw_resamples(5)
    assert times.shape == (RESAMPLES, 5)
    assert (times.sum(1) == 5).all()
    means = []
    for row in times:
        drawn = [frames[video] for video, count in enumerate(row) for _ in range(int(count))]
        means.append(np.mean([f.mean() for f in drawn]) if mean_of_videos else np.concatenate(drawn).mean())
    low, high = interval(scores.resampled_means(times), scores.units)
    assert [*low, *high] == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=1e-12)


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(1)
    times = draw_resamples(30)
    covered = 0
    for _ in range(200):
        totals = rng.normal(size=(30, 1))
        scores = VideoScores(totals, np.ones((30, 1)))
        low, high = interval(scores.resampled_means(times), scores.units)
        covered += bool(low[0] <= 0 <= high[0])
    assert 0.88 <= covered / 200 <= 0.99


def test_fewer_than_five_videos_have_no_interval() -> None:
    for videos in (1, 4, 5):
        scores = VideoScores(np.arange(videos, dtype=float)[:, None], np.ones((videos, 1)))
        bounds = interval(scores.resampled_means(draw_resamples(videos)), scores.units)
        assert np.isnan(bounds).all() == (videos < 5)


def test_videos_without_a_score_leave_the_mean_alone() -> None:
    scores = VideoScores(np.array([[2.0], [0.0], [4.0]]), np.array([[1.0], [0.0], [1.0]]), mean_of_videos=True)
    assert scores.mean() == [3]
    assert np.isnan(VideoScores(np.zeros((2, 1)), np.zeros((2, 1))).mean()).all()


def test_a_result_is_read_as_it_was_written(gaze: Any, tmp_path: Path) -> None:
    gaze.write(gaze.map_file("0601/0002"), np.full((36, 64), 7, np.uint8))
    result = evaluate(gaze, per_frame=True)
    write_results([result], tmp_path / "r.json")
    (read,) = read_results(tmp_path / "r.json")
    assert (read.mean, read.per_video, read.defined) == (result.mean, result.per_video, result.defined)
    assert np.isnan(read.interval_95["nss"]).all()  # of three videos
    assert read.notices == {"constant prediction": ["0601/0002"]}


def test_differences_are_paired_by_video(two: tuple[Path, Path]) -> None:
    found = compare_files(two)
    (sharp,), (blurred,) = map(read_results, two)
    nss = found.metrics.index("nss")
    assert found.differences[1, nss] == pytest.approx(blurred.mean["nss"] - sharp.mean["nss"], abs=1e-12)
    assert found.means[0, nss] == pytest.approx(sharp.mean["nss"], abs=1e-12)
    text = format_comparison(found)
    assert "paired by video" in " ".join(text.split())
    assert "dhf1k val, 3 videos, " in text
    assert "no interval: it is drawn over videos, and fewer than 5 say nothing of others" in " ".join(text.split())
    assert "]" not in text.partition("say nothing of others")[2]
    assert " *" not in text.partition("say nothing of others")[2]
    assert "NSS (higher is better)" in text
    assert "KLD (lower is better)" in text


def test_only_shared_videos_count(two: tuple[Path, Path]) -> None:
    record = json.loads(two[1].read_text())
    for name in ("per_video", "defined"):
        del record["results"][0][name]["0602"]
    two[1].write_text(json.dumps(record))
    found = compare_files(two)
    assert found.videos == ["0601", "0603"]
    assert "1 videos left out that not all have" in " ".join(format_comparison(found).split())


def test_results_that_cannot_be_compared(two: tuple[Path, Path], gaze: Any, tmp_path: Path) -> None:
    with pytest.raises(SalzooError, match="at least two"):
        compare_files(two[:1])
    other = evaluate(gaze, protocol="salema")
    with pytest.raises(SalzooError, match="cannot be compared: protocol dhf1k v1 and salema v2"):
        compare([read_results(two[0])[0], other])
    with pytest.raises(SalzooError, match="cannot be compared: seed 0 and 1"):
        compare([read_results(two[0])[0], evaluate(gaze, seed=1)])
    (tmp_path / "no.json").write_text('{"results": [{"model": "x"}]}')
    with pytest.raises(SalzooError, match=r"no\.json is no results file"):
        compare_files([two[0], tmp_path / "no.json"])
    with pytest.raises(SalzooError, match=r"cannot read .*absent\.json"):
        read_results(tmp_path / "absent.json")


def test_people_take_no_metric_from_the_models() -> None:
    models = [make_result(name, shift) for name, shift in (("a", 0.0), ("b", 0.3), ("c", 0.1))]
    found = compare([*models, make_result(HUMANS, 0.5, METRICS[:2])])
    assert found.metrics == METRICS
    kld = METRICS.index("kld")
    assert found.means[:3, kld] == pytest.approx([model.mean["kld"] for model in models], abs=1e-12)
    assert np.isnan([found.means[3, kld], found.differences[3, kld], found.p[3, kld]]).all()
    assert found.p[1, kld] == compare(models).p[1, kld]  # corrected for the models alone
    assert "corrected for 2 or 3 comparisons (Holm)" in " ".join(format_comparison(found).split())
    assert "nan" not in format_comparison(found)
    assert sum(line.endswith(",,") and ",kld," in line for line in means_csv(found).splitlines()) == 1  # the first's
    assert len(means_csv(found).splitlines()) == 1 + 3 * 3 + 2
    (people,) = (line for line in comparison_latex(found).splitlines() if line.startswith("  humans"))
    assert people.endswith(r"& -- \\")
    with pytest.raises(SalzooError, match="not all of these results have 'kld'"):
        compare([*models, make_result("d", 0.5, METRICS[:2])], chosen=["kld"])


def test_results_on_other_frames_are_not_compared() -> None:
    with pytest.raises(SalzooError, match="a and b cannot be compared: scored on 48 and 20 frames"):
        compare([make_result("a"), make_result("b", frames=20, frames_expected=20)])
    assert compare([make_result("a"), make_result("b", frames=20)]).videos  # a partial result of the same frames


def test_results_on_other_data_of_one_name_are_not_compared() -> None:
    for name in (CENTER_BIAS, HUMANS):
        one, same, other = (make_result(name, shift) for shift in (0.0, 1e-6, 0.01))
        assert len(compare([make_result("a"), one, same]).results) == 3
        with pytest.raises(SalzooError, match=r"their AUC-J is 0\.807 and 0\.817, so that the data"):
            compare([make_result("a"), one, other], ["a", f"x: {name}", f"y: {name}"])
        assert compare([make_result("a"), one, replace(other, frames=20)]).videos  # partial


def copies(path: Path, count: int, shift: float) -> Result:
    """A result of so many videos, whose scores rise from one to the next."""
    record = json.loads(path.read_text())["results"][0]
    video = record["per_video"]["0601"]
    rng = np.random.default_rng(0)
    record["per_video"] = {
        f"{n:04}": {metric: 0.3 + rng.normal(0, 0.01) + shift for metric in video} for n in range(count)
    }
    record["defined"] = {name: dict.fromkeys(video, 5) for name in record["per_video"]}
    record["model"] = f"org-with-a-long-name/a-model-with-a-name-of-many-characters-{shift}"
    path = path.with_name(f"{shift}.json")
    path.write_text(json.dumps({"results": [record]}))
    return read_results(path)[0]


def test_the_text_fits_a_terminal_and_marks_what_is_told_apart(two: tuple[Path, Path]) -> None:
    text = format_comparison(compare([copies(two[0], 12, 0.0), copies(two[0], 12, 0.125)]))
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("*") == 1 + 7
    assert "+0.125 [+0.125, +0.125]      p<0.001 *" in text
    assert "many-characters-0.125" in text


def test_intervals_of_differences_are_drawn_over_the_same_videos(two: tuple[Path, Path]) -> None:
    found = compare([copies(two[0], 12, 0.0), noisy := copies(two[0], 12, 0.125)])
    low, high = found.difference_intervals[1, :, 0]
    assert low == pytest.approx(found.differences[1, 0]) == pytest.approx(high)  # the shift is the same for every video
    scores = noisy.video_scores()
    bounds = interval(scores.resampled_means(draw_resamples(12, noisy.seed)), scores.units)
    assert found.intervals[1] == pytest.approx(bounds, abs=1e-12)


def test_each_against_the_first_is_corrected_for_all(two: tuple[Path, Path]) -> None:
    results = [copies(two[0], 8, shift) for shift in (0.0, 0.01, 0.02, 0.03)]
    alone = [pair.p[1, 0] for result in results[1:] for pair in compare_each([results[0], result])]
    assert alone == [2 / 2**8] * 3
    assert [pair.p[1, 0] for pair in compare_each(results)] == pytest.approx([3 * 2 / 2**8] * 3)
    assert compare(results).p[1:, 0] == pytest.approx([3 * 2 / 2**8] * 3)


def test_a_result_that_several_files_hold_counts_once(two: tuple[Path, Path]) -> None:
    (mine,), (other,) = map(read_results, two)
    baseline = replace(other, model="center-bias")
    for path, result in zip(two, (mine, other), strict=True):
        write_results([result, baseline], path)
    assert [result.model for result in compare_files(two).results].count("center-bias") == 1
    assert len(compare_files(two).results) == 3


def damaged(record: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths to every value of a record, but for the many like the first of a list or object of scores."""
    if isinstance(record, dict):
        for key in list(record)[:3] if len(path) > 3 else record:
            yield (*path, key)
            yield from damaged(record[key], (*path, key))
    elif isinstance(record, list) and record:
        yield (*path, 0)
        yield from damaged(record[0], (*path, 0))


HOSTILE = [None, "x", "\x1b]0;owned\x07\n", -1, 1.5, 1e308, math.inf, 2**70, 10**400, [], {}, True, [[]], {"x": {}}]


def test_a_hostile_file_is_compared_or_refused_in_one_line(two: tuple[Path, Path]) -> None:
    whole = json.loads(two[1].read_text())
    refused = 0
    for path in [(), *damaged(whole)]:
        for value in HOSTILE:
            record = json.loads(json.dumps(whole))
            if path:
                place = functools.reduce(lambda held, key: held[key], path[:-1], record)
                place[path[-1]] = value
            else:
                record = value
            two[1].write_text(json.dumps(record))
            text, said = "", ""
            try:
                text = format_comparison(compare_files(two))
            except SalzooError as error:
                said = str(error)
            assert "\x1b" not in text + said
            assert "\n" not in said
            assert "Error" not in said
            refused += bool(said)
    assert refused > 500


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"\xff", b"[" * 100_000, b'{"results": []}', b'{"results": 3}', b"\x1b[31m", b"9" * 5000],
)
def test_what_is_no_results_file_says_so(two: tuple[Path, Path], content: bytes) -> None:
    two[1].write_bytes(content)
    with pytest.raises(SalzooError, match=r"is no results file of this salzoo|it is not UTF-8"):
        compare_files(two)
    with pytest.raises(SalzooError, match="is not a regular file"):
        read_results(Path("/dev/zero"))
    os.truncate(two[1], 1 << 40)
    with pytest.raises(SalzooError, match="is larger than 268,435,456 bytes"):
        compare_files(two)


def test_the_place_of_the_output_is_looked_at_first(two: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "link.png").symlink_to(tmp_path / "target.png")
    (tmp_path / "target.png").write_bytes(b"mine")
    os.mkfifo(tmp_path / "pipe.png")
    for name, why in (
        ("link.png", "it is a symbolic link"),
        ("pipe.png", "it is a device or a pipe"),
        ("target.png/x.png", "is not a folder"),
    ):
        done = CliRunner().invoke(cli, ["compare", "absent.json", "-o", str(tmp_path / name)])
        assert done.exit_code == 1
        assert why in done.output
        done = CliRunner().invoke(cli, ["eval", "no-such-model", "-o", str(tmp_path / name)])
        assert why in done.output
    assert (tmp_path / "target.png").read_bytes() == b"mine"
