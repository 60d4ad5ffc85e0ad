"""MIT1003, PASCAL-S, FiWI, traffic100 and interiors in the layouts of their public repositories, made small."""

from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
import pytest
from scipy.io import savemat

from salzoo.data import open_dataset
from salzoo.gaze.truth import read_fixations
from salzoo.interfaces import SalzooError
from salzoo.testing import check_dataset

HEIGHT, WIDTH, COUNT = 48, 64, 20


def write_pictures(folder: Path, names: list[str]) -> None:
    folder.mkdir(parents=True)
    for number, name in enumerate(names):
        cv2.imwrite(str(folder / name), np.full((HEIGHT, WIDTH, 3), 10 * number, np.uint8))


def write_mit1003(root: Path) -> None:
    folder = root / "data" / "FixaTons" / "MIT1003"
    write_pictures(folder / "STIMULI", [f"i{number:02}.jpeg" for number in range(COUNT)])
    for number in range(COUNT):
        scanpaths = folder / "SCANPATHS" / f"i{number:02}"
        scanpaths.mkdir(parents=True)
        (scanpaths / "ajs").write_text(f"32 24 0.000 0.300 \n{number} 5 0.350 0.600 \n70 50 0.700 0.900 \n")
        (scanpaths / "CNG").write_text("31 25 0.000 0.200 \n")


def write_pascals(root: Path) -> None:
    write_pictures(root / "config" / "pascal", [f"{number}.jpg" for number in range(1, COUNT + 1)])
    with h5py.File(root / "pascalFix.mat", "w") as file:
        cells = file.create_dataset("fixCell", (1, COUNT), h5py.ref_dtype)
        for number in range(COUNT):
            rows = np.array([[24.0, 5, 6, 25], [32, number + 1, 9, 33], [1, 1, 1, 3]])  # y, x, observer
            cells[0, number] = file.create_dataset(f"gaze/{number}", data=rows).ref


def write_fiwi(root: Path) -> None:
    names = [f"page ({number:02}).png" for number in range(COUNT)]
    write_pictures(root / "dataset" / "stimuli", names)
    rows = [",eye,tStart,duration,xAvg,yAvg,stimuliName,name"]
    for number, name in enumerate(names):
        rows += [f"0,R,10,434,{number}.5,6.0,{name},Sub4.asc", f"1,R,20,100,3.0,4.5,{name},Sub1.asc"]
        rows += [f"2,R,30,200,9.0,9.0,{name},Sub4.asc"]
    (root / "fixations.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def write_traffic100(root: Path) -> None:
    write_pictures(root / "data" / "traffic_images", [f"{number}.bmp" for number in range(1, COUNT + 1)])
    for row, task in enumerate(("bottom-up attention", "top-down attention")):
        folder = root / "data" / "eye_tracking_data" / task
        folder.mkdir(parents=True)
        for number in range(1, COUNT + 1):
            fixations = np.zeros((HEIGHT, WIDTH), np.uint8)
            fixations[row, number] = fixations[9, 9] = 1
            savemat(folder / f"{number}.mat", {"fixationPts": fixations})


def write_interiors(root: Path) -> None:
    names = [f"room_{number}.jpg" for number in range(COUNT)]
    write_pictures(root / "MatlabCode" / "data_images" / "images", names)
    (root / "MatlabCode" / "matrix" / "images").mkdir(parents=True)
    for number, name in enumerate(names):
        trials = np.zeros((1, 2), [("image", object), ("fixations", object), ("timeFix", object)])
        trials[0, 0] = (name, [[1.0, 2.0], [number + 0.5, 7.0]], np.array([[0, 100, 100], [200, 450, 250]]))
        trials[0, 1] = (name, np.zeros((0, 2)), np.zeros((0, 3)))
        savemat(
            root / "MatlabCode" / "matrix" / "images" / f"info_per_subj_img_{number}.mat", {"info_per_subj": trials}
        )


WRITERS = {
    "mit1003": write_mit1003,
    "pascals": write_pascals,
    "fiwi": write_fiwi,
    "traffic100": write_traffic100,
    "interiors": write_interiors,
}


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = {name: tmp_path_factory.mktemp(name) for name in WRITERS}
    for name, root in made.items():
        WRITERS[name](root)
    return made


@pytest.mark.parametrize("name", WRITERS)
def test_they_keep_the_contract(name: str, roots: dict[str, Path]) -> None:
    assert not check_dataset(name, roots[name]).findings


@pytest.mark.parametrize("name", WRITERS)
def test_another_fold_is_another_test_split(name: str, roots: dict[str, Path]) -> None:
    tests = [{each.id for each in open_dataset(f"{name}:fold={k}", roots[name]).split("test")} for k in (0, 1)]
    assert not tests[0] & tests[1]
    with pytest.raises(SalzooError, match=f"{name}: fold must be 0 to"):
        open_dataset(f"{name}:fold=10", roots[name])


@pytest.mark.parametrize("name", WRITERS)
def test_another_folder_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(SalzooError, match=r"expected|does not exist"):
        open_dataset(name, tmp_path)


def gaze(name: str, root: Path, number: int) -> list[list[list[float]]]:
    video: Any = open_dataset(name, root).videos[number]
    return [points.tolist() for points in video.read_gaze(0)]


def test_mit1003_begins_behind_the_cross(roots: dict[str, Path]) -> None:
    last = [WIDTH, HEIGHT]  # what lies outside is moved to the border
    assert gaze("mit1003", roots["mit1003"], 3) == [[], [[3.0, 5.0], pytest.approx(last, abs=1e-4)]]
    assert len(gaze("mit1003:first=true", roots["mit1003"], 3)[1]) == 3


def test_rows_of_pascals_are_y_x_and_observer(roots: dict[str, Path]) -> None:
    assert gaze("pascals", roots["pascals"], 6) == [[[6.5, 4.5], [8.5, 5.5]], []]
    assert gaze("pascals:first=true", roots["pascals"], 6)[1] == [[32.5, 24.5]]
    assert open_dataset("pascals", roots["pascals"]).videos[6].id == "7"


def test_pascals_misses_no_picture_silently(tmp_path: Path) -> None:
    write_pascals(tmp_path)
    (tmp_path / "config" / "pascal" / "9.jpg").unlink()
    with pytest.raises(SalzooError, match=r"lacks 1 images of pascals, first config/pascal/9\.jpg"):
        open_dataset("pascals", tmp_path)


def test_fiwi_tells_observers_apart(roots: dict[str, Path]) -> None:
    assert gaze("fiwi", roots["fiwi"], 5) == [[[3.0, 4.5]], [[5.5, 6.0], [9.0, 9.0]]]
    assert gaze("fiwi:first=false", roots["fiwi"], 5) == [[], [[9.0, 9.0]]]


@pytest.mark.parametrize("row", ["x,R,1,5,nan,1.0,a.png,Sub", "x,R,1,5,one,1.0,a.png,Sub", "x,R,1"])
def test_a_damaged_table_of_fiwi_is_named(row: str, tmp_path: Path) -> None:
    write_fiwi(tmp_path)
    with (tmp_path / "fixations.csv").open("a", encoding="utf-8") as file:
        file.write(row + "\n")
    with pytest.raises(SalzooError, match=r"fixations\.csv is not the table"):
        open_dataset("fiwi", tmp_path)


def test_traffic100_has_two_tasks(roots: dict[str, Path]) -> None:
    for task, row in (("free", 0), ("drive", 1)):
        video = open_dataset(f"traffic100:task={task}", roots["traffic100"]).videos[4]
        assert np.argwhere(read_fixations(video, 0)).tolist() == [[row, 5], [9, 9]]
    with pytest.raises(SalzooError, match="task must be free or drive, not park"):
        open_dataset("traffic100:task=park", roots["traffic100"])


def test_traffic100_without_its_map_is_named(tmp_path: Path) -> None:
    write_traffic100(tmp_path)
    mat = tmp_path / "data" / "eye_tracking_data" / "bottom-up attention" / "5.mat"
    savemat(mat, {"other": [1]})
    with pytest.raises(SalzooError, match=r"5\.mat holds no fixations"):
        read_fixations(open_dataset("traffic100", tmp_path).videos[4], 0)


def test_who_searches_began_elsewhere(roots: dict[str, Path]) -> None:
    assert gaze("interiors", roots["interiors"], 1) == [[[1.5, 7.0]], []]
