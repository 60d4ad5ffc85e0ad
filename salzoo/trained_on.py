"""What a model was trained on, and whether it is tested on that.

>>> from types import SimpleNamespace as Video
>>> seen, new = [Video(id="a", frames=25), Video(id="b", frames=50)], [Video(id="c", frames=25)]
>>> trained_on = TrainedOn().and_on("hevc33:fold=0", "train", seen, seen + new)
>>> overlap(trained_on, "hevc33:fold=1", seen + new).words
'trained on 2 of these 3 videos: not a test'
>>> overlap(trained_on, "hevc33:fold=0", new).words
'trained on none of these videos'
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from salzoo.interfaces import SalzooError, Video
from salzoo.plugins import registry
from salzoo.runtime.texts import listed

HASHED = 6
"""Bytes of the hash of an item: a thousand of them against a hundred thousand, one in three million is wrong."""

MOST = 100_000
"""Items of a data set that are recorded one by one: of a larger one its name alone, as if authors had stated it."""

_OWN = "folder"
"""What items of one's own folders are hashed with: a folder may be renamed, and another have its name, so that no name
tells whether two of them are the same."""


@dataclass(frozen=True)
class TrainingSet:
    """The items of one data set that a model learned from.

    Attributes:
        name: of the data set, with its parameters ("hevc33:fold=0").
        split: which of its splits.
        version: a digest of the names and lengths of all of the set's items, whatever their split.
        items: a hash of each item, of the set's name without parameters and the item's id.
    """

    name: str
    split: str
    version: str
    items: frozenset[bytes]

    def as_record(self) -> dict[str, Any]:
        """As JSON has it."""
        hashed = base64.b64encode(b"".join(sorted(self.items))).decode("ascii")
        return {"name": self.name, "split": self.split, "version": self.version, "items": hashed}


@dataclass(frozen=True)
class TrainedOn:
    """What a model was trained on, the weights that it began from included.

    Attributes:
        sets: what is known item by item.
        stated: names of further data sets, as the authors of its weights state them ("DHF1K"): which items is unknown.
        unknown: whether there were further data of which nothing is known.
    """

    sets: tuple[TrainingSet, ...] = ()
    stated: tuple[str, ...] = ()
    unknown: bool = False

    def and_on(self, name: str, split: str, videos: Sequence[Video], whole: Sequence[Video]) -> "TrainedOn":
        """This, and then videos of a data set; ``whole`` are all that the set has."""
        if len(videos) > MOST:
            return self.and_stated(name)
        listed = "\n".join(f"{video.id} {video.frames}" for video in whole)
        version = hashlib.sha256(listed.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        called = _OWN if _is_own(name) else name
        trained = TrainingSet(name, split, version, frozenset(_hash(called, video.id) for video in videos))
        return TrainedOn((*(each for each in self.sets if each != trained), trained), self.stated, self.unknown)

    def and_stated(self, *names: str) -> "TrainedOn":
        """This, and then what authors state."""
        return TrainedOn(self.sets, tuple(dict.fromkeys((*self.stated, *names))), self.unknown)

    def as_record(self) -> dict[str, Any]:
        """As a checkpoint's ``config.json`` has it."""
        return {
            "sets": [each.as_record() for each in self.sets],
            "stated": list(self.stated),
            "unknown": self.unknown,
        }


UNKNOWN = TrainedOn(unknown=True)


@dataclass(frozen=True)
class Overlap:
    """How many of the videos that a model is tested on it was trained on.

    Attributes:
        seen: so many; None where that is not known.
        of: these videos.
        words: the same for the reader of a score.
    """

    seen: int | None
    of: int
    words: str

    def __str__(self) -> str:
        """As a column of a table has it: "7 of 7", "unknown"."""
        return "unknown" if self.seen is None else f"{self.seen} of {self.of}"


def overlap(trained_on: TrainedOn, dataset: str, videos: Sequence[Video]) -> Overlap:
    """Whether a model was trained on videos that it is tested on.

    Args:
        trained_on: of the model (``SaliencyModel.trained_on``).
        dataset: name of the data set that they are of; parameters do not matter.
        videos: those it is tested on.
    """
    count, noun = len(videos), "images" if all(video.frames == 1 for video in videos) else "videos"
    known = frozenset[bytes]().union(*(each.items for each in trained_on.sets))
    own = _is_own(dataset)
    names = (_OWN, dataset) if own else (dataset,)  # its own name: of checkpoints that were saved before
    seen = sum(any(_hash(name, video.id) in known for name in names) for video in videos)
    stated = listed(trained_on.stated)
    if seen and own and _set_of(dataset) not in {_set_of(each.name) for each in trained_on.sets} - {_OWN}:
        words = f"trained on {noun} of one's own of which {seen} have the names of these {count}: no test if the same"
        return Overlap(seen, count, words)
    if seen:
        return Overlap(seen, count, f"trained on {seen} of these {count} {noun}: not a test")
    if trained_on.unknown and not trained_on.sets:
        return Overlap(None, count, f"what it was trained on is unknown{f', besides {stated}' if stated else ''}")
    if trained_on.unknown:
        return Overlap(None, count, f"trained on none of these {noun}; what the weights before had seen is unknown")
    if any(_plain(name) == _plain(_set_of(dataset)) for name in trained_on.stated):
        return Overlap(None, count, f"trained on {stated}, as stated with its weights: on which {noun} is not recorded")
    if stated and not trained_on.sets:
        return Overlap(0, count, f"trained on {stated}, as stated with its weights: on none of these {noun}")
    return Overlap(0, count, f"trained on none of these {noun}")


def pool_overlaps(found: Sequence[tuple[tuple[str, ...], Overlap | None]], of: int) -> Overlap | None:
    """The overlap of one model's networks, each tested on some videos (by id), over all of these ``of`` videos;
    those of other seeds are tested on the same ones."""
    each = [overlapping for _, overlapping in found if overlapping is not None]
    if len(each) < len(found) or not each:
        return None
    unknown = next((one for one in each if one.seen is None), None)
    if unknown is not None:
        return unknown
    most: dict[tuple[str, ...], int] = {}
    for videos, one in found:
        most[videos] = max(most.get(videos, 0), (one and one.seen) or 0)
    seen = min(sum(most.values()), of)
    return Overlap(seen, of, f"trained on {seen} of these {of} videos: not a test") if seen else each[0]


def read_trained_on(record: object) -> TrainedOn:
    """What ``config.json`` says; of one that says nothing it is unknown.

    Raises SalzooError where it is no such record.
    """
    if record is None:
        return UNKNOWN
    match record:
        case {"sets": list(sets), "stated": list(stated), "unknown": bool(unknown)}:
            if all(isinstance(name, str) and name.isprintable() and len(name) <= 100 for name in stated):
                return TrainedOn(tuple(_read_sets(sets)), tuple(stated), unknown)
    raise SalzooError("trained_on must be sets, stated (texts) and unknown (true or false)")


def _read_sets(records: Sequence[object]) -> Iterator[TrainingSet]:
    for record in records:
        match record:
            case {"name": str(name), "split": str(split), "version": str(version), "items": str(text)}:
                try:
                    hashed = base64.b64decode(text, validate=True)
                except (binascii.Error, ValueError):
                    break
                if len(hashed) % HASHED == 0 and all(t.isprintable() and len(t) <= 500 for t in (name, split, version)):
                    starts = range(0, len(hashed), HASHED)
                    yield TrainingSet(name, split, version, frozenset(hashed[i : i + HASHED] for i in starts))
                    continue
        break
    else:
        return
    raise SalzooError("trained_on: a set must have a name, split, version and items (hashes in base64)")


def describe_trained_on(trained_on: TrainedOn) -> str:
    """What a model was trained on, in words.

    >>> describe_trained_on(TrainedOn(stated=("ImageNet",)))
    'ImageNet (as stated)'
    """
    parts = [f"{each.name} {each.split} ({len(each.items)} items)" for each in trained_on.sets]
    parts += [f"{name} (as stated)" for name in trained_on.stated]
    return listed([*parts, *(["unknown data"] if trained_on.unknown else [])]) or "nothing"


def _is_own(dataset: str) -> bool:
    """Whether a data set is a folder of one's own: no registered name."""
    return _set_of(dataset) == _OWN or not registry().knows("datasets", _set_of(dataset))


def _hash(dataset: str, item: str) -> bytes:
    return hashlib.sha256(f"{_set_of(dataset)}\n{item}".encode("utf-8", "surrogateescape")).digest()[:HASHED]


def _set_of(dataset: str) -> str:
    return dataset.partition(":")[0]


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
