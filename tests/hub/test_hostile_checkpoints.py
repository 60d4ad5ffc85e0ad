"""Checkpoint folders made to do harm: each is refused with one line, at once, whatever its files are."""

import json
import os
import random
import re
import resource
import shutil
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from salzoo import SalzooError, create_model, load_model
from salzoo.hub.checkpoint import save_checkpoint, weights_hash
from salzoo.hub.conversion import convert_weights

SPEC = "salgan:width=0.02+ema@61"
CLASS_NAME = re.compile(r"\b[A-Z]\w*(Error|Exception)\b")


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sound") / "checkpoint"
    torch.manual_seed(0)
    save_checkpoint(create_model(SPEC), folder, "# A model\n")
    return folder


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "checkpoint"))


def refused(folder: Path) -> str:
    """The message of a folder that must be refused, without memory for what it claims."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(SalzooError) as caught:
        load_model(folder)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**20
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) <= 1000
    assert not CLASS_NAME.search(message)
    return message


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_what_is_no_regular_file(folder: Path, name: str) -> None:
    (folder / name).unlink()
    os.mkfifo(folder / name)
    assert "is not a regular file" in refused(folder)
    (folder / name).unlink()
    (folder / name).symlink_to("/dev/zero")
    assert "is not a regular file" in refused(folder)
    with pytest.raises(SalzooError, match="is not a"):
        weights_hash(folder) if name != "config.json" else load_model(folder)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_files_of_20_gigabytes(folder: Path, name: str) -> None:
    with (folder / name).open("r+b") as file:
        file.truncate(20 * 2**30)
    assert name in refused(folder)


@pytest.mark.parametrize("depth", [200, 990, 5000, 100_000])
@pytest.mark.parametrize("key", ["spec", "format_version", "preprocessing", "packages", "size", "unknown"])
def test_deep_nesting(folder: Path, key: str, depth: int) -> None:
    deep = "[" * depth + "]" * depth
    text = (folder / "config.json").read_text()
    record = json.loads(text)
    if key == "size":
        record["preprocessing"]["size"] = "DEEP"
    else:
        record[key] = "DEEP"
    if key == "packages":
        record["spec"] = "unknown-model"
    (folder / "config.json").write_text(json.dumps(record).replace('"DEEP"', deep))
    if key == "unknown" and depth < 900:
        load_model(folder)
    else:
        assert "config.json" in refused(folder)


def test_long_and_obeyed_texts(folder: Path) -> None:
    for spec in ("x" * 500_000, "\x1b]0;owned\x07", "salgan\u202e"):
        (folder / "config.json").write_text(json.dumps({"format_version": 1, "spec": spec, "preprocessing": {}}))
        assert "malformed spec" in refused(folder)
    (folder / "config.json").write_text(json.dumps({"format_version": int("9" * 4000)}))
    assert "is of format 999" in refused(folder)


def test_tensors_that_terminals_obey(folder: Path) -> None:
    state = create_model(SPEC).state_dict()
    save_file({**state, "\x1b]0;owned\x07": torch.zeros(1)}, folder / "model.safetensors", {"spec": SPEC})
    assert "has no tensor \\x1b]0;owned\\x07" in refused(folder)
    save_file(state, folder / "model.safetensors", {"spec": "\x1b]0;owned\x07\n"})
    assert "holds weights of \\x1b]0;owned\\x07" in refused(folder)


def test_tensors_too_many_or_too_large_are_not_read(folder: Path) -> None:
    """A file with a header that is in order, and 4 GB of a tensor that the model does not have."""
    state = create_model(SPEC).state_dict()
    save_file(state, folder / "model.safetensors", {"spec": SPEC})
    data = (folder / "model.safetensors").read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    end = len(data) - 8 - length
    header["huge"] = {"dtype": "F32", "shape": [2**30], "data_offsets": [end, end + 2**32]}
    text = json.dumps(header).encode()
    with (folder / "model.safetensors").open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text + data[8 + length :])
        file.truncate(8 + len(text) + end + 2**32)
    assert "has no tensor huge" in refused(folder)


def test_published_files_that_unpack_to_far_more(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.npz"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("arr_0.npy", "w") as member:
        for _ in range(64):
            member.write(bytes(2**20))
    with pytest.raises(SalzooError, match="would unpack to 67,108,864 bytes"):
        convert_weights(bomb, None)
    pipe = tmp_path / "pipe.pt"
    os.mkfifo(pipe)
    with pytest.raises(SalzooError, match="is not a regular file"):
        convert_weights(pipe, None)


def damaged(folder: Path, sound: Path, seed: int) -> None:
    """Damage one of the files of a checkpoint: cut it, change bytes or numbers in it, or put something else there."""
    rng = random.Random(seed)
    shutil.copytree(sound, folder, dirs_exist_ok=True)
    path = folder / rng.choice(["config.json", "config.json", "model.safetensors"])
    data = bytearray(path.read_bytes())
    head = len(data) if path.name == "config.json" else 4000
    match rng.randrange(4):
        case 0:
            del data[rng.randrange(head) :]
        case 1:
            for _ in range(rng.choice([1, 3, 30])):
                data[rng.randrange(head)] = rng.randrange(256)
        case 2:
            digits = [index for index in range(head) if chr(data[index]).isdigit()]
            at = rng.choice(digits)
            others = [b"-1", b"9" * 30, b"9" * 5000, b"NaN", b"1e999", b"null", b"[" * 2000, b'"\\u001b"']
            data[at : at + 1] = rng.choice(others)
        case 3:
            start = rng.randrange(head)
            data[start : start + rng.randrange(200)] = rng.randbytes(rng.randrange(200))
    path.write_bytes(data)


def check_damaged(seed: int, sound: Path, folder: Path) -> bool:
    """Load a damaged checkpoint. Returns whether it was refused, which must take one line."""
    damaged(folder, sound, seed)
    try:
        load_model(folder)
    except SalzooError as error:
        message = str(error)
        assert not CLASS_NAME.search(message), (seed, message)
        assert message.isprintable(), (seed, message)
        assert len(message) <= 1000
        return True
    return False


def test_damaged_checkpoints(sound: Path, tmp_path: Path) -> None:
    assert sum(check_damaged(seed, sound, tmp_path / "damaged") for seed in range(40)) > 20


@pytest.mark.slow
def test_500_damaged_checkpoints(sound: Path, tmp_path: Path) -> None:
    refusals = sum(check_damaged(seed, sound, tmp_path / "damaged") for seed in range(500))
    print(f"{refusals} of 500 damaged checkpoints refused, each with one line")
    assert refusals > 300
