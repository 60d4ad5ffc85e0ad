"""``salzoo plugins check`` on the command line."""

import json

import pytest
from click.testing import CliRunner

from salzoo.cli import cli
from salzoo.plugins import Plugin, load_plugins, registry
from salzoo.registry import Entry


def call(*arguments: str, status: int = 0) -> str:
    result = CliRunner().invoke(cli, ["plugins", *arguments])
    assert result.exit_code == status, result.output
    return result.output


def test_a_component_is_checked() -> None:
    assert call("check", "nss").startswith("metric nss: 11 checks held, 0 failed\n")
    (report,) = json.loads(call("check", "center-bias", "--json"))
    assert report["kind"] == "backbone"
    assert len(report["held"]) == 11
    assert {finding["check"] for finding in report["passed_over"]} == {
        "clips equal their frames streamed",
        "no frame depends on later ones",
        "priming gives the state that running gives",
        "stills pass by",
        "videos start anew",
        "windows are as long as they say",
        "links are read",
        "every parameter learns",
        "sources come and go",
    }


@pytest.mark.parametrize(
    "name", ["ema:alpha=0.3", "ema:tau=0.2", "ema:learn=true", "ema:dropout=0.5", "convlstm:residual=true"]
)
def test_the_built_in_temporal_modules_keep_the_contract(name: str) -> None:
    assert f"temporal module {name}: " in call("check", name)


def test_a_card_is_checked() -> None:
    assert call("check", "salema61") == "card salema61: 1 checks held, 0 failed\n"


def test_what_fails_ends_with_status_1() -> None:
    output = call("check", "dhf1k", status=1)
    assert "data set dhf1k: 0 checks held, 1 failed\n  FAILED it can be made: data set dhf1k needs the folder" in output
    assert output.endswith("salzoo: 1 of 1 parts of dhf1k failed a check\n")
    assert "no package or component 'emma'; did you mean 'ema' or 'salema'?" in call("check", "emma", status=1)
    assert "ema has no parameter 'speed'" in call("check", "ema:speed=3", status=1)


def test_a_package_that_registers_nothing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    found = (registry(), (Plugin("salzoo-empty", "1.0", "empty", ()),))
    monkeypatch.setattr("salzoo.testing.package.load_plugins", lambda: found)
    assert "FAILED it is registered whole: empty registers nothing" in call("check", "salzoo-empty", status=1)


def test_a_package_is_checked_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it registers, and that it was registered without a clash."""
    nss = Entry("metrics", "nss", "salzoo.metrics.registered:nss", "", (), "Salzoo_Twice")
    clash = Plugin("Salzoo_Twice", "1.0", "twice", (nss,), "metric 'cc' belongs to salzoo already")
    found = (registry(), (*load_plugins()[1], clash))
    monkeypatch.setattr("salzoo.testing.package.load_plugins", lambda: found)
    output = call("check", "salzoo-twice", status=1)
    assert "FAILED it is registered whole: metric 'cc' belongs to salzoo already" in output
    assert "metric nss: 11 checks held, 0 failed" in output
    assert output.endswith("salzoo: 1 of 2 parts of salzoo-twice failed a check\n")
