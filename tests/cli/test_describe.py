"""``salzoo describe`` and the description behind it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from salzoo import create_model
from salzoo.cli import cli
from salzoo.cli.types import parse_size
from salzoo.description import describe
from salzoo.hub.checkpoint import save_checkpoint
from salzoo.interfaces import Backbone, Layer, Preprocessing
from salzoo.plugins import load_plugins, registry
from salzoo.registry import Entry


def table(*arguments: str) -> list[str]:
    result = CliRunner().invoke(cli, ["describe", *arguments])
    assert result.exit_code == 0, result.output
    return list(result.stdout.splitlines())


def test_salgan_has_the_papers_layers() -> None:
    lines = table("salgan")
    assert lines[0] == "salgan: 31,787,009 parameters; shapes for a frame of 192×256"
    rows = [line.split() for line in lines if line[:2].strip().isdigit()]
    assert [int(row[0]) for row in rows] == list(range(62))
    assert rows[0][1:] == ["conv1_1", "64×192×256", "1,792"]
    assert rows[30][1:] == ["conv6_1", "512×12×16", "2,359,808", "@bottleneck"]
    assert rows[61][1:] == ["sigmoid", "1×192×256", "@output"]
    assert "BGR" in lines[-1]
    assert "[103.939, 116.779, 123.68]" in lines[-1]


def test_temporal_modules_stand_where_they_are_resolved_to() -> None:
    lines = table("salgan+ema:learn=true@-1+convlstm@bottleneck")
    assert [line.split()[0] for line in lines if "+ema:learn=true (1)" in line and "sigmoid" in line] == ["61"]
    assert [line.split()[0] for line in lines if "+convlstm (18,876,416)" in line and "conv6_1" in line] == ["30"]


def test_a_module_after_the_last_layer_has_a_row() -> None:
    lines = table("salgan:width=0.05+convlstm:hidden=8,project=1@62")
    assert any(line.split()[:3] == ["62", "end", "1×192×256"] and "+convlstm" in line for line in lines)
    assert any("sigmoid" in line and "temporal modules" in line for line in lines)


def test_size_is_that_of_the_frames() -> None:
    lines = table("salgan:width=0.05", "--size", "48x64")
    assert lines[0].endswith("48×64")
    assert any(line.split()[:3] == ["30", "conv6_1", "26×3×4"] for line in lines)


def test_json_says_the_same() -> None:
    result = CliRunner().invoke(cli, ["describe", "salgan+ema:alpha=0.3@bottleneck", "--json"])
    record = json.loads(result.stdout)
    assert record["spec"] == "salgan+ema:alpha=0.3@bottleneck"
    assert record["parameters"] == 31_787_009 == sum(row["parameters"] for row in record["rows"])
    assert record["rows"][30] == {
        "position": 30,
        "name": "conv6_1",
        "shape": [512, 12, 16],
        "parameters": 2_359_808,
        "links": [],
        "landmarks": ["bottleneck"],
        "temporal": "ema:alpha=0.3",
        "temporal_parameters": 0,
    }
    assert record["preprocessing"]["size"] == [192, 256]


def test_a_model_is_described_as_it_runs(tmp_path: Path) -> None:
    """Not as its spec alone would be built: gaze-lite was trained at another size."""
    lines = table("gaze-lite+ema:tau=0.2@output")
    assert lines[0] == "gaze-lite+ema:tau=0.2@output is"
    assert lines[1].endswith("shapes for a frame of 288×384")
    assert "frames resized to 288×384" in lines[-1]
    assert sum("+ema" in line for line in lines[2:]) == 1
    assert any("@output  +ema:tau=0.2 (0)" in line for line in lines)
    model = create_model("salgan:width=0.05+ema@61")
    model.preprocessing = replace(model.preprocessing, size=(48, 80))
    save_checkpoint(model, tmp_path / "run", "# A run\n")
    for name in (f"{tmp_path}/run", f"{tmp_path}/run+none@-1"):
        record = json.loads(CliRunner().invoke(cli, ["describe", name, "--json"]).stdout)
        assert (record["model"], record["size"], record["preprocessing"]["size"]) == (name, [48, 80], [48, 80])
    assert record["spec"] == "salgan:width=0.05"
    assert table("salema61")[:2] == [
        "salema61 is",
        "salgan+ema:alpha=0.1@61: 31,787,009 parameters; shapes for a frame of 192×256",
    ]


@pytest.mark.parametrize("spec", ["salgan:width=0.05", "spectral-residual", "timm:arch=resnet18"])
def test_position_minus_one_is_the_last_layer(spec: str) -> None:
    for position in ("-1", "output"):
        rows = [row for row in describe(f"{spec}+ema@{position}").rows if row.name != "end"]
        assert [row.position for row in rows if row.temporal] == [len(rows) - 1]


class Sides(torch.nn.Module):
    """Halve the size, and give the frame and its mean as side outputs."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        return x[..., ::2, ::2], (x, x.mean(1, keepdim=True))


class Join(torch.nn.Module):
    """Back to the first link's size, in one channel."""

    def forward(self, x: torch.Tensor, *links: torch.Tensor) -> torch.Tensor:
        up = torch.nn.functional.interpolate(x, links[0].shape[-2:])
        return torch.sigmoid(torch.cat((up, links[0]), 1).mean(1, keepdim=True))


@pytest.fixture
def linked() -> Iterator[str]:
    """The name of a backbone with links and side outputs."""

    def factory() -> Backbone:
        layers = [
            Layer("sides", Sides(), 3, 2),
            Layer("shrink", torch.nn.Conv2d(3, 5, 1), 5, 2),
            Layer("join", Join(), 1, 1, links=((0, 1), 0)),
        ]
        return Backbone(layers, landmarks={"bottleneck": 2, "output": 2}, preprocessing=Preprocessing(size=(8, 12)))

    registry().add(Entry("backbones", "linked", factory, "a backbone with links", (), "test"))
    yield "linked"
    load_plugins.cache_clear()


def test_links_and_side_outputs_are_shown(linked: str) -> None:
    lines = table(linked)
    assert any(line.split() == ["1", "shrink", "5×4×6", "20"] for line in lines)
    assert any(
        line.split() == ["2", "join", "1×8×12", "0", "(side", "1),", "0", "@bottleneck", "@output"] for line in lines
    )
    assert describe(linked).rows[2].links == ((0, 1), 0)


def test_training_free_models_say_so() -> None:
    lines = table("spectral-residual")
    assert "works without trained weights" in lines
    assert "the network runs at 48×64 only" in lines[-1]


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["salgam"], 1, "did you mean 'salgan'?"),
        (["gaze-lite:width=2"], 1, "gaze-lite is a trained model, no backbone: it has no parameters to choose"),
        (["salgan+ema@63"], 1, "out of range 0..62"),
        (["salgan+convlstm:hidden=3@0+ema"], 1, "malformed spec"),
        (["salgan+ema:residual=true@0"], 1, "residual needs"),
        (["salgan", "--size", "192"], 2, "is not a size"),
    ],
)
def test_errors(arguments: list[str], status: int, message: str) -> None:
    result = CliRunner().invoke(cli, ["describe", *arguments])
    assert result.exit_code == status
    assert message in result.stderr
    assert status == 2 or result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "spec", ["salgan:width=0.05+convlstm@30+ema:learn=true@61", "center-bias", "spectral-residual"]
)
def test_parameters_add_up_to_the_models(spec: str) -> None:
    description = describe(spec)
    built = sum(parameter.numel() for parameter in create_model(spec).parameters())
    assert description.parameters == built
    assert sum(row.parameters + row.temporal_parameters for row in description.rows) == built


@given(st.integers(1, 99_999), st.integers(1, 99_999))
def test_sizes_read_back(height: int, width: int) -> None:
    assert parse_size(f"{height}x{width}") == (height, width)


@given(st.text(alphabet="0123456789xX×- .٣", max_size=8))
def test_other_sizes_are_refused(text: str) -> None:
    parts = text.split("x")
    good = len(parts) == 2 and all(p.isascii() and p.isdigit() and p[0] != "0" and len(p) < 6 for p in parts)
    result = CliRunner().invoke(cli, ["describe", "center-bias", f"--size={text}"])
    assert result.exit_code == (0 if good else 2)
