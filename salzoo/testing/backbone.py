"""What a backbone must keep: indices, shapes, landmarks, links, sizes, independence of frames, determinism."""

import copy
from collections.abc import Callable
from typing import Any, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from salzoo.interfaces import Backbone, Layer, Output
from salzoo.interfaces.errors import one_line
from salzoo.model import SaliencyModel, of_one_size
from salzoo.spec import LANDMARK, parse_spec
from salzoo.temporal.ema import EMA
from salzoo.testing import over_time
from salzoo.testing.composing import BackboneSubject as Subject
from salzoo.testing.composing import (
    check_signature,
    check_size,
    compose,
    find_factory,
    frame_size,
    make_clip,
    require_same,
    stream,
)
from salzoo.testing.report import FaultError, NotApplicableError, Report, Suite, require
from salzoo.training.state import train_mode


def check_backbone(backbone: str | Callable[..., Backbone], **params: bool | int | float | str) -> Report:
    """Check a backbone.

    Args:
        backbone: a registered component ("salgan:width=0.1"), or the factory itself: ``backbone(**params)``. Choose
            parameters that make it small: it is run about a hundred times.
        params: parameters for the factory.

    Returns:
        What was checked. Raises ConformanceError with every finding when something failed.
    """
    return backbone_suite(backbone, **params).enforce()


def backbone_suite(backbone: str | Callable[..., Backbone], **params: bool | int | float | str) -> Suite[Subject]:
    """The checks of ``check_backbone``, to be run one by one: its ``cases()`` are for ``pytest.mark.parametrize``."""
    name = backbone if isinstance(backbone, str) else getattr(backbone, "__name__", str(backbone))

    def make() -> Subject:
        check_signature("backbones", backbone)
        factory = find_factory("backbones", backbone, params)
        check_size(factory, name)
        made = factory()
        if not isinstance(made, Backbone):
            raise FaultError(f"the factory gave a {type(made).__name__}, not a salzoo.interfaces.Backbone")
        try:
            return Subject(factory, compose(made, {}))
        except RuntimeError as error:
            alone = SaliencyModel(parse_spec("backbone"), made, {})
            height, width = frame_size(alone)
            raise FaultError(f"it does not run at {height}×{width}: {one_line(error)}{of_one_size(alone)}") from error

    return Suite("backbone", name, make, CHECKS)


def _trace(backbone: Backbone, frames: Tensor) -> list[tuple[list[Tensor], Tensor]]:
    """Of each layer, what it read (the chain first, then its links) and the tensor it returned."""
    calls: list[tuple[list[Tensor], Tensor]] = []

    def note(_module: nn.Module, inputs: Any, output: Any) -> None:
        calls.append((list(inputs), output if isinstance(output, Tensor) else output[0]))

    handles = [layer.module.register_forward_hook(note) for layer in backbone.layers]
    try:
        with torch.no_grad():
            SaliencyModel(parse_spec("backbone"), backbone, {})(frames.unsqueeze(0))
    finally:
        for handle in handles:
            handle.remove()
    return calls


def layers_have_the_shapes_they_state(subject: Subject) -> None:
    height, width = frame_size(subject.model)
    calls = _trace(subject.backbone, make_clip(subject.model, 1, 2)[0])
    require(
        len(calls) == len(subject.backbone.layers),
        f"{len(calls)} calls for {len(subject.backbone.layers)} layers: each layer needs a module of its own",
    )
    for index, (layer, (_, output)) in enumerate(zip(subject.backbone.layers, calls, strict=True)):
        expected = (2, layer.channels, height // layer.stride, width // layer.stride)
        require(
            tuple(output.shape) == expected,
            f"layer {index} ({layer.name}) states {layer.channels} channels and stride {layer.stride}, so "
            f"{expected} on frames of {height}x{width}, but gave {tuple(output.shape)}",
        )


def the_last_layer_gives_maps(subject: Subject) -> None:
    last, kind = subject.backbone.layers[-1], subject.backbone.output
    require(last.channels == 1, f"the last layer gives {last.channels} channels; maps have one")
    require(kind in get_args(Output), f"output is {kind!r}; it must be one of {', '.join(get_args(Output))}")
    maps = _trace(subject.backbone, make_clip(subject.model, 1, 3)[0])[-1][1]
    low, high = float(maps.min()), float(maps.max())
    require(high > low, "maps are constant on frames that vary")
    sums = maps.double().sum((1, 2, 3))
    if kind == "map":
        require(low >= 0 and high <= 1, f"maps lie in [{low:.3g}, {high:.3g}], not in [0, 1]: end with a sigmoid")
        if bool(((sums - 1).abs() < 1e-3).all()):
            raise FaultError(
                "each map sums to one, as a density does: state Backbone(..., output='density'), or it is taken for a "
                "map that is dark everywhere"
            )
        return
    if kind == "log-density":
        sums = maps.double().exp().sum((1, 2, 3))
    require(
        (kind == "log-density" or low >= 0) and bool(((sums - 1).abs() < 1e-3).all()),
        f"output is stated as {kind}, but the density of a frame sums to {float(sums[0]):.4g}, not to 1",
    )


def landmarks_are_where_they_belong(subject: Subject) -> None:
    layers, landmarks = subject.backbone.layers, subject.backbone.landmarks
    last = len(layers) - 1
    require("output" in landmarks, "there is no landmark 'output'; it is the index of the last layer")
    require(
        landmarks["output"] == last, f"landmark 'output' is {landmarks['output']}; it is the last layer's index, {last}"
    )
    for name in landmarks:
        require(bool(LANDMARK.fullmatch(name)), f"no spec can name the landmark {name!r}: use small letters, digits, _")
    if "bottleneck" not in landmarks:
        return
    bottleneck = landmarks["bottleneck"]
    fault = _misplaced(layers, bottleneck)
    if fault:
        raise FaultError(f"landmark 'bottleneck' is {bottleneck}, which is not the first decoder layer: {fault}")


def _misplaced(layers: tuple[Layer, ...], bottleneck: int) -> str:
    """Why an index cannot be the first decoder layer's; empty when it can."""
    if not 0 < bottleneck < len(layers):
        return f"it lies outside 1..{len(layers) - 1}"
    strides = [layer.stride for layer in layers]
    if strides[bottleneck - 1] != max(strides):
        return f"what enters it has stride {strides[bottleneck - 1]}, not the deepest one, {max(strides)}"
    if any(after > before for before, after in zip(strides[bottleneck - 1 :], strides[bottleneck:], strict=False)):
        return "a layer from there on goes down in size, as encoders do"
    if not any(True for _ in layers[bottleneck].module.parameters()):
        return f"its layer ({layers[bottleneck].name}) has no weights, so it belongs to the layer before it"
    return ""


def links_are_read(subject: Subject) -> None:
    linked = [index for index, layer in enumerate(subject.backbone.layers) if layer.links]
    if not linked:
        raise NotApplicableError("no layer has links")
    calls = _trace(subject.backbone, make_clip(subject.model, 1, 1)[0])
    for index in linked:
        layer = subject.backbone.layers[index]
        inputs, output = calls[index]
        require(
            len(inputs) == 1 + len(layer.links),
            f"layer {index} ({layer.name}) was given {len(inputs) - 1} links of {len(layer.links)}",
        )
        for number, link in enumerate(layer.links, start=1):
            given = inputs[number]
            others = [given.flip(-1)]  # whole numbers, such as positions of maxima, are exchanged
            if given.is_floating_point():  # some links are read for their size alone
                others = [torch.rand_like(given) * 10, F.interpolate(given, scale_factor=2)]
            require(
                any(_changes(layer, [*inputs[:number], other, *inputs[number + 1 :]], output) for other in others),
                f"layer {index} ({layer.name}) does not depend on its link {link}: drop the link, or read it",
            )


def _changes(layer: Layer, inputs: list[Tensor], output: Tensor) -> bool:
    try:
        with torch.no_grad():
            result = layer.module(*inputs)
    except RuntimeError:  # it needs that very size, so it reads it
        return True
    return not torch.equal(result if isinstance(result, Tensor) else result[0], output)


def any_size_goes_in(subject: Subject) -> None:
    height, width = frame_size(subject.model)
    for size in ((height + 1, width + 5), (height - 3, width - 1), (height * 2, width)):
        clip = make_clip(subject.model, 1, 2, size=size)
        with torch.no_grad():
            maps, _ = subject.model(clip)
        require(maps.shape[-2:] == size, f"frames of {size} gave maps of {tuple(maps.shape[-2:])}")
        require(bool(maps.isfinite().all()), f"frames of {size} gave maps that are not finite")


def it_runs_on_the_meta_device(subject: Subject) -> None:
    try:
        with torch.device("meta"):
            model = SaliencyModel(parse_spec("backbone"), subject.factory(), {})
        maps, _ = model.eval()(torch.zeros(1, 2, 3, *frame_size(model), device="meta"))
    except Exception as error:
        raise FaultError(
            f"it cannot be built or run without weights ({one_line(error)}): shapes are described on the meta device, "
            "so read no values while building or running, and make tensors with device=x.device or as buffers"
        ) from error
    require(maps.device.type == "meta", "it makes tensors on a device of its own choice")


def frames_are_independent(subject: Subject) -> None:
    if subject.own:
        raise NotApplicableError("it has temporal modules of its own")
    model = copy.deepcopy(subject.model).double()
    clip = make_clip(model, 1, 4)
    with torch.no_grad():
        together, _ = model(clip)
        backwards, _ = model(clip.flip(1))
    fault = "a frame's map differs by {:.1e} beside other frames: a layer mixes frames, or keeps something"
    for maps in (stream(model, clip), backwards.flip(1)):
        require_same(maps, together, fault)


def it_is_deterministic(subject: Subject) -> None:
    clip = make_clip(subject.model, 1, 2)
    maps = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        with torch.no_grad():
            maps.append(subject.model(clip)[0])
    require(torch.equal(*maps), "two runs in eval() differ: nothing may be drawn at random there")
    torch.manual_seed(5)
    one = subject.factory().state_dict()
    torch.manual_seed(5)
    other = subject.factory().state_dict()
    require(
        one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one),
        "two made after torch.manual_seed(5) have different weights: draw them with torch's generator",
    )


def nothing_is_written_on(subject: Subject) -> None:
    versions: list[tuple[str, Tensor, int]] = []
    handles = []
    for layer in subject.backbone.layers:

        def note(_module: nn.Module, inputs: tuple[Tensor, ...], name: str = layer.name) -> None:
            versions.extend((name, tensor, tensor._version) for tensor in inputs)

        handles.append(layer.module.register_forward_pre_hook(note))
    with torch.no_grad():
        subject.model(make_clip(subject.model, 1, 2))
    for handle in handles:
        handle.remove()
    for name, tensor, version in versions:
        require(
            tensor._version == version,
            f"what enters layer {name} is written on, by it or later, but links and modules read it (inplace=True?)",
        )


def every_parameter_learns(subject: Subject) -> None:
    if subject.backbone.training_free:
        raise NotApplicableError("it is training-free")
    model = copy.deepcopy(subject.model)
    for source in (*model.backbone.sources, None):
        model.backbone.select_source(source)
        train_mode(model)
        maps, _ = model(make_clip(model, 1, 2))
        (maps * torch.rand(maps.shape)).sum().backward()
    for name, parameter in model.backbone.named_parameters():
        require(
            not parameter.requires_grad or parameter.grad is not None,
            f"parameter {name} gets no gradient: use it, or do not make it",
        )


def weights_are_saved_and_loaded(subject: Subject) -> None:
    torch.manual_seed(99)
    other = SaliencyModel(parse_spec("backbone"), subject.factory(), {}).eval()
    other.backbone.load_state_dict(subject.backbone.state_dict())
    clip = make_clip(subject.model, 1, 2)
    with torch.no_grad():
        fault = "after the state dict is loaded, maps differ by {:.1e}: keep what decides them there"
        require_same(other(clip)[0], subject.model(clip)[0], fault, 0)


def sources_come_and_go(subject: Subject) -> None:
    backbone = subject.backbone
    if not backbone.sources:
        raise NotApplicableError("it has no sources")
    require(
        type(backbone).select_source is not Backbone.select_source,
        f"it states the sources {', '.join(backbone.sources)}, but select_source does nothing: override it",
    )
    clip = make_clip(subject.model, 1, 2)
    with torch.no_grad():
        before, _ = subject.model(clip)
        for source in backbone.sources:
            backbone.select_source(source)
            maps, _ = subject.model(clip)
            require(bool(maps.isfinite().all()), f"as the network of {source}, maps are not finite")
        backbone.select_source(None)
        after, _ = subject.model(clip)
    require(torch.equal(before, after), "after select_source(None) maps differ from those before other sources")


def temporal_modules_stream_on_it(subject: Subject) -> None:
    layers = subject.backbone.layers
    places = {*subject.backbone.landmarks.values(), len(layers)}
    for position in sorted(place for place in places if place == len(layers) or layers[place].temporal is None):
        channels = subject.backbone.channels_into(position), subject.backbone.channels_out_of(position)
        model = compose(subject.factory(), {position: EMA(*channels, alpha=0.4)}).double()
        clip = make_clip(model, 1, 3)
        with torch.no_grad():
            fault = f"with an EMA at {position}, a clip and its frames streamed differ by {{:.1e}}"
            require_same(stream(model, clip), model(clip)[0], fault)


def preprocessing_is_sound(subject: Subject) -> None:
    found = subject.backbone.preprocessing
    for name, size in (("size", found.size), ("fixed_size", found.fixed_size or (1, 1))):
        require(
            len(size) == 2 and all(isinstance(side, int) and side > 0 for side in size),
            f"preprocessing.{name} is {size}; it is (height, width) in pixels",
        )
    require(found.channel_order in ("bgr", "rgb"), f"preprocessing.channel_order is {found.channel_order!r}")
    require(all(value > 0 for value in found.std), f"preprocessing.std is {found.std}; it must be positive")
    require(
        not 0 < max(found.mean) <= 1 and max(found.std) >= 1,
        f"preprocessing has mean {found.mean} and std {found.std}, which belong to values 0–1; those of frames are "
        "0–255, so multiply by 255",
    )
    require(
        all(0 <= value <= 255 for value in found.mean), f"preprocessing.mean is {found.mean}; it is on the scale 0–255"
    )


CHECKS: tuple[Callable[[Subject], None], ...] = (
    layers_have_the_shapes_they_state,
    the_last_layer_gives_maps,
    landmarks_are_where_they_belong,
    links_are_read,
    preprocessing_is_sound,
    any_size_goes_in,
    it_runs_on_the_meta_device,
    frames_are_independent,
    *over_time.CHECKS,
    it_is_deterministic,
    nothing_is_written_on,
    every_parameter_learns,
    weights_are_saved_and_loaded,
    sources_come_and_go,
    temporal_modules_stream_on_it,
)
