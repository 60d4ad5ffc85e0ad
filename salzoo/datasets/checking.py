"""Reading all of a data set, to tell what is wrong with it before a training or an evaluation does."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from salzoo.datasets import dhf1k, gaze_images, hevc33, hollywood2, salicon, ucfsports
from salzoo.datasets.matlab import read_mat_fixations
from salzoo.gaze.truth import has_density, has_fixations, read_density, read_fixations
from salzoo.interfaces.dataset import Dataset, Video
from salzoo.interfaces.errors import SalzooError
from salzoo.runtime.pool import map_in_processes
from salzoo.video.pictures import read_image
from salzoo.video.reading import read_video

PUBLISHED = {
    "dhf1k": dhf1k.PUBLISHED,
    **gaze_images.PUBLISHED,
    "hevc33": hevc33.PUBLISHED,
    "hollywood2": hollywood2.PUBLISHED,
    "salicon": salicon.PUBLISHED,
    "ucfsports": ucfsports.PUBLISHED,
}
"""Videos in each split of the data sets whose number is known."""

KINDS = {"density map": "density", "fixation map": "fixations"}
"""Kinds of maps, and what ``salzoo.gaze.truth`` calls them."""

SHOWN = 10
"""Problems of one video that the text shows."""

Size = tuple[int, int]


@dataclass(frozen=True)
class VideoCheck:
    """What was found in one video.

    Attributes:
        id, split: of the video.
        frames: number of frames that could be read.
        annotated: whether it has density and fixation maps.
        lacks: which of "density" and "fixations" it has none of, though it is annotated.
        problems: a line for each file or frame that is missing, unreadable or of the wrong size.
    """

    id: str
    split: str
    frames: int
    annotated: bool
    lacks: tuple[str, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True)
class DatasetCheck:
    """What was found in a data set.

    Attributes:
        dataset: its name.
        videos: what was found in each video, in order.
    """

    dataset: str
    videos: tuple[VideoCheck, ...]

    @property
    def wrong(self) -> list[VideoCheck]:
        """The videos with problems."""
        return [video for video in self.videos if video.problems]


def check_dataset(dataset: Dataset, processes: int | None = None) -> DatasetCheck:
    """Read every frame, density map and fixation map of a data set.

    A video without annotation is wrong, unless the whole test split has none: authors hold it back.

    Args:
        dataset: the data set.
        processes: that read; None is one a core.
    """
    found = map_in_processes(
        check_video, dataset.videos, label=f"checking {dataset.name}", unit="video", processes=processes
    )
    held_back = not any(video.annotated for video in found if video.split == "test")
    there = {kind for video in found if video.annotated for kind in KINDS.values() if kind not in video.lacks}
    return DatasetCheck(dataset.name, tuple(_require_annotation(video, held_back, there) for video in found))


def check_video(video: Video) -> VideoCheck:
    """Read every frame, density map and fixation map of a video, and compare their numbers and sizes."""
    problems: list[str] = []
    annotated, count = video.annotated, 0
    lacks: tuple[str, ...] = ()
    if annotated:
        lacks = ("density",) * (not has_density(video)) + ("fixations",) * (not has_fixations(video))
    try:
        count = video.frames
    except SalzooError as error:
        problems.append(str(error))
        # not part of the interface: other data sets tell no more than the error above
        for path in _attempt(problems, getattr(video, "files", list)) or []:
            _attempt(problems, partial(_read_file, path))
    frames = _frame_sizes(video, count, problems) if count else {}
    if annotated:
        for kind, read in (("density map", read_density), ("fixation map", read_fixations)):
            if KINDS[kind] in lacks:
                continue
            sizes = {}
            for index in range(count):
                map_ = _attempt(problems, partial(read, video, index))
                if map_ is not None:
                    sizes[index] = (map_.shape[0], map_.shape[1])
            problems += _compare_sizes(video, kind, sizes, frames)
    return VideoCheck(video.id, video.split, len(frames), annotated, lacks, tuple(dict.fromkeys(problems)))


def format_check(check: DatasetCheck) -> str:
    """A check as text: the videos of each split, then the problems of each video."""
    lines = []
    for split, number in _splits(check).items():
        published = PUBLISHED.get(check.dataset, {}).get(split)
        of = f" of {published}" if published else ""
        bare = sum(not video.annotated for video in check.videos if video.split == split)
        note = f", {bare} without annotation" if bare else ""
        for kind, name in KINDS.items():
            lacking = sum(name in video.lacks for video in check.videos if video.split == split)
            note += f", {lacking} without {kind}s" if lacking else ""
        frames = sum(video.frames for video in check.videos if video.split == split)
        lines.append(f"{check.dataset} {split}: {number}{of} videos, {frames} frames{note}")
    for video in check.wrong:
        lines.append(f"{video.split} {video.id}:")
        lines += [f"  {problem}" for problem in video.problems[:SHOWN]]
        if len(video.problems) > SHOWN:
            lines.append(f"  and {len(video.problems) - SHOWN} more (--json lists all)")
    wrong = len(check.wrong)
    lines.append(f"{wrong} of {len(check.videos)} videos have problems" if wrong else "nothing is wrong")
    return "\n".join(lines)


def check_json(check: DatasetCheck) -> dict[str, Any]:
    """A check as what JSON can hold."""
    published = PUBLISHED.get(check.dataset, {})
    return {
        "dataset": check.dataset,
        "splits": {split: {"videos": n, "published": published.get(split)} for split, n in _splits(check).items()},
        "videos": [asdict(video) for video in check.videos],
        "wrong": len(check.wrong),
    }


def _splits(check: DatasetCheck) -> dict[str, int]:
    """Number of videos in each split, those included that are known but not here."""
    found = Counter(video.split for video in check.videos)
    return {split: found[split] for split in {**PUBLISHED.get(check.dataset, {}), **found}}


def _require_annotation(video: VideoCheck, held_back: bool, there: set[str]) -> VideoCheck:
    """A video with a problem more for each kind of maps that it lacks though others have it."""
    if video.annotated:
        lacking = [f"it has no {kind}s, which others have" for kind, name in KINDS.items() if name in video.lacks]
        lacking = [problem for problem, name in zip(lacking, video.lacks, strict=True) if name in there]
    else:
        held = video.split == "test" and held_back
        lacking = [] if held else ["it has no density maps and no fixation maps"]
    return replace(video, problems=(*video.problems, *lacking))


def _frame_sizes(video: Video, count: int, problems: list[str]) -> dict[int, Size]:
    """Sizes of the frames that can be read. Of a folder of images, those after an unreadable one are read as well."""
    sizes: dict[int, Size] = {}
    at, before = 0, ""
    while at < count:
        try:
            for frame in video.read_frames(at):
                sizes[at] = (frame.shape[0], frame.shape[1])
                at += 1
        except SalzooError as error:
            if str(error) == before:  # the end of a video that is too short, or no video at all
                break
            before = str(error)
            problems.append(before)
            at += 1
        else:
            if at < count:
                problems.append(f"only {at} of {count} frames can be read")
            break
    return sizes


def _compare_sizes(video: Video, kind: str, sizes: dict[int, Size], frames: dict[int, Size]) -> Sequence[str]:
    """A line for each size of maps that is not that of their frames."""
    wrong: dict[tuple[Size, Size], list[int]] = {}
    for index, size in sizes.items():
        if index in frames and frames[index] != size:
            wrong.setdefault((size, frames[index]), []).append(index)
    return [
        f"{kind} of frame {video.frame_name(indices[0])}{_others(len(indices) - 1)} has {size[0]}×{size[1]} pixels, "
        f"the frame {expected[0]}×{expected[1]}"
        for (size, expected), indices in wrong.items()
    ]


def _others(count: int) -> str:
    return f" (and of {count} more)" if count else ""


def _read_file(path: Path) -> Any:
    ending = path.suffix.lower()
    if ending == ".mat":
        return read_mat_fixations(path)
    if ending == ".avi":
        for _ in read_video(path):
            pass
        return None
    return read_image(path)


def _attempt(problems: list[str], read: Callable[[], Any]) -> Any:
    """What reading gives; where it fails None, and a line more among the problems."""
    try:
        return read()
    except SalzooError as error:
        problems.append(str(error))
        return None
