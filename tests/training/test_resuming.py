"""A run that is interrupted and resumed is the run that was not."""

import csv
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import salzoo
from salzoo.datasets.synthetic import make_synthetic, open_synthetic
from salzoo.interfaces import SalzooError
from salzoo.model import create_model
from salzoo.training.loop import train_steps
from salzoo.training.recipe import Recipe, load_recipe, override
from salzoo.training.resuming import load_state, save_state
from salzoo.training.runs import resume
from salzoo.training.state import Training, begin_training

SPEC = "salgan:width=0.05+ema:dropout=0.5,learn=true@61+convlstm@bottleneck"

RECIPES = {
    "stills, clips, augmentation": (
        "synthetic",
        {"epochs": 1, "minutes": 0, "size": (16, 16), "flip": 0.5, "zoom": 1.5},
    ),
    "averaged, batches of clips": ("modern", {"epochs": 2, "batch": 2, "size": (16, 16), "warm_up": 5}),
    "adversarial": ("salgan-adversarial", {"epochs": 2, "still_batch": 4, "size": (16, 16), "freeze": ()}),
    "plateau, accumulated": ("videosalgan", {"epochs": 2, "accumulate": 2, "size": (16, 16), "freeze": ()}),
}


def begin(data: Path, recipe: Recipe) -> Training:
    torch.manual_seed(0)
    model = create_model(SPEC)
    object.__setattr__(model.preprocessing, "size", recipe.size)
    torch.manual_seed(recipe.seed)
    return begin_training(model, {"synthetic": open_synthetic(data).split("train")}, recipe)


def weights(training: Training) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in training.outcome.state_dict().items()}


@pytest.mark.parametrize("name", RECIPES)
def test_a_resumed_run_ends_with_the_same_bits(tiny_data: Path, tmp_path: Path, name: str) -> None:
    shipped, changes = RECIPES[name]
    recipe = override(load_recipe(shipped), {"init": "random", "precision": "float32", **changes})
    whole = begin(tiny_data, recipe)
    losses = [(step.step, step.loss) for step in train_steps(whole)]
    assert len(losses) > 10

    seen = []
    for stop in (3, len(losses) // 2, len(losses) - 1, len(losses)):
        part = begin(tiny_data, recipe)
        if stop > 3:
            load_state(part, tmp_path)
        for step in train_steps(part, lambda part=part, stop=stop: part.progress.step >= stop):
            seen.append((step.step, step.loss))
        save_state(part, tmp_path)
    assert seen == losses
    ours, theirs = weights(part), weights(whole)
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)
    assert len(list((tmp_path / "resume").iterdir())) == recipe.keep


def command(data: Path, out: Path, *more: str) -> list[str]:
    start = [sys.executable, "-m", "salzoo", "train"]
    if (out / "resume").exists() and any((out / "resume").glob("step-*")):
        return [*start, "--resume", str(out)]
    shutil.rmtree(out, ignore_errors=True)
    names = [SPEC, "--dataset", "synthetic", "--root", str(data), "-o", str(out), "--set", "save_every=3"]
    return [*start, *names, "--epochs", "2", "--size", "16x16", "--precision", "float32", *more]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(salzoo.__file__).parents[1]), "OMP_NUM_THREADS": "1"}


def run_to_the_end(data: Path, out: Path) -> None:
    done = subprocess.run(command(data, out), env=environment(), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


def kill_and_resume(data: Path, tmp_path: Path, kills: int) -> None:
    run_to_the_end(data, tmp_path / "whole")
    rng = random.Random(0)
    out = tmp_path / "killed"
    killed = 0
    while killed < kills:
        with subprocess.Popen(command(data, out), env=environment(), stdout=subprocess.DEVNULL) as process:
            before = steps(out)
            while process.poll() is None and steps(out) <= before:
                time.sleep(0.01)
            time.sleep(rng.uniform(0, 0.3))
            if process.poll() is not None:
                break  # it was quicker
            process.send_signal(signal.SIGKILL)
        killed += 1
    run_to_the_end(data, out)
    for name in ("model.safetensors", "scores.csv"):
        if (tmp_path / "whole" / name).exists():
            assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    kept, whole = (list(csv.DictReader((folder / "metrics.csv").open())) for folder in (out, tmp_path / "whole"))
    assert [(row["step"], row["loss"]) for row in kept] == [(row["step"], row["loss"]) for row in whole]
    assert killed >= kills // 2


def steps(out: Path) -> int:
    try:
        return len((out / "metrics.csv").read_text().splitlines())
    except FileNotFoundError:
        return 0


@pytest.fixture(scope="module")
def small_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small") / "synthetic"
    make_synthetic(folder, videos=4, seed=1, processes=1)
    return folder


@pytest.mark.slow
def test_a_run_survives_being_killed(small_data: Path, tmp_path: Path) -> None:
    kill_and_resume(small_data, tmp_path, kills=2)


@pytest.mark.slow
def test_a_run_survives_being_killed_twenty_times(tmp_path: Path) -> None:
    make_synthetic(tmp_path / "synthetic", videos=12, seed=1, processes=1)
    kill_and_resume(tmp_path / "synthetic", tmp_path, kills=20)


@pytest.fixture(scope="module")
def half_way(small_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with saved states."""
    out = tmp_path_factory.mktemp("runs") / "run"
    recipe = {"epochs": 1, "size": (16, 16), "save_every": 5}
    salzoo.train(SPEC, "synthetic", root=small_data, out=out, **recipe)  # type: ignore[arg-type]
    return out


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def change(key: str, value: object) -> Callable[[Path], None]:
    def edit(run: Path) -> None:
        path = run / "training.json"
        record = json.loads(path.read_text())
        record.update({key: value})
        path.write_text(json.dumps(record))

    return edit


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda run: shutil.rmtree(run / "resume"), "has no saved state"),
        (lambda run: (run / "training.json").unlink(), "is no run folder"),
        (lambda run: (run / "training.json").write_text("{"), "training.json cannot be read"),
        (lambda run: (run / "training.json").write_text("{}"), "training.json cannot be read"),
        (lambda run: cut(max((run / "resume").iterdir()) / "training.safetensors"), "remove that folder to go on"),
        (lambda run: cut(max((run / "resume").iterdir()) / "progress.json"), "cannot be read"),
        (lambda run: (max((run / "resume").iterdir()) / "rank-0.safetensors").unlink(), "cannot be read"),
        (change("spec", "salgan:width=0.05"), "was saved with model salgan:width=0.05.ema"),
        (change("recipe", {**load_recipe("salema").__dict__, "lr": "x"}), "lr must be a number"),
    ],
)  # fmt: skip
def test_what_cannot_be_resumed_says_why(
    half_way: Path, tmp_path: Path, damage: Callable[[Path], None], message: str
) -> None:
    shutil.copytree(half_way, tmp_path / "run")
    damage(tmp_path / "run")
    with pytest.raises(SalzooError, match=message):
        resume(tmp_path / "run")


def test_another_model_or_other_data_is_refused(half_way: Path, tiny_data: Path, small_data: Path) -> None:
    with pytest.raises(SalzooError, match=r"is a run of salgan.*, not of salgan$"):
        resume(half_way, spec="salgan")
    with pytest.raises(SalzooError, match="was saved with data"):
        resume(half_way, root=tiny_data)
    again = resume(half_way, root=small_data)
    assert again.results
    assert not again.interrupted


def test_a_write_that_fails_leaves_the_last_state_whole(small_data: Path, tmp_path: Path) -> None:
    """A disk that is full, as a limit on the size of files: weights fit, with the optimiser's state they do not."""
    recipe = override(load_recipe("salema"), {"init": "random", "size": (16, 16), "precision": "float32"})
    training = begin(small_data, recipe)
    save_state(training, tmp_path)
    before = {path.name: path.read_bytes() for path in (tmp_path / "resume" / "step-00000000").iterdir()}
    next(train_steps(training))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before["training.safetensors"]) + 1000, limits[1]))
    try:
        with pytest.raises(SalzooError, match=r"cannot save the state.*the last whole one is .*step-00000000"):
            save_state(training, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert [path.name for path in (tmp_path / "resume").iterdir()] == ["step-00000000"]
    assert {path.name: path.read_bytes() for path in (tmp_path / "resume" / "step-00000000").iterdir()} == before
