"""All that a card says of how fast a device is: prediction, training, scoring."""

from dataclasses import replace

import torch

from salzoo.bench.inference import bench_inference, model_for_bench, read_sample
from salzoo.bench.measuring import Table
from salzoo.bench.scoring import bench_metrics
from salzoo.bench.training import bench_training
from salzoo.runtime.devices import fast_precision


def bench_device(
    name: str, device: torch.device, size: tuple[int, int] | None = None, *, rounds: int = 5
) -> list[Table]:
    """Time prediction in every precision, by frames at once, on CUDA by recorded graphs too; steps of training in
    float32 and in the device's fast precision; and the scores, which the CPU computes: of maps on the device, with
    their way.

    Args:
        name: of a model, or a spec.
        device: to measure.
        size: (height, width) of the frames; by default the model's own.
        rounds: how often each is timed.
    """
    model = model_for_bench(name, size).to(device)
    predicting = bench_inference(model, read_sample(None, model.preprocessing.size), rounds=rounds)
    if device.type != "cuda":
        predicting = replace(predicting, notes=[*predicting.notes, "CUDA: unmeasured, for this ran on no such device"])
    training = [
        bench_training([str(model.spec)], device, model.preprocessing.size, precision, rounds=rounds)
        for precision in dict.fromkeys(("float32", fast_precision(device)))
    ]
    return [predicting, *training, *bench_metrics(device, rounds=rounds)]
