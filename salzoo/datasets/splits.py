"""Splits of one's own videos.

The videos are put into the order of the sha256 of "SEED ID" as text. A fifth of them, at least one, are the test split,
as many the validation split, the rest the training split; of two videos the second is the validation split, one alone
is a training split. Of folds, the videos whose place in that order is ``fold`` modulo ``folds`` are the test split,
those of the next fold the validation split, the rest the training split.
"""

import hashlib
from collections.abc import Sequence

from salzoo.interfaces.errors import SalzooError


def split_videos(ids: Sequence[str], seed: int) -> dict[str, str]:
    """The split of each video, by the rule above.

    >>> from collections import Counter
    >>> sorted(Counter(split_videos([f"clip{n}" for n in range(10)], seed=0).values()).items())
    [('test', 2), ('train', 6), ('val', 2)]
    """
    order = _order(ids, seed)
    fifth = max(1, round(len(order) / 5))
    if len(order) < 3:
        return dict(zip(order, ("train", "val"), strict=False))
    splits = ["test"] * fifth + ["val"] * fifth + ["train"] * (len(order) - 2 * fifth)
    return dict(zip(order, splits, strict=True))


def split_folds(ids: Sequence[str], folds: int, fold: int, seed: int) -> dict[str, str]:
    """The split of each video where the test splits of all folds have each video once, by the rule above.

    Raises:
        SalzooError: fewer than three folds, more than videos, or no such fold.

    >>> ids = [f"clip{n}" for n in range(10)]
    >>> tests = [name for fold in range(5) for name, split in split_folds(ids, 5, fold, 0).items() if split == "test"]
    >>> sorted(tests) == ids
    True
    """
    if not 3 <= folds <= len(ids):
        raise SalzooError(f"folds must be 3 to {len(ids)}, the number of videos, not {folds}")
    if not 0 <= fold < folds:
        raise SalzooError(f"fold must be 0 to {folds - 1} of {folds}, not {fold}")
    parts = {fold: "test", (fold + 1) % folds: "val"}
    return {name: parts.get(place % folds, "train") for place, name in enumerate(_order(ids, seed))}


def _order(ids: Sequence[str], seed: int) -> list[str]:
    return sorted(ids, key=lambda name: hashlib.sha256(f"{seed} {name}".encode()).digest())
