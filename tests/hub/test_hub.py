"""Pulling from and pushing to a Hub, with the real client and a small server."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from huggingface_hub import ModelCard

import salzoo
from salzoo.hub.checkpoint import save_checkpoint

sys.path.insert(0, str(Path(__file__).parent))
from hub_server import Hub, serve

SPEC = "salgan:width=0.05+ema@61"
CARD = (
    "---\nlibrary_name: salzoo\n---\n\n# A model\n\nWith this folder as `FOLDER`:\n\n    salzoo predict FOLDER x.mp4\n"
)


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serve() as hub:
        yield hub


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder: a checkpoint with results and a saved state."""
    folder = tmp_path_factory.mktemp("models") / "run"
    torch.manual_seed(0)
    save_checkpoint(salzoo.create_model(SPEC), folder, CARD)
    record = {
        "model": SPEC,
        "dataset": "synthetic",
        "split": "val",
        "protocol": "dhf1k",
        "mean": {"nss": 1.5, "ig": None},
        "frames": 8,
        "per_video": {"a": {"nss": 1.0, "ig": None}, "b": {"nss": 2.0, "ig": None}},
        "note": "not human gaze",
        "trained_on": {"seen": 1, "of": 2, "words": "trained on 1 of these 2 videos: not a test"},
    }
    (folder / "results.json").write_text(json.dumps({"results": [record, {**record, "model": "center-bias"}]}))
    (folder / "resume").mkdir()
    (folder / "resume" / "state.bin").write_bytes(b"state")
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in ("model.safetensors", "config.json", "README.md")}


def call(
    hub: Hub,
    home: Path,
    *arguments: str,
    token: str = "secret",
    status: int = 0,
    program: tuple[str, ...] = ("-m", "salzoo"),
    **more: str,
) -> str:
    """Run salzoo in a process of its own with a cache of its own; its output, or its one line of error."""
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("HF_")},
        "PYTHONPATH": str(Path(salzoo.__file__).parents[1]),
        "HF_ENDPOINT": hub.endpoint,
        "HF_HOME": str(home),
        "HF_TOKEN": token,
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "NO_PROXY": "127.0.0.1",
        "OMP_NUM_THREADS": "1",
        **more,
    }
    command = [sys.executable, *program, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == status, done.stderr
    if status:
        lines = [line for line in done.stderr.splitlines() if line.startswith("salzoo: ")]
        assert len(lines) == 1
        assert "Traceback" not in done.stderr
        return lines[0]
    return done.stdout


def cached(home: Path) -> list[str]:
    """Names of the files of models in a cache, broken links among them."""
    return sorted(path.name for path in home.rglob("snapshots/*/*"))


@pytest.mark.slow
def test_what_was_pushed_is_pulled_and_gives_the_same_maps(hub: Hub, folder: Path, tmp_path: Path) -> None:
    shown = call(hub, tmp_path / "a", "push", str(folder), "lab/model", "--dry-run")
    assert "nothing was put on the Hub" in shown
    assert "salzoo predict lab/model x.mp4" in shown
    assert not hub.repos
    call(hub, tmp_path / "a", "push", str(folder), "lab/model")
    [(commit, held)] = hub.repos["lab/model"]
    assert set(held) == {"model.safetensors", "config.json", "README.md"}
    card = held["README.md"].decode()
    assert "model-index" in card
    assert "value: 1.5" in card
    (score,) = ModelCard(card).data.eval_results
    of = {
        "videos": 2,
        "frames": 8,
        "note": "not human gaze",
        "trained_on": "trained on 1 of these 2 videos: not a test",
    }
    assert score.metric_args == {"protocol": "dhf1k", "status": "measured with salzoo", **of}
    assert "center-bias" not in card

    pulled = json.loads(call(hub, tmp_path / "b", "pull", "lab/model", "--json", token=""))
    assert pulled["commit"] == commit
    assert Path(pulled["folder"]).is_relative_to(tmp_path / "b")
    ours, theirs = salzoo.load_model(folder), salzoo.load_model(pulled["folder"])
    clip = torch.randn(1, 2, 3, 32, 32)
    assert torch.equal(ours(clip)[0], theirs(clip)[0])

    cv2.imwrite(str(tmp_path / "frame.png"), np.eye(60, dtype=np.uint8) * 255)
    wanted = ["predict", "lab/model", str(tmp_path / "frame.png"), "-o", str(tmp_path / "map.png")]
    call(hub, tmp_path / "b", *wanted, HF_HUB_OFFLINE="1")
    assert (tmp_path / "map.png").exists()
    error = call(hub, tmp_path / "c", "pull", "lab/model", status=1, HF_HUB_OFFLINE="1")
    assert "lab/model (config.json) is not in the cache, and offline mode is on" in error


@pytest.mark.slow
def test_revisions_are_pinned(hub: Hub, folder: Path, tmp_path: Path) -> None:
    first = hub.commit("lab/model", files(folder))
    torch.manual_seed(1)
    save_checkpoint(salzoo.create_model("salgan:width=0.05"), tmp_path / "other", CARD)
    second = hub.commit("lab/model", files(tmp_path / "other"))
    for name, commit in ((f"lab/model@{first}", first), ("lab/model", second), ("lab/model@main", second)):
        assert json.loads(call(hub, tmp_path / "home", "pull", name, "--json"))["commit"] == commit
    error = call(hub, tmp_path / "home", "pull", "lab/model@v9", status=1)
    assert error == "salzoo: lab/model@v9 (config.json): the repository has no such revision"


def test_an_interrupted_download_is_resumed(hub: Hub, tmp_path: Path) -> None:
    save_checkpoint(salzoo.create_model("salgan:width=0.4"), tmp_path / "large", CARD)
    hub.commit("lab/model", files(tmp_path / "large"))
    hub.cut, hub.cuts = 12_000_000, 1  # the client keeps what it has in pieces of 10 MiB
    call(hub, tmp_path / "home", "pull", "lab/model")
    assert hub.ranges[0].startswith("bytes=10485760-")


def test_a_repository_with_more_than_a_model_is_harmless(hub: Hub, folder: Path, tmp_path: Path) -> None:
    hub.commit("lab/model", {**files(folder), "pytorch_model.bin": b"\x80\x04", "../x": b"out", "code.py": b"raise"})
    call(hub, tmp_path, "pull", "lab/model")
    assert cached(tmp_path) == ["README.md", "config.json", "model.safetensors"]
    assert not any(name in request for request in hub.requests for name in ("bin", "../x", "code.py"))


def bad_header(held: dict[str, bytes]) -> None:
    held["model.safetensors"] = (10**12).to_bytes(8, "little") + held["model.safetensors"][8:]


def newer(held: dict[str, bytes]) -> None:
    held["config.json"] = json.dumps({**json.loads(held["config.json"]), "format_version": 99}).encode()


def broken_card(held: dict[str, bytes]) -> None:
    held["README.md"] = b"---\nlibrary_name: [salzoo\n---\n# x\n"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (bad_header, "model.safetensors"),
        (newer, "is of format 99; this salzoo reads up to 1"),
        (broken_card, "front matter cannot be read"),
        (lambda held: held.pop("model.safetensors"), "has no model.safetensors, so it is no salzoo checkpoint"),
        (lambda held: held.pop("config.json"), "has no config.json, so it is no salzoo checkpoint"),
    ],
)
def test_what_is_no_whole_checkpoint_leaves_nothing_in_the_cache(
    hub: Hub, folder: Path, tmp_path: Path, damage, message: str
) -> None:
    held = files(folder)
    damage(held)
    hub.commit("lab/model", held)
    error = call(hub, tmp_path, "pull", "lab/model", status=1)
    assert message in error
    assert "model.safetensors" not in cached(tmp_path)
    blobs = [path for path in tmp_path.rglob("blobs/*") if path.stat().st_size > 10_000]
    assert not blobs


def test_a_checksum_that_differs_is_found(hub: Hub, folder: Path, tmp_path: Path) -> None:
    hub.commit("lab/model", files(folder))
    hub.lie["model.safetensors"] = "ab" * 32
    error = call(hub, tmp_path, "pull", "lab/model", status=1)
    assert "not abababab" in error
    assert cached(tmp_path) == []


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"closed": True}, "has no such model, or it is private: check the name, or log in"),
        ({"repos": {}}, "has no such model, or it is private"),
        ({"fail": 403}, "answered 403: log in"),
        pytest.param(
            {"fail": 500}, "500|cannot be reached", marks=pytest.mark.slow
        ),  # the client tries again, for 20 s
        pytest.param({"cut": 10, "cuts": 999}, "failed|cannot be reached", marks=pytest.mark.slow),  # so it does here
    ],
)
def test_faults_of_the_server_are_one_line(
    hub: Hub, folder: Path, tmp_path: Path, fault: dict[str, object], message: str
) -> None:
    hub.commit("lab/model", files(folder))
    for name, value in fault.items():
        setattr(hub, name, value)
    error = call(hub, tmp_path, "pull", "lab/model", status=1, token="")
    assert any(part in error for part in message.split("|")), error
    assert "model.safetensors" not in cached(tmp_path)


@pytest.mark.slow
def test_another_model_is_not_overwritten(hub: Hub, folder: Path, tmp_path: Path) -> None:
    save_checkpoint(salzoo.create_model("salgan:width=0.05"), tmp_path / "other", CARD)
    hub.commit("lab/model", files(tmp_path / "other"))
    error = call(hub, tmp_path / "home", "push", str(folder), "lab/model", status=1)
    assert "lab/model holds another model, salgan:width=0.05" in error
    hub.commit("lab/data", {"train.csv": b"1,2"})
    assert "holds other files (train.csv)" in call(hub, tmp_path / "home", "push", str(folder), "lab/data", status=1)
    call(hub, tmp_path / "home", "push", str(folder), "lab/model", "--overwrite")
    assert len(hub.repos["lab/model"]) == 2
    call(hub, tmp_path / "home", "push", str(folder), "lab/model")
    error = call(hub, tmp_path / "home", "push", str(folder), "lab/model", token="wrong", status=1)
    assert "log in" in error


def test_the_ways_of_the_ecosystem(hub: Hub, folder: Path, tmp_path: Path) -> None:
    model = salzoo.SaliencyModel.from_pretrained(str(folder))
    model.save_pretrained(str(tmp_path / "copy"))
    copy = salzoo.SaliencyModel.from_pretrained(str(tmp_path / "copy"))
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(model.parameters(), copy.parameters(), strict=True))
    code = (
        "import salzoo, sys; model = salzoo.SaliencyModel.from_pretrained(sys.argv[1]); "
        "print(model.push_to_hub('lab/model')); print(salzoo.SaliencyModel.from_pretrained('lab/model').spec)"
    )
    printed = call(hub, tmp_path / "home", code, str(folder), program=("-c",)).splitlines()
    assert printed == [f"{hub.endpoint}/lab/model/commit/{hub.repos['lab/model'][0][0]}", SPEC]


def test_models_are_listed_with_scores_and_weights(hub: Hub, folder: Path, tmp_path: Path) -> None:
    config = {"SALZOO_CONFIG": str(tmp_path / "config.json")}
    listed = call(hub, tmp_path, "list", "models", "salema*", **config)
    assert "nss 2.394" in listed
    assert listed.count("weights not published") == 4
    hub.commit("lab/salema61", files(folder))
    call(hub, tmp_path, "config", "set", "hub.namespace", "lab", **config)
    assert "weights on the Hub: salzoo pull salema61" in call(hub, tmp_path, "list", "models", **config)
    call(hub, tmp_path, "pull", "salema61", **config)
    assert f"weights at hand: {tmp_path}" in call(hub, tmp_path, "list", "models", **config)


@pytest.mark.slow
def test_a_lab_has_models_of_its_own(hub: Hub, folder: Path, tmp_path: Path) -> None:
    hub.commit("lab/salema61", files(folder))
    config = {"SALZOO_CONFIG": str(tmp_path / "config.json")}
    assert "not published for salzoo" in call(hub, tmp_path, "pull", "salema61", status=1, **config)
    call(hub, tmp_path, "config", "set", "hub.namespace", "lab", **config)
    pulled = json.loads(call(hub, tmp_path, "pull", "salema61", "--json", **config))
    assert pulled["repo_id"] == "lab/salema61"
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "salema61").symlink_to(folder)
    picture = tmp_path / "picture.png"
    cv2.imwrite(str(picture), np.eye(60, dtype=np.uint8) * 255)
    own = {"SALZOO_MODELS": str(tmp_path / "models"), "HF_HUB_OFFLINE": "1", **config}
    call(hub, tmp_path / "none", "predict", "salema61", str(picture), "-o", str(tmp_path / "map.png"), **own)
    assert (tmp_path / "map.png").exists()
