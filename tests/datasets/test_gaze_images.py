"""osie, eyecrowd and sun500 as their authors publish them, made small."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat
from small_sets import COUNT, HEIGHT, WIDTH, write_images

from salzoo.data import open_dataset
from salzoo.datasets.gaze_images import split_parts
from salzoo.evaluation.models import Scoring, evaluate
from salzoo.gaze.truth import read_density, read_fixations
from salzoo.interfaces import SalzooError
from salzoo.testing import check_dataset


@pytest.fixture(scope="module")
def osie(tiny_gaze: Path) -> Path:
    return tiny_gaze


@pytest.fixture(scope="module")
def sun500(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two observers and an empty cell."""
    root = tmp_path_factory.mktemp("sun500")
    fixations = np.empty((COUNT, 3), object)
    for number, _ in enumerate(write_images(root)):
        fixations[number, 0] = np.array([[10.0, 50.0, 0.1, 0.3], [20.5, 30.5, 0.5, 0.2]])  # y, x, onset, duration
        fixations[number, 1] = np.zeros((0, 0))
        fixations[number, 2] = np.array([[1.0, number + 0.5, 0.0, 0.25]])
    (root / "data" / "tidy").mkdir()
    savemat(root / "data" / "tidy" / "fixations.mat", {"fixations": fixations})
    return root


def test_they_keep_the_contract(osie: Path, sun500: Path) -> None:
    assert not check_dataset("osie", osie).findings
    assert not check_dataset("sun500", sun500).findings


def test_pixels_counted_from_one_are_those_counted_from_zero(osie: Path) -> None:
    video: Any = open_dataset("osie", osie).videos[4]
    first, second = video.read_gaze(0)
    assert first.tolist() == [[4.5, 2.5], [0.0, 19.5]]  # the second lay outside, and is moved to the border
    assert second.tolist() == [[WIDTH - 0.5, HEIGHT - 0.5]]
    rows, columns = np.nonzero(read_fixations(video, 0))
    assert sorted(zip(rows, columns, strict=True)) == [(2, 4), (19, 0), (HEIGHT - 1, WIDTH - 1)]


def test_rows_of_sun500_are_y_and_x(sun500: Path) -> None:
    video: Any = open_dataset("sun500", sun500).videos[7]
    assert video.observers == 2  # an empty cell is an observer who is absent
    assert [each.tolist() for each in video.read_gaze(0)] == [[[50.0, 10.0], [30.5, 20.5]], [[7.5, 1.0]]]
    assert video.sigma == WIDTH / 32


def test_density_is_the_sum_of_gaussians_over_observers(osie: Path) -> None:
    video: Any = open_dataset("osie", osie).videos[3]
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    total = np.zeros((HEIGHT, WIDTH))
    for px, py in np.concatenate(video.read_gaze(0)).astype(float):
        total += np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * video.sigma**2))
    assert np.abs(read_density(video, 0) - 255 * total / total.max()).max() <= 0.501


def test_the_first_fixation_can_be_left_out(osie: Path) -> None:
    dataset = open_dataset("osie:first=false", osie)
    video: Any = dataset.videos[0]
    assert [len(points) for points in video.read_gaze(0)] == [1, 0]
    assert dataset.name == "osie:first=false"
    assert "first fixation" in dataset.note


def test_splits_are_those_of_the_docs() -> None:
    order = np.random.RandomState(0).permutation(700)
    splits = split_parts("osie", 700, 0)
    assert {number for number, split in enumerate(splits) if split == "test"} == set(order[:100])
    assert {number for number, split in enumerate(splits) if split == "val"} == set(order[100:200])
    halves = split_parts("sun500", 500, 4)
    order = np.random.RandomState(0).permutation(500)
    assert {number for number, split in enumerate(halves) if split == "test"} == set(order[400:])
    assert {number for number, split in enumerate(halves) if split == "val"} == set(order[:50])
    tests = [split_parts("sun500", 500, fold) for fold in range(5)]
    assert all(sum(each[number] == "test" for each in tests) == 1 for number in range(500))


def test_what_is_wrong_is_said(osie: Path, tmp_path: Path) -> None:
    with pytest.raises(SalzooError, match="fold must be 0 to 6, not 7"):
        open_dataset("osie:fold=7", osie)
    with pytest.raises(SalzooError, match="osie has no parameter 'folds'; did you mean 'fold'"):
        open_dataset("osie:folds=1", osie)
    with pytest.raises(SalzooError, match="no images of sun500"):
        open_dataset("sun500", tmp_path)
    write_images(tmp_path)
    with pytest.raises(SalzooError, match=r"fixations\.mat does not exist"):
        open_dataset("osie", tmp_path)
    (tmp_path / "data" / "eye").mkdir()
    savemat(tmp_path / "data" / "eye" / "fixations.mat", {"fixations": np.zeros((3, 4))})
    with pytest.raises(SalzooError, match="is not as osie has it"):
        open_dataset("osie", tmp_path)


def test_a_lost_picture_moves_no_other_and_is_named(osie: Path, tmp_path: Path) -> None:
    for path in osie.rglob("*.*"):
        (tmp_path / path.relative_to(osie)).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path.relative_to(osie)).symlink_to(path)
    (tmp_path / "data" / "stimuli" / "1001.jpg").unlink()
    before, after = (open_dataset("osie", root).videos for root in (osie, tmp_path))
    assert [(video.id, video.split) for video in after] == [(video.id, video.split) for video in before]
    with pytest.raises(SalzooError, match=r"1001\.jpg"):
        next(after[0].read_frames())


def test_they_are_scored_as_any_data_set(osie: Path) -> None:
    results = evaluate([], Scoring("osie", root=osie), workers=1)
    assert [result.frames for result in results] == [2, 2, 2]
    assert results[2].model == "humans (leave one out)"
    assert results[2].metrics == ("auc_judd", "auc_shuffled", "nss", "ig")
    assert np.isfinite(results[2].mean["nss"])
    assert "center bias, chosen on the training split" in results[2].detail
    assert np.isfinite(results[0].mean["nss"])  # the other finds nothing on pictures of one grey


def test_viewings_are_fixations_in_order_with_their_times(sun500: Path, osie: Path) -> None:
    video: Any = open_dataset("sun500", sun500).videos[7]
    first, second = video.read_viewings()
    assert first.observer == "1"
    np.testing.assert_allclose(first.fixations, [[0.1, 0.3, 50, 10], [0.5, 0.2, 30.5, 20.5]], atol=1e-6)
    np.testing.assert_allclose(second.fixations, [[0, 0.25, 7.5, 1]], atol=1e-6)
    # starts that were not published follow from the durations
    image: Any = open_dataset("osie", osie).videos[4]
    start, duration = image.read_viewings()[0].fixations[:, :2].T
    np.testing.assert_allclose(start, [0.28, 0.28 + duration[0] + 0.06], atol=1e-6)
