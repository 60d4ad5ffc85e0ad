"""The videos and images that people watched, and the split of each.

**Splits.** The videos are put into the order of the sha256 of "SEED ID" as text. A fifth of them, at least one, are the
test split, as many the validation split, the rest the training split; of two videos the second is the validation
split, one alone is a training split.
"""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from salzoo.datasets.files import IMAGES, names_in, natural_order
from salzoo.datasets.tree import VIDEOS
from salzoo.gaze.setup import Stimulus
from salzoo.interfaces.errors import SalzooError
from salzoo.video.pictures import read_image
from salzoo.video.reading import probe_video


def list_stimuli(folder: Path) -> list[Stimulus]:
    """The videos and images of a folder, in the order of their names. Raises SalzooError for one that cannot be read,
    two of one name without ending, or none."""
    if not folder.is_dir():
        raise SalzooError(f"{folder} is not a folder" if folder.exists() else f"{folder} does not exist")
    found: dict[str, Stimulus] = {}
    for name in natural_order(names_in(folder)):
        path = folder / name
        ending = path.suffix.lower()
        if name.startswith(".") or ending not in (*VIDEOS, *IMAGES):
            continue
        if path.stem in found:
            raise SalzooError(f"{folder} has two files named {path.stem}: {found[path.stem].path.name} and {name}")
        if not path.stem.isprintable() or "\\" in path.stem:
            raise SalzooError(f"{folder} has a file named {name!r}, which cannot name a video")
        if ending in IMAGES:
            height, width = read_image(path).shape[:2]
            found[path.stem] = Stimulus(path.stem, path, (height, width), 1, 0.0)
            continue
        info = probe_video(path)
        if not info.fps:
            raise SalzooError(f"{path} does not say its frames per second; write it again as MP4")
        found[path.stem] = Stimulus(path.stem, path, (info.height, info.width), info.frames, info.fps)
    if not found:
        raise SalzooError(f"{folder} holds no videos or images ({', '.join((*VIDEOS, *IMAGES))})")
    return list(found.values())


def matcher(stimuli: Sequence[Stimulus]) -> Callable[[str], int]:
    """From a name in a table, with or without ending, to the number of a stimulus; −1 for none."""
    numbers: dict[str, int] = {}
    for number, stimulus in enumerate(stimuli):
        for name in (stimulus.path.name, stimulus.id):
            numbers.setdefault(name.lower(), number)

    def match(name: str) -> int:
        plain = name.replace("\\", "/").rpartition("/")[2].lower()
        return numbers.get(plain, -1)

    return match


def split_videos(ids: Sequence[str], seed: int) -> dict[str, str]:
    """The split of each video, by the rule above.

    >>> from collections import Counter
    >>> sorted(Counter(split_videos([f"clip{n}" for n in range(10)], seed=0).values()).items())
    [('test', 2), ('train', 6), ('val', 2)]
    """
    order = sorted(ids, key=lambda name: hashlib.sha256(f"{seed} {name}".encode()).digest())
    fifth = max(1, round(len(order) / 5))
    if len(order) < 3:
        return dict(zip(order, ("train", "val"), strict=False))
    splits = ["test"] * fifth + ["val"] * fifth + ["train"] * (len(order) - 2 * fifth)
    return dict(zip(order, splits, strict=True))
