"""What ``salzoo list models --long`` says of a model."""

import pytest
from click.testing import CliRunner

from salzoo.cli import cli
from salzoo.hub.cards import load_card
from salzoo.hub.measures import measure


def test_cost_is_that_of_the_convolutions() -> None:
    found = measure("salgan:width=0.05")
    height, width = found.size
    macs, side, channels = 0, 1.0, 3
    for out, shrink in [(3, 1), (3, 1), (6, 2), (6, 1), (13, 2)]:  # the first layers: 64, 64, 128, 128, 256 channels
        side /= shrink
        macs += int(height * side) * int(width * side) * 9 * channels * out
        channels = out
    assert 2 * macs / 1e9 < found.gflops < 2
    assert found.window == 1


def test_a_model_twice_as_wide_takes_about_four_times_as_much() -> None:
    one, other = measure("salgan:width=0.1"), measure("salgan:width=0.2")
    assert other.gflops / one.gflops == pytest.approx(4, rel=0.1)
    assert other.parameters / one.parameters == pytest.approx(4, rel=0.1)


def test_the_list_is_a_table_of_what_one_gets() -> None:
    done = CliRunner().invoke(cli, ["list", "models", "*e*3*", "--long"])
    assert done.exit_code == 0, done.output
    assert "salzoo eval --dataset SET, without a MODEL" in done.output
    heads, row = (line.split() for line in done.output.splitlines()[:2])
    numbers, words = ["model", "parameters", "MB", "GFLOPs", "input", "frames"], ["trained", "on", "terms", "weights"]
    assert heads == [*numbers, "NSS", *words]
    nss = ["2.48", "dhf1k,", "reported"]
    assert row == ["salema30", "31,787,009", "127.1", "79.9", "192×256", *nss, "unknown", "unknown", "authors'", "file"]
    ours = CliRunner().invoke(cli, ["list", "models", "gaze-lite", "--long"]).output.splitlines()[1]
    assert "288×384" in ours
    assert f"  {load_card('gaze-lite').results[2].metric_value:.2f} osie  " in ours
    assert ours.endswith("  hevc33, osie, eyecrowd, sun500, mit1003, pascals, ImageNet  apache-2.0  here")
    assert CliRunner().invoke(cli, ["list", "backbones", "--long"]).exit_code == 2


def test_the_short_list_says_where_scores_come_from() -> None:
    done = CliRunner().invoke(cli, ["list", "models", "salema61"])
    assert "(Reported by the authors of SalEMA" in done.output
