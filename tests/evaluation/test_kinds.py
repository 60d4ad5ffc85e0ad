"""Data sets that have only density maps, or only fixations."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from salzoo.cli import cli
from salzoo.data import open_dataset
from salzoo.datasets.synthetic import make_synthetic
from salzoo.gaze.maps import density_of_fixations
from salzoo.gaze.truth import has_density, has_fixations, read_density
from salzoo.interfaces import SalzooError
from salzoo.testing import check_dataset


@pytest.fixture(scope="module")
def only(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """DHF1K's layout with two videos of 60 frames, without one of the two kinds of maps."""
    folder = tmp_path_factory.mktemp("only")
    make_synthetic(folder / "whole", videos=2, processes=1)
    roots = {}
    for kind, lacking in (("density", "fixation"), ("fixations", "maps")):
        roots[kind] = Path(shutil.copytree(folder / "whole", folder / kind))
        for path in roots[kind].glob(f"annotation/*/{lacking}"):
            shutil.rmtree(path)
    return roots


def run(*arguments: Any) -> Result:
    return CliRunner().invoke(cli, [str(each) for each in arguments])


def scores(root: Path, out: Path, *options: str, name: str = "dhf1k") -> tuple[str, dict[str, float]]:
    done = run("eval", "spectral-residual", "--dataset", name, "--root", root, "--max-frames", 5, "-o", out, *options)
    assert done.exit_code == 0, done.output
    return done.output, json.loads(out.read_text())["results"][0]["mean"]


def test_what_needs_fixations_is_left_out_by_name(only: dict[str, Path], tmp_path: Path) -> None:
    text, mean = scores(only["density"], tmp_path / "r.json")
    assert list(mean) == ["cc", "sim", "kld"]
    assert all(map(np.isfinite, mean.values()))
    assert "no fixations here: AUC-J, s-AUC, NSS, IG left out" in text
    assert "no fixations:" not in text  # nothing is odd about its frames


def test_what_needs_density_is_left_out_by_name(only: dict[str, Path], tmp_path: Path) -> None:
    text, mean = scores(only["fixations"], tmp_path / "r.json")
    assert list(mean) == ["auc_judd", "auc_shuffled", "nss"]
    assert all(map(np.isfinite, mean.values()))
    assert "CC, SIM, KLD left out" in text
    assert "no information gain" in text


def test_sigma_makes_density_of_fixations(only: dict[str, Path], tmp_path: Path) -> None:
    _, mean = scores(only["fixations"], tmp_path / "r.json", "--sigma", "12")
    _, same = scores(only["fixations"], tmp_path / "s.json", name="dhf1k:sigma=12")
    assert mean == same
    assert {"cc", "sim", "kld", "ig", "nss"} <= mean.keys()
    video = open_dataset("dhf1k:sigma=12", only["fixations"]).videos[0]
    fixations = video.read_fixations(7)  # type: ignore[attr-defined]
    assert np.array_equal(read_density(video, 7), density_of_fixations(fixations, 12))
    y, x = np.mgrid[: fixations.shape[0], : fixations.shape[1]]
    direct = sum(np.exp(-((y - r) ** 2 + (x - c) ** 2) / 288.0) for r, c in zip(*np.nonzero(fixations), strict=True))
    assert np.abs(read_density(video, 7) - 255 * direct / direct.max()).max() <= 0.51


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("density", ["loss=nss"], "loss nss needs fixations, and dhf1k has density maps alone"),
        ("density", [], "the best checkpoint is told by nss, which needs fixations"),
        ("fixations", [], "needs density maps, and dhf1k has fixations alone: its parameter sigma makes them"),
    ],
)
def test_a_loss_that_needs_what_is_missing_is_refused(
    only: dict[str, Path], kind: str, options: list[str], message: str, tmp_path: Path
) -> None:
    changes = [each for option in options for each in ("--set", option)]
    done = run("train", "salgan:width=0.05", "--dataset", "dhf1k", "--root", only[kind], "-o", tmp_path / "r", *changes)
    assert done.exit_code == 1
    assert message in done.output
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize("kind", ["density", "fixations"])
def test_nothing_is_wrong_with_such_a_set(only: dict[str, Path], kind: str) -> None:
    done = run("data", "check", "dhf1k", "--root", only[kind])
    assert done.exit_code == 0, done.output
    other = {"density": "fixation maps", "fixations": "density maps"}[kind]
    assert f"1 without {other}" in done.output
    check_dataset("dhf1k", only[kind])
    video = open_dataset("dhf1k", only[kind]).videos[0]
    assert (has_density(video), has_fixations(video)) == (kind == "density", kind == "fixations")


def test_one_video_that_lacks_what_others_have_is_an_error(only: dict[str, Path], tmp_path: Path) -> None:
    root = Path(shutil.copytree(only["density"], tmp_path / "mixed"))
    shutil.rmtree(root / "annotation" / "0601" / "maps")
    shutil.copytree(only["fixations"] / "annotation" / "0601" / "fixation", root / "annotation" / "0601" / "fixation")
    done = run("data", "check", "dhf1k", "--root", root, "--json")
    problems = {video["id"]: video["problems"] for video in json.loads(done.stdout)["videos"]}
    assert problems["0601"] == ["it has no density maps, which others have"]
    assert problems["0001"] == ["it has no fixation maps, which others have"]


@pytest.mark.parametrize("sigma", ["-1", "1e9", "nan"])
def test_a_sigma_that_cannot_be_is_refused(only: dict[str, Path], sigma: str) -> None:
    with pytest.raises(SalzooError, match="sigma"):
        open_dataset(f"dhf1k:sigma={sigma}", only["fixations"])
