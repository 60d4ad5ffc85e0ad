"""``salzoo data get`` against a server that breaks off, lies and serves hostile archives."""

import hashlib
import itertools
import re
import socket
import tarfile
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from archive_server import Server, archive, compressed, member, serve
from click.testing import CliRunner, Result

from salzoo.cli import cli
from salzoo.config import read_config
from salzoo.datasets import archives, downloads, getting, sources
from salzoo.datasets.files import check_root
from salzoo.datasets.sources import SOURCES, SourceFile, find_sources, folder_digest, read_manifest
from salzoo.interfaces import SalzooError

FILES = {
    "LICENSE": b"MIT",
    "data/eye/fixations.mat": np.random.default_rng(0).bytes(40_000),
    "data/stimuli/1001.jpg": np.random.default_rng(1).bytes(90_000),
}
EXTRA = {"src/demo.m": b"disp(1)", "data/eye.zip": b"not used"}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server of a small ``osie``, whose manifest has its three files; the picture's checksum is not known."""
    wanted = [
        SourceFile(path, hashlib.sha256(data).hexdigest(), len(data))
        if "jpg" not in path
        else SourceFile(path, None, None)
        for path, data in FILES.items()
    ]
    monkeypatch.setattr(getting, "read_manifest", lambda name: wanted)
    monkeypatch.setattr(downloads, "PAUSE", 0.0)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    with serve() as served:
        served.content = archive({**EXTRA, **FILES})
        monkeypatch.setenv(sources.VARIABLE, served.address)
        yield served


def get(folder: Path, name: str = "osie") -> Result:
    return CliRunner().invoke(cli, ["data", "get", name, "--to", str(folder)])


def held(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def assert_refused(result: Result, folder: Path, *words: str) -> None:
    """One clear line, status 1, and nothing left where the data set should be."""
    assert result.exit_code == 1
    line = result.output.splitlines()[-1]
    assert line.startswith("salzoo: ")
    assert "Error" not in line
    for word in words:
        assert word in line, line
    assert not folder.exists()
    assert not [path for path in folder.parent.iterdir() if path.name.startswith(".salzoo-")]


def test_what_is_used_is_fetched_checked_and_set(server: Server, tmp_path: Path) -> None:
    result = get(tmp_path / "new" / "osie")
    assert result.exit_code == 0, result.output
    assert held(tmp_path / "new" / "osie") == FILES
    assert list((tmp_path / "new").iterdir()) == [tmp_path / "new" / "osie"]
    assert read_config()["data.osie"] == str(tmp_path / "new" / "osie")
    assert server.paths == ["/NUS-VIP/predicting-human-gaze-beyond-pixels/tar.gz/4a46789"]
    said = result.output.splitlines()
    assert "4a46789" in said[0]
    assert said[1].startswith("licence: MIT")
    assert "Predicting human gaze beyond pixels" in said[2]
    assert "2 of them checked" in said[3]
    assert "1 files, such as data/stimuli/1001.jpg, have no known checksum" in said[4]


def test_the_licence_stands_before_anything_is_fetched(server: Server, tmp_path: Path) -> None:
    server.status = 404
    result = get(tmp_path / "osie")
    assert "licence: MIT" in result.output
    assert_refused(result, tmp_path / "osie", "404", "tar.gz/4a46789")
    assert len(server.asked) == 1


def test_a_data_set_that_is_there_is_checked_and_not_fetched_again(server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "osie"
    assert get(folder).exit_code == 0
    assert get(folder).exit_code == 0
    assert len(server.asked) == 1
    (folder / "data/eye/fixations.mat").write_bytes(b"other")
    result = get(folder)
    assert result.exit_code == 1
    assert "1 of the 3 files of osie, such as data/eye/fixations.mat" in result.output
    assert (folder / "data/eye/fixations.mat").read_bytes() == b"other"


@pytest.mark.parametrize("claim", [None, -1])
def test_a_download_goes_on_where_it_broke_off(server: Server, tmp_path: Path, claim: int | None) -> None:
    server.cuts, server.claim = [50_000, 30_000, 0], claim
    assert get(tmp_path / "osie").exit_code == 0
    assert server.asked == [None, "bytes=50000-", "bytes=80000-", "bytes=80000-"]
    assert held(tmp_path / "osie") == FILES


def test_a_later_call_goes_on_too(server: Server, tmp_path: Path) -> None:
    server.cuts = [50_000] + [0] * downloads.TRIES
    assert_refused(get(tmp_path / "osie"), tmp_path / "osie", "50,000 bytes are kept")
    assert read_config().get("data.osie") != str(tmp_path / "osie")
    assert get(tmp_path / "osie").exit_code == 0
    assert server.asked[-1] == "bytes=50000-"
    assert held(tmp_path / "osie") == FILES


def test_content_that_changed_begins_anew(server: Server, tmp_path: Path) -> None:
    server.cuts = [50_000] + [0] * downloads.TRIES
    get(tmp_path / "osie")
    server.content, server.etag = archive({**FILES, **EXTRA, "more": b"more"}), '"two"'
    assert get(tmp_path / "osie").exit_code == 0
    assert held(tmp_path / "osie") == FILES


@pytest.mark.parametrize("etag", ["", 'W/"weak"'])
def test_without_a_strong_name_for_its_content_a_download_begins_anew(
    server: Server, tmp_path: Path, etag: str
) -> None:
    server.etag, server.cuts = etag, [50_000]
    assert get(tmp_path / "osie").exit_code == 0
    assert server.asked == [None, None]
    assert held(tmp_path / "osie") == FILES


def test_a_server_without_parts_begins_anew(server: Server, tmp_path: Path) -> None:
    server.ranges, server.cuts = False, [50_000]
    assert get(tmp_path / "osie").exit_code == 0
    assert held(tmp_path / "osie") == FILES


def test_a_server_that_answers_for_other_bytes_is_not_believed(server: Server, tmp_path: Path) -> None:
    server.shift, server.cuts = 7, [50_000]
    assert get(tmp_path / "osie").exit_code == 0
    assert server.asked == [None, "bytes=50000-", None]
    assert held(tmp_path / "osie") == FILES


def test_a_part_longer_than_the_content_begins_anew(server: Server, tmp_path: Path) -> None:
    part = tmp_path / "osie.4a46789.tar.gz.part"
    part.write_bytes(b"x" * 1_000_000)
    part.with_suffix(".etag").write_text(server.etag)
    assert get(tmp_path / "osie").exit_code == 0
    assert server.asked == ["bytes=1000000-", None]


def test_a_server_that_claims_more_than_it_sends_is_given_up(server: Server, tmp_path: Path) -> None:
    server.claim, server.ranges = len(server.content) + 10, False
    assert_refused(get(tmp_path / "osie"), tmp_path / "osie", f"{len(server.content) + 10:,} bytes", "failed 5 times")


@pytest.mark.parametrize("claim", [None, -1])
def test_more_than_may_come_is_refused(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, claim: int | None
) -> None:
    monkeypatch.setattr(getting, "MOST_ARCHIVE", 10_000)
    server.claim = claim
    assert_refused(get(tmp_path / "osie"), tmp_path / "osie", "10,000")


def test_a_failing_server_is_asked_again(server: Server, tmp_path: Path) -> None:
    server.status = 503
    assert_refused(get(tmp_path / "osie"), tmp_path / "osie", "503")
    assert len(server.asked) == downloads.TRIES


def test_a_server_that_is_not_there_is_named(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv(sources.VARIABLE, f"http://127.0.0.1:{unused.getsockname()[1]}")
        assert_refused(get(tmp_path / "osie"), tmp_path / "osie", "cannot be reached")


def test_a_redirect_to_another_scheme_is_not_followed(server: Server, tmp_path: Path) -> None:
    server.redirect = "ftp://127.0.0.1/osie.tar.gz"
    assert_refused(get(tmp_path / "osie"), tmp_path / "osie", "not followed")


@pytest.mark.parametrize("address", ["http://example.org", "ftp://127.0.0.1", "file:///tmp", "example.org"])
def test_only_https_is_taken_from_elsewhere(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv(sources.VARIABLE, address)
    assert_refused(get(tmp_path / "osie"), tmp_path / "osie", sources.VARIABLE, "https://")


def test_offline_mode_is_honoured(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert_refused(get(tmp_path / "osie"), tmp_path / "osie", "offline", "tar.gz/4a46789", "config set data.osie")
    assert not server.asked


HOSTILE = {
    "a name that leads out": ([member("repo-4a46789/../../../evil", b"x")], "'repo-4a46789/../../../evil'"),
    "an absolute name": ([member("/tmp/evil", b"x")], "'/tmp/evil'"),
    "a link for a file": (
        [member("repo/data/eye/fixations.mat", kind=tarfile.SYMTYPE, link="/etc/passwd")],
        "data/eye/fixations.mat must be a file, and is a link",
    ),
    "a hard link for a file": (
        [member("repo/data/eye/fixations.mat", kind=tarfile.LNKTYPE, link="repo/LICENSE")],
        "data/eye/fixations.mat must be a file, and is a link",
    ),
    "a link for a folder": (
        [member("repo/data/eye", kind=tarfile.SYMTYPE, link="/tmp")],
        "data/eye must be a folder, and is a link",
    ),
    "a device for a file": ([member("repo/LICENSE", kind=tarfile.CHRTYPE)], "LICENSE must be a file"),
    "another size": ([member("repo/LICENSE", b"GPL and more")], "LICENSE has 12 bytes, not 3"),
    "another content": ([member("repo/LICENSE", b"GPL")], "LICENSE is not the file of that commit"),
    "a huge picture": (
        [member("repo/data/stimuli/1001.jpg", bytes(2_000_000))],
        "1001.jpg has 2,000,000 bytes, not at most 1,000,000",
    ),
    "a bomb by what it unpacks to": ([member("repo/zeros", bytes(8_000_000))], "unpacks to more than 4,000,000"),
    "too many entries": ([member(f"repo/{number}") for number in range(60)], "too many entries"),
    "a header that fills memory": ([member("repo/x", bytes(3_000_000), kind=tarfile.GNUTYPE_LONGNAME)], "a header is"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_archive_is_refused(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(archives, "MOST_UNPACKED", 4_000_000)
    monkeypatch.setattr(archives, "MOST_FILE", 1_000_000)
    monkeypatch.setattr(archives, "MOST_MEMBERS", 50)
    members, words = HOSTILE[kind]
    server.content = archive(FILES, *members)
    assert_refused(get(tmp_path / "osie"), tmp_path / "osie", words)
    assert list(tmp_path.iterdir()) == []


def test_a_bomb_by_what_it_declares_is_refused(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info, _ = member("repo/huge")
    info.size = 1 << 50
    server.content = compressed(info.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    assert_refused(get(tmp_path / "osie"), tmp_path / "osie", "unpacks to more than")


def test_a_negative_size_does_not_loop(server: Server, tmp_path: Path) -> None:
    info, _ = member("repo/back")
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[124:136] = b"\xff" * 10 + b"\xfe\x00"  # -512, in base 256
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header[:512])
    server.content = compressed(bytes(header) + bytes(1024))
    assert_refused(get(tmp_path / "osie"), tmp_path / "osie", "tar.gz")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<html>not an archive</html>", "is damaged, or not a .tar.gz file"),
        (archive(FILES)[:-5_000], "is damaged"),
        (compressed(b"not a tar file" * 100), "is damaged"),
        (archive({"LICENSE": b"MIT"}), "lacks data/eye/fixations.mat and 1 more files"),
        (b"", "is damaged"),
    ],
    ids=["a page", "cut short", "no tar file", "too few files", "nothing"],
)
def test_what_is_no_whole_archive_is_refused(server: Server, tmp_path: Path, content: bytes, words: str) -> None:
    server.content = content
    assert_refused(get(tmp_path / "osie"), tmp_path / "osie", words)
    assert list(tmp_path.iterdir()) == []


def test_links_and_files_that_are_not_used_are_passed_over(server: Server, tmp_path: Path) -> None:
    server.content = archive(
        FILES, member("repo/docs", kind=tarfile.SYMTYPE, link="/etc"), member("repo/src/a.m", b"x")
    )
    assert get(tmp_path / "osie").exit_code == 0
    assert held(tmp_path / "osie") == FILES


def test_a_set_of_two_repositories_comes_whole(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = {"pascals.gaze": ["LICENSE"], "pascals.images": ["data/stimuli/1001.jpg"]}
    pinned = {path: SourceFile(path, hashlib.sha256(data).hexdigest(), len(data)) for path, data in FILES.items()}
    monkeypatch.setattr(getting, "read_manifest", lambda name: [pinned[path] for path in parts[name]])
    server.cuts = [10**9] + [0] * downloads.TRIES  # the first repository comes, the second does not
    assert_refused(get(tmp_path / "pascals", "PASCALS"), tmp_path / "pascals", "failed 5 times")
    result = get(tmp_path / "pascals", "pascals")
    assert result.exit_code == 0, result.output
    assert held(tmp_path / "pascals") == {path: FILES[path] for (path,) in parts.values()}
    assert list(tmp_path.iterdir()) == [tmp_path / "pascals"]
    fetched = [path.split("/tar.gz/")[0] for path in dict.fromkeys(server.paths)]
    assert fetched == ["/shanthakumar792/PSSOCL", "/frankLeo123/Saliency_Matlab"]
    assert server.paths.count(server.paths[0]) == 1
    said = result.output.splitlines()
    assert said[1] == "licence: none stated for the gaze"
    assert sum(line.startswith("please cite: Li, Hou") for line in said) == 1


def whole_folder(server: Server, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Serve a set of one file and a folder of two, pinned by one checksum of its own."""
    inside = {"gaze/1/a": b"1 2", "gaze/2/b": b"3 4"}
    digests = {path: hashlib.sha256(data).hexdigest() for path, data in inside.items()}
    licence = SourceFile("LICENSE", hashlib.sha256(b"MIT").hexdigest(), 3)
    wanted = [licence, SourceFile("gaze/", folder_digest(digests), 6)]
    monkeypatch.setattr(getting, "read_manifest", lambda name: wanted)
    server.content = archive({"LICENSE": b"MIT", "gazed": b"another", **inside})
    return {"LICENSE": b"MIT", **inside}


def test_a_folder_of_many_files_has_one_checksum(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = whole_folder(server, monkeypatch)
    assert get(tmp_path / "osie").exit_code == 0
    assert held(tmp_path / "osie") == files
    assert get(tmp_path / "osie").exit_code == 0
    assert len(server.asked) == 1
    (tmp_path / "osie" / "gaze" / "2" / "b").write_bytes(b"5 6")
    assert "1 of the 2 files of osie, such as gaze/" in get(tmp_path / "osie").output


@pytest.mark.parametrize("files", [{"gaze/1/a": b"1 2"}, {"gaze/1/a": b"1 2", "gaze/2/b": b"9"}, {}])
def test_a_folder_that_is_not_as_pinned_is_refused(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes]
) -> None:
    whole_folder(server, monkeypatch)
    server.content = archive({"LICENSE": b"MIT", **files})
    assert_refused(get(tmp_path / "osie"), tmp_path / "osie", "the files in gaze/ are not those of that commit")


def test_a_folder_that_cannot_be_written_is_named(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = get(tmp_path / "file" / "osie")
    assert result.exit_code == 1
    assert str(tmp_path / "file") in result.output


@pytest.mark.parametrize("name", ["dhf1k", "DHF1K", "salicon", "Hollywood-2", "UCF-Sports", "cat2000"])
def test_what_must_be_asked_for_says_where(name: str, tmp_path: Path) -> None:
    result = get(tmp_path / "x", name)
    assert_refused(result, tmp_path / "x", "the page of", "DIR" if "2000" not in name else "PATH")
    assert "http" not in result.output


def test_an_unknown_name_lists_the_known(tmp_path: Path) -> None:
    assert_refused(get(tmp_path / "x", "osei"), tmp_path / "x", "osie, eyecrowd, sun500, hevc33")


def test_by_default_it_goes_where_it_is_looked_for(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SALZOO_DATA", str(tmp_path / "sets"))
    assert CliRunner().invoke(cli, ["data", "get", "osie"]).exit_code == 0
    assert held(tmp_path / "sets" / "osie") == FILES
    monkeypatch.delenv("SALZOO_DATA")
    monkeypatch.setenv("SALZOO_CACHE", str(tmp_path / "cache"))
    assert CliRunner().invoke(cli, ["data", "get", "osie"]).exit_code == 0
    assert held(tmp_path / "cache" / "osie") == FILES


@pytest.mark.parametrize(
    ("name", "count", "unpinned"),
    [
        ("osie", 703, 0),
        ("eyecrowd", 503, 500),
        ("sun500", 506, 0),
        ("hevc33", 37, 0),
        ("mit1003", 1004, 0),
        ("pascals.gaze", 1, 0),
        ("pascals.images", 850, 0),
        ("traffic100", 302, 0),
        ("fiwi", 150, 0),
        ("interiors", 402, 0),
    ],
)
def test_manifests_name_every_file(name: str, count: int, unpinned: int) -> None:
    wanted = read_manifest(name)
    assert len({file.path for file in wanted}) == len(wanted) == count
    assert sum(file.sha256 is None for file in wanted) == unpinned
    for file in wanted:
        assert not file.path.startswith("/")
        assert ".." not in file.path
        if file.sha256 is not None:
            assert re.fullmatch("[0-9a-f]{64}", file.sha256)
            assert file.size is not None
            assert file.size > 0
    assert files("salzoo.datasets").joinpath("manifests", f"{name}.txt").is_file()


def test_addresses_are_https_at_a_pinned_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(sources.VARIABLE, raising=False)
    for source in itertools.chain.from_iterable(SOURCES.values()):
        assert source.url.startswith("https://")
        assert source.url.endswith(f"/{source.repository}/tar.gz/{source.commit}")
    with pytest.raises(SalzooError, match="salicon cannot be fetched"):
        find_sources("salicon")


def test_who_has_no_folder_is_told_where_it_comes_from() -> None:
    with pytest.raises(SalzooError, match="fetch it with salzoo data get osie, name it with --root DIR"):
        check_root("osie", None)
    with pytest.raises(SalzooError, match="needs the folder that holds it: name it with --root DIR"):
        check_root("dhf1k", None)
