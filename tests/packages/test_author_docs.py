"""The page for authors, plugins/README.md, followed to the letter: its files written, its commands run."""

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from packages.environment import run, try_out

sys.path.insert(0, str(Path(__file__).parents[1] / "hub"))
from hub_server import Hub, serve

PAGE = (Path(__file__).parents[2] / "plugins" / "README.md").read_text(encoding="utf-8")
PUBLISHED = "## A published network over time"
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)


@pytest.fixture
def variables(tiny_data: Path, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of the commands: no network but a small Hub, and little data."""
    with serve() as hub:
        yield environment_of(hub, tiny_data, tmp_path)


def environment_of(hub: Hub, tiny_data: Path, tmp_path: Path) -> dict[str, str]:
    return {
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip reads it as the value of --build-isolation
        "PIP_QUIET": "1",
        "SALZOO_DATA": str(tiny_data.parent),
        "HF_ENDPOINT": hub.endpoint,
        "HF_HOME": str(tmp_path / "hf"),
        "HF_TOKEN": hub.token,
        "HF_HUB_OFFLINE": "0",
        "HF_HUB_DISABLE_XET": "1",
        "NO_PROXY": "127.0.0.1",
    }


def make_example(root: Path) -> None:
    """The small example of the data set that the page asks for."""
    rng = np.random.default_rng(0)
    for kind, shape in (("images", (24, 32, 3)), ("maps", (24, 32)), ("fixation", (24, 32))):
        folder = root / "val" / "street" / kind
        folder.mkdir(parents=True)
        for frame in range(3):
            image = rng.integers(0, 256, shape, np.uint8)
            image = np.uint8(255) * (image > 240) if kind == "fixation" else image
            assert cv2.imwrite(str(folder / f"{frame + 1:04}.png"), image)
    assert cv2.imwrite(str(root / "val" / "alley.png"), rng.integers(0, 256, (24, 32, 3), np.uint8))
    (root / "val" / "alley.csv").write_text("0,5.5,7\n0,20,7\n1,6,8.5\n2,30,20\n")


def write_winnet(path: Path) -> None:
    """The file of the network whose authors the page imagines."""
    shapes = {"encoder.0": (8, 3, 4, 3, 3), "encoder.2": (8, 8, 3, 3), "head": (1, 8, 1, 1)}
    state = {f"{name}.weight": torch.randn(shape) for name, shape in shapes.items()}
    state |= {f"{name}.bias": torch.zeros(shape[0]) for name, shape in shapes.items()}
    torch.save({"state_dict": state, "epoch": 7}, path)


def follow(text: str, folder: Path, python: Path, variables: dict[str, str]) -> list[str]:
    """Write the files of a text and run its commands, in order. Returns what the commands printed."""
    printed = []
    end = 0
    for block in BLOCK.finditer(text):
        before, end = text[end : block.start()], block.end()
        language, content = block.groups()
        if language == "sh":
            for line in content.splitlines():
                words = shlex.split(line)
                assert words[0] in ("pip", "salzoo", "pytest"), line
                printed.append(run(python, *words, cwd=folder, **variables).stdout)
            continue
        paragraph = before.strip().rpartition("\n\n")[2]
        named = re.match(r"(?:.*Add to )?`([\w./-]+\.\w+)`", paragraph, re.DOTALL)
        assert named, f"no file named before:\n{content}"
        path = folder / named[1]
        path.parent.mkdir(parents=True, exist_ok=True)
        adds = "Add to" in paragraph
        assert adds == path.exists(), f"{path} is {'not there to add to' if adds else 'written twice'}"
        path.write_text(f"{path.read_text()}\n\n{content}" if adds else content)
    return printed


@pytest.mark.slow
def test_a_temporal_module_from_an_empty_folder(python: Path, variables: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "lab"
    folder.mkdir()
    missing = try_out(python, "salzoo", "describe", "salgan:width=0.1+fading@bottleneck", cwd=folder)
    assert missing.returncode == 1
    assert "unknown temporal module 'fading'" in missing.stderr
    _, report, trained, described = follow(PAGE[: PAGE.index("## A metric")], folder, python, variables)
    assert report == "temporal module fading: 16 checks held, 0 failed\n"
    assert "salgan:width=0.1+fading@bottleneck" in trained
    assert "fading:keep=0.9" in described
    assert len((folder / "pyproject.toml").read_text().splitlines()) == 8
    module = (folder / "salzoo_lab" / "fading.py").read_text()
    assert sum(bool(line.strip()) for line in module.splitlines()) <= 15


@pytest.mark.slow
def test_the_whole_page(python: Path, variables: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "lab"
    folder.mkdir()
    make_example(folder / "example")
    printed = "".join(follow(PAGE[: PAGE.index(PUBLISHED)], folder, python, variables))
    for component in ("fading", "hits", "labnet", "labclips", "labgaze"):
        assert re.search(rf"{component}\S*: \d+ checks held, 0 failed", printed), component
    assert "5 passed" in printed
    assert "lab-fading: ok" in printed
    weights = re.search(r"for a card: (weights: \{.*\})", printed)
    assert weights
    card = folder / "salzoo_lab" / "lab-fading.md"
    card.write_text(re.sub(r"weights: \{.*\}", weights[1], card.read_text()))
    follow("```sh\npip install .\nsalzoo pull lab-fading\n```", folder, python, variables)
    scored = ["salzoo", "eval", "lab-fading", "--dataset", "synthetic", "--max-frames", "5"]
    assert "lab-fading" in run(python, *scored, cwd=folder, **variables).stdout
    run(python, "pip", "uninstall", "--yes", "salzoo-lab", cwd=folder)
    lacking = try_out(python, "salzoo", "eval", "lab/fading", cwd=folder, **variables)
    assert lacking.returncode == 1
    assert lacking.stderr.strip().endswith('install the package that brings it: "salzoo-lab"')


@pytest.mark.slow
def test_a_published_network_over_time(python: Path, variables: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "lab"
    folder.mkdir()
    write_winnet(folder / "winnet.pth")
    begun = re.sub(r"```sh\n.*?```", "", PAGE[: PAGE.index("## A metric")], flags=re.DOTALL)
    follow(begun, folder, python, variables)
    _, checked, converted, described, cards = follow(PAGE[PAGE.index(PUBLISHED) :], folder, python, variables)
    assert re.search(r"backbone winnet: \d+ checks held, 0 failed", checked)
    assert converted.startswith("winnet-dhf1k: winnet\n  mapped   6 tensors\n  ignored  epoch\n")
    assert "Window(4), its own" in described
    assert "winnet-dhf1k: ok" in cards
    refused = try_out(
        python, "salzoo", "pull", "winnet-dhf1k", cwd=folder, **variables, SALZOO_ARCHIVES="http://127.0.0.1:9"
    )
    assert refused.returncode == 1
    assert refused.stdout.splitlines()[-1] == "terms of its authors: MIT (the file LICENSE of their repository)"
    run(python, "pip", "uninstall", "--yes", "salzoo-lab", cwd=folder)
