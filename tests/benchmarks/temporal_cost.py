"""What temporal modules add to a training step: ``python tests/benchmarks/temporal_cost.py``.

Prints milliseconds of a step (forward, backward) of each model on one clip, taken in turn, and the ratio of the medians
to the model without a temporal module.
"""

import statistics
import time

import torch

from salzoo.model import SaliencyModel, create_model

SPECS = ("salgan", "salgan+ema@61", "salgan+ema@30", "salgan+ema@1", "salgan+convlstm@30")
ROUNDS = 7


def take_step(model: SaliencyModel, clip: torch.Tensor) -> float:
    """Seconds that one step takes."""
    began = time.perf_counter()
    maps, _ = model(clip)
    maps.sum().backward()
    model.zero_grad()
    return time.perf_counter() - began


def main() -> None:
    models = {spec: create_model(spec) for spec in SPECS}
    clip = torch.randn(1, 10, 3, 48, 64)
    for model in models.values():
        take_step(model, clip)
    times: dict[str, list[float]] = {spec: [] for spec in SPECS}
    for _ in range(ROUNDS):
        for spec, model in models.items():
            times[spec].append(take_step(model, clip))
    base = statistics.median(times["salgan"])
    for spec, taken in times.items():
        median = statistics.median(taken)
        print(f"{spec:20} {1000 * median:8.1f} ms   {median / base:.3f} of salgan's step")


if __name__ == "__main__":
    main()
