"""What reaches the terminal, and streams that are full or closed."""

import io
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from tqdm import tqdm

import salzoo
from salzoo.cli import cli
from salzoo.cli.failures import explain
from salzoo.cli.terminal import Shown, guarded_streams
from salzoo.interfaces import SalzooError
from salzoo.interfaces.errors import LIMIT, one_line, shown
from salzoo.plugins import load_plugins, registry
from salzoo.registry import Entry

OSC = "\x1b]0;owned\x07"
"""Sets a terminal's title, where it gets there."""


def shell(command: str) -> subprocess.CompletedProcess[str]:
    """Run "salzoo ..." in a shell."""
    environment = {**os.environ, "PYTHONPATH": str(Path(salzoo.__file__).parents[1])}
    command = command.replace("salzoo", f"{sys.executable} -m salzoo")
    return subprocess.run(["sh", "-c", command], capture_output=True, text=True, env=environment)


@given(st.text(), st.integers(10, 60))
def test_what_is_shown_can_be_printed(text: str, limit: int) -> None:
    once = shown(text, limit)
    assert once.isprintable()
    assert len(once) <= limit
    assert shown(once, limit) == once
    assert shown(text) == text or not text.isprintable()


@given(st.text() | st.text(alphabet="\x1b[]mA0\r\x07\n\u202e\udcff"), st.booleans())
def test_nothing_written_moves_the_cursor_but_a_bar(text: str, bars: bool) -> None:
    stream = io.StringIO()
    click.echo(text, file=Shown(stream, bars=bars), color=True)
    written = stream.getvalue()
    if bars:
        written = written.removeprefix("\r")
    assert written.replace("\n", "").replace("\t", "").isprintable()


def test_bars_are_drawn_and_their_labels_are_not_obeyed() -> None:
    stream = io.StringIO()
    with tqdm(total=2, desc=f"a{OSC}", file=Shown(stream, bars=True)) as outer:
        with tqdm(total=2, desc="inner", file=outer.fp, leave=False) as inner:
            inner.update(2)
        outer.update(2)
    assert "\r" in stream.getvalue()
    assert "\x1b[A" in stream.getvalue()  # the inner bar stands below the outer one
    assert "\x1b]" not in stream.getvalue()
    assert "a\\x1b]0;owned\\x07" in stream.getvalue()


def test_names_that_are_no_utf8_and_encodings_that_lack_characters() -> None:
    raw = io.BytesIO()
    ascii_only = io.TextIOWrapper(raw, encoding="ascii", write_through=True)
    Shown(ascii_only, bars=False).write("48×64 \udcff\n")
    assert raw.getvalue() == b"48\\xd764 \\xff\n"


def test_errors_are_shown_and_cut() -> None:
    error = SalzooError(f"{OSC}{'x' * 10**7} do this")
    assert str(error).startswith("\\x1b]0;owned\\x07xxx")
    assert str(error).endswith("xxx do this")
    assert len(str(error)) <= LIMIT
    assert one_line(ValueError("x" * 1000)) == shown("x" * 1000, 300)


@pytest.mark.parametrize(
    "arguments",
    [
        ["describe", f"salgan{OSC}"],
        ["list", OSC],
        [OSC],
        ["list", f"--{OSC}"],
        ["card", OSC],
        ["eval", OSC],
        ["predict", OSC, OSC, "-o", f"{OSC}.png"],
        ["plugins", "check", OSC],
        ["config", "set", OSC, OSC],
        ["describe", "x" * 10**6],
        ["list", "x" * 10**6],
    ],
)
def test_hostile_arguments_are_shown(arguments: list[str]) -> None:
    result = CliRunner().invoke(cli, arguments, color=True)
    assert result.exit_code in (1, 2)
    assert "\x1b" not in result.output
    assert len(result.output) < 2 * LIMIT


def test_summaries_and_cards_of_plug_ins_are_shown() -> None:
    registry().add(Entry("models", "hostile", lambda: "---\nlibrary_name: salzoo\n---\n", f"a {OSC}", (), "test"))
    card = (
        f"---\nlibrary_name: salzoo\nsalzoo: {{spec: salgan, published: x, convert: y, sources: [z]}}\n---\n# {OSC}\n"
    )
    registry().add(Entry("models", "hostile-card", lambda: card, "", (), "test"))
    try:
        listed = CliRunner().invoke(cli, ["list"], color=True)
        read = CliRunner().invoke(cli, ["card", "hostile-card"], color=True)
    finally:
        load_plugins.cache_clear()
    assert "a \\x1b]0;owned\\x07" in listed.output
    assert read.output == "# \\x1b]0;owned\\x07\n"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (MemoryError(), "not enough memory (there is not enough memory): lower --batch"),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't"), "not enough memory"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"), "not enough memory (CUDA out of memory"),
        (OSError(36, "File name too long", "xxx"), "xxx: File name too long"),
        (ValueError("embedded null byte"), "a name holds a null character"),
        (KeyError("size"), "went wrong: there is no 'size' (--debug shows where)"),
        (ValueError(), "went wrong: it gives no reason (--debug shows where)"),
    ],
)
def test_other_errors_are_explained(error: Exception, message: str) -> None:
    said = explain(error, "train")
    assert message in said
    assert "Error" not in said


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("command", ["salzoo --help", "salzoo list", "salzoo list --help"])
def test_output_that_cannot_be_written(command: str) -> None:
    done = shell(f"{command} >/dev/full")
    assert done.returncode == 1
    assert done.stderr == "salzoo: the output cannot be written: No space left on device\n"


@pytest.mark.parametrize("closed", ["2>&-", "2>/dev/full"])
def test_a_stderr_that_takes_nothing(closed: str) -> None:
    assert shell(f"salzoo list metrics {closed}").stdout.startswith("auc_borji")
    assert shell(f"salzoo card salema16 {closed}").returncode == 1


def test_a_stdin_that_is_closed_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with guarded_streams():
        assert sys.stdin.buffer.read() == b""


def test_an_empty_argument_is_no_folder() -> None:
    for arguments in (["predict", "", "-o", "x.csv"], ["predict", "x.mp4", "-o", ""], ["data", "check", ""]):
        result = CliRunner().invoke(cli, arguments)
        assert result.exit_code == 2
        assert "an argument is empty" in result.output


def test_numbers_are_finite() -> None:
    for option in ("--from", "--to", "--opacity"):
        result = CliRunner().invoke(cli, ["predict", "x.mp4", "-o", "x.csv", option, "nan"])
        assert result.exit_code == 2
        assert "'nan' is no finite number" in result.output


def test_bars_and_messages_where_stderr_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    with guarded_streams():
        assert list(tqdm([1, 2], disable=None)) == [1, 2]
        print("lost", file=sys.stderr)
        click.echo("lost", err=True)


def test_a_reader_that_has_gone() -> None:
    done = shell("salzoo list --json | head -n 1")
    assert (done.stdout, done.stderr) == ("{\n", "")
