"""Names and plug-ins: what third parties register, and what happens when they go wrong."""

import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace

import pytest

import salzoo
from salzoo.hookspecs import Register, hookimpl
from salzoo.interfaces import SalzooError
from salzoo.plugins import collect, load_plugins, registry
from salzoo.registry import Entry, Registry


def test_the_built_ins_are_plug_ins_like_others() -> None:
    names = {entry.name for entry in registry().entries("backbones")}
    assert {"salgan", "center-bias", "spectral-residual"} <= names
    assert {entry.name for entry in registry().entries("temporal", "*ema*")} == {"ema"}
    assert {plugin.module for plugin in load_plugins()[1] if plugin.name == "salzoo"} >= {"salzoo.backbones"}


def test_every_built_in_target_loads() -> None:
    for kind in ("backbones", "temporal", "metrics", "datasets"):
        for entry in registry().entries(kind):
            assert callable(entry.load()), entry


def test_aliases_find_the_same_entry() -> None:
    assert registry().find("backbones", "centre-bias") is registry().find("backbones", "center-bias")


@pytest.mark.parametrize(("name", "hint"), [("salgam", "did you mean 'salgan'?"), ("zzz", "known: center-bias")])
def test_unknown_names_get_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(SalzooError, match=f"unknown backbone '{name}'; {hint}".replace("?", r"\?")):
        registry().find("backbones", name)


def test_a_name_belongs_to_its_first_holder() -> None:
    registry = Registry()
    first = Entry("temporal", "gru", "a:b", "", ("g",), "first")
    assert registry.add(first) == []
    assert registry.add(Entry("temporal", "gru", "c:d", "", (), "second")) == [
        "temporal module 'gru' belongs to first already"
    ]
    assert registry.add(Entry("temporal", "other", "c:d", "", ("g", "h"), "second")) == [
        "temporal module 'g' belongs to first already"
    ]
    assert registry.find("temporal", "gru") is first
    assert registry.find("temporal", "g") is first
    assert registry.find("temporal", "h").name == "other"


def test_a_target_that_cannot_be_loaded_names_the_plug_in() -> None:
    entry = Entry("metrics", "emd", "no_such_package:emd", "", (), "salzoo-emd")
    with pytest.raises(
        SalzooError, match="metric 'emd' of plug-in salzoo-emd cannot be loaded from no_such_package:emd"
    ):
        entry.load()


def test_names_and_targets_are_checked() -> None:
    @hookimpl
    def register_backbones(register: Register) -> None:
        register("no name", "package:attribute")

    with pytest.raises(ValueError, match="'no name' cannot be a name"):
        collect(SimpleNamespace(register_backbones=register_backbones), "bad")


PLUGINS = {
    "good": "from salzoo.hookspecs import hookimpl\n@hookimpl\ndef register_temporal_modules(register):\n"
    '    register("gru", "good:GRU", summary="a good one")\n',
    "raises": 'raise RuntimeError("broken at import")\n',
    "exits": "import sys\nsys.exit(3)\n",
    "halfway": "from salzoo.hookspecs import hookimpl\n@hookimpl\ndef register_backbones(register):\n"
    '    register("half", "halfway:Half")\n    raise ValueError("not finished")\n',
    "signature": "from salzoo.hookspecs import hookimpl\n@hookimpl\ndef register_backbones(register, x):\n    pass\n",
    "taken": "from salzoo.hookspecs import hookimpl\n@hookimpl\ndef register_temporal_modules(register):\n"
    '    register("ema", "taken:EMA")\n    register("mine", "taken:Mine")\n',
}


def test_bad_plug_ins_are_left_out_whole_and_reported(tmp_path: Path) -> None:
    for name, source in PLUGINS.items():
        (tmp_path / f"{name}.py").write_text(source)
        info = tmp_path / f"salzoo_{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: salzoo-{name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[salzoo]\n{name} = {name}\n")
    script = textwrap.dedent("""
        from salzoo.plugins import registry
        print(sorted(entry.name for entry in registry().entries("temporal")))
        print(sorted(entry.name for entry in registry().entries("backbones")))
        registry()
    """)
    paths = f"{tmp_path}:{Path(salzoo.__file__).parents[1]}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env={"PYTHONPATH": paths})
    assert done.returncode == 0, done.stderr
    temporal, backbones = done.stdout.splitlines()
    assert temporal == "['convlstm', 'ema', 'gru', 'mine']"
    assert "half" not in backbones
    reports = done.stderr.splitlines()
    assert len(reports) == 5
    for name, why in {
        "raises": "RuntimeError: broken at import",
        "exits": "SystemExit: 3",
        "halfway": "ValueError: not finished",
        "signature": "PluginValidationError",
        "taken": "temporal module 'ema' belongs to salzoo already",
    }.items():
        assert any(f"salzoo-{name}" in line and why in line for line in reports), (name, done.stderr)
