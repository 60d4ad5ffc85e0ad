"""What a backbone with temporal modules of its own must keep (``Layer.temporal``), one function a check."""

import copy
from collections.abc import Callable

import torch
from torch import Tensor

from salzoo.interfaces import State, state_tensors
from salzoo.model import SaliencyModel
from salzoo.testing.composing import (
    BackboneSubject,
    largest_difference,
    make_clip,
    require_causal,
    require_new_start,
    require_same,
    stream,
)
from salzoo.testing.report import NotApplicableError, require

LONGEST = 40
"""Frames back to which windows are tried out whole."""


def clips_equal_their_frames_streamed(subject: BackboneSubject) -> None:
    model = _with_own_modules(subject)
    clip = make_clip(model, 1, min(_reach(subject) or 7, LONGEST) + 2)
    with torch.no_grad():
        maps, last = model(clip)
        _, first = model(clip[:, :1])
    require_same(
        stream(model, clip),
        maps,
        f"a clip of {clip.shape[1]} frames and the same one by one differ by {{:.1e}}: the state must carry all that "
        "later frames depend on, move on with every frame, and not depend on the clip's length",
    )
    require(
        [tensor.shape for tensor in state_tensors(last)] == [tensor.shape for tensor in state_tensors(first)],
        f"the state after {clip.shape[1]} frames has another shape than after one: it must not grow",
    )


def no_frame_depends_on_later_ones(subject: BackboneSubject) -> None:
    require_causal(_with_own_modules(subject))


def windows_are_as_long_as_they_say(subject: BackboneSubject) -> None:
    model = _with_own_modules(subject)
    reach = _reach(subject)
    if reach is None:
        raise NotApplicableError("a module of its own states no length")
    clip, other = (make_clip(model, 1, reach + 1, seed=seed) for seed in (1, 7))

    def last_map(frames: Tensor) -> Tensor:
        with torch.no_grad():
            return model(frames[:, -1:], stream_state(frames[:, :-1]))[0]  # type: ignore[no-any-return]

    def stream_state(frames: Tensor) -> State:
        state: State = None
        for frame in frames.split(1, dim=1):
            state = model.prime(frame, state)
        return state

    wanted = last_map(clip)
    for back, depends in ((reach - 1, True), (reach, False)):
        changed = clip.clone()
        changed[:, reach - back] = other[:, 0]
        difference = largest_difference(last_map(changed), wanted)
        require(
            (difference > 0) == depends,
            f"windows state that a map depends on {reach} frames, but it {'does not depend' if depends else 'depends'} "
            f"on the frame {back} back: state the length that they have",
        )


def videos_start_anew(subject: BackboneSubject) -> None:
    require_new_start(_with_own_modules(subject))


def priming_gives_the_state_that_running_gives(subject: BackboneSubject) -> None:
    model = _with_own_modules(subject)
    clip = make_clip(model, 1, 3)
    with torch.no_grad():
        _, wanted = model(clip)
    for one, other in zip(state_tensors(model.prime(clip)), state_tensors(wanted), strict=True):
        require_same(one, other, "the state of prime differs from that of forward by {:.1e}")


def stills_pass_by(subject: BackboneSubject) -> None:
    model = _with_own_modules(subject)
    clip = make_clip(model, 1, 2)
    with torch.no_grad():
        together, _ = model(clip, bypass=True)
        alone = torch.cat([model(frame, bypass=True)[0] for frame in clip.split(1, dim=1)], 1)
    fault = "as stills, a frame's map differs by {:.1e} beside other frames: a layer mixes frames, or a module without "
    require_same(together, alone, fault + "`always` is needed")


def _with_own_modules(subject: BackboneSubject) -> SaliencyModel:
    if not subject.own:
        raise NotApplicableError("it has no temporal modules of its own")
    return copy.deepcopy(subject.model).double()


def _reach(subject: BackboneSubject) -> int | None:
    """Frames that a map depends on, its own among them; None where a module does not say."""
    lengths = [getattr(module, "length", None) for module in subject.own]
    return None if None in lengths else 1 + sum(int(length) - 1 for length in lengths if length is not None)


CHECKS: tuple[Callable[[BackboneSubject], None], ...] = (
    clips_equal_their_frames_streamed,
    no_frame_depends_on_later_ones,
    windows_are_as_long_as_they_say,
    videos_start_anew,
    priming_gives_the_state_that_running_gives,
    stills_pass_by,
)
