"""What costs too much is refused before it is paid for: by weights, by pixels, by frames at once."""

import resource
from pathlib import Path

import pytest
from click.testing import CliRunner

from salzoo import create_model, train
from salzoo.cli import cli
from salzoo.footprint import layer_bytes, weight_bytes
from salzoo.interfaces import SalzooError
from salzoo.model import describe_shapes
from salzoo.prediction.maps import predict_maps
from salzoo.training.session import Session
from salzoo.training.sweep import expand


def peak() -> int:
    """Bytes of memory that this process has held at most."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.fixture(autouse=True)
def _no_memory_is_taken() -> object:
    before = peak()
    yield
    assert peak() - before < 2**30


@pytest.fixture
def small_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if 2 GiB were free."""
    monkeypatch.setattr("salzoo.footprint.available_memory", lambda: 2**31)


def test_weights_and_layers_are_counted() -> None:
    model, shapes = describe_shapes("salgan:width=0.1", (48, 64))
    assert weight_bytes(model) == 4 * sum(each.numel() for each in create_model("salgan:width=0.1").parameters())
    assert layer_bytes(model.backbone, (48, 64)) == [4 * shape.numel() for shape in shapes]
    fixed = create_model("spectral-residual").backbone
    assert layer_bytes(fixed, (9999, 9999)) == [4 * 48 * 64]


@pytest.mark.parametrize(
    "spec",
    [
        "salgan+convlstm:hidden=30000,project=512@30",
        "salgan+convlstm:hidden=9223372036854775807,project=512@30",
        "salgan+convlstm:hidden=99999999,project=512@30",
        "salgan+convlstm:hidden=30000,project=512@30+convlstm:hidden=30000,project=512@31",
    ],
)
def test_models_that_no_machine_holds(spec: str, small_machine: None) -> None:
    with pytest.raises(SalzooError, match=r"must lie in|takes at least .* of memory, and 2.0 GiB is free") as caught:
        create_model(spec)
    assert len(str(caught.value)) < 500
    for command in (["train", spec], ["sweep", spec]):
        result = CliRunner().invoke(cli, command)
        assert result.exit_code == 1
        said = result.output.removeprefix("loading PyTorch\n")
        assert len(said.splitlines()) == 1, said
        assert said.startswith("salzoo: ")


def test_a_model_that_is_too_wide_for_this_machine(small_machine: None) -> None:
    with pytest.raises(SalzooError, match=r"salgan:width=8 with 2,0.* weights takes at least 7.6 GiB of memory"):
        create_model("salgan:width=8")


@pytest.mark.parametrize(
    "changes",
    [
        {"size": (60000, 60000)},
        {"batch": 10**6, "clip_length": 1000},
        {"clip_length": 10**6, "batch": 10000},
        {"stills": 1.0, "still_batch": 10**6},
        {"checkpoint_activations": True, "batch": 10**6},
    ],
)
def test_training_that_cannot_fit(
    changes: dict[str, object], tiny_data: Path, tmp_path: Path, small_machine: None
) -> None:
    given = {"init": "random", "size": (48, 64), "epochs": 1, **changes}
    with pytest.raises(SalzooError, match=r"takes at least .* of memory, and 2.0 GiB is free: lower --batch"):
        train(
            "salgan:width=0.1",
            "synthetic",
            root=tiny_data,
            out=tmp_path / "run",
            session=Session(device="cpu"),
            **given,
        )
    assert not (tmp_path / "run").exists()


def test_a_step_that_no_run_completes(tiny_data: Path, tmp_path: Path) -> None:
    with pytest.raises(SalzooError, match=r"a step of 1,000,000 batches .* is more than the run's .* frames"):
        train(
            "salgan:width=0.1", "synthetic", root=tiny_data, out=tmp_path / "run", init="random", accumulate=10**6,
            epochs=1, session=Session(device="cpu"),
        )  # fmt: skip


def test_running_and_exporting_at_a_huge_size(tmp_path: Path, small_machine: None) -> None:
    model = create_model("salgan:width=0.05").eval()
    model.preprocessing = type(model.preprocessing)(size=(99999, 99999))
    with pytest.raises(SalzooError, match=r"salgan:width=0.05 at 99999x99999 takes at least .* of memory"):
        next(predict_maps(model, iter([])))
    out = tmp_path / "x.pt2"
    command = ["export", "center-bias", "--to", "torch-export", "-o", str(out), "--size", "99999x99999"]
    result = CliRunner().invoke(cli, command)
    assert result.exit_code == 1
    assert "exporting center-bias at 99999x99999 takes at least 74.5 GiB of memory" in result.output


@pytest.mark.parametrize("pattern", ["salgan+ema@{0..999999}{0..999999}" * 100, "{" + "a," * 10**6 + "a}", "{" * 10**6])
def test_patterns_of_huge_range(pattern: str) -> None:
    with pytest.raises(SalzooError, match=r"specs; the limit is 1000|is longer than 5000 characters"):
        expand(pattern)
