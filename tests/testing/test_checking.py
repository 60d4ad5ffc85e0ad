"""How the checks of a package are run: what is checked of a name, and that a signal ends them."""

import signal
import subprocess
import sys
import unittest

import pytest

from salzoo.registry import Entry, Registry
from salzoo.testing import ConformanceError, Report, check_package, package
from salzoo.testing.report import FaultError, NotApplicableError, Suite


@pytest.mark.parametrize(
    ("name", "kinds"), [("net", ["backbones", "models", "converters"]), ("net:width=0.1", ["backbones"])]
)
def test_a_converter_with_a_backbones_name_takes_no_parameters(
    name: str, kinds: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    known, checked = Registry(), []
    for kind in ("backbones", "converters", "models"):
        known.add(Entry(kind, "net", "a:b", "", (), "test"))  # type: ignore[arg-type]

    def note(kind: str, name: str, root: object) -> Report:
        checked.append(kind)
        return Report(kind, name, (), (), ())

    monkeypatch.setattr(package, "load_plugins", lambda: (known, ()))
    monkeypatch.setattr(package, "_report", note)
    check_package(name)
    assert checked == kinds


SIGNALLED = """
import signal
import subprocess
import sys
from salzoo.runtime.signals import ended_by_signals
from salzoo.testing.report import Suite

def takes_for_ever(subject):
    signal.raise_signal(signal.SIGTERM)

with ended_by_signals():
    Suite("metric", "slow", lambda: 1, [takes_for_ever]).report()
"""


def test_a_signal_ends_the_checks() -> None:
    """It was held for a fault of what was checked, and every later signal was ignored."""
    done = subprocess.run([sys.executable, "-c", SIGNALLED], capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stderr) == (128 + signal.SIGTERM, "salzoo: ended by SIGTERM\n")


def test_each_check_is_a_case_with_a_name() -> None:
    made = []

    def holds(subject: int) -> None:
        assert subject == 1

    def fails(subject: int) -> None:
        raise FaultError("turn it round")

    def has_no_occasion(subject: int) -> None:
        raise NotApplicableError("it has no state")

    def make() -> int:
        made.append(1)
        return 1

    first, second, third = Suite("metric", "mine", make, [holds, fails, has_no_occasion]).cases()
    assert [case.__name__ for case in (first, second, third)] == ["holds", "fails", "has_no_occasion"]
    assert not made  # collecting tests builds nothing
    first()
    with pytest.raises(ConformanceError, match="metric mine: turn it round"):
        second()
    with pytest.raises(unittest.SkipTest, match="it has no state"):
        third()
    assert made == [1]
