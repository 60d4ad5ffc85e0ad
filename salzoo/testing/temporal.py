"""What a temporal module must keep: streaming, causality, state, batches, gradients, precision, sizes."""

import copy
import functools
from collections.abc import Callable

import torch
from torch import Tensor, nn

from salzoo.interfaces import State, map_state
from salzoo.model import SaliencyModel
from salzoo.testing.composing import (
    check_signature,
    find_factory,
    frame_size,
    largest_difference,
    make_clip,
    require_causal,
    require_new_start,
    require_same,
    stream,
)
from salzoo.testing.placing import Placed, Subject, find_places
from salzoo.testing.report import FaultError, NotApplicableError, Report, Suite, require

LONG = 20
"""Frames of a long clip: more than any that training cuts, and than most windows."""


def check_temporal(module: str | Callable[..., nn.Module], **params: bool | int | float | str) -> Report:
    """Check a temporal module at several positions of several backbones.

    Args:
        module: a registered component ("convgru:hidden=8"), or the factory itself: ``temporal(in_channels,
            out_channels, **params)``.
        params: parameters for the factory.

    Returns:
        What was checked. Raises ConformanceError with every finding when something failed.
    """
    return temporal_suite(module, **params).enforce()


def temporal_suite(module: str | Callable[..., nn.Module], **params: bool | int | float | str) -> Suite[Subject]:
    """The checks of ``check_temporal``, to be run one by one: its ``cases()`` are for ``pytest.mark.parametrize``."""
    name = module if isinstance(module, str) else getattr(module, "__name__", str(module))

    def make() -> Subject:
        check_signature("temporal", module)
        factory = find_factory("temporal", module, params)
        places = tuple(find_places(factory))
        return Subject(factory, places)

    return Suite("temporal module", name, make, CHECKS)


def at_each_place(check: Callable[[Placed], None]) -> Callable[[Subject], None]:
    """A check of a module at one place, tried at all; its findings begin with the place."""

    @functools.wraps(check)
    def run(subject: Subject) -> None:
        for place in subject.places:
            try:
                check(place)
            except FaultError as fault:
                raise FaultError(f"at {place.where}, {fault}") from fault

    return run


@at_each_place
@torch.no_grad()
def maps_have_the_clips_size_and_range(place: Placed) -> None:
    stride = place.model.backbone.stride
    height, width = frame_size(place.model)
    for size in ((height, width), (height + 1, width + 3), (stride, 2 * stride)):
        for frames in (1, 3):
            clip = make_clip(place.model, 2, frames, size=size)
            maps, _ = place.model(clip)
            given = tuple(clip.shape)
            require(maps.shape == (2, frames, 1, *size), f"a clip {given} gave maps {tuple(maps.shape)}")
            low, high = float(maps.min()), float(maps.max())
            require(
                low >= 0 and high <= 1,
                f"maps lie in [{low:.3g}, {high:.3g}], not in [0, 1]: declare acts_on truthfully ('input', 'output' or "
                "'both'), and act on the output alone only by averaging",
            )


@at_each_place
@torch.no_grad()
def a_clip_equals_its_frames_streamed(place: Placed) -> None:
    for dtype, tolerance in ((torch.float64, 1e-9), (torch.float32, 1e-4)):
        model = copy.deepcopy(place.model).to(dtype)
        clip = make_clip(model, 2, 5)
        maps, _ = model(clip)
        for lengths in ([1] * 5, [2, 3], [4, 1]) if dtype is torch.float64 else ([1] * 5,):
            difference = largest_difference(stream(model, clip, lengths), maps)
            if difference > tolerance:
                raise FaultError(
                    f"a clip of 5 frames and the same in clips of {lengths} differ by {difference:.1e} in {dtype} "
                    f"(allowed {tolerance:g}): {_why_not_streamed(model, clip)}"
                )


def _why_not_streamed(model: SaliencyModel, clip: Tensor) -> str:
    _, state = model(clip[:, :2])
    went_on, _ = model(clip[:, 2:3], state)
    anew, _ = model(clip[:, 2:3])
    if largest_difference(went_on, anew) == 0:
        return "`state` is ignored: start from it where it is not None, and return what the next clip needs"
    return "the state must carry all that later frames depend on, and no frame may depend on the clip's length"


@at_each_place
@torch.no_grad()
def long_videos_stream(place: Placed) -> None:
    model = copy.deepcopy(place.model).double()
    clip = make_clip(model, 1, LONG)
    maps, last = model(clip)
    _, first = model(clip[:, :2])
    require(bool(maps.isfinite().all()), f"{LONG} frames give maps that are not finite")
    for lengths in ([1] * LONG, [10] * (LONG // 10)):
        require_same(
            stream(model, clip, lengths),
            maps,
            f"a clip of {LONG} frames and the same in clips of {lengths[0]} differ by {{:.1e}}: a window must be as "
            "long within a clip as it is in the state",
        )
    require(
        [tensor.shape for tensor in _tensors(last)] == [tensor.shape for tensor in _tensors(first)],
        f"the state after {LONG} frames has another shape than after 2: it must not grow",
    )


@at_each_place
def no_frame_depends_on_later_ones(place: Placed) -> None:
    require_causal(copy.deepcopy(place.model).double())


@at_each_place
@torch.no_grad()
def nothing_is_kept_on_the_module(place: Placed) -> None:
    clip, other = make_clip(place.model, 1, 3), make_clip(place.model, 1, 3, seed=5)
    model, fresh = copy.deepcopy(place.model), copy.deepcopy(place.model)
    model(other)
    after_another, state = model(clip)
    alone, fresh_state = fresh(clip)
    model(other)
    went_on, _ = model(clip, state)
    went_on_alone, _ = fresh(clip, fresh_state)
    require_same(
        torch.cat([after_another, went_on]),
        torch.cat([alone, went_on_alone]),
        "maps change by {:.1e} when another video was run between: state is kept on the instance; return it from "
        "forward instead, and take it from `state`",
        0,
    )
    runs = []
    for passed in (clip, other, clip):
        torch.manual_seed(0)
        runs.append(model.train()(passed)[0])
    for name, tensor in model.temporal.state_dict().items():
        require(
            not isinstance(tensor, Tensor) or torch.equal(tensor, place.model.temporal.state_dict()[name]),
            f"running a clip changed {name}: a module must keep nothing, in buffers either (in place of BatchNorm, "
            "GroupNorm or LayerNorm)",
        )
    require(
        torch.equal(runs[0], runs[2]),
        "in training, the same clip gives other maps after another video: something is kept on the instance",
    )


@at_each_place
@torch.no_grad()
def videos_of_a_batch_are_independent(place: Placed) -> None:
    model = copy.deepcopy(place.model).double()
    clip = make_clip(model, 3, 3)
    require_same(
        model(clip)[0],
        torch.cat([model(video)[0] for video in clip.split(1)]),
        "a video's maps differ by {:.1e} beside other videos of the batch: batch items are mixed (a statistic over the "
        "batch, or a reshape that swaps B and T)",
    )


@at_each_place
def the_first_frame_starts_from_nothing(place: Placed) -> None:
    require_new_start(copy.deepcopy(place.model).double())


@at_each_place
@torch.no_grad()
def state_is_tensors_with_the_batch_first(place: Placed) -> None:
    _, (state,) = place.model(make_clip(place.model, 3, 2))
    for tensor in _tensors(state):
        require(
            tensor.dim() >= 1 and tensor.shape[0] == 3,
            f"a state tensor has shape {tuple(tensor.shape)} for a batch of 3: the batch comes first",
        )


def _tensors(state: State) -> list[Tensor]:
    if state is None:
        return []
    if isinstance(state, Tensor):
        return [state]
    require(type(state) is tuple, f"the state holds a {type(state).__name__}: it may hold tuples and tensors")
    return [tensor for item in state for tensor in _tensors(item)]


def state_can_be_detached(subject: Subject) -> None:
    model = subject.model.double().train()
    clip = make_clip(model, 1, 2)
    torch.manual_seed(0)
    _, state = model(clip)
    state = map_state(Tensor.detach, state)
    maps, _ = model(clip, state)
    maps.mean().backward()
    require(not any(each.requires_grad for each in _tensors(state)), "a detached state still asks for gradients")


@torch.no_grad()
def state_follows_the_device(subject: Subject) -> None:
    """On the meta device, which every machine has: a tensor made on another device would not mix with it."""
    for device in ["meta", *(["cuda"] if torch.cuda.is_available() else [])]:
        model = subject.model.to(device)
        clip = make_clip(model, 1, 2).to(device)
        try:
            _, state = model(clip)
            _, state = model(clip, state)
        except (RuntimeError, NotImplementedError) as error:
            raise FaultError(
                f"on device {device} it fails ({str(error).splitlines()[0]}): make new tensors with x.new_zeros or "
                "device=x.device, and read no values in Python; torch.autocast does not know the device meta, so "
                "widen what must be float32 with x.to(torch.promote_types(x.dtype, torch.float32)) in its place"
            ) from error
        for tensor in _tensors(state):
            require(
                tensor.device.type == device,
                f"a state tensor lies on {tensor.device} while the clip is on {device}: make it with x.new_zeros",
            )


def every_parameter_learns(subject: Subject) -> None:
    named = {name for name, parameter in subject.model.temporal.named_parameters() if parameter.requires_grad}
    if not named:
        raise NotApplicableError("it has no parameters")
    learning: set[str] = set()
    for place in subject.places:
        model = copy.deepcopy(place.model).train()
        torch.manual_seed(0)
        maps, _ = model(make_clip(model, 2, LONG if place is subject.places[-1] else 3))
        (maps * torch.rand(maps.shape)).sum().backward()
        for name, parameter in model.temporal.named_parameters():
            if parameter.grad is not None:
                finite = bool(parameter.grad.isfinite().all())
                require(finite, f"at {place.where}, the gradient of {name} is not finite")
                if bool((parameter.grad != 0).any()):
                    learning.add(name.partition(".")[2])
    idle = sorted({name.partition(".")[2] for name in named} - learning)
    require(not idle, f"parameters without gradient from {LONG} frames: {', '.join(idle)}; use them, or make them not")


def gradients_reach_the_layers_below(subject: Subject) -> None:
    model = subject.model.train()
    clip = make_clip(model, 1, 3).requires_grad_()
    maps, _ = model(clip)
    maps.sum().backward()
    require(clip.grad is not None, "no gradient reaches the frames: something is detached on the way")
    assert clip.grad is not None
    require(bool(clip.grad.isfinite().all()), "the gradient that reaches the frames is not finite")
    for frame in range(3):
        require(bool((clip.grad[:, frame] != 0).any()), f"no gradient reaches frame {frame}")


@at_each_place
@torch.no_grad()
def what_enters_is_left_as_it_is(place: Placed) -> None:
    model = copy.deepcopy(place.model)
    versions: list[tuple[Tensor, int]] = []
    (module,) = model.temporal.values()

    def note(_module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        versions.append((inputs[0], inputs[0]._version))

    module.register_forward_pre_hook(note)
    clip = make_clip(model, 1, 2)
    _, state = model(clip)
    before = map_state(Tensor.clone, state)
    model(clip, state)
    unwritten = all(tensor._version == version for tensor, version in versions)
    require(unwritten, "it writes on its input: links may read that tensor too")
    require(
        all(map(torch.equal, _tensors(state), _tensors(before))),
        "it writes on the state that it was given: make new tensors",
    )


@at_each_place
@torch.no_grad()
def state_stays_float32_under_autocast(place: Placed) -> None:
    clip = make_clip(place.model, 1, 4)
    exact, _ = place.model(clip)
    with torch.autocast("cpu", torch.bfloat16):
        maps, state = place.model(clip)
        place.model(clip, state)
    for tensor in _tensors(state):
        require(
            tensor.dtype is torch.float32 or not tensor.is_floating_point(),
            f"a state tensor is {tensor.dtype} under autocast: errors would add up over a video; compute it in float32",
        )
    difference = float((maps - exact).abs().mean())  # the layers' own rounding reaches 0.2 at single pixels
    require(difference < 0.05, f"maps under autocast (bfloat16) differ by {difference:.2g} on average from float32's")


@torch.no_grad()
def weights_are_saved_and_loaded(subject: Subject) -> None:
    model = subject.model
    (position,) = map(int, model.temporal)
    channels = model.backbone.channels_into(position), model.backbone.channels_out_of(position)
    torch.manual_seed(99)
    other = subject.factory(*channels).eval()
    clip = make_clip(model, 1, 3)
    wanted, _ = model(clip)
    other.load_state_dict(model.temporal[str(position)].state_dict())
    model.temporal[str(position)] = other
    require_same(
        model.at_rate(25)(clip)[0],
        wanted,
        "after its state dict is loaded into a new one, maps differ by {:.1e}: what decides the maps must be a "
        "parameter, a buffer or a parameter of the factory",
        0,
    )


@at_each_place
@torch.no_grad()
def evaluation_is_deterministic(place: Placed) -> None:
    clip = make_clip(place.model, 1, 3)
    torch.manual_seed(1)
    one, _ = place.model(clip)
    torch.manual_seed(2)
    other, _ = place.model(clip)
    require(torch.equal(one, other), "two runs in eval() differ: nothing may be drawn at random there")


CHECKS: tuple[Callable[[Subject], None], ...] = (
    evaluation_is_deterministic,
    maps_have_the_clips_size_and_range,
    nothing_is_kept_on_the_module,
    no_frame_depends_on_later_ones,
    a_clip_equals_its_frames_streamed,
    long_videos_stream,
    videos_of_a_batch_are_independent,
    the_first_frame_starts_from_nothing,
    state_is_tensors_with_the_batch_first,
    state_can_be_detached,
    state_follows_the_device,
    every_parameter_learns,
    gradients_reach_the_layers_below,
    what_enters_is_left_as_it_is,
    state_stays_float32_under_autocast,
    weights_are_saved_and_loaded,
)
