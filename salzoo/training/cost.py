"""What a training run takes, known before it begins: runs that cannot be are refused at once."""

import math
from collections.abc import Sequence

import torch

from salzoo.footprint import free_memory, in_words, layer_bytes, weight_bytes
from salzoo.interfaces import Dataset, SalzooError
from salzoo.model import SaliencyModel
from salzoo.runtime.memory import available_memory, check_memory
from salzoo.training.recipe import Recipe

_MOMENTS = {"adam": 2, "adamw": 2, "adagrad": 1, "sgd": 0, "nesterov": 1}
"""Tensors that optimisers keep of each weight."""


def check_cost(model: SaliencyModel, datasets: Sequence[Dataset], recipe: Recipe, device: torch.device) -> None:
    """Raise SalzooError where a run cannot fit into memory, or would end before its first step.

    Args:
        model: what is trained.
        datasets: what it is trained on.
        recipe: how.
        device: where.
    """
    videos = [video for data in datasets for video in data.split("train")]
    lengths = [video.frames for video in videos]
    whole = recipe.epochs * sum(lengths)
    whole = min(whole, recipe.frames) if recipe.frames else whole
    if recipe.accumulate > max(1, whole):
        raise SalzooError(
            f"a step of {recipe.accumulate:,} batches (accumulate) is more than the run's {whole:,} frames: lower "
            "--accumulate"
        )
    clips = recipe.batch * min(recipe.clip_length, max(lengths, default=0)) if max(lengths, default=0) > 1 else 0
    stills = recipe.still_batch if recipe.stills or 1 in lengths else 0
    frames = max(clips, stills)
    size = (recipe.size[0], recipe.size[1]) if recipe.size else model.preprocessing.size
    layers = layer_bytes(model.backbone, size)
    activations = 2 * max(layers) if recipe.checkpoint_activations else sum(layers)
    copies = 2 + _MOMENTS[recipe.optimizer] + bool(recipe.average)  # with their gradients
    needed = copies * weight_bytes(model) + frames * activations
    advice = "lower --batch, --clip-length, --size or the model's width"
    check_memory(needed, f"training {model.spec} at {in_words(size)}", advice, free_memory(device))
    held = 3 * frames * math.prod(size) * 8  # batches that are read ahead: BGR, density, fixations
    what = f"reading {frames:,} frames at {in_words(size)} for a batch"
    check_memory(held, what, advice, available_memory())
