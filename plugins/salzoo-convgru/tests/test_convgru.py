"""The ConvGRU keeps salzoo's contracts and computes the paper's equations."""

import pytest
import torch
from salzoo_convgru.convgru import ConvGRU
from torch import Tensor
from torch.nn import functional as F

from salzoo.interfaces import SalzooError
from salzoo.testing import check_temporal


@pytest.mark.parametrize("component", ["convgru", "convgru:hidden=6,residual=true"])
def test_conformance(component: str) -> None:
    check_temporal(component)


def test_it_computes_the_equations() -> None:
    torch.manual_seed(0)
    module = ConvGRU(3, 5, hidden=2).double()
    x = torch.randn(2, 4, 3, 5, 6, dtype=torch.float64)
    w, b = module.from_input.weight.detach(), module.from_input.bias
    u, v = module.gates_from_state.weight.detach(), module.candidate_from_state.weight.detach()
    h = torch.zeros(2, 2, 5, 6, dtype=torch.float64)
    expected = []
    for t in range(4):
        joint = torch.cat([x[:, t], h], 1)  # in one convolution over [x, h], as texts on the GRU write it
        z = torch.sigmoid(F.conv2d(joint, torch.cat([w[:2], u[:2]], 1), b[:2], padding=1))
        r = torch.sigmoid(F.conv2d(joint, torch.cat([w[2:4], u[2:]], 1), b[2:4], padding=1))
        new = torch.tanh(F.conv2d(torch.cat([x[:, t], r * h], 1), torch.cat([w[4:], v], 1), b[4:], padding=1))
        h = (1 - z) * h + z * new
        expected.append(F.conv2d(h, module.project.weight, module.project.bias))
    y, state = module(x, lambda clip: clip, None)
    torch.testing.assert_close(y, torch.stack(expected, 1), atol=1e-12, rtol=0)
    torch.testing.assert_close(state, h, atol=1e-12, rtol=0)


def test_the_residual_is_added_to_the_layers_input() -> None:
    torch.manual_seed(0)
    plain, residual = ConvGRU(4, 4), ConvGRU(4, 4, residual=True)
    residual.load_state_dict(plain.state_dict())
    x = torch.randn(1, 3, 4, 5, 5)
    given: list[Tensor] = []

    def layer(clip: Tensor) -> Tensor:
        given.append(clip)
        return clip

    plain(x, layer, None)
    residual(x, layer, None)
    torch.testing.assert_close(given[1], given[0] + x)


def test_a_negative_size_is_refused() -> None:
    with pytest.raises(SalzooError, match="must not be negative"):
        ConvGRU(3, 3, hidden=-1)
