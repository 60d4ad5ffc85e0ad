import hashlib
import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

import salzoo
from salzoo.backbones.spectral_residual import SpectralResidual
from salzoo.datasets import synthetic
from salzoo.datasets.drawing import draw_frames
from salzoo.datasets.observers import priorities
from salzoo.datasets.synthetic import VERSION, make_synthetic, open_synthetic, simulate_video
from salzoo.interfaces.errors import SalzooError

FRAMES, HEIGHT, WIDTH, OBSERVERS = 60, 180, 320, 17


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("synthetic") / "set"
    make_synthetic(folder, videos=3, seed=5, processes=1)
    return folder


@pytest.fixture(scope="module")
def simulated():
    return [simulate_video(seed=0, number=number) for number in range(1, 61)]


def landed(gaze: np.ndarray) -> np.ndarray:
    """Points (n, 2) of the observers whose eye rests."""
    points = gaze.reshape(-1, 2)
    return points[points[:, 0] >= 0]


def start_script(path: Path, code: str) -> subprocess.Popen:
    path.write_text(f"from pathlib import Path\nfrom salzoo.datasets.synthetic import make_synthetic\n{code}\n")
    environment = {**os.environ, "PYTHONPATH": str(Path(salzoo.__file__).parents[1])}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([sys.executable, path], env=environment, text=True, **streams)


def test_layout_on_disk(root):
    files = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    expected = {"synthetic.json"}
    for number in (1, 601, 701):
        expected.add(f"video/{number:03d}.AVI")
        for frame in range(1, FRAMES + 1):
            expected |= {f"annotation/{number:04d}/{kind}/{frame:04d}.png" for kind in ("maps", "fixation")}
    assert files == expected
    manifest = json.loads((root / "synthetic.json").read_text())
    assert manifest["version"] == VERSION
    assert manifest["seed"] == 5
    assert (manifest["train"], manifest["val"], manifest["test"]) == (1, 1, 1)


def test_data_set_says_that_it_is_synthetic(root):
    dataset = open_synthetic(root)
    assert dataset.name == "synthetic"
    assert "synthetic" in dataset.note
    assert f"version {VERSION}, seed 5" in dataset.note
    assert [(video.id, video.split) for video in dataset.videos] == [
        ("0001", "train"),
        ("0601", "val"),
        ("0701", "test"),
    ]


def test_files_hold_what_was_simulated(root):
    for video in open_synthetic(root).videos:
        _, drawn, gaze = simulate_video(seed=5, number=int(video.id))
        assert video.frames == FRAMES
        for frame, original in zip(video.read_frames(), drawn, strict=True):
            assert frame.shape == (HEIGHT, WIDTH, 3)
            assert np.abs(frame.astype(int) - original).mean() < 8  # the codec loses a little
        for index in range(FRAMES):
            fixated = np.zeros((HEIGHT, WIDTH), bool)
            x, y = landed(gaze[index]).T
            fixated[y, x] = True
            assert np.array_equal(video.read_fixations(index), fixated)


def test_density_is_the_sum_of_dhf1k_gaussians(root):
    """A full width at half maximum of 30 px, at the fixations, over the maximum (Wang et al., 2018)."""
    video = open_synthetic(root).videos[0]
    _, _, gaze = simulate_video(seed=5, number=1)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    for index in (0, 20, 45):
        density = np.zeros((HEIGHT, WIDTH))
        for x, y in landed(gaze[index]):
            density += 0.5 ** (((columns - x) ** 2 + (rows - y) ** 2) / 15**2)
        difference = video.read_density(index) - 255 * density / density.max()
        assert np.abs(difference).max() <= 0.5001


def test_number_of_processes_makes_no_difference(tmp_path):
    folders = [tmp_path / "one", tmp_path / "two"]
    for processes, folder in enumerate(folders, start=1):
        make_synthetic(folder, videos=2, seed=1, processes=processes)
    names = sorted(path.relative_to(folders[0]) for path in folders[0].rglob("*") if path.is_file())
    assert len(names) == 2 * (2 * FRAMES + 1) + 1
    for name in names:
        if name.suffix == ".png":
            assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()
    for one, two in zip(*(open_synthetic(folder).videos for folder in folders), strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one.read_frames(), two.read_frames(), strict=True))


def test_seed_and_number_decide():
    first, again, other_seed, other_number = (simulate_video(*key) for key in ((0, 1), (0, 1), (1, 1), (0, 2)))
    frames = list(first[1])
    assert all(np.array_equal(a, b) for a, b in zip(frames, again[1], strict=True))
    assert np.array_equal(first[2], again[2])
    for other in (other_seed, other_number):
        assert not np.array_equal(first[2], other[2])
        assert not np.array_equal(frames[0], next(other[1]))


def test_gaze_of_this_version():
    """The simulation must not change without a new VERSION: cached sets and reported scores go by it."""
    digests = {
        number: hashlib.sha256(simulate_video(0, number)[2].astype("<i2").tobytes()).hexdigest()[:16]
        for number in (1, 2, 601)
    }
    assert (VERSION, digests) == (
        2,
        {1: "a62944a0f7723500", 2: "a5dd30bf3a588aa5", 601: "41f3b98b53afb221"},
    )


def nss(saliency: np.ndarray, points: np.ndarray) -> float:
    return float(((saliency - saliency.mean()) / saliency.std())[points[:, 1], points[:, 0]].mean())


def bell(place, size: float) -> np.ndarray:
    """A Gaussian about as wide as an object: (HEIGHT, WIDTH)."""
    x, y = (
        np.exp(-0.5 * ((np.arange(n) - at) / (0.3 * size + 10)) ** 2)
        for n, at in ((WIDTH, place[0]), (HEIGHT, place[1]))
    )
    return np.outer(y, x)


def test_contrast_does_not_tell_where_observers_look(simulated):
    """Spectral-residual falls for the signs: it does worse than looking at the centre."""
    contrast = SpectralResidual().eval()
    scores = []
    for scene, _, gaze in simulated[:4]:
        frames = draw_frames(scene, np.random.default_rng(0))
        for index, frame in enumerate(frames):
            if index % 12 == 6:
                small = torch.from_numpy(cv2.resize(frame, (64, 48), interpolation=cv2.INTER_AREA)).float()
                found = contrast.layers[0].module(small.permute(2, 0, 1)[None])[0, 0].numpy()
                points = landed(gaze[index])
                centre = bell((WIDTH / 2, HEIGHT / 2), 200)
                scores.append((nss(cv2.resize(found, (WIDTH, HEIGHT)), points), nss(centre, points)))
    found, centre = np.mean(scores, axis=0)
    assert 0 < found < centre


def test_a_temporal_model_has_something_to_gain(simulated):
    """Three that know the objects: by their looks alone, glints among them; those maps averaged over time; and by what
    happened to them. Each does better than the one before."""
    scores = []
    for scene, _, gaze in simulated[:12]:
        drawn = priorities(scene)
        average = None
        for index in range(FRAMES):
            weights = scene.visible[index] * (0.3 + scene.vivid[index])
            shown = [(scene.centres[index, k], scene.sizes[k], weight) for k, weight in enumerate(weights) if weight]
            shown += [(g.place, scene.sizes[g.like], 1.3) for g in scene.glints if 0 <= index - g.frame < g.frames]
            looks = sum(weight * bell(place, size) for place, size, weight in shown)
            average = looks if average is None else 0.2 * looks + 0.8 * average
            if index % 6 == 0 and index:
                before = max(index - 8, 0)
                objects = zip(drawn[before], scene.centres[index], scene.sizes, strict=True)
                happened = sum(weight * bell(place, size) for weight, place, size in objects)
                points = landed(gaze[index])
                scores.append([nss(saliency, points) for saliency in (looks, average, happened)])
    looks, average, happened = np.mean(scores, axis=0)
    assert average > looks + 0.1
    assert happened > 1.5 * looks


def test_nobody_looks_at_a_glint(simulated):
    """As many eyes are near its place 0.25 s after it, when they would have come, as were before it."""
    shares = []
    for scene, _, gaze in simulated:
        for glint in scene.glints:
            moments = (glint.frame - 1, glint.frame + 8)
            if moments[0] >= 0 and moments[1] < FRAMES:
                near = [np.hypot(*(landed(gaze[m]) - glint.place).T) < 15 for m in moments]
                shares.append([each.mean() for each in near])
    assert len(shares) > 500
    before, after = np.mean(shares, axis=0)
    assert abs(after - before) < 0.01


def test_attention_depends_on_the_past(simulated):
    """Of objects that look alike, the one that appeared half a second ago draws most eyes, and not yet at once.

    So one frame does not tell where observers look: the share of eyes on the newcomer is more than four times that on
    any other object of the same look 0.5 s after it appeared, and under a fifth of it before a latency has passed.
    """
    shares = {lag: ([], []) for lag in (3, 15)}
    for scene, _, gaze in simulated:
        for event in scene.events:
            for lag, (newcomer, others) in shares.items():
                frame = event.frame + lag
                if event.kind != "onset" or frame >= FRAMES:
                    continue
                points = landed(gaze[frame])
                for k in np.flatnonzero(scene.visible[frame]):
                    near = np.hypot(*(points - scene.centres[frame, k]).T) < 0.75 * scene.sizes[k]
                    if k == event.target:
                        newcomer.append(near.mean())
                    elif scene.vivid[frame, k] == scene.vivid[frame, event.target]:
                        others.append(near.mean())
    assert len(shares[15][0]) > 30
    assert np.mean(shares[15][0]) > 4 * np.mean(shares[15][1])
    assert np.mean(shares[3][0]) < 0.2 * np.mean(shares[3][1])


def test_observers_start_at_the_centre_and_then_look_everywhere(simulated):
    first = np.concatenate([landed(gaze[0]) for _, _, gaze in simulated])
    assert len(first) == OBSERVERS * len(simulated)
    assert np.abs(first.mean(axis=0) - (WIDTH / 2, HEIGHT / 2)).max() < 2
    assert np.hypot(*(first - (WIDTH / 2, HEIGHT / 2)).T).mean() < 0.1 * WIDTH
    later = np.concatenate([landed(gaze[15:]) for _, _, gaze in simulated])
    quadrants = np.histogram2d(*later.T, bins=2, range=((0, WIDTH), (0, HEIGHT)))[0] / len(later)
    assert quadrants.min() > 0.15


def test_every_frame_has_fixations(simulated):
    counts = np.stack([(gaze[..., 0] >= 0).sum(axis=1) for _, _, gaze in simulated])
    assert counts.shape == (60, FRAMES)
    assert counts.min() >= 5
    assert 15 < counts.mean() < OBSERVERS


def test_records_survive_pickling(root):
    for video in open_synthetic(root).videos:
        copy = pickle.loads(pickle.dumps(video))
        assert copy == video
        assert np.array_equal(copy.read_density(3), video.read_density(3))


@pytest.mark.parametrize(
    ("videos", "counts"), [(1, (1, 0, 0)), (2, (1, 1, 0)), (80, (60, 10, 10)), (1000, (600, 100, 300))]
)
def test_proportions_of_the_splits(tmp_path, monkeypatch, videos, counts):
    monkeypatch.setattr(synthetic, "_make_video", lambda root, seed, number: (root / "video" / f"{number}.AVI").touch())
    make_synthetic(tmp_path / "set", videos, processes=1)
    found = [video.split for video in open_synthetic(tmp_path / "set").videos]
    assert tuple(found.count(split) for split in ("train", "val", "test")) == counts
    assert len(found) == videos


def test_default_set_is_made_once_in_the_cache_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(synthetic, "DEFAULT_VIDEOS", 1)
    monkeypatch.setenv("SALZOO_CACHE", str(tmp_path / "named"))
    assert len(open_synthetic(None).videos) == 1
    (folder,) = (tmp_path / "named").iterdir()
    assert folder.name == f"synthetic-v{VERSION}-seed0"
    made = (folder / "synthetic.json").stat().st_mtime_ns
    open_synthetic(None)
    assert (folder / "synthetic.json").stat().st_mtime_ns == made

    monkeypatch.delenv("SALZOO_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    open_synthetic(None)
    assert (tmp_path / "xdg" / "salzoo" / folder.name / "synthetic.json").is_file()


def test_a_set_of_another_version_is_not_taken_for_this_one(tmp_path, monkeypatch, root):
    monkeypatch.setattr(synthetic, "DEFAULT_VIDEOS", 1)
    monkeypatch.setenv("SALZOO_CACHE", str(tmp_path))
    old = tmp_path / "synthetic-v1-seed0"
    shutil.copytree(root, old)
    manifest = json.loads((old / "synthetic.json").read_text())
    (old / "synthetic.json").write_text(json.dumps(manifest | {"version": 1}))
    assert len(open_synthetic(None).videos) == 1
    assert f"version {VERSION}, seed 0" in open_synthetic(None).note
    assert "version 1, seed 5" in open_synthetic(old).note


def test_several_makers_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(synthetic, "DEFAULT_VIDEOS", 1)
    monkeypatch.setenv("SALZOO_CACHE", str(tmp_path))
    barrier = threading.Barrier(3)

    def open_at_once(_):
        barrier.wait()
        return open_synthetic(None)

    with ThreadPoolExecutor(3) as pool:
        datasets = list(pool.map(open_at_once, range(3)))
    assert all(len(list(dataset.videos[0].read_frames())) == FRAMES for dataset in datasets)
    assert [path.name for path in tmp_path.iterdir()] == [f"synthetic-v{VERSION}-seed0"]


def test_interrupt_leaves_nothing(tmp_path):
    out = tmp_path / "made" / "set"
    maker = start_script(tmp_path / "script.py", f"make_synthetic(Path({str(out)!r}), 400, processes=2)")
    while not list(out.parent.glob(".salzoo-*/annotation/*")):
        assert maker.poll() is None
        time.sleep(0.01)
    maker.send_signal(signal.SIGINT)
    _, errors = maker.communicate(timeout=60)
    assert maker.returncode != 0
    assert errors.count("KeyboardInterrupt") == 1  # none from the processes it started
    assert list(out.parent.iterdir()) == []


def test_scripts_without_a_main_guard_run_once(tmp_path):
    out = tmp_path / "set"
    code = f"print('here')\nmake_synthetic(Path({str(out)!r}), 2, processes=2)"
    maker = start_script(tmp_path / "script.py", code)
    assert maker.communicate(timeout=60) == ("here\n", "")
    assert maker.returncode == 0
    assert len(open_synthetic(out).videos) == 2


def test_wrong_requests(tmp_path):
    for videos in (0, -3, 1001):
        with pytest.raises(SalzooError, match="1 to 1000"):
            make_synthetic(tmp_path / "set", videos)
    with pytest.raises(SalzooError, match="seed"):
        make_synthetic(tmp_path / "set", 1, seed=-1)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    for taken in ("full", "full/file"):
        with pytest.raises(SalzooError, match="exists already"):
            make_synthetic(tmp_path / taken, 1)
    with pytest.raises(SalzooError, match="cannot write"):
        make_synthetic(tmp_path / "full" / "file" / "set", 1)
    assert [path.name for path in tmp_path.iterdir()] == ["full"]


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "set").mkdir()
    make_synthetic(tmp_path / "set", 1)
    assert len(open_synthetic(tmp_path / "set").videos) == 1


def test_folders_that_are_no_synthetic_set(tmp_path):
    with pytest.raises(SalzooError, match=r"synthetic\.json is missing"):
        open_synthetic(tmp_path)
    (tmp_path / "synthetic.json").write_text("{")
    with pytest.raises(SalzooError, match=r"cannot read .*synthetic\.json"):
        open_synthetic(tmp_path)
    (tmp_path / "synthetic.json").write_text('{"version": 1, "seed": 0, "videos": 2}')
    (tmp_path / "video").mkdir()
    (tmp_path / "video" / "001.AVI").touch()
    with pytest.raises(SalzooError, match="1 of 2 videos"):
        open_synthetic(tmp_path)
