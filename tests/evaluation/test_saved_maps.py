"""Scoring maps that lie in a folder: every route gives the same bits, and bad data is named, never skipped."""

import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from made_results import score_saved_maps

from salzoo.cli import cli
from salzoo.data import open_dataset
from salzoo.datasets.dhf1k import open_dhf1k
from salzoo.evaluation.predictions import prepare_maps
from salzoo.evaluation.results import CENTER_BIAS, HUMANS, Result, read_results, results_json
from salzoo.evaluation.saved_maps import _match, find_maps
from salzoo.evaluation.tasks import Scoring
from salzoo.interfaces import Dataset, SalzooError
from salzoo.metrics import auc_shuffled, cc, ig, nss, resize_prediction


def evaluate(gaze: Any, *, partial: bool = False, workers: int = 1, **options: Any) -> Result:
    scoring = Scoring("dhf1k", root=gaze.root, **options)
    return score_saved_maps(gaze.maps, scoring, partial=partial, workers=workers)


def same(first: Result, second: Result) -> bool:
    return results_json([replace(first, model="")]) == results_json([replace(second, model="")])


def read(path: Path) -> np.ndarray:
    return cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)


def test_scores_are_those_of_the_metrics(gaze: Any) -> None:
    result = evaluate(gaze, per_frame=True)
    assert result.frames == result.frames_expected == 24
    assert result.per_frame is not None
    prediction, density = read(gaze.map_file("0602/0003")), read(gaze.root / "annotation/0602/maps/0003.png")
    scores = dict(zip(result.metrics, result.per_frame["0602"]["0003"], strict=True))
    assert scores["cc"] == pytest.approx(cc(prediction, density), abs=1e-12)
    assert scores["nss"] == pytest.approx(nss(prediction, read(gaze.fixation_file("0602/0003"))), abs=1e-12)
    train = [read(path) for path in sorted(gaze.root.glob("annotation/000*/maps/*.png"))]
    baseline = np.mean([cv2.resize(map_, (128, 72), interpolation=cv2.INTER_AREA) for map_ in train], axis=0)
    expected = ig(prediction, read(gaze.fixation_file("0602/0003")), resize_prediction(baseline, prediction.shape))
    assert scores["ig"] == pytest.approx(expected, abs=1e-5)
    assert result.per_video["0602"]["nss"] == pytest.approx(
        np.mean([row[result.metrics.index("nss")] for row in result.per_frame["0602"].values()])
    )


def test_workers_do_not_change_a_bit(gaze: Any) -> None:
    assert same(evaluate(gaze, per_frame=True), evaluate(gaze, per_frame=True, workers=2))


@pytest.mark.parametrize("protocol", ["dhf1k", "salema"])
def test_any_subset_of_the_frames_gets_the_same_scores(gaze: Any, protocol: str) -> None:
    whole = evaluate(gaze, per_frame=True, protocol=protocol)
    part = evaluate(gaze, per_frame=True, protocol=protocol, max_frames=7)
    assert part.frames == 7
    assert "7 of 24 frames are scored, drawn by seed 0" in part.note
    assert part.per_frame is not None
    assert whole.per_frame is not None
    for video, frames in part.per_frame.items():
        for frame, scores in frames.items():
            assert whole.per_frame[video][frame] == scores
    assert same(part, evaluate(gaze, per_frame=True, protocol=protocol, max_frames=7))
    other = evaluate(gaze, per_frame=True, protocol=protocol, max_frames=7, seed=1)
    assert other.per_frame is not None
    assert {v: list(f) for v, f in other.per_frame.items()} != {v: list(f) for v, f in part.per_frame.items()}


def test_numbers_may_have_leading_zeros_or_not(gaze: Any, tmp_path: Path) -> None:
    padded = evaluate(gaze)
    for path in list(gaze.all_maps()):
        path.rename(path.with_name(f"{int(path.stem)}.png"))
    for folder in list(gaze.maps.iterdir()):
        folder.rename(folder.with_name(f"{int(folder.name):05d}"))
    assert same(padded, evaluate(gaze))


def test_files_of_values_are_scored_as_they_are(gaze: Any) -> None:
    plain = evaluate(gaze)
    for number, path in enumerate(list(gaze.all_maps())):
        values = read(path)
        np.save(path.with_suffix(".npy"), (values[None] if number % 2 else values).astype(np.float32))
        path.unlink()
    assert evaluate(gaze).mean == pytest.approx(plain.mean, abs=1e-6)
    path = next(gaze.maps.rglob("*.npy"))
    for wrong in (np.zeros((2, 72, 128)), np.zeros((72, 128), np.int32), np.array([{}], object)):
        np.save(path, wrong)
        with pytest.raises(SalzooError, match=r"cannot be read.*\.npy"):
            evaluate(gaze)
    np.save(path, np.log(np.full((72, 128), 1 / (72 * 128), np.float32)))
    with pytest.raises(SalzooError, match=r"cannot be read.*values below 0.*of a log density, give its exponential"):
        evaluate(gaze)


@pytest.mark.parametrize("prefix", ["img_", "pred_sal_0", "frame-", "2024 maps "])
def test_authors_prefixes_are_understood(gaze: Any, prefix: str) -> None:
    plain = evaluate(gaze)
    for path in list(gaze.all_maps()):
        path.rename(path.with_name(f"{prefix}{int(path.stem):05d}.png"))
    assert same(plain, evaluate(gaze))
    gaze.write(gaze.maps / "0601" / "overview.png", np.zeros((36, 64), np.uint8))
    with pytest.raises(SalzooError, match=r"1 files that belong to no frame: .*overview\.png"):
        evaluate(gaze)


@dataclass(frozen=True)
class Still:
    id: str
    frames: int = 1

    def frame_name(self, index: int) -> str:
        return self.id


def find(folder: Path, *names: str, there: str) -> list[str | None]:
    for each in there.split():
        (folder / each).parent.mkdir(parents=True, exist_ok=True)
        (folder / each).touch()
    saved = find_maps(folder, [Still(name) for name in names])  # type: ignore[misc]
    return [path and str(path.relative_to(folder)) for (path,) in saved.files]


def test_images_lie_in_one_folder_or_in_one_each(tmp_path: Path) -> None:
    assert find(tmp_path / "a", "city", "wood", there="city.png wood.jpg") == ["city.png", "wood.jpg"]
    assert find(tmp_path / "b", "city", "wood", there="city/city.png wood/wood.png") == [
        "city/city.png",
        "wood/wood.png",
    ]
    assert find(tmp_path / "c", "city", "wood", there="city.png wood/wood.png") == ["city.png", "wood/wood.png"]
    assert find(tmp_path / "d", "COCO_0012", "COCO_0100", there="12.png 100.png") == ["12.png", "100.png"]
    with pytest.raises(SalzooError, match=r"has city twice: city\.jpg and city\.png"):
        find(tmp_path / "e", "city", there="city.png city.jpg")
    with pytest.raises(SalzooError, match=r"expected as .*f/city/city\.png or .*f/city\.png"):
        find(tmp_path / "f", "city", there="other.png")


def test_a_number_that_two_names_have_tells_neither(tmp_path: Path) -> None:
    assert find(tmp_path / "a", "1", "01", there="1.png") == ["1.png", None]
    assert find(tmp_path / "b", "1", "01", there="1.png 01.png") == ["1.png", "01.png"]
    with pytest.raises(SalzooError, match="no maps of any"):
        find(tmp_path / "c", "1", "01", there="001.png")


@given(st.lists(st.integers(0, 99_999), min_size=1, unique=True), st.text("ab_-. 0", max_size=4), st.integers(1, 9))
def test_any_prefix_and_any_zeros_are_the_same_names(numbers: list[int], prefix: str, zeros: int) -> None:
    names = [f"{number:04d}" for number in numbers]
    paths = [Path(f"/{prefix}_{number:0{zeros}d}.png") for number in numbers]
    assert _match(names, paths) == dict(zip(names, paths, strict=True))


def test_the_layout_is_looked_at_before_anything_that_takes_time(gaze: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("salzoo.evaluation.predictions.prepare", lambda scoring: pytest.fail("too early"))
    shutil.rmtree(gaze.maps / "0602")
    with pytest.raises(
        SalzooError, match=r"has maps of 2 of the 3 videos and images of dhf1k val: none of 0602; --partial"
    ):
        evaluate(gaze)


def test_maps_of_the_whole_set_serve_each_split(tiny_gaze: Path, tmp_path: Path) -> None:
    data = open_dataset("osie", tiny_gaze)
    for name in [*(video.id for video in data.videos), "of_no_picture"]:
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.eye(48, 64, dtype=np.uint8) * 255)
    for split in ("val", "test"):
        found = find_maps(tmp_path, data.split(split), data.videos)
        assert [path for (path,) in found.files] == [tmp_path / f"{video.id}.png" for video in data.split(split)]
        assert found.extra == [tmp_path / "of_no_picture.png"]
    (tmp_path / "of_no_picture.png").unlink()
    task, saved = prepare_maps(tmp_path, Scoring("osie", split="test", root=tiny_gaze))
    assert (len(task.videos), saved.extra) == (len(data.split("test")), [])


def test_baselines_and_people_stand_beside_maps_on_the_same_frames(tiny_gaze: Path, tmp_path: Path) -> None:
    videos = open_dataset("osie", tiny_gaze).split("test")
    maps = tmp_path / "maps"
    maps.mkdir()
    for video in videos[1:]:
        cv2.imwrite(str(maps / f"{video.id}.png"), np.random.default_rng(0).integers(0, 255, (20, 30), np.uint8))
    out = tmp_path / "r.json"
    words = ["eval", "--dataset", "osie", "--root", str(tiny_gaze), "--split", "test", "-o", str(out)]
    words += ["--predictions", str(maps), "--workers", "1"]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 1
    assert f"has maps of {len(videos) - 1} of the {len(videos)} videos and images of osie test: none of" in done.output
    done = CliRunner().invoke(cli, [*words, "--partial", "--relative"])
    assert done.exit_code == 0, done.output
    mine, *others = read_results(out)
    assert f"maps of {len(videos) - 1} of {len(videos)} videos and images" in done.output
    assert [other.model for other in others] == [CENTER_BIAS, "spectral-residual", HUMANS]
    assert all(other.per_video.keys() == mine.per_video.keys() for other in others)
    assert mine.relative is not None


def test_sixteen_bits_and_equal_colours_are_the_same_map(gaze: Any) -> None:
    plain = evaluate(gaze)
    for number, path in enumerate(list(gaze.all_maps())):
        map_ = read(path)
        gaze.write(path, map_.astype(np.uint16) * 257 if number % 2 else cv2.cvtColor(map_, cv2.COLOR_GRAY2BGR))
    again = evaluate(gaze)
    assert again.mean == pytest.approx(plain.mean, abs=1e-9)
    assert evaluate(gaze, protocol="salema").frames == 24


def test_maps_of_another_size_are_resized_as_the_protocol_says(gaze: Any) -> None:
    for path in list(gaze.all_maps()):
        gaze.write(path, cv2.resize(read(path), (48, 30)))
    result = evaluate(gaze, per_frame=True)
    assert result.per_frame is not None
    resized = resize_prediction(read(gaze.map_file("0601/0001")), (36, 64))
    expected = nss(resized, read(gaze.fixation_file("0601/0001")))
    assert result.per_frame["0601"]["0001"][result.metrics.index("nss")] == pytest.approx(expected, abs=1e-12)


def test_missing_maps_are_named_and_need_partial(gaze: Any) -> None:
    for frame in ("0601/0004", "0603/0001"):
        gaze.map_file(frame).unlink()
    with pytest.raises(SalzooError, match=r"lacks 2 of 24 maps: 0601/0004, 0603/0001; --partial"):
        evaluate(gaze)
    result = evaluate(gaze, partial=True)
    assert (result.frames, result.frames_expected) == (22, 24)
    assert result.notices == {"missing prediction": ["0601/0004", "0603/0001"]}


def test_a_video_without_maps_is_left_out_of_a_partial_result(gaze: Any) -> None:
    for path in (gaze.maps / "0602").iterdir():
        path.unlink()
    result = evaluate(gaze, partial=True)
    assert list(result.per_video) == ["0601", "0603"]
    assert len(result.notices["missing prediction"]) == 8


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x89PNG\r\n\x1a\nrubbish", "is truncated or damaged"),
        (b"", "is empty"),
        ("truncated", "is truncated or damaged"),
        ("colour", "is a colour image"),
    ],
)
def test_maps_that_cannot_be_read_are_named_and_counted(gaze: Any, content: bytes | str, message: str) -> None:
    path = gaze.map_file("0602/0005")
    if content == "truncated":
        path.write_bytes(path.read_bytes()[:-20])
    elif content == "colour":
        gaze.write(path, np.random.default_rng(0).integers(0, 255, (36, 64, 3)).astype(np.uint8))
    else:
        assert isinstance(content, bytes)
        path.write_bytes(content)
    with pytest.raises(SalzooError, match=rf"1 of 24 maps cannot be read: 0602/0005: .*0005.png {message}"):
        evaluate(gaze)
    result = evaluate(gaze, partial=True, workers=2)
    assert result.frames == 23
    (named,) = result.notices["unreadable prediction"]
    assert named.startswith("0602/0005: ")


def test_files_that_belong_to_no_frame_are_refused(gaze: Any) -> None:
    gaze.write(gaze.maps / "0601" / "0009.png", np.zeros((36, 64), np.uint8))
    with pytest.raises(SalzooError, match=r"1 files that belong to no frame: .*0009\.png"):
        evaluate(gaze)
    assert evaluate(gaze, partial=True).notices["file that belongs to no frame"]


def test_two_files_for_one_frame_are_refused(gaze: Any) -> None:
    gaze.write(gaze.maps / "0601" / "3.png", np.zeros((36, 64), np.uint8))
    with pytest.raises(SalzooError, match=r"has 3 twice: 0003.png and 3.png"):
        evaluate(gaze)


@pytest.mark.parametrize("protocol", ["dhf1k", "salema"])
def test_a_constant_map_is_named_and_left_out_where_undefined(gaze: Any, protocol: str) -> None:
    gaze.write(gaze.map_file("0601/0002"), np.full((36, 64), 7, np.uint8))
    result = evaluate(gaze, protocol=protocol)
    assert result.notices == {"constant prediction": ["0601/0002"]}
    undefined = {metric for metric, count in result.left_out.items() if count}
    assert undefined == {"auc_shuffled", "nss", "cc", "sim", "ig"} & set(result.metrics)
    assert result.defined["0601"]["nss"] == 7


def test_an_empty_fixation_map_is_named_and_left_out(gaze: Any) -> None:
    gaze.write(gaze.fixation_file("0603/0008"), np.zeros((36, 64), np.uint8))
    result = evaluate(gaze)
    assert result.notices == {"no fixations": ["0603/0008"]}
    assert {metric for metric, count in result.left_out.items() if count} == {"auc_judd", "auc_shuffled", "nss", "ig"}


def test_broken_annotation_is_named_and_counted(gaze: Any) -> None:
    for frame in ("0601/0001", "0602/0002"):
        gaze.fixation_file(frame).write_bytes(b"rubbish")
    with pytest.raises(SalzooError, match=r"2 fixation maps cannot be used, first: .*0601/fixation/0001\.png"):
        evaluate(gaze)


def test_a_map_without_fixation_file_is_a_different_number_of_frames(gaze: Any) -> None:
    gaze.fixation_file("0601/0008").unlink()
    with pytest.raises(SalzooError, match=r"video 0601 has different numbers of frames: 8 in .*maps, 7 in .*fixation"):
        evaluate(gaze)


def test_fixations_and_density_of_different_sizes_are_named(gaze: Any) -> None:
    gaze.write(gaze.root / "annotation/0602/maps/0003.png", np.zeros((10, 10), np.uint8))
    with pytest.raises(SalzooError, match=r"density map of 0602/0003 has 10×10 pixels, its fixation map 36×64"):
        evaluate(gaze, workers=2)


def test_folders_that_hold_no_maps(gaze: Any, tmp_path: Path) -> None:
    with pytest.raises(SalzooError, match="nowhere does not exist"):
        score_saved_maps(tmp_path / "nowhere", Scoring("dhf1k", root=gaze.root))
    with pytest.raises(SalzooError, match=r"has no maps of any of the 3 videos or images, such as 0601"):
        score_saved_maps(gaze.root, Scoring("dhf1k", root=gaze.root))


def test_without_a_training_split_there_is_no_information_gain(gaze: Any) -> None:
    data = open_dhf1k(gaze.root)
    alone = Dataset("dhf1k", data.split("val"))
    result = score_saved_maps(gaze.maps, Scoring(alone), workers=1)
    assert "ig" not in result.metrics
    assert "no information gain" in result.note
    whole = evaluate(gaze)
    assert result.mean == {metric: whole.mean[metric] for metric in result.metrics}


def test_shuffled_auc_takes_the_index_by_seed_and_frame(gaze: Any) -> None:
    from salzoo.evaluation.fixations import index_fixations

    videos = open_dhf1k(gaze.root).split("val")
    others = index_fixations(videos).draw_others(8 + 2, (36, 64))  # the third frame of the second video
    result = evaluate(gaze, per_frame=True)
    assert result.per_frame is not None
    expected = auc_shuffled(read(gaze.map_file("0602/0003")), read(gaze.fixation_file("0602/0003")), others)
    assert result.per_frame["0602"]["0003"][1] == pytest.approx(expected, abs=1e-12)


def test_worker_modules_import_no_torch() -> None:
    code = "import sys, salzoo.evaluation.predictions; sys.exit(any(n in sys.modules for n in ('torch', 'timm')))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
