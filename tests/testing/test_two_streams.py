"""A transformer over windows, of what is seen and of what moves, at one size alone: a kind that the zoo has not."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from salzoo.interfaces import Backbone, Layer, Preprocessing, Window
from salzoo.model import SaliencyModel
from salzoo.spec import parse_spec
from salzoo.testing import ConformanceError, check_backbone
from salzoo.training.initialization import initialize_from_nothing

SIZE, LENGTH, WIDTH = (32, 64), 3, 16


class Tokens(nn.Module):
    """Windows (N, LENGTH·3, H, W) to what attention makes of the last frame's patches, (N, WIDTH, H / 16, W / 16)."""

    def __init__(self) -> None:
        super().__init__()
        self.seen, self.moved = (nn.Conv2d(3, WIDTH, 16, 16) for _ in range(2))
        self.places = nn.Parameter(torch.zeros(1, LENGTH * SIZE[0] * SIZE[1] // 256, WIDTH))
        layer = nn.TransformerEncoderLayer(WIDTH, 2, WIDTH, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)

    def forward(self, x: Tensor) -> Tensor:
        clip = x.unflatten(1, (LENGTH, -1))
        change = torch.diff(clip, dim=1, prepend=clip[:, :1])
        patches = self.seen(clip.flatten(0, 1)) + self.moved(change.flatten(0, 1))
        rows, columns = patches.shape[2:]
        tokens = patches.flatten(2).transpose(1, 2).unflatten(0, (-1, LENGTH)).flatten(1, 2)
        last = self.encoder(tokens + self.places)[:, -rows * columns :]
        return last.transpose(1, 2).unflatten(2, (rows, columns))


def make(*, fixed: bool = True) -> Backbone:
    head = nn.Sequential(nn.Conv2d(WIDTH, 1, 1), nn.Upsample(scale_factor=16, mode="bilinear"), nn.Sigmoid())
    return Backbone(
        [Layer("tokens", Tokens(), WIDTH, 16, temporal=Window(LENGTH)), Layer("map", head, 1, 1)],
        landmarks={"bottleneck": 1, "output": 1},
        preprocessing=Preprocessing(SIZE, std=(255, 255, 255), fixed_size=SIZE if fixed else None),
    )


def test_it_conforms() -> None:
    assert "windows are as long as they say" in check_backbone(make).held


def test_one_that_does_not_state_its_size_is_told_how() -> None:
    with pytest.raises(
        ConformanceError, match=r"does not run at 32×48: .*Preprocessing\(fixed_size=\(height, width\)\)"
    ):
        check_backbone(make, fixed=False)


def test_what_sees_motion_alone_keeps_its_weights_where_nothing_moves() -> None:
    torch.manual_seed(0)
    model = SaliencyModel(parse_spec("backbone"), make(), {}).eval()
    initialize_from_nothing(model, np.random.default_rng(0).integers(0, 256, (4, *SIZE, 3), np.uint8))
    tokens = model.backbone.layers[0].module
    assert isinstance(tokens, Tokens)
    assert tokens.moved.weight.abs().max() < 10


def test_a_frame_of_another_size_is_resized_in_bfloat16_too() -> None:
    model = SaliencyModel(parse_spec("backbone"), make(), {}).eval()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        maps, _ = model(torch.rand(1, 2, 3, 48, 80))
    assert maps.shape == (1, 2, 1, 48, 80)
    assert maps.dtype == torch.float32
