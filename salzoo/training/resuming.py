"""The saved state of a run, from which it goes on exactly: weights, optimisers, temporal state, random numbers, place.

A state is a folder ``resume/step-00000500`` in the run folder: ``model.safetensors`` (the weights of the checkpoint at
that moment: the same file under a second name), ``training.safetensors`` (what all ranks share besides),
``rank-0.safetensors`` and so on (what each has for itself) and ``progress.json``, with a checksum of each. It is
there whole or not at all; the one before is removed afterwards.
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

from salzoo.hub.checkpoint import WEIGHTS, load_checkpoint
from salzoo.interfaces import SalzooError, State, Video
from salzoo.interfaces.dataset import digest_of
from salzoo.interfaces.errors import one_line
from salzoo.runtime.files import complete_or_absent, parse_json, read_json
from salzoo.runtime.ranks import gather, on_first_rank
from salzoo.training.recipe import LENGTH
from salzoo.training.schedules import Plateau
from salzoo.training.state import Progress, Training, read_progress

FORMAT_VERSION = 2
FOLDER, SHARED, PROGRESS = "resume", "training.safetensors", "progress.json"


def save_state(training: Training, run: Path) -> None:
    """Save the state of a run in its folder, whose checkpoint must hold the weights of this moment; all ranks call it.

    Raises SalzooError naming the last whole state where it cannot be written.
    """
    owned = gather([_own_tensors(training)])
    folder = run / FOLDER / f"step-{training.progress.step:08d}"

    def write() -> None:
        try:
            folder.parent.mkdir(exist_ok=True)
            with complete_or_absent(folder) as temporary:
                temporary.mkdir()
                _link(run / WEIGHTS, temporary / WEIGHTS)
                _write(temporary / SHARED, _shared_tensors(training), {})
                for number, (own, structure) in enumerate(owned):
                    _write(temporary / f"rank-{number}.safetensors", own, {"states": json.dumps(structure)})
                record = _describe(training)
                record["sha256"] = {path.name: _file_digest(path) for path in sorted(temporary.iterdir())}
                record["digest"] = _digest(record)
                (temporary / PROGRESS).write_text(json.dumps(record, indent=2), encoding="utf-8")
                shutil.rmtree(folder, ignore_errors=True)
            for old in _states(run)[:-1]:
                shutil.rmtree(old)
        except (OSError, SafetensorError, SalzooError) as error:
            last = f"the last whole one is {whole}" if (whole := last_state(run)) else "there is none yet"
            raise SalzooError(f"cannot save the state of the run: {one_line(error)}; {last}") from error

    on_first_rank(training.rank, write)


def load_state(training: Training, run: Path) -> None:
    """Put a run, freshly begun, where its last saved state stands.

    Raises:
        SalzooError: no saved state, a damaged one, or one of another model, other data or another number of ranks.
    """
    saved = _states(run)
    if not saved:
        raise SalzooError(f"{run} has no saved state to resume from ({run / FOLDER} holds none)")
    folder = saved[-1]
    before = f"; remove that folder to go on from {saved[-2].name}" if len(saved) > 1 else ""
    own_file = f"rank-{training.rank.number}.safetensors"
    try:
        record = read_json(folder / PROGRESS)
        _check_identity(folder, record, _describe(training))
        stated = record.pop("digest", None)
        if stated != _digest(record):
            raise SalzooError(f"{folder / PROGRESS} is damaged: it does not have its checksum{before}")
        for name in (WEIGHTS, SHARED, own_file):
            if _file_digest(folder / name) != record["sha256"][name]:
                raise SalzooError(f"{folder / name} is damaged: it does not have its checksum{before}")
        shared = _read(folder / SHARED)[0]
        weights = {f"{_checkpointed(training)}.{name}": tensor for name, tensor in _read(folder / WEIGHTS)[0].items()}
        own, metadata = _read(folder / own_file)
        _load_networks(training, shared | weights)
        training.progress = read_progress(record["progress"])
        training.plateau = Plateau(**record["plateau"])
        structure = parse_json(metadata["states"])
        device = training.model.device
        training.states = [_pack(each, {name: tensor.to(device) for name, tensor in own.items()}) for each in structure]
        torch.set_rng_state(own["rng"])
        if device.type == "cuda" and "rng.cuda" in own:
            torch.cuda.set_rng_state(own["rng.cuda"], device)
    except SalzooError:
        raise
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, RuntimeError, AttributeError) as error:
        raise SalzooError(f"the saved state {folder} cannot be read: {one_line(error)}{before}") from error


def continue_from_checkpoint(training: Training, run: Path, progress: Progress) -> None:
    """Put a run, freshly begun, behind the end of a finished one that kept its checkpoint alone: with its weights and
    its place in the data; optimisers begin anew."""
    weights = load_checkpoint(run).state_dict()
    training.model.load_state_dict(weights)
    if training.averaged is not None:
        training.averaged.load_state_dict(weights)
    training.progress = dataclasses.replace(progress, taken=[list(each) for each in progress.taken])
    torch.manual_seed(training.recipe.seed + training.rank.number + progress.step)


def last_state(run: Path) -> Path | None:
    """The folder of a run's last saved state, None where there is none."""
    return next(reversed(_states(run)), None)


_IDENTITY = {
    "format_version": "format",
    "spec": "model",
    "data": "data (name, videos, frames, digest)",
    "ranks": "as many ranks as",
}


def _check_identity(folder: Path, record: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Raise SalzooError where a state is not one of this run."""
    for key, what in _IDENTITY.items():
        if key == "data" and record[key] != wanted[key] and _counts(record[key]) == _counts(wanted[key]):
            raise SalzooError(
                f"{folder} was saved with other data: as many videos and frames, of which gaze, pictures or names have "
                "changed since; train anew, or put them back"
            )
        if record[key] != wanted[key]:
            raise SalzooError(f"{folder} was saved with {what} {record[key]}; now it is {wanted[key]}")
    for key, value in wanted["recipe"].items():
        if key not in LENGTH and record["recipe"][key] != value:
            raise SalzooError(f"{folder} was saved with {key} {record['recipe'][key]}; now it is {value}")


def _counts(data: list[list[Any]]) -> list[list[Any]]:
    """Fingerprints without their digests."""
    return [each[:-1] for each in data]


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
    """Number of videos and frames, and a digest of their names and lengths, and of what they hold where they tell."""
    listed = "\n".join(" ".join([video.id, str(video.frames), *digest_of(video)]) for video in videos)
    return [len(videos), sum(video.frames for video in videos), hashlib.sha256(listed.encode()).hexdigest()[:16]]


def _networks(training: Training) -> dict[str, nn.Module]:
    networks = {"model": training.model, "averaged": training.averaged, "discriminator": training.discriminator}
    return {name: network for name, network in networks.items() if network is not None}


def _optimizers(training: Training) -> dict[str, torch.optim.Optimizer]:
    optimizers = {"optimizer": training.optimizer, "discriminator_optimizer": training.discriminator_optimizer}
    return {name: optimizer for name, optimizer in optimizers.items() if optimizer is not None}


def _checkpointed(training: Training) -> str:
    """Which of the networks it is whose weights the checkpoint holds."""
    return "model" if training.averaged is None else "averaged"


def _shared_tensors(training: Training) -> dict[str, Tensor]:
    tensors = {"step": torch.tensor(training.progress.step)}  # safetensors cannot read a file without a tensor
    tensors |= {
        f"{name}.{key}": tensor
        for name, network in _networks(training).items()
        if name != _checkpointed(training)
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
        _lay_out(optimizer)


def _lay_out(optimizer: torch.optim.Optimizer) -> None:
    """Give the optimiser's tensors the layout in memory of their parameters: a fused step takes it for granted."""
    for parameter, values in optimizer.state.items():
        for key, value in values.items():
            if value.shape == parameter.shape and value.dim() > 1:
                values[key] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)


def _own_tensors(training: Training) -> tuple[dict[str, Tensor], list[Any]]:
    """Random numbers and temporal state of this rank, and how its tensors nest: their names in lists."""
    tensors = {"rng": torch.get_rng_state()}
    if training.model.device.type == "cuda":
        tensors["rng.cuda"] = torch.cuda.get_rng_state(training.model.device)

    def unpack(state: State, name: str) -> Any:
        if state is None:
            return None
        if isinstance(state, Tensor):
            tensors[name] = state.detach().cpu()
            return name
        return [unpack(item, f"{name}.{index}") for index, item in enumerate(state)]

    return tensors, [unpack(state, f"state.{index}") for index, state in enumerate(training.states)]


def _pack(structure: Any, tensors: dict[str, Tensor]) -> State:
    if structure is None or isinstance(structure, str):
        return structure and tensors[structure]
    return tuple(_pack(item, tensors) for item in structure)


def _link(file: Path, name: Path) -> None:
    """Give a file that is replaced and never changed a second name; a copy where the file system has no such names."""
    try:
        os.link(file, name)
    except OSError:
        shutil.copyfile(file, name)


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest(record: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def _write(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    # Copies, because safetensors refuses views and tensors that share memory.
    save_file(
        {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in tensors.items()}, path, metadata
    )


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
