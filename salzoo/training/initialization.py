"""Starting weights: from nothing, from VGG-16 on ImageNet, or from another model of the zoo."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from salzoo.gaze.truth import read_density
from salzoo.hub.sources import load_model
from salzoo.interfaces import Dataset, SalzooError
from salzoo.model import SaliencyModel
from salzoo.training.clips import normalise
from salzoo.video.resizing import resize_frame

LEAST = 1e-6
"""Standard deviation of an output, below which a layer sees nothing in single frames, as one of motion does: its
weights stay as they were drawn."""

NOISE = 0.3
"""Factor on He's noise."""


@torch.no_grad()
def initialize_from_nothing(model: SaliencyModel, frames: NDArray[np.uint8], mean_density: float = 0.5) -> None:
    """Give the backbone's convolutions weights through which images pass with their variance kept.

    A deep chain of plain convolutions does not learn in minutes from the usual random weights. Here each kernel is
    √2 times an orthogonal matrix at its centre tap (Xiao et al., "Dynamical isometry and a mean field theory of CNNs",
    ICML 2018), plus He's Gaussian noise, scaled on data, layer by layer, so that outputs have unit variance (Mishkin &
    Matas, "All you need is a good init", ICLR 2016). Biases are zero, but for that of the last convolution: the maps
    begin with the mean of the truth, so that the first steps need not teach it to every layer.

    Args:
        model: any model; only convolutions of its backbone change (in two dimensions, ungrouped ones).
        frames: (N, H, W, 3) uint8, BGR: the data to scale on, at the size the model will be trained at.
        mean_density: mean of the density maps, in (0, 1).
    """
    convolutions = [
        module
        for module in model.backbone.modules()
        if (isinstance(module, nn.Conv2d) and module.groups == 1) or isinstance(module, nn.Conv3d | nn.ConvTranspose3d)
    ]

    def rescale(module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
        scale = output.std()
        if not scale > LEAST:
            return output
        module.get_parameter("weight").div_(scale)
        output = output / scale
        if module is convolutions[-1] and module.bias is not None:
            shift = math.log(mean_density / (1 - mean_density)) - output.transpose(0, 1).flatten(1).mean(1)
            module.get_parameter("bias").copy_(shift)
            output = output + shift.view(-1, *[1] * (output.dim() - 2))
        return output

    hooks = []
    for module in convolutions:
        weight = module.weight
        nn.init.kaiming_normal_(weight, nonlinearity="relu")
        weight.mul_(NOISE)
        if module.groups == 1:
            center = weight[:, :]
            for side in module.kernel_size:
                center = center.select(2, side // 2)
            center += 2**0.5 * nn.init.orthogonal_(torch.empty(weight.shape[:2]))
        if module.bias is not None:
            nn.init.zeros_(module.bias)
        hooks.append(module.register_forward_hook(rescale))
    model(model.preprocess(frames).transpose(0, 1))  # each frame a video of its own
    for hook in hooks:
        hook.remove()


def initialize_from_data(model: SaliencyModel, data: Dataset, seed: int) -> None:
    """Give a model random weights that suit the first videos of the training split."""
    videos = data.split("train")[:8]
    size = model.preprocessing.size
    frames = [resize_frame(next(video.read_frames(0, 1)), size) for video in videos]
    density = float(np.mean([normalise(read_density(video, video.frames // 2)).mean() for video in videos]))
    torch.manual_seed(seed)  # again: the backbone starts alike whatever temporal modules were made before it
    initialize_from_nothing(model, np.stack(frames), min(max(density, 0.01), 0.5))


def initialize_from_model(model: SaliencyModel, source: str) -> None:
    """Take over the backbone of another model, tensor by tensor; temporal modules stay as they are.

    Args:
        model: the model to initialise.
        source: what ``load_model`` takes.

    Raises:
        SalzooError: when that model's backbone has other tensors, naming the first that differs.
    """
    other = load_model(source)
    given, wanted = other.backbone.state_dict(), model.backbone.state_dict()
    for name in {**wanted, **given}:
        ours, theirs = (tuple(state[name].shape) if name in state else "none" for state in (wanted, given))
        if ours != theirs:
            raise SalzooError(
                f"--init {source}: its backbone ({other.spec.backbone}) does not fit {model.spec.backbone}: "
                f"tensor {name} has shape {theirs}, not {ours}"
            )
    model.backbone.load_state_dict(given)
    model.preprocessing, model.trained_on = other.preprocessing, other.trained_on
