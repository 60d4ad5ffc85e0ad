"""A copy of a model made ready for inference: batch norms folded into convolutions, weights in channels-last order; on
the CPU in the order that its instructions take them, with activations in the same pass."""

import copy
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from salzoo.interfaces import Backbone
from salzoo.model import SaliencyModel, channels_last

_CONVOLUTIONS, _NORMS = (nn.Conv2d, nn.Conv3d), (nn.BatchNorm2d, nn.BatchNorm3d)

FOLDING_TOLERANCE = 1e-4
"""Largest difference of a map that folding may make; a copy that differs more is thrown away."""


def prepare_for_inference(model: SaliencyModel) -> SaliencyModel:
    """A copy of a model, in evaluation mode, that gives the same maps to rounding, faster. The model stays as it is."""
    prepared = copy.deepcopy(model).eval().requires_grad_(False)
    for own in (False, True):  # a convolution of a class of its own may not look at its weight as it is
        _replace_if_same(prepared, partial(_find_folded, own=own))
    return channels_last(prepared)


def pack_convolutions(prepared: SaliencyModel) -> SaliencyModel:
    """Make a prepared model's convolutions, those of its backbone, ``PackedConvolution`` where it is on the CPU."""
    if prepared.device.type == "cpu" and torch.backends.mkldnn.is_available():
        _replace_if_same(prepared, _find_packed)
    return prepared


_KEPT = 2
"""Sizes of input whose weights a convolution keeps in order: an adapted network runs at two in turn."""


class PackedConvolution(nn.Module):
    """A convolution whose weights oneDNN has put in order once, for an input's size and autocast's precision, rather
    than at each call, and the activation that reads it. These are the operations that ``torch.compile`` takes on CPUs.

    Args:
        convolution: the convolution.
        activation: what behind it is computed with it; None for nothing.
    """

    def __init__(self, convolution: nn.Conv2d, activation: nn.Module | None) -> None:
        super().__init__()
        self.convolution = convolution
        self.activation = "none" if activation is None else _ACTIVATIONS[type(activation)]
        self.bounds = [activation.min_val, activation.max_val] if isinstance(activation, nn.Hardtanh) else []
        self._packed: dict[Any, tuple[Tensor, Tensor | None]] = {}

    def forward(self, x: Tensor) -> Tensor:
        x = x.to(torch.get_autocast_dtype("cpu")) if torch.is_autocast_enabled("cpu") else x
        one, operations = self.convolution, torch.ops.mkldnn
        how = (one.padding, one.stride, one.dilation, one.groups)
        wanted = x.dtype, x.shape
        if wanted not in self._packed:
            weight = operations._reorder_convolution_weight(one.weight.to(x.dtype), *how, x.shape)
            if len(self._packed) >= _KEPT:
                self._packed.pop(next(iter(self._packed)))
            self._packed[wanted] = weight, None if one.bias is None else one.bias.to(x.dtype)
        weight, bias = self._packed[wanted]
        return operations._convolution_pointwise(x, weight, bias, *how, self.activation, self.bounds, "")  # type: ignore[no-any-return]


_ACTIVATIONS: dict[type[nn.Module], str] = {
    nn.ReLU: "relu",
    nn.ReLU6: "hardtanh",
    nn.Hardtanh: "hardtanh",
    nn.SiLU: "swish",
    nn.Hardswish: "hardswish",
}
"""Activations that oneDNN computes with a convolution, by its names."""


@torch.no_grad()
def _replace_if_same(model: SaliencyModel, find: Callable[[SaliencyModel], list[tuple[str, nn.Module]]]) -> None:
    """Give a model the modules that are found for some of its names, and take them back where its maps would change: a
    network may read between two modules what is no longer there, which a comparison on one frame of noise tells."""
    height, width = model.preprocessing.fixed_size or (2 * model.backbone.stride,) * 2
    noise = torch.randint(0, 256, (1, height, width, 3), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    frame = model.preprocess(noise.numpy())
    before: list[tuple[str, nn.Module]] = []
    try:
        found = find(model)
        wanted = model(frame)[0] if found else None
        for name, module in found:
            before.append((name, model.get_submodule(name)))
            _replace(model, name, module)
        if wanted is None or (model(frame)[0] - wanted).abs().max().item() <= FOLDING_TOLERANCE:
            return
    except (RuntimeError, AttributeError, TypeError):  # a block that looks into what is gone; operations not built in
        pass
    for name, module in reversed(before):
        _replace(model, name, module)


def _find_folded(model: SaliencyModel, own: bool) -> list[tuple[str, nn.Module]]:
    """Convolutions with the batch norms folded in that read their outputs, of torch's classes or of classes of their
    own, and what is left of the norms."""
    found: list[tuple[str, nn.Module]] = []
    for name, convolution_name, convolution, norm in _pairs(model, _NORMS):
        if own != (type(convolution).forward in (nn.Conv2d.forward, nn.Conv3d.forward)):
            # timm's batch norms bring the activation behind them along
            parts = [getattr(norm, part, None) for part in ("drop", "act")]
            behind = [part for part in parts if isinstance(part, nn.Module)]
            found += [(convolution_name, fuse_conv_bn_eval(convolution, norm)), (name, nn.Sequential(*behind))]
    return found


def _find_packed(model: SaliencyModel) -> list[tuple[str, nn.Module]]:
    """The convolutions of a backbone as packed ones; modules over time may want another precision."""
    over_time = {module for each in model.modules_over_time.values() for module in each.modules()}
    behind = {
        convolution: (name, activation)
        for name, _, convolution, activation in _pairs(model, tuple(_ACTIVATIONS))
        if type(activation) in _ACTIVATIONS
    }
    convolutions = [
        (name, module)
        for name, module in model.named_modules()
        if type(module) is nn.Conv2d
        and module not in over_time
        and module.padding_mode == "zeros"
        and not isinstance(module.padding, str)
        and module.weight.dtype == torch.float32
    ]
    found: list[tuple[str, nn.Module]] = []
    for name, convolution in convolutions:
        activation_name, activation = behind.get(convolution, ("", None))
        found.append((name, PackedConvolution(convolution, activation)))
        if activation is not None:
            found.append((activation_name, nn.Identity()))
    return found


def _pairs(model: SaliencyModel, readers: tuple[type[nn.Module], ...]) -> list[tuple[str, str, Any, Any]]:
    """Modules of some kinds, by name, with the convolutions whose outputs they read, each call of the one by one of the
    other: once on a frame, or once at each size that a network is run at."""
    names = {module: name for name, module in model.named_modules()}
    outputs: list[tuple[Tensor, nn.Module]] = []
    pairs: Counter[tuple[nn.Module, nn.Module]] = Counter()
    calls: dict[nn.Module, int] = {}

    def note(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        calls[module] = calls.get(module, 0) + 1
        if isinstance(module, _CONVOLUTIONS):
            outputs.append((output, module))
        elif isinstance(module, readers):
            pairs.update((made_by, module) for tensor, made_by in outputs if tensor is inputs[0])

    kinds: tuple[type[nn.Module], ...] = (*_CONVOLUTIONS, *readers)
    hooks = [module.register_forward_hook(note) for module in model.modules() if isinstance(module, kinds)]
    height, width = model.preprocessing.fixed_size or (2 * model.backbone.stride,) * 2
    model(torch.zeros(1, 1, 3, height, width, device=model.device))
    for hook in hooks:
        hook.remove()
    return [
        (names[reader], names[convolution], convolution, reader)
        for (convolution, reader), count in pairs.items()
        if calls[convolution] == calls[reader] == count
    ]


def _replace(model: nn.Module, name: str, module: nn.Module) -> None:
    parent_name, _, last = name.rpartition(".")
    parent = model.get_submodule(parent_name)
    if isinstance(parent, Backbone):  # it runs its layers, not what bears their names
        here = getattr(parent, last)
        parent.layers = tuple(replace(each, module=module) if each.module is here else each for each in parent.layers)
    setattr(parent, last, module)
