"""Results as papers need them: CSV, LaTeX, charts."""

import csv
import dataclasses
import itertools
import math
import shutil
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from click.testing import CliRunner
from made_results import METRICS, make_result

from salzoo.charts.drawing import Label, Line, Mark
from salzoo.charts.panels import draw_panels
from salzoo.cli import cli
from salzoo.evaluation.comparison import compare
from salzoo.evaluation.export import comparison_latex, means_csv, results_latex, scores_csv
from salzoo.evaluation.plots import draw_comparison, layer_panels
from salzoo.evaluation.results import GOLD, HUMANS, Result, read_results, write_results
from salzoo.evaluation.significance import smallest_p
from salzoo.trained_on import Overlap

NAME = "runs/a_long & name+ema:tau=0.2@output/that nobody would type 100% ~^\\ twice"


def results() -> list[Result]:
    better = dataclasses.replace(make_result(NAME, 0.1), note="60 of 2890 frames are scored")
    return [make_result("gaze-lite"), better, make_result(HUMANS, 0.5, METRICS[:2])]


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


def test_every_score_is_a_row() -> None:
    found = rows(scores_csv(results()))
    assert len(found) == 12 * (3 + 3 + 2)
    first = results()[0]
    (row,) = (r for r in found if r["model"] == "gaze-lite" and r["video"].startswith("7 ") and r["metric"] == "kld")
    video = next(name for name in first.per_video if name.startswith("7 "))
    assert float(row["value"]) == first.per_video[video]["kld"]
    assert row["frame"] == row["observer"] == ""
    values = {"a": {"0001": [0.5, 1.5, math.nan], "0002": [0.25, 1.0, 2.0]}}
    found = rows(scores_csv([dataclasses.replace(first, per_frame=values)]))
    assert [(r["frame"], r["metric"], r["value"]) for r in found[:4]] == [
        ("0001", "auc_judd", "0.5"),
        ("0001", "nss", "1.5"),
        ("0001", "kld", ""),
        ("0002", "auc_judd", "0.25"),
    ]


def test_scores_of_observers_are_rows_whose_mean_over_fixations_is_the_frames(tiny_gaze: Path, tmp_path: Path) -> None:
    out = [tmp_path / "r.json", tmp_path / "s.csv"]
    words = ["eval", "center-bias", "--dataset", "osie", "--root", str(tiny_gaze), "--split", "test"]
    options = [
        "--workers",
        "1",
        "--protocol",
        "mit",
        "--per-frame",
        "--per-observer",
        "-o",
        str(out[0]),
        "-o",
        str(out[1]),
    ]
    done = CliRunner().invoke(cli, [*words, *options])
    assert done.exit_code == 0, done.output
    found = [row for row in rows(out[1].read_text()) if row["model"] == "center-bias"]
    seen = {(row["video"], row["observer"], row["metric"]): float(row["value"]) for row in found if row["value"]}
    assert {metric for _, observer, metric in seen if observer} == {"auc", "auc_shuffled", "nss", "ig"}
    videos = {video for video, *_ in seen}
    for video, metric in itertools.product(videos, ("nss", "auc", "ig")):
        each = seen[video, "0", metric], seen[video, "1", metric]  # of two fixations, and of one
        assert (2 * each[0] + each[1]) / 3 == pytest.approx(seen[video, "", metric], abs=1e-9)
    (kept, *_) = read_results(out[0])
    assert kept.per_observer is not None
    assert kept.per_observer.keys() == videos


def test_means_and_differences_are_rows() -> None:
    comparison = compare(results())
    found = rows(means_csv(comparison))
    named = [(row["model"], row["metric"]) for row in found[:4]]
    assert named == [("gaze-lite", "auc_judd"), ("gaze-lite", "nss"), ("gaze-lite", "kld"), (NAME, "auc_judd")]
    assert found[0]["difference"] == found[0]["p"] == ""
    assert float(found[3]["difference"]) == pytest.approx(0.1)
    assert float(found[3]["p"]) == comparison.p[1, 0] < 0.05
    assert found[3]["videos"] == "12"
    assert [row["metric"] for row in found if row["model"] == HUMANS] == ["auc_judd", "nss"]


def test_latex_has_the_best_bold_and_bounds_apart() -> None:
    text = results_latex(results(), [each.model for each in results()])
    models, bounds = text.split(r"\midrule")[1:]
    mean = results()[1].mean["nss"]
    assert rf"\textbf{{{mean:.3f}}} {{\scriptsize [" in models
    assert r"NSS $\uparrow$ & KLD $\downarrow$" in text
    assert models.count(r"\textbf") == 3  # NSS and AUC of the second, KLD of the first
    assert r"\textbf" not in bounds
    assert bounds.count("--") == 1
    assert r"a\_long \& name" in text
    assert "osie val, 12 videos, 48 frames" in text
    assert comparison_latex(compare(results())).count("$^{*}$") == 5
    few = [make_result("a", videos=3), make_result("b", 0.1, videos=3)]
    assert "[" not in results_latex(few, ["a", "b"]).partition(r"\toprule")[2]
    assert "fewer than 5 say nothing of others" in results_latex(few, ["a", "b"])


SEEN = Overlap(7, 12, "trained on 7 of these 12 videos: not a test")


def test_tables_say_who_was_trained_on_what_is_tested() -> None:
    seen, new = (make_result(name, shift) for name, shift in (("seen", 0.1), ("new", 0.0)))
    each = [
        dataclasses.replace(seen, trained_on=SEEN),
        dataclasses.replace(new, trained_on=Overlap(0, 12, "trained on none of these videos")),
        dataclasses.replace(make_result("a_file"), trained_on=Overlap(None, 12, "what it was trained on is unknown")),
        make_result("spectral-residual"),
    ]
    columns = {"seen": "7 of 12", "new": "0 of 12", "a_file": "unknown", "spectral-residual": ""}
    assert {row["model"]: row["trained_on"] for row in rows(scores_csv(each))} == columns
    assert {row["model"]: row["trained_on"] for row in rows(means_csv(compare(each)))} == columns
    for text in (results_latex(each, list(columns)), comparison_latex(compare(each))):
        lines = text.splitlines()
        assert [line.split("&")[0].strip() for line in lines if " & " in line][1:] == [
            "seen$^{1}$",
            "new",
            r"a\_file$^{2}$",
            "spectral-residual",
        ]
        assert lines[-3:-1] == [
            rf"  \multicolumn{{4}}{{l}}{{\footnotesize {mark} {words}}} \\"
            for mark, words in (("$^{1}$", SEEN.words), ("$^{2}$", "what it was trained on is unknown"))
        ]


@pytest.mark.parametrize(("videos", "others", "words"), [(5, 1, "0.062; it takes 6"), (6, 3, "0.094; it takes 7")])
def test_too_few_videos_to_tell_anything_are_said_to_be(videos: int, others: int, words: str, tmp_path: Path) -> None:
    first, *more = [make_result(str(n), n, videos=videos) for n in range(others + 1)]
    write_results([first, *more], tmp_path / "r.json")
    done = CliRunner().invoke(cli, ["compare", str(tmp_path / "r.json"), "-o", str(tmp_path / "r.tex")])
    said = " ".join(done.output.split())
    assert f"no p can be below 0.05 here: the smallest of {others} comparison" in said
    assert f" over {videos} videos is {words}" in said
    assert words in (tmp_path / "r.tex").read_text()
    found = compare([first, *more])
    assert found.p[1:].min() == smallest_p(videos, others)  # every video of every other one is better
    enough = [make_result(str(n), n, videos=int(words[-1])) for n in range(others + 1)]
    assert compare(enough).too_few == ""
    assert compare(enough).p[1:].min() < 0.05


def test_the_density_map_itself_is_no_comparison() -> None:
    found = compare([make_result("a"), make_result("b", 0.1), make_result(GOLD, 0.9)])
    assert np.isnan(found.p[2]).all()
    assert found.p[1] == pytest.approx(compare([make_result("a"), make_result("b", 0.1)]).p[1])
    assert "corrected" not in found.test
    assert "paired over 12 videos" in comparison_latex(found)


@pytest.mark.slow
def test_latex_compiles(tmp_path: Path) -> None:
    compiler, finder = shutil.which("pdflatex"), shutil.which("kpsewhich")
    if not compiler or not finder or subprocess.run([finder, "booktabs.sty"], capture_output=True).returncode:
        pytest.skip("LaTeX with booktabs is not here")
    seen = [dataclasses.replace(each, trained_on=SEEN) for each in results()]
    tables = [results_latex(seen, [each.model for each in seen]), comparison_latex(compare(seen))]
    page = (
        r"\documentclass{article}\usepackage[landscape]{geometry}\usepackage{booktabs}\begin{document}"
        + r"\par ".join(tables)
        + r"\end{document}"
    )
    (tmp_path / "t.tex").write_text(page)
    command = [compiler, "-halt-on-error", "-interaction=nonstopmode", "t.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "t.pdf").stat().st_size > 5000


def labels_of(drawing: Any) -> list[str]:
    return [shape.text for shape in drawing.shapes if isinstance(shape, Label)]


def test_charts_name_models_and_videos_whole() -> None:
    found = compare(results()[:2])
    text = labels_of(draw_comparison(found))
    assert text.count(NAME.replace("\\", "\\")) == 3
    assert any(label.startswith(f"{results()[1].mean['nss']:.3f} [") for label in text)
    drawing = draw_comparison(found, "videos")
    assert all(labels_of(drawing).count(video) == 3 for video in found.videos)
    marks = [shape for shape in drawing.shapes if isinstance(shape, Mark)]
    assert len(marks) == 3 * (1 + 12)  # the legend's, and each video's


def test_frames_of_one_video_are_drawn_where_they_are_known() -> None:
    scores = {"v": {f"{n:04}": [0.5, float(n), 1.0] for n in (3, 5, 9)}}
    known = [dataclasses.replace(make_result(name), per_frame=scores) for name in "ab"]
    drawing = draw_comparison(compare(known, chosen=["nss"]), "frames", "v")
    (one, two) = (shape for shape in drawing.shapes if isinstance(shape, Line) and shape.role.startswith("series"))
    assert [x for x, _ in one.points] == [x for x, _ in two.points]
    assert len(one.points) == 3
    assert one.points[1][0] - one.points[0][0] < one.points[2][0] - one.points[1][0]  # frames 3, 5 and 9
    with pytest.raises(Exception, match="no scores of single frames: make it again with salzoo eval --per-frame"):
        draw_comparison(compare(results()[:2]), "frames", "v")


def test_scores_stand_over_the_layers_of_a_sweep() -> None:
    specs = ["salgan+ema@30", "salgan+ema@output", "salgan+convlstm@44", "salgan+convlstm@bottleneck", "salgan"]
    found = compare([make_result(spec, n / 10, spec=spec) for n, spec in enumerate(specs)])
    (panel, *_) = layer_panels(found)
    assert [(each.name, each.across.tolist()) for each in panel.series] == [
        ("salgan+ema", [30, 61]),
        ("salgan+convlstm", [30, 44]),
        ("salgan", [30, 61]),
    ]
    assert panel.series[0].values.tolist() == found.means[[0, 1], 0].tolist()
    assert np.ptp(panel.series[2].values) == 0
    assert labels_of(draw_panels([panel]))
    with pytest.raises(Exception, match="no two results of one temporal module"):
        layer_panels(compare([make_result("a", spec="salgan"), make_result("b", spec="salgan+ema@30")]))


def test_compare_writes_what_the_endings_say(tmp_path: Path) -> None:
    write_results(results(), tmp_path / "r.json")
    outs = [tmp_path / f"t.{ending}" for ending in ("csv", "tex", "svg", "png")]
    named = [word for out in outs for word in ("-o", str(out))]
    done = CliRunner().invoke(cli, ["compare", str(tmp_path / "r.json"), "--metric", "nss", *named])
    assert done.exit_code == 0, done.output
    assert NAME in "".join(done.output.replace("\n   ", " ").splitlines())
    assert {row["metric"] for row in rows(outs[0].read_text())} == {"nss"}
    assert r"\toprule" in outs[1].read_text()
    assert ElementTree.parse(outs[2]).getroot().tag.endswith("svg")
    assert outs[3].read_bytes().startswith(b"\x89PNG")
    done = CliRunner().invoke(cli, ["compare", str(tmp_path / "r.json"), "-o", str(tmp_path / "t.doc")])
    assert done.exit_code == 1
    assert "the names of results end in .csv, .tex, .svg, .png" in done.output
    done = CliRunner().invoke(cli, ["compare", str(tmp_path / "r.json"), "--metric", "nsss"])
    assert done.exit_code == 1
    assert "did you mean 'nss'" in done.output
