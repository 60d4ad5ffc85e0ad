"""Generated specs, most of them nonsense: each builds, or is refused with one line."""

import random
import re
import resource

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salzoo.footprint import check_weights
from salzoo.hub.checkpoint import outline_model
from salzoo.interfaces import SalzooError
from salzoo.model import canonical_spec

CLASS_NAME = re.compile(r"\b[A-Z]\w*(Error|Exception)\b")

BACKBONES = ("salgan", "center-bias", "spectral-residual", "timm:arch=resnet18", "timm", "timm-small", "salgam", "x")
MODULES = ("ema", "convlstm", "gru", "emma")
KEYS = ("width", "hidden", "project", "alpha", "learn", "dropout", "residual", "arch", "speed", "w")
VALUES = (
    *("0", "1", "-1", "0.1", "0.25", "1e-300", "1e300", "1e999", "-0.0", "nan", "inf", "true", "false", "resnet18"),
    *("64", "512", "30000", "99999999", str(2**31), str(2**53), str(2**63 - 1), str(2**63), "9" * 100, "007", "1."),
)
POSITIONS = ("0", "1", "30", "61", "62", "63", "-1", "-63", "bottleneck", "output", "input", "9" * 30, "")


def generate(seed: int) -> str:
    """A spec by the grammar, with names and values that may be wrong, and at times damaged."""
    rng = random.Random(seed)

    def component(names: tuple[str, ...]) -> str:
        name = rng.choice(names)
        params = [f"{rng.choice(KEYS)}={rng.choice(VALUES)}" for _ in range(rng.choice([0, 0, 1, 1, 2, 3]))]
        return name + ((":" if ":" not in name else ",") + ",".join(params) if params else "")

    placed = [f"{component(MODULES)}@{rng.choice(POSITIONS)}" for _ in range(rng.choice([0, 1, 1, 2, 5]))]
    text = "+".join([component(BACKBONES), *placed])
    if rng.random() < 0.3:
        at = rng.randrange(len(text) + 1)
        damage = ["", "+", "@", ":", "=", ",", " ", "\0", "\x1b", "é", "\udcff", "9" * 600]
        text = text[:at] + rng.choice(damage) + text[at + 1 :]
    return text


def is_refused(text: str) -> bool:
    """Whether a spec is refused, which must take one line."""
    try:
        model = outline_model(canonical_spec(text))
        check_weights(model, text)
    except SalzooError as error:
        message = str(error)
        assert message.isprintable(), (text, message)
        assert len(message) <= 1000
        assert not CLASS_NAME.search(message), (text, message)
        return True
    return False


def test_generated_specs() -> None:
    assert 40 < sum(is_refused(generate(seed)) for seed in range(80)) < 80


@given(st.integers(10_000, 2**40))
def test_any_generated_spec(seed: int) -> None:
    is_refused(generate(seed))


@pytest.mark.slow
def test_10000_generated_specs(capfd: pytest.CaptureFixture[str]) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused = sum(is_refused(generate(seed)) for seed in range(10_000))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    with capfd.disabled():
        print(f"\n{refused} of 10000 generated specs refused, a line each; peak memory grew by {grown >> 10} MiB")
    assert grown < 2**20
