"""An evaluation that was ended and is finished gives the scores of one that was not, whatever the processes."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from salzoo.cli import cli
from salzoo.evaluation.scoring import Chunk, FrameScorer


def run(root: Path, *arguments: str) -> Any:
    command = ["eval", "spectral-residual", "--dataset", "osie", "--root", str(root), "--split", "test"]
    return CliRunner().invoke(cli, [*command, "--device", "cpu", "--workers", "1", *arguments])


def test_what_was_scored_is_not_scored_again(tiny_gaze: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, ended = tmp_path / "whole.json", tmp_path / "ended.json"
    score, calls = FrameScorer.score, 0

    def counted(scorer: FrameScorer, chunk: Chunk) -> Any:
        nonlocal calls
        calls += 1
        if calls == stop:
            raise KeyboardInterrupt
        return score(scorer, chunk)

    monkeypatch.setattr(FrameScorer, "score", counted)
    stop = -1
    assert run(tiny_gaze, "-o", str(whole)).exit_code == 0
    total, calls = calls, 0
    stop = total // 2
    assert run(tiny_gaze, "-o", str(ended)).exit_code == 1
    assert not ended.exists()
    calls, stop = 0, -1
    refused = run(tiny_gaze, "-o", str(ended), "--resume", "--seed", "1")
    assert "ended.json.partial holds scores of seed 0, not 1" in refused.stderr
    with next(Path(f"{ended}.partial").glob("*.jsonl")).open("a") as file:
        file.write('["spectral-res')  # of a process that was killed
    calls = 0
    assert run(tiny_gaze, "-o", str(ended), "--resume").exit_code == 0
    assert calls == total - (total // 2 - 1)
    assert json.loads(ended.read_text())["results"] == json.loads(whole.read_text())["results"]
    assert not Path(f"{ended}.partial").exists()


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds processes in /proc")
def test_processes_and_kills_give_the_scores_of_one(tiny_data: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    for name in ("video", "annotation"):
        (root / name).mkdir(parents=True)
    for number, source in ((1, 1), (601, 601), (602, 2), (603, 3), (604, 4)):
        (root / "video" / f"{number:03d}.AVI").symlink_to(tiny_data / "video" / f"{source:03d}.AVI")
        (root / "annotation" / f"{number:04d}").symlink_to(tiny_data / "annotation" / f"{source:04d}")

    def start(out: str, ranks: int, *more: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m"]
        if ranks > 1:
            command += ["torch.distributed.run", "--standalone", "--max-restarts", "9", "--nproc-per-node", str(ranks)]
            command += ["-m"]
        command += ["salzoo", "eval", "spectral-residual", "--dataset", "dhf1k", "--root", str(root), "--device", "cpu"]
        command += ["--max-frames", "90", "--workers", "1", "-o", str(tmp_path / out), *more]
        with (tmp_path / f"{out}.log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "OMP_NUM_THREADS": "1"})

    for ranks in (1, 2, 3):
        assert start(f"{ranks}.json", ranks).wait(timeout=120) == 0, (tmp_path / f"{ranks}.json.log").read_text()

    def scored(name: str) -> dict[str, object]:
        """The results, to the last digit, without the command, which names the file."""
        return {key: value for key, value in json.loads((tmp_path / name).read_text()).items() if key != "command"}

    scores = scored("1.json")
    assert scored("2.json") == scores
    assert scored("3.json") == scores

    rng, partial = random.Random(0), tmp_path / "killed.json.partial"
    launcher = start("killed.json", 2, "--resume")
    for _ in range(3):
        before = sum(path.stat().st_size for path in partial.glob("*.jsonl"))
        until = time.monotonic() + 40
        while launcher.poll() is None and time.monotonic() < until:
            if sum(path.stat().st_size for path in partial.glob("*.jsonl")) > before:
                break
            time.sleep(0.02)
        if launcher.poll() is None:
            workers = Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children").read_text().split()
            os.kill(int(rng.choice(workers)), signal.SIGKILL)
    assert launcher.wait(timeout=120) == 0, (tmp_path / "killed.json.log").read_text()
    assert scored("killed.json") == scores
