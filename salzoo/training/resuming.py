"""The saved state of a run, from which it goes on exactly: weights, optimisers, temporal state, random numbers, place.

A state is a folder ``resume/step-00000500`` in the run folder: ``training.safetensors`` (what all ranks share),
``rank-0.safetensors`` and so on (what each has for itself) and ``progress.json``. It is written under another name and
renamed when whole; older ones are removed afterwards.
"""

import dataclasses
import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from salzoo.interfaces import SalzooError, State, Video
from salzoo.training.schedules import Plateau
from salzoo.training.state import Progress, Training, agree

FORMAT_VERSION = 1
FOLDER, SHARED, PROGRESS = "resume", "training.safetensors", "progress.json"


def save_state(training: Training, run: Path) -> None:
    """Save the state of a run in its folder; all ranks call it. Raises SalzooError naming the last whole state where it
    cannot be written."""
    rank, device = training.rank, training.model.device
    folder = run / FOLDER / f"step-{training.progress.step:08d}"
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    problem = ""
    try:
        if rank.first:
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(parents=True)
    except OSError as error:
        problem = str(error)
    failed, _ = agree(rank, device, bool(problem))
    if not failed:
        try:
            own, structure = _own_tensors(training)
            _write(unfinished / f"rank-{rank.number}.safetensors", own, {"states": json.dumps(structure)})
            if rank.first:
                _write(unfinished / SHARED, _shared_tensors(training), {})
                _write_json(unfinished / PROGRESS, _describe(training))
        except (OSError, SafetensorError) as error:
            problem = str(error)
        failed, _ = agree(rank, device, bool(problem))
    try:
        if rank.first and not failed:
            shutil.rmtree(folder, ignore_errors=True)
            unfinished.rename(folder)
            for old in _states(run)[: -training.recipe.keep]:
                shutil.rmtree(old)
    except OSError as error:
        problem, failed = str(error), True
    if failed:
        if rank.first:
            shutil.rmtree(unfinished, ignore_errors=True)
        whole = _states(run)
        last = f"the last whole one is {whole[-1]}" if whole else "there is none yet"
        raise SalzooError(f"cannot save the state of the run: {problem or 'another rank failed'}; {last}")


def load_state(training: Training, run: Path) -> None:
    """Put a run, freshly begun, where its last saved state stands.

    Raises:
        SalzooError: no saved state, a broken one, or one of another model, other data or another number of ranks.
    """
    saved = _states(run)
    if not saved:
        raise SalzooError(f"{run} has no saved state to resume from ({run / FOLDER} holds none)")
    folder = saved[-1]
    try:
        record = json.loads((folder / PROGRESS).read_text(encoding="utf-8"))
        wanted = _describe(training)
        for key, what in _IDENTITY.items():
            if record[key] != wanted[key]:
                raise SalzooError(f"{folder} was saved with {what} {record[key]}; now it is {wanted[key]}")
        shared = _read(folder / SHARED)[0]
        own, metadata = _read(folder / f"rank-{training.rank.number}.safetensors")
        _load_networks(training, shared)
        training.progress = Progress(**record["progress"])
        training.plateau = Plateau(**record["plateau"])
        structure = json.loads(metadata["states"])
        device = training.model.device
        training.states = [_pack(each, {name: tensor.to(device) for name, tensor in own.items()}) for each in structure]
        torch.set_rng_state(own["rng"])
        if device.type == "cuda" and "rng.cuda" in own:
            torch.cuda.set_rng_state(own["rng.cuda"], device)
    except SalzooError:
        raise
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, RuntimeError, AttributeError) as error:
        first = " ".join(str(error).split())
        before = f"; remove that folder to go on from {saved[-2].name}" if len(saved) > 1 else ""
        raise SalzooError(f"the saved state {folder} cannot be read: {first}{before}") from error


def last_state(run: Path) -> Path | None:
    """The folder of a run's last saved state, None where there is none."""
    return next(reversed(_states(run)), None)


_IDENTITY = {
    "format_version": "format",
    "spec": "model",
    "data": "data (name, videos, frames, digest)",
    "ranks": "as many ranks as",
    "recipe": "recipe",
}


def _states(run: Path) -> list[Path]:
    return sorted((run / FOLDER).glob("step-*"))


def _describe(training: Training) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "spec": str(training.model.spec),
        "data": [_fingerprint(videos) for videos in training.videos],
        "ranks": training.rank.size,
        # Through JSON, so that what was read compares equal.
        "recipe": json.loads(json.dumps(dataclasses.asdict(training.recipe))),
        "progress": dataclasses.asdict(training.progress),
        "plateau": dataclasses.asdict(training.plateau),
    }


def _fingerprint(videos: Sequence[Video]) -> list[Any]:
    """Number of videos and frames, and a digest of their names and lengths."""
    listed = "\n".join(f"{video.id} {video.frames}" for video in videos)
    return [len(videos), sum(video.frames for video in videos), hashlib.sha256(listed.encode()).hexdigest()[:16]]


def _networks(training: Training) -> dict[str, nn.Module]:
    networks = {"model": training.model, "averaged": training.averaged, "discriminator": training.discriminator}
    return {name: network for name, network in networks.items() if network is not None}


def _optimizers(training: Training) -> dict[str, torch.optim.Optimizer]:
    optimizers = {"optimizer": training.optimizer, "discriminator_optimizer": training.discriminator_optimizer}
    return {name: optimizer for name, optimizer in optimizers.items() if optimizer is not None}


def _shared_tensors(training: Training) -> dict[str, Tensor]:
    tensors = {
        f"{name}.{key}": tensor
        for name, network in _networks(training).items()
        for key, tensor in network.state_dict().items()
    }
    for name, optimizer in _optimizers(training).items():
        for index, values in optimizer.state_dict()["state"].items():
            tensors |= {f"{name}.{index}.{key}": value for key, value in values.items() if value is not None}
    return tensors


def _load_networks(training: Training, tensors: dict[str, Tensor]) -> None:
    def part(name: str) -> dict[str, Tensor]:
        return {key.removeprefix(f"{name}."): value for key, value in tensors.items() if key.startswith(f"{name}.")}

    for name, network in _networks(training).items():
        network.load_state_dict(part(name))
    for name, optimizer in _optimizers(training).items():
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in part(name).items():
            index, _, field = key.partition(".")
            state.setdefault(int(index), {})[field] = value
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def _own_tensors(training: Training) -> tuple[dict[str, Tensor], list[Any]]:
    """Random numbers and temporal state of this rank, and how its tensors nest: their names in lists."""
    tensors = {"rng": torch.get_rng_state()}
    if training.model.device.type == "cuda":
        tensors["rng.cuda"] = torch.cuda.get_rng_state(training.model.device)

    def unpack(state: State, name: str) -> Any:
        if state is None:
            return None
        if isinstance(state, Tensor):
            tensors[name] = state
            return name
        return [unpack(item, f"{name}.{index}") for index, item in enumerate(state)]

    return tensors, [unpack(state, f"state.{index}") for index, state in enumerate(training.states)]


def _pack(structure: Any, tensors: dict[str, Tensor]) -> State:
    if structure is None or isinstance(structure, str):
        return structure and tensors[structure]
    return tuple(_pack(item, tensors) for item in structure)


def _write(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    # Copies, because safetensors refuses views and tensors that share memory.
    copies = {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in tensors.items()}
    save_file(copies, path, metadata)
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _write_json(path: Path, record: dict[str, Any]) -> None:
    with path.open("w", encoding="utf-8") as file:
        json.dump(record, file, indent=2)
        file.flush()
        os.fsync(file.fileno())


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
