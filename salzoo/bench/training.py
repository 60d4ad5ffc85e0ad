"""A training step: a clip at once against frame by frame, and what temporal modules add."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch.nn import functional as F

from salzoo.bench.measuring import Table, time_in_turn
from salzoo.model import SaliencyModel, create_model
from salzoo.runtime.devices import fast_precision, flushed_denormals

FRAMES = 10
"""Frames of a clip, as in SalEMA's training."""


def bench_training(
    specs: Sequence[str],
    device: torch.device,
    size: tuple[int, int] | None = None,
    precision: str | None = None,
    *,
    rounds: int = 5,
) -> Table:
    """Time steps (forward, binary cross-entropy, backward) on one clip of ten frames.

    The first spec is also run frame by frame, with the state carried, as the published code does.

    Args:
        specs: models, with fresh weights.
        device: where to.
        size: (height, width) of the frames; by default each model's own.
        precision: "float32" or "bfloat16"; by default the device's fast one.
        rounds: how often each is timed.
    """
    precision = precision or fast_precision(device)
    variants: dict[str, Callable[[], None]] = {}
    for index, spec in enumerate(specs):
        model = create_model(spec).to(device)
        if size is not None:
            model.preprocessing = replace(model.preprocessing, size=size)
        clip = torch.rand(1, FRAMES, 3, *model.preprocessing.size, device=device)
        if not index:
            variants[f"{spec}, frame by frame"] = _step(model, clip, precision, at_once=False)
        variants[f"{spec}, clip at once"] = _step(model, clip, precision, at_once=True)
    with flushed_denormals():
        rows = time_in_turn(variants, rounds=rounds, units=FRAMES)
    return Table(f"training steps on clips of {FRAMES} frames, {precision}", "frame", rows)


def _step(model: SaliencyModel, clip: torch.Tensor, precision: str, *, at_once: bool) -> Callable[[], None]:
    def run() -> None:
        with torch.autocast(clip.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            if at_once:
                maps = model(clip)[0]
            else:
                state: Any = None
                single = []
                for frame in clip.split(1, dim=1):
                    map_, state = model(frame, state)
                    single.append(map_)
                maps = torch.cat(single, 1)
        maps = model.as_maps(maps.float())
        F.binary_cross_entropy(maps.clamp(0, 1), torch.full_like(maps, 0.3)).backward()
        model.zero_grad()
        if clip.device.type == "cuda":
            torch.cuda.synchronize()

    return run
