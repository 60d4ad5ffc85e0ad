"""Every option and argument of every command with values made to do harm: one line of ours, or help, and no more."""

import os
import random
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from salzoo.cli import cli
from salzoo.interfaces import SalzooError
from salzoo.training.recipe import Recipe, load_recipe, override, parse_change

CLASS_NAME = re.compile(r"\b[A-Z]\w*(Error|Exception)\b")

TEXTS = (
    *(
        "",
        " ",
        "-",
        "--",
        ".",
        "/",
        "a\nb",
        "a\0b",
        "%s%n",
        "../../x",
        "\u0661\u0662",
        "\u202eabc",
        "\ufeff",
        "é" * 200,
    ),
    *("\x1b]0;owned\x07", "\x1b[2J", os.fsdecode(b"\xff"), "x" * 300, "x" * 100_000, "/nowhere/" + "y/" * 3000),
    *("-1", "0", "0.5", "nan", "inf", "-inf", "1e300", "1e999", str(2**63), str(2**64), "9" * 400, "9" * 5000),
    *(
        "[" * 5000,
        "{0..999999}" * 9,
        "{" * 3000,
        "a=b",
        "=",
        "a:b=c@d+e",
        "salgan+ema@" + "9" * 300,
        "nas:v1",
        "http://x/y",
    ),
    *("0x0", "99999x99999", "x:width=1e300", "salgan:width=8", "salgan+convlstm:hidden=99999999@30", "org/repo@main"),
    *("/dev/null", "/dev/null/x", "/dev/zero", "/proc/self/mem", "PIPE", "FOLDER", "BINARY", "EMPTY"),
)
"""Names in capitals stand for files that the test makes."""

BASE: dict[str, dict[str, str]] = {
    "list": {"kind": "metrics"},
    "describe": {"spec": "center-bias"},
    "train": {"spec": "salgan:width=0.02", "dataset": "dhf1k", "root": "/nowhere", "init": "random"},
    "sweep": {"pattern": "salgan:width=0.02", "dataset": "dhf1k", "root": "/nowhere", "init": "random"},
    "recipes": {},
    "eval": {"models": "center-bias", "dataset": "dhf1k", "root": "/nowhere"},
    "compare": {"files": "/nowhere.json"},
    "report": {"paths": "/nowhere.json", "out": "/nowhere/x.html"},
    "adapt": {"model": "no-such-model", "dataset": "dhf1k", "root": "/nowhere", "out": "/dev/null/x"},
    "regions": {"words": "/nowhere.png", "path": "/nowhere.csv"},
    "watch": {"words": "/nowhere.mp4"},
    "app": {"models": "no-such-model", "space": "org/name", "out": "/dev/null/x"},
    "predict": {"model": "center-bias", "video": "/nowhere.png", "out": "/nowhere/x.png"},
    "card": {"name": "salema61"},
    "pull": {"name": "org/no-such-model"},
    "push": {"folder": "/nowhere", "repo_id": "org/repo"},
    "convert": {"file": "/nowhere.pt", "out": "/dev/null/x"},
    "export": {"model": "no-such-model", "to": "onnx", "out": "/nowhere/x.onnx"},
    "bench": {"what": "inference", "models": "no-such-model"},
    "plugins check": {"name": "no-such-part"},
    "plugins new": {"name": "part", "kind": "metric"},
    "data check": {"name": "dhf1k", "root": "/nowhere"},
    "data get": {"name": "dhf1k"},
    "data import": {"tables": "/nowhere.csv", "videos": "/nowhere", "out": "/dev/null/x"},
    "data make synthetic": {"out": "/dev/null/x", "videos": "3"},
    "config set": {"key": "data.dhf1k", "value": "/nowhere"},
    "config unset": {"key": "data.dhf1k"},
}
"""What each command gets besides the value under test: enough to run, and to fail before any work is done."""


def commands(group: click.Group, path: str = "") -> Iterator[tuple[str, click.Command]]:
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{path}{name} ")
        else:
            yield f"{path}{name}", command


COMMANDS = dict(commands(cli))
PLACES = [
    (path, parameter.name)
    for path, command in COMMANDS.items()
    for parameter in command.params
    if not getattr(parameter, "is_flag", False)
]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with the files that names in capitals stand for."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SALZOO_CONFIG", str(tmp_path / "settings.json"))
    monkeypatch.setattr("salzoo.datasets.synthetic._make_folder", lambda *arguments: None)  # what takes seconds
    monkeypatch.setattr("salzoo.footprint.available_memory", lambda: 2**30)  # no model that takes minutes to make
    os.mkfifo("PIPE")
    Path("FOLDER").mkdir()
    Path("FOLDER", "file").touch()
    Path("BINARY").write_bytes(bytes(range(256)) * 8)
    Path("EMPTY").touch()
    return tmp_path


def call(path: str, parameter: str, value: str) -> None:
    """Run a command with one value, and check what it says."""
    given = {**BASE[path], parameter: value}
    arguments, options = [], []
    for each in COMMANDS[path].params:
        if each.name in given and isinstance(each, click.Argument):
            arguments.append(given[each.name])
        elif each.name in given:
            options.append(f"{max(each.opts, key=len)}={given[each.name]}")
    done = CliRunner().invoke(cli, [*path.split(), *options, "--", *arguments], color=True)
    what = f"salzoo {path}: {parameter} {value[:60]!r}: {done.output[:500]!r}"
    assert isinstance(done.exception, SystemExit | None), f"{what}: {done.exception!r}"
    assert done.exit_code in (0, 1, 2), what
    assert not CLASS_NAME.search(done.output), what
    assert "Traceback" not in done.output, what
    assert "--debug shows where" not in done.output, what
    assert done.output.replace("\n", "").replace("\t", "").isprintable(), what
    assert len(done.output) < 20_000, what
    if done.exit_code == 1:
        assert done.stderr.startswith("salzoo: ") or "salzoo: " in done.stderr or done.stdout, what


def test_every_command_has_a_base() -> None:
    parameterless = {path for path, command in COMMANDS.items() if not command.params}
    assert set(BASE) == set(COMMANDS) - parameterless


@pytest.mark.parametrize(("path", "parameter"), PLACES)
def test_hostile_values(path: str, parameter: str, place: Path) -> None:
    for value in random.Random(f"{path} {parameter}").sample(TEXTS, 4):
        call(path, parameter, value)


@pytest.mark.parametrize("key", [name for name in Recipe.__dataclass_fields__ if name not in ("summary", "source")])
def test_hostile_values_of_recipes(key: str) -> None:
    recipe = load_recipe("scratch")
    for value in TEXTS:
        try:
            override(recipe, dict([parse_change(f"{key}={value}")]))
        except SalzooError as error:
            message = str(error)
            assert message.isprintable()
            assert not CLASS_NAME.search(message)


@pytest.mark.parametrize("value", ["PIPE", "/dev/zero", "FOLDER", "BINARY", "EMPTY"])
@pytest.mark.parametrize(
    ("path", "parameter"), [("data import", "tables"), ("compare", "files"), ("convert", "file"), ("predict", "video")]
)
def test_what_never_ends_is_not_read(path: str, parameter: str, value: str, place: Path) -> None:
    call(path, parameter, value)
