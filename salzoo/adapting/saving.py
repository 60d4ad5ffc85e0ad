"""The table of an adaptation, and its checkpoint folder."""

import math
from pathlib import Path

from salzoo.adapting.choosing import Adaptation, Choice
from salzoo.hub.cards import run_card
from salzoo.hub.checkpoint import save_checkpoint


def format_adaptation(found: Adaptation) -> list[str]:
    """What was tried and what it is worth, a line each."""
    items, (height, width) = len(found.taken.nss), found.grid
    lines = [
        f"NSS on pictures or videos that were not fitted to ({items}, in 5 parts; on a grid of {height}×{width}); "
        "higher is better",
        f"{'':29}{'NSS':>7}{'gain over the model, 95 %':>30}{'numbers':>9}{'frames/s':>10}",
    ]
    lines += [_row(choice, choice is found.taken) for choice in found.choices]
    if not math.isnan(found.people):
        lines.append(f"{'people':29}{found.people:7.3f}")
    return [*lines, "* taken: the cheapest that no costlier one beats by more than its worth"]


def save_adaptation(found: Adaptation, model: str, dataset: str, split: str, folder: Path) -> None:
    """Write the checkpoint folder of what was taken, with its card."""
    assert found.model is not None
    lines = [
        f"{len(found.taken.nss)} pictures or videos of {dataset}, split {split}; `salzoo adapt {model}`",
        f"{found.taken.numbers} numbers, {found.taken.name}",
        *format_adaptation(found),
    ]
    data = f"Behind {model}, whose network stays as it was, few numbers are fitted to {dataset}."
    save_checkpoint(found.model, folder, run_card(str(found.model.spec), data=data, training=lines))


def _row(choice: Choice, taken: bool) -> str:
    mean, low, high = choice.gain
    gain = f"{mean:+.3f} [{low:+.3f}, {high:+.3f}]" if choice.sizes is not None else ""
    rate = f"{choice.rate:.1f}" if math.isfinite(choice.rate) else ""
    return f"{('* ' if taken else '  ') + choice.name:29}{choice.nss.mean():7.3f}{gain:>30}{choice.numbers:9}{rate:>10}"
