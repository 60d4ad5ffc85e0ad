"""Training losses against the metrics of the same name, and their behaviour at the edges."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from salzoo import metrics
from salzoo.interfaces import SalzooError
from salzoo.training.losses import LOSSES, frame_losses, parse_loss


def maps(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(seed)
    prediction, density = (torch.from_numpy(0.05 + 0.9 * rng.random((3, 12, 16)) ** 3) for _ in range(2))
    return prediction, density, torch.from_numpy(rng.random((3, 12, 16)) < 0.1)


def test_kld_cc_and_nss_are_the_metrics() -> None:
    prediction, density, fixations = maps()
    pairs = {"kld": (metrics.kld, density), "cc": (metrics.cc, density), "nss": (metrics.nss, fixations)}
    for name, (metric, truth) in pairs.items():
        wanted = torch.as_tensor(metric(prediction, truth))
        torch.testing.assert_close(LOSSES[name](prediction, density, fixations), wanted, rtol=1e-5, atol=1e-5)


def test_bce_plain_and_pooled() -> None:
    prediction, density, _ = maps()
    wanted = -(density * prediction.log() + (1 - density) * (1 - prediction).log()).mean((1, 2))
    torch.testing.assert_close(LOSSES["bce"](prediction, density, None), wanted)
    blocks = [each.unfold(1, 4, 4).unfold(2, 4, 4).mean((3, 4)) for each in (prediction, density)]
    wanted = F.binary_cross_entropy(blocks[0], blocks[1], reduction="none").mean((1, 2))
    torch.testing.assert_close(LOSSES["bce-pooled"](prediction, density, None), wanted)


@pytest.mark.parametrize("name", LOSSES)
def test_gradients(name: str) -> None:
    prediction, density, fixations = maps()
    prediction.requires_grad_()
    assert torch.autograd.gradcheck(lambda p: LOSSES[name](p, density, fixations), [prediction])


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_flat_maps_and_empty_truth_stay_finite(name: str, value: float) -> None:
    prediction = torch.full((2, 8, 8), value, requires_grad=True)
    density, fixations = torch.zeros(2, 8, 8), torch.zeros(2, 8, 8, dtype=torch.bool)
    density[1, 3, 3] = 1
    loss = LOSSES[name](prediction, density, fixations)
    loss.sum().backward()
    assert loss.isfinite().all()
    assert prediction.grad is not None
    assert prediction.grad.isfinite().all()
    if name in ("kld", "cc", "nss"):
        assert loss[0] == 0


def test_weights_add_up() -> None:
    prediction, density, fixations = maps()
    both = frame_losses({"kld": 1.0, "cc": -0.1, "adversarial": 5.0}, prediction, density, fixations)
    wanted = LOSSES["kld"](prediction, density, None) - 0.1 * LOSSES["cc"](prediction, density, None)
    torch.testing.assert_close(both, wanted)


@given(st.dictionaries(st.sampled_from([*LOSSES, "adversarial"]), st.floats(-1e6, 1e6), min_size=1))
def test_names_and_weights_are_read_as_written(weights: dict[str, float]) -> None:
    assert parse_loss(",".join(f"{name}={weight!r}" for name, weight in weights.items())) == weights


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bec", "unknown loss 'bec'; did you mean 'bce'"),
        ("", "unknown loss ''"),
        ("bce,bce", "names bce twice"),
        ("bce=x", "weight of bce must be a number, not 'x'"),
        ("bce=nan", "must be finite"),
        ("bce=", "must be a number, not ''"),
    ],
)
def test_what_is_no_loss_says_so(text: str, message: str) -> None:
    with pytest.raises(SalzooError, match=message):
        parse_loss(text)


@given(st.text(max_size=30))
def test_any_text_is_a_loss_or_an_error_of_one_line(text: str) -> None:
    try:
        assert all(map(math.isfinite, parse_loss(text).values()))
    except SalzooError as error:
        told = str(error)
        assert told.startswith("loss")
