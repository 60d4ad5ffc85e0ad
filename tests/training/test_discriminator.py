"""SalGAN's discriminator."""

import numpy as np
import pytest
import torch

from salzoo.interfaces import SalzooError
from salzoo.model import create_model
from salzoo.training.discriminator import (
    Discriminator,
    adversarial_loss,
    discriminator_loss,
    normalise_weight,
    to_rgb,
)


def test_it_has_the_layers_of_the_release() -> None:
    discriminator = Discriminator((192, 256))
    convolutions = [(4, 3, 1), (3, 32, 9), (32, 64, 9), (64, 64, 9), (64, 64, 9), (64, 64, 9)]
    dense = [(64 * 12 * 16, 100), (100, 2), (2, 1)]
    count = sum(i * o * k + o for i, o, k in convolutions) + sum(i * o + o for i, o in dense)
    assert sum(parameter.numel() for parameter in discriminator.parameters()) == count
    judged = discriminator(torch.rand(2, 1, 192, 256), 255 * torch.rand(2, 3, 192, 256))
    assert judged.shape == (2,)
    assert ((judged > 0) & (judged < 1)).all()
    with pytest.raises(SalzooError, match="at least 16x16, not 15x64"):
        Discriminator((15, 64))


def test_normalised_kernels_have_norm_one() -> None:
    norms = torch.linalg.vector_norm(normalise_weight(torch.randn(5, 3, 3, 3).double()).flatten(1), dim=1)
    torch.testing.assert_close(norms, torch.ones(5).double(), atol=1e-6, rtol=0)
    discriminator = Discriminator((16, 16))
    before = discriminator(torch.ones(1, 1, 16, 16), torch.ones(1, 3, 16, 16))
    with torch.no_grad():
        discriminator.conv5.weight.mul_(7)
    torch.testing.assert_close(discriminator(torch.ones(1, 1, 16, 16), torch.ones(1, 3, 16, 16)), before)


def test_who_learns_from_which_loss() -> None:
    torch.manual_seed(0)
    discriminator = Discriminator((16, 32))
    images, real = 255 * torch.rand(3, 3, 16, 32), torch.rand(3, 1, 16, 32)
    fake = torch.rand(3, 1, 16, 32, requires_grad=True)
    loss = discriminator_loss(discriminator, images, real, fake)
    judged_real, judged_fake = discriminator(real, images), discriminator(fake, images)
    torch.testing.assert_close(loss, -judged_real.log().mean() - (1 - judged_fake).log().mean())
    loss.backward()
    assert fake.grad is None
    assert all(parameter.grad is not None for parameter in discriminator.parameters())
    loss = adversarial_loss(discriminator, images, fake)
    torch.testing.assert_close(loss, -judged_fake.log().mean())
    loss.backward()
    assert fake.grad is not None
    assert fake.grad.abs().max() > 0


@pytest.mark.parametrize("order", ["bgr", "rgb"])
def test_inputs_become_images_again(order: str) -> None:
    model = create_model("salgan:width=0.05")
    object.__setattr__(model.preprocessing, "channel_order", order)
    object.__setattr__(model.preprocessing, "std", (2.0, 3.0, 4.0))
    frames = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), np.uint8)
    images = to_rgb(model.preprocess(frames)[0], model.preprocessing)
    wanted = torch.from_numpy(frames[..., ::-1].copy()).permute(0, 3, 1, 2).float()
    torch.testing.assert_close(images, wanted, atol=1e-3, rtol=0)
