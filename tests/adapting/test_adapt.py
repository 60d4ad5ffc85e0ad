"""``salzoo adapt``: numbers behind a network, fitted where that is worth it and nowhere else."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from scipy.io import savemat

import salzoo
from salzoo.adapting.backbone import Adapted, Readout
from salzoo.adapting.choosing import behind
from salzoo.adapting.fitting import Looked, cross_validate, fit_leanings, fit_readout, fold_items, read_out, score
from salzoo.adapting.looking import look
from salzoo.cli import cli
from salzoo.data import open_dataset
from salzoo.interfaces import SalzooError
from salzoo.model import SaliencyModel, create_model
from salzoo.testing import check_backbone
from salzoo.video.resizing import resize_frame

HEIGHT, WIDTH = 48, 64
SMALL = "timm:arch=mobilenetv3_small_050,width=16"


def random_model(spec: str) -> SaliencyModel:
    torch.manual_seed(0)
    return create_model(spec).eval()


@pytest.mark.parametrize(
    "spec",
    [
        "adapted:of=salgan,width=0.05,sizes=1",
        "adapted:of=salgan,width=0.05,sizes=2",
        "adapted:of=salgan,width=0.05,sizes=2,features=true",
    ],
)
def test_it_is_a_backbone_like_any_other(spec: str) -> None:
    assert not check_backbone(spec).findings


@pytest.mark.parametrize("features", [False, True])
@pytest.mark.parametrize("sizes", [1, 2])
def test_before_it_is_fitted_it_says_nearly_what_the_network_says(sizes: int, features: bool) -> None:
    model = random_model(f"{SMALL}+ema:alpha=0.2@output")
    adapted = behind(model, sizes, features)
    named = ",features=true" if features else ""
    assert str(adapted.spec) == (
        f"adapted:arch=mobilenetv3_small_050{named},of=timm,sizes={sizes},width=16+ema:alpha=0.2@output"
    )
    small = torch.nn.functional.interpolate(torch.randn(2, 3, 6, 8), (96, 128), mode="bicubic")
    large = torch.nn.functional.interpolate(small, scale_factor=1 if sizes == 1 else 2)
    with torch.no_grad():
        ours, theirs = adapted(large[:, None])[0], model(small[:, None])[0]
    ours, theirs = (torch.nn.functional.adaptive_avg_pool2d(each[:, 0, 0], (12, 16)) for each in (ours, theirs))
    for our, their in zip(ours.flatten(1), theirs.flatten(1), strict=True):
        assert torch.corrcoef(torch.stack([our, their]))[0, 1] > 0.85


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("adapted:of=salgan,sizes=3", "sizes must be 1 or 2"),
        ("adapted:of=adapted", "adapted already"),
        ("adapted:of=nothing", "unknown"),
        ("adapted:of=salgan,depth=3", "no parameter 'depth'"),
        ("adapted:of=spectral-residual,sizes=2", "one size alone"),
        ("adapted:of=spectral-residual,features=true", "no encoder whose features could be read"),
        ("adapted", "needs a value for 'of'"),
    ],
)
def test_what_cannot_be_built_is_refused(spec: str, words: str) -> None:
    with pytest.raises(SalzooError, match=words):
        create_model(spec)


def test_a_module_inside_the_network_is_refused() -> None:
    with pytest.raises(SalzooError, match="module over time before its last layer"):
        behind(create_model(f"{SMALL}+ema@bottleneck"), 1)


def test_what_is_adapted_is_not_adapted_again() -> None:
    with pytest.raises(SalzooError, match="adapted already"):
        behind(create_model(f"adapted:of=timm,{SMALL.partition(':')[2]}"), 1)


def looked_at(count: int, told: int, seed: int = 0) -> Looked:
    """People look at a spot of each picture; of the maps at two sizes that numbered ``told`` shows it, the other a spot
    elsewhere."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:18, :24]
    maps, fixations = np.zeros((count, 2, 18, 24), np.float32), np.zeros((count, 18, 24), np.float32)
    for number in range(count):
        for size in range(2):
            row, column = rng.uniform(3, 15), rng.uniform(3, 21)
            spot = np.exp(-((y - row) ** 2 + (x - column) ** 2) / 8) + 0.05
            maps[number, size] = spot / spot.max()
            if size == told:
                drawn = rng.choice(spot.size, 30, p=(spot / spot.sum()).ravel())
                fixations[number] = np.bincount(drawn, minlength=spot.size).reshape(spot.shape)
    return Looked(torch.from_numpy(maps), torch.from_numpy(fixations), np.arange(count), np.zeros(count, int))


def test_the_weights_find_the_size_that_tells() -> None:
    looked = looked_at(20, told=1)  # the largest
    readout = fit_readout(looked, 2)
    assert readout.weights.argmax() == 1
    assert readout.weights[1] > 0.7
    assert readout.weights[0].abs() < 0.3
    new = looked_at(20, told=1, seed=1)
    assert score(read_out(readout, new, 2), new).mean() > score(new.at(1)[:, 0], new).mean() + 0.5


def test_numbers_that_have_nothing_to_mend_change_nothing() -> None:
    looked = looked_at(20, told=0)  # the network's own
    gain = cross_validate(looked, 2, fold_items(20, 0))[0] - score(looked.at(1)[:, 0], looked)
    assert abs(gain.mean()) < 0.1


def test_each_item_weighs_the_same_however_many_frames_it_has() -> None:
    looked = looked_at(12, told=0)
    twice = np.r_[np.arange(12), np.zeros(30, int)]  # one video of 31 frames
    other = Looked(looked.maps[twice], looked.fixations[twice], twice, np.zeros(len(twice), int))
    ours, theirs = fit_readout(looked, 1), fit_readout(other, 1)
    for one, another in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.allclose(one, another, atol=0.05)
    assert np.allclose(score(other.maps[:, 0], other), score(looked.maps[:, 0], looked))


def test_fewer_than_twenty_numbers() -> None:
    assert sum(each.numel() for each in Readout(2).parameters()) < 20


def with_features(looked: Looked) -> Looked:
    """The same people, maps that say nothing, and five features of both sizes, of which the second at the second size
    is high where people look."""
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(len(looked.item), 2, 5, 4, 6, generator=generator)
    features[:, 1, 1] += 5 * torch.nn.functional.adaptive_avg_pool2d(looked.fixations, (4, 6))
    return Looked(torch.full_like(looked.maps, 0.5), looked.fixations, looked.item, looked.frame, features)


def test_leanings_find_the_feature_that_tells() -> None:
    looked, new = with_features(looked_at(20, told=1)), with_features(looked_at(20, told=1, seed=1))
    plain = fit_readout(looked, 2)
    leaning = fit_leanings(plain, looked, 2, strength=1.0)
    assert leaning.leaning is not None
    assert divmod(int(leaning.leaning.argmax()), 5) == (1, 1)
    gain = score(read_out(leaning, new, 2), new).mean() - score(read_out(plain, new, 2), new).mean()
    assert gain > 0.3
    held = fit_leanings(plain, looked, 2, strength=1e6)
    assert held.leaning is not None
    assert held.leaning.abs().max() < 0.01


def test_leanings_are_cross_validated_on_others_than_they_were_fitted_to() -> None:
    looked = looked_at(20, told=1)
    noise = torch.randn(20, 2, 200, 4, 6, generator=torch.Generator().manual_seed(1))
    told = Looked(looked.maps, looked.fixations, looked.item, looked.frame, noise)
    plain, leaning = cross_validate(told, 2, fold_items(20, 0), strengths=[1.0])
    assert leaning.mean() < plain.mean()
    fitted = fit_leanings(fit_readout(told, 2), told, 2, strength=1.0)
    assert score(read_out(fitted, told, 2), told).mean() > plain.mean()  # as it knows these by heart


def test_a_network_is_looked_into_as_it_is_run(roads: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = behind(random_model("salgan:width=0.05"), 2, features=True)
    videos = open_dataset("traffic100", roads).videos[:2]
    monkeypatch.setattr("salzoo.adapting.looking.fast_precision", lambda device: "float32")
    looked = look(model, videos)
    assert looked.features is not None
    frame = resize_frame(next(iter(videos[1].read_frames())), model.preprocessing.size, "opencv-area")
    frames = model.preprocess(frame[None])[0]
    assert isinstance(model.backbone, Adapted)
    with torch.no_grad():
        maps, features = model.backbone.at_sizes(frames)
    assert torch.allclose(looked.features[1, 0].float(), features[0][0], atol=0.01 * float(features[0].abs().max()))
    assert torch.allclose(looked.maps[1, 0], maps[0, 0], atol=1e-3)
    monkeypatch.setattr("salzoo.adapting.looking.MOST_FEATURES", looked.features.numel() - 1)
    assert look(model, videos).features is None


def write_roads(root: Path, count: int, seed: int) -> None:
    """Pictures in traffic100's layout, all looked at in the lower right, wherever the bright spot is."""
    rng = np.random.default_rng(seed)
    (root / "data" / "traffic_images").mkdir(parents=True)
    folder = root / "data" / "eye_tracking_data" / "bottom-up attention"
    folder.mkdir(parents=True)
    for number in range(1, count + 1):
        picture = rng.integers(0, 40, (HEIGHT, WIDTH, 3), np.uint8)
        cv2.circle(picture, (int(rng.integers(8, 56)), int(rng.integers(8, 40))), 4, (0, 200, 255), -1)
        cv2.imwrite(str(root / "data" / "traffic_images" / f"{number}.bmp"), picture)
        fixations = np.zeros((HEIGHT, WIDTH), np.uint8)
        rows, columns = rng.normal(36, 3, 20), rng.normal(48, 3, 20)
        fixations[rows.astype(int).clip(0, HEIGHT - 1), columns.astype(int).clip(0, WIDTH - 1)] = 1
        savemat(folder / f"{number}.mat", {"fixationPts": fixations})


@pytest.fixture(scope="module")
def roads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("roads")
    write_roads(root, 20, seed=0)
    return root


def adapt(*words: str | Path) -> Result:
    return CliRunner().invoke(cli, ["adapt", *map(str, words)])


def test_a_habit_of_place_is_learned_and_the_result_is_a_checkpoint(roads: Path, tmp_path: Path) -> None:
    out = tmp_path / "roads-model"
    result = adapt("spectral-residual", "--dataset", "traffic100", "--root", roads, "-o", out)
    assert result.exit_code == 0, result.output
    assert "as it is" in result.output
    assert "center bias alone" in result.output
    taken = [line for line in result.output.splitlines() if line.startswith("* ") and "taken" not in line]
    assert len(taken) == 1
    model = salzoo.load_model(str(out))
    assert model.trained_on.sets[0].name == "traffic100"
    frame = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    map_ = model.predict(frame, order="bgr")
    row, column = np.unravel_index(map_.argmax(), map_.shape)
    assert row > HEIGHT / 2
    assert column > WIDTH / 2
    again = adapt("spectral-residual", "--dataset", "traffic100", "--root", roads, "-o", out)
    assert again.exit_code == 1
    assert "exists" in again.output
    results = ["-o", str(tmp_path / "results.json")]
    scored = CliRunner().invoke(
        cli, ["eval", str(out), "--dataset", "traffic100", "--root", str(roads), "--split", "test", *results]
    )
    assert scored.exit_code == 0, scored.output


def test_too_few_pictures_are_told_in_a_line(tmp_path: Path) -> None:
    write_roads(tmp_path / "few", 10, seed=1)  # seven to train on
    result = adapt("spectral-residual", "--dataset", "traffic100", "--root", tmp_path / "few", "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "7 pictures or videos" in result.output
    assert len(result.output.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_what_it_was_trained_on_is_not_fitted_to(roads: Path, tmp_path: Path) -> None:
    adapted = tmp_path / "adapted"
    assert adapt("spectral-residual", "--dataset", "traffic100", "--root", roads, "-o", adapted).exit_code == 0
    result = adapt(adapted, "--dataset", "traffic100", "--root", roads, "-o", tmp_path / "again")
    assert result.exit_code == 1
    assert "was trained on 14 of the 14 pictures or videos of traffic100 train" in result.output
    assert not (tmp_path / "again").exists()


def test_where_nothing_helps_nothing_is_written(roads: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = looked_at(12, told=0)
    monkeypatch.setattr("salzoo.adapting.choosing.look", lambda adapted, videos: looked)
    out = tmp_path / "out"
    result = adapt("spectral-residual", "--dataset", "traffic100", "--root", roads, "-o", out)
    assert result.exit_code == 0, result.output
    assert "nothing is worth its cost here: use spectral-residual as it is" in result.output
    assert not out.exists()


def test_numbers_go_with_the_network_into_a_checkpoint(tmp_path: Path) -> None:
    model = behind(random_model(SMALL), 2, features=True)
    assert isinstance(model.backbone, Adapted)
    numbers = model.backbone.numbers
    numbers.load_state_dict(fit_readout(looked_at(12, told=1), 2).state_dict(), strict=False)
    assert numbers.leaning is not None
    numbers.leaning.data.normal_(generator=torch.Generator().manual_seed(0))
    model.save_pretrained(str(tmp_path / "saved"))
    again = salzoo.load_model(str(tmp_path / "saved"))
    assert again.preprocessing == model.preprocessing
    clip = torch.randn(1, 1, 3, 192, 128)
    with torch.no_grad():
        assert torch.equal(model(clip)[0], again(clip)[0])
