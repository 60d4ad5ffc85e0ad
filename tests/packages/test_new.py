"""``salzoo plugins new``: what it writes installs, passes its tests and the conformance suite, and can be used."""

import ast
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from packages.environment import install, run
from salzoo.cli import cli


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ("temporal", "temporal module  my-idea"),
        ("backbone", "backbone         my-net"),
        ("metric", "metric           my-score"),
        ("dataset", "data set         my-videos"),
    ],
)
def test_a_new_package_installs_passes_and_works(
    kind: str, shown: str, python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = shown.split()[-1]
    made = CliRunner().invoke(cli, ["plugins", "new", name, "--kind", kind])
    assert made.exit_code == 0, made.output
    folder = tmp_path / f"salzoo-{name}"
    assert made.output.startswith(f"salzoo-{name}: pip install -e salzoo-{name}, then salzoo plugins check {name}")
    install(python, folder)
    assert " passed" in run(python, "pytest", "-q", "tests", cwd=folder).stdout
    assert shown in run(python, "salzoo", "plugins", cwd=tmp_path).stdout


@pytest.mark.parametrize("kind", ["temporal", "backbone", "metric", "dataset"])
def test_a_new_package_is_clean(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(cli, ["plugins", "new", "clean", "--kind", kind]).exit_code == 0
    rules = ["check", "--isolated", "--line-length=120", "--select=E,F,W,I,B,UP,SIM,RUF,C4,PT,N", "--ignore=RUF002"]
    for arguments in (rules, ["format", "--check", "--isolated", "--line-length=120"]):
        run(Path(sys.executable), "ruff", *arguments, str(tmp_path), cwd=tmp_path)


@pytest.mark.parametrize("name", ["My_Net", "3d", "a--b", "-x", "a/b", "naïve", "n" * 65])
def test_a_name_that_cannot_be_one_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, ["plugins", "new", "--kind", "metric", "--", name])
    assert result.exit_code == 1
    assert "cannot name a package" in result.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "kind"), [("none", "temporal"), ("layer", "backbone"), ("class", "metric")])
def test_words_that_mean_something_else_are_names(
    name: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(cli, ["plugins", "new", name, "--kind", kind]).exit_code == 0
    tree = ast.parse((tmp_path / f"salzoo-{name}" / f"salzoo_{name}" / f"{kind}.py").read_text())
    (made,) = (node.name for node in tree.body if isinstance(node, ast.ClassDef))
    assert made not in {alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}


def test_a_folder_that_exists_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "salzoo-mine").mkdir()
    result = CliRunner().invoke(cli, ["plugins", "new", "mine", "--kind", "metric"])
    assert result.exit_code == 1
    assert "salzoo-mine exists already" in result.output
    assert list((tmp_path / "salzoo-mine").iterdir()) == []


def test_a_taken_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, ["plugins", "new", "ema", "--kind", "temporal"])
    assert result.exit_code == 1
    assert "temporal module 'ema' belongs to salzoo already" in result.output
