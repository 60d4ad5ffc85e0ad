"""The four commands of README's "Your own recordings", as printed, on ten small videos and a slim model."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from own import make_videos, recordings, write_samples

from salzoo import create_model
from salzoo.cli import cli
from salzoo.hub.checkpoint import save_checkpoint
from salzoo.training.folder import read_record

SPEC = "salgan:width=0.05"
SLIM = {"import": ["--screen", "1920x1080"], "eval": ["--max-frames", "4", "--workers", "1", "--device", "cpu"]}
SLIM["train"] = ["--size", "32x48", "--recipe", "salgan-bce", "--epochs", "1", "--set", "frames=8", "--device", "cpu"]


def test_four_commands_from_a_table_to_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    section = readme.partition("## Your own recordings")[2].partition("\n## ")[0]
    commands = re.findall(r"^    salzoo (.+)$", section, re.MULTILINE)
    assert len(commands) == 4
    monkeypatch.chdir(tmp_path)
    names = [f"clip{number}.avi" for number in range(10)]
    make_videos(tmp_path / "videos", names)
    write_samples(tmp_path / "gaze.csv", recordings(names, 2))
    save_checkpoint(create_model(SPEC), tmp_path / "model", "A slim model.")
    outputs = []
    for command in commands:
        words = command.replace("MODEL", "model").replace("SPEC", SPEC).split()
        extra = next(options for name, options in SLIM.items() if name in words)
        result = CliRunner().invoke(cli, [*words, *extra])
        assert result.exit_code == 0, result.output
        outputs.append(result.output)
    assert "fixations of 2 observers on 10 videos and images in my-set" in outputs[0]
    for output in (outputs[1], outputs[3]):
        assert "my-set, 2 observers, sigma one degree" in output
        assert re.search(rf"{re.escape(SPEC)}|model|mine", output)
        assert "humans (leave one out)" in output
    assert "folder val" in outputs[1]
    assert "folder test" in outputs[3]
    record = read_record(tmp_path / "runs" / "mine")
    assert record["datasets"] == [["folder", str(tmp_path / "my-set")]]


