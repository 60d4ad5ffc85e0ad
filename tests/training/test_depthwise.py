"""Large depthwise kernels learn in float32 where the rest learns in bfloat16."""

import pytest
import torch
from torch import Tensor, nn

from salzoo.training.depthwise import Float32Gradients


def passes(module: nn.Module, x: Tensor, mode: bool) -> tuple[Tensor, ...]:
    """What a module gives under autocast, and the gradients of its input and parameters."""
    module.zero_grad()
    x = x.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        if mode:
            with Float32Gradients():
                y = module(x)
        else:
            y = module(x)
    (y.float() * torch.linspace(-1, 1, y.numel()).view(y.shape)).sum().backward()
    gradients = [x.grad, *(parameter.grad for parameter in module.parameters())]
    assert all(each is not None and each.dtype == torch.float32 for each in gradients)
    return y, *(each.clone() for each in gradients if each is not None)


@pytest.mark.parametrize(("stride", "bias"), [(1, False), (2, True)])
def test_values_are_those_of_bfloat16_and_gradients_those_of_float32(stride: int, bias: bool) -> None:
    torch.manual_seed(0)
    module = nn.Conv2d(16, 16, 5, stride, 2, groups=16, bias=bias)
    # Numbers that bfloat16 holds, so that float32 computes with the same ones.
    module.load_state_dict({name: value.bfloat16().float() for name, value in module.state_dict().items()})
    x = torch.randn(2, 16, 11, 14).bfloat16().float()
    value, *gradients = passes(module, x, mode=True)
    assert torch.equal(value, passes(module, x, mode=False)[0])

    module.zero_grad()
    plain = x.clone().requires_grad_()
    y = module(plain)
    weight_of_each = torch.linspace(-1, 1, y.numel()).view(y.shape).bfloat16().float()
    (y * weight_of_each).sum().backward()
    for found, wanted in zip(gradients, [plain.grad, *(each.grad for each in module.parameters())], strict=True):
        assert wanted is not None
        torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(
    "module", [nn.Conv2d(16, 16, 3, 1, 1, groups=16), nn.Conv2d(16, 8, 5), nn.Conv2d(16, 32, 5, groups=16)]
)
def test_all_other_convolutions_are_as_they_were(module: nn.Module) -> None:
    x = torch.randn(2, 16, 9, 9)
    for ours, theirs in zip(passes(module, x, mode=True), passes(module, x, mode=False), strict=True):
        assert torch.equal(ours, theirs)
