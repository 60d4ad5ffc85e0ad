"""Visits: what they may bring, when they end, and what is left of them."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from salzoo.app import visits as module
from salzoo.app.serving import Refused
from salzoo.app.visits import Visits, temporary_folder


def bring(visits: Visits, visit: module.Visit, name: str, data: bytes = b"data") -> int:
    return visits.take(visit, name, len(data), lambda: [data])


def test_uploads_lie_in_the_visit_s_folder_whatever_they_are_called(tmp_path: Path) -> None:
    visits = Visits(tmp_path)
    visit = visits.begin()
    names = ["../../etc/passwd", "/dev/zero", "a.mp4", "b.PNG", "c.html", "x" * 5000, "\u202e\0.mp4", ""]
    assert [bring(visits, visit, name) for name in names] == list(range(len(names)))
    assert sorted(path.name for path in visit.folder.iterdir()) == ["0", "1", "2.mp4", "3.png", "4", "5", "6.mp4", "7"]
    assert all(len(shown) <= 100 and "\u202e" not in shown for _, shown in visit.uploads)
    assert visit.name_files(f"cannot read {visit.uploads[2][0]}") == "cannot read a.mp4"


def test_limits_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    visits = Visits(tmp_path)
    visit = visits.begin()
    for number in range(module.FILES):
        bring(visits, visit, f"{number}.png")
    with pytest.raises(Refused, match="at most 20 files"):
        bring(visits, visit, "one.png")
    other = visits.begin()
    with pytest.raises(Refused, match="at most 200 MB"):  # before a byte of it is read
        visits.take(other, "large.mp4", 201 * 2**20, lambda: pytest.fail("read"))
    for _ in range(module.VISITS - 2):
        bring(visits, visits.begin(), "a.png")
    visits.begin()  # in the place of the one that brought nothing but what was refused
    assert (other.ended, visit.ended) == (True, False)
    bring(visits, visits.begin(), "a.png")
    with pytest.raises(Refused, match="20 people look here now"):
        visits.begin()
    visits.end(visit)
    visits.begin()


def test_an_upload_that_ends_early_leaves_nothing(tmp_path: Path) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"x"
        with pytest.raises(Refused, match="at most 200 MB"):  # what still comes is counted
            visits.take(visit, "b.mp4", 100 * 2**20, lambda: pytest.fail("read"))
        for _ in range(module.VISITS):  # nor does another visit take the place of one that sends
            visits.begin()
        assert not visit.ended
        raise Refused(408, "that ended early")

    visits = Visits(tmp_path)
    visit = visits.begin()
    for _ in range(module.FILES + 1):
        with pytest.raises(Refused, match="early"):
            visits.take(visit, "a.mp4", 150 * 2**20, pieces)
        assert (visit.uploads, list(visit.folder.iterdir())) == ([], [])
    for number in range(module.FILES):
        assert bring(visits, visit, "a.png") == module.FILES + 1 + number


def test_visits_end_without_a_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    visits = Visits(tmp_path)
    gone, there = visits.begin(), visits.begin()
    bring(visits, gone, "a.mp4")
    monkeypatch.setattr(module, "IDLE", 0.2)
    time.sleep(0.3)
    assert visits.of(there.key) is there  # a sign
    visits.end_idle()
    assert gone.ended
    assert not gone.folder.exists()
    with pytest.raises(Refused, match="this visit has ended"):
        visits.of(gone.key)
    with pytest.raises(Refused, match="this visit has ended"):
        visits.of("guessed")


def test_what_a_killed_server_left_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    left = tmp_path / "salzoo-app-killed"
    (left / "visit").mkdir(parents=True)
    (left / "visit" / "0.mp4").write_bytes(b"film")
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").touch()
    (tmp_path / "salzoo-app-link").symlink_to(precious)
    with temporary_folder() as first:
        assert not left.exists()
        with temporary_folder() as second:  # beside one that goes on
            assert first.exists()
            assert second != first
        assert not second.exists()
    assert not first.exists()
    assert (precious / "file").exists()
