"""Backbones, weights and clips on which components are tried out."""

import inspect
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from salzoo.footprint import check_weights
from salzoo.interfaces import Backbone, Layer, Preprocessing, SalzooError, State
from salzoo.model import SaliencyModel
from salzoo.plugins import registry
from salzoo.registry import Kind
from salzoo.spec import check_params, parse_component, parse_spec
from salzoo.testing.report import FaultError, require
from salzoo.training.initialization import initialize_from_nothing


class SmallUNet(Backbone):
    """Eight layers with a link of each kind: a decoder layer reads a position, another a side output."""

    def __init__(self) -> None:
        layers = [
            Layer("stem", nn.Conv2d(3, 8, 3, padding=1), 8, 1),
            Layer("down1", nn.Conv2d(8, 12, 3, stride=2, padding=1), 12, 2),
            Layer("down2", _Split(12, 16), 16, 4),
            Layer("decode1", nn.Conv2d(16, 12, 3, padding=1), 12, 4),
            Layer("up1", _Join(12 + 8, 12), 12, 2, links=((2, 0),)),
            Layer("up2", _Join(12 + 8, 8), 8, 1, links=(0,)),
            Layer("score", nn.Conv2d(8, 1, 1), 1, 1),
            Layer("sigmoid", nn.Sigmoid(), 1, 1),
        ]
        super().__init__(
            layers, landmarks={"bottleneck": 3, "output": 7}, preprocessing=Preprocessing((32, 48), std=(64, 64, 64))
        )


class _Split(nn.Module):
    """A layer with a side output, at twice its own size."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.side = nn.Conv2d(in_channels, 8, 1)
        self.down = nn.Conv2d(in_channels, out_channels, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> tuple[Tensor, tuple[Tensor]]:
        return F.relu(self.down(x)), (self.side(x),)


class _Join(nn.Module):
    """A decoder layer: upsample, concatenate the link, convolve."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1)

    def forward(self, x: Tensor, link: Tensor) -> Tensor:
        return F.relu(self.conv(torch.cat((F.interpolate(x, link.shape[-2:]), link), 1)))


@dataclass(frozen=True)
class BackboneSubject:
    """A backbone's factory, and a model of it alone with weights (evaluation mode, float32)."""

    factory: Callable[[], Backbone]
    model: SaliencyModel

    @property
    def backbone(self) -> Backbone:
        return self.model.backbone

    @property
    def own(self) -> list[nn.Module]:
        """The network's own temporal modules."""
        return [layer.temporal for layer in self.backbone.layers if layer.temporal is not None]


def find_factory(kind: Kind, component: str | Callable[..., Any], params: dict[str, Any]) -> Callable[..., Any]:
    """What builds a component: from its text ("convgru:hidden=8"), or from what would be registered."""
    factory = _find_registered(kind, component)
    if not isinstance(component, str):
        return lambda *args: factory(*args, **params)
    parsed = parse_component(component)
    return lambda *args: factory(*args, **check_params(parsed, factory), **params)


def _find_registered(kind: Kind, component: str | Callable[..., Any]) -> Callable[..., Any]:
    if not isinstance(component, str):
        return component
    factory: Callable[..., Any] = registry().find(kind, parse_component(component).name).load()
    return factory


def check_signature(kind: Kind, component: str | Callable[..., Any]) -> None:
    """Raise FaultError where a factory has a parameter that a spec could not set."""
    factory = _find_registered(kind, component)
    given = 2 if kind == "temporal" else 0  # the channels in and out
    for number, parameter in enumerate(inspect.signature(factory, eval_str=True).parameters.values()):
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD and number >= given:
            raise FaultError(f"parameter {parameter.name!r} must be keyword-only (after *), so that specs can set it")
        if parameter.kind is parameter.KEYWORD_ONLY:
            require(
                parameter.annotation in (bool, int, float, str),
                f"parameter {parameter.name!r} must be annotated bool, int, float or str, so that specs can set it",
            )


COPIES = 4
"""How often a component's weights are in memory while it is tried out: copies in float64 are twice as large."""


def check_size(factory: Callable[..., nn.Module], name: str, *channels: int) -> None:
    """Raise SalzooError where what a factory makes could not be tried out in the memory there is. A factory that does
    not work without weights is asked no further: a check says so."""
    try:
        with torch.device("meta"):
            outline = factory(*channels)
    except SalzooError:
        raise
    except Exception:  # whatever a faulty factory raises
        return
    if isinstance(outline, nn.Module):
        check_weights(outline, name, COPIES)


def compose(backbone: Backbone, temporal: dict[int, nn.Module]) -> SaliencyModel:
    """A model in evaluation mode whose maps vary, and in which no weight of a temporal module is still zero."""
    modules = "".join(f"+module@{position}" for position in temporal)
    model = SaliencyModel(parse_spec(f"backbone{modules}"), backbone, temporal).eval()
    torch.manual_seed(0)
    height, width = frame_size(model)
    frames = np.random.default_rng(0).integers(0, 256, (4, height, width, 3), np.uint8)
    initialize_from_nothing(model, frames)
    with torch.no_grad():
        for parameter in model.temporal.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape).to(parameter.dtype))
    return model


def frame_size(model: SaliencyModel) -> tuple[int, int]:
    """A small (height, width) that the model runs at without padding."""
    stride = model.backbone.stride
    return model.preprocessing.fixed_size or (max(32, 2 * stride), max(48, 3 * stride))


def make_clip(
    model: SaliencyModel, batch: int, frames: int, seed: int = 1, size: tuple[int, int] | None = None
) -> Tensor:
    """A clip (B, T, 3, H, W) of smooth noise whose frames differ, preprocessed for a model, in its own type."""
    height, width = size or frame_size(model)
    rng = np.random.default_rng(seed)
    coarse = torch.from_numpy(rng.uniform(0, 255, (batch * frames, 3, 6, 8)))
    pixels = F.interpolate(coarse, (height, width), mode="bilinear").unflatten(0, (batch, frames))
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (model.preprocessing.mean, model.preprocessing.std))
    reference = next(itertools.chain(model.parameters(), model.buffers()), torch.zeros(()))
    clip: Tensor = ((pixels - mean) / std).to(reference.dtype)
    return clip


@torch.no_grad()
def stream(model: SaliencyModel, clip: Tensor, lengths: Sequence[int] | None = None) -> Tensor:
    """The maps of a clip cut into clips of these lengths (by default into frames), the state passed on."""
    state: State = None
    maps = []
    for part in clip.split(1 if lengths is None else list(lengths), dim=1):
        some, state = model(part, state)
        maps.append(some)
    return torch.cat(maps, 1)


@torch.no_grad()
def require_new_start(model: SaliencyModel) -> None:
    """Require that a video that starts beside one that goes on gives the maps of one that starts by itself; of a model
    in float64."""
    clip, before = make_clip(model, 2, 2), make_clip(model, 2, 3, seed=5)
    anew, _ = model(clip)
    _, state = model(before)
    went_on, _ = model(clip, state)
    mixed, _ = model(clip, state, starts=torch.tensor([True, False]))
    require_same(
        mixed[0],
        anew[0],
        "zeros as state differ from None by {:.1e}: both mean that the video starts (where zeros could be a real "
        "state, carry a flag that says whether a frame was seen)",
    )
    require_same(mixed[1], went_on[1], "starting one video of a batch changes another by {:.1e}")


@torch.no_grad()
def require_causal(model: SaliencyModel) -> None:
    """Require that no map of a model in float64 depends on later frames."""
    clip = make_clip(model, 1, 4)
    changed = clip.clone()
    changed[:, 2:] = make_clip(model, 1, 2, seed=7)
    fault = "changing frame 2 changes the maps of frames before it by {:.1e}: a module looks at future frames"
    require_same(model(clip)[0][:, :2], model(changed)[0][:, :2], fault, 1e-12)


def require_same(one: Tensor, other: Tensor, fault: str, tolerance: float = 1e-9) -> None:
    """Raise FaultError, whose message has the largest difference for its braces, where tensors differ by more."""
    difference = largest_difference(one, other)
    require(difference <= tolerance, fault.format(difference))


def largest_difference(one: Tensor, other: Tensor) -> float:
    """The largest absolute difference of two tensors; infinite where a value is NaN."""
    difference = (one.double() - other.double()).abs().max()
    return float("inf") if difference.isnan() else float(difference)
