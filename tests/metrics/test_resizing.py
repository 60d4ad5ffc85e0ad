"""Resizing against the weights written out, and against torch with the borders mirrored first."""

import numpy as np
import plain_metrics as plain
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from salzoo.metrics import resize_prediction

lengths = st.integers(1, 40)


@given(st.integers(0, 999), lengths, lengths, lengths, lengths)
def test_equals_the_weights_written_out(seed, h, w, height, width):
    map_ = np.random.default_rng(seed).uniform(-1, 3, (h, w))
    np.testing.assert_allclose(
        resize_prediction(map_, (height, width)), plain.resize(map_, (height, width)), atol=1e-12
    )


@pytest.mark.parametrize(
    ("size", "target", "pad", "crop"),
    [
        ((192, 256), (360, 640), (8, 8), (15, 20)),
        ((180, 320), (360, 640), (8, 8), (16, 16)),
        ((360, 640), (180, 320), (8, 8), (4, 4)),
        ((360, 640), (90, 128), (16, 20), (4, 4)),
        ((96, 200), (192, 100), (8, 8), (16, 4)),
    ],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_equals_torch_where_borders_are_mirrored(size, target, pad, crop, dtype):
    map_ = (np.random.default_rng(0).random(size) * 255).astype(dtype)
    padded = np.pad(map_.astype(np.float64), [(pad[0], pad[0]), (pad[1], pad[1])], mode="symmetric")
    whole = (target[0] + 2 * crop[0], target[1] + 2 * crop[1])
    tensor = torch.from_numpy(padded)[None, None]
    expected = F.interpolate(tensor, size=whole, mode="bicubic", antialias=True, align_corners=False)[0, 0]
    expected = expected[crop[0] : crop[0] + target[0], crop[1] : crop[1] + target[1]].numpy()
    resized = resize_prediction(map_, target)
    assert resized.dtype == np.float64
    np.testing.assert_allclose(resized, expected, atol=1e-10)


def test_a_map_of_the_size_only_becomes_float64():
    map_ = np.random.default_rng(0).random((7, 9), np.float32)
    resized = resize_prediction(map_, (7, 9))
    assert resized.dtype == np.float64
    np.testing.assert_array_equal(resized, map_)
    resized[0, 0] = 5
    assert map_[0, 0] != 5


def test_the_result_is_not_clipped():
    step = np.zeros((8, 8), np.uint8)
    step[:, 4:] = 255
    resized = resize_prediction(step, (16, 16))
    assert resized.min() < -1
    assert resized.max() > 256


def test_leading_dimensions_and_tensors():
    maps = np.random.default_rng(0).random((2, 3, 30, 40), np.float32)
    resized = resize_prediction(maps, (45, 20))
    assert resized.shape == (2, 3, 45, 20)
    np.testing.assert_array_equal(resized[1, 2], resize_prediction(maps[1, 2], (45, 20)))
    np.testing.assert_array_equal(resized[:, 1], resize_prediction(maps[:, 1], (45, 20)))
    tensor = resize_prediction(torch.from_numpy(maps), (45, 20))
    assert (tensor.dtype, tensor.device.type) == (torch.float64, "cpu")
    np.testing.assert_array_equal(tensor.numpy(), resized)
    assert resize_prediction(np.zeros((0, 3, 4)), (5, 6)).shape == (0, 5, 6)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda():
    maps = torch.rand(2, 30, 40)
    resized = resize_prediction(maps.cuda(), (45, 20))
    assert resized.device.type == "cuda"
    torch.testing.assert_close(resized.cpu(), resize_prediction(maps, (45, 20)), atol=1e-9, rtol=0)
