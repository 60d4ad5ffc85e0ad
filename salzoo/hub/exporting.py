"""Models as programs that run without salzoo: one frame and the temporal state in, its map and the new state out.

The state is explicit: zeros at a video's start, then what the last call returned. What the frame must be (size, channel
order, mean, standard deviation), how the state's tensors are called, and what the network's authors do to maps at the
frame's size, which the program does not ("finishing"), stands in the file's metadata.
"""

import dataclasses
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from salzoo.footprint import check_running
from salzoo.interfaces import SalzooError, State, map_state, state_tensors
from salzoo.interfaces.errors import one_line
from salzoo.model import SaliencyModel
from salzoo.runtime.files import complete_or_absent

Format = Literal["torch-export", "onnx"]

TOLERANCE = 1e-4
"""Largest difference between the maps of model and program."""

CHECKED_FRAMES = 4


@dataclass(frozen=True)
class Exported:
    """A program that was written and checked.

    Attributes:
        path: the file.
        inputs, outputs: names of its tensors with their shapes.
        difference: largest difference of its maps from the model's, over a few random frames.
    """

    path: Path
    inputs: dict[str, tuple[int, ...]]
    outputs: dict[str, tuple[int, ...]]
    difference: float


def export_model(
    model: SaliencyModel,
    path: str | Path,
    *,
    to: Format,
    size: tuple[int, int] | None = None,
    dynamic: bool = False,
) -> Exported:
    """Write a model as a program, and compare it with the model on random frames.

    The program takes ``frame`` (1, 3, H, W), preprocessed float32, and the tensors of the state; it returns ``map``
    (1, 1, H, W) in [0, 1] and the state's new tensors, ``new_`` and their names.

    Args:
        model: what to write; it is put into evaluation mode, on the CPU.
        path: file to write.
        to: "torch-export" (a ``.pt2`` file for ``torch.export.load``) or "onnx" (extra ``onnx``).
        size: (height, width) of the frames; by default the model's own.
        dynamic: take batches of any number of frames, each of another video, and frames of any size: an ONNX program
            pads them to whole strides as the model does (the state has that size), a ``.pt2`` refuses others.

    Raises:
        SalzooError: what cannot be exported, with the exporter's reason; a program whose maps differ by more than
            ``TOLERANCE``; a file that cannot be written. Nothing is left then.
    """
    path = Path(path)
    if model.timed:
        raise SalzooError(f"{model.spec} depends on a video's rate, which no program is told: give alpha, not tau")
    model = model.cpu().eval()
    height, width = size or model.preprocessing.size
    traced = _prepare(model, (height, width), dynamic)
    stride = model.backbone.stride
    shown = [(1, height, width), *([(3, height + stride, width + 2 * stride)] if dynamic else [])]
    write, load = (_write_onnx, _load_onnx) if to == "onnx" else (_write_program, _load_program)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with complete_or_absent(path) as temporary:
            write(traced, temporary)
            if dynamic and to == "onnx" and stride > 1:
                _pad_frames(temporary, stride, model.backbone.output)
                shown.append((1, height + 1, width + stride - 1))
            program = load(temporary)
            difference = max(_difference(model, program, each) for each in shown)
            if not difference <= TOLERANCE:
                raise SalzooError(
                    f"{model.spec}: the maps of the exported program differ by {difference:.2g}; not written"
                )
    except SalzooError:
        raise
    except OSError as error:
        raise SalzooError(f"cannot write {path}: {error.strerror or error}") from error
    except Exception as error:  # the exporters raise errors of many kinds
        raise SalzooError(f"{model.spec} cannot be exported to {to}: {one_line(error)}") from error
    results = traced.step(*traced.arguments)
    return Exported(
        path,
        {name: (1, *tensor.shape[1:]) for name, tensor in zip(traced.inputs, traced.arguments, strict=True)},
        {name: (1, *tensor.shape[1:]) for name, tensor in zip(traced.outputs, results, strict=True)},
        difference,
    )


@dataclass(frozen=True)
class _Traced:
    """What the exporters take.

    Attributes:
        step: the model on one frame.
        arguments: tensors to trace it with: a batch of frames, and the state.
        names: of the state's tensors.
        shapes: which of their sizes vary; None where none does.
        metadata: for the file.
    """

    step: "_Step"
    arguments: tuple[Tensor, ...]
    names: list[str]
    shapes: tuple[Any, ...] | None
    metadata: dict[str, str]

    @property
    def inputs(self) -> list[str]:
        return ["frame", *self.names]

    @property
    def outputs(self) -> list[str]:
        return ["map", *(f"new_{name}" for name in self.names)]


def _prepare(model: SaliencyModel, size: tuple[int, int], dynamic: bool) -> _Traced:
    if dynamic:
        _check_size(model, *size)
    batch = 2 if dynamic else 1  # what is traced with one stays one
    check_running(model, model.backbone, size, batch, f"exporting {model.spec}")
    with torch.no_grad():
        _, template = model(torch.zeros(batch, 1, 3, *size))
    state = [torch.zeros_like(tensor) for tensor in state_tensors(template)]
    names = _names(model, template)
    metadata = {
        "spec": str(model.spec),
        "preprocessing": json.dumps(dataclasses.asdict(model.preprocessing)),
        "finishing": json.dumps(dataclasses.asdict(model.backbone.finishing)),
        "trained_on": json.dumps(model.trained_on.as_record()),
        "state": json.dumps({name: [1, *tensor.shape[1:]] for name, tensor in zip(names, state, strict=True)}),
    }
    shapes = _dynamic_shapes(*size, model.backbone.stride, state) if dynamic else None
    return _Traced(_Step(model, template).eval(), (torch.rand(batch, 3, *size), *state), names, shapes, metadata)


def _check_size(model: SaliencyModel, height: int, width: int) -> None:
    """Raise SalzooError where a program for all sizes cannot be traced at this one."""
    stride = model.backbone.stride
    if model.preprocessing.fixed_size:
        raise SalzooError(f"{model.spec} runs at one size, {model.preprocessing.fixed_size}: leave --dynamic out")
    if height % stride or width % stride or min(height, width) < 2 * stride:
        raise SalzooError(
            f"with --dynamic the size must be a multiple of {stride}, from {2 * stride}, not {height}x{width}"
        )


class _Step(nn.Module):
    """A model on one frame, the state as single tensors."""

    def __init__(self, model: SaliencyModel, template: State) -> None:
        super().__init__()
        self.model = model
        self.template = template

    def forward(self, frame: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        tensors = iter(state)
        maps, new = self.model(frame.unsqueeze(1), map_state(lambda _: next(tensors), self.template))
        return self.model.as_maps(maps).squeeze(1), *state_tensors(new)


def _names(model: SaliencyModel, template: State) -> list[str]:
    """What the tensors of a state are called: state_<position>_<number>."""
    return [
        f"state_{position}_{number}"
        for position, part in zip(model.modules_over_time, template, strict=True)
        for number in range(len(state_tensors(part)))
    ]


def _dynamic_shapes(height: int, width: int, stride: int, state: Sequence[Tensor]) -> tuple[Any, ...]:
    """Which sizes vary: the batch, and the frame's size in whole strides; those of the state follow."""
    batch = torch.export.Dim("batch", min=1, max=1024)
    rows, columns = torch.export.Dim("rows", min=2, max=1024), torch.export.Dim("columns", min=2, max=1024)

    def spatial(tensor: Tensor) -> dict[int, Any]:
        if tensor.dim() != 4 or tensor.shape[-1] == 1:
            return {0: batch}
        return {0: batch, 2: tensor.shape[2] * stride // height * rows, 3: tensor.shape[3] * stride // width * columns}

    frame = {0: batch, 2: stride * rows, 3: stride * columns}
    return (frame, tuple(spatial(tensor) for tensor in state)) if state else (frame,)


def _write_program(traced: _Traced, path: Path) -> None:
    program = torch.export.export(traced.step, traced.arguments, dynamic_shapes=traced.shapes)
    with path.open("wb") as file:  # of names that do not end in .pt2 it would warn
        torch.export.save(program, file, extra_files={"salzoo.json": json.dumps(traced.metadata)})


def _load_program(path: Path) -> Callable[..., Sequence[Tensor]]:
    with path.open("rb") as file:
        module = torch.export.load(file).module()
    return lambda *tensors: module(*tensors)


def _write_onnx(traced: _Traced, path: Path) -> None:
    onnx = _import_onnx()[0]
    logger = logging.getLogger("onnx_ir")  # it warns of initial values that are outputs too, which is as it should be
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        program = torch.onnx.export(
            traced.step,
            traced.arguments,
            dynamo=True,
            input_names=traced.inputs,
            output_names=traced.outputs,
            dynamic_shapes=traced.shapes,
            verbose=False,
        )
    finally:
        logger.setLevel(before)
    assert program is not None
    proto = program.model_proto
    for key, value in traced.metadata.items():
        onnx.helper.set_model_props(proto, {**{prop.key: prop.value for prop in proto.metadata_props}, key: value})
    onnx.save(proto, path)


def _pad_frames(path: Path, stride: int, output: str) -> None:
    """Change a program in its file: frames of any size are padded to whole strides, maps cropped, as the model does."""
    onnx = _import_onnx()[0]
    proto = onnx.load(path)
    graph, node = proto.graph, onnx.helper.make_node
    for each in graph.node:
        for names, ours in ((each.input, "frame"), (each.output, "map")):
            names[:] = [f"{name}_padded" if name == ours else name for name in names]
    constants = {
        "padding_stride": [stride],
        "padding_none_before": [0] * 6,
        "padding_crop_from": [0, 0],
        "padding_crop_axes": [2, 3],
    }
    graph.initializer.extend(
        onnx.helper.make_tensor(name, onnx.TensorProto.INT64, [len(values)], values)
        for name, values in constants.items()
    )
    before = [
        node("Shape", ["frame"], ["frame_size"], start=2, end=4),
        node("Neg", ["frame_size"], ["frame_size_below"]),
        node("Mod", ["frame_size_below", "padding_stride"], ["padding_missing"]),
        node("Concat", ["padding_none_before", "padding_missing"], ["padding"], axis=0),
        node("Pad", ["frame", "padding"], ["frame_padded"], mode="edge"),
    ]
    cropped = "map" if output == "map" else "map_cropped"
    after = [node("Slice", ["map_padded", "padding_crop_from", "frame_size", "padding_crop_axes"], [cropped])]
    if output != "map":  # the largest value may have stood outside of the frame
        after += [
            node("ReduceMax", [cropped, "padding_crop_axes"], ["map_largest"]),
            node("Div", [cropped, "map_largest"], ["map"]),
        ]
    nodes = [*before, *graph.node, *after]
    del graph.node[:]
    graph.node.extend(nodes)
    for name, tensors in (("frame", graph.input), ("map", graph.output)):
        dims = next(each for each in tensors if each.name == name).type.tensor_type.shape.dim
        dims[2].dim_param, dims[3].dim_param = "height", "width"
    onnx.checker.check_model(proto)
    onnx.save(proto, path)


def _load_onnx(path: Path) -> Callable[..., Sequence[Tensor]]:
    session = _import_onnx()[1].InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]

    def run(*tensors: Tensor) -> Sequence[Tensor]:
        found = session.run(None, {name: tensor.numpy() for name, tensor in zip(names, tensors, strict=True)})
        return [torch.from_numpy(array) for array in found]

    return run


def _import_onnx() -> tuple[Any, Any]:
    try:
        import onnx
        import onnxruntime
        import onnxscript  # noqa: F401 - torch's exporter needs it
    except ImportError as error:
        raise SalzooError(f'exporting to ONNX needs {error.name}: pip install "salzoo[onnx]"') from error
    return onnx, onnxruntime


@torch.no_grad()
def _difference(model: SaliencyModel, program: Callable[..., Sequence[Tensor]], size: tuple[int, int, int]) -> float:
    """Largest difference of the maps of a few random frames of (videos, height, width), from zeros as the state."""
    generator = torch.Generator().manual_seed(0)
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (model.preprocessing.mean, model.preprocessing.std))
    videos, height, width = size
    clip = (255 * torch.rand(videos, CHECKED_FRAMES, 3, height, width, generator=generator) - mean) / std
    wanted = model.as_maps(model(clip)[0])
    state = [torch.zeros_like(tensor) for tensor in state_tensors(model(clip[:, :1])[1])]
    largest = 0.0
    for index in range(CHECKED_FRAMES):
        map_, *state = program(clip[:, index], *state)
        difference = (map_ - wanted[:, index]).abs().max().item()
        largest = max(largest, difference) if difference == difference else float("nan")
    return largest
