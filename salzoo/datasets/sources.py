"""Where data sets come from: repositories that may be cloned, and pages where authors hand theirs out."""

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from urllib.parse import urlsplit

from salzoo.interfaces.errors import SalzooError

VARIABLE = "SALZOO_ARCHIVES"
"""Environment variable that names another server of archives, in the place of ``SERVER``."""

SERVER = "https://codeload.github.com"


@dataclass(frozen=True)
class Source:
    """A data set, or a part of one, in a public repository.

    Attributes:
        manifest: name of the list of its files; of the data set, where that lies in one repository.
        repository: "owner/name".
        commit: that is fetched, and that the manifest was made from.
        licence: what the repository says.
        citation: what its authors ask to cite.
    """

    manifest: str
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
    """A file of a data set that is used, or a whole folder of many small ones.

    Attributes:
        path: in the repository; that of a folder ends in "/".
        sha256, size: what it must be; None where the file as published was never at hand to take them from. Of a
            folder, ``folder_digest`` of its files, and the sum of their sizes.
    """

    path: str
    sha256: str | None
    size: int | None


def folder_digest(digests: Mapping[str, str]) -> str:
    """The sha256 of a folder: of the lines "sha256 path" of its files, in the order of their paths."""
    lines = "".join(f"{digests[path]} {path}\n" for path in sorted(digests))
    return hashlib.sha256(lines.encode("utf-8")).hexdigest()


_PASCALS = 'Li, Hou, Koch, Rehg, Yuille, "The secrets of salient object segmentation", CVPR, 2014'

_ALL = (
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
    Source(
        "mit1003",
        "danenigma/Scanpath-Research-Project",
        "94700d13f700d139efbde64744c6b12b7ece4e3c",
        "GPL-3 of the repository, a copy of FixaTons (MIT1003 within it); the photographs are third parties'",
        'Judd, Ehinger, Durand, Torralba, "Learning to predict where humans look", ICCV, 2009; Zanca, Serchi, Piu, '
        'Rosini, Rufa, "FixaTons", arXiv 1802.02534, 2018',
    ),
    Source(
        "pascals.gaze",
        "shanthakumar792/PSSOCL",
        "80893552c8def9135c1f1977da86a4905f96481a",
        "none stated for the gaze",
        _PASCALS,
    ),
    Source(
        "pascals.images",
        "frankLeo123/Saliency_Matlab",
        "265e54783152a6d137f48f4113f272e7e25f0804",
        "none stated; the photographs are those of PASCAL VOC 2010",
        _PASCALS,
    ),
    Source(
        "traffic100",
        "taodeng/Top-down-based-traffic-driving-saliency-model",
        "09302e0a0e30dac4218da6e33fc61679886ef6fa",
        "Unlicense (the file LICENSE); may be used if acknowledged and cited (its README)",
        'Deng, Yang, Li, Yan, "Where does the driver look? Top-down based saliency detection in a traffic driving '
        'environment", IEEE TITS 17 (7), 2016',
    ),
    Source(
        "fiwi",
        "Kamyarb/WebPageSaliency",
        "19f50103be423b47fe9930fbf3feeeae9c327b7f",
        "none stated; the pages are their owners'",
        'Shen, Zhao, "Webpage saliency", ECCV, 2014',
    ),
    Source(
        "interiors",
        "gastonbujia/VisualSearch",
        "d37a1ef2cc7c5b8d5a6149821aa8c7a86feaef9d",
        "none stated",
        'Sclar, Bujia, Vita, Solovey, Kamienkowski, "Modeling human visual search: A combined Bayesian searcher and '
        'saliency map approach for eye movement guidance in natural scenes", arXiv 2009.08373, 2020',
    ),
)

SOURCES = {
    name: tuple(source for source in _ALL if source.manifest.partition(".")[0] == name)
    for name in dict.fromkeys(source.manifest.partition(".")[0] for source in _ALL)
}
"""The repositories of each data set that can be fetched."""

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
    "cat2000": (
        "it is at the page of the MIT/Tübingen Saliency Benchmark (Borji and Itti, 2015)",
        None,
    ),
}
"""Data sets that are not fetched: where to ask, and what folder to give; None where salzoo has no reader of its own."""


def find_sources(name: str) -> tuple[str, tuple[Source, ...]]:
    """A data set's own name, and the repositories that it lies in.

    Raises:
        SalzooError: the name is not known, or the data set must be asked for, with where and what to do then.
    """
    if name.lower() in SOURCES:
        return name.lower(), SOURCES[name.lower()]
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
    """The files of a source that are used, with their checksums, by the manifest's name."""
    lines = files("salzoo.datasets").joinpath("manifests", f"{name}.txt").read_text(encoding="utf-8").splitlines()
    found = []
    for line in lines:
        sha256, size, path = line.split(" ", 2)
        found.append(SourceFile(path, None if sha256 == "-" else sha256, None if size == "-" else int(size)))
    return found
