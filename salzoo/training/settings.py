"""What a training run was asked to do."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Everything that decides a run, besides the spec and the data. The run folder records it.

    Attributes:
        epochs: passes over the training videos.
        minutes: stop after so many, wherever the epoch stands; None for no limit.
        clip_length: frames of a clip: what one optimiser step sees, and how far gradients reach back in time.
        batch: videos that run side by side.
        size: (height, width) of the model's input.
        lr: learning rate of Adam.
        alpha_lr: learning rate of learned EMA weights (``temporal.*.alpha``), which get no weight decay.
        decay: whether the learning rates fall to 0, linearly, over the second half of the run.
        seed: of weights and dropout.
        init: "random", "imagenet", or the model whose backbone the run starts from.
    """

    epochs: int
    minutes: float | None
    clip_length: int
    batch: int
    size: tuple[int, int]
    lr: float
    alpha_lr: float
    decay: bool
    seed: int
    init: str
