"""Data sets with one fault each: the conformance suite finds it and says what to do."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from salzoo.interfaces import Dataset, SalzooError
from salzoo.testing import ConformanceError, check_dataset

FRAMES = 4


@dataclass(frozen=True)
class FolderVideo:
    """Without fault: frame 0 is images/0.png, its truth maps/0.png and fixation/0.png."""

    folder: Path
    id: str
    split: str = "train"
    frames: int = FRAMES
    annotated: bool = True

    def frame_name(self, index: int) -> str:
        return str(index)

    def read(self, kind: str, index: int, flag: int) -> NDArray[Any]:
        image = cv2.imread(str(self.folder / kind / f"{index}.png"), flag)
        if image is None:
            raise SalzooError(f"{self.folder} has no {kind} {index}")
        return image

    def read_frames(self, start: int = 0, stop: int | None = None) -> Iterator[NDArray[Any]]:
        for index in range(start, self.frames if stop is None else stop):
            yield self.read("images", index, cv2.IMREAD_COLOR)

    def read_density(self, index: int) -> NDArray[Any]:
        return self.read("maps", index, cv2.IMREAD_GRAYSCALE)

    def read_fixations(self, index: int) -> NDArray[Any]:
        return self.read("fixation", index, cv2.IMREAD_GRAYSCALE) > 0


def open_with(video: Callable[..., FolderVideo] = FolderVideo) -> Callable[[Path | None], Dataset]:
    """A data set whose videos are of a class."""

    def open_folder(root: Path | None) -> Dataset:
        folders = sorted(path.parent for path in root.glob("*/images")) if root else []
        if not folders:
            raise SalzooError(f"{root} holds no videos")
        return Dataset("folder", [video(folder, folder.name) for folder in folders])

    return open_folder


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("videos")
    rng = np.random.default_rng(0)
    for name in ("garden", "street"):
        for kind, shape in (("images", (120, 160, 3)), ("maps", (120, 160)), ("fixation", (120, 160))):
            (root / name / kind).mkdir(parents=True)
            for index in range(FRAMES):
                assert cv2.imwrite(str(root / name / kind / f"{index}.png"), rng.integers(0, 256, shape, np.uint8))
    return root


def test_a_data_set_without_fault_passes(root: Path) -> None:
    report = check_dataset(open_with(), root)
    assert len(report.held) == 8
    assert report.findings == report.passed_over == ()


@pytest.mark.slow
def test_the_built_ins_keep_the_contract(tiny_data: Path) -> None:
    for name in ("synthetic", "dhf1k"):  # synthetic data lie in DHF1K's layout
        assert not check_dataset(name, tiny_data).findings


@dataclass(frozen=True)
class HoldsItsFrames(FolderVideo):
    pixels: list[Any] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pixels", list(FolderVideo.read_frames(self)))

    def read_frames(self, start: int = 0, stop: int | None = None) -> Iterator[NDArray[Any]]:
        yield from self.pixels[start:stop]


@dataclass(frozen=True)
class ReadsAllAtTheStart(FolderVideo):
    def __post_init__(self) -> None:
        for index in range(FRAMES):
            self.read_density(index)
        assert len(list(self.read_frames())) == FRAMES


@dataclass(frozen=True)
class CountsOneMore(FolderVideo):
    frames: int = FRAMES + 1

    def read_frames(self, start: int = 0, stop: int | None = None) -> Iterator[NDArray[Any]]:
        yield from FolderVideo.read_frames(self, start, min(FRAMES, self.frames if stop is None else stop))


@dataclass(frozen=True)
class IgnoresTheStart(FolderVideo):
    def read_frames(self, start: int = 0, stop: int | None = None) -> Iterator[NDArray[Any]]:
        yield from FolderVideo.read_frames(self, 0, stop)


@dataclass(frozen=True)
class GreyFrames(FolderVideo):
    def read_frames(self, start: int = 0, stop: int | None = None) -> Iterator[NDArray[Any]]:
        yield from (frame[..., 0] for frame in FolderVideo.read_frames(self, start, stop))


@dataclass(frozen=True)
class FloatDensity(FolderVideo):
    def read_density(self, index: int) -> NDArray[Any]:
        return FolderVideo.read_density(self, index) / 255.0


@dataclass(frozen=True)
class DensityOfOnes(FolderVideo):
    def read_density(self, index: int) -> NDArray[Any]:
        return (FolderVideo.read_density(self, index) / 255.0).astype(np.uint8)


@dataclass(frozen=True)
class GreyFixations(FolderVideo):
    def read_fixations(self, index: int) -> NDArray[Any]:
        return self.read("fixation", index, cv2.IMREAD_GRAYSCALE)


@dataclass(frozen=True)
class NobodyLooks(FolderVideo):
    def read_fixations(self, index: int) -> NDArray[Any]:
        return FolderVideo.read_fixations(self, index) & False


@dataclass(frozen=True)
class SmallerDensity(FolderVideo):
    def read_density(self, index: int) -> NDArray[Any]:
        return FolderVideo.read_density(self, index)[::2, ::2]


@dataclass(frozen=True)
class TruthOfAnotherSize(SmallerDensity):
    def read_fixations(self, index: int) -> NDArray[Any]:
        return FolderVideo.read_fixations(self, index)[::2, ::2]


@dataclass(frozen=True)
class LastFrameForAnyIndex(FolderVideo):
    def read_density(self, index: int) -> NDArray[Any]:
        return FolderVideo.read_density(self, min(index, FRAMES - 1))


@dataclass(frozen=True)
class OneName(FolderVideo):
    def frame_name(self, index: int) -> str:
        return "frame"


@dataclass(frozen=True)
class ReadersInTheRecord(FolderVideo):
    reader: Any = field(default_factory=lambda: lambda: None)


def with_split(folder: Path, name: str) -> FolderVideo:
    return FolderVideo(folder, name, split="training")


def with_one_id(folder: Path, name: str) -> FolderVideo:
    return FolderVideo(folder, "video")


def climbing(folder: Path, name: str) -> FolderVideo:
    return FolderVideo(folder, f"../{name}")


def in_the_folders_order(root: Path | None) -> Dataset:
    assert root
    found = [FolderVideo(path.parent, path.parent.name) for path in root.glob("*/images")]
    if not found:
        raise SalzooError(f"{root} holds no videos")
    return Dataset("folder", found)


def silent(root: Path | None) -> Dataset:
    assert root
    return Dataset("folder", [FolderVideo(path, path.name) for path in sorted(root.glob("*"))])


def none_unforeseen(root: Path | None) -> Dataset:
    return open_with()(root / "." if root else root.parent)  # type: ignore[union-attr]


def with_a_newline(folder: Path, name: str) -> FolderVideo:
    return FolderVideo(folder, f"{name}\n")


def without_videos(root: Path | None) -> Dataset:
    return Dataset("folder", [])


def raising(root: Path | None) -> Dataset:
    assert root
    if not list(root.glob("*/images")):
        raise IndexError("list index out of range")
    return open_with()(root)


def a_list(root: Path | None) -> Any:
    return [1, 2]


FAULTS: list[tuple[str, Callable[[Path | None], Dataset], str, str]] = [
    ("holds its frames", open_with(HoldsItsFrames), "nothing is read before it is asked for", "keep paths, at most"),
    ("reads at the start", open_with(ReadsAllAtTheStart), "nothing is read before it is asked for", "making it read"),
    ("one frame too many", open_with(CountsOneMore), "frames are as counted", r"says 5 frames, read_frames\(\) gave 4"),
    ("ignores start", open_with(IgnoresTheStart), "frames are as counted", r"read_frames\(2, 4\) of garden differs"),
    ("grey frames", open_with(GreyFrames), "frames are as counted", r"must be uint8 \(H, W, 3\), BGR"),
    ("float density", open_with(FloatDensity), "truths are as they should be", r"must be uint8 \(H, W\)"),
    ("density up to 1", open_with(DensityOfOnes), "truths are as they should be", "no density map goes above 1"),
    ("grey fixations", open_with(GreyFixations), "truths are as they should be", r"must be bool \(H, W\)"),
    ("smaller density", open_with(SmallerDensity), "truths are as they should be", r"differ in size"),
    ("any index", open_with(LastFrameForAnyIndex), "what is not there is refused", "gave something for frame 4 of 4"),
    ("one name", open_with(OneName), "names are unique and safe", "two frames of garden have one name"),
    ("unknown split", open_with(with_split), "names are unique and safe", "split 'training' of garden is not train"),
    ("one id", open_with(with_one_id), "names are unique and safe", "two videos have the same id"),
    ("newline", open_with(with_a_newline), "names are unique and safe", "cannot name a folder"),
    ("no fixations", open_with(NobodyLooks), "truths are as they should be", "no fixation map has a fixation"),
    ("none", none_unforeseen, "a wrong folder is refused", r"no folder \(None\) raised AttributeError"),
    ("climbing id", open_with(climbing), "names are unique and safe", "'../garden' cannot name a folder"),
    ("cannot be pickled", open_with(ReadersInTheRecord), "records go to workers", "pickle"),
    ("not sorted", in_the_folders_order, "the order is the same each time", "sort what you list"),
    ("silent", silent, "a wrong folder is refused", "a wrong folder gave no videos and no word"),
    ("raising", raising, "a wrong folder is refused", "a wrong folder raised IndexError; raise SalzooError"),
    ("no videos", without_videos, "it can be made", "it found no videos in the example"),
    ("a list", a_list, "it can be made", "gave a list, not a salzoo.interfaces.Dataset"),
]


@pytest.mark.parametrize(("factory", "check", "message"), [fault[1:] for fault in FAULTS], ids=[f[0] for f in FAULTS])
def test_a_fault_is_found_and_named(
    factory: Callable[[Path | None], Dataset], check: str, message: str, root: Path
) -> None:
    with pytest.raises(ConformanceError, match=rf"FAILED {check}: .*{message}"):
        check_dataset(factory, root)
