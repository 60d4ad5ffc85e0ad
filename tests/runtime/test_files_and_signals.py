"""Files that are complete or absent, whatever ends a process; and signals that ask one to end."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from salzoo.interfaces import SalzooError
from salzoo.runtime import progress
from salzoo.runtime.files import ABANDONED, check_output, complete_or_absent
from salzoo.runtime.pool import worker_pool
from salzoo.runtime.signals import ended_by_signals, held_back, noted_signals


@pytest.mark.parametrize("kind", ["link", "pipe", "/dev/null"])
def test_links_and_devices_are_not_replaced(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "out.json"
    if kind == "link":
        (tmp_path / "target").write_text("mine")
        path.symlink_to("target")
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path = Path(kind)
    before = os.lstat(path)
    with pytest.raises(SalzooError, match="which is not replaced"), complete_or_absent(path) as temporary:
        temporary.write_text("new")
    with pytest.raises(SalzooError, match="which is not replaced"):
        check_output(path)
    assert (os.lstat(path).st_ino, os.lstat(path).st_mode) == (before.st_ino, before.st_mode)


def test_a_place_is_looked_at_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path, why in ((tmp_path, "it is a folder"), (tmp_path / "file" / "x" / "y", "is not a folder")):
        with pytest.raises(SalzooError, match=why):
            check_output(path)
    check_output(tmp_path / "new" / "folder" / "x.json")
    check_output(tmp_path / "file")


def test_what_killed_processes_left_is_swept_when_it_is_old(tmp_path: Path) -> None:
    names = (".salzoo-0123abcd.mp4", ".salzoo-0123abce", ".salzoo-ffffffff.png", ".salzoo-notes", "mine.mp4")
    for name in names:
        (tmp_path / name).write_text("")
    (tmp_path / ".salzoo-00000000").mkdir()
    (tmp_path / ".salzoo-00000000" / "0001.png").write_text("")
    old = time.time() - ABANDONED - 60
    for name in (*names[:2], *names[3:], ".salzoo-00000000"):
        os.utime(tmp_path / name, (old, old))
    with complete_or_absent(tmp_path / "x.txt") as temporary:
        temporary.write_text("x")
    assert {path.name for path in tmp_path.iterdir()} == {*names[2:], "x.txt"}


SIGNALLED = """
import signal, sys
from pathlib import Path
from salzoo.cli import COMMANDS, Commands, cli
from salzoo.runtime.files import complete_or_absent

def write_and_wait(*_):
    with complete_or_absent(Path("x.mp4")) as temporary:
        temporary.write_text("half")
        signal.raise_signal(int(sys.argv[1]))

Commands.invoke = write_and_wait
try:
    cli([next(iter(COMMANDS))])
finally:
    assert signal.getsignal(int(sys.argv[1])) is signal.SIG_DFL
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_command_and_leaves_nothing(tmp_path: Path, number: int) -> None:
    command = [sys.executable, "-c", SIGNALLED, str(int(number))]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stderr) == (128 + number, f"salzoo: ended by {signal.Signals(number).name}\n")
    assert list(tmp_path.iterdir()) == []


def test_a_signal_that_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup has it
    try:
        with ended_by_signals():
            signal.raise_signal(signal.SIGHUP)
        with noted_signals() as noted:
            signal.raise_signal(signal.SIGHUP)
            assert not noted()
    finally:
        signal.signal(signal.SIGHUP, before)


def test_signals_are_noted_once_and_held_back_while_processes_start() -> None:
    with noted_signals() as noted:
        assert not noted()
        signal.raise_signal(signal.SIGTERM)
        assert noted()
    reached: list[int] = []

    def be_asked(number: int) -> None:
        with ended_by_signals(), held_back():
            signal.raise_signal(number)  # to this thread; one sent to the process may reach another
            reached.append(number)

    with pytest.raises(KeyboardInterrupt):
        be_asked(signal.SIGINT)
    with pytest.raises(SystemExit) as caught:
        be_asked(signal.SIGTERM)
    assert reached == [signal.SIGINT, signal.SIGTERM]
    assert caught.value.code == 128 + signal.SIGTERM


def test_workers_end_at_once_with_their_parent() -> None:
    def work() -> None:
        with ended_by_signals(), worker_pool(time.sleep, 2) as pool:
            for _ in range(4):
                pool.submit(600)
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(SystemExit):
        work()
    assert multiprocessing.active_children() == []


def test_long_work_prints_lines_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "SECONDS", 0.01)
    with progress.progress_bar("scoring it", total=100, unit="frame") as bar:
        for _ in range(4):
            time.sleep(0.02)
            bar.update(25)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("scoring it: 25 of 100, ")
    assert "\r" not in "".join(lines)
    with progress.progress_bar("scoring it", total=2, silent=True) as bar:
        bar.update()
    monkeypatch.setattr(sys, "stderr", None)
    with progress.progress_bar("scoring it", total=2) as bar:
        bar.update()
    assert capsys.readouterr().err == ""
