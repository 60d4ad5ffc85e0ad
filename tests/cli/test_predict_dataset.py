"""``salzoo predict --dataset``: a whole split as a benchmark takes it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from salzoo.cli import cli
from salzoo.data import open_dataset
from salzoo.evaluation.saved_maps import check_layout
from salzoo.interfaces import SalzooError
from salzoo.video.pictures import read_image

EXACT = ("--engine", "torch", "--precision", "float32")  # "auto" may take another, whose scores differ a little


def run(*words: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(cli, [str(word) for word in words])
    return result.exit_code, result.output


def test_a_split_is_written_as_its_frames_are_named_and_eval_reads_it(tiny_data: Path, tmp_path: Path) -> None:
    where = ("--dataset", "dhf1k", "--root", tiny_data, "--split", "val")
    out = tmp_path / "new" / "maps.v1"  # a folder, whatever its name
    status, printed = run("predict", "spectral-residual", *where, *EXACT, "-o", out)
    assert status == 0, printed
    (video,) = open_dataset("dhf1k", tiny_data).split("val")
    assert printed.splitlines()[-1] == f"{out}: {video.frames} maps of 1 videos, laid out as benchmarks take them"
    written = sorted(path.relative_to(out) for path in out.rglob("*.*"))
    assert written == [
        *sorted(Path(video.id, f"{video.frame_name(i)}.png") for i in range(video.frames)),
        Path("salzoo.json"),
    ]
    frame = next(video.read_frames())
    assert read_image(out / written[0], grey=True).shape == frame.shape[:2]

    results = [tmp_path / "saved.json", tmp_path / "live.json"]
    assert run("eval", "--predictions", out, *where, "--workers", 1, "-o", results[0])[0] == 0
    assert run("eval", "spectral-residual", *where, "--workers", 1, "-o", results[1])[0] == 0
    saved, live = (json.loads(path.read_text())["results"][0]["mean"] for path in results)
    assert saved["nss"] == pytest.approx(live["nss"], abs=0.02)


def test_pictures_keep_their_names(tiny_gaze: Path, tmp_path: Path) -> None:
    status, printed = run(
        "predict", "spectral-residual", "--dataset", "osie", "--root", tiny_gaze, "--split", "val", "-o", tmp_path / "m"
    )
    assert status == 0, printed
    pictures = open_dataset("osie", tiny_gaze).split("val")
    assert check_layout(tmp_path / "m", pictures) == len(pictures)


def test_the_layout_names_what_is_amiss(tiny_data: Path, tmp_path: Path) -> None:
    videos = open_dataset("dhf1k", tiny_data).split("val")
    folder = tmp_path / videos[0].id
    folder.mkdir()
    names = [videos[0].frame_name(index) for index in range(videos[0].frames)]
    for name in names[1:]:
        (folder / f"{name}.png").touch()
    with pytest.raises(SalzooError, match=f"lacks 1 maps: {videos[0].id}/{names[0]}"):
        check_layout(tmp_path, videos)
    (folder / f"{names[0]}.png").touch()
    assert check_layout(tmp_path, videos) == len(names)
    for extra in (folder / "frames.png", tmp_path / "other"):
        extra.touch()
        with pytest.raises(SalzooError, match=f"no map of these videos: .*{extra.name}"):
            check_layout(tmp_path, videos)
        extra.unlink()


@pytest.mark.parametrize("words", [("--every", 2), ("--view", "heat"), ("--bits", 16), ("video.mp4",)], ids=str)
def test_nothing_else_is_a_submission(tiny_data: Path, tmp_path: Path, words: tuple[str | Path, ...]) -> None:
    where = ("--dataset", "dhf1k", "--root", tiny_data, "-o", tmp_path / "m")
    status, printed = run("predict", "spectral-residual", *where, *words)
    assert status == 2, printed
    assert not (tmp_path / "m").exists()
