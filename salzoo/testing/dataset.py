"""What a data set must keep: lazy reading, small records, sizes, types, order, and clear errors."""

import contextlib
import os
import pickle
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from salzoo.data import data_root
from salzoo.gaze.truth import kinds_of, read_density, read_fixations
from salzoo.interfaces import Dataset, DatasetFactory, SalzooError, Video
from salzoo.plugins import registry
from salzoo.testing.report import FaultError, NotApplicableError, Report, Suite, require

MOST_BYTES = 16_384
"""Most bytes that a video's record may pickle to: workers receive it for every task."""


@dataclass(frozen=True)
class Subject:
    """A data set, made from a root folder, and how to make it again."""

    factory: DatasetFactory
    root: Path | None
    dataset: Dataset

    @property
    def videos(self) -> list[Video]:
        """The first two videos of each split."""
        seen: dict[str, list[Video]] = {}
        for video in self.dataset.videos:
            seen.setdefault(video.split, []).append(video)
        return [video for videos in seen.values() for video in videos[:2]]


def check_dataset(dataset: str | DatasetFactory, root: str | os.PathLike[str] | None = None) -> Report:
    """Check a data set on a small example of it.

    Args:
        dataset: a registered name ("dhf1k"), or the factory itself: ``dataset(root)``.
        root: a folder in the data set's layout; by default the one that ``salzoo eval`` would take for the name, None
            for a data set that makes its own data.

    Returns:
        What was checked. Raises ConformanceError with every finding when something failed.
    """
    return dataset_suite(dataset, root).enforce()


def dataset_suite(dataset: str | DatasetFactory, root: str | os.PathLike[str] | None = None) -> Suite[Subject]:
    """The checks of ``check_dataset``, to be run one by one: its ``cases()`` are for ``pytest.mark.parametrize``."""
    name = dataset if isinstance(dataset, str) else getattr(dataset, "__name__", str(dataset))

    def make() -> Subject:
        folder = Path(root) if root is not None else data_root(dataset) if isinstance(dataset, str) else None
        factory: DatasetFactory = registry().find("datasets", dataset).load() if isinstance(dataset, str) else dataset
        made = factory(folder)
        if not isinstance(made, Dataset):
            raise FaultError(f"the factory gave a {type(made).__name__}, not a salzoo.interfaces.Dataset")
        if isinstance(dataset, str):
            registered = registry().find("datasets", dataset).name
            require(made.name == registered, f"it is registered as {registered!r}, but its name is {made.name!r}")
        require(len(made.videos) > 0, "it found no videos in the example")
        return Subject(factory, folder, made)

    return Suite("data set", name, make, CHECKS)


def nothing_is_read_before_it_is_asked_for(subject: Subject) -> None:
    for video in subject.videos:
        size = len(pickle.dumps(video))
        require(
            size <= MOST_BYTES,
            f"the record of video {video.id} pickles to {size} bytes: it holds what it should read when asked (frames "
            f"or maps loaded at the start); keep paths, at most {MOST_BYTES} bytes",
        )
    counter = Path("/proc/self/io")
    if subject.root is None or not counter.exists():
        return
    total = sum(path.stat().st_size for path in subject.root.rglob("*") if path.is_file())
    before = _bytes_read(counter)
    subject.factory(subject.root)
    taken = _bytes_read(counter) - before
    require(
        taken < total / 2 + 65_536,
        f"making it read {taken} of the folder's {total} bytes: list files, and leave frames and maps to the readers",
    )


def _bytes_read(counter: Path) -> int:
    return int(dict(line.split(": ") for line in counter.read_text().splitlines())["rchar"])


def names_are_unique_and_safe(subject: Subject) -> None:
    ids = [video.id for video in subject.dataset.videos]
    require(len(set(ids)) == len(ids), "two videos have the same id")
    for video in subject.dataset.videos:
        require(
            video.id.isprintable() and "\\" not in video.id and {"", ".", ".."}.isdisjoint(video.id.split("/")),
            f"video id {video.id!r} cannot name a folder",
        )
        require(
            video.split in ("train", "val", "test"), f"split {video.split!r} of {video.id} is not train, val or test"
        )
    for video in subject.videos:
        names = [video.frame_name(index) for index in range(video.frames)]
        require(len(set(names)) == len(names), f"two frames of {video.id} have one name")
        require(all(name and "/" not in name for name in names), f"frame names of {video.id} cannot name files")


def the_order_is_the_same_each_time(subject: Subject) -> None:
    with _folders_listed_backwards():
        again = subject.factory(subject.root)
    require(
        [video.id for video in again.videos] == [video.id for video in subject.dataset.videos],
        "where the file system lists folders in another order, so come its videos: sort what you list",
    )


@contextlib.contextmanager
def _folders_listed_backwards() -> Iterator[None]:
    """No file system promises an order, but each has one, in which a missing sort goes unnoticed on one machine."""
    listdir, scandir = os.listdir, os.scandir

    @contextlib.contextmanager
    def scan_backwards(*path: Any) -> Iterator[Iterator[os.DirEntry[str]]]:
        with scandir(*path) as entries:
            yield iter(list(entries)[::-1])

    with (
        mock.patch("os.listdir", lambda *path: listdir(*path)[::-1]),
        mock.patch("os.scandir", scan_backwards),
    ):
        yield


def frames_are_as_counted(subject: Subject) -> None:
    for video in subject.videos:
        require(isinstance(video.frames, int) and video.frames >= 1, f"{video.id} has {video.frames} frames")
        frames = list(video.read_frames())
        require(len(frames) == video.frames, f"{video.id} says {video.frames} frames, read_frames() gave {len(frames)}")
        for frame in frames:
            require(
                frame.dtype == np.uint8 and frame.ndim == 3 and frame.shape[2] == 3,
                f"a frame of {video.id} is {frame.dtype} {frame.shape}; it must be uint8 (H, W, 3), BGR",
            )
        start, stop = video.frames // 2, min(video.frames, video.frames // 2 + 2)
        part = list(video.read_frames(start, stop))
        require(
            len(part) == stop - start and all(map(np.array_equal, part, frames[start:stop])),
            f"read_frames({start}, {stop}) of {video.id} differs from those frames of the whole",
        )


def truths_are_as_they_should_be(subject: Subject) -> None:
    annotated = [video for video in subject.videos if video.annotated]
    if not annotated:
        raise NotApplicableError("no video of the example is annotated")
    kinds = kinds_of(annotated, subject.dataset.name)
    brightest, fixated = 0, False
    for video in annotated:
        for index in {0, video.frames - 1}:
            sizes = {}
            if "density" in kinds:
                density = read_density(video, index)
                require(
                    density.dtype == np.uint8 and density.ndim == 2,
                    f"the density of {video.id} is {density.dtype} {density.shape}; it must be uint8 (H, W)",
                )
                sizes["density"] = density.shape
                brightest = max(brightest, int(density.max()))
            if "fixations" in kinds:
                fixations = read_fixations(video, index)
                require(
                    fixations.dtype == np.bool_ and fixations.ndim == 2,
                    f"the fixations of {video.id} are {fixations.dtype} {fixations.shape}; they must be bool (H, W)",
                )
                sizes["fixations"] = fixations.shape
                fixated |= bool(fixations.any())
            require(
                len(set(sizes.values())) <= 1,
                f"{' and '.join(f'{kind} {size}' for kind, size in sizes.items())} of {video.id} differ in size",
            )
    require(bool(kinds), "annotated videos have neither density nor fixations, and no gaze to make them from")
    require(fixated or "fixations" not in kinds, "no fixation map has a fixation")
    require(
        brightest > 1 or "density" not in kinds,
        f"no density map goes above {brightest}: give them on the scale 0–255",
    )


def what_is_not_there_is_refused(subject: Subject) -> None:
    for video in subject.videos:
        readers = [read_density, read_fixations]
        index = video.frames if video.annotated else 0
        for reader in readers:
            try:
                reader(video, index)
            except (SalzooError, IndexError):
                continue
            what = f"frame {index} of {video.frames}" if video.annotated else "a video without annotation"
            raise FaultError(f"{reader.__name__} of {video.id} gave something for {what}: raise SalzooError")


def a_wrong_folder_is_refused(subject: Subject) -> None:
    if subject.root is None:
        raise NotApplicableError("it makes its own data")
    with tempfile.TemporaryDirectory() as folder:
        for root in (Path(folder), Path(folder) / "missing", None):
            what = "a wrong folder" if root else "no folder (None)"
            try:
                made = subject.factory(root)
            except SalzooError:
                continue
            except Exception as error:
                raise FaultError(f"{what} raised {type(error).__name__}; raise SalzooError, which says more") from error
            require(len(made.videos) > 0, f"{what} gave no videos and no word: raise SalzooError, which says more")


def records_go_to_workers(subject: Subject) -> None:
    for video in subject.videos:
        copy = pickle.loads(pickle.dumps(video))
        require(
            (copy.id, copy.split, copy.frames) == (video.id, video.split, video.frames)
            and all(map(np.array_equal, copy.read_frames(0, 1), video.read_frames(0, 1))),
            f"a pickled copy of {video.id} reads something else",
        )


CHECKS: tuple[Callable[[Subject], None], ...] = (
    nothing_is_read_before_it_is_asked_for,
    names_are_unique_and_safe,
    the_order_is_the_same_each_time,
    frames_are_as_counted,
    truths_are_as_they_should_be,
    what_is_not_there_is_refused,
    a_wrong_folder_is_refused,
    records_go_to_workers,
)
