"""A copy of a model made ready for inference: batch norms folded into convolutions, weights in channels-last order."""

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from salzoo.model import SaliencyModel, channels_last

_CONVOLUTIONS, _NORMS = (nn.Conv2d, nn.Conv3d), (nn.BatchNorm2d, nn.BatchNorm3d)

FOLDING_TOLERANCE = 1e-4
"""Largest difference of a map that folding may make; a copy that differs more is thrown away."""


def prepare_for_inference(model: SaliencyModel) -> SaliencyModel:
    """A copy of a model, in evaluation mode, that gives the same maps to rounding, faster. The model stays as it is."""
    folded = _folded(model)
    prepared = copy.deepcopy(model) if folded is None else folded
    return channels_last(prepared.eval().requires_grad_(False))


@torch.no_grad()
def _folded(model: SaliencyModel) -> SaliencyModel | None:
    """A copy whose batch norms are folded into the convolutions whose outputs alone they read; None where there are
    none, or where the network reads these outputs elsewhere too, which a comparison on one frame of noise tells."""
    if not any(isinstance(module, _NORMS) for module in model.modules()):
        return None
    folded = copy.deepcopy(model).eval()
    height, width = folded.preprocessing.fixed_size or (2 * folded.backbone.stride,) * 2
    generator = torch.Generator().manual_seed(0)
    noise = torch.randint(0, 256, (1, height, width, 3), generator=generator, dtype=torch.uint8)
    frame = folded.preprocess(noise.numpy())
    wanted = folded(frame)[0]
    for name, convolution_name, convolution, norm in _pairs(folded, frame):
        _replace(folded, convolution_name, fuse_conv_bn_eval(convolution, norm))
        # timm's batch norms bring the activation behind them along
        behind = [getattr(norm, part) for part in ("drop", "act") if isinstance(getattr(norm, part, None), nn.Module)]
        _replace(folded, name, nn.Sequential(*behind))
    try:
        difference = (folded(frame)[0] - wanted).abs().max().item()
    except (RuntimeError, AttributeError, TypeError):  # a block that looks into its norm
        return None
    return folded if difference <= FOLDING_TOLERANCE else None


def _pairs(model: SaliencyModel, frame: Tensor) -> list[tuple[str, str, Any, Any]]:
    """Batch norms, by name, with the convolutions whose outputs they read, each called once on a frame."""
    names = {module: name for name, module in model.named_modules()}
    outputs: list[tuple[Tensor, nn.Module]] = []
    pairs: list[tuple[nn.Module, nn.Module]] = []
    calls: dict[nn.Module, int] = {}

    def note(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        calls[module] = calls.get(module, 0) + 1
        if isinstance(module, _CONVOLUTIONS):
            outputs.append((output, module))
        elif isinstance(module, _NORMS):
            pairs.extend((made_by, module) for tensor, made_by in outputs if tensor is inputs[0])

    kinds = (*_CONVOLUTIONS, *_NORMS)
    hooks = [module.register_forward_hook(note) for module in model.modules() if isinstance(module, kinds)]
    model(frame)
    for hook in hooks:
        hook.remove()
    return [
        (names[norm], names[convolution], convolution, norm)
        for convolution, norm in pairs
        if calls[convolution] == calls[norm] == 1
        and type(convolution).forward in (nn.Conv2d.forward, nn.Conv3d.forward)
    ]


def _replace(model: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, last = name.rpartition(".")
    setattr(model.get_submodule(parent), last, module)
