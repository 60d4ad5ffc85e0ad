"""The command line as a whole: start-up, errors, listings."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import salzoo
from salzoo.cli import COMMANDS, cli


def run_python(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(salzoo.__file__).parents[1])}
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, env=environment)


@pytest.mark.parametrize(
    "arguments", [["--help"], ["list"], ["list", "models"], ["train", "--help"], ["eval", "--help"]]
)
def test_help_and_listings_import_nothing_heavy(arguments: list[str]) -> None:
    script = (
        "import sys\nfrom salzoo.cli import cli\n"
        f"try:\n    cli({arguments!r}, prog_name='salzoo')\n"
        "finally:\n    print(sorted({'torch', 'cv2', 'timm', 'numpy'} & set(sys.modules)), file=sys.stderr)\n"
    )
    done = run_python("-c", script)
    assert done.returncode == 0
    assert done.stderr.splitlines()[-1] == "[]"


def test_the_module_runs_as_the_command() -> None:
    done = run_python("-m", "salzoo", "--version")
    assert done.stdout == f"salzoo, version {salzoo.__version__}\n"


def test_every_command_has_help() -> None:
    for command in COMMANDS:
        result = CliRunner().invoke(cli, [command, "--help"])
        assert result.exit_code == 0, (command, result.output)
        assert "Usage:" in result.output


def test_list_shows_all_kinds_and_json() -> None:
    everything = CliRunner().invoke(cli, ["list"]).output
    for word in ("backbones", "salgan", "temporal", "convlstm", "metrics", "auc_judd", "dhf1k", "salema61"):
        assert word in everything
    found = json.loads(CliRunner().invoke(cli, ["list", "temporal", "*lstm*", "--json"]).output)
    assert [entry["name"] for entry in found["temporal"]] == ["convlstm"]


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["describe", "salgam"], 1, "salzoo: unknown backbone 'salgam'; did you mean 'salgan'?"),
        (["describe", "salgan+ema@"], 1, "expected a position"),
        (["describe", "salgan+ema@70"], 1, "position 70 is out of range 0..62"),
        (["train", "salgan+ema:residual=true@36"], 1, "residual needs a layer"),
        (["eval", "salgan"], 1, "is a spec without weights"),
        (["predict", "spectral-residual", "/nowhere.mp4", "-o", "x.mp4"], 1, "/nowhere.mp4"),
        (["list", "colours"], 2, "Invalid value"),
        (["nonsense"], 2, "No such command"),
        (["train", "salgan", "--size", "big"], 2, "HEIGHTxWIDTH"),
    ],
)
def test_errors_are_one_line(arguments: list[str], status: int, message: str) -> None:
    done = run_python("-m", "salzoo", *arguments)
    assert done.returncode == status
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    if status == 1:
        assert len(done.stderr.splitlines()) == 1


def test_debug_shows_the_traceback() -> None:
    assert "Traceback" in run_python("-m", "salzoo", "--debug", "describe", "salgam").stderr


def test_the_public_api_is_complete() -> None:
    for name in salzoo.__all__:
        assert getattr(salzoo, name) is not None
    assert "salema61" in salzoo.list_models("*ema*")
    assert set(salzoo.__all__) <= set(dir(salzoo))


def test_every_command_that_the_docs_name_exists() -> None:
    root = Path(__file__).parents[2]
    pages = [
        root / "README.md",
        root / "CONTRIBUTING.md",
        root / "plugins" / "README.md",
        *(root / "cards").glob("*.md"),
    ]
    texts = [path.read_text() for path in pages]
    named = {word for text in texts for word in re.findall(r"^ *(?:pip .* && )?salzoo ([a-z]+)\b", text, re.MULTILINE)}
    assert {"train", "eval", "predict", "convert", "card"} <= named
    assert named <= set(COMMANDS)


def test_the_package_shows_what_is_public() -> None:
    shown = {name for name in dir(salzoo) if not name.startswith("__")}
    assert shown == {*salzoo.__all__, "datasets", "interfaces", "metrics"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["eval", "center-bias", "--metric", "emd"], "unknown metric 'emd': it comes with the package salzoo-emd"),
        (
            ["describe", "salgan+convgru@30"],
            "module 'convgru': it comes with the package salzoo-convgru",
        ),
        (["list", "metrics", "[" * 5000], "is longer than 200 characters"),
    ],
)
def test_names_that_known_packages_bring(arguments: list[str], message: str, tiny_data: Path) -> None:
    root = ["--root", str(tiny_data)] if arguments[0] == "eval" else []
    result = CliRunner().invoke(cli, [*arguments, *root])
    assert result.exit_code == 1
    assert message in result.stderr


def test_speed_is_measured_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    from salzoo.bench import inference

    measured = inference.frames_per_second("salgan:width=0.05", rounds=1)
    assert 0.1 < measured < 10_000
    monkeypatch.setattr(inference, "frames_per_second", lambda spec: 12.34)
    shown = CliRunner().invoke(cli, ["list", "models", "gaze-lite", "--long", "--speed"])
    assert shown.output.splitlines()[0].split()[6:7] == ["frames/s"]
    assert shown.output.splitlines()[1].split()[5] == "12.3"
    assert "frames/s" not in CliRunner().invoke(cli, ["list", "models", "gaze-lite", "--long"]).output
    assert CliRunner().invoke(cli, ["list", "models", "--speed"]).exit_code == 2
