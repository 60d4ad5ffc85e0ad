"""The packages of plugins/: installed with pip, tested by their own tests, used, and free of salzoo's internals."""

import ast
import json
import re
from pathlib import Path

import pytest

from packages.environment import install, run

PLUGINS = Path(__file__).parents[2] / "plugins"
PACKAGES = sorted(path.parent.name for path in PLUGINS.glob("*/pyproject.toml"))
BRINGS = {
    "salzoo-convgru": 1, "salzoo-emd": 1,
    "salzoo-fastsal": 8, "salzoo-ntire26": 1, "salzoo-pysaliency": 1,
    "salzoo-tased": 4, "salzoo-tinyhd": 3, "salzoo-unisal": 8,
}  # fmt: skip
"""How many names each package registers."""

PUBLIC = {"salzoo", "salzoo.cli", "salzoo.hookspecs", "salzoo.interfaces", "salzoo.metrics", "salzoo.testing"}


@pytest.fixture(scope="module")
def installed(python: Path) -> Path:
    """The interpreter of an environment in which all packages are installed."""
    for package in PACKAGES:
        install(python, PLUGINS / package)
    return python


def test_there_are_packages() -> None:
    assert sorted(BRINGS) == PACKAGES


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_the_public_interface_alone(package: str) -> None:
    for path in (PLUGINS / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "salzoo":
                assert node.module in PUBLIC, f"{path} imports {node.module}"
            elif isinstance(node, ast.Import):
                assert all(alias.name.partition(".")[0] != "salzoo" for alias in node.names), path


@pytest.mark.slow
@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_installs_and_passes_its_own_tests(package: str, installed: Path, tmp_path: Path) -> None:
    tests = PLUGINS / package / "tests"
    done = run(installed, "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={tests}", str(tests), cwd=tmp_path)
    assert " passed" in done.stdout
    listed = json.loads(run(installed, "salzoo", "plugins", "--json", cwd=tmp_path).stdout)
    (plugin,) = (plugin for plugin in listed if plugin["name"] == package)
    assert plugin["problem"] == ""
    assert plugin["version"] == "0.1.0"
    assert len(plugin["entries"]) == BRINGS[package]


@pytest.mark.slow
def test_a_package_is_checked_by_its_name(installed: Path, tmp_path: Path) -> None:
    report = run(installed, "salzoo", "plugins", "check", "Salzoo_EMD", cwd=tmp_path)
    assert report.stdout.startswith("metric emd: 11 checks held, 0 failed\n")


@pytest.mark.slow
def test_convgru_goes_where_the_readme_says(installed: Path, tmp_path: Path) -> None:
    for spec in re.findall(r"salzoo train (\S+convgru\S*)", (PLUGINS / "salzoo-convgru" / "README.md").read_text()):
        assert "convgru" in run(installed, "salzoo", "describe", spec, cwd=tmp_path).stdout


@pytest.mark.slow
def test_emd_is_a_column_of_the_table(installed: Path, tmp_path: Path, tiny_data: Path) -> None:
    metrics = ["--metric", "emd", "--metric", "emd:reduction=16"]
    chosen = ["--root", str(tiny_data), "--max-frames", "40", "--workers", "2", *metrics]
    table = run(installed, "salzoo", "eval", "center-bias", *chosen, cwd=tmp_path).stdout
    headings = [word for line in table.splitlines() if line.startswith("model ") for word in line.split()]
    assert {"emd↓", "emd:reduction=16↓"} <= set(headings)
    found = json.loads((tmp_path / "eval-synthetic-val.json").read_text())["results"]
    for result in found:
        assert 0 < result["mean"]["emd"] < result["mean"]["emd:reduction=16"]
        assert result["protocol"] == "dhf1k v1"
