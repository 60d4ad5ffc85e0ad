"""JSON from outside: what cannot be read is one kind of error."""

from pathlib import Path

import pytest

from salzoo.datasets.synthetic import open_synthetic
from salzoo.evaluation.partial import PartialScores
from salzoo.interfaces import SalzooError
from salzoo.runtime.files import parse_json

HOSTILE = ["[" * 100_000, '{"a":' * 100_000, "9" * 5000, "-" + "1" * 10_000, '{"a"', "\ud800", ""]


@pytest.mark.parametrize("text", HOSTILE)
def test_it_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_json(text)


@pytest.mark.parametrize("text", ["[" * 100_000, "9" * 5000])
def test_its_readers_take_it_for_damage(text: str, tmp_path: Path) -> None:
    (tmp_path / "scores.jsonl").write_text(text + "\n")
    assert PartialScores(tmp_path).find("a", "b") is None
    (tmp_path / "synthetic.json").write_text(text)
    with pytest.raises(SalzooError, match=r"cannot read .*delete"):
        open_synthetic(tmp_path)
