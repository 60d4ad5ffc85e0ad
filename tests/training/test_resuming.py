"""A run that is interrupted and resumed is the run that was not."""

import csv
import hashlib
import json
import math
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import salzoo
from salzoo.datasets.synthetic import make_synthetic, open_synthetic
from salzoo.hub.checkpoint import save_checkpoint
from salzoo.interfaces import SalzooError
from salzoo.model import create_model
from salzoo.runtime.locking import locked
from salzoo.spec import parse_spec
from salzoo.training.clips import ALONE
from salzoo.training.experiment import Experiment
from salzoo.training.folder import RunFolder
from salzoo.training.loop import Step, train_steps
from salzoo.training.recipe import Recipe, load_recipe, override
from salzoo.training.resuming import load_state, save_state
from salzoo.training.session import Session
from salzoo.training.starting import resume
from salzoo.training.state import Progress, Training, begin_training

CHECKPOINT = ("model.safetensors", "config.json", "README.md")
PICTURES = ("pictures/0601.png", "pictures/curves.png")
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


def save(training: Training, run: Path) -> None:
    """A checkpoint and the state, as a run saves both."""
    save_checkpoint(training.outcome, run, "# A run\n")
    save_state(training, run)


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
        save(part, tmp_path)
    assert seen == losses
    ours, theirs = weights(part), weights(whole)
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)
    [state] = (tmp_path / "resume").iterdir()
    assert (state / "model.safetensors").samefile(tmp_path / "model.safetensors")


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
    recipe = {"epochs": 1, "frames": 60, "size": (16, 16), "save_every": 5}
    salzoo.train(SPEC, "synthetic", root=small_data, out=out, session=Session(keep_state=True, score=False), **recipe)  # type: ignore[arg-type]
    change("finished", None)(out)
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


def state_of(run: Path) -> Path:
    return max((run / "resume").iterdir())


def progress(key: str, value: object, *, seal: bool = False) -> Callable[[Path], None]:
    """Change a number in the saved progress; with a seal, its checksum too."""

    def edit(run: Path) -> None:
        path = state_of(run) / "progress.json"
        record = json.loads(path.read_text())
        record["progress"][key] = value
        if seal:
            del record["digest"]
            record["digest"] = hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()
        path.write_text(json.dumps(record))

    return edit


def flip(name: str) -> Callable[[Path], None]:
    def edit(run: Path) -> None:
        path = state_of(run) / name
        data = bytearray(path.read_bytes())
        data[-9] ^= 1
        path.unlink()
        path.write_bytes(data)

    return edit


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda run: shutil.rmtree(run / "resume"), "has no saved state"),
        (lambda run: (run / "training.json").unlink(), "is no run folder"),
        (lambda run: (run / "training.json").write_text("{"), "training.json is damaged"),
        (lambda run: (run / "training.json").write_text("{}"), "training.json is damaged"),
        (lambda run: (run / "training.json").write_text("[" * 100_000), "training.json is damaged"),
        (lambda run: (run / "training.json").write_bytes(b"\xff\x00"), "training.json is damaged"),
        (change("datasets", [{"name": "synthetic", "root": 5}]), "training.json is damaged"),
        (change("datasets", 3), "training.json is damaged"),
        (change("recipe", None), "training.json is damaged"),
        (change("recipe", {**load_recipe("salema").__dict__, "epochs": -(10**400)}), "training.json is damaged"),
        (change("finished", {"step": "x"}), "training.json is damaged"),
        (lambda run: cut(state_of(run) / "training.safetensors"), "training.safetensors is damaged"),
        (flip("training.safetensors"), "training.safetensors is damaged: it does not have its checksum"),
        (flip("model.safetensors"), "model.safetensors is damaged: it does not have its checksum"),
        (flip("rank-0.safetensors"), "rank-0.safetensors is damaged: it does not have its checksum"),
        (lambda run: cut(state_of(run) / "progress.json"), "cannot be read"),
        (lambda run: (state_of(run) / "rank-0.safetensors").unlink(), "cannot be read"),
        (progress("frames", math.nan), "progress.json is damaged: it does not have its checksum"),
        (progress("frames", math.nan, seal=True), "frames cannot be nan"),
        (progress("step", -7, seal=True), "step cannot be -7"),
        (progress("taken", [[0, -1]], seal=True), "taken cannot be"),
        (change("spec", "salgan:width=0.05"), "was saved with model salgan:width=0.05.ema"),
        (change("recipe", {**load_recipe("salema").__dict__, "lr": "x"}), "lr must be a number"),
        (lambda run: (run / "metrics.csv").write_text("a,b\n1,2\n"), "metrics.csv is damaged: it has no column 'step'"),
        (lambda run: (run / ".lock").mkdir(), "cannot write folder"),
    ],
)  # fmt: skip
def test_what_cannot_be_resumed_says_why(
    half_way: Path, tmp_path: Path, damage: Callable[[Path], None], message: str
) -> None:
    shutil.copytree(half_way, tmp_path / "run")
    damage(tmp_path / "run")
    with pytest.raises(SalzooError, match=message) as caught:
        resume(tmp_path / "run")
    assert "Error" not in str(caught.value)


@pytest.mark.parametrize("name", ["metrics.csv", "scores.csv"])
@pytest.mark.parametrize(
    "damage", [lambda text: b"", lambda text: text + b"1,x,2\n\x00\xff\n1,1", lambda text: text[:-4]]
)
def test_a_damaged_log_does_not_keep_a_run_from_going_on(
    half_way: Path, tmp_path: Path, name: str, damage: Callable[[bytes], bytes]
) -> None:
    shutil.copytree(half_way, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "pictures")
    path = tmp_path / "run" / name
    path.write_bytes(damage(path.read_bytes() if path.exists() else b"epoch,step,nss\n1,1,0.5\n"))
    done = resume(tmp_path / "run", session=Session(score=False))
    assert not done.interrupted
    assert b"\xff" not in path.read_bytes()
    assert (tmp_path / "run" / "training.json").exists()


def test_a_run_that_was_killed_before_its_first_step_begins_anew(
    half_way: Path, small_data: Path, tmp_path: Path
) -> None:
    shutil.copytree(half_way, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "resume")
    (tmp_path / "run" / "metrics.csv").write_bytes(b"")
    resume(tmp_path / "run", session=Session(score=False))
    assert (tmp_path / "run" / "model.safetensors").read_bytes() == (half_way / "model.safetensors").read_bytes()


def test_what_a_killed_process_left_half_written_is_gone_when_the_run_goes_on(half_way: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(half_way, run)
    (run / "best").mkdir()
    left = [run / ".salzoo-0123abcd", run / "best" / ".salzoo-0123abce.png", run / "resume" / ".salzoo-0123abcf"]
    for path in left:
        path.mkdir()
        (path / "model.safetensors").write_bytes(b"half")
    resume(run, session=Session(score=False))
    assert not [path for path in left if path.exists()]


@pytest.mark.parametrize("recipe", [{"optimizer": "sgd", "momentum": 0.0}, {"optimizer": "adam"}])
def test_a_run_without_optimiser_state_goes_on(small_data: Path, tmp_path: Path, recipe: dict[str, object]) -> None:
    """Before the first step no optimiser has a state, and plain SGD never has one."""
    settled = override(
        load_recipe("salema"), {"init": "random", "size": (16, 16), "precision": "float32", "epochs": 1, **recipe}
    )
    for steps in (0, 3):
        training = begin(small_data, settled)
        for step in train_steps(training, lambda: training.progress.step >= steps):  # noqa: B023 - called in this turn
            assert step.step <= steps
        save(training, tmp_path)
        again = begin(small_data, settled)
        load_state(again, tmp_path)
        assert again.progress.step == steps
        assert all(torch.equal(weights(again)[key], tensor) for key, tensor in weights(training).items())


def test_a_process_killed_as_it_writes_leaves_nothing_for_long(tmp_path: Path) -> None:
    """SIGKILL after the files are written, before they take their place."""
    code = f"""
import os, pathlib, signal
from salzoo.hub.checkpoint import save_checkpoint
from salzoo.model import create_model
save_checkpoint(create_model("salgan:width=0.05"), {str(tmp_path / "run")!r}, "one")
pathlib.Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
save_checkpoint(create_model("salgan:width=0.05"), {str(tmp_path / "run")!r}, "two")
"""
    done = subprocess.run([sys.executable, "-c", code], env=environment(), check=False)
    assert done.returncode == -signal.SIGKILL
    [left] = (path for path in (tmp_path / "run").iterdir() if path.name not in CHECKPOINT)
    assert {path.name for path in left.iterdir()} == {"model.safetensors", "README.md"}
    assert (tmp_path / "run" / "README.md").read_text() == "one"
    os.utime(left, (time.time() - 100_000,) * 2)  # a day later
    model = salzoo.load_model(tmp_path / "run")
    save_checkpoint(model, tmp_path / "run", "three")
    assert {path.name for path in (tmp_path / "run").iterdir()} == set(CHECKPOINT)


def test_one_folder_is_not_trained_in_twice_at_once(half_way: Path) -> None:
    with (
        locked(half_way, ALONE, "is being trained"),
        pytest.raises(SalzooError, match="is being trained by another process"),
    ):
        resume(half_way)
    assert not (half_way / ".lock").exists()


def test_a_log_that_cannot_be_written_is_one_line(half_way: Path, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, Experiment(parse_spec(SPEC), (), load_recipe("salema")), [])
    (tmp_path / "metrics.csv").symlink_to("/dev/full")
    step = Step(1, 0.5, "generator", 1.0, 1e-3, math.nan, 1, 1, 0.1, 0.0, 0.0)
    with pytest.raises(SalzooError, match=r"cannot write .*metrics\.csv: No space left on device"):
        list(folder.follow(iter([step])))


def test_an_error_ends_the_threads_that_read_ahead(
    small_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise SalzooError("cannot save: No space left on device")

    before = set(threading.enumerate())
    monkeypatch.setattr("salzoo.training.folder.RunFolder.log_scores", full)
    monkeypatch.setattr("salzoo.training.folder._append", full)
    with pytest.raises(SalzooError, match=r"No space left on device; go on from step 0 with: salzoo train --resume"):
        salzoo.train(
            SPEC, "synthetic", root=small_data, out=tmp_path / "run", size=(16, 16), session=Session(score=False)
        )
    assert not {thread for thread in threading.enumerate() if thread not in before and thread.is_alive()}


def test_a_finished_run_keeps_the_checkpoint_alone_and_can_go_on(small_data: Path, tmp_path: Path) -> None:
    out, lines = tmp_path / "run", []
    spec, options = "salgan:width=0.05+ema@61", {"size": (16, 16), "score_frames": 1, "stills": 0.0}
    first = salzoo.train(spec, "synthetic", root=small_data, out=out, frames=30, **options)  # type: ignore[arg-type]
    names = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    assert names == {*CHECKPOINT, "training.json", "metrics.csv", "results.json", *PICTURES}
    results = (out / "results.json").read_bytes()

    again = resume(out, session=Session(report=lines.append))
    assert [result.mean for result in again.results] == [result.mean for result in first.results]
    assert (out / "results.json").read_bytes() == results
    assert "is finished, after" in lines[-1]

    with pytest.raises(SalzooError, match=r"is as long already: 0 epochs, 30 frames.*name more than that"):
        resume(out, frames=20)
    with pytest.raises(SalzooError, match="keeps its lr; --epochs and --minutes make it longer"):
        resume(out, lr=1.0)
    longer = resume(out, frames=60, session=Session(score=False, keep_state=True, report=lines.append))
    assert "its weights go on, with fresh optimisers" in " ".join(lines)
    rows = list(csv.DictReader((out / "metrics.csv").open()))
    assert [int(row["step"]) for row in rows] == list(range(1, longer.steps + 1))
    assert longer.steps == 2 * first.steps
    assert not (out / "results.json").exists()
    assert list((out / "resume").iterdir())


def test_a_run_that_kept_its_state_goes_on_exactly(small_data: Path, tmp_path: Path) -> None:
    options = {"root": small_data, "size": (16, 16), "schedule": "constant", "stills": 0.0}
    spec = "salgan:width=0.05+ema:learn=true@61"
    salzoo.train(
        spec, "synthetic", out=tmp_path / "part", frames=20, session=Session(score=False, keep_state=True), **options
    )  # type: ignore[arg-type]
    salzoo.train(spec, "synthetic", out=tmp_path / "all", frames=40, session=Session(score=False), **options)  # type: ignore[arg-type]
    resume(tmp_path / "part", frames=40, session=Session(score=False))
    ours, theirs = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("part", "all"))
    assert ours == theirs


@pytest.mark.parametrize("same", [True, False])
def test_a_best_checkpoint_that_is_the_last_is_not_kept_twice(tmp_path: Path, same: bool) -> None:
    torch.manual_seed(0)
    model = create_model("salgan:width=0.05")
    folder = RunFolder(tmp_path, Experiment(model.spec, (), load_recipe("salema")), [])
    folder.save(model, folder="best")
    folder.save(model if same else create_model("salgan:width=0.05"))
    folder.finish(Progress(taken=[]), keep_state=False)
    assert (tmp_path / "best").exists() != same


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
    save(training, tmp_path)
    before = {path.name: path.read_bytes() for path in (tmp_path / "resume" / "step-00000000").iterdir()}
    next(train_steps(training))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before["model.safetensors"]) + 5000, limits[1]))
    try:
        with pytest.raises(SalzooError, match=r"cannot save the state.*the last whole one is .*step-00000000"):
            save(training, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert [path.name for path in (tmp_path / "resume").iterdir()] == ["step-00000000"]
    assert {path.name: path.read_bytes() for path in (tmp_path / "resume" / "step-00000000").iterdir()} == before
