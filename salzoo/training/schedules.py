"""Learning rates over a run."""

import math
from dataclasses import dataclass

from salzoo.training.recipe import Recipe

FINE = 0.05
"""What is left of the rates for fine-tuning on clips in a run from scratch: as little as published runs fine-tune with,
beside pretraining."""

PATIENCE = 4
PLATEAU_FACTOR = 0.1
PLATEAU_FLOOR = 1e-7
"""VideoSalGAN's plateau: epochs without gain before the rate falls, by how much, and the least rate."""


def rate_factor(recipe: Recipe, group: str, step: int, done: float) -> float:
    """The factor on the learning rate of a parameter group; the plateau's is apart (``Plateau``).

    ``constant`` and ``plateau`` keep the rate, ``cosine`` lets it fall to zero along half a cosine. ``from-scratch``
    lowers the backbone's rate over the second half of the stills to ``FINE`` of it, where it stays: one video's clips
    in a row would undo at full rate what shuffled frames have taught. Temporal modules, which learn from clips, fall to
    that at the end of the run. ``steps`` takes a tenth after each of ``recipe.drops``, but for the encoder
    (TASED-Net); ``exponential`` multiplies by ``recipe.decay`` with each epoch (UNISAL). All rise over
    ``recipe.warm_up`` steps.

    Args:
        recipe: names the schedule.
        group: "encoder", "backbone", or a group of temporal parameters.
        step: number of the step, from 1.
        done: share of the run that lies behind, in [0, 1].
    """
    warm = min(1.0, step / recipe.warm_up) if recipe.warm_up else 1.0
    if recipe.schedule == "cosine":
        return warm * 0.5 * (1 + math.cos(math.pi * done))
    if recipe.schedule == "steps":
        return warm if group == "encoder" else warm * 0.1 ** sum(done >= drop for drop in recipe.drops)
    if recipe.schedule == "exponential":
        return warm * recipe.decay ** int(done * recipe.epochs)
    if recipe.schedule == "from-scratch":
        phase = done / recipe.stills if group in ("encoder", "backbone") and recipe.stills else done
        return warm * max(FINE, min(1.0, 2 * (1 - phase)))
    return warm


@dataclass
class Plateau:
    """Lowers the rates where the mean loss of an epoch has not fallen for ``PATIENCE`` epochs.

    Attributes:
        lowest: lowest mean loss of an epoch.
        waited: epochs since then.
        factor: on the learning rates.
    """

    lowest: float = math.inf
    waited: int = 0
    factor: float = 1.0

    def end_epoch(self, loss: float, lr: float) -> None:
        """Take note of an epoch's mean loss; ``lr`` is the recipe's, which bounds how far the factor falls."""
        if loss < self.lowest:
            self.lowest, self.waited = loss, 0
            return
        self.waited += 1
        if self.waited > PATIENCE:
            self.waited = 0
            self.factor = max(self.factor * PLATEAU_FACTOR, min(1.0, PLATEAU_FLOOR / lr) if lr else 1.0)
