"""Settings that last, and where data sets are looked for."""

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from salzoo.cli import cli
from salzoo.config import config_path, read_config, set_config
from salzoo.data import data_root, open_dataset
from salzoo.interfaces import SalzooError


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "deep" / "settings.json"
    monkeypatch.setenv("SALZOO_CONFIG", str(path))
    monkeypatch.delenv("SALZOO_DATA", raising=False)
    return path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["config", *arguments])


def test_set_show_unset(tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run()
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", f"no settings in {file}\n")
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path)
    assert run("set", "data.dhf1k", "data").exit_code == 0
    assert run("set", "data.ucf-sports", str(tmp_path)).exit_code == 0
    for arguments in ((), ("show",)):
        result = run(*arguments)
        assert result.stdout == f"data.dhf1k = {tmp_path / 'data'}\ndata.ucfsports = {tmp_path}\n"
    assert json.loads(file.read_text()) == {"data.dhf1k": str(tmp_path / "data"), "data.ucfsports": str(tmp_path)}
    assert run("unset", "data.dhf1k").exit_code == 0
    assert read_config() == {"data.ucfsports": str(tmp_path)}
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("set", "hub", "x"), "unknown setting 'hub'"),
        (("set", "data", "x"), "unknown data set ''"),
        (("set", "data.dhf2k", "."), "unknown data set 'dhf2k'; did you mean 'dhf1k'"),
        (("set", "data.dhf1k", "/nowhere/at/all"), "/nowhere/at/all does not exist"),
        (("unset", "data.dhf1k"), "data.dhf1k is not set"),
    ],
)
def test_wrong_settings(file: Path, arguments: tuple[str, ...], message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 1
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not file.exists()


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"data.dhf1k": 1}', b"\xff\xfe", b"", b"null", b"[" * 100000])
def test_a_broken_file_is_named_in_one_line(file: Path, tmp_path: Path, content: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    for arguments in ((), ("set", "data.dhf1k", str(tmp_path)), ("unset", "data.dhf1k")):
        result = run(*arguments)
        assert result.exit_code == 1
        assert str(file) in result.stderr
        assert len(result.stderr.splitlines()) == 1
    with pytest.raises(SalzooError, match=r"settings\.json"):
        data_root("dhf1k")
    assert file.read_bytes() == content


def test_a_pipe_or_an_endless_file_is_not_read(file: Path, tmp_path: Path) -> None:
    file.parent.mkdir()
    os.mkfifo(file)
    assert run().stderr == f"salzoo: {file} is not a regular file; repair or delete it\n"
    file.unlink()
    with file.open("wb") as endless:
        endless.truncate(20 * 2**30)
    assert "is larger than 1,048,576 bytes" in run("set", "data.dhf1k", str(tmp_path)).stderr
    file.unlink()


def test_many_writers_lose_nothing(file: Path, tmp_path: Path) -> None:
    names = ["dhf1k", "salicon", "hollywood2", "ucfsports", "osie", "eyecrowd", "sun500", "hevc33"]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: set_config(f"data.{name}", str(tmp_path)), names))
    assert read_config() == {f"data.{name}": str(tmp_path) for name in names}
    assert list(file.parent.iterdir()) == [file]


def test_a_writer_that_was_killed_is_named(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("salzoo.config.PATIENCE", 0.05)
    left = file.with_name("settings.json.unfinished")
    left.parent.mkdir()
    left.touch()
    result = run("set", "data.dhf1k", str(tmp_path))
    assert result.exit_code == 1
    assert f"{left} is there: another salzoo is writing settings" in result.stderr
    left.unlink()
    assert run("set", "data.dhf1k", str(tmp_path)).exit_code == 0


def test_folders_with_names_that_terminals_obey(tmp_path: Path) -> None:
    for name in ("a\nhub.namespace = evil", "\x1b]0;x\x07", os.fsdecode(b"\xff")):
        folder = tmp_path / name
        folder.mkdir()
        assert "\n" not in run("set", "data.dhf1k", str(folder)).stdout.removesuffix("\n")
        assert data_root("dhf1k") == folder
        shown = run("show").stdout
        assert len(shown.splitlines()) == 1
        assert "\x1b" not in shown


def test_help_names_every_kind_of_setting() -> None:
    output = run("--help").output
    assert all(kind in output for kind in ("data.NAME", "hub.models", "hub.namespace"))


def test_a_file_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SALZOO_CONFIG", str(tmp_path / "file" / "settings.json"))
    with pytest.raises(SalzooError, match="cannot"):
        set_config("data.dhf1k", str(tmp_path))


def test_where_the_file_is(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert config_path() == file
    monkeypatch.delenv("SALZOO_CONFIG")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    assert config_path() == tmp_path / "xdg" / "salzoo" / "config.json"
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert config_path() == tmp_path / "home" / ".config" / "salzoo" / "config.json"


def test_order_of_the_places(tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert data_root("dhf1k") is None
    set_config("data.dhf1k", str(tiny_data))
    assert data_root("dhf1k") == tiny_data
    assert len(open_dataset("DHF1K").videos) == 6

    monkeypatch.setenv("SALZOO_DATA", str(tmp_path))
    assert data_root("dhf1k") == tiny_data  # there is no such folder in SALZOO_DATA
    (tmp_path / "dhf1k" / "video").mkdir(parents=True)
    (tmp_path / "dhf1k" / "video" / "007.AVI").touch()
    assert data_root("dhf1k") == tmp_path / "dhf1k"
    assert [video.id for video in open_dataset("dhf1k").videos] == ["0007"]
    assert len(open_dataset("dhf1k", tiny_data).videos) == 6


def test_a_folder_that_has_gone(tmp_path: Path, file: Path) -> None:
    (tmp_path / "data").mkdir()
    set_config("data.salicon", str(tmp_path / "data"))
    shutil.rmtree(tmp_path / "data")
    with pytest.raises(
        SalzooError, match=rf"{file} says that salicon is in {tmp_path / 'data'}, which is not a folder"
    ):
        open_dataset("salicon")
