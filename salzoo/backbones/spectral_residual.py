"""Spectral residual saliency (Hou & Zhang, "Saliency detection: a spectral residual approach", CVPR 2007)."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from salzoo.interfaces import Backbone, Layer, Preprocessing

FLOOR = 1.0
"""Added to amplitudes before the average of their logarithms. Where a spectrum has zeros (symmetric and drawn frames)
the transform leaves about 0.01 of rounding, whose phase is chance; a frame's own rounding to 8 bits leaves about 16."""


class SpectralResidual(Backbone):
    """One layer: what in a frame's log amplitude spectrum departs from its local average, back in space.

    For a grey frame I of 64 pixels' width with spectrum A·exp(iP): R = log A − h₃ * log A with the 3×3 box h₃, and
    S = g * |F⁻¹[exp(R + iP)]|² with a Gaussian g of standard deviation 2.5 pixels. Each map is scaled to [0, 1].
    Frames have values 0 to 255; amplitudes far below ``FLOOR`` are rounding, and add nothing.
    """

    def __init__(self) -> None:
        super().__init__(
            [Layer("spectral_residual", Residual(), channels=1, stride=1)],
            landmarks={"output": 0},
            preprocessing=Preprocessing(size=(48, 64), fixed_size=(48, 64)),
            training_free=True,
        )


class Residual(nn.Module):
    """Frames (N, 3, H, W), BGR, to maps (N, 1, H, W) in [0, 1]; a flat frame gives zeros."""

    kernel: Tensor

    def __init__(self, sigma: float = 2.5) -> None:
        super().__init__()
        reach = math.ceil(3 * sigma)
        gaussian = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2)
        self.register_buffer("kernel", gaussian / gaussian.sum(), persistent=False)

    def forward(self, frames: Tensor) -> Tensor:
        grey = frames.to(torch.promote_types(frames.dtype, torch.float32)).mean(1, keepdim=True)
        kernel = self.kernel.to(grey.dtype)
        spectrum = torch.fft.fft2(grey)
        log_amplitude = torch.log(spectrum.abs() + FLOOR)
        average = F.avg_pool2d(F.pad(log_amplitude, (1, 1, 1, 1), mode="circular"), 3, stride=1)
        saliency = torch.fft.ifft2(spectrum * torch.exp(-average)).abs().square()  # A·exp(iP)/exp(h * log A)
        reach = len(kernel) // 2
        padded = F.pad(saliency, (reach, reach, reach, reach), mode="reflect")
        smooth = F.conv2d(F.conv2d(padded, kernel.view(1, 1, -1, 1)), kernel.view(1, 1, 1, -1))
        low, high = smooth.amin((2, 3), keepdim=True), smooth.amax((2, 3), keepdim=True)
        flat = grey.amax((2, 3), keepdim=True) == grey.amin((2, 3), keepdim=True)
        scaled = (smooth - low) / (high - low).clamp_min(torch.finfo(smooth.dtype).tiny)
        return torch.where(flat, torch.zeros_like(scaled), scaled).to(frames.dtype)
