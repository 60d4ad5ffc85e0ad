"""Importing the weights that the authors released, without running any code that their files may hold.

What is read: the ``.pt`` files of SalGAN's PyTorch port, SalEMA and SalCLSTM (arXiv 1907.01869) and VideoSalGAN
(Linardos et al., 2018), wrapped in a training checkpoint or bare, with or without DataParallel's prefix; and the
``.npz`` of SalGAN's Lasagne release (arXiv 1701.01081); and every file that a package declares
(``salzoo.hub.declared``).
"""

import re
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from salzoo.hub.checkpoint import build_model, load_checkpoint, outline_model
from salzoo.hub.declared import as_types, describe_nearest, find_declaration, unwrap
from salzoo.interfaces import SalzooError
from salzoo.model import SaliencyModel, canonical_spec, resolve_position
from salzoo.plugins import registry
from salzoo.runtime.files import check_regular, file_sha256
from salzoo.spec import Component, Placed, Spec
from salzoo.trained_on import UNKNOWN

LASAGNE_DECODER_CONVOLUTIONS = 14


@dataclass(frozen=True)
class Report:
    """What became of the contents of a file.

    Attributes:
        file: its name.
        sha256: of the file.
        spec: canonical spec of the model that it gave.
        mapped: the file's key by the model's tensor. (A tensor that is missing is an error.)
        ignored: what is in the file and not in the model: the optimizer's state, the epoch, unknown keys.
        notes: what was inferred or decided, a line each.
    """

    file: str
    sha256: str
    spec: str
    mapped: dict[str, str]
    ignored: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Published:
    """The tensors of a file by their role: "backbone.<layer>.weight|bias", "gates.…", "project.…" or "alpha".

    Attributes:
        path: the file.
        tensors: by role.
        keys: what the file calls them.
        ignored: what else it holds.
    """

    path: Path
    tensors: dict[str, Tensor]
    keys: dict[str, str]
    ignored: tuple[str, ...]

    def holds(self, role: str) -> bool:
        """Whether there is a tensor of a role or of a group of roles ("gates")."""
        return any(key.partition(".")[0] == role for key in self.tensors)


def convert_weights(
    file: str | Path,
    spec: str | None = None,
    *,
    backbone: str | Path | None = None,
    rename: Mapping[str, str] | None = None,
) -> tuple[SaliencyModel, Report]:
    """Build the model whose weights a published file holds.

    A stored ``alpha`` of an EMA is a logit, as in salzoo: an ``ema`` of the spec then becomes ``ema:learn=true``. Where
    none is stored the EMA was trained with a constant, the spec's.

    Args:
        file: a ``.pt`` or ``.npz`` file.
        spec: the model. None infers it from keys and shapes, which cannot tell where an EMA stands.
        backbone: SalGAN's own weights (a published file or a checkpoint folder) for a file that holds those of a
            temporal module alone, as VideoSalGAN's does.
        rename: for a state dict of one's own: how the beginning of a name in the file is to read in the model; of
            several that fit, the first. The names of the spec's backbone alone, without "backbone.", fit as they are.

    Returns:
        The model in evaluation mode, and a report.

    Raises:
        SalzooError: naming the file, when it cannot be read, asks for code to be run, or does not fit the spec (naming
            the first tensor that is missing or of another shape).
    """
    path = Path(file)
    digest = file_sha256(path)
    _check_archive(path)
    record = None if _is_npz(path) else _read_torch(path)
    parsed = None if spec is None else canonical_spec(spec)
    declared = None if backbone is not None or rename else find_declaration(record, parsed)
    own = parsed is not None and not (parsed.backbone.name == "salgan" and (record is None or _has_roles(record)))
    if declared is None and (rename or own):
        return _read_plain(path, digest, record, parsed, rename or {})
    if declared is not None:
        model = declared.build(path, spec)
        note = f"read as {declared.converter} ({registry().find('converters', declared.converter).plugin}) declares it"
        return model, Report(path.name, digest, str(model.spec), declared.keys, declared.ignored, (note,))
    published = _read_lasagne(path) if record is None else _read_record(path, record)
    return _build_published(published, digest, parsed, backbone)


def _build_published(
    published: _Published, digest: str, parsed: Spec | None, backbone: str | Path | None
) -> tuple[SaliencyModel, Report]:
    """The model of a file of SalGAN's family."""
    path, notes = published.path, []
    if parsed is None:
        parsed = canonical_spec(_infer_spec(published))
        notes.append(f"the spec {parsed} was inferred from the file's keys and shapes")
    if published.holds("alpha") and parsed != _learn_alpha(parsed):
        parsed = _learn_alpha(parsed)
        notes.append(f"alpha is stored, and so learned: the spec became {parsed}")
    outline = outline_model(parsed)
    names = _match_roles(published, outline)
    notes += _describe_alpha(published, outline)

    tensors = {names[role]: tensor for role, tensor in published.tensors.items()}
    keys = {names[role]: key for role, key in published.keys.items()}
    if backbone is not None:
        if published.holds("backbone"):
            raise SalzooError(f"{path} holds SalGAN's layers itself: leave the other backbone out")
        for name, tensor in _load_backbone(Path(backbone), parsed.backbone).items():
            tensors[name] = tensor
            keys[name] = f"{name} of {backbone}"
    elif not published.holds("backbone"):
        raise SalzooError(f"{path} holds a temporal module alone: give SalGAN's own weights too (--backbone FILE|DIR)")
    model = build_model(parsed, tensors, outline, str(path), keys)
    model.trained_on = UNKNOWN
    return model, Report(path.name, digest, str(parsed), keys, published.ignored, tuple(notes))


def _has_roles(record: Any) -> bool:
    held = unwrap(record)[0]
    return isinstance(held, Mapping) and any(isinstance(key, str) and _role(key) for key in held)


def _unwrap(path: Path, record: Any) -> tuple[Mapping[Any, Any], str]:
    """As ``unwrap``. Raises SalzooError where the file holds no tensors by name."""
    held, wrapper = unwrap(record)
    if not isinstance(held, Mapping):
        raise SalzooError(f"{path} holds a {type(held).__name__}, not tensors by name")
    return held, wrapper


def _read_plain(
    path: Path, digest: str, record: Any, spec: Spec | None, rename: Mapping[str, str]
) -> tuple[SaliencyModel, Report]:
    """The model of a state dict whose names and shapes fit, as one saves of a network of one's own."""
    if spec is None:
        raise SalzooError(f"{path}: names are given for another model (--rename): say which with --spec")
    held, wrapper = _unwrap(path, record)
    outline = outline_model(spec)
    wanted = outline.state_dict()
    tensors: dict[str, Tensor] = {}
    keys: dict[str, str] = {}
    ignored: list[str] = []
    for key, value in held.items():
        name = str(key).removeprefix("module.")
        name = next((new + name[len(old) :] for old, new in rename.items() if name.startswith(old)), name)
        name = name if name in wanted else f"backbone.{name}"
        if name in wanted and isinstance(value, Tensor) and value.layout == torch.strided:
            tensors[name], keys[name] = value.detach(), str(key)
        else:
            ignored.append(str(key))
    missing = [name for name in wanted if name not in tensors]
    if missing:
        others = f"; the file has {', '.join(ignored[:3]) or 'nothing'} besides"
        raise SalzooError(
            f"{path}: {spec} needs {missing[0]}, which is missing ({len(tensors)} of {len(wanted)} tensors are there)"
            f"{others}{describe_nearest(record)}; --rename OLD=NEW says what the beginning of a name is here"
        )
    model = build_model(spec, as_types(tensors, outline), outline, str(path), keys)
    model.trained_on = UNKNOWN
    notes = (
        "read as a state dict whose names and shapes fit",
        *([f"its tensors are in {wrapper!r}"] if wrapper else []),
    )
    ignored += [str(key) for key in record if key != wrapper] if wrapper else []
    return model, Report(path.name, digest, str(spec), keys, tuple(ignored), notes)


def _infer_spec(published: _Published) -> str:
    path, tensors = published.path, published.tensors
    if published.holds("gates"):
        hidden = tensors["gates.bias"].numel() // 4 if "gates.bias" in tensors else 0
        if published.holds("project"):
            return f"salgan+convlstm:hidden={hidden},project=1@62"
        if hidden in (512, 128):  # as many as channels enter layers 30 and 56, where the published ones stand
            return f"salgan+convlstm@{30 if hidden == 512 else 56}"
        raise SalzooError(f"{path} holds a ConvLSTM of another size than the published ones: name the model (--spec)")
    if published.holds("alpha"):
        raise SalzooError(
            f"{path} holds an EMA, and no file tells on which layer it stands: name the model, "
            "for example --spec salgan+ema:learn=true@30"
        )
    if any("salgan." in key for key in published.keys.values()):
        raise SalzooError(
            f"{path} may be of an EMA with a constant alpha, which no file tells: name the model, "
            "for example --spec salgan+ema:alpha=0.1@61, or --spec salgan for the static network"
        )
    return "salgan"


def _learn_alpha(spec: Spec) -> Spec:
    """The spec with every EMA learning its alpha; a constant, now without meaning, is left out."""

    def learn(component: Component) -> Component:
        params = dict(component.params)
        if component.name != "ema" or params.get("learn"):
            return component
        params.pop("alpha", None)
        return Component("ema", tuple(sorted({**params, "learn": True}.items())))

    return Spec(spec.backbone, tuple(Placed(learn(placed.component), placed.position) for placed in spec.temporal))


def _match_roles(published: _Published, model: SaliencyModel) -> dict[str, str]:
    """What the model calls the tensor of each role in the file. Raises SalzooError for one it has no place for."""
    names = {}
    for role in published.tensors:
        group, _, rest = role.partition(".")
        if group == "backbone":
            names[role] = role
        else:
            module = "ema" if group == "alpha" else "convlstm"
            position = _only_position(published, model, module, published.keys[role])
            names[role] = f"temporal.{position}.{role if rest else group}"
    return names


def _only_position(published: _Published, model: SaliencyModel, module: str, key: str) -> int:
    positions = _positions(model, module)
    if len(positions) != 1:
        raise SalzooError(
            f"{published.path}: {key} belongs to one {module}, but {model.spec} has {len(positions) or 'none'}"
        )
    return positions[0]


def _positions(model: SaliencyModel, module: str) -> list[int]:
    return [
        resolve_position(model.backbone, placed.position)
        for placed in model.spec.temporal
        if placed.component.name == module
    ]


def _describe_alpha(published: _Published, model: SaliencyModel) -> list[str]:
    notes = []
    for position in _positions(model, "ema"):
        if "alpha" in published.tensors:
            stored = published.tensors["alpha"]
            notes.append(f"the EMA at {position} takes a = sigmoid(alpha) = {stored.sigmoid().mean():.6g} of the file")
            continue
        weight = model.temporal[str(position)].weight
        if isinstance(weight, Tensor):
            raise SalzooError(
                f"{published.path} stores no alpha, so the EMA was trained with a constant: "
                f"give it in place of learn=true, for example ema:alpha=0.1@{position}"
            )
        notes.append(f"no alpha is stored: the EMA at {position} takes the spec's constant a = {weight:.6g}")
    return notes


def _load_backbone(path: Path, component: Component) -> dict[str, Tensor]:
    wanted = Spec(component)
    model = load_checkpoint(path) if path.is_dir() else convert_weights(path, str(wanted))[0]
    if model.spec != wanted:
        raise SalzooError(f"{path} is a checkpoint of {model.spec}; the backbone must be of {wanted}")
    return model.state_dict()


def _read_record(path: Path, record: Any) -> _Published:
    whole = record
    record, wrapper = _unwrap(path, record)
    ignored = [str(key) for key in whole if key != wrapper] if wrapper else []
    tensors: dict[str, Tensor] = {}
    keys: dict[str, str] = {}
    for key, value in record.items():
        role = _role(key) if isinstance(key, str) and isinstance(value, Tensor) else None
        if role is None:
            ignored.append(str(key))
            continue
        if role in tensors:
            raise SalzooError(f"{path} holds one tensor twice, as {keys[role]} and as {key}")
        if value.layout != torch.strided or not value.is_floating_point():
            raise SalzooError(f"{path}: {key} holds {value.dtype} ({value.layout}), not plain floating-point numbers")
        if role == "alpha" and value.numel() == 1:
            value = value.reshape(1)
        tensors[role], keys[role] = value.detach(), key
    if not tensors:
        some = ", ".join(ignored[:3]) or "nothing"
        raise SalzooError(
            f"{path} holds no tensor under a published name (it holds {some}): not a file of this family"
            f"{describe_nearest(whole)}; one of your own network is read with --spec"
        )
    return _Published(path, {role: tensor.float() for role, tensor in tensors.items()}, keys, tuple(ignored))


def _role(key: str) -> str | None:
    key = key.removeprefix("module.")
    if match := re.fullmatch(r"(?:salgan\.)?(0|[1-9][0-9]?)\.(weight|bias)", key, re.ASCII):
        return f"backbone.{match[1]}.{match[2]}"
    if match := re.fullmatch(r"final_convs\.([024])\.(weight|bias)", key):
        return f"backbone.{56 + int(match[1])}.{match[2]}"  # SalCLSTM56 keeps the layers after its ConvLSTM apart
    if match := re.fullmatch(r"(Gates|conv1x1)\.(weight|bias)", key):
        return f"{'gates' if match[1] == 'Gates' else 'project'}.{match[2]}"
    return "alpha" if key == "alpha" else None


class _Number:
    """Stands for what training scripts save beside weights: NumPy's numbers and arrays, of which nothing is wanted."""

    def __init__(self, *_: Any) -> None:
        pass

    def __setstate__(self, _: Any) -> None:
        pass


_NUMBERS: list[Any] = [
    (_Number, name)
    for name in (
        "numpy.dtype",
        "numpy.ndarray",
        *(f"numpy.{core}.multiarray.{made}" for core in ("core", "_core") for made in ("scalar", "_reconstruct")),
    )
]


def _read_torch(path: Path) -> Any:
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(_NUMBERS):
            warnings.simplefilter("ignore")  # about pickle protocols; what matters is raised
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # arbitrary bytes make the unpickler raise nearly anything
        code = re.search(r"GLOBAL ([\w.]*\w)", str(error))
        if code:
            raise SalzooError(
                f"{path} is refused: it asks for {code[1]}, which is no tensor; nothing in it was run"
            ) from error
        raise SalzooError(f"{path} cannot be read as a weights file: truncated, or of another kind") from error


def _check_archive(path: Path) -> None:
    """Refuse what is no regular file, and an archive that unpacks to far more than it is: weights do not compress."""
    check_regular(path)
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
    except Exception:  # no archive, or a broken one: whoever reads it says so
        return
    if unpacked > 4 * path.stat().st_size + 2**20:
        raise SalzooError(f"{path} would unpack to {unpacked:,} bytes, far more than weights do: it is refused")


def _is_npz(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith(".npy") for name in archive.namelist())
    except Exception:  # no archive, or a broken one: whoever reads it says so
        return False


def _read_lasagne(path: Path) -> _Published:
    """Read SalGAN's Lasagne weights: W and b of the 27 convolutions in order, ``arr_0`` to ``arr_53``.

    Lasagne convolves truly, PyTorch correlates, so the 14 decoder kernels are flipped in both spatial axes. The encoder
    was built without flipping: its kernels are stored as PyTorch wants them.
    """
    layers = outline_model(canonical_spec("salgan")).backbone.layers
    convolutions = [index for index, layer in enumerate(layers) if isinstance(layer.module, nn.Conv2d)]
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except Exception as error:
        raise SalzooError(f"{path} cannot be read as an .npz of plain arrays: truncated, or of another kind") from error
    wanted = [f"arr_{number}" for number in range(2 * len(convolutions))]
    if sorted(arrays) != sorted(wanted):
        raise SalzooError(f"{path} holds {len(arrays)} arrays, not SalGAN's {len(wanted)} (arr_0 to {wanted[-1]})")
    tensors, keys = {}, {}
    for number, name in enumerate(wanted):
        array, index = arrays[name], convolutions[number // 2]
        if array.dtype.kind != "f":
            raise SalzooError(f"{path}: {name} holds {array.dtype}, not floating-point numbers")
        if array.ndim == 4 and number // 2 >= len(convolutions) - LASAGNE_DECODER_CONVOLUTIONS:
            array = array[:, :, ::-1, ::-1]
        role = f"backbone.{index}.{'bias' if number % 2 else 'weight'}"
        tensors[role], keys[role] = torch.from_numpy(np.array(array, np.float32, order="C")), name
    return _Published(path, tensors, keys, ())
