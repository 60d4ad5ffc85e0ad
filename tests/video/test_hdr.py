"""High dynamic range on an ordinary screen."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from salzoo.video.hdr import HLG, PQ, tone_map
from salzoo.video.reading import read_video


def pq_code(luminance: float) -> float:
    """SMPTE ST 2084's code value of a luminance in cd/m²."""
    power = (luminance / 10_000) ** 0.1593017578125
    return float(((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375)


def hlg_code(scene: float) -> float:
    """ARIB STD-B67's code value of light of the scene, of which 1 is the most."""
    return float(np.sqrt(3 * scene) if scene <= 1 / 12 else 0.17883277 * np.log(12 * scene - 0.28466892) + 0.55991073)


def shown(colour: list[float], transfer: int) -> list[int]:
    codes = np.array([[colour]]) * 65535
    return [int(value) for value in tone_map(codes.round().astype(np.uint16), transfer)[0, 0]]


@pytest.mark.parametrize("luminance", [0.0, 0.5, 2, 10, 30, 60])
def test_dark_light_is_what_a_screen_with_the_gamma_2_4_shows(luminance: float) -> None:
    wanted = 255 * (luminance / 203) ** (1 / 2.4)
    assert shown([pq_code(luminance)] * 3, PQ) == pytest.approx([wanted] * 3, abs=1)
    # of the light L·1000 of a screen that shows grey by HLG's system gamma
    scene = (luminance / 1000) ** (1 / 1.2)
    assert shown([hlg_code(scene)] * 3, HLG) == pytest.approx([wanted] * 3, abs=1.5)


def test_highlights_are_compressed_up_to_a_thousand_and_white_beyond() -> None:
    greys = [shown([pq_code(luminance)] * 3, PQ)[0] for luminance in (60, 100, 203, 400, 700, 999, 4000, 10_000)]
    assert greys[:6] == sorted(set(greys[:6]))
    assert 200 < greys[2] < 230
    assert greys[5:] == [255, 255, 255]
    assert shown([1, 1, 1], HLG) == [255, 255, 255]


def test_colours_are_those_of_bt709() -> None:
    red, green, blue = shown([pq_code(30), pq_code(10), pq_code(10)], PQ)
    # BT.2020's red is more than BT.709's can be: R grows, G and B lose
    assert red > 255 * (30 / 203) ** (1 / 2.4) + 10
    assert green < 255 * (10 / 203) ** (1 / 2.4) - 5
    assert blue < 255 * (10 / 203) ** (1 / 2.4)


@pytest.mark.parametrize(("transfer", "code"), [(PQ, 0.5081), (HLG, 0.5)])
def test_a_video_says_that_it_is_hdr(tmp_path: Path, transfer: int, code: float) -> None:
    luma = np.full((32, 48), round(64 + 876 * code), np.uint16)
    planes = np.concatenate([luma.ravel(), np.full(2 * 16 * 24, 512, np.uint16)]).reshape(48, 48)
    with av.open(str(tmp_path / "hdr.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"qp": "0"})
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p10le"
        stream.codec_context.color_trc, stream.codec_context.color_primaries = transfer, 9
        stream.codec_context.colorspace = 9
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p10le")
        frame.pts, frame.time_base = 0, Fraction(1, 25)
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    (image,) = read_video(tmp_path / "hdr.mp4")
    assert image.shape == (32, 48, 3)
    wanted = shown([code] * 3, transfer)
    assert image.reshape(-1, 3).mean(0) == pytest.approx(wanted, abs=1.5)
    assert abs(wanted[0] - 255 * code) > 10  # another than the code value itself
