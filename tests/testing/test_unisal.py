"""A small network built as UNISAL is (Droste et al., "Unified image and video saliency modeling", ECCV 2020): inverted
residuals, Gaussian priors, skip links, normalisation and smoothing of each data set, a ConvGRU that stills pass by."""

import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from salzoo.datasets.synthetic import open_synthetic
from salzoo.interfaces import Backbone, Layer, Preprocessing, SalzooError
from salzoo.model import SaliencyModel
from salzoo.runtime.ranks import Rank
from salzoo.spec import parse_spec
from salzoo.testing import check_backbone, check_temporal
from salzoo.training.loop import train_steps
from salzoo.training.recipe import load_recipe, override
from salzoo.training.state import begin_training

sys.path.insert(0, str(Path(__file__).parents[2] / "plugins" / "salzoo-convgru"))
from salzoo_convgru.convgru import ConvGRU

SOURCES = ("dhf1k", "hollywood2", "ucfsports", "salicon")


class PerSource(nn.Module):
    """A module for each data set, one of which is in use."""

    def __init__(self, source: str, modules: list[nn.Module]) -> None:
        super().__init__()
        self.each = nn.ModuleDict(dict(zip(SOURCES, modules, strict=True)))
        self.asked_for = self.source = source

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.each[self.source](x)
        return y


class FrameNorm(nn.GroupNorm):
    """Of each frame by itself: statistics over a batch would mix the frames of a video."""

    def __init__(self, channels: int) -> None:
        super().__init__(1, channels)


class InvertedResidual(nn.Module):
    """Expand, depthwise convolution, project; the input is added where the shapes allow."""

    def __init__(self, source: str, incoming: int, outgoing: int, stride: int = 1) -> None:
        super().__init__()
        hidden = 2 * incoming
        self.expand = nn.Conv2d(incoming, hidden, 1, bias=False)
        self.depthwise = nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden, bias=False)
        self.project = nn.Conv2d(hidden, outgoing, 1, bias=False)
        self.norms = nn.ModuleList(
            [PerSource(source, [FrameNorm(n) for _ in SOURCES]) for n in (hidden, hidden, outgoing)]
        )
        self.adds = stride == 1 and incoming == outgoing

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu6(self.norms[0](self.expand(x)))
        y = F.relu6(self.norms[1](self.depthwise(y)))
        y = self.norms[2](self.project(y))
        return x + y if self.adds else y


class GaussianPriors(nn.Module):
    """Maps of learned Gaussians, as many as ``count``, beside the features; they stretch with the frame."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.mean = nn.Parameter(torch.rand(count, 2))
        self.log_std = nn.Parameter(torch.full((count, 2), -1.0))

    def forward(self, x: Tensor) -> Tensor:
        axes = [torch.linspace(0, 1, size, device=x.device, dtype=x.dtype) for size in x.shape[-2:]]
        y, x_ = (
            torch.exp(-(((axis - mean[:, None]) / log_std.exp()[:, None]) ** 2) / 2)
            for axis, mean, log_std in zip(axes, self.mean.T, self.log_std.T, strict=True)
        )
        priors = y[:, :, None] * x_[:, None, :]
        return torch.cat([x, priors.expand(len(x), -1, -1, -1)], 1)


class UpAndJoin(nn.Module):
    """Upsample, join the skip link after a 1×1 convolution of it, inverted residual."""

    def __init__(self, source: str, channels: int, skip: int) -> None:
        super().__init__()
        self.skip = nn.Conv2d(skip, channels, 1)
        self.after = InvertedResidual(source, 2 * channels, channels)

    def forward(self, x: Tensor, link: Tensor) -> Tensor:
        x = F.interpolate(x, link.shape[-2:], mode="bilinear")
        y: Tensor = self.after(torch.cat([x, self.skip(link)], 1))
        return y


class Smoothing(nn.Conv2d):
    """A learned blur, Gaussian at first."""

    def __init__(self) -> None:
        super().__init__(1, 1, 5, padding=2, padding_mode="replicate", bias=False)
        bell = torch.exp(-(torch.linspace(-2, 2, 5) ** 2) / 2)
        with torch.no_grad():
            self.weight.copy_((bell[:, None] * bell / bell.sum() ** 2)[None, None])


class SmallUnisal(Backbone):
    sources = SOURCES

    def __init__(self, *, source: str = "dhf1k", width: int = 6) -> None:
        if source not in SOURCES:
            raise SalzooError(f"source must be one of {', '.join(SOURCES)}, not {source}")
        n = width
        fusion = PerSource(source, [nn.Conv2d(n, 1, 1) for _ in SOURCES])
        super().__init__(
            [
                Layer("stem", nn.Conv2d(3, n, 3, 2, 1), n, 2),
                Layer("down1", InvertedResidual(source, n, n, 2), n, 4),
                Layer("down2", InvertedResidual(source, n, 2 * n, 2), 2 * n, 8),
                Layer("priors", PerSource(source, [GaussianPriors(4) for _ in SOURCES]), 2 * n + 4, 8),
                Layer("after_priors", InvertedResidual(source, 2 * n + 4, n), n, 8),
                Layer("before_decoder", InvertedResidual(source, n, n), n, 8),
                Layer("up1", UpAndJoin(source, n, n), n, 4, links=(1,)),
                Layer("up2", UpAndJoin(source, n, n), n, 2, links=(0,)),
                Layer("fusion", fusion, 1, 2),
                Layer("up3", nn.Upsample(scale_factor=2), 1, 1),
                Layer("smoothing", PerSource(source, [Smoothing() for _ in SOURCES]), 1, 1),
                Layer("map", nn.Sigmoid(), 1, 1),
            ],
            landmarks={"bottleneck": 5, "output": 11},
            preprocessing=Preprocessing((32, 48), "rgb", (124, 116, 104), (58, 57, 57)),
        )

    def select_source(self, source: str | None) -> None:
        for module in self.modules():
            if isinstance(module, PerSource):
                module.source = source or module.asked_for


def test_it_keeps_the_contract_as_each_source() -> None:
    for source in ("dhf1k", "salicon"):
        passed_over = check_backbone(SmallUnisal, source=source).passed_over
        assert {finding.reason for finding in passed_over} == {"it has no temporal modules of its own"}


def test_its_temporal_module_keeps_the_contract() -> None:
    check_temporal(ConvGRU, residual=True)


def test_the_weights_of_one_source_are_those_of_all() -> None:
    torch.manual_seed(0)
    one, other = SmallUnisal(source="dhf1k"), SmallUnisal(source="salicon")
    other.load_state_dict(one.state_dict())
    one.select_source("salicon")
    frames = torch.randn(1, 2, 3, 32, 48)
    maps = [SaliencyModel(parse_spec("unisal"), net, {}).eval()(frames)[0] for net in (one, other)]
    assert torch.equal(*maps)


@pytest.mark.parametrize("images", [True, False])
def test_it_learns_from_two_data_sets_in_turn(tiny_data: Path, images: bool) -> None:
    torch.manual_seed(0)
    net = SmallUnisal(source="ucfsports")
    model = SaliencyModel(parse_spec("unisal+convgru@5"), net, {5: ConvGRU(6, 6, residual=True)})
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    videos = open_synthetic(tiny_data).split("train")
    recipe = override(load_recipe("salema"), {"lr": 1e-3, "size": (32, 48), "epochs": 1, "minutes": 0.0})
    training = begin_training(model, {"dhf1k": videos[:1], "salicon": videos[1:2]}, recipe, Rank(0, 1))
    training.images[1] = images  # where it is true, frames are taken as stills, which the ConvGRU lets by
    for number, _ in enumerate(train_steps(training), start=1):
        assert all(m.source == m.asked_for for m in net.modules() if isinstance(m, PerSource))
        if number == 4:
            break
    changed = {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}
    for source in SOURCES:
        assert any(f".{source}." in name for name in changed) == (source in ("dhf1k", "salicon")), source
    assert any(name.startswith("temporal.") for name in changed)
