"""Frames of high dynamic range, as a screen of the ordinary one shows them."""

import functools
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

PQ, HLG = 16, 18
"""Numbers of the transfer functions in a stream (ITU-T H.273, table 3)."""

REFERENCE_WHITE = 203.0
"""Luminance of white paper, in cd/m² (ITU-R BT.2408)."""

PEAK = 1000.0
"""The brightest highlight that is told from others, in cd/m²; that of HLG's nominal screen."""

_KNEE = 0.3  # of reference white: darker light stays as it is
_CODES = 4096
_TO_BT709 = np.array(  # from BT.2020's primaries (ITU-R BT.2087)
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32
)
_LUMINANCE = np.array([[0.2627, 0.6780, 0.0593]], np.float32)

Curve = Callable[[NDArray[Any]], NDArray[Any]]


def tone_map(image: NDArray[np.uint16], transfer: int) -> NDArray[np.uint8]:
    """Show code values of PQ or HLG (ITU-R BT.2100) in BT.709, as a screen with the gamma 2.4 of BT.1886 takes it.

    Light up to 0.3 of reference white stays as it is; what is brighter is compressed by Möbius' curve, as FFmpeg's
    filter ``tonemap=mobius`` has it, each channel by itself: the brightest colours fade to white, as on film.

    Args:
        image: (H, W, 3) RGB, full range, with BT.2020's primaries.
        transfer: ``PQ`` or ``HLG``.

    Returns:
        (H, W, 3), RGB.
    """
    if transfer == PQ:
        light = np.take(_pq_table(), image >> 4)
    else:
        scene = np.take(_hlg_table(), image >> 4)
        scene *= _apply(_system_gain, cv2.transform(scene, _LUMINANCE))[..., None]
        light = _apply(_compressed_of_peak, scene)
    return _apply(_code, np.clip(cv2.transform(light, _TO_BT709), 0, 1))


def _apply(curve: Curve, values: NDArray[Any]) -> NDArray[Any]:
    """A curve on values in [0, 1], from a table that is densest near 0."""
    return np.take(_table(curve), (cv2.sqrt(values) * (_CODES - 1) + 0.5).astype(np.uint16))


@functools.cache
def _table(curve: Curve) -> NDArray[Any]:
    return curve(np.linspace(0, 1, _CODES) ** 2)


@functools.cache
def _pq_table() -> NDArray[np.float32]:
    """From a code value to compressed light on the screen."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    power = np.linspace(0, 1, _CODES) ** (1 / m2)
    return _compressed(10_000 / REFERENCE_WHITE * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1))


@functools.cache
def _hlg_table() -> NDArray[np.float32]:
    """From a code value to light of the scene, of which 1 is the most."""
    code, a, b, c = np.linspace(0, 1, _CODES), 0.17883277, 0.28466892, 0.55991073
    return np.where(code <= 0.5, code**2 / 3, (np.exp((code - c) / a) + b) / 12).astype(np.float32)


def _system_gain(luminance: NDArray[Any]) -> NDArray[np.float32]:
    """HLG's system gamma of 1.2 for a screen of 1000 cd/m²."""
    return (luminance**0.2).astype(np.float32)


def _compressed_of_peak(light: NDArray[Any]) -> NDArray[np.float32]:
    return _compressed(light * PEAK / REFERENCE_WHITE)


def _compressed(light: NDArray[Any]) -> NDArray[np.float32]:
    """Light, of which 1 is reference white, brought into [0, 1]."""
    peak, knee = PEAK / REFERENCE_WHITE, _KNEE
    a = -(knee**2) * (peak - 1) / (knee**2 - 2 * knee + peak)
    b = (knee**2 - 2 * knee * peak + peak) / (peak - 1)
    bright = np.clip(light, knee, peak)
    curved = (b**2 + 2 * b * knee + knee**2) / (b - a) * (bright + a) / (bright + b)
    return np.where(light <= knee, light, curved).astype(np.float32)


def _code(light: NDArray[Any]) -> NDArray[np.uint8]:
    return np.rint(255 * light ** (1 / 2.4)).astype(np.uint8)
