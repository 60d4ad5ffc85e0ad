"""Names and plug-ins: what third parties register, and what happens when they go wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import salzoo
from salzoo.hookspecs import Register, hookimpl
from salzoo.interfaces import SalzooError
from salzoo.interfaces.errors import EndedBySignal
from salzoo.plugins import collect, load_plugins, registry
from salzoo.registry import Entry, Registry
from salzoo.training.recipe import parse_recipe


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


@pytest.mark.parametrize(("name", "hint"), [("salgam", "did you mean 'salgan'?"), ("zzz", "known: adapted")])
def test_unknown_names_get_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(SalzooError, match=f"unknown backbone '{name}'; {hint}".replace("?", r"\?")):
        registry().find("backbones", name)


def test_a_name_belongs_to_its_first_holder() -> None:
    registry = Registry()
    first = Entry("temporal", "gru", "a:b", "", ("g",), "first")
    assert registry.add(first) == (first, [])
    late = Entry("temporal", "gru", "c:d", "", (), "second")
    assert registry.add(late) == (None, ["temporal module 'gru' belongs to first already"])
    added, clashes = registry.add(Entry("temporal", "other", "c:d", "", ("g", "h"), "second"))
    assert clashes == ["temporal module 'g' belongs to first already"]
    assert added is not None
    assert added.aliases == ("h",)
    assert registry.find("temporal", "gru") == registry.find("temporal", "g") == first
    assert registry.find("temporal", "h") is registry.find("temporal", "other") is added


def test_a_target_that_cannot_be_loaded_names_the_plug_in() -> None:
    entry = Entry("metrics", "emd", "no_such_package:emd", "", (), "salzoo-emd")
    with pytest.raises(
        SalzooError, match="metric 'emd' of plug-in salzoo-emd cannot be loaded from no_such_package:emd"
    ):
        entry.load()


def test_a_signal_while_a_target_loads_is_not_held_against_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "asked_to_end.py").write_text("from salzoo.interfaces.errors import EndedBySignal as E; raise E(143)")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(EndedBySignal):
        Entry("metrics", "emd", "asked_to_end:emd", "", (), "salzoo-emd").load()


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("no name", "package:attribute"), {}, "'no name' cannot be a name"),
        ((5, "package:attribute"), {}, "5 cannot be a name"),
        (("name", "package.attribute"), {}, "target 'package.attribute' of 'name' must be callable or read"),
        (("n" * 65, "package:attribute"), {}, "cannot be a name"),
        (("name", "package:attribute"), {"summary": "two\nlines"}, "must be a text on one line"),
        (("name", 5), {}, "target 5 of 'name' must be callable or read"),
        (("name", "package:attribute"), {"aliases": "other"}, "aliases of 'name' must be a sequence of names"),
        (("name", "package:attribute"), {"aliases": ["other", ""]}, "'' cannot be a name"),
        (("name", "package:attribute"), {"summary": 5}, "summary of 'name' must be a text on one line, not 5"),
    ],
)
def test_what_is_registered_is_checked(arguments: tuple[Any, ...], options: dict[str, Any], message: str) -> None:
    @hookimpl
    def register_backbones(register: Register) -> None:
        register(*arguments, **options)

    with pytest.raises((ValueError, TypeError), match=message):
        collect(SimpleNamespace(register_backbones=register_backbones), "bad")


def hook(kind: str, *names: str) -> str:
    """The source of a plug-in that registers names of a kind, with targets that do not exist."""
    lines = ["from salzoo.hookspecs import hookimpl", "@hookimpl", f"def register_{kind}(register):"]
    return "\n".join([*lines, *(f"    register({name!r}, 'nowhere:{name}')" for name in names)])


GOOD = {"good": "print('hello')\n" + hook("temporal_modules", "gru"), "older": hook("temporal_modules", "old")}
BAD = {
    "raises": ('raise RuntimeError("broken\\nat import")', "broken at import"),
    "exits": ("import sys\nsys.exit(3)", "it ends the program with status 3"),
    "halfway": (hook("backbones", "half") + '\n    raise ValueError("not finished")', "not finished"),
    "signature": (hook("backbones", "odd").replace("(register)", "(register, x)", 1), "hook 'register_backbones'"),
    "unknown_hook": (hook("colours", "red"), "unknown hook 'register_colours'"),
    "taken": (hook("temporal_modules", "ema", "mine"), "temporal module 'ema' belongs to salzoo already"),
    "zweiter": (hook("temporal_modules", "gru"), "temporal module 'gru' belongs to salzoo-good already"),
    "newer": (hook("temporal_modules", "new"), "it needs salzoo >=99, and this is"),
    "unmarked": (hook("temporal_modules", "x").replace("@hookimpl", ""), "register_temporal_modules is not marked"),
    "mute": ("class E(BaseException):\n    def __str__(self): raise ValueError\nraise E", "it gives no reason"),
    "verbose": ("raise ValueError('spam ' * 9999)", "spam spam"),
    "absent": ("import no_such_package", "No module named 'no_such_package'"),
}
REQUIRES = {"newer": "salzoo[mat]>=99 ; python_version > '3'", "older": "salzoo>=0.1; extra == 'x'"}


def install(folder: Path, name: str, source: str) -> None:
    """Put a distribution salzoo-NAME with a module NAME into a folder, as pip would."""
    (folder / f"{name}.py").write_text(source + "\n")
    info = folder / f"salzoo_{name}-1.0.dist-info"
    info.mkdir()
    requires = f"Requires-Dist: {REQUIRES[name]}\n" if name in REQUIRES else ""
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: salzoo-{name}\nVersion: 1.0\n{requires}")
    (info / "entry_points.txt").write_text(f"[salzoo]\n{name} = {name}\n")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages, most of them bad."""
    folder = tmp_path_factory.mktemp("packages")
    for name, source in {**GOOD, **{name: source for name, (source, _) in BAD.items()}}.items():
        install(folder, name, source)
    return folder


def run_salzoo(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join([str(folder), str(Path(salzoo.__file__).parents[1])])
    environment = {**os.environ, "PYTHONPATH": paths, **variables}
    return subprocess.run([sys.executable, "-m", "salzoo", *arguments], capture_output=True, text=True, env=environment)


def check_reports(stderr: str) -> None:
    """Each bad package is reported on one line, once, and no good one is."""
    reports = [line for line in stderr.splitlines() if line.startswith("plug-in ")]
    for name, (_, why) in BAD.items():
        assert sum(f"salzoo-{name} " in line and why in line for line in reports) == 1, (name, stderr)
    assert len(reports) == len(BAD), stderr
    assert "Traceback" not in stderr
    assert all(len(line) < 500 for line in stderr.splitlines())


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (["list"], "convlstm"),
        (["describe", "salgan:width=0.1+ema@61"], "salgan:width=0.1+ema@61"),
        (["recipes"], "salema"),
        (["card", "salema61"], "salema61"),
    ],
)
def test_bad_packages_leave_every_command_working(folder: Path, arguments: list[str], printed: str) -> None:
    done = run_salzoo(folder, *arguments)
    assert done.returncode == 0, done.stderr
    assert printed in done.stdout
    check_reports(done.stderr)


def test_a_run_with_worker_processes_reports_them_once(folder: Path, tiny_data: Path, tmp_path: Path) -> None:
    arguments = ["--root", str(tiny_data), "--workers", "2", "--max-frames", "40", "-o", str(tmp_path / "scores.json")]
    done = run_salzoo(folder, "eval", "center-bias", *arguments)
    assert done.returncode == 0, done.stderr
    check_reports(done.stderr)


def test_a_bad_package_is_left_out_whole(folder: Path) -> None:
    found = json.loads(run_salzoo(folder, "list", "--json").stdout)
    assert [entry["name"] for entry in found["temporal"]] == ["convlstm", "ema", "gru", "mine", "old"]
    assert {"half", "odd"}.isdisjoint(entry["name"] for entry in found["backbones"])
    plugins = {plugin["name"]: plugin for plugin in json.loads(run_salzoo(folder, "plugins", "--json").stdout)}
    assert [entry["name"] for entry in plugins["salzoo-taken"]["entries"]] == ["mine"]
    assert plugins["salzoo-zweiter"]["entries"] == []
    assert plugins["salzoo-good"]["problem"] == ""
    shown = run_salzoo(folder, "plugins").stdout
    assert "salzoo-good 1.0\n  temporal module  gru\n" in shown
    assert "salzoo-raises 1.0\n  raises: broken at import\n" in shown


def test_broken_metadata_stops_nothing(tmp_path: Path) -> None:
    broken = {"other": b"\xff\xfe[salzoo]", "nameless": b"[salzoo]\nx = nowhere\n", "malformed": b"[salzoo]\nx\n"}
    for name, entry_points in broken.items():
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "entry_points.txt").write_bytes(entry_points)
        if name != "nameless":
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    done = run_salzoo(tmp_path, "list")
    assert done.returncode == 0
    malformed, other, unnamed = done.stderr.splitlines()
    assert other.startswith("plug-in other (entry_points.txt) is left out: the entry_points.txt of other in ")
    assert malformed.startswith("plug-in malformed (entry_points.txt) is left out: ")
    assert unnamed == "plug-in unnamed (nowhere) is left out: No module named 'nowhere'"


@pytest.mark.parametrize(
    ("value", "left"),
    [("1", []), ("all", []), ("salzoo_Taken,salzoo-older", ["gru"]), ("salzoo-good", ["gru", "mine", "old"])],
)
def test_packages_can_be_disabled(folder: Path, value: str, left: list[str]) -> None:
    found = json.loads(run_salzoo(folder, "list", "temporal", "--json", SALZOO_DISABLE_PLUGINS=value).stdout)
    assert [entry["name"] for entry in found["temporal"]] == ["convlstm", "ema", *left]
    shown = run_salzoo(folder, "plugins", SALZOO_DISABLE_PLUGINS=value)
    assert "disabled by SALZOO_DISABLE_PLUGINS" in shown.stdout
    assert ("salzoo-raises" in shown.stderr) == bool(left)


def test_a_target_that_raises_names_its_package(folder: Path) -> None:
    done = run_salzoo(folder, "describe", "salgan:width=0.1+gru@bottleneck")
    assert done.returncode == 1
    message = "salzoo: temporal module 'gru' of plug-in salzoo-good cannot be loaded from nowhere:gru: No module named"
    assert done.stderr.splitlines()[-1].startswith(message)


def test_an_entry_points_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    """torch itself asks all distributions for extensions, so it is said what to remove; the zoo's listings go on."""
    info = tmp_path / "other-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (info / "entry_points.txt").write_bytes(bytes(range(256)))
    done = run_salzoo(tmp_path, "list", "metrics")
    assert done.returncode == 0, done.stderr
    assert f"the entry_points.txt of other in {tmp_path} is no text: repair or remove it" in done.stderr


def test_a_thousand_bad_packages_are_counted(tmp_path: Path) -> None:
    info = tmp_path / "salzoo_many-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: salzoo-many\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[salzoo]\n" + "".join(f"n{k} = no_such_{k}\n" for k in range(1000)))
    done = run_salzoo(tmp_path, "list")
    assert done.returncode == 0
    assert len(done.stderr.splitlines()) == 21
    assert done.stderr.splitlines()[-1] == "and 980 more plug-ins have problems: salzoo plugins shows them"


def test_what_bad_packages_say_is_shown_not_obeyed(tmp_path: Path) -> None:
    source = (
        "import warnings\nwarnings.warn('\\x1b]0;a\\x07')\n"
        "raise type('\\x1b]0;b\\x07Error', (Exception,), {})('\\x1b]0;c\\x07')"
    )
    install(tmp_path, "osc", source)
    (tmp_path / "salzoo_osc-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: \x1b]0;d\x07\n")
    for arguments in (["list"], ["plugins"], ["plugins", "--json"]):
        done = run_salzoo(tmp_path, *arguments)
        assert done.returncode == 0
        assert "\x1b" not in done.stdout + done.stderr
    assert "\\x1b]0;c\\x07" in run_salzoo(tmp_path, "list").stderr


def test_a_package_that_imports_torch_or_hangs_is_named(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("")  # stands for the real one, which takes seconds
    install(tmp_path, "heavy", "import torch\n" + hook("temporal_modules", "gru"))
    shown = run_salzoo(tmp_path, "plugins").stdout
    assert "  heavy: importing it loads torch, which every command waits for" in shown
    install(tmp_path, "slow", "import time\ntime.sleep(0.5)")
    script = "import salzoo.plugins as p, sys\np.SLOW = 0.1\np.load_plugins()"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path(salzoo.__file__).parents[1])])}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment)
    assert "still importing plug-in salzoo-slow (slow); SALZOO_DISABLE_PLUGINS=salzoo-slow leaves it out" in done.stderr
    assert "salzoo-heavy" not in done.stderr


def test_a_package_brings_a_recipe() -> None:
    class Plugin:
        @hookimpl
        def register_recipes(self, register: Register) -> None:
            register("mine", lambda: 'summary = "Mine"\nsource = "me"\nlr = 0.5', summary="Mine")

    [entry] = collect(Plugin(), "salzoo-mine")
    assert (entry.kind, entry.name) == ("recipes", "mine")
    assert parse_recipe(entry.name, entry.load()()).lr == 0.5
    with pytest.raises(SalzooError, match=r"unknown recipe 'unisal': it comes with the package salzoo-unisal"):
        Registry().find("recipes", "unisal")
