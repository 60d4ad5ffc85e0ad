"""How long a run will take, and that its length is told in frames."""

import dataclasses
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

import salzoo
from salzoo.cli import cli
from salzoo.training import loop
from salzoo.training.forecast import announce_time_left
from salzoo.training.loop import Step
from salzoo.training.session import Session


def steps(number: int, seconds: float) -> list[Step]:
    """Of a run of so many steps at an even pace, but for the first, which takes a minute."""
    first = Step(1, 0.5, "generator", 1.0, 1e-4, 0.1, 1, 4, 0.0, 0.0, 0.0)
    later = [
        dataclasses.replace(first, step=n + 1, seconds=60 + n * seconds, done=n / number) for n in range(1, number)
    ]
    return [first, *later]


def test_the_rest_is_told_from_the_first_steps() -> None:
    lines: list[str] = []
    given = steps(105, 3.0)
    assert list(announce_time_left(given, lines.append)) == given
    assert lines == ["about 5 minutes of training to go at this pace, then the scoring"]


def test_a_run_of_few_steps_says_nothing() -> None:
    lines: list[str] = []
    list(announce_time_left(steps(4, 3.0), lines.append))
    assert lines == []


def test_a_slow_machine_takes_longer_and_does_no_worse(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The recipe's end is told in frames: the same weights and scores come out where every second takes an hour."""
    runs = []
    for name, slower in (("quick", 1), ("slow", 3600)):
        clock = time.perf_counter
        monkeypatch.setattr(loop.time, "perf_counter", lambda: slower * clock())  # noqa: B023 - called in this turn
        lines: list[str] = []
        run = salzoo.train(
            "salgan:width=0.05+ema@61",
            "synthetic",
            root=tiny_data,
            size=(16, 16),
            frames=48,
            score_frames=4,
            out=tmp_path / name,
            precision="bfloat16",
            session=Session(report=lines.append),
        )
        monkeypatch.undo()
        assert any("of training to go at this pace" in line for line in lines)
        runs.append(run)
    quick, slow = runs
    assert quick.steps == slow.steps
    assert [result.mean for result in quick.results] == [result.mean for result in slow.results]
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("quick", "slow")]
    assert weights[0] == weights[1]


def test_the_end_says_in_words_how_the_model_stands_and_what_to_type_next(tiny_data: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "run")
    small = ["--size", "16x16", "--set", "score_frames=2", "--set", "frames=16", "--root", str(tiny_data), "-o", out]
    ended = CliRunner().invoke(cli, ["train", "salgan:width=0.05", "--dataset", "synthetic", *small])
    assert ended.exit_code == 0, ended.output
    columns, untrained, centre, contrast, *_, report, longer = ended.output.splitlines()[-10:]
    assert columns == "higher is better, but lower in KLD"
    for line, other in (
        (untrained, "untrained"),
        (centre, "center-bias (fitted to train)"),
        (contrast, "spectral-residual"),
    ):
        assert line.startswith("salgan:width=0.05 against ")
        assert other in line
        assert "better in" in line or "worse in" in line or "no clear difference in" in line
    assert report == f"  salzoo report {out}"
    assert longer.endswith(f"--resume {out} --set frames=32")
    again = CliRunner().invoke(cli, [*longer.split()[1:], "--no-score"])
    assert again.exit_code == 0, again.output
    assert "32 frames" in again.output
