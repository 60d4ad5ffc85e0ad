"""Answers of a server that must not be believed, with the real client in this process."""

import logging
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants

import salzoo
from salzoo.hub import guarding
from salzoo.hub.checkpoint import outline_model, save_checkpoint
from salzoo.hub.pulling import pull
from salzoo.hub.pushing import push
from salzoo.interfaces import SalzooError
from salzoo.model import canonical_spec
from salzoo.runtime import network

sys.path.insert(0, str(Path(__file__).parent))
from hub_server import Hub, serve


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A Hub with a model, asked by the client of this process, with a cache of its own."""
    torch.manual_seed(0)
    folder = tmp_path / "model"
    save_checkpoint(salzoo.create_model("salgan:width=0.05"), folder, "---\nlibrary_name: salzoo\n---\n# A model\n")
    with serve() as hub:
        hub.commit("lab/model", {path.name: path.read_bytes() for path in folder.iterdir()})
        for name, value in (
            ("ENDPOINT", hub.endpoint),
            ("HUGGINGFACE_CO_URL_TEMPLATE", hub.endpoint + "/{repo_id}/resolve/{revision}/{filename}"),
            ("HF_HUB_CACHE", str(tmp_path / "cache")),
            ("HF_HUB_OFFLINE", False),
        ):
            monkeypatch.setattr(constants, name, value)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield hub


def test_a_model_is_pulled_under_guard(hub: Hub, tmp_path: Path) -> None:
    found = pull("lab/model")
    assert found.folder.is_relative_to(tmp_path / "cache")
    assert str(salzoo.load_model(found.folder).spec) == "salgan:width=0.05"


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"ETag": '"../../../../../x"'}, "an ETag that is no hash"),
        ({"ETag": '"/tmp/x"'}, "an ETag that is no hash"),
        ({"ETag": '".."'}, "an ETag that is no hash"),
        ({"ETag": '"\x1b]0;owned\x07"'}, "an ETag that is no hash"),
        ({"X-Repo-Commit": "a/b/c"}, "names a commit that is none: a/b/c"),
        ({"X-Repo-Commit": ""}, "names a commit that is none"),
        ({"X-Repo-Commit": "../" * 13 + "x"}, "names a commit that is none"),
        ({"X-Repo-Commit": "\x1b[31m" + "a" * 40}, r"names a commit that is none: \\x1b"),
        ({"Content-Length": "99999999999"}, "config.json is to have 99,999,999,999 bytes; at most 1,048,576"),
    ],
)
def test_a_header_that_cannot_be_is_not_believed(
    hub: Hub, tmp_path: Path, headers: dict[str, str], message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    hub.headers = headers
    outside = {path for path in tmp_path.parent.rglob("*.lock") if "cache" not in path.parts}
    with pytest.raises(SalzooError, match=message) as caught:
        pull("lab/model")
    assert "Error" not in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert {path for path in tmp_path.parent.rglob("*.lock") if "cache" not in path.parts} == outside
    assert not list((tmp_path / "cache").rglob("snapshots/*/*"))
    assert capfd.readouterr().err == ""


def test_a_server_that_asks_to_wait_for_a_day_is_left(hub: Hub) -> None:
    hub.fail, hub.headers = 429, {"Retry-After": "100000"}
    with pytest.raises(SalzooError, match="answered 429 and asks to wait 100000 seconds"):
        pull("lab/model")


def test_an_answer_without_end_is_ended(hub: Hub, tmp_path: Path) -> None:
    hub.endless = "config.json"
    with pytest.raises(SalzooError, match=r"sends more of config\.json than the [\d,]+ bytes it has"):
        pull("lab/model")
    assert sum(path.stat().st_size for path in (tmp_path / "cache").rglob("*") if path.is_file()) < 1 << 21


def test_an_answer_that_hardly_comes_is_ended(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarding, "PATIENCE", 0.3)
    hub.slow = "config.json"
    with pytest.raises(SalzooError, match=r"config\.json comes too slowly"):
        pull("lab/model")


def test_a_hub_that_cannot_be_reached_is_said_at_once(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(SalzooError, match=r"lab/model \(config\.json\) is not in the cache, and .* cannot be reached"):
        pull("lab/model")
    with pytest.raises(SalzooError, match=r"ImageNet weights of VGG-16 .* are out of reach.*cannot be reached"):
        outline_model(canonical_spec("salgan")).backbone.load_imagenet()
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert not network.is_reachable()


def test_a_pulled_model_is_found_by_its_name_when_the_cache_has_lost_its_refs(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commit = pull("lab/model").commit
    shutil.rmtree(next((tmp_path / "cache").rglob("refs")))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert pull("lab/model").commit == commit
    assert f"the Hub cannot be asked; the cache holds commit {commit}" in capsys.readouterr().err
    with pytest.raises(SalzooError, match="is not in the cache"):
        pull("lab/model@v2")


def test_a_name_without_an_organisation_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SalzooError, match="'me' names no repository: write ORG/REPO"):
        push(tmp_path, "me", dry_run=True)
    with pytest.raises(SalzooError, match="names no repository"):
        push(tmp_path, "me/it@main", dry_run=True)


def test_a_cache_that_cannot_be_written_is_not_the_connection(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "cache").write_bytes(b"")
    with pytest.raises(SalzooError, match=r"the cache cannot be written \(.*cache"):
        pull("lab/model")
    assert os.path.isfile(tmp_path / "cache")
