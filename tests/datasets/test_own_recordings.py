"""The four commands of README's "Your own recordings", as printed, on ten small videos."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from own import make_videos, recordings, write_samples

from salzoo.cli import cli
from salzoo.training.folder import read_experiment

SHORT = {
    "import": ["--screen", "1920x1080"],
    "eval": ["--max-frames", "4", "--workers", "1"],
    "train": ["--size", "48x64", "--set", "frames=20", "--set", "still_batch=4", "--score-frames", "1"],
}


@pytest.mark.slow
def test_four_commands_from_a_table_to_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    section = readme.partition("## Your own recordings")[2].partition("\n## ")[0]
    commands = re.findall(r"^    salzoo (.+)$", section, re.MULTILINE)
    assert len(commands) == 4
    monkeypatch.chdir(tmp_path)
    names = [f"clip{number}.avi" for number in range(10)]
    make_videos(tmp_path / "videos", names, frames=10)
    write_samples(tmp_path / "gaze.csv", recordings(names, 2, frames=10))
    outputs = []
    for command in commands:
        words = command.split()
        extra = next(options for name, options in SHORT.items() if name in words)
        result = CliRunner().invoke(
            cli, [*words, *extra, "--device", "cpu"] if "import" not in words else [*words, *extra]
        )
        assert result.exit_code == 0, result.output
        outputs.append(result.output)
    assert "fixations of 2 observers on 10 videos and images in my-set" in outputs[0]
    assert "my-set val" in outputs[1]
    assert "gaze-lite" in outputs[1]
    assert "my-set test" in outputs[3]
    assert "humans (leave one out)" in outputs[3]
    record = read_experiment(tmp_path / "runs" / "mine")
    assert record.datasets == (("my-set", str(tmp_path / "my-set")),)
    assert record.recipe.init == "gaze-lite"
