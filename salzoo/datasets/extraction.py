"""Frames of DHF1K's AVI files as images, for code that wants them so."""

import os
from dataclasses import dataclass
from pathlib import Path

from salzoo.datasets.dhf1k import DHF1KVideo, list_videos
from salzoo.datasets.files import check_root, frame_files, numbered
from salzoo.interfaces.errors import SalzooError
from salzoo.runtime.processes import map_in_processes
from salzoo.video.pictures import image_folder
from salzoo.video.reading import probe_video, read_video


@dataclass(frozen=True)
class Extraction:
    """What an extraction did.

    Attributes:
        extracted: number of videos whose frames were written.
        kept: number of videos whose frames were there already.
        problems: a line for each video that could not be extracted, by id.
    """

    extracted: int
    kept: int
    problems: dict[str, str]


def extract_frames(root: Path | None, out: Path | None = None, processes: int | None = None) -> Extraction:
    """Write the frames of every ``video/NNN.AVI`` to ``annotation/NNNN/images/0001.png`` and so on.

    The images hold the pixels of the video, PNG being lossless. The folder of a video appears when it is complete, so
    that an interrupted extraction goes on where it was when it is started again.

    Args:
        root: root folder of DHF1K.
        out: folder to write to, instead of the root. It becomes a root of its own: beside the images are links to the
            maps of the first.
        processes: that work; None is one a core, fewer for few videos.

    Raises:
        SalzooError: no root is named, or it has no AVI. What is wrong with one video is told in the result.
    """
    root = check_root("dhf1k", root)
    avis = numbered(root / "video", (".avi",))
    if not avis:
        raise SalzooError(f"{root / 'video'} has no AVI files to extract frames from")
    videos = [video for video in list_videos(root) if video.number in avis]
    annotations = numbered(root / "annotation", ("",))
    jobs = []
    for video in videos:
        in_place = annotations.get(video.number, root / "annotation" / video.id)
        folder = in_place if out is None else out / "annotation" / video.id
        jobs.append(_Job(video, avis[video.number], folder, linked=out is not None))
    done = map_in_processes(_extract, jobs, label="extracting frames", unit="video", processes=processes)
    return Extraction(
        extracted=done.count("extracted"),
        kept=done.count("kept"),
        problems={
            video.id: outcome
            for video, outcome in zip(videos, done, strict=True)
            if outcome not in ("extracted", "kept")
        },
    )


@dataclass(frozen=True)
class _Job:
    video: DHF1KVideo
    avi: Path
    folder: Path
    linked: bool


def _extract(job: _Job) -> str:
    """Extract one video: "extracted", "kept", or what went wrong."""
    try:
        job.folder.mkdir(parents=True, exist_ok=True)
        if job.linked:
            _link(job.video.maps, job.folder / "maps")
            _link(job.video.fixations, job.folder / "fixation")
        return _write_images(job.avi, job.folder / "images")
    except SalzooError as error:
        return str(error)
    except OSError as error:
        return f"cannot write {job.folder}: {error.strerror or error}"


def _write_images(avi: Path, images: Path) -> str:
    frames = probe_video(avi).frames
    if images.is_dir() and any(images.iterdir()):
        found = len(frame_files(images))
        if found != frames:
            raise SalzooError(
                f"{images} holds {found} images, {avi} has {frames} frames; remove the folder to extract anew"
            )
        return "kept"
    with image_folder(images) as write:
        for frame in read_video(avi):
            write(frame)
    return "extracted"


def _link(source: Path, link: Path) -> None:
    if source.is_dir() and not link.is_symlink() and not link.exists():
        link.symlink_to(os.path.abspath(source), target_is_directory=True)
