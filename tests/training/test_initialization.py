"""Starting weights."""

import numpy as np
import pytest
import timm
import torch
from torch import Tensor, nn

from salzoo.backbones.salgan import SalGAN
from salzoo.interfaces import SalzooError
from salzoo.model import create_model
from salzoo.training.initialization import initialize_from_model, initialize_from_nothing


def test_variance_survives_the_whole_chain() -> None:
    torch.manual_seed(0)
    model = create_model("salgan:width=0.25").eval()
    frames = np.random.default_rng(0).integers(0, 256, (4, 48, 64, 3), dtype=np.uint8)
    initialize_from_nothing(model, frames)
    spreads: list[float] = []
    for layer in model.backbone.layers:
        if isinstance(layer.module, nn.Conv2d):
            layer.module.register_forward_hook(lambda _m, _i, output: spreads.append(float(output.std())))
    with torch.no_grad():
        maps, _ = model(model.preprocess(frames))
    assert len(spreads) == 27
    assert np.allclose(spreads, 1, atol=0.02)
    assert maps.std() > 0.1


def test_the_random_state_decides_the_weights() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)

    def weights(seed: int) -> Tensor:
        torch.manual_seed(seed)
        model = create_model("salgan:width=0.05")
        initialize_from_nothing(model, frames)
        return torch.cat([parameter.flatten() for parameter in model.parameters()])

    assert torch.equal(weights(3), weights(3))
    assert not torch.equal(weights(3), weights(4))


def test_vgg_gives_the_same_features_in_this_chains_colours() -> None:
    torch.manual_seed(0)
    vgg = timm.create_model("vgg16.tv_in1k", pretrained=False, num_classes=0).eval()
    backbone = SalGAN()
    mean, std = vgg.pretrained_cfg["mean"], vgg.pretrained_cfg["std"]
    backbone.load_vgg(vgg.state_dict(), mean, std)
    rgb = torch.randint(0, 256, (1, 3, 96, 96)).float()
    for_vgg = (rgb / 255 - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
    for_chain = rgb.flip(1) - torch.tensor(backbone.preprocessing.mean).view(3, 1, 1)
    with torch.no_grad():
        wanted, ours = vgg.features[:4](for_vgg), for_chain
        for layer in backbone.layers[:4]:
            ours = layer.module(ours)
    inside = (slice(None), slice(None), slice(2, -2), slice(2, -2))
    torch.testing.assert_close(ours[inside], wanted[inside], atol=1e-4 * float(wanted.std()), rtol=1e-4)
    assert (ours - wanted).abs().max() < 0.05 * wanted.std(), "the border differs by the padding's colour alone"


def test_imagenet_weights_out_of_reach_say_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_args: object, **_kwargs: object) -> None:
        raise OSError("offline mode is enabled\nand more")

    with pytest.raises(SalzooError, match=r"out of reach; .*--init random \(the Hub cannot be reached\)"):
        SalGAN().load_imagenet()
    monkeypatch.setattr("salzoo.runtime.network.is_reachable", lambda: True)
    monkeypatch.setattr(timm, "create_model", unreachable)
    with pytest.raises(SalzooError, match=r"out of reach; .*--init random \(offline mode is enabled\)"):
        SalGAN().load_imagenet()


def test_a_slim_salgan_has_no_imagenet_weights() -> None:
    with pytest.raises(SalzooError, match="at width 1 alone"):
        SalGAN(width=0.5).load_imagenet()


def test_a_backbone_without_imagenet_weights_says_so() -> None:
    with pytest.raises(SalzooError, match="has no ImageNet weights"):
        create_model("spectral-residual").backbone.load_imagenet()


def test_another_models_backbone_must_fit(tmp_path: object) -> None:
    with pytest.raises(SalzooError, match="center-bias"):
        initialize_from_model(create_model("salgan:width=0.05"), "center-bias")
