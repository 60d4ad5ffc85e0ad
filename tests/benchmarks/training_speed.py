"""Clips at once against frame by frame: ``python tests/benchmarks/training_speed.py [SPEC] [--device cuda]``.

Takes training steps (forward, binary cross-entropy, backward) of the same network on the same clip of 10 frames at
192×256 in turn: all frames at once, as salzoo does, and one frame after the other with the state carried, as the
published code does. Prints frames a second of the medians, their ratio and the peak memory on a GPU.
"""

import argparse
import statistics
import time

import torch
from torch.nn import functional as F

from salzoo.model import SaliencyModel, create_model
from salzoo.runtime.devices import choose_device, fast_precision

FRAMES = 10


def take_step(model: SaliencyModel, clip: torch.Tensor, at_once: bool, precision: str) -> float:
    """Seconds that one step takes."""
    if clip.device.type == "cuda":
        torch.cuda.synchronize()
    began = time.perf_counter()
    with torch.autocast(clip.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        if at_once:
            maps, _ = model(clip)
        else:
            state, single = None, []
            for frame in clip.split(1, dim=1):
                map_, state = model(frame, state)
                single.append(map_)
            maps = torch.cat(single, 1)
    F.binary_cross_entropy(maps.float(), torch.full_like(maps, 0.3, dtype=torch.float32)).backward()
    model.zero_grad()
    if clip.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("spec", nargs="?", default="salgan+ema@61")
    parser.add_argument("--device")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=int, nargs=2, default=(192, 256))
    arguments = parser.parse_args()
    device = choose_device(arguments.device)
    precision = fast_precision(device)
    model = create_model(arguments.spec).to(device)
    clip = torch.randn(1, FRAMES, 3, *arguments.size, device=device)
    times: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(arguments.rounds + 1):
        for at_once in times:
            times[at_once].append(take_step(model, clip, at_once, precision))
    rates = {at_once: FRAMES / statistics.median(taken[1:]) for at_once, taken in times.items()}
    print(f"{arguments.spec}, {device}, {precision}: {rates[True]:.2f} frames/s at once, ", end="")
    print(f"{rates[False]:.2f} frame by frame, ratio {rates[True] / rates[False]:.2f}")
    if device.type == "cuda":
        print(f"peak memory {torch.cuda.max_memory_allocated() / 2**30:.2f} GiB")


if __name__ == "__main__":
    main()
