"""Checkpoint folders: ``model.safetensors``, ``config.json`` and ``README.md`` (the model card), on disk as on the Hub.

>>> import tempfile
>>> from salzoo.model import create_model
>>> with tempfile.TemporaryDirectory() as folder:
...     save_checkpoint(create_model("salgan:width=0.05+ema@61"), folder, "# My model\\n")
...     str(load_checkpoint(folder).spec)
'salgan:width=0.05+ema@61'
"""

import dataclasses
import hashlib
import json
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, get_args

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from salzoo.hub.borrowing import Borrowed, lending_folder, read_borrowed
from salzoo.interfaces import Fit, Interpolation, Preprocessing, SalzooError
from salzoo.interfaces.errors import one_line, shown
from salzoo.model import SaliencyModel, canonical_spec, create_model
from salzoo.plugins import load_plugins, registry
from salzoo.runtime.files import check_regular, file_sha256, read_json, write_files, writing
from salzoo.spec import Spec
from salzoo.trained_on import TrainedOn, read_trained_on
from salzoo.version import __version__

FORMAT_VERSION = 1
"""Version of the folder's layout. A folder of a newer one is refused."""

_DTYPES = {"F16": torch.float16, "BF16": torch.bfloat16, "F64": torch.float64, "I64": torch.int64, "U8": torch.uint8}
"""Types of tensors by their names in a weights file, as far as they are met."""

WEIGHTS, CARD, CONFIG = "model.safetensors", "README.md", "config.json"


def save_checkpoint(
    model: SaliencyModel, folder: str | Path, card: str, *, half: bool = False, borrowed: Borrowed | None = None
) -> None:
    """Write a checkpoint folder. Files of these names are replaced, others in the folder are left alone.

    A reader, or a crash at any time, finds a complete file or none: each is written under a temporary name, and a new
    folder as a whole.

    Args:
        model: any model; its weights must be finite.
        folder: where to; parents are made.
        card: text of the model card (Markdown with YAML front matter).
        half: store float32 weights as float16: half the size, values to 3 digits. Loading widens them again.
        borrowed: what is left out, because a model that ships with salzoo has it.

    Raises:
        SalzooError: when the folder cannot be written, or the weights could not be loaded again.
    """
    folder = Path(folder)
    files = checkpoint_files(model, card, str(folder), half=half, borrowed=borrowed)
    with writing(f"checkpoint {folder}"):
        write_files(folder, files)


def checkpoint_files(
    model: SaliencyModel, card: str, where: str, *, half: bool = False, borrowed: Borrowed | None = None
) -> dict[str, bytes]:
    """The files of a checkpoint folder, by name. Messages name ``where``; for the rest see ``save_checkpoint``."""
    check_tensors(model.state_dict(), outline_model(model.spec), where)
    lent: dict[str, Tensor] = {}
    if borrowed is not None:
        lent, own = _borrow(borrowed, where), model.state_dict()
        for name, tensor in lent.items():
            if name not in own or not torch.equal(own[name].cpu(), tensor):
                raise SalzooError(f"{where}: {name} is not that of {borrowed.of}, and cannot be borrowed")
    config: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "salzoo": __version__,
        "spec": str(model.spec),
        "preprocessing": dataclasses.asdict(model.preprocessing),
        "trained_on": model.trained_on.as_record(),
        "packages": _packages(model.spec),
        "versions": _versions(model),
    }
    if borrowed is not None:
        config["borrowed"] = dataclasses.asdict(borrowed)
    # The config comes last: only with it is a folder a checkpoint.
    return {
        WEIGHTS: _serialise(model, half, without=lent),
        CARD: card.encode(),
        CONFIG: (json.dumps(config, indent=2) + "\n").encode(),
    }


def load_checkpoint(folder: str | Path) -> SaliencyModel:
    """Load a checkpoint folder, in evaluation mode, on the CPU.

    Raises:
        SalzooError: naming the file, when the folder is no checkpoint, of a newer format, broken, of a model that is
            not installed, or when a tensor's name, shape or dtype is not what the spec says (the first that differs).
    """
    folder = Path(folder)
    config = read_config(folder)
    spec = config.spec
    try:
        # Nothing as large as the spec claims is allocated before the weights file is known to be as large.
        outline = outline_model(spec)
    except Exception as error:
        raise SalzooError(f"{folder / CONFIG}: {spec} cannot be built: {one_line(error)}") from error
    path = folder / WEIGHTS
    tensors = _widen(_read_tensors(path, outline), outline)
    if config.borrowed is not None:
        tensors = _borrow(config.borrowed, str(folder / CONFIG)) | tensors
    try:
        model = build_model(spec, tensors, outline, str(path))
    except SalzooError as error:
        raise SalzooError(f"{error}{_other_versions(folder, outline)}") from error
    model.preprocessing, model.trained_on = config.preprocessing, config.trained_on
    return model


def _borrow(borrowed: Borrowed, where: str) -> dict[str, Tensor]:
    """The tensors that a model which ships with salzoo lends, by the names that the borrower has for them.

    Raises SalzooError, whose message names ``where``, unless they are those that were borrowed.
    """
    folder = lending_folder(borrowed, where)
    if weights_hash(folder) != borrowed.sha256:
        raise SalzooError(
            f"{where}: it borrows weights of {borrowed.of} that this salzoo does not bring: "
            "install the release that it was saved with"
        )
    lender = load_checkpoint(folder).state_dict()
    return {borrowed.under + name: tensor for name, tensor in lender.items()}


def weights_hash(source: SaliencyModel | str | Path) -> str:
    """The sha256, in hexadecimal digits, of a checkpoint folder's weights file, or of the one a model would get."""
    if isinstance(source, SaliencyModel):
        return hashlib.sha256(_serialise(source)).hexdigest()
    return file_sha256(Path(source) / WEIGHTS)


@dataclass(frozen=True)
class Config:
    """What ``config.json`` of a checkpoint folder says: canonical spec, preprocessing, what it was trained on, and what
    it borrows."""

    spec: Spec
    preprocessing: Preprocessing
    trained_on: TrainedOn
    borrowed: Borrowed | None


def read_config(folder: Path) -> Config:
    """Read ``config.json`` of a checkpoint folder. Raises SalzooError naming the file."""
    path = folder / CONFIG
    try:
        record = read_json(path)
    except FileNotFoundError:
        raise SalzooError(f"{folder} is no checkpoint folder: it has no {CONFIG}") from None
    except (ValueError, RecursionError) as error:
        raise SalzooError(f"{path} is not valid JSON: {one_line(error)}") from error
    if not isinstance(record, dict):
        raise SalzooError(f"{path} holds no JSON object")
    version = record.get("format_version")
    if type(version) is not int or version < 1:
        raise SalzooError(f"{path}: format_version must be a whole number from 1, not {_short(version)}")
    if version > FORMAT_VERSION:
        raise SalzooError(f"{path} is of format {_short(version)}; this salzoo reads up to {FORMAT_VERSION}: update it")
    spec = record.get("spec")
    if not isinstance(spec, str):
        raise SalzooError(f"{path}: spec must be a text, not {_short(spec)}")
    preprocessing = record.get("preprocessing")
    if not isinstance(preprocessing, dict):
        raise SalzooError(f"{path}: preprocessing must be an object, not {_short(preprocessing)}")
    try:
        trained_on, borrowed = read_trained_on(record.get("trained_on")), read_borrowed(record.get("borrowed"))
        return Config(canonical_spec(spec), _read_preprocessing(preprocessing), trained_on, borrowed)
    except SalzooError as error:
        packages = record.get("packages")
        named = packages if isinstance(packages, list) and all(isinstance(name, str) for name in packages) else []
        missing = [_short(name) for name in named if not any(name == plugin.name for plugin in load_plugins()[1])]
        hint = f"; install the package that brings it: {', '.join(missing)}" if missing else ""
        raise SalzooError(f"{path}: {error}{hint}") from error


def _packages(spec: Spec) -> list[str]:
    """The third-party distributions that bring parts of a model."""
    entries = [registry().find("backbones", spec.backbone.name)]
    entries += [registry().find("temporal", placed.component.name) for placed in spec.temporal]
    return sorted({entry.plugin for entry in entries} - {"salzoo"})


def _versions(model: SaliencyModel) -> dict[str, str]:
    """Versions of what decides the network: torch, timm where layers are its, and packages that bring parts."""
    uses_timm = any(type(module).__module__.startswith("timm.") for module in model.modules())
    names = ["torch", *(["timm"] if uses_timm else []), *_packages(model.spec)]
    found = {}
    for name in names:
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def _other_versions(folder: Path, outline: SaliencyModel) -> str:
    """What a checkpoint was saved with, where that is not what is here; said where its tensors do not fit."""
    record = read_json(folder / CONFIG)
    saved = record.get("versions")
    here = _versions(outline)
    differ = {n: v for n, v in here.items() if isinstance(saved, dict) and _short(saved.get(n, v)) != _short(v)}
    named = ", ".join(f"{name} {_short(saved[name])[1:-1]} (here {version})" for name, version in differ.items())
    return f"; it was saved with {named}" if named else ""


def outline_model(spec: Spec) -> SaliencyModel:
    """Build a model on the meta device: names, shapes and dtypes without memory, and no trace in torch's random state.

    Raises what ``create_model`` raises.
    """
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        return create_model(spec)


def check_tensors(
    tensors: Mapping[str, Tensor], model: SaliencyModel, where: str, keys: Mapping[str, str] | None = None
) -> None:
    """Check that tensors are those of a model.

    Args:
        tensors: by the names of the model's state dict.
        model: the model, on any device ("meta" will do).
        where: the file or folder that messages name.
        keys: what the file itself calls a tensor, where that is another name.

    Raises:
        SalzooError: naming the first tensor that is missing, of another shape or dtype, in excess, or not finite.
    """

    def called(name: str) -> str:
        return f"{keys[name]} ({name})" if keys and name in keys else name

    expected = model.state_dict()
    for name, wanted in expected.items():
        tensor = tensors.get(name)
        if tensor is None:
            raise SalzooError(f"{where}: {model.spec} needs {name} ({_describe(wanted)}), which is missing")
        if (tensor.shape, tensor.dtype) != (wanted.shape, wanted.dtype):
            raise SalzooError(
                f"{where}: {called(name)} is {_describe(tensor)}, but {model.spec} needs {_describe(wanted)}"
            )
    for name in tensors:
        if name not in expected:
            raise SalzooError(f"{where}: {model.spec} has no tensor {called(name)}")
    for name, parameter in model.named_parameters():
        # NaN and infinity survive a sum, which is much cheaper than asking every value.
        if not tensors[name].sum(dtype=torch.promote_types(parameter.dtype, torch.float64)).isfinite():
            raise SalzooError(f"{where}: {called(name)} holds values that are not finite")


def build_model(
    spec: Spec, tensors: Mapping[str, Tensor], outline: SaliencyModel, where: str, keys: Mapping[str, str] | None = None
) -> SaliencyModel:
    """Check tensors against the outline of a model (see ``check_tensors``) and build one that holds them, in evaluation
    mode, without a trace in torch's random state."""
    check_tensors(tensors, outline, where, keys)
    with torch.random.fork_rng(devices=[]):
        model = create_model(spec)
    model.load_state_dict(tensors)
    return model.eval()


def _widen(tensors: Mapping[str, Tensor], outline: SaliencyModel) -> dict[str, Tensor]:
    """Tensors with those in float32 that a file holds in float16."""
    wide = {name for name, tensor in outline.state_dict().items() if tensor.dtype == torch.float32}
    return {
        name: tensor.float() if tensor.dtype == torch.float16 and name in wide else tensor
        for name, tensor in tensors.items()
    }


def _serialise(model: SaliencyModel, half: bool = False, without: Collection[str] = ()) -> bytes:
    # safetensors refuses views and tensors that share memory; copies are neither.
    tensors = {
        name: tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        for name, tensor in model.state_dict().items()
        if name not in without
    }
    if half:
        tensors = {name: each.half() if each.dtype == torch.float32 else each for name, each in tensors.items()}
        if not all(tensor.isfinite().all() for tensor in tensors.values()):
            raise SalzooError(f"{model.spec} has weights that float16 cannot hold: save it without half")
    # One entry: safetensors may write several in any order, and the same weights would have many hashes.
    return save(tensors, {"spec": str(model.spec)})


def _read_tensors(path: Path, outline: SaliencyModel) -> dict[str, Tensor]:
    """The tensors of a weights file. What the model does not have, or not in that shape, is left on the meta device
    unread: ``check_tensors`` refuses it, however large."""
    expected, spec = outline.state_dict(), outline.spec
    check_regular(path)

    def read(name: str) -> Tensor:
        stored = file.get_slice(name)
        shape = torch.Size(stored.get_shape())
        if name in expected and expected[name].shape == shape:
            tensor: Tensor = file.get_tensor(name)
            return tensor
        return torch.empty(shape, dtype=_DTYPES.get(stored.get_dtype(), torch.float32), device="meta")

    try:
        with safe_open(path, framework="pt") as file:
            weights_of = (file.metadata() or {}).get("spec")
            tensors = {name: read(name) for name in file.keys()}  # noqa: SIM118 (no mapping, though it looks it)
    except FileNotFoundError:
        raise SalzooError(f"{path.parent} is no complete checkpoint: it has no {WEIGHTS}") from None
    except Exception as error:
        raise SalzooError(f"{path} cannot be read, it may be truncated: {one_line(error)}") from error
    if weights_of != str(spec):
        raise SalzooError(
            f"{path} holds weights of {weights_of or 'an unnamed model'}, but {CONFIG} beside it says {spec}"
        )
    return tensors


def _read_preprocessing(record: dict[str, Any]) -> Preprocessing:
    order = record.get("channel_order")
    if order not in ("bgr", "rgb"):
        raise SalzooError(f"channel_order must be bgr or rgb, not {_short(order)}")
    fixed = record.get("fixed_size")
    interpolation, fit = record.get("interpolation", "opencv-area"), record.get("fit", "stretch")
    for key, value, known in (("interpolation", interpolation, Interpolation), ("fit", fit, Fit)):
        if value not in get_args(known):
            raise SalzooError(f"{key} must be one of {', '.join(get_args(known))}, not {_short(value)}")
    sizes = record.get("sizes", [])
    if not (isinstance(sizes, list) and len(sizes) <= 1000):
        raise SalzooError(f"sizes must be a list of [height, width], not {_short(sizes)}")
    std = _floats(record, "std")
    if min(std) <= 0:
        raise SalzooError(f"std must be positive, not {_short(record['std'])}")
    return Preprocessing(
        size=_size(record, "size"),
        channel_order=order,
        mean=_floats(record, "mean"),
        std=std,
        fixed_size=None if fixed is None else _size(record, "fixed_size"),
        interpolation=interpolation,
        fit=fit,
        sizes=tuple(_size({"sizes": each}, "sizes") for each in sizes),
    )


def _size(record: dict[str, Any], key: str) -> tuple[int, int]:
    value = record.get(key)
    if not (isinstance(value, list) and len(value) == 2 and all(type(x) is int and 0 < x < 1 << 20 for x in value)):
        raise SalzooError(f"{key} must be [height, width] in pixels, not {_short(value)}")
    return value[0], value[1]


def _floats(record: dict[str, Any], key: str) -> tuple[float, float, float]:
    value = record.get(key)
    if not (isinstance(value, list) and len(value) == 3 and all(type(x) in (int, float) for x in value)):
        raise SalzooError(f"{key} must be three numbers, not {_short(value)}")
    if not all(abs(x) < 1e6 for x in value):  # NaN neither
        raise SalzooError(f"{key} is out of range: {_short(value)}")
    return float(value[0]), float(value[1]), float(value[2])


def _describe(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {'×'.join(map(str, tensor.shape)) or 'scalar'}"


def _short(value: Any) -> str:
    try:
        return shown(json.dumps(value), 60)
    except RecursionError:
        return "something nested too deeply"
