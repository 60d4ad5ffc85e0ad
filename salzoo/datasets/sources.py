"""Where data sets come from: repositories that may be cloned, and pages where authors hand theirs out."""

import os
import re
from dataclasses import dataclass
from importlib.resources import files
from urllib.parse import urlsplit

from salzoo.interfaces.errors import SalzooError

VARIABLE = "SALZOO_ARCHIVES"
"""Environment variable that names another server of archives, in the place of ``SERVER``."""

SERVER = "https://codeload.github.com"


@dataclass(frozen=True)
class Source:
    """A data set in a public repository.

    Attributes:
        name: of the data set.
        repository: "owner/name".
        commit: that is fetched, and that the manifest was made from.
        licence: what the repository says.
        citation: what its authors ask to cite.
    """

    name: str
    repository: str
    commit: str
    licence: str
    citation: str

    @property
    def url(self) -> str:
        """Address of the archive of the commit, a compressed tar file. Raises SalzooError where it is not safe."""
        server = os.environ.get(VARIABLE, SERVER).rstrip("/")
        parts = urlsplit(server)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost")):
            raise SalzooError(f"{VARIABLE} is {server!r}; it must begin with https://")
        return f"{server}/{self.repository}/tar.gz/{self.commit}"


@dataclass(frozen=True)
class SourceFile:
    """A file of a data set that is used.

    Attributes:
        path: in the repository.
        sha256, size: what it must be; None where the file as published was never at hand to take them from.
    """

    path: str
    sha256: str | None
    size: int | None


SOURCES = {
    source.name: source
    for source in (
        Source(
            "osie",
            "NUS-VIP/predicting-human-gaze-beyond-pixels",
            "4a46789",
            "MIT (the file LICENSE); the photographs are mostly third parties'",
            'Xu, Jiang, Wang, Kankanhalli, Zhao, "Predicting human gaze beyond pixels", Journal of Vision, 2014',
        ),
        Source(
            "eyecrowd",
            "NUS-VIP/saliency-in-crowd",
            "8bb0416",
            "MIT (the file LICENSE); the photographs are mostly third parties'",
            'Jiang, Xu, Zhao, "Saliency in crowd", ECCV, 2014',
        ),
        Source(
            "sun500",
            "Yanakz/Scene",
            "2cf042b",
            "MIT (the file LICENSE); the photographs are those of SUN2012",
            'Liang, Jiang, Liang, Zhao, "Saliency prediction with scene structural guidance", 2015',
        ),
        Source(
            "hevc33",
            "remega/video_database",
            "80711cd",
            "free to use if cited (its README); the clips are mostly third parties'",
            'Xu, Jiang, Sun, Ye, Wang, "Learning to detect video saliency with HEVC features", IEEE TIP 26 (1), 2017',
        ),
    )
}

FORMS = {
    "dhf1k": (
        "its authors hand it out at the page of the project DHF1K (Wang et al., CVPR 2018)",
        "that holds video/001.AVI and annotation/0001/maps/0001.png",
    ),
    "hollywood2": (
        'its gaze belongs to the project "Actions in the Eye" (Mathe and Sminchisescu, 2015), whose page asks for an '
        "agreement; frames with maps are handed out at the page of the project DHF1K",
        "that holds training/ and testing/ with a folder a shot, of images/, maps/ and fixation/",
    ),
    "ucfsports": (
        'its gaze belongs to the project "Actions in the Eye" (Mathe and Sminchisescu, 2015), whose page asks for an '
        "agreement; frames with maps are handed out at the page of the project DHF1K",
        "that holds training/ and testing/ with a folder a video, of images/, maps/ and fixation/",
    ),
    "salicon": (
        "its maps are handed out at the page of the project SALICON (Jiang et al., CVPR 2015), its images are those of "
        "Microsoft COCO 2014",
        "that holds images/, maps/train/ and fixations/train/",
    ),
    "mit1003": (
        'it is at the page of "Learning to predict where humans look" (Judd et al., ICCV 2009)',
        None,
    ),
    "cat2000": (
        "it is at the page of the MIT/Tübingen Saliency Benchmark (Borji and Itti, 2015)",
        None,
    ),
}
"""Data sets that are not fetched: where to ask, and what folder to give; None where salzoo has no reader of its own."""


def find_source(name: str) -> Source:
    """The source of a data set.

    Raises:
        SalzooError: the name is not known, or the data set must be asked for, with where and what to do then.
    """
    if name.lower() in SOURCES:
        return SOURCES[name.lower()]
    form = re.sub("[^a-z0-9]", "", name.lower())
    if form not in FORMS:
        raise SalzooError(f"nothing is known of how to get {name!r}; these can be fetched: {', '.join(SOURCES)}")
    where, folder = FORMS[form]
    if folder is None:
        then = "lay it out as the data set folder reads it (salzoo data --help), and name it with --dataset PATH"
    else:
        then = f"then run: salzoo config set data.{form} DIR, with the folder {folder}"
    raise SalzooError(f"{name} cannot be fetched by salzoo: {where}; {then}")


def read_manifest(name: str) -> list[SourceFile]:
    """The files of a data set that are used, with their checksums."""
    lines = files("salzoo.datasets").joinpath("manifests", f"{name}.txt").read_text(encoding="utf-8").splitlines()
    found = []
    for line in lines:
        sha256, size, path = line.split(" ", 2)
        found.append(SourceFile(path, None if sha256 == "-" else sha256, None if size == "-" else int(size)))
    return found
